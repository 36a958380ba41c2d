"""Shapes: bytes of the fuzzer to records, answers and files that are sound and hold odd things.

Enters: any bytes. Leaves: what a sound board would say, with some of its fields of another type,
too large, absent or doubled, so that the fuzzer gets behind the parsers. The same bytes always make
the same, and no bytes at all make what is sound.
"""

from __future__ import annotations

import copy
import json
import struct
from collections.abc import Iterator
from typing import Any

from nearhum import wire

# What somebody puts where another thing belongs. A list, so that one byte names one of them.
ODD: list[Any] = [
    None, True, False, 0, 1, -1, 2, 255, 65536, -32768, 32767, 1 << 31, -(1 << 31), 1 << 53,
    1 << 63, 1 << 64, 1 << 200, 0.5, -0.0, 1e-300, 1e300, float("inf"),
    float("-inf"), float("nan"), "", " ",
    "0", "1e9", "x" * 300, "\x1b[2J", "\x9b31m", "\u202eabc", "<script>x</script>", "../../x",
    "NaN", "\ud800", "\0", "a,b\n\"c\"", "=1+1", [], [[]], [None], [1, 2], ["x"],
    [["x", 1]], [1e400], {},
    {"": None}, {"x": {"y": []}},
]  # fmt: skip


class Given:
    """Reads bytes one after the other; zeros behind the last."""

    def __init__(self, raw: bytes) -> None:
        self._raw, self._at = raw, 0

    def __bool__(self) -> bool:
        return self._at < len(self._raw)

    def byte(self) -> int:
        self._at += 1
        return self._raw[self._at - 1] if self._at <= len(self._raw) else 0

    def some(self, n: int) -> bytes:
        out = self._raw[self._at : self._at + n]
        self._at += n
        return out.ljust(n, b"\0")

    def rest(self) -> bytes:
        out, self._at = self._raw[self._at :], len(self._raw)
        return out


def odd(given: Given, depth: int = 0) -> Any:
    """Return a value of any JSON type."""
    kind = given.byte()
    if kind < 200:
        return copy.deepcopy(ODD[kind % len(ODD)])
    if kind < 215:
        return int.from_bytes(given.some(8), "little", signed=True)
    if kind < 225:
        return struct.unpack("<d", given.some(8))[0]
    if kind < 240 or depth > 3:
        return given.some(given.byte() % 40).decode("utf-8", errors="surrogateescape")
    n = given.byte() % 4
    if kind < 248:
        return [odd(given, depth + 1) for _ in range(n)]
    return {str(odd(given, 9)): odd(given, depth + 1) for _ in range(n)}


def _places(what: Any) -> Iterator[tuple[Any, Any]]:
    """Yield (list or dict, key) of all values in it."""
    keys = list(what) if isinstance(what, dict) else range(len(what))
    for key in keys:
        yield what, key
        if isinstance(what[key], dict | list):
            yield from _places(what[key])


def twisted(given: Given, sound: Any) -> Any:
    """Return a copy of a dict or list with up to seven things in it changed."""
    out = copy.deepcopy(sound)
    for _ in range(given.byte() % 8):
        places = list(_places(out))
        way = given.byte() % 8
        if not places or way == 7 and isinstance(out, dict):
            if isinstance(out, dict):
                out[str(odd(given, 9))] = odd(given)
            continue
        inside, key = places[(given.byte() << 8 | given.byte()) % len(places)]
        if way == 6:
            del inside[key]
        elif way == 5 and isinstance(inside, list):
            inside.insert(key, odd(given))
        elif way == 4 and isinstance(inside[key], int | float):
            inside[key] = -inside[key]
        else:
            inside[key] = odd(given)
    return out


def text_of(what: Any) -> bytes:
    """Return JSON as a board could send it: a text that is no UTF-8 keeps its odd bytes."""
    return json.dumps(what, ensure_ascii=False, separators=(",", ":")).encode(
        "utf-8", errors="surrogatepass"
    )


def log_of(given: Given, boot: dict[str, Any], events: list[dict[str, Any]], run: bytes) -> bytes:
    """Return a log of sound records: first a sound BOOT and a run, then what the bytes say."""
    out = [wire.pack_record(wire.BOOT, 0, 0, text_of(boot)), wire.pack_record(wire.RUN, 1, 0, run)]
    seq = 2
    while given and seq < 60:
        kind = given.byte()
        n = kind % (len(events) + 3)
        if n < len(events):
            record, payload = wire.EVENT, text_of(twisted(given, events[n]))
        elif n == len(events):
            record, payload = wire.BOOT, text_of(twisted(given, boot))
        elif n == len(events) + 1:
            # first window, threshold, state and length of a run, and the code of its scores
            head = bytearray(run)
            for _ in range(given.byte() % 4):
                head[given.byte() % len(head)] = given.byte()
            record, payload = wire.RUN, bytes(head)
        else:
            record, payload = given.byte() % 8, given.some(given.byte() % 64)
        if len(payload) <= wire.MAX_PAYLOAD_BYTES:
            out.append(wire.pack_record(record, seq, given.byte() << 8 * (kind & 3), payload))
        seq += 1 + (kind > 250)
    return b"".join(out)
