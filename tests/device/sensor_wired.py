"""Test the sensor of this board, wired as in its board file: it opens, keeps its rate, and is
alive.

The test is skipped on the unix port, and on a board whose recording is missing.
"""

import time
from array import array

from harness import ON_HOST, Skip, between, done, equal, test

SECONDS = 2


def opened():
    if ON_HOST:
        raise Skip("a board with a sensor")
    from nearhum import board, config
    from nearhum.errors import ConfigError, SourceError
    from nearhum.storage import deployed

    try:
        settings = deployed.load_config("/")
    except ConfigError:
        raise Skip("a deployed board: there is no /nearhum.json")
    try:
        return board.open_source(settings), settings, config.frame_values(settings)
    except SourceError as e:
        if settings["source"]["driver"] == "replay":
            raise Skip("a sensor: the source is a recording, and there is none")
        raise AssertionError("%s %s" % (e.message, e.hint))


@test
def it_samples_at_its_rate_and_lives():
    source, settings, n_values = opened()
    from nearhum.sources import END, GAP

    block = array("h", bytes(2 * n_values * 256))
    low, high = [32767] * n_values, [-32768] * n_values
    n_frames = n_gaps = 0
    while source.read_into(block) > 0:  # what has waited since it was opened
        pass
    began = time.ticks_ms()
    while time.ticks_diff(time.ticks_ms(), began) < 1000 * SECONDS:
        n = source.read_into(block)
        if n == END:
            break
        if n == GAP:
            n_gaps += 1
        for i in range(n if n > 0 else 0):
            for c in range(n_values):
                v = block[i * n_values + c]
                if v < low[c]:
                    low[c] = v
                if v > high[c]:
                    high[c] = v
        n_frames += n if n > 0 else 0
        time.sleep_ms(1)
    elapsed = time.ticks_diff(time.ticks_ms(), began)
    source.close()
    print("# %d frames in %d ms, %d gaps; low %s, high %s" % (n_frames, elapsed, n_gaps, low, high))
    wanted = settings["rate_hz"] * elapsed / 1000
    between(n_frames, int(0.95 * wanted) - 2, int(1.05 * wanted) + 2, "frames in %d ms" % elapsed)
    equal(n_gaps, 0, "gaps")
    for c in range(n_values):
        if low[c] == high[c]:
            raise AssertionError("channel %d stands still at %d: is it wired?" % (c, low[c]))


done()
