"""Numbers from the user's own code as the sensor. Three lines replace main.py:

    import nearhum
    while True:
        nearhum.push([temperature(), pressure()])

Enters: calls of `nearhum.push`, each with one sample of n_channels numbers. Leaves: int16 frames.

source = {"driver": "push", "scale": [100, 10], "n_waiting": 64}
scale      Counts of one unit: one number, or one for each channel. The product is rounded and
           limited to int16. With 100, 23.4 degrees are 2340 counts.
n_waiting  Samples that may wait until they are read. With more, samples are lost, which is a gap.

The caller keeps the pace of rate_hz. Each call also runs a turn of nearhum's loop, so that the
console answers. A timer's callback beside nearhum.run() must not run a second loop. It calls
`put` of `nearhum.pipeline.current().source` instead.
"""

from array import array

from nearhum.errors import CommandError, ConfigError
from nearhum.sources import GAP, NONE

_MOST_WAITING = 4096  # samples. With eight channels they take 64 KB, more than most boards have.


class Source:
    """A ring of samples, filled by `put` and emptied by `read_into`."""

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
        self._head = self._tail = 0  # in samples, modulo the ring's length
        self._gap = False

    def put(self, values):
        """Add a sample. If the ring is full, the sample is lost, and the next read is a gap.

        values: n_channels numbers. Raises CommandError for another number of values.
        """
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

        Returns their number, NONE, or GAP if samples were lost.
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
        """Return the function `nearhum.push`.

        step: Pipeline.step, one turn of the loop. The function raises CommandError as `put` does.
        """

        def push(values):
            self.put(values)
            while step() and self._head != self._tail:
                pass

        return push

    def close(self):
        """There is no hardware to release."""
