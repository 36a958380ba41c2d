"""Look: the verbs `look` and `raw`, which show a host the last window and the newest samples.

Enters: a command line's words. Leaves: a dict for the console's answer. Loaded when one of the
verbs is used, and released afterwards. They only read, so the detector goes on undisturbed.
"""

from binascii import b2a_base64

from nearhum.errors import whole_number

_NAMES = 40  # names of features in one answer: bounds the heap that an answer needs
_MOST = 2048  # bytes of samples in one answer, for the same reason


def look(hum, words):
    """look [names FROM]

    Without `names`, return the last window's embedding and what it is compared with, as base64:
    the embedding and the mean of each mode, int8, and the variance that the modes share, int32
    in Q12. With `names`, return the names of up to 40 features from FROM on. Without a head
    these are the names of the embedding's dimensions.
    """
    plan, p, x = hum.plan, hum.detector.prototypes, hum.embedding
    if words:
        first = whole_number(words[-1])
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

    Return samples from frame FROM on, or else from the oldest that are still in memory: int16,
    channel after channel, in base64. Frames are numbered from the start of the board. Lost
    frames are not counted.
    """
    w = hum.window
    n = w.n_window
    have = n - w.missing
    first = hum.n_windows * w.n_hop  # the number of the window's first frame
    # If windows do not overlap, the previous window's samples stay readable until new samples
    # replace them.
    oldest = -w.missing if w.n_hop == n and hum.n_windows else 0
    at = min(max(whole_number(words[0]) - first, oldest), have) if words else have
    start = at % n
    end = min(n if at < 0 else have, start + _MOST // (2 * w.n_channels))
    return {
        "from": first + at,
        "n": end - start,
        "b64": base64(b"".join([bytes(r[start:end]) for r in w.rows])),
    }


def base64(raw):
    """Return bytes as base64 text, without the newline."""
    return b2a_base64(raw)[:-1].decode()


# The verbs of this module: function, and help text, which begins with the words that may follow.
VERBS = {
    "look": (look, "[names FROM]: the last window compared with normal"),
    "raw": (raw, "[FROM]: the newest samples"),
}
