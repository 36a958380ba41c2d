"""Look: what a host wants to draw or to gather: the last window beside what is normal, and the
newest samples.

Loaded when asked, and let go of afterwards; nothing waits and nothing is kept, so the detector goes
on as it was.
"""

from binascii import b2a_base64

from nearhum.errors import whole

_NAMES = 40  # in one answer
_MOST = 2048  # bytes of samples in one answer


def look(hum, words):
    """look [names FROM]

    Vectors are base64: the embedding and the means of all modes int8, their common variance
    int32 in Q12. Without a head an embedding is the features, whose names come in parts.
    """
    plan, p, x = hum.plan, hum.detector.prototypes, hum.embedding
    if words:
        first = whole(words[-1])
        last = min(first + _NAMES, plan.n_features)
        return {"of": plan.n_features, "names": [plan.name(i) for i in range(first, last)]}
    mode = p.nearest() if x and p.n else None
    return {
        "window": hum.n_windows - 1,
        "embedding": base64(x or b""),
        "variance": base64(p.variance),
        "means": [base64(p.mean_of(j)) for j in range(p.n)],
        "mode": mode,
        "strangest": [] if mode is None else hum.strangest(),
    }


def raw(hum, words):
    """raw [FROM]

    Samples from frame FROM on, or from the oldest that are still here: int16, channel after
    channel, base64. Frames count from the start of the board; where some were lost, those after
    them take their numbers over.
    """
    w = hum.window
    n = w.n_window
    have = n - w.missing
    first = hum.n_windows * w.n_hop  # the number of the window's first frame
    # a window that does not overlap the last one leaves those of its samples there that it has
    # not replaced yet
    oldest = -w.missing if w.n_hop == n and hum.n_windows else 0
    at = min(max(whole(words[0]) - first, oldest), have) if words else have
    start = at % n
    end = min(n if at < 0 else have, start + _MOST // (2 * w.n_channels))
    return {
        "from": first + at,
        "n": end - start,
        "b64": base64(b"".join([bytes(r[start:end]) for r in w.rows])),
    }


def base64(raw):
    """Return raw bytes as base64 text."""
    return b2a_base64(raw)[:-1].decode()


# Each verb here: its function, and what it is for after its words.
VERBS = {
    "look": (look, "[names FROM]: the last window beside normal"),
    "raw": (raw, "[FROM]: samples"),
}
