"""Health: whether the sensor's samples can be real, and what is done if they cannot.

Enters: failed reads, the defect of each window (features/window.py), and the time. Leaves: the
events fault, recovered and rate; a sensor that is reopened; and a guard that permits no learning
meanwhile. Watching goes on in all cases.

 1 a read fails          it is forgiven; MAX_FAULTS in a row mean that the sensor is lost
 2 no window comes       the sensor is lost too: its supply dipped and it sleeps, or overruns spoil
                         every window
 3 the sensor is lost    this object replaces the source and reopens it every second, with all
                         checks, because another chip may come back. A probation of whole windows
                         ends the fault (guard.py)
 4 stuck, saturated      such a window is not learned or enrolled. The fault is reported after
                         N_AGREEING such windows in a row, and the recovery after as many
                         good ones
 5 another rate          more than 5 % off over 64 windows: it is reported, and learning goes on
"""

import time

from micropython import const
from nearhum import board, lifetime
from nearhum.errors import NearhumError, SourceError
from nearhum.features.window import CLIP, RECENT, RECENT_DEFECT, STUCK
from nearhum.guard.guard import MAX_FAULTS
from nearhum.sources import FOUND, GAP, NONE

N_AGREEING = 4  # windows in a row that must agree before the sensor's state changes
_QUIET_S = const(60)  # shortest time between two reports of short faults
_CHECK_S = const(10)  # after this time a start counts as stable
_RETRY_MS = const(1000)  # interval between attempts to reopen a lost sensor
_OFF_PERCENT = const(5)  # a measured rate further off than this is reported
# What is wrong with a window, by 0, window.STUCK, window.SATURATED.
_WHAT = ("", "stuck: all samples are equal", "saturated: at full scale")


