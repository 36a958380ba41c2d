"""Test the store: two slots, a damaged slot, other settings, numbered snapshots, rollbacks."""

import os

from fakes import body_in, pipeline, take
from harness import between, clear_error, done, equal, exists, raises, scratch, test
from nearhum.errors import CommandError, FormatError
from nearhum.storage.snapshots import N_SNAPSHOTS, Snapshots
from nearhum.storage.store import Store
from nearhum.wire import IDLE, WATCH, seal

SMALL = {"n_channels": 1, "n_window": 64, "n_hop": 64, "n_bands": 6}


def loaded(root, fingerprint=7):
    return body_in(Store(root, fingerprint))


def damage(path, at=20):
    with open(path, "rb") as f:
        raw = bytearray(f.read())
    raw[at] ^= 4
    with open(path, "wb") as f:
        f.write(raw)


@test
def an_empty_board_has_no_state():
    root = scratch()
    equal(loaded(root), None)
    equal(Snapshots(Store(root, 7)).all(), [])
    equal(exists(Store(root, 7).path()), False)  # asked by `backup`: a name, and no file
    clear_error(raises(CommandError, Snapshots(Store(root, 7)).body_of, 1), "no snapshot 1")


@test
def the_path_is_that_of_the_state_that_was_loaded():
    root = scratch()
    store = Store(root, 7)
    for i in range(3):
        store.save(bytes([i]) * 30)
        again = Store(root, 7)
        body_in(again)
        equal(again.path(), store.path())


@test
def a_damaged_state_of_its_own_is_written_over():
    root = scratch()
    store = Store(root, 7)
    for i in range(2):
        store.save(bytes([i]) * 30)
    damage(store.path())
    again = Store(root, 7)
    equal(body_in(again), bytes([0]) * 30)
    for i in range(3):
        again.save(bytes([10 + i]) * 30)
    equal((exists(root + "hum/state.kept"), loaded(root)), (False, bytes([12]) * 30))


@test
def blocks_that_saving_erases_are_counted():
    store = Store(scratch(), 7)
    found = [store.erased]
    for body in (b"a", b"b", bytes(4096), bytes(9000), bytes(9000), bytes(9000)):
        store.save(body)
        found.append(store.erased)
    # the last is in both slots already; an image of 9,000 bytes and its envelope takes three
    equal(found, [0, 1, 2, 4, 7, 10, 10])


@test
def the_younger_slot_wins():
    root = scratch()
    store = Store(root, 7)
    for i in range(5):
        store.save(b"state %d" % i)
        equal(loaded(root), b"state %d" % i)
    equal(sorted(os.listdir(root + "hum")), ["state.a", "state.b"])


@test
def sequence_goes_on_after_a_reset():
    root = scratch()
    for i in range(4):
        store = Store(root, 7)
        body_in(store)
        store.save(b"%d" % i)
        equal((store.sequence, loaded(root)), (i + 1, b"%d" % i))


@test
def a_damaged_slot_falls_back_to_the_other():
    for what in ("bit", "cut", "empty", "other file"):
        root = scratch()
        store = Store(root, 7)
        store.save(b"older" * 10)
        store.save(b"younger" * 10)
        path = store.path()
        if what == "bit":
            damage(path)
        else:
            with open(path, "wb") as f:
                f.write({"cut": b"NHS1\7\0", "empty": b"", "other file": b"hello " * 20}[what])
        again = Store(root, 7)
        equal(body_in(again), b"older" * 10, what)
        equal(len(again.refused), 0 if what == "empty" else 1, what)
        again.save(b"next")
        equal(loaded(root), b"next", what)


