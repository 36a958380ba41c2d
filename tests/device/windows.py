"""Window: full at the right sample, hops, gaps, several channels."""

from array import array

from fakes import Played, pipeline
from harness import done, equal, test
from nearhum.sources import END, GAP
from nearhum.window import Window


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
    Played.script = [array("h", [1, 2, 3]), GAP, array("h", [4, 5, 6, 7, 8, 9]), GAP, array("h", [10] * 4), END]
    while hum.step():
        pass
    equal(seen, [[4, 5, 6, 7], [10] * 4])
    equal(hum.health.state(), "end")


done()
