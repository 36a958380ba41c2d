"""Samples: what a sound board says, for seeds.py and for the structured targets."""

from nearhum import wire

BOOT = {
    "format": 2,
    "board": "pump <b>",
    "boot": 1,
    "utc": 1e9,
    "config": {"kind": "telemetry", "rate_hz": 1, "n_hop": 1},
}
EVENTS = (
    {"event": "state", "state": "learn", "windows": 8, "window": 0},
    {"event": "learned", "n": 8, "threshold": 300, "modes": [8], "window": 8},
    {"event": "enrolled", "label": "<script>tap</script>", "id": 1, "count": 1, "window": 9},
    {"event": "alarm", "window": 10, "score": 900, "strangest": [["rms 0", 60]]},
    {"event": "alarm_end", "window": 12, "score": 10},
)
STATUS = {
    "version": "0.1.0", "board": "../../pump", "kind": "telemetry", "path": "fixed",
    "state": "watch", "n_learned": 8, "learn_left": 0, "learn_total": 8, "paused": False,
    "learn_most": 0, "drift_left": None, "score": 12, "threshold": 300, "alarm": False,
    "label": "\x1b[2Jtap", "mode": None, "n_windows": 12, "n_prototypes": 1, "n_labels": 1,
    "enrolling": 0, "state_bytes": 300, "seq": 7, "synced_seq": 7, "log_first": 0, "boot": 1,
    "uptime_s": 60, "mem_free": 100000, "source": "ok", "faults": 0, "unsaved": "", "warning": "",
    "dropped": 0,
}  # fmt: skip
SETTINGS = {
    "kind": "vibration", "rate_hz": 100, "n_channels": 1, "n_window": 64, "n_hop": 32, "board":
    "pump", "source": {"driver": "mpu6050", "range_g": 4},
}  # fmt: skip
SEEN = {
    "format": 1,
    "utc": "2026-11-30T12:00:00+00:00",
    "status": STATUS,
    "look": {
        "window": 11, "embedding": "AAECAw==", "variance": "AAEAAAABAAAAAQAAAAEAAA==", "means":
        ["AAECAw=="], "mode": 0, "strangest": [["c0.rms", 60]],
    },
    "names": ["c0.rms", "c0.peak", "c0.1-2Hz", "c0.2-4Hz"],
    "prototypes": [{"label": None, "count": 8, "id": 0}, {"label": "tap", "count": 1, "id": 1}],
}  # fmt: skip


def scores(first: int, state: int, n: int) -> bytes:
    """Return the payload of a RUN record with labels, for n windows from first on."""
    payload = bytearray(wire.RUN_HEADER_BYTES)
    wire.pack_run_header_into(payload, first, 300, state, n, True)
    return bytes(payload) + b"\x90\x03" + bytes(range(n - 1)) + bytes([0, n - 2, 1, 2])


RUN = scores(0, wire.WATCH, 8)
