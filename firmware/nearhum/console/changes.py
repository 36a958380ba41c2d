"""Changes: the verbs that change what is learned next, and the verb that sets the time.

Enters: a pipeline and the words of a command. Leaves: a dict for the answer. A verb that raises
CommandError has changed nothing. A verb that changes what was learned first keeps a snapshot, and
afterwards saves and journals. The board seldom gets such a command, so this module is loaded for it
and released afterwards. A verb loads no more than it needs, because the sensor waits meanwhile.
"""

from micropython import const
from nearhum import board
from nearhum.errors import CommandError, whole
from nearhum.wire import LEARN, LEARN_WINDOWS, STATE_NAMES, WATCH

# Bytes: the most heap that a command takes (`set`, measured by tests/size.py), without the packed
# state that is saved.
_BESIDE_STATE = const(18432)
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def learn(hum, words):
    """learn [WINDOWS | 10m | 24h | stable [24h] | stop | pause | resume] [as MODE]"""
    cause = "learn " + " ".join(words)
    stable = words[:1] == ["stable"]
    if stable:
        words[:1] = ["24h"] if words[1:2] in ([], ["as"]) else []
    if words and words[0] == "stop":
        return watch(hum, [])
    if words and words[0] in ("pause", "resume"):
        return _pause(hum, words[0] == "pause")
    mode = " ".join(words[2:]) if len(words) > 1 else None
    if mode is not None:
        _check_mode(hum, words[1], mode)
    n = windows(words[0], hum.config) if words else hum.config["learn_windows"]
    low, high = LEARN_WINDOWS
    if hum.features.ranges and not mode:
        low = max(low, 2 * hum.config["n_range"])  # The range of slow channels is learned first.
    low = max(low, 2 * hum.n_settling)
    if not low <= n <= high:
        raise CommandError("a learning period of %d windows" % n, "%d to %d windows" % (low, high))
    hum.guard.trust()
    hum.health.well()
    hum.learned.snapshot(cause)
    if stable:
        from nearhum.detection.calibration import ENOUGH  # It never ends with fewer scores.

        hum.learned.start(min(n, max(low, ENOUGH, hum.config["learn_windows"])), mode, n)
    else:
        hum.learned.start(n, mode)
    return {
        "windows": n,
        "seconds": n * hum.config["n_hop"] / hum.config["rate_hz"],
        "mode": mode,
    }


def _pause(hum, pause):
    d = hum.detector
    if d.state != LEARN:
        raise CommandError("no learning period runs", "`learn` begins one")
    d.paused = pause
    hum.learned.changed("state", state=STATE_NAMES[LEARN], paused=pause)
    return {"paused": pause, "learn_left": d.learn_left}


def _check_mode(hum, word, mode):
    if word != "as":
        raise CommandError(
            "learn ... %r" % word[:40], "learn LENGTH as MODE adds a mode to what is normal"
        )
    hum.guard.permit(mode)
    if hum.detector.state != WATCH:
        raise CommandError(
            "nothing is normal yet to add a mode to", "`learn`, and wait for its end"
        )


def watch(hum, words):
    """watch"""
    if not hum.detector.prototypes.counts:
        raise CommandError("nothing was learned yet", "`learn` first")
    hum.learned.finish()
    return {"state": STATE_NAMES[hum.detector.state], "threshold": hum.detector.threshold}


def enrol(hum, words):
    """enrol LABEL [N]"""
    if not words:
        raise CommandError("no label", "enrol LABEL [N]")
    n = whole(words[1]) if len(words) > 1 else 1
    if not 1 <= n <= 10:
        raise CommandError("%d examples" % n, "1 to 10 at a time")
    hum.guard.permit(words[0])
    if hum.features.ranges and not hum.features.ranges.known:
        raise CommandError("the range of the channels is not known yet", "`learn` first")
    hum.recogniser.check_room(words[0], n)
    free, needed = board.heap_free(), _BESIDE_STATE + len(hum.learned.pack())
    if free < needed:
        raise CommandError(
            "%d bytes of heap are free, and saving another example may take %d" % (free, needed),
            "forget a label",
        )
    hum.learned.snapshot("enrol " + words[0])
    hum.learned.enrol_label, hum.learned.enrol_left = words[0], n
    return {"label": words[0], "windows": n}


def time(hum, words):
    """time SECONDS"""
    word = words[0] if words else ""
    if not word.isdigit() or not 9 <= len(word) <= 10:
        raise CommandError("time %r" % word[:40], "time SECONDS, since 1970, UTC")
    epoch_s = int(word) - hum.clock.seconds
    if abs(epoch_s - hum.journal.epoch_s) > 1:  # A host that polls may send the time often.
        hum.journal.epoch_s = epoch_s
        hum.journal.event("time", utc=int(word), window=hum.n_windows)
    return {"utc": int(word)}


def windows(word, settings):
    """Return the number of windows in a learning period.

    word: windows as `400`, or a time as `30s`, `10m`, `24h`, `2d`. settings: complete. Raises
    CommandError if it is no number.
    """
    if word[-1:] in _SECONDS:
        seconds = whole(word[:-1]) * _SECONDS[word[-1]]
        return int(seconds * settings["rate_hz"] / settings["n_hop"])
    return whole(word)


# The verbs of this module: function, and help text, which begins with the words that may follow.
VERBS = {
    "learn": (
        learn,
        "[WINDOWS | 24h | stable [24h] | stop | pause | resume] [as MODE]: learn normal",
    ),
    "watch": (watch, "end the learning period and watch"),
    "enrol": (enrol, "LABEL [N]: the next N windows, or words, are examples of LABEL"),
    "time": (time, "SECONDS: since 1970, UTC"),
}
