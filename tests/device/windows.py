"""Test windows: complete at the right sample, hops, gaps, several channels."""

from array import array

from fakes import Played, pipeline
from harness import done, equal, test
from nearhum.features.window import CLIP, RECENT, RECENT_DEFECT, SATURATED, STUCK, Window, glance
from nearhum.sources import END, GAP


def pushed(window, values):
    """Push frames one after the other; return the rows of every full window."""
    block = array("h", values)
    n = len(values) // window.n_channels
    start, out = 0, []
    while start < n:
        start += window.push(block, start, n - start)
        if not window.missing:
            out.append([list(row) for row in window.rows])
            window.advance()
    return out


@test
def windows_without_overlap():
    equal(pushed(Window(1, 4, 4), range(10)), [[[0, 1, 2, 3]], [[4, 5, 6, 7]]])


@test
def windows_hop_by_one():
    equal(pushed(Window(1, 4, 1), range(6)), [[[0, 1, 2, 3]], [[1, 2, 3, 4]], [[2, 3, 4, 5]]])


@test
def channels_are_separated():
    equal(pushed(Window(2, 2, 1), [1, -1, 2, -2, 3, -3]), [[[1, 2], [-1, -2]], [[2, 3], [-2, -3]]])


@test
def blocks_of_any_size_give_the_same_windows():
    wanted = pushed(Window(1, 5, 2), range(40))
    for size in (1, 2, 3, 7, 40):
        window, found = Window(1, 5, 2), []
        for at in range(0, 40, size):
            found += pushed(window, list(range(at, min(40, at + size))))
        equal(found, wanted, size)


@test
def a_restart_drops_what_was_collected():
    window = Window(1, 4, 2)
    pushed(window, [1, 2, 3])
    window.restart()
    equal(pushed(window, [7, 8, 9, 10]), [[[7, 8, 9, 10]]])


@test
def no_window_spans_a_gap_in_the_pipeline():
    hum = pipeline("telemetry", n_window=4, n_hop=4, mean="scaled")
    seen = []
    hum.take_window = lambda: seen.append(list(hum.window.rows[0]))
    hum.keep_window = lambda: None
    Played.script = [
        array("h", [1, 2, 3]),
        GAP,
        array("h", [4, 5, 6, 7, 8, 9]),
        GAP,
        array("h", [10] * 4),
        END,
    ]
    while hum.step():
        pass
    equal(seen, [[4, 5, 6, 7], [10] * 4])
    equal(hum.health.state(), "end")


SHAPES = ((1, 2), (1, 5), (3, 16), (2, 33), (1, 64), (3, 100))


def seen(window):
    """Return what pipeline.take_window makes of a window: 0 at a glance, or a closer look."""
    found = glance(window.samples, window.look)
    return window.defect(found) if found else 0


def still(n_channels, n_window):
    """Return a window of which every row stands at a level of its own, none at an end of the
    range.
    """
    window = Window(n_channels, n_window, n_window)
    window.look[CLIP] = 32767
    for c, row in enumerate(window.rows):
        for i in range(n_window):
            row[i] = 1000 * c - 700
    return window


@test
def a_window_is_stuck_where_no_sample_of_a_row_differs():
    for shape in SHAPES:
        window = still(*shape)
        equal(seen(window), STUCK, shape)
        before = list(window.look)
        for i in range(len(window.samples)):
            window.samples[i] += 1
            equal(seen(window), 0, (shape, i))
            window.samples[i] -= 1
        equal((seen(window), list(window.look)), (STUCK, before), shape)


@test
def one_clipped_sample_is_no_saturation_and_every_second_is():
    for shape in SHAPES:
        for clip, end in ((32767, 32767), (32767, -32768), (511, 511), (511, -511)):
            window = still(*shape)
            window.look[CLIP] = clip
            for i in range(len(window.samples)):
                window.samples[i] = i & 1
            for i in range(len(window.samples)):
                window.samples[i] = end
                equal(seen(window), 0, (shape, end, i))
                window.samples[i] = i & 1
            if shape[1] < 16:
                continue  # of a few looks two are needed
            for i in range(len(window.samples)):
                window.samples[i] = end if i & 2 else -end if i & 1 else i & 7
            equal(seen(window), SATURATED, (shape, end))
            window.look[CLIP] = 1 << 16
            equal(seen(window), 0, "no end of the range")


@test
def what_was_seen_before_asks_for_a_closer_look():
    window = still(1, 64)
    window.samples[9] = 5
    window.samples[0] = 5
    equal(glance(window.samples, window.look), 0)
    window.look[RECENT] = RECENT_DEFECT
    equal((glance(window.samples, window.look), seen(window)), (RECENT_DEFECT, 0))


done()
