"""Told: the verbs that show something and change nothing.

Enters: a pipeline and the words of a command. Leaves: a dict for the answer. Loaded for a command,
and released afterwards.
"""

import gc

import nearhum
from nearhum import __version__, board
from nearhum.detection.doubts import TIME_PERCENT, interval
from nearhum.errors import CommandError
from nearhum.guard.plausible import doubts
from nearhum.lifetime import let_go
from nearhum.storage.snapshots import Snapshots
from nearhum.wire import NO_SCORE, STATE_NAMES

LONG_S = 864  # seconds, 1 % of a day: a sound machine is not in alarm for longer


def status(hum, words):
    """status"""
    detector = hum.detector
    p = detector.prototypes
    longest, hum.clock.longest_ms = hum.clock.longest_ms, 0
    erased = hum.journal.erased + hum.store.erased
    gc.collect()
    native = board.native_free()
    alarm_s = stands_s(hum)
    percent = 100 * hum.in_alarm() / max(1, hum.n_windows - hum.watched_from)
    trusted = interval(detector, hum.config["alarms_per_day"])
    return {
        "version": __version__,
        "folder": nearhum.folder or "/",
        "board": hum.config["board"],
        "id": board.chip(),
        "kind": hum.config["kind"],
        "path": hum.config["path"],
        "state": STATE_NAMES[detector.state],
        "n_learned": sum(p.counts),
        "learn_left": detector.learn_left,
        "learn_total": detector.learn_total,
        "paused": detector.paused,
        "learn_most": detector.most,
        "drift_left": detector.drift.budget_left if detector.drift else None,
        "score": None if hum.temporal.score == NO_SCORE else hum.temporal.score,
        "threshold": detector.threshold if p.counts else None,
        "independent": trusted["independent"],
        "alarms_per_day": trusted["alarms_per_day"],
        "alarm_percent": trusted["alarm_percent"],
        "alarm": hum.temporal.alarm,
        "alarm_s": alarm_s,
        "in_alarm_percent": round(percent, 1),
        "label": hum.label_name(),
        "mode": detector.mode(),
        "n_windows": hum.n_windows,
        "n_prototypes": p.n,
        "n_labels": len(hum.recogniser.ids),
        "enrolling": hum.learned.enrol_left,
        "state_bytes": len(hum.learned.pack()),
        "seq": hum.journal.seq,
        "synced_seq": hum.journal.synced_seq,
        "log_first": hum.journal.first_seq,
        "boot": hum.journal.boot,
        "uptime_s": hum.clock.seconds,
        "utc": hum.journal.epoch_s + hum.clock.seconds if hum.journal.epoch_s else None,
        "erased": erased,
        "flash_years": flash_years(hum.journal.n_blocks, erased, hum.clock.seconds),
        "mem_free": gc.mem_free(),
        "native_free": native,
        "source": hum.health.state(),
        "fault": hum.health.error,
        "faults": hum.guard.faults,
        "gaps": hum.gaps,
        "late": getattr(hum.source, "late", 0),
        "turn_ms": longest,
        "unsaved": hum.learned.unsaved,
        "warning": "; ".join(
            [
                text
                for text in (
                    of_long_alarm(alarm_s, hum.in_alarm() * hop_s(hum), percent),
                    hum.learned.warning(),
                    board.short_of(native),
                    doubts(hum),
                )
                if text
            ]
        ),
        "dropped": hum.console.dropped,
        "log_lost": hum.journal.n_lost,
    }


def help_(hum, words):
    """help: loads one module after the other, because they do not fit into memory together."""
    out = {}
    for module in sorted(set(nearhum.VERBS.values())):
        there = __import__("nearhum." + module, None, None, ("VERBS",)).VERBS
        out.update({name: there[name][1] for name in there})
        if module != "console.verbs":  # This one is always loaded.
            let_go((module,))
    return {"verbs": out}


def list_(hum, words):
    """list [snapshots | pending | set]: `set` lists the settings that wait for a restart."""
    if words == ["snapshots"]:
        return {"snapshots": Snapshots(hum.store).all()}
    if words == ["pending"]:
        # With teach off no near miss is kept, and the code may not be on the board.
        off = hum.config["teach"] == "off"
        return {"pending": [] if off else hum.learned.quarantine().told()}
    if words == ["set"]:
        from nearhum.storage import changed

        try:
            return {"set": changed.pending(hum.root, hum.config)}
        finally:
            let_go(("storage.changed",))
    if words:
        raise CommandError("list %r" % words[0][:40], "list [snapshots | pending | set]")
    out = []
    for p, ids in ((hum.detector.prototypes, None), (hum.recogniser, hum.recogniser.ids)):
        for j in range(len(p.labels)):
            row = {"label": p.labels[j], "count": p.counts[j], "id": ids[j] if ids else 0}
            if ids:
                row.update(hum.learned.notes.get(p.labels[j], {}))
            out.append(row)
    return {"prototypes": out, "vetoed": hum.guard.vetoed}


def stands_s(hum):
    """Return how long the present alarm has lasted, in seconds, 0 without an alarm."""
    if not hum.told_alarm:
        return 0
    return int((hum.n_windows - hum.alarm_at) * hop_s(hum))


def hop_s(hum):
    """Return the seconds from one window to the next."""
    return hum.config["n_hop"] / hum.config["rate_hz"]


def of_long_alarm(seconds, in_all_s, percent):
    """Return advice about alarms that last too long, or "".

    seconds: age of the present alarm. in_all_s: duration of all alarms together. percent: of the
    time watched that this is. Too long is one alarm of more than LONG_S, or alarms of more than
    that in all which exceed TIME_PERCENT.
    """
    if seconds > LONG_S:
        text = "in alarm for %d minutes" % (seconds // 60)
    elif in_all_s > LONG_S and percent > TIME_PERCENT:
        text = "in alarm for %.1f %% of the time, %d %% was promised" % (percent, TIME_PERCENT)
    else:
        return ""
    return text + (
        ": where the machine is sound, and runs like this now, "
        "`learn LENGTH as MODE` adds it to what is normal"
    )


def flash_years(n_blocks, erased, seconds):
    """Return the years that a flash of n_blocks will last.

    erased: blocks erased in `seconds` (at least an hour is assumed). A NOR block survives 100,000
    erases. LittleFS levels them, but not evenly: the busiest block gets three times the average
    (tests/wear.py). Its own bookkeeping, with the notes of how far log and state have come, takes
    15 % more. A year has 31,536,000 s, and 31,536,000 * 3 * 1.15 = 108,799,200.
    """
    return 100000 * n_blocks * max(seconds, 3600) // ((1 + erased) * 108799200)


# The verbs of this module: function, and help text, which begins with the words that may follow.
VERBS = {
    "help": (help_, "this"),
    "status": (status, "what it is doing"),
    "list": (
        list_,
        "[snapshots | pending | set]: what was learned; may be put back; waits; was set",
    ),
}
