"""What may change what a board has learned: properties over the firmware itself, run under
MicroPython.

The state machine is compared with a model that knows what each verb does; the guard's budget with
exact fractions.
"""

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from reference import boards
from reference.boards import Call, means, moments, root, spread

SMALL = {"kind": "vibration", "n_channels": 1, "n_window": 64, "n_hop": 64, "n_bands": 3,
         "statistics": "", "label_m": 1, "label_n": 1, "teach": "off"}  # fmt: skip
N = 3  # dimensions of an embedding
MAX_EXAMPLES, MAX_LABELS, MAX_VETOES, N_SNAPSHOTS = 64, 16, 16, 4
IDLE, LEARN, WATCH = 0, 1, 2

slow = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@pytest.fixture(scope="module")
def call() -> Iterator[Call]:
    """call(name, argument, ...): a call of tests/reference/run_board.py; see there."""
    with boards.opened() as ask:
        if ask is None:
            pytest.skip("no MicroPython unix port")
        yield ask


# --- sums -----------------------------------------------------------------------------------------

embeddings = st.lists(st.integers(-128, 127), min_size=N, max_size=N)


@given(
    parts=st.lists(st.lists(embeddings, min_size=1, max_size=9), min_size=2, max_size=5),
    seed=st.randoms(),
)
@slow
def test_prototypes_join_to_the_same_sums_in_any_order(
    call: Call, parts: list[list[list[int]]], seed: Any
) -> None:
    order, left = [], len(parts)
    while left > 1:
        order.append(seed.sample(range(left), 2))
        left -= 1
    at_once = [x for part in parts for x in part]
    assert call("join", parts, order) == call("join", [at_once], [])


@given(
    rows=st.lists(embeddings, min_size=1, max_size=40),
    weight=st.integers(1, 60),
    others=st.integers(0, 30),
)
@slow
def test_a_prior_counts_as_its_weight(
    call: Call, rows: list[list[int]], weight: int, others: int
) -> None:
    total = len(rows) + others
    assume(total > weight)
    count, sums, squares = moments(call("join", [rows], [])[0])
    packed = call("scaled", call("join", [rows], [])[0], N, weight, total)
    small, less, fewer = moments(packed)
    assert small == max(1, int(Fraction(count * weight, total) + Fraction(1, 2)))
    for i in range(N):
        assert abs(less[i] - Fraction(sums[i] * small, count)) <= Fraction(1, 2)
        exact = Fraction(squares[i] * small, count)
        assert fewer[i] * small >= less[i] ** 2  # no spread below none
        assert abs(fewer[i] - exact) <= max(
            Fraction(1, 2), Fraction(less[i] ** 2, small) - exact + 1
        )


# --- the state machine ----------------------------------------------------------------------------


@dataclass
class Known:
    """What a board should know. A snapshot and a save keep a copy of it, and its bytes."""

    state: int = IDLE
    left: int = 0
    n_learned: int = 0
    labels: dict[str, int] = field(default_factory=dict)
    vetoed: list[str] = field(default_factory=list)
    raw: str = ""


names = st.sampled_from(["a", "b", "c", "ü", "x" * 33, "\0"])


