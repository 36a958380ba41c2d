"""Events: what follows from a window now and then, and from a gap.

Enters: a pipeline whose last window was scored, or that has lost samples. Leaves: records in the
journal, calls of listeners, the end of a learning period, an enrolled example. Most windows cause
none of these.

Each function takes the pipeline, because an event concerns nearly all of its stages. None is
native, because native code is four times as large. Each has so few locals that MicroPython keeps
them on the stack.
"""

from nearhum.detection.temporal import BEGIN
from nearhum.sources import END, REST
from nearhum.wire import NO_SCORE


def due(hum):
    """Return True if the last window causes an event. Allocates nothing."""
    if (
        hum.turn
        or hum.period_over
        or hum.detector.stale
        or hum.recogniser.heard
        or hum.learned.enrol_left
    ):
        return True
    return bool(hum.teacher and hum.teacher.near and hum.teacher.near.caught)


def happened(hum):
    """Journal the events of the last window, and do what follows from them."""
    _alarm(hum)
    detector, learned = hum.detector, hum.learned
    if hum.recogniser.heard:
        hum.journal.event("heard", window=hum.n_windows, **hum.recogniser.said())
    period_over, hum.period_over = hum.period_over, False
    if period_over and not detector.period.extend():
        learned.finish()
    elif detector.stale:
        detector.refresh()
    if hum.teacher and hum.teacher.near and hum.teacher.near.caught:
        learned.caught(hum.teacher.near)
    if learned.enrol_left and hum.embedding:
        learned.enrol(hum.embedding)


def _alarm(hum):
    tell_alarm(hum)
    at, score = hum.n_windows, hum.temporal.score if hum.embedding else NO_SCORE
    if hum.turn == BEGIN:
        hum.journal.event(
            "alarm",
            window=at,
            score=score,
            threshold=hum.detector.threshold,
            strangest=hum.strangest(),
        )
    elif hum.turn:
        hum.journal.event("alarm_end", window=at, score=score)


def tell_alarm(hum):
    """Tell the listeners if an alarm has begun or ended since they were last told.

    Called outside take_window, because an output may be slow.
    """
    alarm = hum.temporal.alarm
    if alarm != hum.told_alarm:
        hum.n_alarm = hum.in_alarm()
        hum.alarm_at = hum.n_windows
        hum.told_alarm = alarm
        for listener in hum.listeners:
            if alarm:
                listener.begin()
            else:
                listener.end()


def interrupted(hum, code):
    """Restart the stages after lost samples, or because the source rests or has ended.

    code: GAP, END, FOUND or REST, which the source returned instead of a count.
    """
    hum.window.restart()
    hum.health.restart()
    if code == REST:
        return
    hum.temporal.restart()
    hum.detector.restart()
    if hum.packets:
        hum.packets.restart()
    if hum.teacher:
        hum.teacher.restart()
    hum.recogniser.restart()
    if code == END:
        hum.ended = True
        hum.journal.event("end", window=hum.n_windows)
        hum.journal.flush()
    elif hum.guard.faults == 0:
        hum.gaps += 1
        if hum.n_windows != hum.gap_at:
            hum.gap_at = hum.n_windows  # Gaps without a window between them are journalled once.
            hum.journal.event("gap", window=hum.n_windows)


def cue(hum):
    """Execute the console line that a recording has at this place."""
    line, hum.source.cue = hum.source.cue, ""
    answer = hum.console.execute(line)
    hum.journal.event("cue", line=line, window=hum.n_windows, error=answer.get("error"))
