"""Recordings as others read them: what is written is read back, with time, names and units."""

import json
import struct
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest
from nearhum_host.errors import UsageError
from nearhum_host.recordings import writers
from nearhum_host.recordings.reader import read

FRAMES = np.random.default_rng(1).integers(-32768, 32768, (90, 3)).astype(np.int16)
START_NS = 1_774_745_998_500_000_000


def given(**more: Any) -> writers.Samples:
    return writers.Samples(
        FRAMES, 62.5, ["ax", "ay", "az"], ["g", "g", "g"], start_ns=START_NS, label="tap", **more
    )


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_tables_are_read_back(tmp_path: Path, form: str) -> None:
    file = tmp_path / f"t{writers.FORMS[form]}"
    for scale in (None, [8192.0] * 3):
        file.unlink(missing_ok=True)
        writers.write(file, given(scale=scale), form)
        found = read(file)
        assert found.rate_hz == 62.5
        got = np.stack([next(found.column(i)) for i in range(3)], axis=1)
        np.testing.assert_allclose(got * (8192 if scale else 1), FRAMES, atol=0.01)
        assert found.stretches[0].start_ns == START_NS
        assert [name.split()[0] for name in found.names] == ["ax", "ay", "az"]
        if form == "csv":
            assert found.units == (["g"] * 3 if scale else ["counts"] * 3)


def test_parquet_says_units_and_rate(tmp_path: Path) -> None:
    writers.write(tmp_path / "t.parquet", given(), "parquet")
    with duckdb.connect() as db:
        rows = db.execute(
            "SELECT decode(key), decode(value) "
            f"FROM parquet_kv_metadata('{tmp_path / 't.parquet'}')"
        ).fetchall()
        kinds = db.execute(f"DESCRIBE SELECT * FROM '{tmp_path / 't.parquet'}'").fetchall()
    told = dict(rows)
    assert (told["unit.ax"], told["rate_hz"], told["label"]) == ("counts", "62.5", "tap")
    assert [row[1] for row in kinds] == ["TIMESTAMP_NS", "SMALLINT", "SMALLINT", "SMALLINT"]


def test_wav(tmp_path: Path) -> None:
    writers.write(tmp_path / "t.wav", writers.Samples(FRAMES, 8000), "wav")
    found = read(tmp_path / "t.wav")
    assert (found.rate_hz, found.n_channels) == (8000, 3)
    assert next(found.column(2)).tolist() == FRAMES[:, 2].tolist()
    with pytest.raises(UsageError, match=r"no rate of 62\.5 Hz"):
        writers.write(tmp_path / "u.wav", given(), "wav")
    with pytest.raises(UsageError, match="no format 'mp3'"):
        writers.write(tmp_path / "u.mp3", given(), "mp3")


def test_edge_impulse(tmp_path: Path) -> None:
    writers.write(tmp_path / "t.json", given(scale=[8192.0] * 3), "ei-json")
    writers.write(tmp_path / "t.cbor", given(scale=[8192.0] * 3), "ei-cbor")
    told = json.loads((tmp_path / "t.json").read_text())
    assert told["protected"] == {"ver": "v1", "alg": "none", "iat": 1774745998}
    assert told["signature"] == "0" * 64
    payload = told["payload"]
    assert payload["interval_ms"] == 16
    assert payload["sensors"][0] == {"name": "ax", "units": "g"}
    np.testing.assert_allclose(np.array(payload["values"]) * 8192, FRAMES)
    value, rest = item((tmp_path / "t.cbor").read_bytes())
    assert (value, rest) == (told, b"")


def item(raw: bytes) -> tuple[Any, bytes]:
    """Return (value, what is left) of a CBOR item, by RFC 8949, section 3."""
    major, n = raw[0] >> 5, raw[0] & 31
    raw = raw[1:]
    if major == 7:
        if n == 27:
            return struct.unpack(">d", raw[:8])[0], raw[8:]
        return {20: False, 21: True, 22: None}[n], raw
    if n >= 24:
        size = 1 << n - 24
        n, raw = int.from_bytes(raw[:size], "big"), raw[size:]
    if major in (0, 1):
        return n if major == 0 else -1 - n, raw
    if major == 3:
        return raw[:n].decode(), raw[n:]
    out: list[Any] = []
    for _ in range(n * (2 if major == 5 else 1)):
        value, raw = item(raw)
        out.append(value)
    return (dict(zip(out[::2], out[1::2], strict=True)) if major == 5 else out), raw


@pytest.mark.parametrize("n", [0, 23, 24, 255, 256, 65535, 65536, 1 << 32, -1, -25])
def test_cbor_of_whole_numbers(n: int) -> None:
    assert item(writers.cbor(n)) == (n, b"")
