"""Boards filled in every way that the formats allow, and what their reader must find in them.

`python tests/vectors/formats/make.py` fills them with the present firmware and keeps their files as
tests/vectors/formats/vN. formats_read.py boots every vN. Their expected behaviour is kept beside
the files: what status and list print, and the scores of windows after the boot.
"""

import json
import os

from fakes import fill, head, layer, noise, pipeline, take
from harness import Lcg
from nearhum.storage.snapshots import Snapshots

SMALL = {"rate_hz": 640, "n_channels": 1, "n_window": 64, "n_hop": 64, "n_bands": 6}
STATUS = (
    "state", "n_learned", "learn_left", "learn_total", "paused", "learn_most", "drift_left",
    "threshold", "n_prototypes", "n_labels", "seq", "log_first", "boot",
)  # fmt: skip


def watching(root):
    """Labels, a veto, a rollback, three starts, a log of several segments."""
    hum = pipeline("vibration", root, **SMALL)
    logged = Logged(hum)
    say(hum, "learn 60")
    take(hum, 60)
    for label, level in (("hum", 900), ("tap", 4000), ("gone", 9000)):
        say(hum, "enrol %s 2" % label)
        take(hum, 2, seed=level, level=level)
    for line in (
        "relabel tap knock",
        "forget gone",
        "veto scrape",
        "veto scratch",
        "veto scratch off",
    ):
        say(hum, line)
    take(hum, 700, seed=9)
    for i in range(2):
        hum.journal.read(0, 1040)  # closes the run of scores and brings all to flash
        hum = logged.again(started(root))
        take(hum, 30, seed=20 + i, level=300 + 3000 * i)
        say(hum, "learn 20 as fast")
        take(hum, 20, seed=30, level=2000)
        say(hum, "rollback")
    return logged


def learning(root):
    """In the middle of a learning period until stable, paused."""
    hum = pipeline("vibration", root, **SMALL)
    logged = Logged(hum)
    say(hum, "learn stable 5000")
    take(hum, 450)
    say(hum, "learn pause")
    return logged


def slow(root):
    """Ranged channels, full covariance, drift followed."""
    hum = pipeline(
        "telemetry", root, rate_hz=1, n_channels=3, n_window=16, n_hop=4, n_range=8, spread="full",
        drift_budget=3, drift_windows=32,
    )  # fmt: skip
    logged = Logged(hum)
    say(hum, "learn 160")
    take(hum, 160)
    say(hum, "enrol open 2")
    take(hum, 2, tone=4000)
    take(hum, 100, tone=1040)
    hum.learned.save()
    return logged


def taught(root):
    """A near miss that waits for the user's word, and a label that moved within its budget."""
    hum = pipeline("vibration", root, teach="ask", label_m=1, label_n=1, **SMALL)
    logged = Logged(hum)
    embed_into = hum.head.embed_into
    say(hum, "enrol hum 5")
    given(hum, range(-16, 17, 8))
    level = 0
    while len(hum.learned.quarantine().pending) < 3:
        level += 1
        given(hum, (level,))
        if not hum.label_id:
            given(hum, (0,))
            level -= 2
    say(hum, "accept 1")
    say(hum, "reject 2")
    hum.head.embed_into = embed_into
    return logged


def words(root):
    """Two words of three examples, and background."""
    hum = pipeline("audio", root, rate_hz=8000, n_window=256, n_hop=128)
    logged = Logged(hum)
    random = Lcg(1)
    hear(hum, noise(random, 4800, 20))
    say(hum, "learn 100")
    for _ in range(2):
        hear_word(hum, random, (9,) * 12)
    for label, periods in (
        ("up", (40, 32, 24, 16, 12, 8, 6)),
        ("down", (6, 8, 12, 16, 24, 32, 40)),
    ):
        say(hum, "enrol %s 3" % label)
        for _ in range(3):
            hear_word(hum, random, periods)
    return logged


def given_from_elsewhere(root):
    """A head of another's making, and a prior: the state of a board that watches."""
    with open(root + "head.nhh", "wb") as f:
        weights = [[(i * 7 + j * 3) % 31 - 15 for i in range(7)] for j in range(4)]
        f.write(head(7, layer(weights, [5, -3, 0, 9], [[0, 20000, 18]] * 4)))
    settings = dict(SMALL, head=root + "head.nhh")
    hum = pipeline("vibration", root, **settings)
    say(hum, "learn 60")
    take(hum, 60)
    hum.learned.save()
    os.rename(hum.store.path(), root + "prior.nhs")
    empty(root + "hum")
    hum = pipeline("vibration", root, prior="prior.nhs", **settings)
    logged = Logged(hum)
    take(hum, 30, seed=3, level=1500)
    return logged


