"""Recordings: what a sensor delivered, as the firmware's replay source reads it.

Enters: a .npy, .npz, .csv or .wav file, or arrays. Leaves: a .nhr file (layout: nearhum.recording): int16 samples
in segments. A segment boundary is a gap, unless the segment's cue starts with "~"; a cue is a console line
that the board carries out before the segment's first sample.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from nearhum import recording as nhr
from nearhum.errors import FormatError

from .errors import HostError
from .samples import SUFFIXES_OF_SAMPLES, read_bytes, read_samples

CONTINUES = "~"  # first character of a cue whose segment goes on where the one before it ended
MAX_CUE_BYTES = 1024  # a console line
MAX_CHANNELS = 255
MAX_SEGMENTS = 65535
INT16_MIN, INT16_MAX = -32768, 32767
SUFFIXES = (".nhr", *SUFFIXES_OF_SAMPLES)


@dataclass
class Segment:
    """One stretch without a gap. frames: int16, (n, n_channels), raw counts, oldest first."""

    frames: np.ndarray
    cue: str = ""


@dataclass
class Recording:
    """Segments of one sensor. rate_hz: frames a second, 0.001 to 4,294,967; n_channels: 1 to 255."""

    rate_hz: float
    n_channels: int
    segments: list[Segment] = field(default_factory=list)

    @property
    def n_frames(self) -> int:
        return sum(len(segment.frames) for segment in self.segments)

    def add(self, frames: np.ndarray, cue: str = "") -> None:
        """Append a segment. frames: int16, (n, n_channels)."""
        self.segments.append(Segment(frames, cue))


@dataclass
class Conversion:
    """What to_nhr made, and what a person should know about it: each note is one sentence."""

    recording: Recording
    n_clipped: int
    notes: list[str]


def write_nhr(recording: Recording, path: Path) -> None:
    """Write recording as an .nhr file. Raises HostError where the format cannot hold it."""
    rate_mhz = round(recording.rate_hz * 1000)
    if not 1 <= rate_mhz <= 0xFFFFFFFF:
        raise HostError(
            f"a rate of {recording.rate_hz:g} Hz does not fit a recording",
            "give the sampling rate in Hz, 0.001 to 4294967",
        )
    if not 1 <= recording.n_channels <= MAX_CHANNELS:
        raise HostError(
            f"{recording.n_channels} channels do not fit a recording", f"choose 1 to {MAX_CHANNELS} columns"
        )
    if len(recording.segments) > MAX_SEGMENTS:
        raise HostError(
            f"{len(recording.segments)} segments do not fit a recording",
            f"split it: at most {MAX_SEGMENTS} segments",
        )
    with path.open("wb") as out:
        out.write(
            nhr.pack_recording_header(recording.n_channels, len(recording.segments), rate_mhz, recording.n_frames)
        )
        for segment in recording.segments:
            frames = segment.frames
            if frames.dtype != np.int16 or frames.ndim != 2 or frames.shape[1] != recording.n_channels:
                raise HostError(
                    f"a segment is {frames.dtype} {frames.shape}, expected int16 (n, {recording.n_channels})",
                    "convert the samples to raw counts first",
                )
            if len(segment.cue.encode()) > MAX_CUE_BYTES:
                raise HostError(
                    f"a cue of {len(segment.cue.encode())} bytes is longer than a console line",
                    f"shorten it to {MAX_CUE_BYTES} bytes",
                )
            out.write(nhr.pack_segment_header(len(frames), segment.cue))
            out.write(frames.astype("<i2", copy=False).tobytes())


def read_nhr(path: Path) -> Recording:
    """Read an .nhr file. Raises HostError where it is missing, damaged, cut short or has bytes left over."""
    blob = read_bytes(path)
    try:
        n_channels, n_segments, rate_mhz, n_frames = nhr.unpack_recording_header(blob[: nhr.RECORDING_HEADER_BYTES])
    except FormatError as error:
        raise HostError(f"{path}: {error.message}", error.hint) from None
    recording = Recording(rate_mhz / 1000, n_channels)
    at = nhr.RECORDING_HEADER_BYTES
    hint = "copy or convert the recording again"
    for index in range(n_segments):
        try:
            n, n_cue, n_padded = nhr.unpack_segment_header(blob[at : at + nhr.SEGMENT_HEADER_BYTES])
        except struct.error:
            raise HostError(f"{path} ends before segment {index} of {n_segments}", hint) from None
        start = at + nhr.SEGMENT_HEADER_BYTES + n_padded
        end = start + 2 * n * n_channels
        if end > len(blob):
            raise HostError(f"{path} ends inside segment {index} of {n_segments}", hint)
        cue = blob[at + nhr.SEGMENT_HEADER_BYTES : at + nhr.SEGMENT_HEADER_BYTES + n_cue].decode(errors="replace")
        recording.add(np.frombuffer(blob[start:end], "<i2").astype(np.int16).reshape(n, n_channels), cue)
        at = end
    if recording.n_frames != n_frames or at != len(blob):
        raise HostError(
            f"{path} says {n_frames} frames, has {recording.n_frames}, and {len(blob) - at} bytes beyond",
            hint,
        )
    return recording


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

    src: .nhr (checked, copied), .npy (n,) or (n, c), .npz (each array a segment, by name), .csv, .wav (PCM).
    rate_hz: frames a second; a .wav and an .nhr bring their own.
    columns: names (csv with a header) or numbers from 0; all where absent.
    scale: counts per unit, one or one a column; needed where samples are not whole numbers.
    board_rate_hz, board_channels: what the board expects; checked where given.
    Raises HostError on an unreadable file, no samples, NaN or infinity, or what the board does not expect.
    """
    suffix = src.suffix.lower()
    notes: list[str] = []
    n_clipped = 0
    if suffix == ".nhr":
        recording = read_nhr(src)
    else:
        arrays, own_rate_hz = read_samples(src, suffix, columns)
        if own_rate_hz is None and rate_hz is None:
            raise HostError(f"{src} does not say its sampling rate", "give it with --rate HZ")
        if own_rate_hz is not None and rate_hz is not None and not _same_rate(own_rate_hz, rate_hz):
            raise HostError(f"{src} was sampled at {own_rate_hz:g} Hz, --rate says {rate_hz:g} Hz", "leave out --rate")
        rate = own_rate_hz if own_rate_hz is not None else rate_hz
        assert rate is not None
        recording = Recording(rate, arrays[0][1].shape[1] if arrays else 0)
        for name, samples in arrays:
            where = f"{src}" if not name else f"{src}[{name}]"
            if samples.shape[1] != recording.n_channels:
                raise HostError(
                    f"{where} has {samples.shape[1]} channels, the one before it {recording.n_channels}",
                    "keep arrays with equal channels in one file",
                )
            frames, clipped = to_counts(samples, scale, where)
            n_clipped += clipped
            recording.add(frames)
    if recording.n_frames == 0:
        raise HostError(f"{src} holds no samples", "record at least one window")
    if n_clipped:
        share = 100 * n_clipped / (recording.n_frames * recording.n_channels)
        notes.append(f"{n_clipped} values ({share:.2f} %) lie outside int16 and were clipped: lower the scale.")
    check_fits_board(recording, board_rate_hz, board_channels, str(src))
    write_nhr(recording, dst)
    return Conversion(recording, n_clipped, notes)


