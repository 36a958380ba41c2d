"""Play a recording through the firmware's source and window. Runs under MicroPython.

Enters: a configuration. Leaves: full windows. The other scripts of this folder use it.
"""

from array import array

from nearhum import board
from nearhum.features.window import Window
from nearhum.sources import END


def windows(config, restart=None):
    """Yield (segment, rows) of each full window. rows are valid until the next window.

    segment: the number in the segment's cue. config: complete, with a replay as its source.
    restart: called at each gap. No window spans a gap.
    """
    window = Window(config["n_channels"], config["n_window"], config["n_hop"])
    source = board.open_source(config)
    block = array("h", bytes(2 * config["n_channels"] * 256))
    segment = 0
    while True:
        n = source.read_into(block)
        if n == END:
            return
        if source.cue:
            segment, source.cue = int(source.cue), ""
        if n < 0:
            window.restart()
            if restart:
                restart()
            continue
        start = 0
        while start < n:
            start += window.push(block, start, n - start)
            if not window.missing:
                yield segment, window.rows
                window.advance()
