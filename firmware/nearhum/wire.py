"""Formats that leave the board: journal records, learned state, head files.

Enters: fields. Leaves: bytes, and back. The format of recordings is in sources/recording.py.

Leaf, for both Pythons (struct and binascii only): the host imports this very file. All numbers are
little endian. Every format starts with a magic and a version and carries a CRC-32 (IEEE 802.3, as
in zlib). Readers raise FormatError. They trust no length before they have checked the CRC over it.

    record     A7    one journal entry: kind, seq, ticks_ms, payload
    state      NHS2  everything that was learned
    snapshot   NHP1  a state to roll back to, with a note of why it was kept
    head       NHH1  a small int8 network

FORMAT counts the changes of any of them. This firmware reads what an earlier one wrote
(tests/vectors/formats has boards of every format). It refuses what a later one wrote, with a
message, and keeps the file. The frame of a record never changes, so a reader skips the kinds that
it does not know.

    1  before the release of 0.1.0: SCORES records of int16
    2  RUN records (deltas, varints) replace SCORES records. A state has the number of the
       journal's next record
"""

import struct
from binascii import crc32

from nearhum.errors import FormatError

FORMAT = 2

# --- journal record -------------------------------------------------------------------------------

RECORD_MAGIC = 0xA7
RECORD_HEADER_BYTES = 12
RECORD_CRC_BYTES = 4
MAX_PAYLOAD_BYTES = 1024
CHAIN_BYTES = 16  # of a segment's sum, see storage/chain.py
_RECORD = "<BBHII"  # magic kind payload_bytes seq ticks_ms
TICKS_MODULO = 1 << 32  # ticks_ms wraps at this: 49 days of milliseconds since the board's start

# Kinds of records.
# JSON: format, version, board, boot, config; also utc, in seconds since 1970, if a host has told
# the time.
BOOT = 1
SCORES = 2  # a run of windows in format 1: storage/scores.py reads it
EVENT = 3  # JSON: {"event": name, "window": n, ...}
RUN = 4  # a run of windows: see pack_run_header_into

IDLE, LEARN, WATCH = 0, 1, 2  # states of the detector, as in RUN and SCORES records
STATE_NAMES = ("idle", "learn", "watch")
# The window had no score: the ranges were not known, or a learning period had just begun.
NO_SCORE = -32768
NO_THRESHOLD = 32767  # No score reaches it, so that there is no alarm.
LEARN_WINDOWS = (8, 16000000)  # shortest and longest learning period, in windows
# One octave: scores are octaves of squared distance in Q8. A typical window scores 0 to 1 octave.
OCTAVE_Q8 = 256

RUN_HEADER_BYTES = 8
_RUN_HEADER = "<IhBB"  # first_window threshold state|flags n
# The number of a window wraps to 0 after this: MicroPython on 32 bits keeps no larger int off the
# heap.
LAST_WINDOW = 0x3FFFFFFF
HAS_LABELS = 0x80  # flag beside the state: labels follow the scores


def pack_record(kind, seq, ticks_ms, payload):
    """Return one whole record with its CRC, as bytes.

    kind: u8. seq, ticks_ms: u32. payload: bytes, at most MAX_PAYLOAD_BYTES.
    """
    body = struct.pack(_RECORD, RECORD_MAGIC, kind, len(payload), seq, ticks_ms) + payload
    return body + struct.pack("<I", crc32(body))


def record_bytes(buf, at, end):
    """Return the length of the sound record at buf[at:end], or 0 if there is none.

    A record is sound if its magic is right, its length fits and its CRC matches. Its kind may be
    unknown.
    """
    if end - at < RECORD_HEADER_BYTES + RECORD_CRC_BYTES or buf[at] != RECORD_MAGIC:
        return 0
    n_payload = buf[at + 2] | buf[at + 3] << 8
    n = RECORD_HEADER_BYTES + n_payload + RECORD_CRC_BYTES
    if n_payload > MAX_PAYLOAD_BYTES or at + n > end:
        return 0
    body = at + n - RECORD_CRC_BYTES
    if struct.unpack_from("<I", buf, body)[0] != crc32(memoryview(buf)[at:body]):
        return 0
    return n


def record_seq(buf, at):
    """Return the sequence number of the record that starts at buf[at]."""
    return struct.unpack_from("<I", buf, at + 4)[0]


def unpack_record(buf, at, n):
    """Return (kind, seq, ticks_ms, payload) of the record at buf[at].

    n: its length, as record_bytes returned it.
    """
    _, kind, n_payload, seq, ticks_ms = struct.unpack_from(_RECORD, buf, at)
    start = at + RECORD_HEADER_BYTES
    return kind, seq, ticks_ms, bytes(buf[start : start + n_payload])


