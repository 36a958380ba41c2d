"""Tables for the property test: every combination of how loggers, spreadsheets and people write
one.

A made table knows what is true of it: samples, rate, stretches, and its bad cell where it has one.
"""

from __future__ import annotations

import datetime
import random
from dataclasses import dataclass, field

import numpy as np

DELIMITERS = (",", ";", "\t", "|", " ")
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252")
BAD = ("", "#N/A", "1_000", "abc", "1.2.3", "0x10", "NaN", "12:", "--", "1e", "#DIV/0!")
TIMES = (
    "none",
    "none",
    "s",
    "ms",
    "iso",
    "zone",
    "epoch_ms",
    "epoch_s",
    "german",
    "index",
    "count",
)
PREAMBLES = (
    ["Logger 3000, firmware 2.1"],
    ["Device: pump 7", "Rate;50", "***End_of_Header***"],
    ["# made by a logger", "# odr: 50"],
    ["ets Jul 29 2019 12:21:46", "", "rst:0x1 (POWERON_RESET),boot:0x13 (SPI_FAST_FLASH_BOOT)"],
)
START = datetime.datetime(2026, 3, 4, 10, 0, tzinfo=datetime.UTC)


@dataclass
class Made:
    """raw: the file. values: (n, channels), NaN where the bad cell is; stretches: rows of each."""

    raw: bytes
    values: np.ndarray
    rate_hz: float
    stretches: list[int]
    time: str
    bad: tuple[int, str] | None
    labels: list[str] | None
    ambiguous: bool
    about: dict = field(default_factory=dict)


