"""Check that several files are one recording: the same channels, units and level.

Enters: readings. Leaves: the same readings, sorted by time, with columns in one order; or an error
that names two files that differ.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..errors import HostError, UsageError
from .reading import Reading
from .sound import AS_THEY_ARE, LOW_BITS, TOP_BITS
from .tables.units import split_unit

TWICE_NS = 1_000_000_000  # Allowed overlap of two files, because times may be whole seconds.


def agree(readings: Sequence[Reading]) -> None:
    """Put the columns of all readings into the order of the first reading.

    Raises HostError if names, units or levels differ. converting.recorded compares the number of
    channels and the rates.
    """
    first = next((reading for reading in readings if _has_names(reading)), readings[0])
    for reading in readings:
        if reading is not first and reading.n_channels == first.n_channels:
            _match(reading, first)
    _level(readings)


def _has_names(reading: Reading) -> bool:
    return not all(name.isdecimal() for name in reading.names)


def _match(reading: Reading, first: Reading) -> None:
    if not _has_names(reading):
        if _has_names(first):
            reading.say(f"its columns have no names: taken as {', '.join(first.names)}")
        return
    own = [split_unit(name)[0] for name in reading.names]
    wanted = [split_unit(name)[0] for name in first.names]
    if sorted(own) != sorted(wanted):
        raise HostError(
            f"{reading.path} has the columns {', '.join(reading.names)}, "
            f"{first.path} has {', '.join(first.names)}",
            "leave one of them out, or choose columns that both have with --columns",
        )
    if own != wanted and len(set(own)) == len(own):
        order = [own.index(name) for name in wanted]
        reading.names = [reading.names[i] for i in order]
        reading.units = [reading.units[i] for i in order]
        for stretch in reading.stretches:
            stretch.columns = [stretch.columns[i] for i in order]
        reading.say(f"its columns were put in the order of {first.path.name}")
    for name, unit, other in zip(reading.names, reading.units, first.units, strict=True):
        if unit != other:
            raise HostError(
                f"{reading.path} has {name!r} in {unit or 'no unit'}, "
                f"{first.path} in {other or 'no unit'}",
                "convert one of them, or leave it out",
            )


def _level(readings: Sequence[Reading]) -> None:
    """Use one shift for all 32-bit sounds. Raises HostError if their full scales differ."""
    sounds = [reading for reading in readings if reading.level]
    odd = [reading for reading in sounds if reading.level == AS_THEY_ARE]
    others = [reading for reading in sounds if reading.level != AS_THEY_ARE]
    if odd and others:
        raise HostError(
            f"{odd[0].path} reaches beyond full scale and is taken as it is, "
            f"{others[0].path} as shares of full scale",
            "export both in one way, or leave one of them out",
        )
    low = [reading for reading in sounds if reading.level == LOW_BITS]
    if len(low) == len(sounds):
        return
    for reading in low:
        other = next(one for one in sounds if one.level != LOW_BITS)
        if other.level != TOP_BITS:
            raise HostError(
                f"{reading.path} has its samples in the lower 24 of 32 bits, {other.path} has not",
                "export both in one way, or leave one of them out",
            )
        for stretch in reading.stretches:
            stretch.columns = [(column >> 16).astype(np.int16) for column in stretch.columns]
        reading.level = TOP_BITS
        reading.say(f"its upper 16 bits are taken after all, as of {other.path.name}")


def ordered(readings: Sequence[Reading]) -> list[Reading]:
    """Return readings sorted by their start, or in the given order if a start is unknown.

    Raises UsageError if a file is named twice, HostError if two files overlap in time.
    """
    seen = set()
    for reading in readings:
        if (path := reading.path.resolve()) in seen:
            raise UsageError(f"{reading.path} is named twice", hint="each file once")
        seen.add(path)
    spans = []
    for reading in readings:
        for stretch in reading.stretches:
            if stretch.start_ns is None:
                return list(readings)
            lasted_s = (stretch.lasted or 0.0) * (reading.period_s or 0.0)
            spans.append((stretch.start_ns, stretch.start_ns + round(lasted_s * 1e9), reading))
    spans.sort(key=lambda span: span[0])
    for before, after in zip(spans, spans[1:], strict=False):
        both_ns = min(before[1], after[1]) - after[0]
        shorter_ns = min(before[1] - before[0], after[1] - after[0])
        if before[2] is not after[2] and both_ns > min(TWICE_NS, shorter_ns / 2):
            raise HostError(
                f"{before[2].path} and {after[2].path} both hold "
                f"{np.datetime64(after[0], 'ns').astype('datetime64[s]')} and what follows",
                "leave one of them out, or score each alone",
            )
    out = list({id(span[2]): span[2] for span in spans}.values())
    if [id(one) for one in out] != [id(one) for one in readings]:
        out[0].say("files were put in the order of their times")
    return out
