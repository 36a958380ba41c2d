"""Formats that leave the board: journal records, learned state, head files.

Recordings are in recording.py.

Leaf, for both Pythons (struct and binascii only): the host imports this very file. All little
endian. Every format starts with a magic and a version and ends with, or carries, a CRC-32 (IEEE
802.3, as zlib). A reader raises FormatError and never trusts a length before the CRC over it has
been checked.

    record     A7    one journal entry: kind, seq, ticks_ms, payload
    state      NHS2  the image of everything learned
    snapshot   NHP2  a state to roll back to, with a note of why it was kept
    head       NHH1  a small int8 network

FORMAT counts the changes of any of them. What an earlier firmware wrote is read
(tests/vectors/formats has boards of every format), what a later one wrote is refused with a
message, and kept. The frame of a record stays as it is: a reader steps over the kinds that it does
not know.

    1  0.1.0 before its release: SCORES records of int16
    2  RUN records (deltas, varints) in place of SCORES; states and snapshots name the journal's
      next record
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
_RECORD = "<BBHII"  # magic kind payload_bytes seq ticks_ms
TICKS_MODULO = 1 << 32  # milliseconds since the start of the board count modulo this: 49 days

# JSON: format, version, board, boot, config; utc: seconds since 1970, where a host has told the
# time
BOOT = 1
SCORES = 2  # a run of windows, as format 1 had it: scores.py reads it
EVENT = 3  # JSON: {"event": name, "window": n, ...}
RUN = 4  # a run of windows: see pack_run_header_into

IDLE, LEARN, WATCH = 0, 1, 2  # states of the detector, as in a SCORES record
STATE_NAMES = ("idle", "learn", "watch")
NO_SCORE = -32768  # the window had no score yet (ranging, first windows of a learning period)
NO_THRESHOLD = 32767  # no score reaches it
LEARN_WINDOWS = (8, 16000000)  # of a learning period, at least and at most
SCORE_ONE = 256  # a score counts octaves of squared distance in Q8; a normal window has about 1

RUN_HEADER_BYTES = 8
_RUN_HEADER = "<IhBB"  # first_window threshold state|flags n
# after which windows count from 0: the largest integer that 32 bits keep off the heap
LAST_WINDOW = 0x3FFFFFFF
HAS_LABELS = 0x80


def pack_record(kind, seq, ticks_ms, payload):
    """Return one whole record with its CRC."""
    body = struct.pack(_RECORD, RECORD_MAGIC, kind, len(payload), seq, ticks_ms) + payload
    return body + struct.pack("<I", crc32(body))


def record_bytes(buf, at, end):
    """Return the length of the sound record at buf[at:end], or 0 where there is none.

    Sound: magic, a length that fits, and a matching CRC; its kind may be a later one.
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
    """Return (kind, seq, ticks_ms, payload) of the record of n bytes at buf[at]; see
    record_bytes.
    """
    _, kind, n_payload, seq, ticks_ms = struct.unpack_from(_RECORD, buf, at)
    start = at + RECORD_HEADER_BYTES
    return kind, seq, ticks_ms, bytes(buf[start : start + n_payload])


def pack_run_header_into(buf, first_window, threshold, state, n, has_labels):
    """Write the 8-byte head of a RUN payload at the start of buf.

    After it: n scores, each as its difference from the one before (the first: from 0) in zigzag
    (2d, or -2d - 1 below
    0) and in groups of 7 bits, the lowest first, bit 7 where another follows. Then, if it has
    labels, pairs of a label id and how many windows have it.
    """
    struct.pack_into(
        _RUN_HEADER, buf, 0, first_window, threshold, state | (HAS_LABELS if has_labels else 0), n
    )


def is_sound(text):
    """Return True where a text is UTF-8 that any reader takes.

    MicroPython also decodes lone surrogates, numbers beyond Unicode, and signs in more bytes than
    they need.
    """
    for c in text:
        n = ord(c)
        if n > 127 and (0xD800 <= n < 0xE000 or n > 0x10FFFF) or chr(n) != c:
            return False
    return True


# --- learned state and head files: one envelope ---------------------------------------------------

STATE_MAGIC = b"NHS2"
SNAPSHOT_MAGIC = b"NHP1"  # u16 length of a JSON note, the note, a state's body
HEAD_MAGIC = b"NHH1"
ENVELOPE_BYTES = 16
_ONE = 49  # "1"
SIGNED = b"NHK1"  # ends what is signed
signer = None  # signing.Signer, on a board that has a key
# magic fingerprint sequence body_bytes; then, in version 2, u32 log_seq; body, CRC over all of it
_ENVELOPE = "<4sIII"


def seal(magic, fingerprint, sequence, body, log_seq=0):
    """Return body in its envelope: 16 or 20 bytes before it, a CRC-32 of everything after it.

    fingerprint: what the body belongs to (state: CRC of the feature layout; head: CRC of nothing,
    0). sequence: counts up with every save, the younger of two slots wins. log_seq: of the
    journal's next record.
    """
    image = struct.pack(_ENVELOPE, magic, fingerprint, sequence, len(body))
    if magic[3] > _ONE:
        image += struct.pack("<I", log_seq)
    image += body
    image += struct.pack("<I", crc32(image))
    return signer.signed(image) if signer else image


def unseal(magic, image, what):
    """Return (fingerprint, sequence, body) of a sealed image; body is a memoryview.

    Raises FormatError.

    magic: of the version that this firmware writes; earlier ones are read as well.
    """
    if signer:
        image = signer.opened(image, what)
    elif bytes(image[-4:]) == SIGNED:  # the key's file is gone: it is not taken for damage
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
            "%s says %d bytes and has %d" % (what, n, len(image) - at - 4),
            "restore it from a backup",
        )
    if struct.unpack_from("<I", image, end)[0] != crc32(memoryview(image)[:end]):
        raise FormatError("%s is damaged (CRC)" % what, "restore it from a backup")
    return fingerprint, sequence, memoryview(image)[at:end]


def log_seq_of(image):
    """Return the number of the journal's next record when a state was sealed, 0 where it does
    not say.
    """
    return struct.unpack_from("<I", image, ENVELOPE_BYTES)[0] if image[3] > _ONE else 0