def check_fits_board(
    recording: Recording, board_rate_hz: float | None, board_channels: int | None, name: str = "the recording"
) -> None:
    """Raise HostError where rate or channels differ from the board's (None: not checked)."""
    if board_channels is not None and recording.n_channels != board_channels:
        raise HostError(
            f"{name} has {recording.n_channels} channels, the board expects {board_channels}",
            "choose columns with --columns, or deploy a board file with that many channels",
        )
    if board_rate_hz is not None and not _same_rate(recording.rate_hz, board_rate_hz):
        raise HostError(
            f"{name} was sampled at {recording.rate_hz:g} Hz, the board samples at {board_rate_hz:g} Hz",
            "resample the recording, or deploy with that rate_hz",
        )


def to_counts(
    samples: np.ndarray, scale: float | Sequence[float] | None, where: str = "the samples"
) -> tuple[np.ndarray, int]:
    """Return (frames, n_clipped): samples times scale, rounded to int16, (n, c), and how many were clipped.

    samples: real numbers, (n, c), physical units or counts. scale: counts per unit, one or one a column.
    Raises HostError on NaN or infinity, and on fractions without a scale (they would round to nothing).
    """
    if samples.dtype.kind not in "iufb":
        raise HostError(f"{where} holds {samples.dtype}, expected numbers", "save it as int16 or float32")
    bad = np.argwhere(~np.isfinite(samples))
    if len(bad):
        frame, channel = bad[0]
        raise HostError(
            f"{where}: frame {frame}, channel {channel} is {samples[frame, channel]}, not a finite number "
            f"({len(bad)} such values)",
            "fill or cut the missing samples before converting: the board would have delivered a number",
        )
    if scale is None:
        if samples.dtype.kind == "f" and len(samples) and np.any(samples != np.round(samples)):
            raise HostError(
                f"{where} holds fractions and no scale was given",
                "give the sensor's counts per unit with --scale, for example 8192 for g on a ±4 g range",
            )
        scaled = samples.astype(np.float64)
    else:
        factors = np.atleast_1d(np.asarray(scale, dtype=np.float64))
        if len(factors) not in (1, samples.shape[1]):
            raise HostError(
                f"{len(factors)} scales for {samples.shape[1]} channels of {where}",
                "give one scale, or one a column",
            )
        scaled = samples.astype(np.float64) * factors
    counts = np.rint(scaled)
    n_clipped = int(np.count_nonzero((counts < INT16_MIN) | (counts > INT16_MAX)))
    return np.clip(counts, INT16_MIN, INT16_MAX).astype(np.int16), n_clipped


def _same_rate(a_hz: float, b_hz: float) -> bool:
    return abs(a_hz - b_hz) <= 0.001 * max(a_hz, b_hz)
