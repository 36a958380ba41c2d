"""Missing: in the place of a sensor that does not answer. Tries to open it again, and says when it has.

What comes back may have lost its settings, or be another chip: it is opened from the beginning, and checked.
"""

import time

from nearhum import board
from nearhum.errors import NearhumError
from nearhum.sources import FOUND, NONE

RETRY_MS = 1000


class Source:
    """config: all settings. source: what failed, or None. waits: the first try is not at once. health: is told why."""

    cue = ""

    def __init__(self, config, source, waits, health):
        self._config = config
        self._health = health
        self._source = source
        self._wait_ms = RETRY_MS if waits else 0
        self._tried = time.ticks_ms()

    def read_into(self, block):
        """Return NONE, or FOUND: `found` is the sensor's source then."""
        if time.ticks_diff(time.ticks_ms(), self._tried) < self._wait_ms:
            return NONE
        self._tried = time.ticks_ms()
        self._wait_ms = RETRY_MS
        self.close()
        try:
            self.found = board.open_source(self._config)
        except (NearhumError, OSError) as e:
            self._health.error = str(e)
            return NONE
        return FOUND

    def close(self):
        """Let go of what failed, as far as it still lets itself."""
        if self._source:
            try:
                self._source.close()
            except OSError:
                pass
            self._source = None