def pack_run_header_into(buf, first_window, threshold, state, n, has_labels):
    """Write the 8-byte header of a RUN payload at the start of buf.

    first_window: number of the first window. threshold: int16, octaves in Q8. state: IDLE, LEARN or
    WATCH. n: windows in the run, at most 255. has_labels: whether labels follow the scores.

    The caller writes the rest. Each of the n scores is stored as its difference d from the score
    before it (for the first, from 0), in zigzag (2d, or -2d - 1 if d < 0), in groups of 7 bits,
    lowest first, with bit 7 set if another group follows. If there are labels, pairs of bytes
    follow: a label id and the number of windows in a row that have it.
    """
    struct.pack_into(
        _RUN_HEADER, buf, 0, first_window, threshold, state | (HAS_LABELS if has_labels else 0), n
    )


def is_valid_text(text):
    """Return True if a str came from valid UTF-8, which any reader accepts.

    MicroPython also decodes lone surrogates, numbers beyond Unicode, and characters in more bytes
    than they need.
    """
    for c in text:
        n = ord(c)
        if n > 127 and (0xD800 <= n < 0xE000 or n > 0x10FFFF) or chr(n) != c:
            return False
    return True


# --- learned state and head files: one envelope ---------------------------------------------------

STATE_MAGIC = b"NHS2"
SNAPSHOT_MAGIC = b"NHP1"  # body: u16 length of a JSON note, the note, a state's body
HEAD_MAGIC = b"NHH1"
ENVELOPE_BYTES = 16
_ONE = 49  # ASCII code of "1", the version in a magic
SIGNED = b"NHK1"  # the last four bytes of a signed image
signer = None  # a signing.Signer on a board that has a key
# magic fingerprint sequence body_bytes. Then, from version 2 on, u32 log_seq. Then the body, and a
# CRC over everything before it.
_ENVELOPE = "<4sIII"


def seal(magic, fingerprint, sequence, body, log_seq=0):
    """Return a body in its envelope: 16 or 20 bytes before it, and a CRC-32 of all that behind it.

    magic: 4 bytes. fingerprint: u32 that tells what the body belongs to (of a state: CRC of the
    feature layout; of a head: CRC of its body). sequence: u32 that grows with every save, so that
    the newer of two slots can be found. body: bytes. log_seq: number of the journal's next record,
    stored from version 2 on. The image is signed if the board has a key.
    """
    image = struct.pack(_ENVELOPE, magic, fingerprint, sequence, len(body))
    if magic[3] > _ONE:
        image += struct.pack("<I", log_seq)
    image += body
    image += struct.pack("<I", crc32(image))
    return signer.signed(image) if signer else image


def unseal(magic, image, what):
    """Return (fingerprint, sequence, body) of a sealed image. The body is a memoryview.

    magic: of the version that this firmware writes; earlier versions are read as well. image:
    bytes. what: the image's name in error messages. Raises FormatError if the image is damaged, of
    another kind or a later version, or if the board's key did not sign it.
    """
    if signer:
        image = signer.opened(image, what)
    elif bytes(image[-4:]) == SIGNED:  # The key's file is gone. Without this it looks like damage.
        raise FormatError(
            what + " is signed, and there is no key to check it", "`nearhum deploy --key NAME`"
        )
    if len(image) < ENVELOPE_BYTES + 4:
        raise FormatError(
            "%s is cut short: %d bytes" % (what, len(image)), "restore it from a backup"
        )
    found, fingerprint, sequence, n = struct.unpack_from(_ENVELOPE, image, 0)
    if found[:3] != magic[:3]:
        raise FormatError(
            "%s has magic %r, not %r" % (what, found, magic), "is this the right file?"
        )
    if not _ONE <= found[3] <= magic[3]:
        raise FormatError(
            "%s has version %r, this firmware reads up to %r" % (what, found[3:], magic[3:]),
            "a later firmware wrote it: update firmware and host tools together",
        )
    at = ENVELOPE_BYTES + (4 if found[3] > _ONE else 0)
    end = at + n
    if end != len(image) - 4:
        raise FormatError(
            "%s should have %d bytes and has %d" % (what, n, len(image) - at - 4),
            "restore it from a backup",
        )
    if struct.unpack_from("<I", image, end)[0] != crc32(memoryview(image)[:end]):
        raise FormatError("%s is damaged (CRC)" % what, "restore it from a backup")
    return fingerprint, sequence, memoryview(image)[at:end]


def log_seq_of(image):
    """Return the number of the journal's next record at the time an image was sealed, or 0 if the
    image is of version 1 and does not have it.
    """
    return struct.unpack_from("<I", image, ENVELOPE_BYTES)[0] if image[3] > _ONE else 0
