"""Write recordings for other tools: csv, Parquet, wav, and Edge Impulse's ingestion format.

Enters: samples of one stretch, with names, units and time. Leaves: a file. Samples are counts, or
with a scale in its unit. Source: Edge Impulse, "Data acquisition format" (JSON and
CBOR, signature none); RFC 8949 (CBOR).
"""

from __future__ import annotations

import json
import struct
import wave
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import repeat
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import UsageError
from ..extras import needs

# By form: the suffix of its files.
FORMS = {
    "csv": ".csv",
    "parquet": ".parquet",
    "wav": ".wav",
    "ei-json": ".json",
    "ei-cbor": ".cbor",
}


@dataclass
class Samples:
    """One stretch without a gap.

    frames: int16 (n, channels), or float with NaN for none; names, units: one a channel; scale:
    counts per unit, one a channel, None where counts are written; start_ns: since 1970, None where
    it is not known. For tables, where rows do not follow at one pace: own_times_ns, int64 (n,); and
    texts, columns that are no numbers.
    """

    frames: np.ndarray
    rate_hz: float
    names: Sequence[str] = ()
    units: Sequence[str] = ()
    scale: Sequence[float] | None = None
    start_ns: int | None = None
    label: str = ""
    device: str = "nearhum"
    about: dict[str, str] = field(default_factory=dict)
    own_times_ns: np.ndarray | None = None
    texts: dict[str, Sequence[str]] = field(default_factory=dict)

    @property
    def heads(self) -> list[tuple[str, str]]:
        """(name, unit) of each channel. The unit of counts is "counts"."""
        n = self.frames.shape[1]
        names = list(self.names) or [f"c{i}" for i in range(n)]
        units = list(self.units) if self.scale is not None else ["counts"] * n
        return [(name, unit) for name, unit in zip(names, units or [""] * n, strict=True)]

    @property
    def values(self) -> np.ndarray:
        """The samples in their unit, (n, channels)."""
        return self.frames if self.scale is None else self.frames / np.asarray(self.scale)

    @property
    def times_ns(self) -> np.ndarray:
        """Time of each sample, int64 ns since 1970, or since the first if that is unknown."""
        if self.own_times_ns is not None:
            return self.own_times_ns
        return (self.start_ns or 0) + np.rint(
            np.arange(len(self.frames)) * 1e9 / self.rate_hz
        ).astype(np.int64)


def write(path: Path, samples: Samples, form: str) -> None:
    """Write samples to a file. form: one of FORMS. Raises UsageError if it cannot hold them."""
    if form not in FORMS:
        raise UsageError(f"no format {form!r}", hint="one of " + ", ".join(FORMS))
    {
        "csv": _csv, "parquet": _parquet, "wav": _wav, "ei-json": _json, "ei-cbor": _cbor,
    }[form](path, samples)  # fmt: skip


def _csv(path: Path, samples: Samples) -> None:
    heads = [f"{name} ({unit})" if unit else name for name, unit in samples.heads]
    ms = samples.times_ns / 1e6
    with path.open("w", encoding="utf-8", newline="") as out:
        heads = ["timestamp_ms", *heads, *samples.texts]
        out.write(",".join(_quoted(head) for head in heads) + "\n")
        texts = zip(*samples.texts.values(), strict=True) if samples.texts else repeat(())
        for t, row, beside in zip(ms, samples.values, texts, strict=False):
            cells = [_shortest(t), *(_shortest(value) for value in row), *map(_quoted, beside)]
            out.write(",".join(cells) + "\n")


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if set(text) & set(',";\n') else text


def _shortest(value: Any) -> str:
    number = float(value)
    if number != number:
        return ""
    return str(int(number)) if number == int(number) else repr(round(number, 6))


