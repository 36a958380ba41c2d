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

from fuzz.samples import BOOT, EVENTS, STATUS, scores  # noqa: E402
from fuzz.targets import records_in  # noqa: E402


def record(kind: int, payload: bytes) -> bytes:
    """Return a record in the form that targets.records_in reads."""
    if kind == wire.RUN:
        return bytes([3, 1, len(payload)]) + payload
    payload += b" " * (-len(payload) % 4)
    return bytes([16 if kind == wire.BOOT else 18, 1, len(payload) // 4]) + payload


# As shapes.log_of reads them: each event, a BOOT and a RUN, nothing in them changed.
EACH = b"".join(bytes((kind, 0, 0)) for kind in range(len(EVENTS) + 2))
# As structured.onnx reads them: 4 values in, Gemm of (4, 4) and 4 floats, Relu, Gemm, Softmax.
_FLOATS = bytes((0, 0, 1)) + np.array([0.5, -1.0], "<f4").tobytes()
_GEMM = bytes((0, 2, 2, 0, 4, 0, 4)) + _FLOATS + bytes((1, 0, 4)) + _FLOATS + b"\0"
DENSE = bytes((0, 1, 0, 4)) + _GEMM + bytes((3, 0, 0)) + _GEMM + bytes((20, 0, 0))


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
        # no bytes at all are what is sound (shapes.py); then one of each kind of record, as it is
        **{f"{name}/sound": b"\0" for name in ("beside", "record", "printed")},
        **{f"record/{i}": bytes([i]) for i in range(1, 7)},
        **{f"{name}/sound": EACH for name in ("events", "tables")},
        "events/odd": bytes((0, 2, 0, 0, 5, 7, 1, 0, 9, 30, 4, 1, 3, 0, 2, 17, 5, 0)) * 4,
        "beside/bytes": b"\1" + line({"x": 0, "format": 1, "utc": "2026-01-01"}),
        "npz/sound": bytes((0, 1, 4, 0, 0)) + bytes(range(1, 21)) + b"\0",
        "npz/empty": bytes((1, 3)) + bytes(90),
        "onnx/dense": DENSE,
        "onnx/bytes": b"\1\x08\x09",
        "prompt/sound": b'["/../../x",1,"ab\\u001b12"]\n[4096,352,300]\n',
    }


def main() -> None:
    for name, contents in seeds().items():
        path = TESTS / "corpus" / f"{name}.seed"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(contents)


if __name__ == "__main__":
    main()
