"""ST's FIFO of tagged words: a byte that names the sensor, then a frame, low byte first.

A driver states status (the register of the unread words: low byte; in the next, bits 6 and 3: some
were overwritten) and high (the bits of that next byte that are the count's high part). Source: ST
LSM6DSOX datasheet, DS12814: FIFO reading procedure, FIFO_STATUS1, FIFO_STATUS2 and
FIFO_DATA_OUT_TAG; LSM6DSV16X, DS13510, and IIS3DWB, DS13063, have the same.
"""

import micropython
from nearhum.sources.accelerometers.registers import Fifo

# bits 7:3: 2 acceleration; then six bytes; goes round from 0x7E
_FIFO_DATA_OUT_TAG = micropython.const(0x78)


@micropython.viper
def _frames(raw: ptr8, n: int, block: ptr16) -> int:
    """Copy the frames that are acceleration from n words of 7 bytes. Returns their number."""
    got = 0
    for i in range(n):
        word = 7 * i
        if raw[word] >> 3 == 2:
            for j in range(3):
                block[3 * got + j] = raw[word + 1 + 2 * j] | raw[word + 2 + 2 * j] << 8
            got += 1
    return got


class Tagged(Fifo):
    """Reads bursts of whole words from the chip's FIFO."""

    status, high = 0x3A, 3
    n_burst = 20

    def level(self):
        """Return the words in the FIFO, below 0 where some were overwritten."""
        two = self.read(self.status, self.two)
        return -1 if two[1] & 0x48 else (two[1] & self.high) << 8 | two[0]

    def cut(self, block, n):
        """Return parts of a buffer for 0 to n words of 7 bytes."""
        words = memoryview(bytearray(7 * n))
        return [words[: 7 * i] for i in range(n + 1)]

    def take(self, n, block):
        """Read n words. Returns how many of them were acceleration, now in block."""
        self.read(_FIFO_DATA_OUT_TAG, self.bursts[n])
        return _frames(self.bursts[-1], n, block)
