"""Test words: found in a sound, enrolled, told apart, unknown, no words, a full store, any name."""

from array import array
from binascii import crc32

from fakes import noise, pipeline, reset
from harness import Lcg, between, clear_error, done, equal, raises, test
from nearhum import events
from nearhum.errors import CommandError

RATE = 8000
QUIET = 20
# periods of a tone, in samples, every 50 ms: what is told apart is how the spectrum moves
SAID = {
    "up": (40, 32, 24, 16, 12, 8, 6),
    "down": (6, 8, 12, 16, 24, 32, 40),
    "hill": (40, 24, 12, 6, 12, 24, 40),
}
OTHER = {"flat": (9,) * 8, "dive": (6, 40, 6, 40, 6, 40, 6)}


def board(**given):
    reset()
    return pipeline("audio", rate_hz=RATE, n_window=256, n_hop=128, **given)


def tones(random, periods, level=3000):
    """Samples of a word, each time a little different in length and level, a tone after the
    other.
    """
    for period in periods:
        n = RATE * (50 + random.within(6)) // 1000
        yield noise(random, n, level // 4, level + random.within(level // 8), period)


def word(random, periods, level=3000):
    """The same in one piece."""
    out = array("h")
    for tone in tones(random, periods, level):
        out.extend(tone)
    return out


def play(hum, samples):
    """Let a pipeline hear samples. Returns the labels it gave, by name."""
    said, at = [], 0
    while at < len(samples):
        at += hum.window.push(samples, at, len(samples) - at)
        if not hum.window.missing:
            hum.take_window()
            hum.keep_window()
            if hum.label_id:
                said.append(hum.label_name())
            hum.window.advance()
    return said


def silence(hum, random, ms=600, level=QUIET):
    """Silence of ms, in pieces that a board's heap has room for."""
    return [
        label for _ in range(ms // 100) for label in play(hum, noise(random, RATE // 10, level))
    ]


def wait(hum, random, seconds, level=QUIET):
    """Silence, or a steady sound, in pieces that a board's heap has room for."""
    return [
        label for _ in range(4 * seconds) for label in play(hum, noise(random, RATE // 4, level))
    ]


def say(hum, random, periods, level=3000):
    return [label for tone in tones(random, periods, level) for label in play(hum, tone)] + silence(
        hum, random
    )


def taught(shots=3, seed=1):
    hum, random = board(), Lcg(seed)
    silence(hum, random)
    for label in sorted(SAID):
        equal(hum.console.execute("enrol %s %d" % (label, shots))["ok"], True)
        for _ in range(shots):
            say(hum, random, SAID[label])
        equal(hum.learned.enrol_left, 0)
    return hum, random


@test
def words_are_told_apart_and_others_are_unknown():
    for shots in (1, 3):
        hum, random = taught(shots)
        for label in sorted(SAID):
            for level in (800, 3000, 9000):
                equal(say(hum, random, SAID[label], level), [label], (label, level))
        for label in sorted(OTHER):
            equal(say(hum, random, OTHER[label]), [], label)
        hum = None  # a board's heap has room for one


@test
def a_word_has_its_label_at_one_window_and_its_distances_in_the_log():
    hum, random = taught()
    events = []
    hum.journal.event = lambda name, **what: events.append((name, what))
    equal(say(hum, random, SAID["hill"]), ["hill"])
    name, what = events[0]
    equal((name, len(events)), ("heard", 1))
    between(what["distances"]["hill"], 1, what["limit"])
    equal(what["background"], None)
    events.clear()
    wait(hum, random, 3)
    equal(events, [])


@test
def the_same_bits_on_every_target():
    # made under the unix port; tests/host/test_words.py holds that against an independent reference
    hum, random = taught()
    say(hum, random, SAID["up"])
    w = hum.recogniser
    equal(
        (w.limit, [w.templates.distance(j) for j in range(3)], crc32(w.pack())),
        (1258, [1985, 1594, 1016], 501585432),
    )


@test
def silence_and_a_steady_sound_are_no_words():
    hum, random = taught()
    u = hum.recogniser.utterances
    equal(wait(hum, random, 1, 0), [])
    equal(u._speech, False)
    n_frames, u.n_frames = u.n_frames, -1
    # a fan that starts: speech at first, background after LONGEST frames, and then quiet again
    wait(hum, random, 4, 2000)
    equal(u._speech, False)
    u.n_frames = -1
    wait(hum, random, 4, 2000)
    equal(u.n_frames, -1)
    u.n_frames = n_frames


@test
def a_microphone_that_is_too_quiet_says_so():
    def told(hum):
        warning = hum.console.execute("status")["warning"]
        return warning[warning.find("microphone") :] if "too quiet" in warning else ""

    hum, random = board(), Lcg(4)
    equal(told(hum), "")  # nothing was heard at all yet
    silence(hum, random, 1200)
    say(hum, random, SAID["up"])
    equal(told(hum), "")
    # as loud, in a room or by a microphone without a sound of its own
    silence(hum, random, 3000, 0)
    say(hum, random, SAID["up"])
    silence(hum, random, 1200, 0)
    equal(told(hum), "")
    for level, said in ((160, "the last word was 1"), (4, "no word was heard above")):
        events.interrupted(hum, -1)
        silence(hum, random, 1200, 0)
        equal(told(hum)[:46], "microphone is too quiet: no word was heard abo")
        for tone in tones(random, SAID["up"], level):
            play(hum, tone)
        silence(hum, random, 1200, 0)
        equal(told(hum)[25 : 25 + len(said)], said, told(hum))


@test
def a_machine_that_is_too_quiet_says_so_unless_it_is_off():
    hum, random = board(recognise="windows"), Lcg(4)

    def told(level, n=12):
        for _ in range(n):
            play(hum, noise(random, 256, level))
        return "most bands are below" in hum.console.execute("status")["warning"]

    equal(told(200), False)
    equal(told(0), True)
    hum.console.execute("learn 24")
    equal(told(200, 40), False)
    equal(told(0), False)  # it was loud while it was learned


@test
def clicks_are_too_short_and_clipping_is_borne():
    hum, random = taught()
    u = hum.recogniser.utterances
    silence(hum, random)
    u.n_frames = -1
    play(hum, noise(random, 160, 20000))
    silence(hum, random)
    equal(u.n_frames, -1)
    # clipped to a square: heard, whatever it is taken for
    loud = word(random, SAID["up"], 9000)
    for i in range(len(loud)):
        loud[i] = 32767 if loud[i] > 0 else -32768
    play(hum, loud)
    silence(hum, random)
    between(u.n_frames, 10, 64)


@test
def a_gap_ends_what_was_being_said_without_an_answer():
    hum, random = taught()
    samples = word(random, SAID["up"])
    play(hum, samples[: len(samples) * 2 // 3])
    events.interrupted(hum, -1)
    equal(silence(hum, random), [])
    equal(say(hum, random, SAID["up"]), ["up"])


@test
def what_is_said_for_long_is_cut():
    from nearhum.recognition.utterance import LONGEST, SETTLE, Utterances

    u = Utterances(20)
    quiet, loud = bytearray(b"\xc0" * 20), bytearray(20)
    for _ in range(SETTLE + 5):
        equal(u.hear_one(quiet), False)
    ended = [u.hear_one(loud) for _ in range(LONGEST + 1)]
    equal((ended.count(True), ended[-1], u.n_frames), (1, True, 64))
    equal(bytes(u.cepstra[10:20]) == bytes(10), False)
    for _ in range(200):
        equal(u.hear_one(loud), False)


@test
def a_frame_that_never_moves_makes_no_division_by_zero():
    from nearhum.recognition.utterance import SETTLE, Utterances

    u = Utterances(10)
    for _ in range(SETTLE):
        u.hear_one(bytearray(b"\x80" * 10))
    ended = [u.hear_one(bytearray(b"\x7f" * 10)) for _ in range(30)]
    equal(True in ended, False)
    ended = [u.hear_one(bytearray(b"\x80" * 10)) for _ in range(30)]
    equal(ended.count(True), 1)
    equal(u.n_frames, 6 + 30 + 3)


@test
def background_of_a_learning_period_competes():
    hum, random = board(), Lcg(3)
    silence(hum, random)
    hum.console.execute("learn 5000")
    for _ in range(4):
        say(hum, random, OTHER["flat"])
    hum.console.execute("watch")
    equal(hum.recogniser.templates.owner, [16] * 4)
    hum.console.execute("enrol up 2")
    say(hum, random, SAID["up"])
    say(hum, random, SAID["up"])
    # the background alone keeps it out: the limit lets everything in
    hum.recogniser.limit = 100000
    equal(say(hum, random, OTHER["flat"]), [])
    equal(say(hum, random, SAID["up"]), ["up"])
    # and it is part of what was learned
    body = hum.learned.pack()
    hum.console.execute("reset learned")
    equal(hum.recogniser.templates.owner, [])
    hum.learned.unpack(body)
    equal((hum.recogniser.templates.owner, hum.learned.pack() == body), ([16] * 4 + [0] * 2, True))


@test
def background_is_bounded_and_takes_the_latest():
    from nearhum.recognition.templates import N_BACKGROUND, Templates

    templates = Templates(array("i", bytes(2560)))
    templates.take(0, bytes(60))
    for i in range(1, N_BACKGROUND + 6):
        templates.take_background(bytes([i] * 60))
    equal(
        sorted([template[0] for template in templates.all]), [0] + list(range(6, N_BACKGROUND + 6))
    )


@test
def an_enrolment_says_what_it_expects():
    hum, random = board(), Lcg(5)
    events = []
    silence(hum, random)
    hum.console.execute("learn 5000")
    for _ in range(3):
        say(hum, random, OTHER["flat"])
        say(hum, random, OTHER["dive"])
    hum.console.execute("watch")
    hum.journal.event = lambda name, **what: events.append((name, what))
    for label, said in (("up", "up"), ("rise", "up"), ("hill", "hill")):
        hum.console.execute("enrol %s 2" % label)
        say(hum, random, SAID[said])
        say(hum, random, SAID[said])
    about = [what for name, what in events if name == "enrolled"]
    equal([what["count"] for what in about], [1, 2] * 3)
    equal(["close" in what for what in about], [False, True] * 3)
    equal([what["close"] for what in about[1::2]], [None, "up", None])
    for what in about[1::2]:
        between(what["accepts"], 0.0, 20.0)
    listed = [p for p in hum.console.execute("list")["prototypes"] if p["id"]]
    equal(
        [(p["label"], p["close"]) for p in listed], [("up", None), ("rise", "up"), ("hill", None)]
    )


@test
def forget_relabel_list_and_rollback():
    hum, random = taught()
    w = hum.recogniser
    equal(hum.console.execute("relabel up ascent")["ok"], True)
    equal(say(hum, random, SAID["up"]), ["ascent"])
    equal(hum.console.execute("forget hill")["ok"], True)
    equal((w.labels, w.counts, w.n_examples), (["down", "ascent"], [3, 3], 6))
    equal(say(hum, random, SAID["hill"]), [])
    equal(say(hum, random, SAID["down"]), ["down"])
    listed = hum.console.execute("list")["prototypes"]
    equal([(p["label"], p["count"]) for p in listed], [("down", 3), ("ascent", 3)])
    equal(hum.console.execute("rollback")["ok"], True)
    equal(sorted(w.labels), ["ascent", "down", "hill"])
    equal(say(hum, random, SAID["hill"]), ["hill"])
    for line in (
        "relabel up down",
        "relabel ascent down",
        "relabel ascent",
        "relabel ascent %s" % ("x" * 33),
    ):
        equal(hum.console.execute(line)["ok"], False, line)


@test
def names_in_any_script_and_bytes_and_back():
    from nearhum.recognition.words import Words

    hum, random = board(), Lcg(2)
    silence(hum, random)
    for label in ("sì", "да", "はい", "x" * 32):
        equal(hum.console.execute("enrol %s 1" % label)["ok"], True)
        say(hum, random, SAID["up"])
    w = hum.recogniser
    body = w.pack()
    again = Words(hum.plan, hum.features.vector, hum.config, hum.detector)
    equal(again.unpack(memoryview(body)), len(body))
    equal(
        (again.labels, again.counts, again.ids, again.limit), (w.labels, w.counts, w.ids, w.limit)
    )
    equal(again.pack() == body, True)
    clear_error(raises(CommandError, w.check_room, "x" * 33, 1), "33")


@test
def a_full_store_refuses_and_keeps_what_it_has():
    from nearhum.recognition.words import MAX_EXAMPLES

    w = board().recogniser
    for i in range(MAX_EXAMPLES):
        w.enrol("label%d" % (i % 10), bytes([i] * 60))
    before = w.pack()
    for _ in range(20):
        clear_error(raises(CommandError, w.enrol, "label1", bytes(60)), str(MAX_EXAMPLES))
    equal(w.pack() == before, True)
    between(len(before), 50 * 62, 50 * 62 + 200)


@test
def five_shots_fit_their_budget():
    w = board().recogniser
    empty = len(w.pack())
    for _ in range(5):
        w.enrol("longest", bytes(640))
    between(len(w.pack()) - empty, 1, 6 * 1024)


done()
