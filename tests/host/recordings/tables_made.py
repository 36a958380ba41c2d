"""Tables for the property test: every combination of how loggers, spreadsheets and people write
one.

A made table knows what is true of it: samples, names, units, rate, start, stretches, and its bad
cell where it has one.
"""

from __future__ import annotations

import datetime
import random
from dataclasses import dataclass, field

import numpy as np
from times_made import TIMES, Written

DELIMITERS = (",", ";", "\t", "|", " ")
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252")
BAD = ("", "#N/A", "1_000", "abc", "1.2.3", "0x10", "NaN", "12:", "--", "1e", "#DIV/0!")
HEADERS = ("none", "plain", "plain", "units in names", "units row")
SHAPES = ("wide", "wide", "wide", "wide", "turns", "blocks")
# Behind the last column: a delimiter, one under an empty label, a column without a name, and one
# that the line of names has no cell for.
TAILS = ("", "", "", "", "delimiter", "empty label", "no name", "no cell")
PREAMBLES = (
    ["Logger 3000, firmware 2.1"],
    ["Device: pump 7", "Rate;50", "***End_of_Header***"],
    ["# made by a logger", "# odr: 50"],
    ["ets Jul 29 2019 12:21:46", "", "rst:0x1 (POWERON_RESET),boot:0x13 (SPI_FAST_FLASH_BOOT)"],
)


@dataclass
class Made:
    """raw: the file. values: (n, channels), NaN where the bad cell is; stretches: rows of each.

    names, units: one a channel; start: of its first row, None where it says none; written: how its
    times are; ambiguous: it may be refused; refuse: it must be.
    """

    raw: bytes
    values: np.ndarray
    names: list[str]
    units: list[str]
    rate_hz: float
    start: datetime.datetime | None
    stretches: list[int]
    written: Written
    bad: tuple[int, str] | None
    labels: list[str] | None
    ambiguous: bool
    refuse: bool
    about: dict = field(default_factory=dict)


