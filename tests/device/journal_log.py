"""Test the journal: numbers, boots, torn ends, the ring, reading while writing, failing files."""

import json
import os
from array import array

from fakes import on_flash
from harness import Lcg, between, done, equal, raises, scratch, test
from nearhum.storage import journal as module
from nearhum.storage.journal import Journal
from nearhum.storage.scores import unpack_scores
from nearhum.wire import BOOT, EVENT, RUN, WATCH, record_bytes, unpack_record

ABOUT = {"version": "0", "board": "b"}


def records(journal, seq=0, size=1040):
    """Read all from seq on, as a pull does: [(kind, seq, payload)]."""
    out = []
    while True:
        first, after, raw = journal.read(seq, size)
        at = 0
        while at < len(raw):
            n = record_bytes(raw, at, len(raw))
            assert n, "a record that is not sound at %d of %d" % (at, len(raw))
            kind, number, _, payload = unpack_record(raw, at, n)
            out.append((kind, number, payload))
            at += n
        if after <= seq or not raw:
            return out
        seq = after


def events(journal, seq=0):
    return [json.loads(p).get("n") for kind, _, p in records(journal, seq) if kind == EVENT]


def fill(journal, n, start=0):
    for i in range(start, start + n):
        journal.event("e", n=i, text="x" * 60)


def segment(root, i=-1):
    names = sorted(os.listdir(root + "hum/log"))
    return root + "hum/log/" + names[i]


def board():
    root = scratch()
    os.mkdir(root + "hum")
    return root


@test
def sequence_numbers_count_everything():
    root = board()
    j = Journal(root, ABOUT)
    fill(j, 3)
    found = records(j)
    equal([(kind, seq) for kind, seq, _ in found], [(BOOT, 0), (EVENT, 1), (EVENT, 2), (EVENT, 3)])
    equal(json.loads(found[0][2])["boot"], 1)
    equal((j.seq, j.synced_seq, j.first_seq), (4, 4, 0))


@test
def boots_count_up_and_sequence_goes_on():
    root = board()
    for boot in range(1, 4):
        j = Journal(root, ABOUT)
        equal(j.boot, boot)
        fill(j, 2, 10 * boot)
        j.flush()
    equal([seq for _, seq, _ in records(j)], list(range(9)))
    equal([json.loads(p)["boot"] for kind, _, p in records(j) if kind == BOOT], [1, 2, 3])
    equal(events(j), [10, 11, 20, 21, 30, 31])


@test
def a_boot_that_wrote_nothing_leaves_nothing():
    root = board()
    Journal(root, ABOUT)
    equal((Journal(root, ABOUT).boot, os.listdir(root + "hum/log")), (1, []))


