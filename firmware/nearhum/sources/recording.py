"""Recordings: the format of a file with the int16 samples of a sensor, in segments.

A gap lies between two segments. All numbers are little endian, and a CRC-32 protects the header.
Leaf, for both Pythons: the host writes and reads recordings with this file, and the source `replay`
plays them on a board.
"""

import struct
from binascii import crc32

from nearhum.errors import FormatError

RECORDING_MAGIC = b"NHR1"
_RECORDING = "<4sBBHIIII"  # magic version n_channels n_segments rate_mhz n_frames reserved crc
RECORDING_HEADER_BYTES = 24
_SEGMENT = "<IH"  # n_frames cue_bytes
SEGMENT_HEADER_BYTES = 6


def pack_recording_header(n_channels, n_segments, rate_mhz, n_frames):
    """Return the 24-byte header.

    rate_mhz: sampling rate in millihertz. n_frames: frames of all segments together.
    """
    head = struct.pack(
        _RECORDING, RECORDING_MAGIC, 1, n_channels, n_segments, rate_mhz, n_frames, 0, 0
    )[:20]
    return head + struct.pack("<I", crc32(head))


def unpack_recording_header(buf):
    """Return (n_channels, n_segments, rate_mhz, n_frames).

    buf: the first 24 bytes of a recording. Raises FormatError if they are no valid header.
    """
    if len(buf) < RECORDING_HEADER_BYTES or bytes(buf[:4]) != RECORDING_MAGIC:
        raise FormatError(
            "not a nearhum recording (magic %r)" % bytes(buf[:4]), "convert it with the host tools"
        )
    _, version, n_channels, n_segments, rate_mhz, n_frames, _, crc = struct.unpack(
        _RECORDING, buf[:24]
    )
    if crc != crc32(bytes(buf[:20])):
        raise FormatError(
            "recording header is damaged (CRC)", "copy or convert the recording again"
        )
    if version != 1:
        raise FormatError(
            "recording version %d, this firmware reads 1" % version,
            "convert it with these host tools",
        )
    return n_channels, n_segments, rate_mhz, n_frames


def pack_segment_header(n_frames, cue=""):
    """Return a segment's header and its cue, padded to an even number of bytes.

    cue: a console line that is executed before the segment's first sample.
    """
    text = cue.encode()
    return struct.pack(_SEGMENT, n_frames, len(text)) + text + b"\0" * (len(text) & 1)


def unpack_segment_header(buf):
    """Return (n_frames, cue_bytes, padded_bytes) of a segment's first 6 bytes."""
    n_frames, n_cue = struct.unpack(_SEGMENT, buf)
    return n_frames, n_cue, n_cue + (n_cue & 1)
