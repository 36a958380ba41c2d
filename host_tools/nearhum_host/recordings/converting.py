"""Convert files of any format to recordings of counts, and check that they fit a board.

Enters: a path, or readings. Leaves: a Recording, or an .nhr file, with notes for the user.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..amounts import plural
from ..errors import HostError
from .counts import columns_to_counts
from .nhr import Recording, read_nhr, write_nhr
from .reader import needs_rate, read
from .reading import Reading
from .tables.clock import same_rate
from .tables.meaning import Named


@dataclass
class Conversion:
    """The result of to_nhr. notes: sentences for the user. n_clipped: values outside int16."""

    recording: Recording
    n_clipped: int
    notes: list[str]


def to_nhr(
    src: Path,
    dst: Path,
    *,
    rate_hz: float | None = None,
    columns: Sequence[str] | None = None,
    scale: float | Sequence[float] | None = None,
    board_rate_hz: float | None = None,
    board_channels: int | None = None,
) -> Conversion:
    """Convert src to the recording dst and check that it fits the board.

    src: a file of any format that reader.read accepts. An .nhr is checked and copied with its cues.
    rate_hz: frames per second, compared with what the file says.
    columns: names (if the table has a header) or numbers from 0. Default: all columns of samples.
    scale: counts per unit, one or one for each column. Needed if samples are not whole numbers.
    board_rate_hz, board_channels: what the board expects. None is not checked.
    Raises HostError if the file cannot be read, has no samples or a cell that is not a number, or
    does not fit the board.
    """
    if src.suffix.lower() == ".nhr":
        recording, n_clipped, notes = read_nhr(src), 0, []
        if recording.n_frames == 0:
            raise HostError(f"{src} holds no samples", "record at least one window")
    else:
        reading = read(src, Named(columns), rate_hz)
        recording, n_clipped = recorded([reading], scale)
        notes = list(reading.notes)
    if n_clipped:
        notes.append(clipped(n_clipped, recording))
    check_fits_board(recording, board_rate_hz, board_channels, str(src))
    write_nhr(recording, dst)
    return Conversion(recording, n_clipped, notes)


def recorded(
    readings: Sequence[Reading], scale: float | Sequence[float] | None
) -> tuple[Recording, int]:
    """Return (recording, n_clipped) of files of one sensor, with a gap between two files.

    scale: counts per unit, one or one for each column. Raises HostError if their rates or channels
    differ, a rate is unknown, or they hold fractions and there is no scale.
    """
    first = readings[0]
    recording, n_clipped = Recording(needs_rate(first), first.n_channels), 0
    for reading in readings:
        if reading.n_channels != first.n_channels:
            raise HostError(
                f"{reading.path} has {reading.n_channels} channels, "
                f"{first.path} has {first.n_channels}",
                "leave one of them out, or choose columns with --columns",
            )
        if not same_rate(needs_rate(reading), recording.rate_hz):
            raise HostError(
                f"mixed rates: {reading.path} at {reading.rate_hz:g} Hz, "
                f"{first.path} at {first.rate_hz:g} Hz",
                "score each sensor's files alone, or resample one of them",
            )
        for stretch in reading.stretches:
            where = f"{reading.path}[{stretch.name}]" if stretch.name else str(reading.path)
            frames, clipped_here = columns_to_counts(stretch.columns, scale, where)
            n_clipped += clipped_here
            recording.add(frames)
    return recording, n_clipped


def clipped(n_clipped: int, recording: Recording) -> str:
    """Return the note about values outside int16."""
    share = 100 * n_clipped / (recording.n_frames * recording.n_channels)
    return (
        f"{plural(n_clipped, 'value')} ({share:.2f} %) outside int16 clipped: use a smaller scale."
    )


def check_fits_board(
    recording: Recording,
    board_rate_hz: float | None,
    board_channels: int | None,
    name: str = "the recording",
) -> None:
    """Raise HostError if rate or channels differ from the board's. None is not checked."""
    if board_channels is not None and recording.n_channels != board_channels:
        raise HostError(
            f"{name} has {recording.n_channels} channels, the board expects {board_channels}",
            "choose columns with --columns, or deploy a board file with that many channels",
        )
    if board_rate_hz is not None and not same_rate(recording.rate_hz, board_rate_hz):
        raise HostError(
            f"{name} was sampled at {recording.rate_hz:g} Hz, the board samples at"
            f" {board_rate_hz:g} Hz",
            "resample the recording, or deploy with that rate_hz",
        )
