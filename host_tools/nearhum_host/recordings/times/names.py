"""Find times by the names of columns, and their unit: "time_min", "t / ms", "elapsedMillis".

Enters: the name of a column. Leaves: whether it is a time, and its unit, "" without one.
"""

from __future__ import annotations

import re

_UNITS = {
    1: "ns nsec nanos nanosec nanosecs nanosecond nanoseconds nanosekunden",
    1_000: "us usec usecs µs μs micros microsec microsecs microsecond microseconds mikrosekunden",
    1_000_000: "ms msec msecs millis millisec millisecs millisecond milliseconds millisekunden",
    1_000_000_000: "s sec secs second seconds sek sekunde sekunden secondes seconde segundos",
    60_000_000_000: "min mins minute minutes minuten minutos",
    3_600_000_000_000: "h hr hrs hour hours std stunde stunden heures horas",
    86_400_000_000_000: "d day days tag tage jours dias",
}
# By nanoseconds: the names of a unit of time.
NS = {name: ns for ns, names in _UNITS.items() for name in names.split()}
# Without a word for time beside them they mean something else: acc_min, flow_h, axis d.
_SHORT = frozenset(("s", "min", "mins", "h", "hr", "std", "d", "day", "tag", "second"))
_WORDS = (
    r"time|times|timestamp|timestamps|ts|zeit|zeitpunkt|zeitstempel|messzeit|laufzeit|temps|"
    r"tiempo|tempo|date|datum|datetime|fecha|utc|gmt|elapsed|epoch|unix|uptime|clock|uhrzeit|tick|"
    r"ticks|horodatage|abstime|reltime|duration|dauer|hhmmss|datenum|jd|mjd|julian|tow|itow|sekunden|minuten|"
    r"stunden|millisekunden|mikrosekunden|x_value"
)
_TIMES = re.compile(rf"(?:.*[\W_])?(?:(?:{_WORDS})\d?|t\d?)(?:[\W_].*)?", re.IGNORECASE)
# Temperatures: T_C, t_amb. A column t may be a time or a temperature.
_WARMTHS = re.compile(
    r"(?:.*[\W_])?t[_ .-]?(?:c|k|f|deg\w*|amb\w*|env|room|in|out|bearing|motor|oil)", re.I
)
_IN_BRACKETS = re.compile(r"(.*?)\s*[(\[{<]\s*([^()\[\]{}<>]*?)\s*[)\]}>]\s*")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z][a-z])|(?<=[Tt]ime)(?=[A-Z]{2}$)")
_IN = re.compile(r"[\s_]+in[\s_]+$", re.IGNORECASE)
_APART = re.compile(r"[\s_\-./,:|]+(?:in[\s_]+)?")


def time_and_unit(name: str) -> tuple[str, str] | None:
    """Return (name, unit of time) of a name that says a time; None where it says none.

    A short unit, as min or h, counts beside a word for time alone.
    """
    found = _IN_BRACKETS.fullmatch(name)
    if found:
        bare, inside = found[1], found[2].strip().lower()
        first = re.split(r"[\s_,;]", inside)[0] if inside else ""
        unit = inside if inside in NS else first if first in NS else ""
        if unit and (unit not in _SHORT or unit == "s" or says_a_time(bare) or not bare):
            return bare, unit
        if inside or not bare:
            return None
    parts = [part for part in _APART.split(_HUMP.sub("_", name.strip(" ()"))) if part]
    if len(parts) == 1:
        whole = parts[0].lower()
        return (parts[0], whole) if whole in NS and whole not in _SHORT else None
    for at in (-1, 0):
        unit = parts[at].lower() if parts else ""
        rest = parts[:-1] if at else parts[1:]
        if unit in NS and (at or unit not in _SHORT) and says_a_time("_".join(rest)):
            end = name.lower().rfind(parts[at].lower())
            return (_IN.sub("", name[:end]).rstrip(" _-./,:|") if at else name), unit
        if unit in NS and unit not in _SHORT and rest and rest[0].lower() in ("since", "from"):
            return name, unit
    return None


def says_a_time(name: str) -> bool:
    """Return whether a name has a word for time in it."""
    humps = _HUMP.sub("_", name.strip())
    return _TIMES.fullmatch(humps) is not None and _WARMTHS.fullmatch(humps) is None


def may_be_warmth(name: str) -> bool:
    """Return whether a name is a t, or t1, that may be a temperature as well."""
    return re.fullmatch(r"t\d?", name.strip(), re.IGNORECASE) is not None


def says_hands(name: str) -> bool:
    """Return whether a name is one for numbers as clocks show them: 101530 for 10:15:30."""
    return re.search(r"utc|gmt|gps|nmea|hh_?mm", name, re.IGNORECASE) is not None


def says_a_date(name: str) -> bool:
    """Return whether a name says that its numbers are days: of a spreadsheet, of MATLAB."""
    return re.search(r"dat(?:e|um)|fecha|serial|excel|julian|mjd", name, re.IGNORECASE) is not None
