"""Common parts of the protocols of spoken words: recordings of single words, and the board's
answers.

The clips of the sets are cut close to the word, but a board hears a word among other sounds. So
noise is added before and after each clip, as loud as the quiet parts of the recording, with less
power at high frequencies, as in rooms.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from ...recordings.nhr import Recording
from .. import metrics
from .base import Run

BEFORE_S, BEHIND_S = 0.25, 0.55  # The board answers within 0.45 s of a word's end.
QUIET_PERCENT = 10
FRAME_S = 0.016
FAR = 1e9  # Stands for the distance of a word too far for the board to state it.


@dataclass(frozen=True)
class Asked:
    """The content of one segment.

    word: the truth. shots: 0 while enrolling, otherwise the number of examples enrolled.
    """

    word: str
    shots: int


@dataclass(frozen=True)
class Heard:
    """What the board answered to one segment.

    label: "" for none. distances: of the labels that were near, in the board's unit.
    """

    label: str
    distances: dict[str, int]
    n_utterances: int


def quiet_level(clips: Iterable[np.ndarray], rate_hz: int) -> float:
    """Return the RMS of the quiet parts in counts, at least 1: the 10th percentile over frames of
    16 ms.
    """
    n = round(FRAME_S * rate_hz)
    frames = np.concatenate([clip[: len(clip) // n * n].reshape(-1, n) for clip in clips]).astype(
        float
    )
    return max(1.0, float(np.percentile(np.sqrt((frames**2).mean(axis=1)), QUIET_PERCENT)))


def noise(n: int, level: float, draw: np.random.Generator) -> np.ndarray:
    """Return n samples of noise with an RMS of level, int16: white noise through a low-pass, pole
    at 0.9.
    """
    pole, settle = 0.9, 64
    reach = pole ** np.arange(settle)
    samples = (
        np.convolve(draw.normal(size=n + settle), reach)[settle : settle + n]
        * np.sqrt(1 - pole**2)
        * level
    )
    return np.clip(np.rint(samples), -32768, 32767).astype(np.int16)


def add(
    recording: Recording, clip: np.ndarray, level: float, draw: np.random.Generator, cue: str = ""
) -> None:
    """Append a segment: the clip, int16 (n,), within noise of that level."""
    before, behind = (
        noise(round(s * recording.rate_hz), level, draw) for s in (BEFORE_S, BEHIND_S)
    )
    recording.add(np.concatenate([before, clip, behind])[:, None], cue)


def heard(run: Run, recording: Recording) -> list[Heard]:
    """Return the board's answer to each segment: the first label, and the smallest distance of
    each.
    """
    told: dict[int, dict[str, int]] = {}
    for event in run.events:
        if event.name == "heard":
            told[event.what["window"]] = event.what["distances"]
    out = []
    for windows in run.windows_of(recording):
        labels = [str(run.labels[w]) for w in windows if run.labels[w]]
        near: dict[str, int] = {}
        answers = [told[w] for w in windows if w in told]
        for distances in answers:
            for label, distance in distances.items():
                near[label] = min(distance, near.get(label, distance))
        out.append(Heard(labels[0] if labels else "", near, len(answers)))
    return out


def distances(answers: Sequence[Heard], words: Sequence[str]) -> np.ndarray:
    """Return the distances (answers, words), FAR for a word that was not near."""
    return np.array(
        [[answer.distances.get(word, FAR) for word in words] for answer in answers]
    ).reshape(-1, len(words))


def recognition(
    truth: Sequence[str], answers: Sequence[Heard], words: Sequence[str]
) -> dict[str, float | None]:
    """Return the figures of answers about enrolled words.

    accuracy: the nearest label is right. open: the label that the board gave is right. unknown: it
        gave none. eer: equal error rate of a word's distance against the other words, the mean over
        the words.
    """
    true = np.array(truth)
    found = distances(answers, words)
    nearest = np.where(found.min(axis=1) < FAR, np.array(words)[found.argmin(axis=1)], "")
    said = np.array([answer.label for answer in answers])
    return {
        "accuracy": metrics.accuracy(true, nearest),
        "open": metrics.accuracy(true, said),
        "unknown": float(np.mean(said == "")),
        "eer": metrics.mean(
            [metrics.eer(found[true == w, i], found[true != w, i]) for i, w in enumerate(words)]
        ),
    }


def guesses(
    truth: Sequence[str], words: Sequence[str], draw: np.random.Generator
) -> dict[str, dict[str, float | None]]:
    """Return the same figures of answers that need no board: a random word, always one, always
    none.
    """
    n = len(truth)
    chance = draw.random((n, len(words)))

    def figures(found: np.ndarray) -> dict[str, float | None]:
        some = [
            Heard(
                words[int(row.argmin())] if row.min() < FAR else "",
                dict(zip(words, row, strict=True)),
                1,
            )
            for row in found
        ]
        return recognition(truth, some, words)

    first = np.tile(np.arange(len(words), dtype=float), (n, 1))
    return {
        "random": figures(chance),
        "always_the_first": figures(first),
        "never": figures(np.full((n, len(words)), FAR)),
    }


def spread(rows: Sequence[dict[str, float | None]]) -> dict[str, float | None]:
    """Return the mean of each figure over the rows and, as x_std, its standard deviation."""
    out: dict[str, float | None] = {}
    for name in dict.fromkeys(name for row in rows for name in row):
        some = [row.get(name) for row in rows]
        out[name] = metrics.mean(some)
        out[f"{name}_std"] = float(np.std([value for value in some if value is not None]))
    return out
