"""Journal: what happened, in order, append-only, with a sequence number and a CRC on every record.

Enters: scores window by window, and events. Leaves: records (see wire.py) in segment files hum/log/<first seq>.seg.

Every segment begins with a BOOT record (which boot, which settings, what time if it is known), so it can be read
without the ones before it. A new segment begins at every start of the board and when one is full: nothing is ever
written behind a torn record. The ring is 13/16 of what the application leaves of the file system: the oldest segments
go when there are too many, or no room. Scores wait in RAM until a run of them is full, records until there are enough
of them or their time has come: a sync costs an erased block of flash, and ten years of them must not wear it out.
`synced_seq` says what is safe.
"""

import json
import os

from nearhum.store import make_folder
from nearhum.wire import (
    BOOT,
    EVENT,
    FORMAT,
    MAX_PAYLOAD_BYTES,
    RECORD_CRC_BYTES,
    RECORD_HEADER_BYTES,
    RUN,
    RUN_HEADER_BYTES,
    TICKS_MODULO,
    pack_record,
    pack_run_header_into,
    record_bytes,
    record_seq,
    unpack_record,
)

SEGMENT_BYTES = 16384
MAX_SEGMENTS = 64
FLUSH_BYTES = 1536
FLUSH_S = 120  # that scores wait
EVENT_S = 10  # that an event waits
MAX_PENDING = 4096
RUN_N = 128  # windows in a record of scores


