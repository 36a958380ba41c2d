"""watch: a smartwatch on a wrist, 7 exercises in windows of 4 s.

k windows of each exercise are enrolled, and the rest is asked. Windows do not overlap. They are
drawn again for each draw, with a fixed seed. If an exercise has at most k windows, one is kept to
be asked, so that every exercise is asked.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...recordings.datasets import gestures
from ...recordings.nhr import Recording
from .. import metrics
from .base import SEED, Judgement, Run, Session, Span, WindowsIn, spans_of

SHOTS = (1, 3, 5)
N_DRAWS = 5
WINDOW_S = 4

# (session, k) -> (true labels, answers).
Answers = dict[tuple[str, int], tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class Asked:
    """The content of one segment.

    exercise: the truth. shots: 0 while enrolling, otherwise the k of this test.
    """

    exercise: str
    shots: int


class Watch:
    """One session for each wearer, side and draw: enrol 1, ask, enrol up to 3, ask, enrol up to 5,
    ask.
    """

    name = "watch"
    told = "k labelled windows of 4 s of each exercise, from the same wearer and side"

    def sessions(self, root: Path, windows_in: WindowsIn) -> list[Session]:
        return sessions_of(gestures.watch(root))

    def judge(self, runs: Sequence[tuple[Session, Run]]) -> Judgement:
        draw = np.random.default_rng(SEED)
        answers: dict[str, Answers] = {}
        spans: dict[str, list[Span]] = {}
        for session, run in runs:
            exercises = np.array(sorted({asked.exercise for asked in session.about}))
            windows = run.windows_of(session.recording)
            spans[session.name] = []
            for k in SHOTS:
                truth, answer = [], []
                for asked, some in zip(session.about, windows, strict=True):
                    if asked.shots == k:
                        truth += [asked.exercise] * len(some)
                        answer += [str(run.labels[w]) for w in some]
                        if k == SHOTS[-1]:
                            spans[session.name] += spans_of(some, asked.exercise)
                true = np.array(truth)
                chance = draw.choice(exercises, len(true))
                names, counts = np.unique(true, return_counts=True)
                most = np.full(len(true), names[np.argmax(counts)])
                for who, said in (("", np.array(answer)), ("random", chance), ("majority", most)):
                    answers.setdefault(who, {})[session.name, k] = true, said
        firmware = answers.pop("")
        return Judgement(
            {**_accuracies(firmware), **_unknown(firmware)},
            {who: _accuracies(some) for who, some in answers.items()},
            _table(firmware),
            spans,
        )


def sessions_of(wearers: gestures.Wearers, n_draws: int = N_DRAWS) -> list[Session]:
    """Return the sessions of some wearers and sides, n_draws for each."""
    out = []
    n = WINDOW_S * gestures.WATCH_RATE_HZ
    for (wearer, side), exercises in sorted(wearers.items()):
        for index in range(n_draws):
            # The seed depends on wearer and draw. So some of the wearers alone have the same
            # figures as among all of them.
            draw = np.random.default_rng([SEED, index, *f"{wearer}{side}".encode()])
            windows = {}
            for exercise, frames in sorted(exercises.items()):
                some = frames[: len(frames) // n * n].reshape(-1, n, frames.shape[1])
                windows[exercise] = some[draw.permutation(len(some))]
            out.append(_session(f"{wearer}_{side}_draw{index + 1}", windows))
    return out


def _session(name: str, windows: dict[str, np.ndarray]) -> Session:
    """Return a session.

    windows: by exercise, int16 (windows, samples, channels). The first ones are enrolled.
    """
    _, n, n_channels = next(iter(windows.values())).shape
    recording = Recording(gestures.WATCH_RATE_HZ, n_channels)
    about = []
    enrolled = dict.fromkeys(windows, 0)
    for k in SHOTS:
        for exercise, some in windows.items():
            until = min(k, len(some) - 1)
            for frames in some[enrolled[exercise] : until]:
                recording.add(frames, f"enrol {exercise} 1")
                about.append(Asked(exercise, 0))
            enrolled[exercise] = until
        for exercise, some in windows.items():
            for frames in some[enrolled[exercise] :]:
                recording.add(frames)
                about.append(Asked(exercise, k))
    config = {
        "kind": "motion",
        "rate_hz": gestures.WATCH_RATE_HZ,
        "n_channels": n_channels,
        "n_window": n,
        "n_hop": n,
    }
    return Session(name, config, recording, about)


def _accuracies(answers: Answers) -> dict[str, float | None]:
    """Return for each k the mean accuracy over the sessions, and its standard deviation."""
    out: dict[str, float | None] = {}
    for k in SHOTS:
        shares = [metrics.accuracy(*said) for (_, shots), said in answers.items() if shots == k]
        out[f"accuracy_{k}"] = metrics.mean(shares)
        out[f"accuracy_{k}_std"] = float(np.std([share for share in shares if share is not None]))
    return out


def _unknown(answers: Answers) -> dict[str, float | None]:
    """Return for each k the share of windows answered with unknown. They count as wrong."""
    return {
        f"unknown_{k}": metrics.mean(
            [float(np.mean(said == "")) for (_, shots), (_, said) in answers.items() if shots == k]
        )
        for k in SHOTS
    }


def _table(answers: Answers) -> list[dict[str, object]]:
    """Return one row for each wearer and side: the mean over its draws."""
    wearers: dict[str, Answers] = {}
    for (name, k), said in answers.items():
        wearers.setdefault(name.rpartition("_draw")[0], {})[name, k] = said
    return [
        {"file": wearer, "draws": len(some) // len(SHOTS), **_accuracies(some)}
        for wearer, some in wearers.items()
    ]
