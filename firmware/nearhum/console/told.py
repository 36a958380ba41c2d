"""Told: the verbs that say how things are, and change nothing. Loaded when one of them is asked."""

import gc

import nearhum
from nearhum import __version__, board
from nearhum.detection.doubts import TIME_PERCENT, interval
from nearhum.errors import CommandError
from nearhum.lifetime import let_go
from nearhum.storage.snapshots import Snapshots
from nearhum.wire import NO_SCORE, STATE_NAMES

LONG_S = 864  # a hundredth of a day: no sound machine is in alarm for longer


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
    furthest, used = detector.drift.furthest() if detector.drift else (0, 0)
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
        "drift_left": 100 - used if detector.drift else None,
        "drift_of": hum.name(furthest) if used else None,
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
                    of_drift(used, hum.name(furthest)),
                    hum.learned.warning(),
                    board.short_of(native),
                )
                if text
            ]
        ),
        "dropped": hum.console.dropped,
        "log_lost": hum.journal.n_lost,
    }


def help_(hum, words):
    """help: of each module, one after the other; they are not in memory together"""
    out = {}
    for module in sorted(set(nearhum.VERBS.values())):
        there = __import__("nearhum." + module, None, None, ("VERBS",)).VERBS
        out.update({name: there[name][1] for name in there})
        if module != "console.verbs":  # which stays
            let_go((module,))
    return {"verbs": out}


def list_(hum, words):
    """list [snapshots | pending | set]: set is the settings that wait for a restart"""
    if words == ["snapshots"]:
        return {"snapshots": Snapshots(hum.store).all()}
    if words == ["pending"]:
        # where near misses teach nothing, none waits
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
    """Return the seconds for which the present alarm has lasted, 0 without one."""
    if not hum.told_alarm:
        return 0
    return int((hum.n_windows - hum.alarm_at) * hop_s(hum))


def hop_s(hum):
    """Return the seconds from one window to the next."""
    return hum.config["n_hop"] / hum.config["rate_hz"]


def of_long_alarm(seconds, in_all_s, percent):
    """Return what to do about an alarm that has lasted longer than LONG_S, or about alarms that
    lasted longer in all, and for more of the time watched than was promised; "" for none.
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


def of_drift(used, name):
    """Return what to do where the drift budget of a feature is used up; "" where it is not."""
    if used < 100:
        return ""
    return (
        name + " used up its drift budget, and is not followed further: "
        "where the machine is sound, `trust` lets the budget start from here"
    )


def flash_years(n_blocks, erased, seconds):
    """Return the years that flash of n_blocks lasts, where `erased` were erased in so many seconds
    (at least an hour).

    A NOR block stands 100,000 erases. LittleFS levels them, but not evenly: the busiest block takes
    what a third of all blocks would take on average (tests/wear.py); and its own bookkeeping, with
    the notes of how far log and state have come, takes 15 % more.
    """
    return 100000 * n_blocks * max(seconds, 3600) // ((1 + erased) * 108799200)


# Each verb here: its function, and what it is for after its words.
VERBS = {
    "help": (help_, "this"),
    "status": (status, "what it is doing"),
    "list": (
        list_,
        "[snapshots | pending | set]: what was learned; may be put back; waits; was set",
    ),
}
