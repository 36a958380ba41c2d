"""Find units and meanings in names of columns, such as "Beschl x (g)" or "timestamp_ms".

Enters: names of columns, or a row of units. Leaves: the unit, and whether it is a time or a label.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..times.names import NS, says_a_time, time_and_unit

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
_PER_SECOND = re.compile(r"(.+?)[_ ](mm?_s2?|rad_s|deg_s|l_s|l_min)", re.IGNORECASE)
_INDICES = re.compile(
    r"|unnamed: ?\d+|index|idx|row|rows|nr\.?|no\.?|num|number|sample|samples|sample_?no|"
    r"sample_?id|n|i|k|frame|counter|count|cnt|seq|sequence|zeile|id|#|pkt|packet|lfd\.? ?nr\.?|"
    r"(?:seq|sequence|packet|pkt|line|row|frame|scan|record|reading|point|meas)"
    r"[ _.-]?(?:no|nr|num|number|id|idx|index|count|cnt)\.?|numéro|numero|ligne",
    re.IGNORECASE,
)
# Parts of compound names of times and counts: sampleTime, Laufzeit_3.
_PARTS = re.compile(
    r"time(?!r)|zeit|stamp|datum|epoch|clock|uhr|tick|sekunde|second|minute|stunde|hour|millis|micros|"
    r"index|count|z[aä]hler|sample|frame|record|zeile|line_?n|row_?n|step_?n|cycle_?n|punkt",
    re.IGNORECASE,
)
_COUNTS = re.compile(
    r"index|count|z[aä]hler|sample|frame|record|zeile|line_?n|row_?n|step_?n|cycle_?n|punkt",
    re.IGNORECASE,
)
_QUANTITIES = re.compile(
    r"rpm|rev|speed|drehzahl|freq|ang|winkel|pos|deg|grad|temp|press|druck|volt|spann|curr|strom|"
    r"load|last|force|kraft|torq|moment|level|flow|power|leist|set|soll|ramp|sweep|dist|weg|height|"
    r"acc|gyr|mag|adc|ch(?:an\w*)?[ _]?\d|beschl|vib|[xyz]$|^[a-z]{1,2}\d+$|raw|value|wert",
    re.IGNORECASE,
)
_SENSORS = re.compile(
    r"_?(?:(?:sensor|channel|kanal|signal|variable|var|tag|axis|achse|quantity|parameter|param|"
    r"measurement|measure|metric|field|series|topic|item|point|key|node|device|source|attribute|"
    r"probe|fühler|messstelle|mac|address|variablenname|varname)[ _-]?(?:name|id|nr|no)?|name|id)",
    re.IGNORECASE,
)
_LABELS = re.compile(
    r"label|labels|class|klasse|target|ground_?truth|truth|anomaly|anomalies|is_anomaly|fault|defect|"
    r"state|status|activity|changepoint|category|gesture|event|condition",
    re.IGNORECASE,
)
_REMARKS = re.compile(
    r"(?:remark|comment|note|annotation|bemerkung|anmerkung|kommentar|notiz|hinweis|remarque|"
    r"commentaire|nota|comentario)[a-z]{0,2}",
    re.IGNORECASE,
)


def split_unit(name: str) -> tuple[str, str]:
    """Return (name, unit) of a column's name; unit is "" where it says none."""
    time = time_and_unit(name)
    if time:
        return time
    found = _IN_BRACKETS.fullmatch(name)
    if found:
        return found[1], found[2]
    found = _PER_SECOND.fullmatch(name)
    if found:
        return found[1], found[2].lower().replace("_", "/", 1)
    found = _SUFFIX.fullmatch(name)
    if found:
        return found[1], found[2].lower()
    return name, ""


def is_unit(text: str) -> bool:
    """Return whether a text is a unit: one of the usual, or a power or quotient with a prefix."""
    bare = re.sub(r"[()\[\]]", "", text).strip().lower()
    return bare in NS or (bare in _OTHERS and bare not in ("-", "1")) or bool(_UNIT.fullmatch(bare))


def is_unit_row(row: Sequence[str]) -> bool:
    """Return whether every cell of a row is a unit, or none, and at least one is."""
    bare = [re.sub(r"[()\[\]]", "", cell).strip().lower() for cell in row]
    known = [cell in NS or cell in _OTHERS for cell in bare]
    boxed = [re.fullmatch(r"[(\[].{0,12}[)\]]", cell.strip()) is not None for cell in row]
    some = [cell for cell in bare if cell]
    if some == ["x", "y", "z"][: len(some)] or not some:
        return False
    return all(not b or k or box for b, k, box in zip(bare, known, boxed, strict=True))


def says_time(name: str) -> bool:
    """Return whether a column's name says that it is a time."""
    return says_a_time(split_unit(name)[0]) or time_and_unit(name) is not None


def says_index(name: str) -> bool:
    """Return whether a column's name says that it counts rows, or time; so does none at all."""
    bare = split_unit(name)[0].strip()
    return _INDICES.fullmatch(bare) is not None or _PARTS.search(bare) is not None


def says_count(name: str) -> bool:
    """Return whether a column's name says that it counts rows, and no time."""
    bare = split_unit(name)[0].strip()
    return not says_time(name) and (_INDICES.fullmatch(bare) or _COUNTS.search(bare)) is not None


def says_quantity(name: str) -> bool:
    """Return whether a column's name says what was measured, so that it may rise evenly as well."""
    return _QUANTITIES.search(name) is not None


def says_sensor(name: str) -> bool:
    """Return whether a column's name says that its cells name sensors."""
    return _SENSORS.fullmatch(name.strip()) is not None


def says_label(name: str) -> bool:
    """Return whether a column's name says that it is the truth about a row."""
    return _LABELS.fullmatch(name.strip()) is not None


def says_remark(name: str) -> bool:
    """Return whether a column's name says that somebody wrote into it what they saw."""
    return _REMARKS.fullmatch(name.strip()) is not None
