"""Taught: the verbs by which a user changes what was learned.

Enters: a pipeline and the words of a command. Leaves: a dict for the answer. Each verb first keeps
a snapshot, and afterwards saves and journals. A verb that raises CommandError has changed nothing.
Loaded for a command, and released afterwards.
"""

from binascii import crc32

from nearhum.errors import CommandError, whole
from nearhum.guard.guard import MAX_VETOES
from nearhum.recognition.labels import check_name
from nearhum.storage.snapshots import Snapshots
from nearhum.wire import STATE_NAMES


def forget(hum, words):
    """forget LABEL"""
    if not words:
        raise CommandError("no label", "forget LABEL; `list` shows the labels")
    learned, r, label = hum.learned, hum.recogniser, words[0]
    label_id = r.ids[r.index(label)]
    learned.snapshot("forget " + label)
    r.forget(label)
    _renew(hum, label_id)
    if learned.enrol_label == label:
        learned.enrol_left = 0
    learned.changed("forgotten", label=label)
    return {"label": label}


def relabel(hum, words):
    """relabel OLD NEW: pending examples of the old label are dropped."""
    if len(words) != 2:
        raise CommandError("relabel takes two names", "relabel OLD NEW; `list` shows the labels")
    old, new = words
    r = hum.recogniser
    r.check_rename(old, new)
    hum.guard.permit(new)
    hum.learned.snapshot("relabel %s %s" % (old, new))
    was = r.ids[r.index(old)]
    label_id = r.rename(old, new)
    _renew(hum, was)
    hum.learned.changed("relabelled", label=new, id=label_id, was=old)
    return {"label": new, "was": old}


def _renew(hum, label_id):
    hum.learned.notes = {}
    hum.guard.renew(label_id)
    hum.learned.drop(label_id)


def rollback(hum, words):
    """rollback [N]: restore snapshot N, and keep the present state as a snapshot too.

    Without N it restores the newest snapshot that differs from the present state.
    """
    learned, store = hum.learned, hum.store
    number = whole(words[0]) if words else 0
    if not number:
        known = Snapshots(store).all()
        present = crc32(learned.pack())
        while known and known[-1]["crc"] == present:
            known.pop()
        if not known:
            raise CommandError("nothing to roll back to", "a snapshot is made before every change")
        number = known[-1]["number"]
    body = Snapshots(store).body_of(number)
    learned.snapshot("rollback %d" % number)
    learned.unpack(body)
    learned.changed("rollback", to=number)
    return {"to": number, "state": STATE_NAMES[hum.detector.state]}


def trust(hum, words):
    """trust: approve the sensor, and the present place of all prototypes."""
    hum.learned.snapshot("trust")
    hum.guard.trust()
    hum.health.well()
    hum.guard.renew()
    if hum.detector.drift:
        hum.detector.drift.trust()
    hum.learned.changed("trusted")
    return {"faults": hum.guard.faults}


def veto(hum, words):
    """veto LABEL [off]"""
    learned, vetoed, off = hum.learned, hum.guard.vetoed, words[1:] == ["off"]
    label = words[0] if words else ""
    check_name(label)
    if words[1:] and not off or off != (label in vetoed) or not off and len(vetoed) == MAX_VETOES:
        raise CommandError(
            "vetoed are: " + ", ".join(vetoed), "veto LABEL [off], %d at most" % MAX_VETOES
        )
    learned.snapshot("veto " + " ".join(words))
    if off:
        vetoed.remove(label)
    else:
        vetoed.append(label)
        if learned.enrol_label == label:
            learned.enrol_left = 0
    learned.changed("veto", label=label, off=off)
    return {"vetoed": vetoed}


def accept(hum, words):
    """accept ID"""
    return hum.learned.quarantine().accept(whole(words[0]) if words else 0)


def reject(hum, words):
    """reject ID"""
    return hum.learned.quarantine().reject(whole(words[0]) if words else 0)


def reset(hum, words):
    """reset learned | factory | log | all"""
    what = words[0] if words else ""
    if what not in ("learned", "factory", "log", "all"):
        raise CommandError("reset %r" % what[:40], "reset learned, factory, log or all")
    if what != "log":
        hum.learned.snapshot("reset " + what)
        if hum.features.ranges:
            hum.features.ranges.forget()
        hum.detector.forget()
        hum.recogniser.clear()
        hum.guard.vetoed = []
        hum.guard.renew()
        hum.learned.drop(0)
        hum.learned.afresh()
        if what == "factory":
            hum.learned.as_deployed()
    if what in ("log", "all"):
        hum.journal.clear()
    hum.learned.changed("reset", what=what)
    return {"what": what}


# The verbs of this module: function, and help text, which begins with the words that may follow.
VERBS = {
    "forget": (forget, "LABEL"),
    "relabel": (relabel, "OLD NEW: another name for a label"),
    "rollback": (rollback, "[N]: undo the last change, or all since snapshot N"),
    "trust": (trust, "all is right: budgets start anew"),
    "veto": (veto, "LABEL [off]: never announce or learn it"),
    "accept": (accept, "ID: learn a pending example"),
    "reject": (reject, "ID: drop it"),
    "reset": (reset, "learned | factory | log | all"),
}
