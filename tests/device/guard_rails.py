"""Test the guard: near misses until accepted, budget, vetoes, trust, and a reset."""

import json
import sys

from fakes import fill, on_flash, pipeline
from harness import Lcg, between, clear_error, done, equal, i8, raises, test
from nearhum.errors import CommandError
from nearhum.guard.budget import HELD, WHOLE, Budget
from nearhum.guard.guard import MAX_FAULTS, MAX_VETOES
from nearhum.recognition.quarantine import MAX_PENDING
from nearhum.storage.snapshots import Snapshots
from nearhum.wire import EVENT, record_bytes, unpack_record

SMALL = {
    "n_channels": 1,
    "n_window": 64,
    "n_hop": 64,
    "n_bands": 6,
    "label_m": 1,
    "label_n": 1,
    "rate_hz": 640,
}


def asking(teach="ask", root=None, **given):
    """A board that knows the label hum from five examples, each a little different."""
    settings = dict(SMALL, teach=teach)
    settings.update(given)
    hum = pipeline("vibration", root=root, **settings)
    hum.console.execute("enrol hum 5")
    play(hum, [(-8 * i, 1) for i in range(-2, 3)])
    equal(hum.recogniser.prototypes.counts, [5])
    return hum


def play(hum, windows):
    """Let windows come whose embedding is `level` in every dimension, the first one plus `odd`."""
    for level, odd in windows:
        x = bytearray([(level + odd) & 255] + [level & 255] * (hum.head.n_out - 1))
        hum.head.embed_into = lambda vector, x=x: x
        fill(hum.window, Lcg(1), 200, 1000)
        hum.take_window()
        hum.keep_window()


def miss_and_hit(hum, least=0):
    """Play the nearest level beyond `least` that is a near miss of hum, and a hit after it.

    Returns that level.
    """
    level = least
    while True:
        level += 1
        play(hum, [(level, 0)])
        if hum.label_id == 0:
            break
    play(hum, [(0, 0)])
    return level


def events(hum, *names):
    out, seq = [], 0
    while True:
        _, after, raw = hum.journal.read(seq, 1040)
        at = 0
        while at < len(raw):
            n = record_bytes(raw, at, len(raw))
            kind, _, _, payload = unpack_record(raw, at, n)
            if kind == EVENT:
                event = json.loads(payload)
                if event["event"] in names:
                    out.append(event)
            at += n
        if after == seq or not raw:
            return out
        seq = after


@test
def a_near_miss_and_a_hit_are_quarantined_and_change_nothing():
    hum = asking()
    known = hum.recogniser.pack()
    level = miss_and_hit(hum)
    equal(hum.recogniser.pack() == known, True)
    pending = hum.console.execute("list pending")["pending"]
    equal(
        [(p["id"], p["label"], p["near_window"], p["hit_after"]) for p in pending],
        [(1, "hum", 4 + level, 1)],
    )
    between(pending[0]["distance"], hum.recogniser.limit + 1, 2 * hum.recogniser.limit + 1)
    told = events(hum, "pending")[0]
    for key in ("id", "near_window", "hit_after", "distance", "limit", "label"):
        equal(told[key], pending[0][key], key)
    again = pipeline("vibration", root=hum.root, **dict(SMALL, teach="ask"))
    equal(again.console.execute("list pending")["pending"], pending)


@test
def a_hit_that_comes_late_is_told_as_late():
    hum = asking(teach_s=60)  # 600 windows
    level = 1
    while hum.console.execute("status")["label"] or level == 1:
        level += 1
        play(hum, [(level, 0)])
    play(hum, [(120, 0)] * 299 + [(0, 0)])
    pending = hum.console.execute("list pending")["pending"]
    equal([(p["near_window"], p["hit_after"]) for p in pending], [(hum.n_windows - 301, 300)])


