"""Health: whether what the sensor delivers can be believed, and what is done where it cannot.

Enters: failed reads, of each window whether it is ill (window.py), the time. Leaves: events fault,
recovered and rate; a sensor that is opened anew; and a guard that lets nothing be learned
meanwhile. Watching goes on through all of it.

 1 a read fails          forgiven below MAX_FAULTS in a row; from there the sensor is lost
 2 no window comes       though time passes: lost (its supply dipped and it sleeps, or overruns eat
                         every window)
 3 lost                  this stands in the source's place and opens it anew every second, from
                         the beginning: what comes back may be another chip. A probation of whole
                         windows ends the fault (guard.py)
 4 stuck, saturated      no such window is learned or enrolled; SOUND in a row are told, and SOUND
                         good ones after them
 5 another rate          more than 5 % off over 64 windows: told, and learned all the same
"""

import time

from micropython import const
from nearhum import board, lifetime
from nearhum.errors import NearhumError, SourceError
from nearhum.features.window import CLIP, SEEN, SEEN_ILL, STUCK
from nearhum.guard.guard import MAX_FAULTS
from nearhum.sources import FOUND, GAP, NONE

SOUND = 4  # windows in a row that are believed
_QUIET_S = const(60)  # a short fault is told once in so long
_CHECK_S = const(10)  # a start that has come so far is a stable one
_RETRY_MS = const(1000)
_OFF_PERCENT = const(5)
_WHAT = ("", "stuck: no sample differs", "saturated: full range")


