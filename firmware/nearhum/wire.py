"""Formats that leave the board: journal records, learned state, head files.

Leaf, for both Pythons (struct and binascii only): the host imports this very file. All little endian.
Every format starts with a magic and a version and ends with, or carries, a CRC-32 (IEEE 802.3, as zlib).
(Recordings are in recording.py: only a board that plays one needs that.)
A reader raises FormatError and never trusts a length before the CRC over it has been checked.

    record     A7    one journal entry: kind, seq, ticks_ms, payload
    state      NHS1  the image of everything learned
    snapshot   NHP1  a state to roll back to, with a note of why it was kept
    head       NHH1  a small int8 network
"""

import struct
from binascii import crc32

from .errors import FormatError

# --- journal record ----------------------------------------------------------------------------------

RECORD_MAGIC = 0xA7
RECORD_HEADER_BYTES = 12
RECORD_CRC_BYTES = 4
MAX_PAYLOAD_BYTES = 1024
_RECORD = "<BBHII"  # magic kind payload_bytes seq ticks_ms
TICKS_MODULO = 1 << 32  # milliseconds since the start of the board count modulo this: 49 days

BOOT = 1  # JSON: version, board, boot, config
SCORES = 2  # a run of windows: see pack_scores_header
EVENT = 3  # JSON: {"event": name, "window": n, ...}
KINDS = (BOOT, SCORES, EVENT)

IDLE, LEARN, WATCH = 0, 1, 2  # states of the detector, as in a SCORES record
STATE_NAMES = ("idle", "learn", "watch")
NO_SCORE = -32768  # the window had no score yet (ranging, first windows of a learning period)
SCORE_ONE = 256  # a score counts octaves of squared distance in Q8; a normal window has about 1

SCORES_HEADER_BYTES = 8
_SCORES = "<IhBB"  # first_window threshold state|flags n
LAST_WINDOW = 0x3FFFFFFF  # after which windows count from 0: the largest integer that 32 bits keep off the heap
HAS_LABELS = 0x80


def pack_record(kind, seq, ticks_ms, payload):
    """Return one whole record with its CRC."""
    body = struct.pack(_RECORD, RECORD_MAGIC, kind, len(payload), seq, ticks_ms) + payload
    return body + struct.pack("<I", crc32(body))


def record_bytes(buf, at, end):
    """Return the length of the sound record at buf[at:end], or 0 where there is none.

    Sound: magic, known kind, a length that fits, and a matching CRC. Allocates a slice of that length.
    """
    if end - at < RECORD_HEADER_BYTES + RECORD_CRC_BYTES or buf[at] != RECORD_MAGIC or buf[at + 1] not in KINDS:
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
    """Return (kind, seq, ticks_ms, payload) of the record of n bytes at buf[at]; see record_bytes."""
    _, kind, n_payload, seq, ticks_ms = struct.unpack_from(_RECORD, buf, at)
    start = at + RECORD_HEADER_BYTES
    return kind, seq, ticks_ms, bytes(buf[start : start + n_payload])


def pack_scores_header_into(buf, at, first_window, threshold, state, n, labels):
    """Write the 8-byte head of a SCORES payload at buf[at]; n scores (int16) follow, then n label ids if labels."""
    struct.pack_into(_SCORES, buf, at, first_window, threshold, state | (HAS_LABELS if labels else 0), n)


def unpack_scores(payload):
    """Return (first_window, threshold, state, scores, label_ids) of a SCORES payload.

    scores: tuple of int, octaves in Q8, NO_SCORE where there was none. label_ids: bytes, empty when none.
    """
    if len(payload) < SCORES_HEADER_BYTES:
        raise FormatError("scores record of %d bytes" % len(payload))
    first, threshold, flags, n = struct.unpack_from(_SCORES, payload, 0)
    labels = n if flags & HAS_LABELS else 0
    state = flags & 0x7F
    if len(payload) != SCORES_HEADER_BYTES + 2 * n + labels or state >= len(STATE_NAMES):
        raise FormatError("scores record of %d bytes for %d windows, state %d" % (len(payload), n, state))
    scores = struct.unpack_from("<%dh" % n, payload, SCORES_HEADER_BYTES)
    return first, threshold, state, scores, payload[SCORES_HEADER_BYTES + 2 * n :]


def is_sound(text):
    """Return True where a text is UTF-8 that any reader takes.

    MicroPython also decodes lone surrogates, numbers beyond Unicode, and signs in more bytes than they need.
    """
    for c in text:
        n = ord(c)
        if n > 127 and (0xD800 <= n < 0xE000 or n > 0x10FFFF) or chr(n) != c:
            return False
    return True


# --- learned state and head files: one envelope ------------------------------------------------------

STATE_MAGIC = b"NHS1"
SNAPSHOT_MAGIC = b"NHP1"  # u16 length of a JSON note, the note, a state's body
HEAD_MAGIC = b"NHH1"
ENVELOPE_BYTES = 16
_ENVELOPE = "<4sIII"  # magic fingerprint sequence body_bytes; body and a CRC over all of it follow


def seal(magic, fingerprint, sequence, body):
    """Return body in its envelope: 16 bytes before it, a CRC-32 of everything after it.

    fingerprint: what the body belongs to (state: CRC of the feature layout; head: CRC of nothing, 0).
    sequence: counts up with every save, the younger of two slots wins.
    """
    image = struct.pack(_ENVELOPE, magic, fingerprint, sequence, len(body)) + body
    return image + struct.pack("<I", crc32(image))


def unseal(magic, image, what):
    """Return (fingerprint, sequence, body) of a sealed image; body is a memoryview. Raises FormatError."""
    if len(image) < ENVELOPE_BYTES + 4:
        raise FormatError("%s is cut short: %d bytes" % (what, len(image)), "restore it from a backup")
    found, fingerprint, sequence, n = struct.unpack_from(_ENVELOPE, image, 0)
    if found != magic:
        if found[:3] == magic[:3]:
            raise FormatError(
                "%s has version %r, this firmware reads %r" % (what, found[3:], magic[3:]),
                "update firmware and host tools together, or make the file again",
            )
        raise FormatError("%s has magic %r, not %r" % (what, found, magic), "is this the right file?")
    if n != len(image) - ENVELOPE_BYTES - 4:
        raise FormatError("%s says %d bytes and has %d" % (what, n, len(image) - 20), "restore it from a backup")
    end = ENVELOPE_BYTES + n
    if struct.unpack_from("<I", image, end)[0] != crc32(memoryview(image)[:end]):
        raise FormatError("%s is damaged (CRC)" % what, "restore it from a backup")
    return fingerprint, sequence, memoryview(image)[ENVELOPE_BYTES:end]