@test
def a_torn_tail_loses_the_last_record_alone():
    for cut in (1, 5, 12, 40, 80):
        root = board()
        j = Journal(root, ABOUT)
        fill(j, 5)
        j.flush()
        with open(segment(root), "rb") as f:
            whole = f.read()
        with open(segment(root), "wb") as f:
            f.write(whole[:-cut])
        again = Journal(root, ABOUT)
        # a number that the torn record may have had is not given again
        between(again.seq, 5, 5 + 96 // 16 + 1, cut)
        fill(again, 2, 100)
        equal(events(again), [0, 1, 2, 3, 100, 101], cut)


@test
def a_segment_without_a_sound_record_costs_itself_alone():
    for content in (b"", b"\xa7", b"\xff" * 100):
        root = board()
        j = Journal(root, ABOUT)
        fill(j, 2)
        j.flush()
        with open(root + "hum/log/%08x.seg" % 77, "wb") as f:
            f.write(content)
        again = Journal(root, ABOUT)
        # its numbers are not given again
        equal((again.seq, again.boot), (77 + (len(content) + 15) // 16, 2))
        fill(again, 2, 100)
        equal(events(again), [0, 1, 100, 101])
        equal(Journal(root, ABOUT).seq, again.seq)


@test
def a_log_of_damaged_segments_alone_is_no_log():
    root = board()
    os.mkdir(root + "hum/log")
    for i in range(40):
        with open(root + "hum/log/%08x.seg" % (64 * i), "wb") as f:
            f.write(b"\xa7" + bytes(700))
    j = Journal(root, ABOUT)
    equal((j.boot, records(j)), (1, []))
    fill(j, 2)
    equal(events(j), [0, 1])


@test
def damage_in_the_middle_costs_the_rest_of_its_segment():
    root = board()
    j = Journal(root, ABOUT)
    fill(j, 400)
    j.flush()
    between(len(os.listdir(root + "hum/log")), 3, 10, "segments")
    first = segment(root, 0)
    with open(first, "rb") as f:
        raw = bytearray(f.read())
    raw[len(raw) // 2] ^= 1
    with open(first, "wb") as f:
        f.write(raw)
    again = Journal(root, ABOUT)
    found = events(again)
    equal(found, sorted(found))
    between(len(found), 260, 390, "events left")
    equal(found[-1], 399)


@test
def the_ring_drops_the_oldest_by_size():
    root = board()
    j = Journal(root, ABOUT)
    most = module.MAX_SEGMENTS * module.SEGMENT_BYTES
    n = 0
    while j.first_seq == 0:
        fill(j, 100, n)
        n += 100
        assert n * 90 < 2 * most, "the oldest segment never goes"
    j.flush()
    size = sum([os.stat(root + "hum/log/" + name)[6] for name in os.listdir(root + "hum/log")])
    # where a board carries every module, less is left for it
    between(size, most // 2, most, "bytes of log")
    equal(len(os.listdir(root + "hum/log")) <= module.MAX_SEGMENTS, True)
    first, _, raw = j.read(0, 1040)
    equal(first, j.first_seq)
    equal(raw[1], BOOT)
    equal(events(j, j.seq - 5), list(range(n - 5, n)))


@test
def every_segment_can_be_read_alone():
    root = board()
    j = Journal(root, ABOUT)
    fill(j, 200)
    j.flush()
    for name in os.listdir(root + "hum/log"):
        with open(root + "hum/log/" + name, "rb") as f:
            raw = f.read()
        kind, seq, _, payload = unpack_record(raw, 0, record_bytes(raw, 0, len(raw)))
        equal((kind, seq, json.loads(payload)["boot"]), (BOOT, int(name[:8], 16), 1))


@test
def reading_from_every_sequence_number():
    root = board()
    j = Journal(root, ABOUT)
    fill(j, 120)
    everything = records(j)
    for seq in range(0, j.seq):
        first, after, raw = j.read(seq, 1040)
        equal(first, seq)
        equal(unpack_record(raw, 0, record_bytes(raw, 0, len(raw)))[1], seq)
        between(len(raw), 16, 1040, seq)
        equal(after > seq, True)
    equal(records(j, 57), everything[57:])
    equal(j.read(j.seq, 1040), (j.seq, j.seq, b""))
    equal(j.read(j.seq + 1000, 1040)[2], b"")


@test
def reading_while_it_is_written():
    root = board()
    j = Journal(root, ABOUT)
    seq, numbers, n = 0, [], 0
    while n < 300 or seq < j.seq:
        if n < 300:
            fill(j, 1 + n % 3, n)
            n += 1 + n % 3
        _, seq, raw = j.read(seq, 1040)
        at = 0
        while at < len(raw):
            size = record_bytes(raw, at, len(raw))
            numbers.append(unpack_record(raw, at, size)[1])
            at += size
    equal(numbers, list(range(j.seq)))


@test
def scores_come_back_as_runs():
    root = board()
    j = Journal(root, ABOUT)
    scores = [(i * 37 % 1000) - 500 for i in range(150)]
    for i, score in enumerate(scores):
        j.score(i, score, 700, WATCH, 3 if 100 <= i < 110 else 0)
    found = []
    for kind, _, payload in records(j):
        if kind == RUN:
            first, threshold, state, run, labels = unpack_scores(kind, payload)
            equal((first, threshold, state), (len(found), 700, WATCH))
            equal(labels == b"" or len(labels) == len(run), True)
            for i, score in enumerate(run):
                found.append((score, labels[i] if labels else 0))
    equal(found, [(score, 3 if 100 <= i < 110 else 0) for i, score in enumerate(scores)])


@test
def scores_of_a_gap_start_a_new_run():
    j = Journal(board(), ABOUT)
    for window, threshold, state in ((0, 5, 1), (1, 5, 1), (2, 5, 2), (3, 6, 2), (9, 6, 2)):
        j.score(window, -32768, threshold, state, 0)
    runs = [unpack_scores(kind, p) for kind, _, p in records(j) if kind == RUN]
    equal([(r[0], len(r[3])) for r in runs], [(0, 2), (2, 1), (3, 1), (9, 1)])


@test
def any_scores_and_labels_come_back():
    random = Lcg(5)
    for spread in (1, 30, 300, 32767):
        j = Journal(board(), ABOUT)
        given = array("h"), bytearray()  # not a tuple each: a board's heap has no room for them
        for i in range(1000):
            score = -32768 if random.below(40) == 0 else random.within(spread)
            label = random.below(256) if random.below(9) == 0 else (0 if i < 300 else 7)
            given[0].append(score)
            given[1].append(label)
            j.score(i, score, 500, WATCH, label)
        found = array("h"), bytearray()
        for kind, _, payload in records(j):
            if kind == RUN:
                first, _, _, scores, labels = unpack_scores(kind, payload)
                equal(first, len(found[0]))
                found[0].extend(array("h", scores))
                found[1].extend(bytes(labels or len(scores)))
        equal(found == given, True, spread)


@test
def a_window_takes_little_more_than_a_byte():
    root = board()
    j = Journal(root, ABOUT)
    random, smoothed = Lcg(6), 0
    for i in range(5000):  # smoothed as a slow channel's scores are: a quarter of the new one
        smoothed += (random.within(150) - smoothed) // 4
        j.score(i, smoothed, 700, WATCH, 0)
    j.flush()
    size = sum([os.stat(root + "hum/log/" + name)[6] for name in os.listdir(root + "hum/log")])
    between(size, 5000, 6500, "bytes for 5000 windows")


@test
def scores_wait_two_minutes_and_events_ten_seconds():
    root = board()
    j = Journal(root, ABOUT)
    j.score(0, 1, 2, WATCH, 0)
    j.now_s = module.FLUSH_S - 1
    j.tick()
    equal(j.synced_seq, 0)
    j.now_s = module.FLUSH_S
    j.tick()
    equal((j.synced_seq, j.seq), (2, 2))
    equal(len(records(Journal(root, ABOUT))), 2)
    j.event("e", n=1)
    j.now_s += module.EVENT_S - 1
    j.tick()
    equal(j.synced_seq, 2)
    j.now_s += 1
    j.tick()
    equal((j.synced_seq, j.seq, j.erased), (3, 3, 2))


@test
def segments_tell_the_time_once_it_is_known():
    root = board()
    j = Journal(root, ABOUT)
    fill(j, 2)
    j.epoch_s = 1795000000
    j.now_s = 500
    fill(j, 400)
    told = [json.loads(p).get("utc") for kind, _, p in records(j) if kind == BOOT]
    equal(told, [None] + [1795000500] * (len(told) - 1))
    between(len(told), 3, 5, "segments")


@test
def a_long_event_is_cut_and_says_so():
    j = Journal(board(), ABOUT)
    j.event("fault", error="x" * 3000, window=7)
    kind, _, payload = records(j)[-1]
    told = json.loads(payload)
    equal((kind, told["event"], told["window"], told["cut"] > 3000), (EVENT, "fault", 7, True))


@test
def a_long_configuration_does_not_cost_the_log():
    root = board()
    about = dict(ABOUT, config={"source": {"driver": "x", "path": "p" * 1100}})
    j = Journal(root, about)
    fill(j, 2)
    equal(events(j), [0, 1])
    j.flush()
    again = Journal(root, about)
    equal((again.boot, again.seq), (2, 3))


@test
def a_source_that_does_not_fit_beside_the_settings_follows_them():
    """As that of a board with names of channels: they travel with the log, in every segment."""
    source = {"driver": "x", "names": ["Pumpe vorn [°C]"] * 8}
    about = dict(ABOUT, config={"source": source, "rest": "p" * 900})
    j = Journal(board(), about)
    fill(j, 400)
    found = records(j)
    boots = [i for i in range(len(found)) if found[i][0] == BOOT]
    equal(len(boots) > 1, True)
    for i in boots:
        equal(json.loads(found[i][2])["config"], {"rest": "p" * 900})
        equal(json.loads(found[i + 1][2]), dict(source, event="source"))
    short = dict(about, config={"source": source, "rest": "p" * 500})
    j = Journal(board(), short)
    fill(j, 1)
    found = records(j)
    equal((len(found), json.loads(found[0][2])["config"]), (2, short["config"]))


@test
def blocks_that_flushes_erase_are_counted():
    j = Journal(board(), ABOUT)
    found = [j.erased]
    for n in (1, 0, 3):
        fill(j, n)
        j.flush()
        found.append(j.erased)
    equal((found, j.failed, j.n_lost), ([0, 1, 1, 2], 0, 0))

    def act(flash, root):
        # more than a block of them, after the file system has refused
        j = Journal(root, ABOUT)
        flash.sick = True
        while len(j._pending) < 3980:
            fill(j, 1)
        flash.sick = False
        j.event("e", text="x" * 600)
        j.flush()
        equal((j.erased, j.n_lost), (2, 0))

    on_flash(act)


@test
def clearing_takes_what_was_not_yet_written_too():
    j = Journal(board(), ABOUT)
    fill(j, 3)
    j.clear()
    found = records(j)
    equal(([kind for kind, _, _ in found], events(j)), ([BOOT], []))
    fill(j, 1, 9)
    equal(events(j), [9])


@test
def clearing_keeps_the_sequence():  # shared case reset_log_number_again
    root = board()
    j = Journal(root, ABOUT)
    fill(j, 500)  # several segments
    at = j.seq
    j.clear()
    equal(j.first_seq, at)
    # its number is on flash before the others go: the power may fail right here
    equal(os.listdir(root + "hum/log"), ["%08x.seg" % at])
    again = Journal(root, ABOUT)
    equal((again.boot, again.seq, again.synced_seq), (j.boot + 1, at + 1, at + 1))
    fill(j, 1, 500)
    found = records(j)
    equal((found[0][0], found[0][1], events(j)), (BOOT, at, [500]))


@test
def a_clearing_that_fails_keeps_what_waits():
    def act(flash, root):
        j = Journal(root, ABOUT)
        fill(j, 3)
        j.flush()
        fill(j, 2, 3)
        flash.sick = True
        raises(OSError, j.clear)
        flash.sick = False
        fill(j, 1, 5)
        equal((events(j), j.n_lost), (list(range(6)), 0))

    on_flash(act)


@test
def what_waits_at_the_end_of_a_segment_goes_into_that_segment():
    def act(flash, root):
        j = Journal(root, ABOUT)
        n = 0
        while n == 0 or j._room > 300:
            fill(j, 1, n)
            n += 1
        j.flush()
        flash.sick = True
        fill(j, 10, n)
        flash.sick = False
        fill(j, 10, n + 10)
        equal(events(j), list(range(n + 20)))
        equal(len(os.listdir(root + "hum/log")), 2)

    on_flash(act, 64)


@test
def a_segment_that_cannot_be_read_costs_itself_alone():
    root = board()
    j = Journal(root, ABOUT)
    fill(j, 400)
    j.flush()

    class Rotten:
        def __init__(self, path, mode):
            pass

        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

        def read(self, n):
            raise OSError(5)

        def seek(self, at):
            pass

    first = segment(root, 0)
    module.open = lambda path, mode: Rotten(path, mode) if path == first else open(path, mode)
    try:
        found = events(j)
    finally:
        del module.open
    equal((found[0] > 100, found[-1]), (True, 399))


@test
def a_segment_that_memory_did_not_last_for_is_begun_again():
    root = board()
    j = Journal(root, ABOUT)
    pack = module.pack_record

    def no_memory(kind, *rest):
        if kind == BOOT:
            raise MemoryError
        return pack(kind, *rest)

    module.pack_record = no_memory
    try:
        raises(MemoryError, j.event, "e")
    finally:
        module.pack_record = pack
    fill(j, 2)
    equal([kind for kind, _, _ in records(j)], [BOOT, EVENT, EVENT])


@test
def an_error_of_the_flash_costs_no_old_segment():
    def act(flash, root):
        j = Journal(root, ABOUT)
        fill(j, 300)
        j.flush()
        n = len(os.listdir(root + "hum/log"))
        flash.sick_for = 1  # it takes what comes then, so the oldest could be removed
        fill(j, 1, 300)
        j.flush()
        equal((len(os.listdir(root + "hum/log")) >= n, n > 1, j.first_seq), (True, True, 0))
        equal(events(j), list(range(301)))

    on_flash(act, 32)


@test
def a_full_file_system_costs_the_oldest_segments():
    def act(flash, root):
        j = Journal(root, ABOUT)
        fill(j, 1500)
        j.flush()
        equal(j.synced_seq, j.seq)
        equal(j.first_seq > 0, True)
        found = events(j)
        equal(found, list(range(found[0], 1500)))
        between(len(found), 100, 700, "events kept in 64 KB")
        again = Journal(root, ABOUT)
        equal(again.seq, j.seq)

    on_flash(act)


@test
def the_ring_leaves_three_sixteenths_of_the_file_system():
    def act(flash, root):
        j = Journal(root, ABOUT)
        free = os.statvfs(root)[3]
        fill(j, 64 * 4096 // 80)  # more than there is room for
        j.flush()
        each = module.SEGMENT_BYTES // 4096
        n = len(os.listdir(root + "hum/log"))
        equal((n, j.failed), (free * 13 // 16 // each, 0))
        between(os.statvfs(root)[3], free * 3 // 16 - each, free, "blocks left to others")

    on_flash(act, 64)


@test
def a_full_littlefs_that_answers_4294967292_free_blocks_has_none():
    class Full:
        def statvfs(_):
            return (4096, 4096, 64, (1 << 32) - 4)

    def act(flash, root):
        j = Journal(root, ABOUT)
        module.os = Full
        try:
            j.measure()
        finally:
            module.os = os
        equal(j._max_segments, 2)

    on_flash(act, 64)


@test
def what_waits_while_the_file_system_refuses_is_written_when_it_takes_it():
    def act(flash, root):
        j = Journal(root, ABOUT)
        fill(j, 3)
        j.flush()
        flash.sick = True
        fill(j, 30, 3)
        j.flush()
        equal((j.failed > 0, len(j._pending) > module.FLUSH_BYTES), (True, True))
        flash.sick = False
        j.flush()
        equal(events(j), list(range(33)))

    on_flash(act)


@test
def a_file_system_that_refuses_costs_the_log_and_no_more():
    # shared case journal_acknowledges_dropped
    def act(flash, root):
        j = Journal(root, ABOUT)
        fill(j, 20)
        j.flush()
        safe = j.synced_seq
        flash.sick = True
        for i in range(200):
            fill(j, 1, 1000 + i)
            j.score(i, 0, 0, WATCH, 0)
            j.now_s += 1
            j.tick()
        equal(j.failed > 0, True)
        equal(len(j._pending) <= module.MAX_PENDING + 1100, True)
        j.flush()
        equal(j.synced_seq, safe, "nothing that was dropped is acknowledged")
        between(j.n_lost, 100, 420, "records that are told to be lost")
        flash.sick = False
        fill(j, 3, 5000)
        j.flush()
        equal(j.synced_seq, j.seq)
        found = events(j)
        equal(found[-3:], [5000, 5001, 5002])
        again = Journal(root, ABOUT)
        equal((again.seq, events(again)[-3:]), (j.seq, [5000, 5001, 5002]))
        first, _, _ = again.read(safe, 1536)
        equal(first > safe, True, "the hole shows in the numbers")

    on_flash(act)


done()