class Health:
    """Health of the source of one pipeline, and a source itself while there is no other.

    It takes the pipeline, in whose `source` it puts a sensor that is opened anew, or itself; it
    tells guard, teacher, journal and windows of it.
    """

    cue = ""

    def __init__(self, hum):
        self._hum = hum
        c = hum.config
        hop_s = c["n_hop"] / c["rate_hz"]
        self._hop_ms = 1000 * hop_s
        # where a minute of sameness may be real (a slow channel, digital silence) it takes longer
        # to call it stuck
        at_once = c["n_bands"] and c["recognise"] == "windows"
        self._spare = 0 if at_once else int(max(60 / hop_s, 20 * c["n_window"] / c["n_hop"]))
        if c["kind"] == "radio":
            self._spare = 1 << 29  # a quiet link is as strong as it was, for hours
        self._every_s = int(max(_CHECK_S, c["n_window"] / c["rate_hz"] + 8 * hop_s)) + 1
        self.next_s = _CHECK_S
        self._look = hum.window.look
        self._clips = not (c["bin_hz"] or c["n_subcarriers"])  # its range has an end
        self.error = ""  # what is wrong with the source now
        self.kind = 0  # of the last window, see window.ill
        self.percent = 100  # of rate_hz, measured
        self._ill = self._n = self._n_failed = self._quiet_s = self._wait_ms = self._at = 0
        self._last = -1  # window at the last check
        self.trial = True
        self._first = None  # window from which the rate is measured
        self._live, self._lost = True, None

    def open(self):
        """Open the source of the pipeline, or stand in its place."""
        try:
            self._found(board.open_source(self._hum.config))
        except (SourceError, OSError) as e:
            self.lose(e)

    def _found(self, source):
        self._hum.source = source
        self._live = getattr(source, "live", True)
        if self._clips:
            self._look[CLIP] = getattr(source, "clip", 32767)
        self._n_failed = 0

    # --- windows ----------------------------------------------------------------------------------

    def see(self, ill):
        """Note what window.ill said, where a glance found something or one of the last few
        windows was ill.
        """
        if ill != self.kind:
            self.kind, self._n = ill, 0
        self._look[SEEN] = SEEN_ILL
        self._n += 1
        n = self._n - (self._spare if ill == STUCK else 0)
        self._hum.guard.unfit = ill > 0 and n > 0
        if n == SOUND:
            if not ill:
                self._look[SEEN] = 0
            if ill != self._ill:
                self._ill = ill
                self._tell(_WHAT[ill])

    def well(self):
        """Note that the faults are over: whole windows have come for as long as the guard asks,
        or somebody says so.
        """
        self._wait_ms = 0
        if self.error:
            self._tell(_WHAT[self._ill])

    def restart(self):
        """Note a gap: a rate is measured between two."""
        self._first = None

    def _tell(self, error):
        hum = self._hum
        self.error = error
        if hum.teacher:
            hum.teacher.restart()
        if error:
            hum.journal.event(
                "fault", error=error, window=hum.n_windows, learning=hum.guard.learning()
            )
        else:
            hum.journal.event("recovered", window=hum.n_windows)

    # --- reads ------------------------------------------------------------------------------------

    def fault(self, error):
        """Note that a read failed. Returns GAP."""
        hum = self._hum
        off = hum.guard.fault()
        # a window came whole since: this one is not in a row with the last
        if hum.n_windows != self._at:
            self._n_failed, self._at = 0, hum.n_windows
        self._n_failed += 1
        if off or hum.guard.faults == 1 and hum.clock.seconds >= self._quiet_s:
            # the same fault in every turn is told once, and once more when learning goes off
            self._quiet_s = hum.clock.seconds + _QUIET_S
            self._tell("no answer: %s" % error)
        if self._n_failed == MAX_FAULTS and self._live:
            self.lose(error)
        lifetime.rest()
        return GAP

    def lose(self, error):
        """Stand in the place of a source that does not answer; the first time in a row it is
        opened anew at once.
        """
        hum = self._hum
        if hum.guard.lose():
            self._tell(str(error))
        self._lost, hum.source = hum.source, self
        self._tried = time.ticks_ms()

    def read_into(self, block):
        """Return NONE, or FOUND where the sensor has been opened anew."""
        now = time.ticks_ms()
        if time.ticks_diff(now, self._tried) < self._wait_ms:
            return NONE
        self._tried, self._wait_ms = now, _RETRY_MS
        self.close()
        try:
            self._found(board.open_source(self._hum.config))
        except (NearhumError, OSError) as e:
            self.error = str(e)
            if self._hum.guard.lose():  # somebody has said `trust` meanwhile
                self._tell(self.error)
            return NONE
        return FOUND

    def close(self):
        """Let go of what failed, as far as it lets itself."""
        if self._lost:
            try:
                self._lost.close()
            except OSError:
                pass
            self._lost = None

    # --- time -------------------------------------------------------------------------------------

    def check(self):
        """Look, every few windows, whether they come as they should; and say that this start
        was a stable one.
        """
        hum = self._hum
        n, s = hum.n_windows, hum.clock.seconds
        if s > self.next_s + self._every_s:
            self._first = None  # the clock has jumped, or the loop has stood still
        self.next_s = s + self._every_s
        if self._last < 0:
            board.stable(hum.root)
        elif n == self._last and self._live and not hum.ended and hum.source != self:
            self.lose(SourceError("no whole window for %d s" % self._every_s))
        self._last = n
        if s >= 600 and self.trial:  # an application that has run for so long stays
            from nearhum import trial

            self.trial = not trial.end(hum.root)
            if not self.trial:
                hum.journal.measure()
                lifetime.let_go(("trial",))
        ms = s * 1000 + hum.clock.ms
        if self._first is None or n < self._first:
            self._first, self._first_ms = n, ms
        elif n - self._first >= 64 and self._live and not hum.packets:
            was, self.percent = (
                self.percent,
                int(100 * (n - self._first) * self._hop_ms / (ms - self._first_ms) + 0.5),
            )
            if _is_off(was) != _is_off(self.percent):
                hum.journal.event("rate", percent=self.percent, window=n)
            self._first, self._first_ms = n, ms

    # --- what is told -----------------------------------------------------------------------------

    def state(self):
        """Return how the source is, in a word: ok, fault, stuck, saturated, end."""
        hum = self._hum
        return (
            "end"
            if hum.ended
            else "fault"
            if hum.guard.faults
            else _WHAT[self._ill].split(":")[0] or "ok"
        )

    def unfit(self):
        """Return why the last window can be no example, "" where it can."""
        hum = self._hum
        if self.kind == STUCK and hum.features.ranges or not hasattr(hum.recogniser, "nearest_id"):
            return ""  # slow channels may stand still; an utterance is more than its last window
        return _WHAT[self.kind]

    def warning(self):
        """Return what a user should know about the source, "" for nothing."""
        if not self._hum.guard.learning():
            return "nothing is learned: " + self.error
        return "it gives %d %% of rate_hz" % self.percent if _is_off(self.percent) else ""


def _is_off(percent):
    return abs(percent - 100) > _OFF_PERCENT