class Journal:
    """The log of one board. root: prefix of every path. about: dict that goes into every BOOT record."""

    def __init__(self, root, about):
        self._folder = root + "hum/log"
        make_folder(self._folder)
        self._segments = sorted([int(name[:8], 16) for name in os.listdir(self._folder) if name.endswith(".seg")])
        _, block_bytes, self.n_blocks, n_free = os.statvfs(root)[:4]
        n_each = max(1, SEGMENT_BYTES // block_bytes)
        room = n_free + n_each * len(self._segments)  # without what else lies there: the application
        self._max_segments = max(2, min(MAX_SEGMENTS, room * 13 // 16 // n_each))
        self.boot, self.seq = self._last()
        self.boot += 1
        self.synced_seq = self.seq
        self._about = dict(about)
        self._about["boot"] = self.boot
        self._about["format"] = FORMAT
        self._room = 0  # bytes left in the open segment; 0: none is open
        self._pending = bytearray()
        self._run = bytearray(RUN_HEADER_BYTES + 3 * RUN_N)
        self._labels = bytearray(RUN_N)
        self._run_n = 0
        self.failed = 0  # flushes that the file system refused
        self.erased = 0  # blocks of flash that flushes took, about
        self._flushed_s = 0
        self._has_event = False
        self.now_s = self.now_ms = 0  # kept by the pipeline: seconds since the start, and milliseconds of the next
        self.epoch_s = 0  # seconds from 1970, UTC, to the start; 0 as long as no host has told the time
        self._at_seq, self._at = -1, 0  # where the last read ended, so that a pull does not search from the start

    def _path(self, first):
        return "%s/%08x.seg" % (self._folder, first)

    def _last(self):
        # boot and next seq, from the youngest segments; what may have been numbered in damage is not numbered again
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
                    boot = json.loads(payload)["boot"]
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

    # --- writing ---------------------------------------------------------------------------------------------------

    def score(self, window, score, threshold, state, label_id):
        """Note one window; score int16, label_id 0..255. Allocates nothing but once in RUN_N windows."""
        n = self._run_n
        if n and (window - self._run_first != n or threshold != self._run_threshold or state != self._run_state):
            self._close_run()
            n = 0
        if not n:
            self._run_first, self._run_threshold, self._run_state = window, threshold, state
            self._run_last = self._run_labels = 0
            self._run_at = RUN_HEADER_BYTES
        run, at = self._run, self._run_at
        value = score - self._run_last
        value = 2 * value if value >= 0 else -2 * value - 1
        while value > 127:
            run[at] = value & 127 | 128
            value >>= 7
            at += 1
        run[at] = value
        self._run_at = at + 1
        self._run_last = score
        self._labels[n] = label_id
        self._run_labels |= label_id
        self._run_n = n + 1
        if n + 1 == RUN_N:
            self._close_run()

    def _close_run(self):
        n = self._run_n
        if not n:
            return
        self._run_n = 0
        pack_run_header_into(self._run, self._run_first, self._run_threshold, self._run_state, n, self._run_labels)
        labels = bytearray()
        if self._run_labels:
            for label_id in self._labels[:n]:
                if labels and labels[-2] == label_id:
                    labels[-1] += 1
                else:
                    labels += bytes((label_id, 1))
        self._append(RUN, bytes(self._run[: self._run_at]) + labels)

    def event(self, name, **what):
        """Note an event; the keywords are its facts. It is flushed at the next chance."""
        self._close_run()
        what["event"] = name
        payload = json.dumps(what).encode()
        if len(payload) > MAX_PAYLOAD_BYTES:
            payload = json.dumps({"event": name, "window": what.get("window"), "cut": len(payload)}).encode()
        self._append(EVENT, payload)
        self._has_event = True

    def _append(self, kind, payload):
        n = RECORD_HEADER_BYTES + len(payload) + RECORD_CRC_BYTES
        if n > self._room:
            self.flush()
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
        self._segments.append(self.seq)
        self._room = SEGMENT_BYTES
        if self.epoch_s:
            self._about["utc"] = self.epoch_s + self.now_s
        payload = json.dumps(self._about).encode()
        if len(payload) > MAX_PAYLOAD_BYTES:  # a long source: the rest tells enough
            about = dict(self._about)
            about["config"] = {name: value for name, value in about["config"].items() if name != "source"}
            payload = json.dumps(about).encode()
        self._append(BOOT, payload)

    def make_room(self):
        """Drop the oldest segment. Returns False where only the present one is left, or it cannot be removed."""
        if len(self._segments) < 2:
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
            self._close_run()
            self.flush()

    def flush(self):
        """Bring pending records to flash. A full file system costs the oldest segment, never the detector."""
        while self._pending:
            try:
                with open(self._path(self._segments[-1]), "ab") as f:
                    f.write(self._pending)
            except OSError:
                self.failed += 1
                if self.make_room():
                    continue
                if len(self._pending) > MAX_PENDING:
                    self._pending = bytearray()  # no file system at all: the log has a hole, seq shows it
                return
            self.erased += 1 + (len(self._pending) >> 12)
            self._pending = bytearray()
        self.synced_seq = self.seq

    def clear(self):
        """Remove every segment; sequence numbers go on."""
        self._run_n = 0
        self._pending = bytearray()
        for first in self._segments:
            try:
                os.remove(self._path(first))
            except OSError:
                pass
        self._segments = []
        self._room = 0
        self._at_seq = -1

    # --- reading ---------------------------------------------------------------------------------------------------

    def read(self, seq, max_bytes):
        """Return (first seq, next seq, raw records) from the first record not before seq, at most max_bytes."""
        self._close_run()
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
        # (first seq, last seq, records) of the sound records from seq on; (None, None, b"") where there are none
        at = self._at if self._at_seq == seq and self._at_segment == segment else 0
        try:
            f = open(self._path(segment), "rb")
        except OSError:
            return None, None, b""  # the file system refused it when it was due
        with f:
            f.seek(at)
            # a record is searched by its header alone; only what is sent is read whole
            header = f.read(RECORD_HEADER_BYTES)
            while len(header) == RECORD_HEADER_BYTES and record_seq(header, 0) < seq:
                at += RECORD_HEADER_BYTES + (header[2] | header[3] << 8) + RECORD_CRC_BYTES
                f.seek(at)
                header = f.read(RECORD_HEADER_BYTES)
            f.seek(at)
            buf = f.read(max_bytes)
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
