"""Test that this firmware boots boards filled by the firmware of every earlier format.

On the unix port, everything that was kept (tests/vectors/formats) is compared. A board's heap has
room for the shortest of each format only.
"""

import json
import os

from fakes import reset
from filled import copied, known, started
from harness import ON_HOST, TESTS, Skip, between, done, equal, named, scratch
from nearhum.storage.scores import KINDS, unpack_scores
from nearhum.wire import BOOT, EVENT, FORMAT, STATE_MAGIC, record_bytes, unpack_record

FORMATS = TESTS + "/vectors/formats/"
READ, KEPT = "given", "taught"  # the shortest


def boards():
    """Return [(format, path of a board)] of all that were kept."""
    try:
        kept = sorted([name for name in os.listdir(FORMATS) if name[0] == "v"])
    except OSError:
        return []
    return [
        (name, FORMATS + name + "/" + board)
        for name in kept
        for board in sorted(os.listdir(FORMATS + name))
    ]


# defaults of format 2, which its states were learned with
OLD = {
    "telemetry": {
        "aside": "", "n_range": 40, "n_modes": 8, "alarms_per_day": 1, "release": 90, "fade": 512,
        "drift_windows": 200,
    },
    "vibration": {"slow": 0, "n_bands": 12, "smooth": 128},
}  # fmt: skip


def as_learned(root):
    """Set back the defaults that have changed since format 2: a state of other features is kept
    aside, and loaded when the settings are those it was learned with.
    """
    with open(root + "nearhum.json") as f:
        config = json.load(f)
    for name, value in OLD.get(config["kind"], {}).items():
        config[name] = config.get(name, value)
    with open(root + "nearhum.json", "w") as f:
        json.dump(config, f)


def records(journal):
    """All records as a pull gets them: [(kind, seq, payload)]."""
    out, seq = [], 0
    while True:
        _, after, raw = journal.read(seq, 1040)
        at = 0
        while at < len(raw):
            n = record_bytes(raw, at, len(raw))
            kind, number, _, payload = unpack_record(raw, at, n)
            out.append((kind, number, payload))
            at += n
        if not raw:
            return out
        seq = after


def is_read(path):
    """A board that was filled by another firmware knows all it knew, scores as it did, and its
    log goes on.
    """
    reset()  # a board holds the code of one kind
    root = copied(path + "/", scratch() + "board/")
    as_learned(root)
    hum = started(root)
    with open(path + "/known.json") as f:
        told = json.load(f)
    equal(hum.store.refused, [])
    found = records(hum.journal)
    equal([seq for _, seq, _ in found], list(range(len(found))))
    told_scores, told_events = told.pop("scores"), told.pop("events")
    n, n_boots = 0, 0
    for kind, _, payload in found:
        if kind in KINDS:
            first, threshold, state, scores, labels = unpack_scores(kind, payload)
            for i in range(len(scores)):
                row = [first + i, scores[i], threshold, state, labels[i] if labels else 0]
                equal(row, told_scores[n])
                n += 1
        elif kind == BOOT:
            n_boots = json.loads(payload)["boot"]
    equal(n, len(told_scores))
    events = [json.loads(payload)["event"] for kind, _, payload in found if kind == EVENT]
    equal([event for event in events if event not in ("start", "prior")], told_events)
    equal(events[-1], "start")
    now = known(hum)
    equal(now["status"].pop("seq") >= len(found), True)
    told["status"].pop("seq")
    equal(n_boots, now["status"]["boot"])
    if hum.detector.ranges:
        # format 2 did not count how far a window is out of its range: scores ended there
        probe, before = now.pop("probe"), told.pop("probe")
        for i in range(len(probe)):
            equal(probe[i][0] >= before[i][0] and probe[i][1] == before[i][1], True, i)
    for name in sorted(told):
        equal(now[name], told[name], name)
    # and what it saves from now on is of this format
    hum.learned.save()
    hum.learned.detector.threshold -= 1
    hum.learned.save()
    with open(hum.store.path(), "rb") as f:
        equal(f.read(4), STATE_MAGIC)
    again = started(root)
    equal((again.store.refused, again.learned.pack() == hum.learned.pack()), ([], True))


def is_kept(path):
    """A board filled by the firmware after this one is refused with a message, and nothing of
    it is overwritten.
    """
    reset()  # a board holds the code of one kind
    root = copied(path + "/", scratch() + "board/")
    images = {}
    for name in os.listdir(root + "hum"):
        if name.startswith("state."):
            with open(root + "hum/" + name, "r+b") as f:
                image = f.read()
                images[name] = image[:3] + bytes([STATE_MAGIC[3] + 1]) + image[4:]
                f.seek(0)
                f.write(images[name])
    hum = started(root)
    equal(len(hum.store.refused), len(images))
    for word in ("version", "later firmware", "update"):
        equal(word in hum.learned.warning(), True, hum.learned.warning())
    seq = hum.journal.seq
    events = [json.loads(payload) for kind, _, payload in records(hum.journal) if kind == EVENT]
    equal(len([event for event in events if event["event"] == "refused"]) >= 1, True)
    for threshold in (1, 2, 3):
        hum.detector.threshold = threshold
        hum.learned.save()
    with open(root + "hum/state.kept", "rb") as f:
        equal(f.read() in images.values(), True)
    between(hum.journal.seq, seq, seq + 2)


def present():
    """The format that this firmware writes has golden files too: who changes it makes them, and
    a new number.
    """
    if not FOUND:
        raise Skip("no golden files on this target")
    equal("v%d" % FORMAT in [name for name, _ in FOUND], True)


FOUND = boards()
named("the_present_format_is_kept", present)
for _name, _path in FOUND:
    _board = _path.rpartition("/")[2]
    if ON_HOST or _board == READ:
        named("%s_%s_is_read" % (_name, _board), is_read, _path)
    if _board != "given" and (ON_HOST or _board == KEPT):  # it has a prior for where no state is
        named("%s_%s_of_a_later_format_is_kept" % (_name, _board), is_kept, _path)
done()
