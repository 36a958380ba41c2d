"""Journal: what happened, in order, append-only, with a sequence number and a CRC on every record.

Enters: scores window by window, and events. Leaves: records (see wire.py) in segment files
hum/log/<first seq>.seg.

Every segment begins with a BOOT record (which boot, which settings, what time if it is known), so
it can be read without the ones before it. A new segment begins at every start of the board and when
one is full: nothing is ever written behind a torn record. The ring is 13/16 of what the application
leaves of the file system: the oldest segments go when there are too many, or no room. Scores wait
in RAM until a run of them is full (runs.py), records until there are enough of them or their time
has come: a sync costs an erased block of flash, and ten years of them must not wear it out.
`synced_seq` says what is safe. How far the log has come is noted outside its folder, too: see
epoch.py.
"""

import json
import os

from nearhum.files import as_json, make_folder, note, noted
from nearhum.storage.runs import Runs
from nearhum.wire import (
    BOOT,
    EVENT,
    FORMAT,
    MAX_PAYLOAD_BYTES,
    RECORD_CRC_BYTES,
    RECORD_HEADER_BYTES,
    TICKS_MODULO,
    pack_record,
    record_bytes,
    record_seq,
    unpack_record,
)  # fmt: skip

ENOSPC = 28
SEGMENT_BYTES = 16384
MAX_SEGMENTS = 64
FLUSH_BYTES = 1536
FLUSH_S = 120  # Scores wait this long at most before they are written.
EVENT_S = 10  # An event waits this long at most.
REACHED = "hum/reached"  # note of the next number, and of the boot
MAX_PENDING = 4096  # Bytes that wait for a file system which refuses: more is dropped, and told.


