"""Test states with a right CRC and an invalid body, forged or from a firmware that never existed.

Such a state is accepted if it can be read, or refused with a message and without any change. After
that, windows arrive and every verb answers. No memory outside the buffers is touched (the unix port
would crash).
"""

import os

from fakes import noise, pipeline, reset, take
from harness import ON_HOST, Lcg, clear_error, done, equal, named, raises
from nearhum.errors import FormatError
from nearhum.kernels.viper_words import N_CEPSTRA
from nearhum.recognition.templates import BACKGROUND
from nearhum.wire import STATE_MAGIC, seal

# of a board a second each
N_CHANGES = int(os.getenv("NEARHUM_LINES") or 240 if ON_HOST else 72) // 3
SMALL = {"n_channels": 1, "n_window": 64, "n_hop": 64, "n_bands": 6}
BOARDS = (
    ("vibration", dict(SMALL, teach="ask", label_n=3, label_m=2, teach_s=60, alarms_per_day=1000)),
    ("telemetry", {"n_window": 8, "rate_hz": 10}),
    ("audio", {"rate_hz": 8000, "n_window": 256, "n_hop": 128}),
)
QUERIES = ("status", "list", "list snapshots", "list pending", "help", "get state 0", "look", "raw")
CHANGES = (
    "enrol tap 1",
    "forget hum",
    "relabel hum buzz",
    "veto hum",
    "trust",
    "learn stop",
    "watch",
    "accept 1",
)


def play(hum, random, n, level):
    """Let n windows of noise come, in the way the loop takes them."""
    for _ in range(n):
        hum.window.restart()
        hum.window.push(
            noise(random, hum.window.n_window * hum.window.n_channels, level),
            0,
            hum.window.n_window,
        )
        hum.take_window()
        hum.keep_window()


def learned(kind, given):
    """Return a pipeline that has learned, and knows a label."""
    reset()
    hum = pipeline(kind, **given)
    random = Lcg(3)
    hum.console.execute("learn 100")
    take(hum, 100)
    hum.console.execute("veto never")
    for _ in range(3):  # sound and silence in turn: an utterance, where examples are such
        hum.console.execute("enrol hum 1")
        play(hum, random, 30, 9000)
        play(hum, random, 40, 20)
    return hum


def changed(random, body):
    """Return a body with a few bytes others, cut, or longer."""
    out = bytearray(body)
    kind = random.below(8)
    if kind == 0:
        return bytes(out[: random.below(len(out))])
    if kind == 1:
        return bytes(out) + bytes([random.below(256) for _ in range(random.below(40))])
    for _ in range(1 + random.below(6)):
        # lengths and counts stand at the front, and between names
        at = random.below(len(out)) if kind < 5 else random.below(min(len(out), 120))
        out[at] = (0, 1, 16, 64, 127, 128, 255, random.below(256))[random.below(8)]
    return bytes(out)


def flood(kind, given):
    """Give a board states that make no sense, one after the other."""
    hum, random = (
        learned(kind, given),
        Lcg(len(kind) + int(ON_HOST and os.getenv("NEARHUM_SEED") or 0)),
    )
    sound = hum.learned.pack()
    n_taken = n_refused = 0
    for _ in range(N_CHANGES):
        body = changed(random, sound)
        before = hum.learned.pack()
        try:
            hum.learned.unpack(
                hum.store.opened(seal(STATE_MAGIC, hum.store.fingerprint, 9, body), "it")[1]
            )
            n_taken += 1
        except FormatError as e:
            n_refused += 1
            equal(bool(e.hint), True)
            equal(hum.learned.pack() == before, True, "refused, and something has changed")
        play(hum, random, 6, 3000)
        for line in QUERIES + (CHANGES[random.below(len(CHANGES))],):
            answer = hum.console.execute(line)
            equal("ok" in answer, True)
        play(hum, random, 2, 300)
    equal(n_taken > 0 and n_refused > 0, True)
    hum.learned.unpack(sound)
    equal(hum.learned.pack() == sound, True)
    print("%s: %d states, %d taken, %d refused" % (kind, n_taken + n_refused, n_taken, n_refused))


def at_start(kind, given):
    """A state that makes no sense is no reason not to start: the one before it takes its place,
    or nothing.
    """
    hum = learned(kind, given)
    root, fingerprint = hum.root, hum.store.fingerprint
    known = hum.detector.prototypes.n, hum.detector.threshold
    with open(hum.store.path(), "wb") as f:
        f.write(seal(STATE_MAGIC, fingerprint, 99, b"\xff" * 50))
    hum = None  # a board's heap has room for one
    hum = pipeline(kind, root=root, **given)
    equal("makes no sense" in hum.store.refused[-1], True)
    equal((hum.detector.prototypes.n, hum.detector.threshold), known)
    equal("makes no sense" in hum.console.execute("status")["warning"], True)
    for name in ("hum/state.a", "hum/state.b"):
        with open(root + name, "wb") as f:
            f.write(seal(STATE_MAGIC, fingerprint, 99, b"\xff" * 50))
    hum = None
    hum = pipeline(kind, root=root, **given)
    equal((len(hum.store.refused), hum.detector.prototypes.n), (2, 0))


def labels_without_sense():
    """An example that is no label's, and a label that has none: refused, for no later change of
    them could be kept.
    """
    kind, given = BOARDS[0]
    hum = learned(kind, given)
    r, body = hum.recogniser, hum.learned.pack()
    packed = r.pack()
    equal((len(r.ids), r.n_examples), (1, 3))
    example, count = len(packed) - 1 - r.n_dims, len(r.pack_labels())
    for at, value in ((example, 0), (example, 2), (count, 0)):
        bad = bytearray(packed)
        bad[at] = value
        clear_error(
            raises(FormatError, hum.learned.unpack, body.replace(packed, bytes(bad))), "no sense"
        )
        equal(hum.learned.pack() == body, True)


def words_without_sense():
    """An utterance too short to be compared, by whose length is divided; and a label without
    one.
    """
    kind, given = BOARDS[2]
    hum = learned(kind, given)
    templates, body = hum.recogniser.templates, hum.learned.pack()
    whole, owners = templates.all[0], list(templates.owner)
    for n, owner in ((0, None), (1, None), (5, None), (6, BACKGROUND)):
        templates.all[0] = whole[: n * N_CEPSTRA]
        if owner:
            templates.owner[:] = [owner] * len(owners)
        bad = hum.learned.pack()
        templates.all[0], templates.owner[:] = whole, owners
        clear_error(raises(FormatError, hum.learned.unpack, bad), "no sense")
        equal(hum.learned.pack() == body, True)
        templates = hum.recogniser.templates


named("labels_without_sense", labels_without_sense)
named("words_without_sense", words_without_sense)
for kind, given in BOARDS:
    named("states_without_sense_" + kind, flood, kind, given)
    named("a_start_with_one_" + kind, at_start, kind, given)

done()