class Verbs(RuleBasedStateMachine):
    """Verbs in any order, windows and power cuts between them, against a model.

    `call` is set by the test.
    """

    call: Call

    @initialize()
    def new(self) -> None:
        _, self.facts = self.call("new", SMALL)
        self.known = Known(raw=self.facts["bytes"])
        self.saved = deepcopy(self.known)
        self.snapshots: list[tuple[int, str, Known]] = []
        self.enrolling = ["", 0]

    def say(self, line: str, allowed: bool) -> dict[str, Any]:
        """Say it; check whether it was carried out, and that nothing changed where it was not."""
        before = self.facts
        answer, self.facts = self.call("say", line)
        assert answer["ok"] == allowed, (line, answer)
        if not allowed:
            assert answer["hint"]
            assert self.facts == before, line
        return answer

    def snapshot(self, cause: str) -> None:
        if self.snapshots and self.snapshots[-1][2].raw == self.known.raw:
            return
        number = self.snapshots[-1][0] + 1 if self.snapshots else 1
        self.snapshots.append((number, cause, deepcopy(self.known)))
        del self.snapshots[:-N_SNAPSHOTS]

    def changed(self) -> None:
        self.known.raw = self.facts["bytes"]
        self.saved = deepcopy(self.known)

    def valid(self, label: str) -> bool:
        return label not in ("x" * 33, "\0")

    @rule(n=st.integers(10, 45))
    def learn(self, n: int) -> None:
        self.say(f"learn {n}", n >= 8)
        if n >= 8:
            self.snapshot(f"learn {n}")
            self.known.state, self.known.left, self.known.n_learned = LEARN, n, 0
            self.changed()

    @rule(mode=names)
    def learn_as(self, mode: str) -> None:
        allowed = self.known.state == WATCH and self.valid(mode) and mode not in self.known.vetoed
        self.say(f"learn 16 as {mode}", allowed)
        if allowed:
            self.snapshot(f"learn 16 as {mode}")
            self.known.state, self.known.left = LEARN, 16
            self.changed()

    @rule(line=st.sampled_from(["watch", "learn stop"]))
    def stop(self, line: str) -> None:
        allowed = self.known.n_learned > 0
        self.say(line, allowed)
        if allowed:
            self.known.state, self.known.left = WATCH, 0
            self.changed()

    @rule(label=names, n=st.integers(0, 11))
    def enrol(self, label: str, n: int) -> None:
        room = sum(self.known.labels.values()) + n <= MAX_EXAMPLES
        allowed = 1 <= n <= 10 and self.valid(label) and label not in self.known.vetoed and room
        self.say(f"enrol {label} {n}", allowed)
        if allowed:
            self.snapshot(f"enrol {label}")
            self.enrolling = [label, n]

    @rule(
        rows=st.lists(st.lists(st.integers(-4, 4), min_size=N, max_size=N), min_size=1, max_size=20)
    )
    def windows(self, rows: list[list[int]]) -> None:
        _, self.facts = self.call("windows", rows)
        for _ in rows:
            changed = False
            if self.known.state == LEARN:
                self.known.left -= 1
                self.known.n_learned += 1
                if not self.known.left:
                    self.known.state = WATCH
                    changed = True
            label, left = self.enrolling
            if left and sum(self.known.labels.values()) < MAX_EXAMPLES:
                self.known.labels[label] = self.known.labels.get(label, 0) + 1
                self.enrolling[1] -= 1
                changed = True
            if changed:
                self.saved = deepcopy(self.known)  # its bytes are known only for the last window
                self.saved.raw = ""
        self.known.raw = self.facts["bytes"]

    @rule(label=names)
    def forget(self, label: str) -> None:
        allowed = label in self.known.labels
        self.say(f"forget {label}", allowed)
        if allowed:
            self.snapshot(f"forget {label}")
            del self.known.labels[label]
            self.end_enrolment(label)
            self.changed()

    @rule(label=names)
    def veto(self, label: str) -> None:
        allowed = self.valid(label) and label not in self.known.vetoed
        self.say(f"veto {label}", allowed)
        if allowed:
            self.snapshot(f"veto {label}")
            self.known.vetoed.append(label)
            self.end_enrolment(label)
            self.changed()

    @rule(label=names)
    def permit(self, label: str) -> None:
        allowed = label in self.known.vetoed
        self.say(f"veto {label} off", allowed)
        if allowed:
            self.snapshot(f"veto {label} off")
            self.known.vetoed.remove(label)
            self.changed()

    def end_enrolment(self, label: str) -> None:
        if self.enrolling[0] == label:
            self.enrolling[1] = 0

    @rule()
    def trust(self) -> None:
        self.say("trust", True)
        self.snapshot("trust")
        self.changed()

    @rule(n=st.integers(1, 9), verb=st.sampled_from(["accept", "reject"]))
    def decide(self, n: int, verb: str) -> None:
        self.say(f"{verb} {n}", False)  # nothing is pending here

    @rule(what=st.sampled_from(["learned", "factory", "everything"]))
    def reset(self, what: str) -> None:
        allowed = what != "everything"
        self.say(f"reset {what}", allowed)
        if allowed:
            self.snapshot(f"reset {what}")
            self.known = Known()
            self.enrolling[1] = 0
            self.changed()

    @rule()
    def undo(self) -> None:
        present = self.known.raw
        others = [s for s in self.snapshots if s[2].raw != present]
        # the youngest that differs; those behind it hold the present state
        target = others[-1] if others else None
        self.roll_back("rollback", target)

    @rule(back=st.integers(0, 6))
    @precondition(lambda self: bool(self.snapshots))
    def roll_back_to(self, back: int) -> None:
        number = self.snapshots[-1][0] + 1 - back
        assume(number > 0)
        target = next((s for s in self.snapshots if s[0] == number), None)
        self.roll_back(f"rollback {number}", target)

    def roll_back(self, line: str, target: tuple[int, str, Known] | None) -> None:
        answer = self.say(line, target is not None)
        if target is None:
            return
        assert answer["to"] == target[0]
        self.snapshot(f"rollback {target[0]}")
        self.known = deepcopy(target[2])
        self.enrolling[1] = 0
        assert self.facts["bytes"] == target[2].raw  # exactly as it was
        self.changed()

    @rule()
    def power_cut(self) -> None:
        _, self.facts = self.call("boot")
        if self.saved.raw:
            assert self.facts["bytes"] == self.saved.raw
        self.known = deepcopy(self.saved)
        self.known.raw = self.facts["bytes"]
        self.enrolling = ["", 0]

    @invariant()
    def the_board_knows_what_the_model_knows(self) -> None:
        facts, known = self.facts, self.known
        assert (facts["state"], facts["left"]) == (known.state, known.left)
        assert {label: count for label, count, _ in facts["labels"]} == known.labels
        assert facts["vetoed"] == known.vetoed
        assert facts["enrolling"][1] == self.enrolling[1]
        assert [tuple(s) for s in facts["snapshots"]] == [
            (number, cause) for number, cause, _ in self.snapshots
        ]


