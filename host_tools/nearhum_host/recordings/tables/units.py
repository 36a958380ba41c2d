"""Units and names of columns: what "Beschl x (g)", "timestamp_ms" and a row of units say."""

from __future__ import annotations

import re
from collections.abc import Sequence

# Nanoseconds of a unit of time.
NS = {
    "ns": 1, "nsec": 1, "nanoseconds": 1, "nanos": 1,
    "us": 1_000, "usec": 1_000, "µs": 1_000, "μs": 1_000, "micros": 1_000, "microseconds": 1_000,
    "ms": 1_000_000, "msec": 1_000_000, "millis": 1_000_000, "milliseconds": 1_000_000,
    "s": 1_000_000_000, "sec": 1_000_000_000, "secs": 1_000_000_000, "second": 1_000_000_000,
    "seconds": 1_000_000_000, "sek": 1_000_000_000, "sekunden": 1_000_000_000,
    "min": 60_000_000_000, "minutes": 60_000_000_000, "h": 3_600_000_000_000,
    "hours": 3_600_000_000_000,
}  # fmt: skip
_OTHERS = {
    "g", "mg", "m/s²", "m/s2", "m/s^2", "m/s/s", "ms^-2", "ms-2", "mm/s", "m/s", "dps", "°/s",
    "deg/s", "rad/s", "v", "mv", "µv", "uv", "a", "ma", "w", "kw", "°c", "c", "degc", "k", "°f",
    "pa", "hpa", "kpa", "bar", "mbar", "hz", "khz", "rpm", "1/min", "%", "l/min", "l/s", "n",
    "nm", "kg", "db", "dbm", "µt", "ut", "gauss", "counts", "count", "lsb", "raw", "-", "1",
    "mm", "m", "µm", "um", "deg", "°",
}  # fmt: skip
_BASE = (
    r"[kmµμunp]?(?:g|m|s|v|a|w|hz|pa|n|nm|bar|l|wh|j|ω|ohm|t|lx|va|var|mol)|kg|rpm|dba?|dbm|°[cfk]?|"
    r"k|c|deg[cf]?|rad|pp[mb]|lux|psi|min|h|in|ft|lsb|counts?|u|%|‰"
)
_UNIT = re.compile(rf"(?:{_BASE})\^?[-0-9²³]{{0,2}}(?:[/·*](?:{_BASE})\^?[0-9²³]{{0,2}})*")
_IN_BRACKETS = re.compile(r"(.*?)\s*[(\[{]\s*([^()\[\]{}]*?)\s*[)\]}]\s*")
_SUFFIX = re.compile(
    r"(.+?)[_ ](ns|us|usec|ms|msec|s|sec|secs|seconds|mg|g|dps|hz|mv)", re.IGNORECASE
)
_TIMES = re.compile(
    r"(?:.*[\W_])?(?:time|timestamp|timestamps|ts|t|zeit|zeitstempel|messzeit|temps|tiempo|tempo|date|"
    r"datum|datetime|fecha|utc|elapsed|epoch|millis|micros|clock|uhrzeit|tick|ticks|seconds|"
    r"milliseconds|horodatage|x_value|abstime|reltime)(?:[\W_].*)?",
    re.IGNORECASE,
)
_INDICES = re.compile(
    r"|unnamed: ?\d+|index|idx|row|rows|nr\.?|no\.?|num|number|sample|samples|sample_?no|"
    r"sample_?id|n|i|frame|counter|count|cnt|seq|sequence|zeile|id|#",
    re.IGNORECASE,
)
# Parts of the names of times and counts that stand together with others: sampleTime, Laufzeit_3.
_PARTS = re.compile(
    r"time(?!r)|zeit|stamp|datum|epoch|clock|uhr|tick|sekunde|second|minute|stunde|hour|millis|micros|"
    r"index|count|z[aä]hler|sample|frame|record|zeile|line_?n|row_?n|step_?n|cycle_?n|punkt",
    re.IGNORECASE,
)
_LABELS = re.compile(
    r"label|labels|class|klasse|target|ground_?truth|truth|anomaly|anomalies|is_anomaly|fault|defect|"
    r"state|status|activity|changepoint|category|gesture|event|condition",
    re.IGNORECASE,
)


def split_unit(name: str) -> tuple[str, str]:
    """Return (name, unit) of a column's name; unit is "" where it says none."""
    found = _IN_BRACKETS.fullmatch(name)
    if found:
        return found[1], found[2]
    found = _SUFFIX.fullmatch(name)
    if found:
        return found[1], found[2].lower()
    return name, (name.lower() if name.lower() in NS and len(name) > 1 else "")


def is_unit(text: str) -> bool:
    """Return whether a text is a unit: one of the usual, or a power or quotient with a prefix."""
    bare = text.strip().strip("()[]").strip().lower()
    return bare in NS or (bare in _OTHERS and bare not in ("-", "1")) or bool(_UNIT.fullmatch(bare))


def is_unit_row(row: Sequence[str]) -> bool:
    """Return whether every cell of a row is a unit, or none, and at least one is."""
    bare = [cell.strip().strip("()[]").strip().lower() for cell in row]
    known = [cell in NS or cell in _OTHERS for cell in bare]
    boxed = [re.fullmatch(r"[(\[].{0,12}[)\]]", cell.strip()) is not None for cell in row]
    some = [cell for cell in bare if cell]
    if some == ["x", "y", "z"][: len(some)] or not some:
        return False
    return all(not b or k or box for b, k, box in zip(bare, known, boxed, strict=True))


def says_time(name: str) -> bool:
    """Return whether a column's name says that it is a time."""
    bare, unit = split_unit(name)
    return _TIMES.fullmatch(bare.strip()) is not None or (
        unit in NS and unit != "s" and bare.lower() == unit
    )


def says_index(name: str) -> bool:
    """Return whether a column's name says that it counts rows, or time; so does none at all."""
    bare = split_unit(name)[0].strip()
    return _INDICES.fullmatch(bare) is not None or _PARTS.search(bare) is not None


def says_label(name: str) -> bool:
    """Return whether a column's name says that it is the truth about a row."""
    return _LABELS.fullmatch(name.strip()) is not None