@test
def where_the_younger_state_makes_no_sense_the_older_is_taken():
    root = scratch()
    store = Store(root, 7)
    store.save(b"older")
    store.save(b"no sense")
    seen = []

    def take(body):
        seen.append(bytes(body))
        if b"sense" in seen[-1]:
            raise FormatError("makes no sense", "")

    again = Store(root, 7)
    equal(
        (again.load(take), seen, again.refused), (True, [b"no sense", b"older"], ["makes no sense"])
    )
    # into the place of what makes no sense: the older one is there until that is written
    again.save(b"next")
    equal(loaded(root), b"next")
    damage(again.path())
    equal(loaded(root), b"older")
    alone = Store(scratch(), 7)
    alone.save(b"no sense")
    again = Store(alone.root, 7)
    equal((again.load(take), len(again.refused)), (False, 1))
    again.save(b"anew")
    equal((again.sequence, loaded(alone.root)), (2, b"anew"))


@test
def two_damaged_slots_are_no_state():
    root = scratch()
    store = Store(root, 7)
    store.save(b"a" * 9)
    damage(store.path())
    store.save(b"b" * 9)
    damage(store.path())
    again = Store(root, 7)
    equal((body_in(again), len(again.refused)), (None, 2))


@test
def a_state_of_other_features_is_refused_and_kept():
    root = scratch()
    Store(root, 7).save(b"mine")
    other = Store(root, 8)
    equal(body_in(other), None)
    equal("other features" in other.refused[0], True)
    equal(loaded(root), b"mine")
    for i in range(4):
        other.save(b"other %d" % i)
        equal((loaded(root), loaded(root, 8)), (b"mine", b"other %d" % i))
    back = Store(root, 7)  # the settings are set back, and again
    equal(body_in(back), b"mine")
    back.save(b"mine, and more")
    equal((loaded(root), loaded(root, 8)), (b"mine, and more", b"other 3"))
    back.save(b"mine, and most")
    equal((loaded(root), loaded(root, 8)), (b"mine, and most", b"other 3"))
    equal(sorted(os.listdir(root + "hum")), ["state.a", "state.b", "state.kept"])


@test
def a_state_of_a_later_format_is_refused_and_kept():
    root = scratch()
    store = Store(root, 7)
    for i in range(2):
        store.save(b"state %d" % i)
    for name in ("a", "b"):
        with open(root + "hum/state." + name, "r+b") as f:
            image = f.read()
            f.seek(0)
            f.write(image[:3] + bytes([image[3] + 1]) + image[4:])
    older = Store(root, 7)
    equal((body_in(older), len(older.refused)), (None, 2))
    for word in ("version", "reads up to", "update"):
        equal(word in older.refused[0], True, word)
    for i in range(3):
        older.save(b"anew %d" % i)
    equal(loaded(root), b"anew 2")
    with open(root + "hum/state.kept", "rb") as f:
        equal(f.read() == image[:3] + bytes([image[3] + 1]) + image[4:], True)  # b: the younger


@test
def what_was_put_aside_gives_way_to_what_was_learned_since():
    root = scratch()
    store = Store(root, 7)
    for i in range(5):
        store.save(b"aside %d" % i)
    other = Store(root, 8)
    body_in(other)
    for i in range(2):
        other.save(b"other %d" % i)
    # The settings are back, and a new learning has numbers below that of the state put aside.
    for name in ("a", "b"):
        os.remove(root + "hum/state." + name)
    Store(root, 7).save(b"since")
    equal(exists(root + "hum/state.kept"), True)
    equal(loaded(root), b"since")


@test
def a_state_of_format_1_is_loaded():
    root = scratch()
    os.mkdir(root + "hum")
    with open(root + "hum/state.a", "wb") as f:
        f.write(seal(b"NHS1", 7, 41, b"old"))
    store = Store(root, 7)
    equal((body_in(store), store.sequence, store.log_seq), (b"old", 41, 0))
    store.save(b"new", 99)
    again = Store(root, 7)
    equal((body_in(again), again.sequence, again.log_seq), (b"new", 42, 99))


@test
def what_both_slots_hold_is_not_written_again():
    root = scratch()
    store = Store(root, 7)
    for _ in range(100):
        store.save(b"the same")
    equal((store.sequence, store.erased), (2, 2))
    store.save(b"another")
    equal((store.sequence, loaded(root)), (3, b"another"))


