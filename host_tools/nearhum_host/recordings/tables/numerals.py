"""Read numbers with decimal points or commas, separators of thousands, and several minus signs.

Enters: texts, and `decimal`. Leaves: floats. `decimal`, here and in the other files, is the decimal
sign, "." or ",", followed by the separator of thousands if the file has one: ",." reads 7.335 as
7335. Without a known separator, "7.335" beside decimal commas is refused, because it may be a
fraction.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from .units import is_unit

BLANKS = " \t\xa0"  # str.strip() would also remove the ASCII separators.
BETWEEN = {".": ",", ",": "."}  # Separator of thousands, by the decimal sign.

_SIGN = "[-+\u2212]?"  # U+2212 is the minus sign of typesetters and some spreadsheets.
_ALWAYS = "'\u2019\xa0\u202f"  # These separate thousands and have no other meaning in a number.
_WHOLE = "[1-9][0-9]{0,2}"


def _plain(point: str) -> str:
    return rf"(?:[0-9]+{point}?[0-9]*|{point}[0-9]+)(?:[eE][-+]?[0-9]+)?"


def _grouped(point: str, between: str) -> str:
    """Return thousands that cannot be meant otherwise: both signs, or several groups."""
    group = f"{between}[0-9]{{3}}"
    return (
        rf"{_WHOLE}(?:(?:{group})+{point}[0-9]*|(?:{group}){{2,}}|"
        rf"(?:[{_ALWAYS}][0-9]{{3}})+(?:{point}[0-9]*)?)"
    )


def _any_group(point: str, between: str) -> str:
    return rf"{_WHOLE}(?:{between}[0-9]{{3}})+(?:{point}[0-9]*)?"


_POINT, _COMMA = (r"\.", ","), (",", r"\.")
_NUMBERS = {
    ".": re.compile(f"{_SIGN}(?:{_plain(_POINT[0])}|{_grouped(*_POINT)})"),
    ",": re.compile(f"{_SIGN}(?:{_plain(_COMMA[0])}|{_grouped(*_COMMA)})"),
    ".,": re.compile(f"{_SIGN}(?:{_plain(_POINT[0])}|{_grouped(*_POINT)}|{_any_group(*_POINT)})"),
    ",.": re.compile(f"{_SIGN}(?:{_plain(_COMMA[0])}|{_grouped(*_COMMA)}|{_any_group(*_COMMA)})"),
}
_SURELY = {
    ".": re.compile(f"{_SIGN}{_grouped(*_POINT)}"),
    ",": re.compile(f"{_SIGN}{_grouped(*_COMMA)}"),
}
_WITH_UNIT = re.compile(rf"({_SIGN}[0-9.,{_ALWAYS}]+(?:[eE][-+]?[0-9]+)?)\s*([^\s0-9.,].*)")
_SPACED = re.compile(r"(?<=[0-9]) (?=[0-9]{3}(?![0-9]))")
_DROPPED = {sign: str.maketrans("", "", _ALWAYS + between) for sign, between in BETWEEN.items()}


def is_number(cell: str, decimal: str = ".") -> bool:
    """Return whether a cell is a decimal number, by that decimal sign."""
    return _NUMBERS[decimal].fullmatch(cell.strip(BLANKS)) is not None


def value(cell: str, decimal: str = ".") -> float:
    """Return what a cell is worth that is a number by that decimal sign."""
    bare = cell.strip(BLANKS).translate(_DROPPED[decimal[0]])
    return float(bare.replace(",", ".").replace("\u2212", "-"))


def like_number(cell: str) -> bool:
    """Return whether a person would read a cell as a number: by any decimal sign, with a unit, or
    with spaces between thousands.
    """
    cell = _SPACED.sub("'", cell.strip())
    found = _WITH_UNIT.fullmatch(cell)
    if found and is_unit(found[2]):
        cell = found[1]
    return is_number(cell, ".,") or is_number(cell, ",.")


def decimal_of(cells: Sequence[str]) -> str:
    """Return the decimal sign of cells, with the sign between thousands where one is seen.

    Cells that can be meant in one way alone decide: 7.335,19 and 0,5 have decimal commas, 7,335 may
    be either. Where as many say one as the other, it is the sign of more of the numbers.
    """
    cells = [cell for cell in cells if "," in cell or "." in cell]
    sure = {sign: sum(says_decimal(cell, sign) for cell in cells) for sign in ".,"}
    some = {sign: sum(sign in cell and is_number(cell, sign) for cell in cells) for sign in ".,"}
    sign = "," if (sure[","], some[","]) > (sure["."], some["."]) else "."
    if any(BETWEEN[sign] in cell and _SURELY[sign].fullmatch(cell.strip(BLANKS)) for cell in cells):
        return sign + BETWEEN[sign]
    return sign


def says_decimal(cell: str, sign: str) -> bool:
    """Return whether a cell is a number by that decimal sign and by no other, with groups or
    without.
    """
    return is_number(cell, sign) and not is_number(cell, BETWEEN[sign] + sign)


def may_be_thousands(cell: str, sign: str) -> bool:
    """Return whether a cell is a number by that decimal sign that may as well be thousands:
    7.335.
    """
    return sign in cell and is_number(cell, sign) and is_number(cell, BETWEEN[sign] + sign)


def not_in_one_way(cell: str) -> tuple[str, str]:
    """Return (what is wrong with a cell that may be thousands or a fraction, how to mend it)."""
    return (
        f"{cell[:40]!r} is not a number in one way alone: thousands or a fraction",
        "export without a sign between thousands, with one decimal sign",
    )


def why_not(cell: str) -> tuple[str, str]:
    """Return (what is wrong with a cell that is to be a number, how to mend it)."""
    if not cell:
        return "the cell is empty", ""
    shown = repr(cell[:40])
    bare = _SPACED.sub("'", cell.strip())
    found = _WITH_UNIT.fullmatch(bare)
    if found and is_unit(found[2]):
        return f"{shown} is not a number but one with a unit", "write the unit into the name"
    if is_number(bare, ".,") or is_number(bare, ",."):
        return not_in_one_way(cell)
    return f"{shown} is not a number", ""