def test_verbs_in_any_order_lose_nothing(call: Call) -> None:
    """Numbered states, contradictory commands, power cuts: the board does what the model does,
    or refuses.
    """
    machine = type("Machine", (Verbs,), {"call": staticmethod(call)})
    run_state_machine_as_test(
        machine, settings=settings(slow, max_examples=40, stateful_step_count=30)
    )


# --- the budget -----------------------------------------------------------------------------------

GRAIN = Fraction(3, 256)  # means and spreads are measured in 256ths of a step


@given(
    examples=st.lists(
        st.lists(st.integers(-9, 9), min_size=N, max_size=N), min_size=2, max_size=10
    ),
    budget=st.sampled_from([0.5, 2, 3.5]),
    days=st.sampled_from([0.001, 0.1, 30]),
    attack=st.lists(
        st.one_of(
            st.tuples(
                st.just("lure"),
                st.lists(st.sampled_from([-90, -8, 0, 70, 90]), min_size=N, max_size=N),
                st.integers(1, 12),
                st.booleans(),
            ),
            st.tuples(
                st.just("windows"), st.lists(embeddings, max_size=30), st.just(0), st.just(False)
            ),
            st.tuples(st.just("boot"), st.none(), st.just(0), st.just(False)),
        ),
        min_size=1,
        max_size=12,
    ),
)
@slow
def test_no_sequence_of_inputs_moves_a_prototype_beyond_its_budget(
    call: Call, examples: list[list[int]], budget: float, days: float, attack: list[Any]
) -> None:
    a_day = 1350  # windows
    call(
        "new",
        {
            **SMALL,
            "teach": "auto",
            "teach_s": 640,
            "rate_hz": 1,
            "teach_budget": budget,
            "teach_days": days,
        },
    )
    call("say", f"enrol word {len(examples)}")
    _, facts = call("windows", examples)
    before, floor = facts["labels"][0][2], 5
    own = spread(before)
    pooled = [root(Fraction(v, 4096)) for v in facts["variance"]]
    reach = [Fraction(budget) * max(own[i], pooled[i], Fraction(floor)) for i in range(N)]
    path, n_windows, last, counts = [Fraction(0)] * N, 0, before, facts["labels"][0][1]
    for what, given_, n, far in attack:
        if what == "lure":
            for _ in range(n):
                _, facts = call("lure", given_, 1, far)
                n_windows += 2
                now = facts["labels"][0][2]
                path = [
                    p + abs(a - b) for p, a, b in zip(path, means(now), means(last), strict=True)
                ]
                last = now
        else:
            _, facts = call(what, *([given_] if what == "windows" else []))
            n_windows += len(given_ or [])
            now = facts["labels"][0][2]
            path = [p + abs(a - b) for p, a, b in zip(path, means(now), means(last), strict=True)]
            last = now
        moved = [abs(a - b) for a, b in zip(means(last), means(before), strict=True)]
        grown = [
            max(Fraction(0), s - max(own[i], pooled[i], Fraction(floor)))
            for i, s in enumerate(spread(last))
        ]
        for i in range(N):
            assert moved[i] + grown[i] <= reach[i] + GRAIN
            fastest = reach[i] * (
                Fraction(3, 4) + Fraction(n_windows + 1) / max(1, int(a_day * days))
            )
            assert path[i] <= fastest + GRAIN * (1 + facts["labels"][0][1] - counts)
    # the user's words alone stay what they were: examples, and how many there are
    assert facts["labels"][0][0] == "word"


