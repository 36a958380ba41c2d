"""Make the seeds of the corpus: valid inputs from which the fuzzer starts.

Run `python tests/fuzz/seeds.py` when a format changes. Inputs that the fuzzer found have other
names in the same folders and are kept.
"""

import io
import json
import sys
import wave
import zipfile
from binascii import b2a_base64, crc32
from pathlib import Path

import numpy as np

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS.parent), str(TESTS)]

from nearhum import wire  # noqa: E402
from nearhum.sources import recording  # noqa: E402

from fuzz.targets import records_in  # noqa: E402

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


def record(kind: int, payload: bytes) -> bytes:
    """Return a record in the form that targets.records_in reads."""
    if kind == wire.RUN:
        return bytes([3, 1, len(payload)]) + payload
    payload += b" " * (-len(payload) % 4)
    return bytes([16 if kind == wire.BOOT else 18, 1, len(payload) // 4]) + payload


def scores(first: int, state: int, n: int) -> bytes:
    """Return the payload of a RUN record with labels, for n windows from first on."""
    payload = bytearray(wire.RUN_HEADER_BYTES)
    wire.pack_run_header_into(payload, first, 300, state, n, True)
    return bytes(payload) + b"\x90\x03" + bytes(range(n - 1)) + bytes([0, n - 2, 1, 2])


def line(what: dict) -> bytes:
    """Return an answer without its first character, which targets.Liar puts before it."""
    return json.dumps(what, separators=(",", ":")).encode()[1:]


def seeds() -> dict[str, bytes]:
    """Return {target/name: bytes}."""
    says = record(wire.BOOT, json.dumps(BOOT, separators=(",", ":")).encode())
    says += record(wire.RUN, scores(0, wire.LEARN, 8)) + record(wire.RUN, scores(8, wire.WATCH, 5))
    says += b"".join(record(wire.EVENT, json.dumps(event).encode()) for event in EVENTS)
    log = records_in(says)
    # Its fingerprint, 224, is its own length, because the target `image` compares the two.
    state = wire.seal(wire.STATE_MAGIC, 224, 3, bytes(range(200)))
    chunk = {
        "size": len(state),
        "crc": crc32(state[:-4]),
        "offset": 0,
        "b64": b2a_base64(state).decode().strip(),
    }
    logged = {"from": 1, "next": 8, "last": 8, "b64": b2a_base64(log).decode().strip()}
    listed = {
        "verb": "list",
        "prototypes": [{"label": "tap", "count": 1, "id": 1}],
        "vetoed": ["\x9b31m"],
    }
    snapshots = {
        "verb": "list",
        "snapshots": [{"number": 1, "cause": "learn 8", "state": "idle", "crc": 5}],
    }
    npy, npz, wav = io.BytesIO(), io.BytesIO(), io.BytesIO()
    np.save(npy, np.arange(12, dtype=np.int16).reshape(4, 3))
    with zipfile.ZipFile(npz, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("../../s1.npy"), npy.getvalue())
    with wave.open(wav, "wb") as out:
        out.setparams((2, 2, 8000, 4, "NONE", ""))
        out.writeframes(bytes(range(16)))
    nhr = recording.pack_recording_header(2, 2, 50000, 4)
    for cue in ("~", "enrol tap"):
        nhr += recording.pack_segment_header(2, cue) + bytes(range(8))
    virtual = (TESTS.parent / "boards" / "virtual.toml").read_bytes()
    kinds = (nhr, npy.getvalue(), npz.getvalue(), b"a;b\n1;2\n3;-4\n", wav.getvalue())
    return {
        "log/sound": log,
        "log/damaged": log[:40] + b"\xa7" * 30 + log[40:-5],
        "records/sound": says,
        "report/sound": says,
        "labels/sound": b"first,last,label\n0,7,normal\n8,9,leak\n",
        "image/state": state,
        "image/head": wire.seal(wire.HEAD_MAGIC, 0, 0, b"\x04\0\1\0" + b"\2\0\1\0" + bytes(28)),
        **{f"recording/{i}": bytes([i if i else 8 * 5]) + kinds[i] for i in range(5)},
        "board/virtual": virtual,
        "board/extends": (
            b'extends = "rpi_pico"\nkind = "vibration"\n[settings]\nn_bands = 8\nsource ='
            b" 1979-05-27\n"
        ),
        "answer/status": (
            line({"x": True, **STATUS})[4:].replace(b"true", b'true,"verb":"status"', 1)
        ),
        "answer/list": b"true," + line(listed),
        "answer/snapshots": b"true," + line(snapshots),
        "answer/refused": b'false,"verb":"learn","error":"\\u001b[31mno","hint":""}',
        "pull/sound": b"\n".join([line(logged), line(STATUS), line(logged)]),
        "backup/sound": line(STATUS) + b"\n" + line(chunk),
        "prompt/sound": b'["/../../x",1,"ab\\u001b12"]\n[4096,352,300]\n',
    }


def main() -> None:
    for name, contents in seeds().items():
        path = TESTS / "corpus" / f"{name}.seed"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(contents)


if __name__ == "__main__":
    main()
