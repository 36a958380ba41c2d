# ruff: noqa: UP031 (no f-strings where a board's MicroPython reads them slower than %)
"""The contract that every learner of nearhum keeps.

Runs under MicroPython, on every target, see tests/device/learners.py.

A `Learner` describes a learner: how to make one, teach it one embedding, ask it, and read and write
its bytes. Each check takes such a description, and raises AssertionError if the learner breaks it:

    scoring never mutates       the bytes are the same, and a second answer is the first one
    save -> load -> same        a new one that loads the bytes gives the same answers, and learns
                                the same from then on
    bounded size                the bytes stop growing. What does not fit raises CommandError and
                                changes nothing
    survives every input        constant, saturated, alternating, one dimension, and nothing learned
    loading replaces            nothing of what a learner knew before is left after loading
    answers are in range        an int within int16
    order is not chance         the same lessons give the same bytes
"""


class Learner:
    """A kind of learner.

    make(): a new one. learn(it, x): one int8 embedding. answer(it, x): an int.
    """

    def __init__(self, name, n_dims, make, learn, answer):
        self.name = name
        self.n_dims = n_dims
        self.make = make
        self.learn = learn
        self.answer = answer

    def taught(self, rows):
        """Return a new learner that has learned rows."""
        it = self.make()
        for row in rows:
            self.learn(it, row)
        return it


def embedding(values):
    """Return int8 values as the bytearray that learners take."""
    return bytearray([v & 255 for v in values])


def spread_out(n_dims, count, seed=1):
    """Return embeddings around two centres, always the same ones."""
    return list(one_by_one(n_dims, count, seed))


def one_by_one(n_dims, count, seed=1):
    """Yield the same one by one. A board's heap has no room for hundreds beside a full learner."""
    state = seed
    for i in range(count):
        row = []
        for _ in range(n_dims):
            state = (state * 1664525 + 1013904223) & 0xFFFFFFFF
            row.append((40 if i % 2 else -30) + (state >> 24) % 13 - 6)
        yield embedding(row)


def nasty(n_dims):
    """Return embeddings at the edges of int8."""
    return [
        embedding([0] * n_dims),
        embedding([127] * n_dims),
        embedding([-128] * n_dims),
        embedding([127, -128] * n_dims)[:n_dims],
        embedding([127] + [0] * (n_dims - 1)),
        embedding([0] * (n_dims - 1) + [-128]),
    ]


def agree(what, found, wanted):
    """Raise AssertionError unless both are equal."""
    if found != wanted:
        raise AssertionError("%s: %r, not %r" % (what, found, wanted))


def answers(learner, it, rows):
    """Return the answers to rows, each an int within int16."""
    out = []
    for row in rows:
        answer = learner.answer(it, row)
        if not isinstance(answer, int) or not -32768 <= answer <= 32767:
            raise AssertionError("answer %r" % (answer,))
        out.append(answer)
    return out


def scoring_never_mutates(learner):
    it = learner.taught(spread_out(learner.n_dims, 20))
    before = it.pack()
    questions = spread_out(learner.n_dims, 6, 9) + nasty(learner.n_dims)
    first = answers(learner, it, questions)
    agree("bytes after scoring", it.pack(), before)
    agree("answers when asked again", answers(learner, it, questions), first)
    agree("answers in another order", answers(learner, it, questions[::-1]), first[::-1])


def scoring_leaves_its_input(learner):
    it = learner.taught(spread_out(learner.n_dims, 20))
    for row in nasty(learner.n_dims):
        kept = bytes(row)
        learner.answer(it, row)
        learner.learn(it, row)
        agree("the embedding", bytes(row), kept)


def loaded_answers_the_same(learner):
    rows = spread_out(learner.n_dims, 24)
    for n in (0, 1, 2, 11, 24):
        it = learner.taught(rows[:n])
        image = it.pack()
        other = learner.make()
        agree("bytes used", other.unpack(memoryview(image)), len(image))
        agree("bytes", other.pack(), image)
        questions = rows[:4] + nasty(learner.n_dims)
        agree(
            "answers after loading %d" % n,
            answers(learner, other, questions),
            answers(learner, it, questions),
        )
        for row in rows[n : n + 6]:
            learner.learn(it, row)
            learner.learn(other, row)
        agree("bytes after learning on from %d" % n, other.pack(), it.pack())
        agree(
            "answers after learning on",
            answers(learner, other, questions),
            answers(learner, it, questions),
        )


def loading_replaces(learner):
    rows = spread_out(learner.n_dims, 16)
    it = learner.taught(rows)
    other = learner.taught(spread_out(learner.n_dims, 9, 77) + nasty(learner.n_dims))
    other.unpack(memoryview(it.pack()))
    agree("bytes", other.pack(), it.pack())
    questions = rows + nasty(learner.n_dims)
    agree("answers", answers(learner, other, questions), answers(learner, it, questions))
    empty = learner.make()
    other.unpack(memoryview(empty.pack()))
    agree("bytes of an empty one", other.pack(), empty.pack())
    agree(
        "answers of an empty one",
        answers(learner, other, questions),
        answers(learner, empty, questions),
    )


def size_is_bounded(learner):
    from nearhum.errors import CommandError

    it, largest = learner.make(), 0
    for i, row in enumerate(one_by_one(learner.n_dims, 200)):
        before = it.pack()
        try:
            learner.learn(it, row)
        except CommandError as e:
            if not e.hint:
                raise AssertionError("%r has no hint" % e.message) from e
            agree("bytes after a refusal", it.pack(), before)
        if i < 100:
            largest = max(largest, len(it.pack()))
    if len(it.pack()) > largest or largest > 16 * 1024:
        raise AssertionError("%d bytes after 200 lessons, %d after 100" % (len(it.pack()), largest))


def survives_every_input(learner):
    edges = nasty(learner.n_dims)
    for lessons in [[]] + [[row] * 20 for row in edges] + [edges * 3]:
        it = learner.taught(lessons)
        answers(learner, it, edges + spread_out(learner.n_dims, 4))
        again = learner.make()
        again.unpack(memoryview(it.pack()))
        agree("answers after loading", answers(learner, again, edges), answers(learner, it, edges))


def the_same_lessons_give_the_same_bytes(learner):
    rows = spread_out(learner.n_dims, 20) + nasty(learner.n_dims)
    agree("bytes", learner.taught(rows).pack(), learner.taught(rows).pack())


CHECKS = (
    scoring_never_mutates,
    scoring_leaves_its_input,
    loaded_answers_the_same,
    loading_replaces,
    size_is_bounded,
    survives_every_input,
    the_same_lessons_give_the_same_bytes,
)