def pulled(
    call: Call, budget: float, days: float, turns: list[list[int]]
) -> tuple[Fraction, Fraction]:
    """Return how far, and over what path, 20 rounds of lures in these directions pull a word of
    five examples.
    """
    examples = [[0, 4, 0], [4, 0, 0], [0, 0, 4], [-4, 0, 0], [0, -4, -4]]
    given_ = {
        "teach": "auto",
        "teach_s": 640,
        "rate_hz": 1,
        "teach_budget": budget,
        "teach_days": days,
    }
    call("new", {**SMALL, **given_})
    call("say", "enrol word 5")
    _, facts = call("windows", examples)
    start = last = means(facts["labels"][0][2])
    path = [Fraction(0)] * N
    for _ in range(20):
        for direction in turns:
            _, facts = call("lure", direction, 1, False)
            now = means(facts["labels"][0][2])
            path = [p + abs(a - b) for p, a, b in zip(path, now, last, strict=True)]
            last = now
    return max(abs(a - b) for a, b in zip(last, start, strict=True)), max(path)


def test_the_adversary_would_win_without_a_budget(call: Call) -> None:
    """The lure is worth fearing: with a budget of everything it walks the prototype away."""
    far, _ = pulled(call, 2, 0.001, [[100, 100, 100]])
    assert 0 < far <= 2 * 5
    far, _ = pulled(call, 1000, 0.001, [[100, 100, 100]])
    assert far > 2 * 5


def test_a_prototype_that_is_pulled_to_and_fro_is_slow(call: Call) -> None:
    """Near its anchor it may travel for ever, but only as fast as its budget fills."""
    to_and_fro = [[100, 0, 0], [-100, 0, 0]]
    _, fast = pulled(call, 5, 0.001, to_and_fro)
    _, slow = pulled(call, 5, 30, to_and_fro)
    assert 0 < slow < fast / 2
    assert slow <= 5 * 5 * Fraction(3, 4)
