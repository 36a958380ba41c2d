"""The label of most of the last windows, in viper for any board.

Rules of kernels/viper.py. Loaded where a setting asks for more than one window a label.
"""

import micropython


@micropython.viper
def most(ring: ptr8, counts: ptr8, heard: int, m_n: int) -> int:
    """Move the ring of the last n labels on by one; return the label of m of them, 0 for none.

    counts: of each label in the ring. m_n: m << 8 | n. Of two such labels the one with more
    windows, of two with as many the one that came last.
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