def _parquet(path: Path, samples: Samples) -> None:
    with needs("train"):
        import duckdb
    columns = [name.replace('"', "'") for name, _ in samples.heads]
    whole = samples.scale is None
    told = {
        f"unit.{name}": unit
        for name, unit in zip(columns, (u for _, u in samples.heads), strict=True)
    }
    if samples.rate_hz:
        told["rate_hz"] = f"{samples.rate_hz:g}"
    told |= samples.about
    if samples.label:
        told["label"] = samples.label
    cast = "c{0}::SMALLINT" if whole else "CASE WHEN isnan(c{0}) THEN NULL ELSE c{0}::DOUBLE END"
    parts = [f'{cast.format(i)} AS "{name}"' for i, name in enumerate(columns)]
    parts += [f'x{i} AS "{name}"' for i, name in enumerate(samples.texts)]
    what = ", ".join(parts)
    time = "make_timestamp_ns(t) AS time" if samples.start_ns is not None else "t / 1e9 AS time_s"
    metadata = ", ".join(f"{_sql(key)}: {_sql(value)}" for key, value in told.items())
    given = {"t": samples.times_ns, **{f"c{i}": col for i, col in enumerate(samples.values.T)}}
    given |= {f"x{i}": np.array(some, object) for i, some in enumerate(samples.texts.values())}
    with duckdb.connect() as db:
        db.register("given", {key: np.ascontiguousarray(value) for key, value in given.items()})
        db.execute(
            f"COPY (SELECT {time}, {what} FROM given) TO {_sql(str(path))} "
            f"(FORMAT parquet, KV_METADATA {{{metadata}}})"
        )


def _sql(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _wav(path: Path, samples: Samples) -> None:
    if samples.rate_hz != round(samples.rate_hz):
        raise UsageError(f"a wav has no rate of {samples.rate_hz:g} Hz", hint="--as nhr keeps it")
    with wave.open(str(path), "wb") as out:
        out.setnchannels(samples.frames.shape[1])
        out.setsampwidth(2)
        out.setframerate(round(samples.rate_hz))
        out.writeframes(samples.frames.astype("<i2").tobytes())


# ---- Edge Impulse --------------------------------------------------------------------------------


def _ingested(samples: Samples) -> dict[str, Any]:
    """Return the unsigned message for Edge Impulse's ingestion service."""
    seconds = (samples.start_ns or 0) // 1_000_000_000
    return {
        "protected": {"ver": "v1", "alg": "none", "iat": int(seconds)},
        "signature": "0" * 64,
        "payload": {
            "device_name": samples.device,
            "device_type": "NEARHUM",
            "interval_ms": 1000 / samples.rate_hz,
            "sensors": [{"name": name, "units": unit or "N/A"} for name, unit in samples.heads],
            "values": samples.values.tolist(),
        },
    }


def _json(path: Path, samples: Samples) -> None:
    path.write_text(json.dumps(_ingested(samples), ensure_ascii=False), encoding="utf-8")


def _cbor(path: Path, samples: Samples) -> None:
    path.write_bytes(cbor(_ingested(samples)))


def cbor(value: Any) -> bytes:
    """Return dicts, lists, texts and numbers as CBOR (RFC 8949)."""
    if isinstance(value, bool) or value is None:
        return b"\xf6" if value is None else b"\xf5" if value else b"\xf4"
    if isinstance(value, int):
        return _head(0, value) if value >= 0 else _head(1, -1 - value)
    if isinstance(value, float):
        return b"\xfb" + struct.pack(">d", value)
    if isinstance(value, str):
        raw = value.encode()
        return _head(3, len(raw)) + raw
    if isinstance(value, dict):
        return _head(5, len(value)) + b"".join(cbor(k) + cbor(v) for k, v in value.items())
    return _head(4, len(value)) + b"".join(cbor(item) for item in value)


def _head(major: int, n: int) -> bytes:
    """Return the head of a CBOR item: its major type, and n in as few bytes as possible."""
    for size, low, form in ((1, 24, ">B"), (2, 25, ">H"), (4, 26, ">I"), (8, 27, ">Q")):
        if n < 24:
            return bytes([major << 5 | n])
        if n < 1 << 8 * size:
            return bytes([major << 5 | low]) + struct.pack(form, n)
    raise UsageError(f"{n} is too large for CBOR")