class Health:
    """Health of one pipeline's source, and its substitute while the sensor is lost.

    It takes the pipeline, because it puts a reopened sensor, or itself, into `hum.source`, and
    informs the guard, the teacher, the journal and the window.
    """

    cue = ""  # as a source's: no console line comes with these samples

    def __init__(self, hum):
        self._hum = hum
        c = hum.config
        hop_s = c["n_hop"] / c["rate_hz"]
        self._hop_ms = 1000 * hop_s
        # A slow channel or digital silence may really stand still. There a window is called stuck
        # only after a minute of equal samples, and not before 20 whole windows.
        at_once = c["n_bands"] and c["recognise"] == "windows"
        self._spare = 0 if at_once else int(max(60 / hop_s, 20 * c["n_window"] / c["n_hop"]))
        if c["kind"] == "radio":
            self._spare = 1 << 29  # A quiet radio link may not change for hours: it is never stuck.
        self._every_s = int(max(_CHECK_S, c["n_window"] / c["rate_hz"] + 8 * hop_s)) + 1
        self.next_s = _CHECK_S
        self._look = hum.window.look
        self._clips = not (c["bin_hz"] or c["n_subcarriers"])  # its samples have a full scale
        self.error = ""  # what is wrong with the source now
        self.kind = 0  # what window.defect returned for the last window
        self.percent = 100  # the measured rate, in percent of rate_hz
        self._defect = self._n = self._n_failed = self._quiet_s = self._wait_ms = self._at = 0
        self._last = -1  # number of the window at the last check
        self.trial = True  # a newly deployed application may still be on trial
        self._first = None  # number of the window from which the rate is measured
        self._live, self._lost = True, None

    def open(self):
        """Open the pipeline's source, or replace it if it does not answer."""
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

    def note_window(self, defect):
        """Take in a window's defect, if a glance found something or a recent window had one.

        defect: what window.defect returned: 0, STUCK or SATURATED.
        """
        if defect != self.kind:
            self.kind, self._n = defect, 0
        self._look[RECENT] = RECENT_DEFECT
        self._n += 1
        n = self._n - (self._spare if defect == STUCK else 0)
        self._hum.guard.unfit = defect > 0 and n > 0
        if n == N_AGREEING:
            if not defect:
                self._look[RECENT] = 0
            if defect != self._defect:
                self._defect = defect
                self._report(_WHAT[defect])

    def recover(self):
        """End a fault: the guard's probation has passed, or the user says `trust`."""
        self._wait_ms = 0
        if self.error:
            self._report(_WHAT[self._defect])

    def restart(self):
        """Take in a gap: the rate is measured between gaps."""
        self._first = None

    def _report(self, error):
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
        """Take in a failed read. Returns GAP.

        error: what the driver raised.
        """
        hum = self._hum
        off = hum.guard.fault()
        # A whole window since the last fault ends the row of faults.
        if hum.n_windows != self._at:
            self._n_failed, self._at = 0, hum.n_windows
        self._n_failed += 1
        if off or hum.guard.faults == 1 and hum.clock.seconds >= self._quiet_s:
            # A fault that repeats in every turn is reported once, and again when learning goes off.
            self._quiet_s = hum.clock.seconds + _QUIET_S
            self._report("no answer: %s" % error)
        if self._n_failed == MAX_FAULTS and self._live:
            self.lose(error)
        lifetime.rest()
        return GAP

    def lose(self, error):
        """Replace a source that does not answer. `read_into` then reopens it.

        error: why it is lost. The first attempt to reopen comes at once, the next after a second.
        """
        hum = self._hum
        if hum.guard.lose():
            self._report(str(error))
        self._lost, hum.source = hum.source, self
        self._tried = time.ticks_ms()

    def read_into(self, block):
        """Reopen the sensor if it is time. Returns FOUND if it answers, else NONE.

        block: not written.
        """
        now = time.ticks_ms()
        if time.ticks_diff(now, self._tried) < self._wait_ms:
            return NONE
        self._tried, self._wait_ms = now, _RETRY_MS
        self.close()
        try:
            self._found(board.open_source(self._hum.config))
        except (NearhumError, OSError) as e:
            self.error = str(e)
            if self._hum.guard.lose():  # The user has said `trust` meanwhile, but it is still lost.
                self._report(self.error)
            return NONE
        return FOUND

    def close(self):
        """Close the source that failed, if that is possible."""
        if self._lost:
            try:
                self._lost.close()
            except OSError:
                pass
            self._lost = None

    # --- time -------------------------------------------------------------------------------------

    def check(self):
        """Check that windows still come, and at the right rate. Call it when next_s has passed.

        It also records that this start was stable, and ends the trial of a new application.
        """
        hum = self._hum
        n, s = hum.n_windows, hum.clock.seconds
        if s > self.next_s + self._every_s:
            self._first = None  # The clock has jumped, or the loop has stalled.
        self.next_s = s + self._every_s
        if self._last < 0:
            board.stable(hum.root)
        elif n == self._last and self._live and not hum.ended and hum.source != self:
            self.lose(SourceError("no whole window for %d s" % self._every_s))
        self._last = n
        if s >= 600 and self.trial:  # A new application that has run for ten minutes is kept.
            from nearhum import trial

            self.trial = not trial.end(hum.root)
            if not self.trial:
                hum.journal.measure()
                lifetime.release(("trial",))
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

    # --- reports ----------------------------------------------------------------------------------

    def state(self):
        """Return the state of the source in a word: ok, fault, stuck, saturated or end."""
        hum = self._hum
        return (
            "end"
            if hum.ended
            else "fault"
            if hum.guard.faults
            else _WHAT[self._defect].split(":")[0] or "ok"
        )

    def unfit(self):
        """Return why the last window cannot be an example, or "" if it can."""
        hum = self._hum
        if self.kind == STUCK and hum.features.ranges or not hasattr(hum.recogniser, "nearest_id"):
            # Slow channels may stand still, and an utterance is more than its last window.
            return ""
        return _WHAT[self.kind]

    def warning(self):
        """Return a warning about the source for the user, or ""."""
        if not self._hum.guard.learning():
            return "nothing is learned: " + self.error
        return "the sensor gives %d %% of rate_hz" % self.percent if _is_off(self.percent) else ""


def _is_off(percent):
    return abs(percent - 100) > _OFF_PERCENT