def made(seed: int) -> Made:
    """Return the table of that number."""
    draw = random.Random(seed)
    n, channels = draw.choice([12, 40, 90, 300]), draw.choice([1, 2, 3, 3, 6])
    delimiter, decimal = draw.choice(DELIMITERS), draw.choice(".,")
    header = draw.choice(["none", "plain", "plain", "units in names", "units row"])
    time = draw.choice(TIMES)
    form = draw.choice(["%.4f", "%.4f", "%.6f", "%d", "%.5e", "%g"])
    rate_hz = draw.choice([20.0, 50.0, 62.5, 100.0])
    # As spreadsheets show numbers: "both", 7.335,19, in all; "whole", 7.335, in the first column.
    thousands = draw.choice(["", "", "", "", "both", "whole"])
    form = {"both": "%.2f", "whole": "%.2f"}.get(thousands, form)
    size = draw.choice([0.05, 1.0, 30.0]) if form != "%d" and not thousands else 9000.0
    values = np.array([[draw.gauss(0, size) for _ in range(channels)] for _ in range(n)])
    if thousands == "whole":
        values[:, 0] = [round(v) for v in values[:, 0]]
        values[0::3, 0], values[1::3, 0] = 512, -7335  # some of each: else they are fractions
    cells = [[form % v for v in row] for row in values]
    values = np.array([[float(cell) for cell in row] for row in cells])
    if thousands:
        cells = [[f"{v:,.2f}" for v in row] for row in values.tolist()]
    if thousands == "whole":
        cells = [[f"{row[0]:,.0f}", *line[1:]] for row, line in zip(values, cells, strict=True)]
    if decimal == ",":
        cells = [[cell.translate(str.maketrans(".,", ",.")) for cell in row] for row in cells]
    gap = draw.choice([0, 0, draw.randrange(4, n - 4)]) if time not in ("none", "index") else 0
    at = [i + (round(7 * rate_hz) if gap and i >= gap else 0) for i in range(n)]
    stamps = [_stamp(time, i, rate_hz, decimal) for i in at]
    names = [f"{what}{axis}" for what in ("acc", "gyr") for axis in "XYZ"][:channels]
    units = ["g"] * channels
    time_name, time_unit = {
        "s": ("Zeit", "s"), "ms": ("timestamp", "ms"), "iso": ("time", ""), "zone": ("when", ""),
        "epoch_ms": ("timestamp", ""), "epoch_s": ("time", ""), "german": ("Datum", ""),
        "index": ("", ""), "count": ("sample", ""),
    }.get(time, ("", ""))  # fmt: skip
    bad = None
    if draw.random() < 0.3:
        row, column = draw.randrange(n), draw.randrange(channels)
        text = draw.choice(BAD)
        if not (delimiter == " " and text == "") and not (channels == 1 and time == "none"):
            cells[row][column], bad = text, (row, text)
    if not bad and draw.random() < 0.15 and time != "none":
        row, text = draw.randrange(n), draw.choice(BAD)
        if not (delimiter == " " and text == ""):
            stamps[row], bad = text, (row, text)
    with_unit = not bad and not thousands and delimiter != " " and draw.random() < 0.06
    if with_unit:
        unit = draw.choice([" g", "g", " %", " m/s²", "°C"]) if form != "%g" else " mV"
        bad = 0, cells[0][0] + unit
        for row in cells:
            row[0] += unit
    labels = None
    if draw.random() < 0.2 and delimiter != " ":
        labels = ["idle" if i < n // 2 else "tap" for i in range(n)]
    rows = []
    for i in range(n):
        row = ([stamps[i]] if time != "none" else []) + cells[i]
        rows.append(row + ([labels[i]] if labels else []))
    head = ([time_name] if time != "none" else []) + names + (["label"] if labels else [])
    unit_row = ([time_unit] if time != "none" else []) + units + ([""] if labels else [])
    lines = []
    if draw.random() < 0.25:
        lines += draw.choice(PREAMBLES)
    if header == "plain":
        if time_unit == "ms":
            head[0] += "_ms"
        lines.append(delimiter.join(head))
    elif header == "units in names" and delimiter != " ":
        lines.append(
            delimiter.join(f"{a} ({u})" if u else a for a, u in zip(head, unit_row, strict=True))
        )
    elif header == "units row" and delimiter != " ":
        lines += [delimiter.join(head), delimiter.join(unit_row)]
    elif header != "none":
        header = "none"
    quoted = delimiter == "," and (decimal == "," or thousands) and draw.random() < 0.5
    for row in rows:
        lines.append(delimiter.join(f'"{cell}"' if quoted else cell for cell in row))
    end = draw.choice(["\n", "\r\n"])
    text = end.join(lines) + (end if draw.random() < 0.7 else "")
    encoding = draw.choice(ENCODINGS)
    if encoding == "cp1252":
        text = text.replace("(g)", "(m/s²)").replace("Zeit", "Zeit")
    # A comma that stands between columns and in numbers, or in times, as well.
    ambiguous = (
        delimiter == ","
        and not quoted
        and (decimal == "," and (form != "%d" or time in ("s", "epoch_s")) or time == "german")
    )
    ambiguous = ambiguous or (
        channels == 1 and header == "none" and decimal == "," and form != "%d"
    )
    if header == "none" and delimiter in (",", " ") and len(lines) > len(rows):
        ambiguous = True  # the line above the rows may be their names, and has too few of them
    ambiguous = ambiguous or thousands == "whole"
    ambiguous = ambiguous or (bool(thousands) and delimiter == "," and not quoted)
    if thousands == "both" and decimal == "." and channels == 1 and time == "none":
        ambiguous = True  # 7,335.19 alone may be two columns
    about = {
        "delimiter": delimiter, "decimal": decimal, "header": header, "time": time, "form": form,
        "encoding": encoding, "bad": bad, "gap": gap, "n": n, "channels": channels, "seed": seed,
        "labels": bool(labels), "quoted": quoted, "thousands": thousands, "with_unit": with_unit,
    }  # fmt: skip
    return Made(
        text.encode(encoding), values, rate_hz, [gap, n - gap] if gap else [n], time, bad, labels,
        ambiguous, about,
    )  # fmt: skip


def _stamp(time: str, i: int, rate_hz: float, decimal: str) -> str:
    seconds = i / rate_hz
    moment = START + datetime.timedelta(seconds=seconds)
    if time == "s":
        return f"{seconds:.4f}".replace(".", decimal)
    if time == "ms":
        return str(round(1000 * seconds)) if rate_hz != 62.5 else str(16 * i)
    if time == "iso":
        return moment.strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
    if time == "zone":
        return moment.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "+02:00"
    if time == "epoch_ms":
        return str(round(1000 * moment.timestamp()))
    if time == "epoch_s":
        return f"{moment.timestamp():.4f}".replace(".", decimal)
    if time == "german":
        return moment.strftime("%d.%m.%Y %H:%M:%S,%f")[:-3]
    return str(i)