BOARDS = {
    "watching": watching, "learning": learning, "slow": slow, "taught": taught, "words": words,
    "given": given_from_elsewhere,
}  # fmt: skip


class Logged:
    """What went into a board's journal, as the pipeline gave it, over several starts."""

    def __init__(self, hum):
        self.scores, self.events = [], []
        self.again(hum)

    def again(self, hum):
        """Go on with the next pipeline of the same board. Returns it."""
        self.hum = hum
        score, event = hum.journal.score, hum.journal.event

        def noted(window, *what):
            self.scores.append([window] + list(what))
            score(window, *what)

        def told(name, **what):
            self.events.append(name)
            event(name, **what)

        hum.journal.score, hum.journal.event = noted, told
        return hum


def known(hum):
    """What a board tells of what it has learned, and the scores and labels of 24 windows that
    come now.
    """
    status = say(hum, "status")
    told = {
        "status": {key: status[key] for key in STATUS},
        "prototypes": [[p["label"], p["count"], p["id"]] for p in say(hum, "list")["prototypes"]],
        "vetoed": hum.guard.vetoed,
        "snapshots": [[s["number"], s["cause"], s["crc"]] for s in Snapshots(hum.store).all()],
        "pending": say(hum, "list pending")["pending"] if hum.config["teach"] != "off" else [],
    }
    if hum.config["recognise"] == "words":
        random = Lcg(77)
        periods = ((40, 32, 24, 16, 12, 8, 6), (6, 8, 12, 16, 24, 32, 40), (9,) * 8)
        told["heard"] = [hear_word(hum, random, some) for some in periods]
    else:
        random, probe = Lcg(99), []
        for i in range(24):
            fill(hum.window, random, (200, 900, 4000)[i % 3], 1000)
            hum.take_window()
            probe.append([hum.temporal.score, hum.label_id])
            hum.keep_window()
        told["probe"] = probe
    return told


def say(hum, line):
    """Have a command carried out; AssertionError where it is refused."""
    answer = hum.console.execute(line)
    assert answer["ok"], answer
    return answer


def given(hum, levels):
    """Windows whose embedding is a level in every dimension."""
    for level in levels:
        x = bytearray([level & 255] * hum.head.n_out)
        hum.head.embed_into = lambda vector, x=x: x
        fill(hum.window, Lcg(1), 200, 1000)
        hum.take_window()
        hum.keep_window()


def hear(hum, samples):
    """Let a pipeline hear samples. Returns the labels it gave."""
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


def hear_word(hum, random, periods):
    """A word and the silence after it. Returns the labels it was given."""
    said = []
    for period in periods:
        said += hear(
            hum, noise(random, 400 + random.within(48), 750, 3000 + random.within(375), period)
        )
    return said + hear(hum, noise(random, 4800, 20))


def empty(folder):
    """Remove what is in a folder, which stays."""
    for entry in list(os.ilistdir(folder)):
        inner = folder + "/" + entry[0]
        if entry[1] & 0x4000:
            empty(inner)
            os.rmdir(inner)
        else:
            os.remove(inner)


def make(root):
    """Fill every board below root; beside its files lies known.json."""
    for name in BOARDS:
        os.mkdir(root + name)
        path = root + name + "/"
        logged = BOARDS[name](path)
        hum = logged.hum
        hum.journal.read(0, 1040)
        config = dict(hum.config)  # all of it: a new default changes nothing of what is compared
        if config["head"]:
            config["head"] = "head.nhh"  # `started` says where it lies
        with open(path + "nearhum.json", "w") as f:
            json.dump(config, f)
        told = known(started(copied(path, root + name + ".copy/")))
        told["scores"], told["events"] = logged.scores, logged.events
        with open(path + "known.json", "w") as f:
            json.dump(told, f)


def started(root):
    """Return the pipeline of a filled board, on the settings it was filled with."""
    with open(root + "nearhum.json") as f:
        config = json.load(f)
    if config.get("head", "/")[:1] not in ("", "/"):
        # its path is from the root of the board's file system
        config["head"] = root + config["head"]
    return pipeline(config.pop("kind"), root, **config)


def copied(source, root):
    """Copy a board's files to root, made here. Returns root."""
    os.mkdir(root[:-1])
    for entry in list(os.ilistdir(source[:-1])):  # of a mounted folder it is asked one by one
        name = entry[0]
        if entry[1] & 0x4000:
            copied(source + name + "/", root + name + "/")
        else:
            with open(source + name, "rb") as f, open(root + name, "wb") as g:
                g.write(f.read())
    return root
