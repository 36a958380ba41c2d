"""The label that most of the last windows have, for any board.

Enters: the label of each window. Leaves: the label to announce. The rules of kernels/viper.py hold.
Loaded only if label_n is more than 1.
"""

import micropython


@micropython.viper
def most(ring: ptr8, counts: ptr8, heard: int, m_n: int) -> int:
    """Add a label to the ring of the last n, and return the label that m of them have, 0 for none.

    ring: uint8 (n,), newest first. counts: uint8 (256,), how often each label is in the ring.
    heard: the new label. m_n: m << 8 | n. If two labels qualify, the one with more windows wins, or
    with equal numbers the one that came last.
    """
    n = m_n & 255
    i = n - 1
    last = int(ring[i])
    if int(counts[last]) > 0:
        counts[last] = int(counts[last]) - 1
    while i > 0:
        ring[i] = ring[i - 1]
        i -= 1
    ring[0] = heard
    counts[heard] = int(counts[heard]) + 1
    best = 0
    most = (m_n >> 8) - 1
    while i < n:
        label = int(ring[i])
        if label > 0 and int(counts[label]) > most:
            best = label
            most = int(counts[label])
        i += 1
    return best
