"""Taught: what a user changes of what was learned, by a command. Loaded for that (changes.py), and let go of after it.

Enters: a pipeline whose learned.snapshot holds what was before. Leaves: the change, saved and journalled.
"""

from binascii import crc32

from nearhum.errors import CommandError


def unlearn(hum, label):
    """Forget a label, its examples, and what was pending for it."""
    learned, r = hum.learned, hum.recogniser
    label_id = r.ids[r.labels.index(label)]
    r.forget(label)
    _renew(hum, label_id)
    if learned.enrol_label == label:
        learned.enrol_left = 0
    learned.changed("forgotten", label=label)


def relabel(hum, old, new):
    """Give a label another name, and with it a new id: what was pending for the old one is dropped."""
    r = hum.recogniser
    was = r.ids[r.index(old)]
    label_id = r.rename(old, new)
    _renew(hum, was)
    hum.learned.changed("relabelled", label=new, id=label_id, was=old)


def _renew(hum, label_id):
    hum.learned.notes = {}
    hum.guard.renew(label_id)
    hum.learned.drop(label_id)


def veto(hum, label, off):
    """Put a label on the guard's block list, or take it off."""
    learned = hum.learned
    if off:
        hum.guard.vetoed.remove(label)
    else:
        hum.guard.vetoed.append(label)
        if learned.enrol_label == label:
            learned.enrol_left = 0
    learned.changed("veto", label=label, off=off)


def trust(hum):
    """Take the user's word that all is right as it is: the sensor, and where the prototypes are."""
    hum.guard.trust()
    hum.health.well()
    hum.guard.renew()
    if hum.detector.drift:
        hum.detector.drift.trust()
    hum.learned.changed("trusted")


def forget(hum):
    """Forget everything learned and enrolled."""
    if hum.features.ranges:
        hum.features.ranges.forget()
    hum.detector.forget()
    hum.recogniser.clear()
    hum.guard.vetoed = []
    hum.guard.renew()
    hum.learned.drop(0)
    hum.learned.afresh()


def rollback(hum, number=0):
    """Put a snapshot in the place of the present state, which is kept as one too. Returns its number.

    number: 0 for the youngest that differs from the present state: what undoes the last change.
    """
    learned, store = hum.learned, hum.store
    if not number:
        known = store.snapshots()
        present = crc32(learned.pack())
        while known and known[-1]["crc"] == present:
            known.pop()
        if not known:
            raise CommandError("nothing to roll back to", "a snapshot is made before every change")
        number = known[-1]["number"]
    body = store.body_of(number)
    learned.snapshot("rollback %d" % number)
    learned.unpack(body)
    learned.changed("rollback", to=number)
    return number
