"""Doubts: how far what was learned can be trusted, in numbers and in words.

Enters: a detector. Leaves: what `status`, the log and the report say about it. Loaded only when one
of them asks.
"""

TIME_PERCENT = 1  # A sound machine is in alarm for at most this share of the time, as promised.
FEW = 8  # With fewer independent scores a threshold is a guess: warn.
SHOWN = 3  # most constant dimensions that are named


def trusted(detector):
    """Return (number of independent scores, octaves in Q8) behind the threshold.

    The octaves say by how much a false alarm is to be rarer than the scores can show. Both are of
    the worst view.
    """
    n, beyond = detector.independent, detector.beyond_q8
    for view in detector.views:
        n = min(n, view.detector.independent)
        beyond = max(beyond, view.detector.beyond_q8)
    return n, beyond


def interval(detector, stated):
    """Return how far the threshold can be trusted, as fields of a record.

    stated: the setting alarms_per_day. independent: independent scores that set the threshold.
    alarms_per_day and alarm_percent (of the time) are pairs: what is promised, and the most that
    the scores cannot rule out. They are None if nothing was scored.
    """
    n, beyond = trusted(detector)
    if not n:
        return {"independent": 0, "alarms_per_day": None, "alarm_percent": None}
    most = stated * (1 << (beyond >> 8)) * (256 + (beyond & 255)) / 256
    return {
        "independent": n,
        "alarms_per_day": [stated, most],
        "alarm_percent": [TIME_PERCENT, percent_at_most(n)],
    }


def percent_at_most(n):
    """Return the largest share of the time in alarm that n scores cannot rule out, in percent.

    n: independent scores, none of them over the threshold. With a confidence of 95 % the share is
    at most 3 / n (Hanley, Lippman-Hand, JAMA 249 (1983), 1743).
    """
    return max(TIME_PERCENT, min(100, 3000 // max(1, n) / 10))


def unreachable(detector):
    """Return True if no window can reach the threshold. Allocates."""
    p = detector.prototypes
    if detector.ranges or not p.n:
        return False  # Values out of range count however far they are.
    mean = p.mean_of(0)
    far = bytearray(p.n_dims)
    for i in range(p.n_dims):
        far[i] = 127 if mean[i] > 127 else 128
    return p.score_one(far) <= detector.threshold


def said(detector, name, hop_s):
    """Return the most serious doubt as a text, or "".

    name: function that returns the name of a dimension. hop_s: seconds from one window to the next.
    """
    p = detector.prototypes
    several = sum(p.counts) > 1
    if several and not any(p.variance):
        return "what was learned never varied"
    if detector.out_of_reach:
        return "no signal can reach the threshold: learn again, while all is quiet"
    n, beyond = trusted(detector)
    if n < FEW:
        tied = max([one.tied for one in [detector] + [view.detector for view in detector.views]])
        wanted = FEW * tied * 3 // 2
        text = "%d independent scores set the threshold, which may be off by a factor of %s"
        text += " (in alarm for up to %d %% of the time): learn %d windows, %d s, at least"
        octaves = beyond + 128 >> 8
        factor = 1 << octaves if octaves < 10 else "more than 1000"
        return text % (n, factor, percent_at_most(n), wanted, wanted * hop_s)
    constant = [i for i in range(p.n_dims) if several and not p.variance[i]][:SHOWN]
    names = ", ".join([name(i) for i in constant])
    return names + " never varied while it was learned" if names else ""
