"""Events: what comes of a window now and then, and of a gap.

Enters: a pipeline with a window just scored and logged, or samples lost. Leaves: records in the
journal, listeners told of an alarm, a learning period ended, an example taken. Most windows bring
none of it.

Each function takes the pipeline: an event has to do with nearly all of its stages. None is native,
which is four times as large; each has few enough locals to need no heap for them.
"""

from nearhum.detection.temporal import BEGIN
from nearhum.sources import END, REST
from nearhum.wire import NO_SCORE


def due(hum):
    """Return True where the last window brings an event. Allocates nothing."""
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
    """Journal what the last window brings, and do what follows from it."""
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
    """Tell the listeners that an alarm has begun or ended since they were told last.

    Not in the way of a window: an output may take its time.
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
    """Begin anew where samples are lost, or the source rests or ends: nothing goes on from before.

    code: what the source returned in the place of a count, see sources/.
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
            hum.gap_at = hum.n_windows  # gap after gap, and no window between, is told once
            hum.journal.event("gap", window=hum.n_windows)


def cue(hum):
    """Carry out the line that a recording has at this place."""
    line, hum.source.cue = hum.source.cue, ""
    answer = hum.console.execute(line)
    hum.journal.event("cue", line=line, window=hum.n_windows, error=answer.get("error"))