class Journal:
    """The log of one board.

    root: prefix of every path. about: dict that goes into every BOOT record.
    """

    def __init__(self, root, about):
        self._folder = root + "hum/log"
        self._reached = root + REACHED
        make_folder(self._folder)
        self._segments = sorted(
            [int(name[:8], 16) for name in os.listdir(self._folder) if name.endswith(".seg")]
        )
        self.measure()
        self.boot, self.seq = self._last()
        seq, boot = noted(self._reached)
        # records that the file system has lost: their numbers are not given again
        self.gone = max(0, seq - self.seq)
        self.seq += self.gone
        self.boot = max(self.boot, boot) + 1
        self.synced_seq = self.seq
        self._about = dict(about)
        self._about["boot"] = self.boot
        self._about["format"] = FORMAT
        self._room = 0  # bytes left in the open segment; 0: none is open
        self._pending = bytearray()
        self._runs = Runs(self._append)
        self.score = self._runs.score
        self.failed = 0  # flushes that the file system refused
        self.n_lost = 0  # records dropped because it refused: they were never acknowledged
        self.erased = 0  # blocks of flash that flushes took, about
        self._lost_to = 0  # the number after the last record that was lost
        self._flushed_s = 0
        self._has_event = False
        # kept by the pipeline: seconds since the start, and milliseconds of the next
        self.now_s = self.now_ms = 0
        # seconds from 1970, UTC, to the start; 0 as long as no host has told the time
        self.epoch_s = 0
        # where the last read ended, so that a pull does not search from the start
        self._at_seq, self._at = -1, 0

    def measure(self):
        """Set how long the ring may be: at a start, and when trial.py has made room."""
        _, block_bytes, self.n_blocks, n_free = os.statvfs(self._folder)[:4]
        if n_free > self.n_blocks:
            n_free = 0  # a full LittleFS answers 2^32 - 4
        n_each = max(1, SEGMENT_BYTES // block_bytes)
        # without what else lies there: the application
        room = n_free + n_each * len(self._segments)
        self._max_segments = max(2, min(MAX_SEGMENTS, room * 13 // 16 // n_each))

    def _path(self, first):
        return "%s/%08x.seg" % (self._folder, first)

    def _last(self):
        # boot and next seq, from the youngest segments; what may have been numbered in damage is
        # not numbered again
        boot = seq = 0
        for first in reversed(self._segments):
            try:
                with open(self._path(first), "rb") as f:
                    buf = f.read()
            except OSError:
                buf = bytes(SEGMENT_BYTES)
            at, after = 0, first
            while True:
                n = record_bytes(buf, at, len(buf))
                if not n:
                    break
                kind, after, _, payload = unpack_record(buf, at, n)
                after += 1
                if kind == BOOT:
                    boot = json.loads(payload)["boot"]  # whole, by its CRC
                at += n
            seq = max(seq, after - (at - len(buf)) // (RECORD_HEADER_BYTES + RECORD_CRC_BYTES))
            if boot:
                break
        if self._segments and self._segments[-1] == seq:
            self._segments.pop()  # empty: its name is the next one's
        return boot, seq

    @property
    def first_seq(self):
        """The oldest record still here."""
        return self._segments[0] if self._segments else self.seq

    # --- writing ----------------------------------------------------------------------------------

    def event(self, name, **what):
        """Note an event; the keywords are its facts. It is flushed at the next chance."""
        self._runs.close()
        what["event"] = name
        payload = as_json(what)
        if len(payload) > MAX_PAYLOAD_BYTES:
            payload = as_json({"event": name, "window": what.get("window"), "cut": len(payload)})
        self._append(EVENT, payload)
        self._has_event = True

    def _append(self, kind, payload):
        n = RECORD_HEADER_BYTES + len(payload) + RECORD_CRC_BYTES
        if n > self._room:
            self.flush()
            if not self._pending:  # else the file system refuses, and what waits is of this segment
                self._open_segment()
        ticks_ms = self.now_s * 1000 + self.now_ms & TICKS_MODULO - 1
        self._pending += pack_record(kind, self.seq, ticks_ms, payload)
        self.seq += 1
        self._room -= n
        if len(self._pending) >= FLUSH_BYTES:
            self.flush()

    def _open_segment(self):
        while len(self._segments) >= self._max_segments and self.make_room():
            pass
        if self.epoch_s:
            self._about["utc"] = self.epoch_s + self.now_s
        payload, source = as_json(self._about), None
        if len(payload) > MAX_PAYLOAD_BYTES:  # the source follows in a record of its own
            config = dict(self._about["config"])
            source = as_json(dict(config.pop("source", {}), event="source"))
            payload = as_json(dict(self._about, config=config))
        self._segments.append(self.seq)
        self._room = SEGMENT_BYTES
        try:
            self._append(BOOT, payload)
        except MemoryError:  # no segment without this record
            self._segments.pop()
            self._room = 0
            raise
        if source and len(source) <= MAX_PAYLOAD_BYTES:
            self._append(EVENT, source)

    def make_room(self, error=None):
        """Drop the oldest segment.

        error: OSError of a write. Returns False where it was not for want of room, only the
        present segment is left, or the oldest cannot be removed.
        """
        if len(self._segments) < 2 or error and error.args[0] != ENOSPC:
            return False
        try:
            os.remove(self._path(self._segments[0]))
        except OSError:
            return False
        self._segments.pop(0)
        self._at_seq = -1
        return True

    def tick(self):
        """Flush what has waited long enough. Call it in every turn of the loop."""
        if self.now_s - self._flushed_s >= (EVENT_S if self._has_event else FLUSH_S):
            self._flushed_s = self.now_s
            self._has_event = False
            self._runs.close()
            self.flush()

    def flush(self):
        """Bring pending records to flash. What was not written is not acknowledged by synced_seq.

        A full file system costs the oldest segment, never the detector. One that refuses costs the
        records that wait, once there are too many: a later segment shows the hole in its numbers.
        """
        while self._pending:
            try:
                with open(self._path(self._segments[-1]), "ab") as f:
                    f.write(self._pending)
            except OSError as e:
                self.failed += 1
                if self.make_room(e):
                    continue
                if len(self._pending) > MAX_PENDING:
                    self.n_lost += self.seq - max(self.synced_seq, self._lost_to)
                    self._lost_to = self.seq
                    self._pending = bytearray()
                    self._room = 0  # what comes next is in a segment of its own, with a BOOT record
                return
            self.erased += 1 + (len(self._pending) >> 12)
            self._pending = bytearray()
            note(self._reached, self.seq, self.boot)
            self.synced_seq = self.seq

    def clear(self):
        """Remove every segment but a new one, which is written before the others go: so the
        numbers go on, whenever the power fails. So is what waits: where it cannot be written,
        nothing is removed. Raises OSError then.
        """
        self._runs.close()
        self.flush()
        if not self._pending:
            self._open_segment()
            self.flush()
        if self._pending:
            raise OSError(ENOSPC)
        for first in self._segments[:-1]:
            try:
                os.remove(self._path(first))
            except OSError:
                pass
        self._segments = self._segments[-1:]
        self._at_seq = -1

    # --- reading ----------------------------------------------------------------------------------

    def read(self, seq, max_bytes):
        """Return (first seq, next seq, raw records) from the first record not before seq, at
        most max_bytes.
        """
        self._runs.close()
        self.flush()
        seq = max(seq, self.first_seq)
        while seq < self.synced_seq:
            i = len(self._segments) - 1
            while i and self._segments[i] > seq:
                i -= 1
            first, last, records = self._read_segment(self._segments[i], seq, max_bytes)
            if last is not None:
                return first, last + 1, records
            # a torn tail, or a record larger than max_bytes: the next segment goes on
            after = self._segments[i + 1] if i + 1 < len(self._segments) else self.synced_seq
            if after <= seq:
                break
            seq = after
        return seq, self.synced_seq, b""

    def _read_segment(self, segment, seq, max_bytes):
        # (first seq, last seq, records) of the sound records from seq on; (None, None, b"") where
        # there are none
        at = self._at if self._at_seq == seq and self._at_segment == segment else 0
        try:
            with open(self._path(segment), "rb") as f:
                f.seek(at)
                # a record is searched by its header alone; only what is sent is read whole
                header = f.read(RECORD_HEADER_BYTES)
                while len(header) == RECORD_HEADER_BYTES and record_seq(header, 0) < seq:
                    at += RECORD_HEADER_BYTES + (header[2] | header[3] << 8) + RECORD_CRC_BYTES
                    f.seek(at)
                    header = f.read(RECORD_HEADER_BYTES)
                f.seek(at)
                buf = f.read(max_bytes)
        except OSError:
            # the file system refused it when it was due, or its blocks cannot be read any more
            return None, None, b""
        end = 0
        first = last = None
        while True:
            n = record_bytes(buf, end, len(buf))
            if not n:
                break
            last = record_seq(buf, end)
            first = last if first is None else first
            end += n
        if last is not None:
            self._at_seq, self._at, self._at_segment = last + 1, at + end, segment
        return first, last, buf[:end]
