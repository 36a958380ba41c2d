"""Replay: a recording as the sensor, in real time or faster.

Enters: a recording (recording.py, magic NHR1), which holds the frames that a sensor delivered, in
segments, and the console lines that were typed meanwhile. Leaves: the same frames. The cue of a
segment is executed before its first sample. A segment boundary is a gap, as after an overrun,
unless its cue begins with ~. Then the samples continue those of the last segment. Before the first
segment there is no gap.

source = {"driver": "replay", "path": "/sd/replay.nhr", "speed": 1}
speed: 1 plays in real time, 20 twenty times as fast, 0 as fast as the board computes. The file
/sd/replay.json beside the recording may say {"speed": ...}, which overrides the setting. The
virtual board uses that for its option --speed.
"""

import time

from nearhum.errors import ConfigError, SourceError
from nearhum.files import parsed, read_file
from nearhum.sources import END, GAP, NONE
from nearhum.sources.recording import (
    RECORDING_HEADER_BYTES,
    SEGMENT_HEADER_BYTES,
    unpack_recording_header,
    unpack_segment_header,
)


class Source:
    """Reads frames from a recording.

    Raises SourceError if it cannot be opened, ConfigError if the settings do not fit it, and
    FormatError if it is damaged. `cue` has a console line if read_into returned GAP or NONE for it.
    """

    live = False

    def __init__(self, config):
        given = config["source"]
        path = given.get("path", "")
        beside = read_file(path[: -len(".nhr")] + ".json") if path.endswith(".nhr") else None
        self._speed = (parsed(beside) if beside else given).get("speed", 1)
        try:
            self._file = open(path, "rb")
        except OSError:
            raise SourceError(
                "no recording at %r" % path, "start the virtual board with --replay FILE"
            )
        n_channels, self._n_segments, rate_mhz, n_frames = unpack_recording_header(
            self._file.read(RECORDING_HEADER_BYTES)
        )
        want = int(config["rate_hz"] * 1000 + 0.5)
        from nearhum.config import frame_values  # Released after the start, see lifetime.py.

        if n_channels != frame_values(config):
            name = "n_subcarriers" if config["n_subcarriers"] else "n_channels"
            raise ConfigError(
                "the recording has %d channels, but %s is %d"
                % (n_channels, name, frame_values(config)),
                "convert it for this board, or set %s" % name,
            )
        if rate_mhz != want:
            raise ConfigError(
                "the recording has %d.%03d Hz, but rate_hz is %s"
                % (rate_mhz // 1000, rate_mhz % 1000, config["rate_hz"]),
                "convert it for this board, or set rate_hz",
            )
        if not n_frames:
            raise ConfigError("the recording is empty", "record again")
        self._frame_bytes = 2 * n_channels
        self._rate_mhz = rate_mhz
        self._left = 0
        self.cue = ""
        self._begun_ms = time.ticks_ms()
        self._given = 0

    def read_into(self, block):
        """Fill block, array('h'), with interleaved frames.

        Returns their number, or NONE, GAP or END. Raises SourceError if the file ends early.
        """
        if not self._left:
            return self._next_segment()
        n = min(self._left, len(block) * 2 // self._frame_bytes)
        if self._speed:
            n = min(n, self._due())
            if not n:
                return NONE
        if n * self._frame_bytes == len(block) * 2:
            got = self._file.readinto(block)
        else:
            got = self._file.readinto(memoryview(block)[: n * self._frame_bytes // 2])
        if got != n * self._frame_bytes:
            raise SourceError(
                "the recording ends %d frames early" % self._left, "convert or copy it again"
            )
        self._left -= n
        self._given += n
        return n

    def _due(self):
        # Returns the frames that a sensor would have delivered by now, less those already given.
        elapsed = time.ticks_diff(time.ticks_ms(), self._begun_ms)
        return int(elapsed * self._speed * self._rate_mhz) // 1000000 - self._given

    def _next_segment(self):
        if not self._n_segments:
            return END
        self._n_segments -= 1
        header = self._file.read(SEGMENT_HEADER_BYTES)
        if len(header) != SEGMENT_HEADER_BYTES:
            raise SourceError(
                "the recording ends before its last segment", "convert or copy it again"
            )
        self._left, n_cue, n_padded = unpack_segment_header(header)
        cue = self._file.read(n_padded)[:n_cue].decode()
        if cue[:1] == "~":
            self.cue = cue[1:]
            return NONE
        self.cue = cue
        return GAP if self._given else NONE

    def close(self):
        """Close the file."""
        self._file.close()