@test
def accepted_it_moves_the_mean_and_is_undone():
    hum = asking(teach_budget=4)
    miss_and_hit(hum)
    before, mean = hum.learned.pack(), i8(hum.recogniser.prototypes.mean_of(0))
    answer = hum.console.execute("accept 1")
    equal((answer["ok"], answer["label"]), (True, "hum"))
    p = hum.recogniser.prototypes
    equal((p.counts, hum.recogniser.n_examples), ([6], 5))
    equal(i8(p.mean_of(0)) == mean, False)
    equal(hum.console.execute("list pending")["pending"], [])
    told = events(hum, "accepted")[0]
    equal((told["by"], told["id"], told["count"], told["undo"] > 0), ("user", 1, 6, True))
    equal(hum.console.execute("rollback")["ok"], True)
    equal(hum.learned.pack() == before, True)
    equal(hum.console.execute("accept 9")["ok"], False)


@test
def rejected_it_is_gone_and_that_is_undone_too():
    hum = asking()
    miss_and_hit(hum)
    before, known = hum.learned.pack(), hum.recogniser.pack()
    equal(hum.console.execute("reject 1")["ok"], True)
    equal(hum.console.execute("list pending")["pending"], [])
    equal(hum.recogniser.pack() == known, True)
    equal(events(hum, "rejected")[0]["id"], 1)
    hum.console.execute("rollback")
    equal(hum.learned.pack() == before, True)
    equal(hum.console.execute("reject x")["ok"], False)


@test
def beyond_the_budget_nothing_is_accepted_until_the_users_word():
    hum = asking(teach_budget=0.25)
    miss_and_hit(hum)
    before = hum.learned.pack()
    answer = hum.console.execute("accept 1")
    equal(
        (answer["ok"], "budget" in answer["error"], "trust" in answer["hint"]), (False, True, True)
    )
    equal(hum.learned.pack() == before, True)


@test
def the_store_is_bounded_and_keeps_what_was_seen():
    hum = asking()
    for _ in range(MAX_PENDING + 5):
        miss_and_hit(hum)
    pending = hum.console.execute("list pending")["pending"]
    equal([p["id"] for p in pending], list(range(1, MAX_PENDING + 1)))
    equal(len(events(hum, "pending")), MAX_PENDING)
    hum.console.execute("reject 3")
    miss_and_hit(hum)
    equal(hum.console.execute("list pending")["pending"][-1]["id"], MAX_PENDING + 1)
    hum.console.execute("forget hum")
    equal(hum.console.execute("list pending")["pending"], [])


@test
def by_itself_within_the_budget_and_its_rate():
    hum = asking("auto", teach_budget=3, teach_days=1)
    p, budget = hum.recogniser.prototypes, hum.guard.budget(0)
    n_snapshots = len(Snapshots(hum.store).all())
    farthest = 0
    for _ in range(60):
        miss_and_hit(hum)
        farthest = max(farthest, budget.used(hum.recogniser.ids[0], p.pack(0)))
    accepted = events(hum, "accepted")
    equal(len(accepted) > 0 and p.counts[0] == 5 + len(accepted), True)
    equal([e["by"] for e in accepted], ["board"] * len(accepted))
    between(farthest, 1, WHOLE)
    # what did not fit waits for the user, with the reason; all of its own changes share one
    # snapshot
    waiting = events(hum, "pending")
    equal(len(waiting), MAX_PENDING)
    equal(all(["fast" in e["why"] or "budget" in e["why"] for e in waiting]), True)
    known = Snapshots(hum.store).all()
    equal((len(known), known[-1]["cause"]), (min(4, n_snapshots + 1), "auto"))
    hum.console.execute("rollback")
    equal(p.counts, [5])


@test
def without_a_way_back_nothing_is_learned():
    def act(flash, root):
        hum = asking("auto", root, teach_budget=9)
        known = hum.recogniser.pack()
        flash.sick = True
        miss_and_hit(hum)
        equal(hum.recogniser.pack() == known, True)
        equal([told["id"] for told in hum.learned.quarantine().listed()], [1])
        equal(hum.console.execute("accept 1")["ok"], False)
        equal(hum.recogniser.pack() == known, True)
        flash.sick = False
        equal([e["why"] for e in events(hum, "pending")], ["there is no room for a snapshot"])
        equal(hum.console.execute("accept 1")["ok"], True)
        equal(hum.recogniser.prototypes.counts, [6])

    on_flash(act, 20)


