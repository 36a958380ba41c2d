"""Recordings as the firmware's replay source reads them: what a sensor delivered, in segments.

Enters: arrays, or a .nhr file (layout: nearhum.wire.recording). Leaves: int16 samples in segments.
A segment boundary is a gap, unless the segment's cue starts with "~"; a cue is a console line that
the board carries out before the segment's first sample.
"""

import struct
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from nearhum.errors import FormatError
from nearhum.sources import recording as nhr

from ..errors import HostError

MAX_BYTES = 1 << 30  # of one file
CONTINUES = "~"  # first character of a cue whose segment goes on where the one before it ended
MAX_CUE_BYTES = 1024  # a console line
_BLOCK = 1 << 18  # frames written at once
MAX_CHANNELS = 255
MAX_SEGMENTS = 65535


@dataclass
class Segment:
    """One stretch without a gap. frames: int16, (n, n_channels), raw counts, oldest first."""

    frames: np.ndarray
    cue: str = ""


@dataclass
class Recording:
    """Segments of one sensor.

    rate_hz: frames a second, 0.001 to 4,294,967; n_channels: 1 to 255.
    """

    rate_hz: float
    n_channels: int
    segments: list[Segment] = field(default_factory=list)

    @property
    def n_frames(self) -> int:
        return sum(len(segment.frames) for segment in self.segments)

    def add(self, frames: np.ndarray, cue: str = "") -> None:
        """Append a segment. frames: int16, (n, n_channels)."""
        self.segments.append(Segment(frames, cue))


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
            f"{recording.n_channels} channels do not fit a recording",
            f"choose 1 to {MAX_CHANNELS} columns",
        )
    if len(recording.segments) > MAX_SEGMENTS:
        raise HostError(
            f"{len(recording.segments)} segments do not fit a recording",
            f"split it: at most {MAX_SEGMENTS} segments",
        )
    with path.open("wb") as out:
        out.write(
            nhr.pack_recording_header(
                recording.n_channels, len(recording.segments), rate_mhz, recording.n_frames
            )
        )
        for segment in recording.segments:
            frames = segment.frames
            if (
                frames.dtype != np.int16
                or frames.ndim != 2
                or frames.shape[1] != recording.n_channels
            ):
                raise HostError(
                    f"a segment is {frames.dtype} {frames.shape}, expected int16 (n,"
                    f" {recording.n_channels})",
                    "convert the samples to raw counts first",
                )
            if len(segment.cue.encode()) > MAX_CUE_BYTES:
                raise HostError(
                    f"a cue of {len(segment.cue.encode())} bytes is longer than a console line",
                    f"shorten it to {MAX_CUE_BYTES} bytes",
                )
            out.write(nhr.pack_segment_header(len(frames), segment.cue))
            for at in range(0, len(frames), _BLOCK):
                out.write(frames[at : at + _BLOCK].astype("<i2", copy=False).tobytes())


def read_nhr(path: Path) -> Recording:
    """Read an .nhr file.

    Raises HostError where it is missing, damaged, cut short or has bytes left over.
    """
    blob = _bytes(path)
    try:
        n_channels, n_segments, rate_mhz, n_frames = nhr.unpack_recording_header(
            blob[: nhr.RECORDING_HEADER_BYTES]
        )
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
        cue = blob[at + nhr.SEGMENT_HEADER_BYTES : at + nhr.SEGMENT_HEADER_BYTES + n_cue].decode(
            errors="replace"
        )
        recording.add(
            np.frombuffer(blob[start:end], "<i2").astype(np.int16).reshape(n, n_channels), cue
        )
        at = end
    if recording.n_frames != n_frames or at != len(blob):
        raise HostError(
            f"{path} says {n_frames} frames, has {recording.n_frames}, and {len(blob) - at} bytes"
            " beyond",
            hint,
        )
    return recording


def _bytes(path: Path) -> bytes:
    try:
        n_bytes = path.stat().st_size
        if n_bytes > MAX_BYTES:
            raise HostError(f"{path} holds {n_bytes} bytes", f"split it: {MAX_BYTES} at most")
        return path.read_bytes()
    except OSError as error:
        raise HostError(f"cannot read {path}: {error.strerror}", "check the path") from None
