"""Journal: an append-only log, with a sequence number and a CRC on every record.

Enters: the score of each window, and events. Leaves: records (see wire.py) in segment files
hum/log/<first seq>.seg, which the host pulls.

Every segment begins with a BOOT record (boot, settings, and the time if it is known), so it can be
read alone. A new segment begins at every start and when one is full, so nothing is written behind a
torn record. The log takes at most 13/16 of the file system that the application leaves free. The
oldest segment is deleted if there are too many, or no room. Scores wait in RAM until a run is full
(runs.py), and records until there are enough of them or they are old enough: each flush erases a
block of flash, which has to last ten years. `synced_seq` tells what is on flash. epoch.py explains
the note outside the folder.
"""

import os

from nearhum import wire
from nearhum.files import as_json, make_folder, note, noted
from nearhum.storage.chain import Chain
from nearhum.storage.runs import Runs
from nearhum.wire import (
    MAX_PAYLOAD_BYTES,
    RECORD_CRC_BYTES,
    RECORD_HEADER_BYTES,
    pack_record,
    record_bytes,
    record_seq,
)

ENOSPC = 28  # errno: the file system is full
SEGMENT_BYTES = 16384  # of a segment: whole blocks of 4 KB, few enough files to list at a start
MAX_SEGMENTS = 64  # bounds the list of segments in RAM: a log of at most 1 MB
FLUSH_BYTES = 1536  # Records are written when there are this many bytes of them.
FLUSH_S = 120  # Scores wait this long at most before they are written.
EVENT_S = 10  # An event waits this long at most.
REACHED = "hum/reached"  # the note of the next number and of the boot
MAX_PENDING = 4096  # bytes kept while the file system refuses: more is dropped and reported