@test
def numbers_of_records_go_on_without_a_log():
    hum = pipeline("vibration", **SMALL)
    hum.console.execute("learn 20")
    take(hum, 20)
    hum.journal.flush()
    for name in os.listdir(hum.root + "hum/log"):
        os.remove(hum.root + "hum/log/" + name)
    again = pipeline("vibration", root=hum.root, **SMALL)
    between(again.journal.first_seq, hum.journal.seq - 1, hum.journal.seq)
    equal(again.journal.synced_seq, again.journal.seq)


@test
def a_snapshot_comes_back():
    root = scratch()
    store = Store(root, 7)
    equal(Snapshots(store).keep(b"before", {"cause": "learn"}), 1)
    store.save(b"after")
    equal(Snapshots(store).body_of(1), b"before")
    equal(loaded(root), b"after")
    damage(root + "hum/snapshot.1", 60)
    clear_error(raises(FormatError, Snapshots(store).body_of, 1))
    clear_error(raises(FormatError, Snapshots(Store(root, 9)).body_of, 1))
    equal(Snapshots(Store(root, 9)).all(), [])


@test
def snapshots_are_numbered_and_few():
    root = scratch()
    for i in range(11):
        equal(Snapshots(Store(root, 7)).keep(b"state %d" % i, {"cause": "c%d" % i}), i + 1)
    store = Store(root, 7)
    known = Snapshots(store).all()
    equal(
        [(s["number"], s["cause"]) for s in known],
        [(i + 1, "c%d" % i) for i in range(11 - N_SNAPSHOTS, 11)],
    )
    for s in known:
        equal(Snapshots(store).body_of(s["number"]), b"state %d" % (s["number"] - 1))
    for gone in (0, 1, 11 - N_SNAPSHOTS, 12, 15, 1000):
        clear_error(raises(CommandError, Snapshots(store).body_of, gone), "list snapshots")
    equal(len([n for n in os.listdir(root + "hum") if n.startswith("snapshot")]), N_SNAPSHOTS)


@test
def what_the_last_snapshot_holds_is_not_written_again():
    store = Store(scratch(), 7)
    for _ in range(1000):
        equal(Snapshots(store).keep(b"the same", {"cause": "enrol"}), 1)
    equal(Snapshots(store).keep(b"another", {"cause": "enrol"}), 2)


@test
def a_snapshot_that_is_cut_short_is_not_listed():
    for content in (b"", b"NHP1", b"NHP1" + bytes(30), b"hello " * 20):
        root = scratch()
        store = Store(root, 7)
        Snapshots(store).keep(b"sound", {"cause": "learn"})
        with open(root + "hum/snapshot.2", "wb") as f:
            f.write(content)
        equal([s["number"] for s in Snapshots(store).all()], [1])
        raises((CommandError, FormatError), Snapshots(store).body_of, 2)


@test
def rollback_and_its_undoing():
    hum = pipeline("vibration", **SMALL)
    execute = hum.console.execute
    execute("learn 20")
    take(hum, 20)
    equal(hum.detector.state, WATCH)
    first = hum.learned.pack()
    execute("learn 30")
    take(hum, 30, seed=5, level=900)
    second = hum.learned.pack()
    equal(first == second, False)
    equal(execute("rollback")["state"], "watch")
    equal(hum.learned.pack() == first, True)
    execute("rollback")
    equal(hum.learned.pack() == second, True)
    again = pipeline("vibration", root=hum.root, **SMALL)
    equal(again.learned.pack() == second, True)


