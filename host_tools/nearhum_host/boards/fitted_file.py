"""A board file that fits a recording: TOML that `nearhum deploy` takes as it is.

It extends another board file, the virtual board's or that of the board in hand, and says of the
recording what a board must know: kind, rate, channels, and for an accelerometer the range that the
scale of the samples means. Its first line holds a checksum of the rest, by which nearhum knows a
file that nobody has edited: only such a one is written anew.
"""

from __future__ import annotations

import re
import unicodedata
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from ..errors import UsageError
from . import board_files
from .board_checks import TOP
from .checking import configuration, kinds
from .checking.sensor_units import ACCELEROMETERS, MOST_NAME_BYTES

# Counts per g for each range, ±g, of the drivers of accelerometers.
_RANGES = {2: 16384.0, 4: 8192.0, 8: 4096.0, 16: 2048.0}
_WRITTEN = (
    "# Written by nearhum, checksum {:08x}. Edit it freely: an edited file is not overwritten."
)
_ELSEWHERE = (
    "rename yours, or write elsewhere with --board-file FILE (virtual), --out FOLDER (score)"
)


_GERMAN = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"})


class Fits(Protocol):
    """The part of a fit that is written, see recordings.fitting.Fit."""

    kind: str
    rate_hz: float
    n_channels: int
    scale: list[float] | None
    units: list[str]
    settings: dict[str, Any]


def fitted(
    fit: Fits, base: str, title: str, scored: Sequence[str] = (), names: Sequence[str] = ()
) -> str:
    """Return the text of a board file.

    base: the name or path of the board file that it extends; scored: lines about where it comes
    from; names: of its channels, () for none. Raises UsageError where base is none.
    """
    below = board_files.load(base)
    about = [f"# {_plain(line)}" for line in (*scored, *_about_scale(fit))]
    lines = [
        *about,
        f"extends = {_text(base)}",
        f"title = {_text(title)}",
        f"kind = {_text(fit.kind)}",
        f"rate_hz = {fit.rate_hz:g}"
        if fit.rate_hz != int(fit.rate_hz)
        else f"rate_hz = {int(fit.rate_hz)}",
        f"n_channels = {fit.n_channels}",
    ]
    range_g = _range_g(fit)
    of_source = []
    if range_g and below.source.get("driver") in ACCELEROMETERS:
        of_source.append(f"range_g = {range_g}")
    if names:
        of_source.append(f"names = [{', '.join(_text(name) for name in names)}]")
    if of_source:
        lines += ["", "[source]", *of_source]
    if fit.settings:
        lines += ["", "[settings]", *(f"{name} = {_value(v)}" for name, v in fit.settings.items())]
    return "\n".join(lines) + "\n"


def check(fit: Fits, base: str, of: str) -> None:
    """Raise UsageError where no board could start with that file: settings that are none, or a
    sensor of base that cannot sample so; or where what it fits, `of`, is not of that kind.
    """
    kinds.check(fit.kind, fit.rate_hz, fit.settings, of)
    below = board_files.load(base)
    own = {"kind": fit.kind, "rate_hz": fit.rate_hz, "n_channels": fit.n_channels}
    range_g = _range_g(fit)
    if range_g and below.source.get("driver") in ACCELEROMETERS:
        own["source"] = {"range_g": range_g}
    config = below.config({**own, **fit.settings})
    configuration.completed(config)
    try:
        configuration.check(config, below.chip, below.port)
    except UsageError as wrong:
        if below.port == "unix":
            raise
        raise UsageError(
            f"the sensor of {base} cannot do what fits this recording: {wrong.message}",
            hint=f"{wrong.hint}; or without --board, for a virtual board",
        ) from None


def write(
    path: Path,
    fit: Fits,
    base: str,
    title: str,
    scored: Sequence[str] = (),
    names: Sequence[str] = (),
) -> None:
    """Write a board file, and check that it can be loaded.

    Raises UsageError where it cannot, or where check_place does.
    """
    check_place(path)
    text = fitted(fit, base, title, scored, names)
    path.write_text(f"{_WRITTEN.format(_sum(text))}\n{text}", encoding="utf-8", newline="\n")
    board_files.load(str(path))


def check_place(path: Path) -> None:
    """Raise UsageError where no board file can go there: its name is none for a board, or there is
    a file that nearhum has not written, or that was edited since.
    """
    if path.suffix != ".toml" or TOP["name"](path.stem):
        better = path.with_name(file_name(path.name.removesuffix(".toml")))
        raise UsageError(
            f"{path} is no name of a board file: lower-case letters, digits, - and _, then .toml",
            hint=f"--board-file {better}",
        )
    try:
        first, _, rest = path.read_text(encoding="utf-8").partition("\n")
    except FileNotFoundError:
        return
    except (OSError, ValueError):
        first, rest = "", ""
    if first != _WRITTEN.format(_sum(rest)):
        edited = "was edited" if first.startswith(_WRITTEN[:20]) else "was not written by nearhum"
        raise UsageError(f"{path} is there and {edited}: it stays as it is", hint=_ELSEWHERE)


def channel_names(columns: Sequence[str]) -> list[str]:
    """Return columns' names as a board file has them; [] where they are but counted from 0.

    A name longer than a board takes is cut; a column that has only a number is called so; a unit in
    round brackets is left out where the names can be told apart without it.
    """
    if list(columns) == [str(i) for i in range(len(columns))]:
        return []
    without = [re.sub(r"(?<=\S)\s*\([^()]*\)$", "", name) for name in columns]
    out = []
    for name in without if len(set(without)) == len(without) else columns:
        text = _plain(f"column {name}" if name.isdigit() else name).strip() or "?"
        while len(text.encode()) > MOST_NAME_BYTES:
            text = text[:-1]
        out.append(text)
    return out


def _sum(text: str) -> int:
    return zlib.crc32(text.encode("utf-8"))


def file_name(stem: str) -> str:
    """Return a name of a board file for a recording: lower-case letters, digits, - and _.

    Letters beyond ASCII are written as German does, ü as ue, else without their accents.
    """
    german = unicodedata.normalize("NFC", stem).lower().translate(_GERMAN)
    bare = unicodedata.normalize("NFKD", german).encode("ascii", "ignore").decode()
    name = re.sub(r"[^a-z0-9_-]+", "-", bare).strip("-_") or "board"
    return f"{name[:40]}.toml"


def _about_scale(fit: Fits) -> list[str]:
    if not fit.scale:
        return []
    shown = ", ".join(
        f"{scale:g} per {unit or 'unit'}" for scale, unit in zip(fit.scale, fit.units, strict=True)
    )
    return [f"The samples were scaled to counts: {shown}. A sensor must deliver the same."]


def _range_g(fit: Fits) -> int | None:
    if not fit.scale or fit.units[:1] != ["g"]:
        return None
    return next((g for g, counts in _RANGES.items() if counts == fit.scale[0]), None)


def _text(text: str) -> str:
    return '"' + _plain(text).replace("\\", "\\\\").replace('"', '\\"') + '"'


def _plain(text: str) -> str:
    return "".join(sign if sign.isprintable() else " " for sign in text)


def _value(value: Any) -> str:
    return (
        _text(value)
        if isinstance(value, str)
        else str(value).lower()
        if value is True
        else str(value)
    )