class Journal:
    """The log of one board.

    root: prefix of every path. about: dict for every BOOT record.
    """

    def __init__(self, root, about):
        self._folder = root + "hum/log"
        self._reached = root + REACHED
        make_folder(self._folder)
        self._segments = sorted(
            [int(name[:8], 16) for name in os.listdir(self._folder) if name.endswith(".seg")]
        )
        self.measure()
        self._chain = Chain()
        from nearhum.storage import log_end  # Released after the start, see lifetime.AT_START.

        self.boot, self.seq = log_end.find(self._segments, self._path, self._chain, SEGMENT_BYTES)
        seq, boot = noted(self._reached)
        # How many records the file system has lost. Their numbers are not used again.
        self.gone = max(0, seq - self.seq)
        self.seq += self.gone
        self.boot = max(self.boot, boot) + 1
        self.synced_seq = self.seq
        self._about = dict(about, boot=self.boot, format=wire.FORMAT)
        self._room = 0  # bytes left in the open segment, 0 if none is open
        self._pending = bytearray()
        self._runs = Runs(self._append)
        self.score = self._runs.score
        self.failed = 0  # flushes that the file system refused
        self.n_lost = 0  # records that were dropped for that reason: synced_seq never passed them
        self.erased = 0  # approximate number of flash blocks that flushes have erased
        self._lost_to = 0  # the number after the last dropped record
        self._flushed_s = 0
        self._has_event = False
        # The pipeline sets these: seconds since the start, and the milliseconds beyond them.
        self.now_s = self.now_ms = 0
        # seconds from 1970 (UTC) to the start, 0 until a host has told the time
        self.epoch_s = 0
        # Where the last read ended, so that a pull does not search from the segment's start.
        self._at_seq, self._at = -1, 0

    def measure(self):
        """Set the largest number of segments: at a start, and when trial.py has freed room."""
        _, block_bytes, self.n_blocks, n_free = os.statvfs(self._folder)[:4]
        if n_free > self.n_blocks:
            n_free = 0  # A full LittleFS reports 2^32 - 4.
        n_each = max(1, SEGMENT_BYTES // block_bytes)
        # What is free or log already. The rest belongs to the application.
        room = n_free + n_each * len(self._segments)
        self._max_segments = max(2, min(MAX_SEGMENTS, room * 13 // 16 // n_each))

    def _path(self, first):
        return "%s/%08x.seg" % (self._folder, first)

    @property
    def first_seq(self):
        """The number of the oldest record that is still here."""
        return self._segments[0] if self._segments else self.seq

    # --- writing ----------------------------------------------------------------------------------

    def event(self, name, **what):
        """Append an event; `what` has its facts. It is written within EVENT_S."""
        self._runs.close()
        what["event"] = name
        payload = as_json(what)
        if len(payload) > MAX_PAYLOAD_BYTES:
            payload = as_json({"event": name, "window": what.get("window"), "cut": len(payload)})
        self._append(wire.EVENT, payload)
        self._has_event = True

    def _append(self, kind, payload):
        n = RECORD_HEADER_BYTES + len(payload) + RECORD_CRC_BYTES
        if n > self._room:
            self.flush()
            if not self._pending:  # Else the file system refused: records of this segment wait.
                self._open_segment()
        ticks_ms = self.now_s * 1000 + self.now_ms & wire.TICKS_MODULO - 1
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
        self._about["chain"] = self._chain.said() or self._about.get("chain")
        payload, source = as_json(self._about), None
        if len(payload) > MAX_PAYLOAD_BYTES:  # the source follows in a record of its own
            config = dict(self._about["config"])
            source = as_json(dict(config.pop("source", {}), event="source"))
            payload = as_json(dict(self._about, config=config))
        self._segments.append(self.seq)
        self._chain.begin(self.seq)
        self._room = SEGMENT_BYTES
        try:
            self._append(wire.BOOT, payload)
        except MemoryError:  # There must be no segment without this record.
            self._segments.pop()
            self._chain.said()
            self._room = 0
            raise
        if source and len(source) <= MAX_PAYLOAD_BYTES:
            self._append(wire.EVENT, source)

    def make_room(self, error=None):
        """Delete the oldest segment, and return True if that succeeded.

        error: OSError of a write, or None. Returns False if the error is not a lack of room, if
        only the present segment is left, or if the oldest cannot be deleted.
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
        """Flush if records have waited long enough. Call it in every turn of the loop."""
        if self.now_s - self._flushed_s >= (EVENT_S if self._has_event else FLUSH_S):
            self._flushed_s = self.now_s
            self._has_event = False
            self._runs.close()
            self.flush()

    def flush(self):
        """Write pending records to flash. synced_seq passes only what was written.

        If the file system is full, the oldest segment is deleted. If it refuses for another reason,
        records wait, and are dropped above MAX_PENDING. The log then has a gap in its numbers.
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
                    self._room = 0  # The next record begins a new segment, with a BOOT record.
                return
            self.erased += 1 + (len(self._pending) >> 12)
            self._chain.add(self._pending, self.seq)
            self._pending = bytearray()
            note(self._reached, self.seq, self.boot)
            self.synced_seq = self.seq

    def clear(self):
        """Delete all segments but a new one, which is written first.

        So the numbers go on even if the power fails. Raises OSError, and deletes nothing, if
        pending records cannot be written.
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
        """Return (first seq, next seq, records as bytes) from record seq on, at most max_bytes."""
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
            # A torn tail, or a record larger than max_bytes: go on with the next segment.
            after = self._segments[i + 1] if i + 1 < len(self._segments) else self.synced_seq
            if after <= seq:
                break
            seq = after
        return seq, self.synced_seq, b""

    def _read_segment(self, segment, seq, max_bytes):
        # Returns (first seq, last seq, records) of the valid records from seq on, or
        # (None, None, b"") if there are none.
        at = self._at if self._at_seq == seq and self._at_segment == segment else 0
        try:
            with open(self._path(segment), "rb") as f:
                f.seek(at)
                # The search reads only headers. What is returned is read whole.
                header = f.read(RECORD_HEADER_BYTES)
                while len(header) == RECORD_HEADER_BYTES and record_seq(header, 0) < seq:
                    at += RECORD_HEADER_BYTES + (header[2] | header[3] << 8) + RECORD_CRC_BYTES
                    f.seek(at)
                    header = f.read(RECORD_HEADER_BYTES)
                f.seek(at)
                buf = f.read(max_bytes)
        except OSError:
            # The segment was never written, or its blocks cannot be read any more.
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