@test
def budgets_by_hand():
    from nearhum.detection.prototypes import Prototypes
    from nearhum.features.transform_fixed import Log2

    p = Prototypes(2, 2, 2, Log2())
    p.add("a")
    for v in (10, 10, 10, 10):
        p.learn_one(0, bytes([v, 100]))
    p.derive(0)
    # one spread, of 2 steps at least; a token in 100 windows
    settings = {
        "teach_budget": 1,
        "teach_days": 2.0,
        "rate_hz": 12800 / 86400,
        "n_hop": 1,
        "spread_floor": 2,
    }
    budget = Budget(2, settings)
    pooled = p.variance

    def moved(x, at, by_itself=True):
        before = p.pack(0)
        p.learn_one(0, x)
        after = p.pack(0)
        why = budget.check(1, before, after, pooled, at, by_itself)
        if why:
            p.put(0, before)
        else:
            budget.commit()
        return why

    # beside four of 10, one of 20 moves the mean by 2 steps and the spread to 4: two times the
    # budget
    equal(moved(bytes([20, 100]), 0, False), "its drift budget is used up")
    # one of 16: 307 of 512 by the mean and 102 by the spread, in 256ths of a step: 205 tokens of a
    # budget's 256
    equal(moved(bytes([16, 100]), 0), "it would move too fast")
    equal(moved(bytes([13, 100]), 0), "")  # 153 by the mean; the spread stays under the floor
    equal((budget.anchors[1].tokens, budget.used(1, p.pack(0))), (HELD - 77, 77))
    equal(moved(bytes([14, 100]), 0, False), "")  # the user's own word has no speed
    equal(budget.anchors[1].tokens, HELD - 77)
    equal(moved(bytes([60, 100]), 10000, False), "its drift budget is used up")
    equal(moved(bytes([10, 100]), 700), "")  # back by 42, and 7 tokens came in 700 windows
    equal(budget.anchors[1].tokens, HELD - 77 + 7 - 21)
    kept = budget.pack()
    budget.unpack(kept, 0)
    equal(budget.pack() == kept, True)
    budget.trust(2)
    equal(len(budget.anchors), 1)
    budget.trust()
    equal((budget.anchors, budget.used(1, p.pack(0))), ({}, 0))


@test
def a_vetoed_label_is_not_announced_and_not_learned():
    hum = asking()
    play(hum, [(0, 0)])
    equal(hum.label_name(), "hum")
    before = hum.learned.pack()
    equal(hum.console.execute("veto hum")["vetoed"], ["hum"])
    play(hum, [(0, 0)])
    equal((hum.label_id, hum.label_name()), (0, None))
    known = hum.recogniser.pack()
    for text in ("enrol hum", "learn 20 as hum"):
        answer = hum.console.execute(text)
        equal(
            (answer["ok"], "vetoed" in answer["error"] or "nothing" in answer["error"]),
            (False, True),
            text,
        )
    for _ in range(3):
        play(hum, [(level, 0) for level in range(60)] + [(0, 0)])
    equal(hum.recogniser.pack() == known, True)
    equal(hum.console.execute("list pending")["pending"], [])
    again = pipeline("vibration", root=hum.root, **dict(SMALL, teach="ask"))
    play(again, [(0, 0)])
    equal((again.label_id, again.guard.vetoed), (0, ["hum"]))
    hum.console.execute("veto hum off")
    play(hum, [(0, 0)])
    equal(hum.label_name(), "hum")
    equal(hum.learned.pack() == before, True)
    equal([(e["label"], e["off"]) for e in events(hum, "veto")], [("hum", False), ("hum", True)])