@test
def back_over_several_changes():
    hum = pipeline("vibration", **SMALL)
    execute = hum.console.execute
    states = [hum.learned.pack()]
    for text, n in (("learn 20", 20), ("enrol hum 2", 2), ("enrol other", 1), ("forget hum", 0)):
        execute(text)
        take(hum, n, seed=n)
        states.append(hum.learned.pack())
    known = execute("list snapshots")["snapshots"]
    equal([s["cause"] for s in known], ["learn 20", "enrol hum", "enrol other", "forget hum"])
    equal([s["number"] for s in known], [1, 2, 3, 4])
    equal([(s["n_learned"], s["n_labels"]) for s in known], [(0, 0), (20, 0), (20, 1), (20, 2)])
    equal(execute("rollback 2")["to"], 2)
    equal(hum.learned.pack() == states[1], True)
    # it is a change like another: it is undone, and the oldest snapshot made room for it
    equal([s["number"] for s in execute("list snapshots")["snapshots"]], [2, 3, 4, 5])
    equal(execute("rollback")["to"], 5)
    equal(hum.learned.pack() == states[4], True)
    for text in ("rollback 1", "rollback 99", "rollback x", "rollback -1"):
        equal(execute(text)["ok"], False, text)
    equal(hum.learned.pack() == states[4], True)


@test
def an_enrolment_without_a_window_is_no_change_to_undo():
    hum = pipeline("vibration", **SMALL)
    hum.console.execute("learn 20")
    take(hum, 20)
    hum.console.execute("enrol hum 3")
    hum.console.execute("enrol other 3")
    hum.console.execute("rollback")
    equal((hum.detector.state, hum.learned.enrol_left), (IDLE, 0))


@test
def a_running_period_comes_back_as_it_ran():
    hum = pipeline("vibration", **SMALL)
    hum.console.execute("learn 40")
    take(hum, 30)
    running = hum.learned.pack()
    hum.console.execute("learn 100")
    take(hum, 3)
    hum.console.execute("rollback")
    equal(hum.learned.pack() == running, True)
    take(hum, 10, seed=4)
    equal((hum.detector.state, hum.detector.prototypes.counts), (WATCH, [40]))


@test
def forgetting_the_label_that_is_enrolled_ends_it():
    hum = pipeline("vibration", **SMALL)
    hum.console.execute("enrol hum 10")
    take(hum, 2)
    hum.console.execute("forget hum")
    take(hum, 10)
    equal((hum.recogniser.prototypes.labels, hum.learned.enrol_left), ([], 0))


@test
def forgetting_a_label_can_be_undone():
    hum = pipeline("vibration", **SMALL)
    hum.console.execute("enrol hum 2")
    take(hum, 2)
    enrolled = hum.learned.pack()
    hum.console.execute("forget hum")
    equal(len(hum.recogniser.ids), 0)
    hum.console.execute("rollback")
    equal(hum.learned.pack() == enrolled, True)


@test
def a_rollback_while_enrolling_does_not_stop_the_detector():
    hum = pipeline("vibration", **SMALL)
    hum.console.execute("enrol hum 10")
    take(hum, 10)
    hum.console.execute("enrol other 5")
    take(hum, 2)
    equal(hum.console.execute("rollback")["ok"], True)
    equal(hum.recogniser.prototypes.labels, ["hum"])
    take(hum, 10)
    equal((hum.recogniser.prototypes.labels, hum.recogniser.n_examples), (["hum"], 10))


@test
def a_damaged_state_is_told_and_costs_only_itself():
    hum = pipeline("vibration", **SMALL)
    hum.console.execute("learn 20")
    take(hum, 20)
    hum.journal.flush()
    damage(hum.store.path(), 60)
    again = pipeline("vibration", root=hum.root, **SMALL)
    equal(len(again.store.refused), 1)
    equal(again.detector.state, WATCH)  # the other slot has it too
    equal(again.detector.threshold, hum.detector.threshold)


@test
def reset_learned_and_all():
    hum = pipeline("vibration", **SMALL)
    hum.console.execute("learn 20")
    take(hum, 20)
    hum.console.execute("enrol hum 2")
    take(hum, 2)
    known = hum.learned.pack()
    equal(hum.console.execute("reset learned")["ok"], True)
    equal((hum.detector.state, len(hum.recogniser.ids)), (IDLE, 0))
    hum.console.execute("rollback")
    equal(hum.learned.pack() == known, True)
    first = hum.journal.seq
    equal(hum.console.execute("reset all")["ok"], True)
    equal(hum.journal.first_seq >= first, True)
    equal(hum.detector.state, IDLE)


done()
