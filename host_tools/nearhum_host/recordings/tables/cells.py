"""Decide which cell of a table is a number, a time, or empty, and make arrays of numbers.

Enters: texts. Leaves: float64 arrays. A cell that is not a number is reported with its place and
never guessed. "1_000", "0x10" and "١" are numbers for Python, but no logger writes them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from ..times.stamps import is_stamp
from .numerals import is_number, value

NUMBER, TIME, MISSING, TEXT = "number", "time", "missing", "text"
_PLAIN = re.compile(r"[-+.0-9eE \t]*")
_MISSING = frozenset(
    ("", "nan", "-nan", "na", "n/a", "#n/a", "#nv", "#value!", "#div/0!", "#wert!", "null", "none")
    + ("nil", "-", "--", "?", "inf", "-inf", "+inf", "1.#qnan", "-1.#ind", "missing")
)


def missing(cell: str) -> bool:
    """Return whether a cell says that there is no value."""
    return cell.strip().lower() in _MISSING


def kind_of(cell: str, decimal: str) -> str:
    """Return what a cell is: NUMBER, TIME, MISSING or TEXT."""
    if is_number(cell, decimal):
        return NUMBER
    if missing(cell):
        return MISSING
    return TIME if is_stamp(cell) else TEXT


def numbers(cells: Sequence[str], decimal: str = ".") -> tuple[np.ndarray, int]:
    """Return (values float64 (n,), index of the first cell that is no finite number, else -1)."""
    if decimal[0] == ",":
        if any("." in cell for cell in cells):
            return _numbers_slowly(cells, decimal)
        cells = [cell.replace(",", ".") for cell in cells]
        decimal = "."
    if _PLAIN.fullmatch("".join(cells)):
        try:
            values = np.fromiter(map(float, cells), np.float64, len(cells))
        except ValueError:
            return _numbers_slowly(cells, decimal)
        if np.isfinite(values).all():
            return values, -1
    return _numbers_slowly(cells, decimal)


def _numbers_slowly(cells: Sequence[str], decimal: str) -> tuple[np.ndarray, int]:
    values = np.full(len(cells), np.nan)
    first = -1
    for index, cell in enumerate(cells):
        one = value(cell, decimal) if is_number(cell, decimal) else np.nan
        values[index] = one
        if first < 0 and not np.isfinite(one):
            first = index
    return values, first