@test
def what_cannot_be_vetoed_is_said():
    hum = pipeline("vibration", **SMALL)
    for i in range(MAX_VETOES):
        equal(hum.console.execute("veto x%d" % i)["ok"], True)
    before = hum.learned.pack()
    for text in (
        "veto",
        "veto x3",
        "veto one more",
        "veto another",
        "veto nobody off",
        "veto " + "z" * 33,
    ):
        answer = hum.console.execute(text)
        equal((answer["ok"], bool(answer["hint"])), (False, True), text)
    equal(hum.learned.pack() == before, True)
    equal(hum.console.execute("reset learned")["ok"], True)
    equal(hum.guard.vetoed, [])
    hum.console.execute("rollback")
    equal(len(hum.guard.vetoed), MAX_VETOES)


@test
def a_veto_ends_the_enrolment_of_its_label():
    hum = pipeline("vibration", **SMALL)
    hum.console.execute("enrol hum 5")
    play(hum, [(0, 1), (0, 2)])
    hum.console.execute("veto hum")
    play(hum, [(0, 1)] * 5)
    equal((hum.recogniser.prototypes.counts, hum.learned.enrol_left), ([2], 0))


@test
def trust_renews_budgets_and_ends_faults():
    hum = asking(teach_budget=4)
    miss_and_hit(hum)
    hum.console.execute("accept 1")
    budget, label = hum.guard.budget(0), hum.recogniser.ids[0]
    equal(budget.used(label, hum.recogniser.prototypes.pack(0)) > 0, True)
    for _ in range(MAX_FAULTS):
        hum.guard.fault()
    clear_error(raises(CommandError, hum.guard.permit), "sensor", "trust")
    known = hum.recogniser.pack()
    equal(hum.console.execute("trust")["faults"], 0)
    equal((hum.guard.learning(), budget.used(label, hum.recogniser.prototypes.pack(0))), (True, 0))
    equal(hum.recogniser.pack() == known, True)
    equal(len(events(hum, "trusted")), 1)


@test
def anchors_survive_a_reset():
    hum = asking(teach_budget=4)
    miss_and_hit(hum)
    hum.console.execute("accept 1")
    p = hum.recogniser.prototypes
    used = hum.guard.budget(0).used(hum.recogniser.ids[0], p.pack(0))
    again = pipeline("vibration", root=hum.root, **dict(SMALL, teach="ask", teach_budget=4))
    equal(
        again.guard.budget(0).used(again.recogniser.ids[0], again.recogniser.prototypes.pack(0)),
        used,
    )
    equal(again.learned.pack() == hum.learned.pack(), True)


@test
def with_learning_off_nothing_is_quarantined():
    hum = asking()
    hum.guard._probation = 1000
    for _ in range(MAX_FAULTS):
        hum.guard.fault()
    miss_and_hit(hum)
    equal(hum.console.execute("list pending")["pending"], [])


class Chip:
    """What the watchdog asks of modules os and machine; refuses what its port refuses."""

    def __init__(self, machine, most_ms):
        self.machine, self._most_ms = machine, most_ms
        self.mem32, self.timeouts = {}, []

    def uname(self):
        return self

    def WDT(self, timeout):  # noqa: N802  its name in machine
        if timeout > self._most_ms:
            raise ValueError("timeout exceeds %d" % self._most_ms)
        self.timeouts.append(timeout)
        return self


@test
def ctrl_c_holds_the_watchdog_of_every_chip():
    there = sys.modules.get("machine")
    sys.modules["machine"] = there or Chip("", 0)
    try:
        from nearhum.guard import watchdog
    finally:
        if not there:
            del sys.modules["machine"]
    taken = watchdog.os, watchdog.machine
    try:
        for name, most_ms, register in (
            ("Raspberry Pi Pico with RP2040", 8388, 0x4005B000),
            ("Raspberry Pi Pico 2 with RP2350", 8388, 0x400DB000),
            ("Generic ESP32 module with ESP32", 1 << 31, None),
        ):
            chip = watchdog.os = watchdog.machine = Chip(name, most_ms)
            watchdog.start(8)
            watchdog.pause()  # in a `finally`: it may not raise
            if register:
                equal((chip.mem32, chip.timeouts), ({register: 1 << 30}, [8000]), name)
            else:
                equal((chip.mem32, chip.timeouts), ({}, [8000, 1000000000]), name)
    finally:
        watchdog.os, watchdog.machine = taken


done()
