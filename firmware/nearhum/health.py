"""Health: whether what the sensor delivers can be believed, and what is done where it cannot.

Enters: failed reads, of each window whether it is ill (window.py), the time. Leaves: events fault, recovered and rate;
a sensor that is opened anew; and a guard that lets nothing be learned meanwhile. Watching goes on through all of it.

 1 reads fail            forgiven below MAX_FAULTS in a row; from there the sensor is lost
 2 no window comes       though time passes: lost (its supply dipped and it sleeps, or overruns eat every window)
 3 lost                  sources/missing.py opens it anew until it answers; whole windows of a probation end the fault
 4 stuck, saturated      no such window is learned or enrolled; SOUND in a row are told, and SOUND good ones after them
 5 another rate          more than 5 % off for 64 windows: told, and learned all the same
"""

from nearhum import board
from nearhum.errors import SourceError
from nearhum.guard import MAX_FAULTS
from nearhum.sources import GAP
from nearhum.window import STUCK

SOUND = 4  # windows in a row that are believed
QUIET_S = 60  # a short fault is told once in so long
CHECK_S = 10  # a start has come so far: it is stable
OFF_PERCENT = 5
_WHAT = ("", "stuck: no sample differs from the one before", "saturated: samples at the end of the sensor's range")
_STATES = ("ok", "stuck", "saturated")


class Health:
    """Health of the source of one pipeline."""

    def __init__(self, hum):
        self._hum = hum
        c = hum.config
        hop_s = c["n_hop"] / c["rate_hz"]
        # where a minute of sameness may be real (a slow channel, digital silence) it takes longer to call it stuck
        at_once = c["n_bands"] and c["recognise"] == "windows"
        self._spare = 0 if at_once else int(max(60 / hop_s, 20 * c["n_window"] / c["n_hop"]))
        self._hop_ms = 1000 * hop_s
        self._every_s = int(max(CHECK_S, c["n_window"] / c["rate_hz"] + 8 * hop_s)) + 1
        self.next_s = CHECK_S
        self._paced = not c["n_subcarriers"]  # packets come when they come
        self.clip = 1 << 16 if c["bin_hz"] or c["n_subcarriers"] else 0  # |sample| that is clipped; 0: as the source says
        self.error = ""  # what is wrong with the source now
        self.kind = 0  # of the last window, see window.ill
        self.seen = False  # windows were ill of late
        self.percent = 100  # of rate_hz, measured
        self._ill = self._n = 0
        self._n_failed = self._n_lost = self._quiet_s = 0
        self._last = -1  # window of the last check
        self._restarted = True

    def opened(self, source):
        """Return a source that has just been opened; take note of what it is."""
        self._live = getattr(source, "live", True)
        if self.clip < 1 << 16:
            self.clip = getattr(source, "clip", 32767)
        self._n_failed = 0
        self._restarted = True
        return source

    def restart(self):
        """Note a gap: a rate is measured between two."""
        self._restarted = True

    def see(self, ill):
        """Note what window.ill said, where that or one of the last few windows was not 0."""
        if ill != self.kind:
            self.kind, self._n = ill, 0
        self.seen = True
        self._n += 1
        spare = self._spare if ill == STUCK else 0
        self._hum.guard.unfit = ill > 0 and self._n > spare
        if self._n == spare + SOUND:
            self.seen = ill > 0
            if ill != self._ill:
                self._ill = ill
                self._tell(_WHAT[ill])

    def _tell(self, error):
        hum = self._hum
        self.error = error
        if hum.teacher:
            hum.teacher.restart()
        if error:
            hum.journal.event("fault", error=error, window=hum.n_windows, learning=hum.guard.learning())
        else:
            hum.journal.event("recovered", window=hum.n_windows)

    def fault(self, error):
        """Note that a read failed. Returns GAP."""
        hum = self._hum
        guard = hum.guard
        off = guard.fault()
        self._n_failed += 1
        if off or guard.faults == 1 and hum.clock.seconds >= self._quiet_s:
            # the same fault in every turn is told once, and once more when learning goes off
            self._quiet_s = hum.clock.seconds + QUIET_S
            self._tell(str(error))
        if self._n_failed == MAX_FAULTS and self._live:
            hum.source = self.lost(error)
        board.rest()
        return GAP

    def lost(self, error):
        """Return what stands in the place of a sensor that does not answer."""
        from nearhum.sources.missing import Source

        hum = self._hum
        if hum.guard.lose():
            self._tell(str(error))
        self._n_lost += 1
        return Source(hum.config, hum.source, self._n_lost > 1, self)

    def well(self):
        """Note that whole windows have come for as long as the guard asks."""
        self._n_lost = 0
        board.let_go("sources.missing")
        if self.error:
            self._tell(_WHAT[self._ill])

    def check(self):
        """Look, every few windows, whether they come as they should; and say that this start was a stable one."""
        hum = self._hum
        clock, n = hum.clock, hum.n_windows
        self.next_s = clock.seconds + self._every_s
        if self._last < 0:
            board.stable(hum.root)
        elif n == self._last and self._live and not hum.ended and hum.guard.faults < MAX_FAULTS:
            hum.source = self.lost(SourceError("no whole window for %d s" % self._every_s))
        self._last = n
        ms = clock.seconds * 1000 + clock.ms
        if self._restarted or n < self._first:
            self._restarted = False
            self._first, self._first_ms = n, ms
        elif n - self._first >= 64 and self._live and self._paced:
            percent = int(100 * (n - self._first) * self._hop_ms / (ms - self._first_ms) + 0.5)
            off = abs(percent - 100) > OFF_PERCENT
            if off != (abs(self.percent - 100) > OFF_PERCENT):
                hum.journal.event("rate", percent=percent, window=n)
            self.percent = percent
            self._first, self._first_ms = n, ms

    def state(self):
        """Return how the source is, in a word: ok, fault, stuck, saturated, end."""
        hum = self._hum
        return "end" if hum.ended else "fault" if hum.guard.faults else _STATES[self._ill]

    def unfit(self):
        """Return why the last window can be no example, "" where it can."""
        hum = self._hum
        if self.kind == STUCK and hum.features.ranges or not hasattr(hum.recogniser, "nearest_id"):
            return ""  # slow channels may stand still; an utterance is more than its last window
        return _WHAT[self.kind]

    def warning(self):
        """Return what a user should know about the source, "" for nothing."""
        if not self._hum.guard.learning():
            return "nothing is learned until the sensor is sound: " + self.error
        if abs(self.percent - 100) > OFF_PERCENT:
            return "the sensor gives %d %% of rate_hz" % self.percent
        return ""
