"""Numbers from the user's own code as the sensor. Three lines, in place of main.py:

    import nearhum
    while True:
        nearhum.push([temperature(), pressure()])

source = {"driver": "push", "scale": [100, 10], "n_waiting": 64} Each call is a sample of n_channels
numbers, at the pace of rate_hz that the caller keeps; what is measured becomes counts by `scale`,
one number or one a channel, rounded and stopped at the ends of int16: 23.4 degrees and 100 are 2340
counts. Each call also turns nearhum's loop, so that the console answers. A timer's callback beside
nearhum.run() must not turn it a second time: it calls `put` of `nearhum.pipeline.current().source`
instead. More than n_waiting samples that were put and not fetched are a gap.
"""

from array import array

from nearhum.errors import CommandError, ConfigError
from nearhum.sources import GAP, NONE

_MOST_WAITING = 4096  # samples: 64 KB of eight channels, more than most boards have


class Source:
    """A ring of samples."""

    cue = ""
    unit = ""

    def plan(self, config, given):
        n, scale = config["n_channels"], given.get("scale", 1)
        self._scale = scale if isinstance(scale, list) else [scale] * n
        if len(self._scale) != n:
            raise ConfigError(
                "scale = %r" % (scale,), "one number, or one for each of n_channels = %d" % n
            )
        self.counts = self._scale[0]
        n_waiting = given.get("n_waiting", 64)
        if n_waiting not in range(1, _MOST_WAITING + 1):
            raise ConfigError("n_waiting = %r" % (n_waiting,), "1 to %d" % _MOST_WAITING)
        return n_waiting

    def __init__(self, config):
        n = config["n_channels"]
        self._n_ring = self.plan(config, config["source"]) + 1
        self._ring = array("h", bytes(2 * n * self._n_ring))
        self._head = self._tail = 0  # samples, modulo the ring
        self._gap = False

    def put(self, values):
        """Add a sample of n_channels numbers. Raises CommandError for another number of them."""
        n = len(self._scale)
        if len(values) != n:
            raise CommandError("push of %d values" % len(values), "n_channels = %d" % n)
        after = (self._head + 1) % self._n_ring
        if after == self._tail:
            self._gap = True
            return
        for c in range(n):
            self._ring[self._head * n + c] = max(
                -32768, min(32767, round(values[c] * self._scale[c]))
            )
        self._head = after

    def read_into(self, block):
        """Fill block, array('h'), with interleaved samples.

        Returns their number, NONE, or GAP after lost ones.
        """
        if self._gap:
            self._tail = self._head
            self._gap = False
            return GAP
        n = len(self._scale)
        got = min((self._head - self._tail) % self._n_ring, len(block) // n)
        for i in range(got):
            for c in range(n):
                block[i * n + c] = self._ring[self._tail * n + c]
            self._tail = (self._tail + 1) % self._n_ring
        return got or NONE

    def feeder(self, step):
        """Return the function `nearhum.push`, which turns the loop by `step`. It raises
        CommandError.
        """

        def push(values):
            self.put(values)
            while step() and self._head != self._tail:
                pass

        return push

    def close(self):
        """Nothing to let go of."""