def made(seed: int) -> Made:
    """Return the table of that number."""
    draw = random.Random(seed)
    n, channels = draw.choice([12, 40, 90, 300]), draw.choice([1, 2, 3, 3, 6])
    delimiter, decimal = draw.choice(DELIMITERS), draw.choice(".,")
    header = draw.choice(HEADERS)
    time = draw.choice(["none", "none", *TIMES])
    form = draw.choice(["%.4f", "%.4f", "%.6f", "%.1f", "%d", "%.5e", "%g"])
    rate_hz = draw.choice([20.0, 50.0, 62.5, 100.0])
    # As spreadsheets show numbers: "both", 7.335,19, in all; "whole", 7.335, in the first column.
    thousands = draw.choice(["", "", "", "", "both", "whole"])
    form = {"both": "%.2f", "whole": "%.2f"}.get(thousands, form)
    shape, tail = draw.choice(SHAPES), draw.choice(TAILS)
    if delimiter == " ":
        header = "plain" if header.startswith("units") else header
        tail = ""
    if thousands or channels == 1 or header == "none" or (shape == "blocks" and time == "none"):
        shape = "wide"
    # A line of one cell above several columns is a title.
    no_names = channels == 1 and time == "none" and tail == "no cell"
    tail = "" if shape != "wide" or no_names or (tail == "no cell" and header == "none") else tail
    values, cells = _numbers(draw, n, channels, form, thousands, decimal)
    names = [f"{what}{axis}" for what in ("acc", "gyr") for axis in "XYZ"][:channels]
    units = ["g"] * channels
    if tail in ("no name", "no cell"):
        cells = [[*row, f"{37 * i % 11}.5".replace(".", decimal)] for i, row in enumerate(cells)]
        values = np.column_stack([values, [37 * i % 11 + 0.5 for i in range(n)]])
        names, units = [*names, ""], [*units, ""]
    written = TIMES[time]
    start = draw.choice(written.starts)
    with_gap = time not in ("none", "index", "byte", "autumn")
    gap = draw.choice([0, 0, draw.randrange(4, n - 4)]) if with_gap else 0
    at = [i + (round(7 * rate_hz) if gap and i >= gap else 0) for i in range(n)]
    stamps = [written.cell(i / rate_hz, i, start) for i in at]
    if all(stamp.replace(".", "", 1).isdigit() for stamp in stamps):
        stamps = [stamp.replace(".", decimal) for stamp in stamps]
    n_time = 0 if time == "none" else 2 if delimiter == " " and " " in stamps[0] else 1
    in_stamps = "".join(stamps)
    bad, labels = None, None
    if shape == "wide":
        bad = _spoilt(draw, stamps, cells, delimiter, channels, time)
        bad = bad or _with_unit(draw, cells, delimiter, thousands, form)
        if draw.random() < 0.2 and delimiter != " ":
            labels = ["idle" if i < n // 2 else "tap" for i in range(n)]
            tail = "" if tail in ("delimiter", "empty label") else tail
    head, unit_row, rows = list(names), list(units), cells
    if shape != "wide":
        pairs = [(i, k) for i in range(n) for k in range(channels)]
        pairs.sort(key=lambda one: one[::-1] if shape == "blocks" else one)
        head, unit_row = ["sensor", "value"], ["", "g"]
        rows = [[names[k], cells[i][k]] for i, k in pairs]
        stamps = [stamps[i] for i, _ in pairs]
    if n_time:
        head, unit_row = [written.name, *head], [written.unit, *unit_row]
        rows = [[stamp, *row] for stamp, row in zip(stamps, rows, strict=True)]
    if labels:
        head, unit_row = [*head, "label"], [*unit_row, ""]
        rows = [[*row, label] for row, label in zip(rows, labels, strict=True)]
    if tail in ("delimiter", "empty label"):
        head, unit_row = [*head, "label" if tail == "empty label" else ""], [*unit_row, ""]
        rows = [[*row, ""] for row in rows]
    above = _above(header, head, unit_row)
    if tail == "no cell":
        above = [line[:-1] for line in above]
    names, units = _told(header, names, units, n_time, shape)
    quoted = delimiter == "," and (decimal == "," or thousands) and draw.random() < 0.5
    lines = list(draw.choice(PREAMBLES)) if draw.random() < 0.25 else []
    with_preamble = bool(lines)
    lines += [delimiter.join(one) for one in above]
    lines += [delimiter.join(f'"{c}"' if quoted and c else c for c in row) for row in rows]
    end = draw.choice(["\n", "\r\n"])
    text = end.join(lines) + (end if draw.random() < 0.7 else "")
    encoding = draw.choice(ENCODINGS)
    if encoding == "cp1252" and header == "units in names":
        text = text.replace("(g)", "(m/s²)")
        names = [name.replace("(g)", "(m/s²)") for name in names]
        units = [unit.replace("g", "m/s²") for unit in units]
    # A comma that stands between columns and in numbers, or in times, as well.
    commas = form != "%d" or tail in ("no name", "no cell") or "," in in_stamps
    ambiguous = (
        (delimiter == "," and not quoted and (decimal == "," and commas or time == "german"))
        or (channels == 1 and header == "none" and decimal == "," and form != "%d")
        # The line above the rows may be their names, and has too few of them.
        or (header == "none" and delimiter in ", " and with_preamble)
        or (delimiter == " " and shape != "wide" and (decimal == "," or time == "index"))
        or thousands == "whole"
        or (bool(thousands) and delimiter == "," and not quoted)
        # 7,335.19 alone may be two columns.
        or (thousands == "both" and decimal == "." and channels == 1 and time == "none")
    )
    about = {
        "delimiter": delimiter, "decimal": decimal, "header": header, "time": time, "form": form,
        "encoding": encoding, "bad": bad, "gap": gap, "n": n, "channels": channels, "seed": seed,
        "labels": bool(labels), "quoted": quoted, "thousands": thousands, "shape": shape,
        "tail": tail, "head": lines[:4],
    }  # fmt: skip
    said = start if written.start and not _left_open(time, start, at[-1] / rate_hz) else None
    return Made(
        text.encode(encoding), values, names, units, rate_hz, said,
        [gap, n - gap] if gap else [n], written, bad, labels, ambiguous,
        tail == "no cell" and header != "none", about,
    )  # fmt: skip


def _numbers(
    draw: random.Random, n: int, channels: int, form: str, thousands: str, decimal: str
) -> tuple[np.ndarray, list[list[str]]]:
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
    return values, cells


def _spoilt(
    draw: random.Random,
    stamps: list[str],
    cells: list[list[str]],
    delimiter: str,
    channels: int,
    time: str,
) -> tuple[int, str] | None:
    """Write a bad cell into some tables; returns (its row, the cell)."""
    in_cells, in_times = draw.random() < 0.3, draw.random() < 0.15
    row, column, text = draw.randrange(len(cells)), draw.randrange(channels), draw.choice(BAD)
    if delimiter == " " and text == "":
        return None
    if in_cells and not (channels == 1 and time == "none"):
        cells[row][column] = text
        return row, text
    if in_times and time != "none":
        stamps[row] = text
        return row, text
    return None


def _with_unit(
    draw: random.Random, cells: list[list[str]], delimiter: str, thousands: str, form: str
) -> tuple[int, str] | None:
    """Write a unit into the cells of some tables; returns (0, the first)."""
    if thousands or delimiter == " " or draw.random() > 0.06:
        return None
    unit = draw.choice([" g", "g", " %", " m/s²", "°C"]) if form != "%g" else " mV"
    for row in cells:
        row[0] += unit
    return 0, cells[0][0]


def _above(header: str, head: list[str], units: list[str]) -> list[list[str]]:
    """Return the lines above the rows."""
    if header == "units row":
        return [head, units]
    if header == "units in names":
        return [[f"{a} ({u})" if u else a for a, u in zip(head, units, strict=True)]]
    if header == "plain":
        times = [f"{a}_{u}" if u and u != "g" else a for a, u in zip(head, units, strict=True)]
        return [times]
    return []


def _told(
    header: str, names: list[str], units: list[str], n_time: int, shape: str
) -> tuple[list[str], list[str]]:
    """Return the names and units that the file says; a column without a name has its number."""
    numbers = [str(n_time + i) for i in range(len(names))]
    if header == "none":
        return numbers, [""] * len(names)
    said = [name or number for name, number in zip(names, numbers, strict=True)]
    if header == "units in names" and shape == "wide":
        said = [f"{a} ({u})" if u else a for a, u in zip(said, units, strict=True)]
    return said, units if header.startswith("units") else [""] * len(names)


def _left_open(time: str, start: datetime.datetime, lasted_s: float) -> bool:
    """Return whether one date alone may have the day or the month first."""
    last = start + datetime.timedelta(seconds=lasted_s)
    return time in ("day/month", "month/day") and start.day < 13 and last.date() == start.date()
