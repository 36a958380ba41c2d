"""A source that sleeps between windows, to save power. It wraps the driver of a sensor.

Enters: frames of the wrapped driver. Leaves: the same frames, one window per waking.

source = {"driver": "paced", "wraps": "lis3dh", ..., "duty_s": 60, "sleep": "light", "rest_ms": 20}
duty_s    Seconds from one waking to the next. The board wakes, samples one window, scores it, and
          sleeps for the rest. The learned state, the alarm and the console stay. Times that are
          counted in windows (learn 10m) count only the time awake.
sleep     "idle" (default): the processor waits, and USB and UART keep working. "light":
          machine.lightsleep, which stops clocks. The RP2040 keeps its USB connection, an ESP32
          loses it during the sleep. Characters typed during the sleep are lost.
rest_ms   While awake, read the chip no more often than this. Its FIFO must hold the samples of
          that time, else `status` counts gaps.
The sensor sleeps too. It is closed and opened again, and the first twentieth of a second is
dropped. A sensor that does not wake, or delivers no window in time, is a fault. It is tried again
at the next waking.
"""

import time

import micropython

from nearhum import board
from nearhum.errors import ConfigError, SourceError
from nearhum.sources import GAP, NONE, REST

# The longest sleep in one piece. In between, the console is served and a watchdog is fed.
_SLICE_MS = micropython.const(100)


class Source:
    """Wraps a driver. While the board sleeps, read_into waits for at most _SLICE_MS."""

    def plan(self, config, given):
        # The settings of the wrapped driver.
        self._config = dict(config)
        self._config["source"] = {
            key: given[key] for key in given if key not in ("duty_s", "rest_ms", "sleep")
        }
        self._config["source"]["driver"] = given["wraps"]
        self._duty_ms = int(given.get("duty_s", 0) * 1000)
        self._rest_ms = given.get("rest_ms", 0)
        self._n_window = config["n_window"]
        self._awake_ms = int((self._n_window / config["rate_hz"] + 0.05) * 1000)  # without delays
        if self._duty_ms and not self._awake_ms < self._duty_ms <= 86400000:
            raise ConfigError(
                "duty_s = %s" % given["duty_s"],
                "more than the %d ms of a window, to 86400" % self._awake_ms,
            )
        if not 0 <= self._rest_ms <= 1000:
            raise ConfigError("rest_ms = %r" % self._rest_ms, "0 to 1000")
        how = given.get("sleep", "idle")
        if how not in ("idle", "light"):
            raise ConfigError("sleep = %r" % how, '"idle" or "light"')
        return how

    def __init__(self, config):
        how = self.plan(config, config["source"])
        self._sleep_ms = time.sleep_ms
        if how == "light":
            import machine

            self._sleep_ms = machine.lightsleep
        self._drop = int(config["rate_hz"] / 20)
        self._due_ms = time.ticks_ms()  # time of the next waking
        self.n_wakings = 0
        self._wake()
        # A sleeping board has no steady rate that could be checked.
        self.live = not self._duty_ms and getattr(self.inner, "live", True)

    def _wake(self):
        self.inner = None
        now = time.ticks_ms()
        if time.ticks_diff(now, self._due_ms) > self._duty_ms:
            self._due_ms = now  # More than a period late, because a host had stopped the loop.
        self._woken_ms = self._due_ms
        self._due_ms = time.ticks_add(self._due_ms, self._duty_ms)
        self.inner = board.open_source(self._config)
        # kept while it sleeps, for guard/plausible.py
        self.counts_of_g = self.inner.counts if hasattr(self.inner, "who") else 0
        self._left = self._n_window
        self._skip = self._drop if self.n_wakings else 0
        self.n_wakings += 1

    @property
    def cue(self):
        return self.inner.cue if self.inner else ""

    @cue.setter
    def cue(self, line):
        self.inner.cue = line

    @property
    def clip(self):
        return getattr(self.inner, "clip", 32767)

    @property
    def late(self):
        return getattr(self.inner, "late", 0)

    def read_into(self, block):
        """Fill block, array('h'), as the wrapped driver does.

        Returns REST after a sleep, because a new window starts then.
        """
        if not self.inner:
            left = time.ticks_diff(self._due_ms, time.ticks_ms())
            if left > 0:
                self._sleep_ms(min(left, _SLICE_MS))
                return NONE
            self._wake()
            return REST
        if (
            self._duty_ms
            and time.ticks_diff(time.ticks_ms(), self._woken_ms) > 4 * self._awake_ms + 1000
        ):
            self.close()
            raise SourceError("no whole window since it woke", "nearhum doctor tells why")
        n = self.inner.read_into(block)
        if n > 0 and self._skip > 0:
            self._skip -= n
            return NONE
        if n == NONE and self._rest_ms:
            time.sleep_ms(self._rest_ms)
        elif n == GAP:
            self._left = self._n_window
        elif n > 0 and self._duty_ms:
            n = min(n, self._left)
            self._left -= n
            if not self._left:
                self.close()
        return n

    def close(self):
        """Close the wrapped driver, if it is open."""
        if self.inner:
            inner, self.inner = self.inner, None
            inner.close()
