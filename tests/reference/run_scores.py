"""Runs under MicroPython: the loop of the evaluation, and every view's score of each window.

Arguments: as firmware_loop.py. Beside `windows` lies `scores` in each folder, a row a window as
rescored.ROW says.
"""

import struct
import sys

sys.path.insert(0, sys.argv[1])

from nearhum import pipeline  # noqa: E402
from nearhum.wire import LEARN, NO_SCORE  # noqa: E402


def followed(hum, path):
    """Write the scores of every window to path before it is journalled. Returns the file."""
    file, d, keep = open(path, "wb"), hum.detector, hum.keep_window  # noqa: SIM115
    own, of_prototypes, seen = d.first_score, d.prototypes.score_one, [NO_SCORE]

    def first_score(embedding, early=False):
        score = own(embedding, early)
        if not early:
            seen[0] = score
        return score

    def plain(embedding):  # While watching, a kind without drift calls the prototypes directly.
        score = of_prototypes(embedding)
        if d.state != LEARN:
            seen[0] = score
        return score

    def keep_window():
        other = d.views[0] if d.views else None
        file.write(
            struct.pack(
                "<hhBB",
                seen[0] if hum.embedding is not None else NO_SCORE,
                other.score if other else NO_SCORE,
                d.state == LEARN,
                d.dirt,
            )
        )
        keep()

    d.first_score, hum.keep_window = first_score, keep_window
    if not (d.drift or d.covariance or d.ranges):
        d.prototypes.score_one = plain
    return file


for root in sys.argv[2:]:
    hum = pipeline.Pipeline(root=root)
    file = followed(hum, root + "scores")
    n = hum.head.n_out
    with open(root + "windows", "wb") as windows:  # what a run is counted by
        windows.write(bytes([0, 0, 0, 0]))
        while hum.step():
            pass
        windows.write(bytes(hum.n_windows))
    hum.close()
    file.close()
print("MicroPython")
