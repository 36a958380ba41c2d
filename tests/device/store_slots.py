"""Store: two slots, a damaged slot, another setting, the snapshot, a pipeline that rolls back."""

import os

from fakes import pipeline, take
from harness import clear_error, done, equal, raises, scratch, test
from nearhum.errors import CommandError, FormatError
from nearhum.store import Store
from nearhum.wire import IDLE, WATCH


def loaded(root, fingerprint=7):
    store = Store(root, fingerprint)
    body = store.load()
    return None if body is None else bytes(body)


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
    clear_error(raises(CommandError, Store(root, 7).previous), "roll back")


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
        store.load()
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
        equal(bytes(again.load()), b"older" * 10, what)
        equal(len(again.refused), 1, what)
        again.save(b"next")
        equal(loaded(root), b"next", what)


@test
def two_damaged_slots_are_no_state():
    root = scratch()
    store = Store(root, 7)
    store.save(b"a" * 9)
    damage(store.path())
    store.save(b"b" * 9)
    damage(store.path())
    again = Store(root, 7)
    equal((again.load(), len(again.refused)), (None, 2))


@test
def a_state_of_other_features_is_refused_and_kept():
    root = scratch()
    Store(root, 7).save(b"mine")
    other = Store(root, 8)
    equal(other.load(), None)
    equal("other features" in other.refused[0], True)
    equal(loaded(root), b"mine")


@test
def a_snapshot_comes_back():
    root = scratch()
    store = Store(root, 7)
    store.snapshot(b"before")
    store.save(b"after")
    equal(bytes(store.previous()), b"before")
    equal(loaded(root), b"after")
    damage(root + "hum/state.prev")
    clear_error(raises(FormatError, store.previous))
    clear_error(raises(FormatError, Store(root, 9).previous))


SMALL = {"n_channels": 1, "n_window": 64, "n_hop": 64, "n_bands": 6}


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
    equal(hum.recogniser.n_examples <= 15, True)


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
