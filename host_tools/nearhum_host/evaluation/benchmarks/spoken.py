"""What the protocols of spoken words share: recordings of single words, and what the board
heard in each.

The clips of the sets are cut close to the word, a board hears one among other sounds: before and
behind each lies noise as loud as the quiet parts of the recording, with the fall towards high
frequencies that rooms have.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from ...recordings.nhr import Recording
from .. import metrics
from .base import Run

BEFORE_S, BEHIND_S = 0.25, 0.55  # an answer comes within 0.45 s of a word's end
QUIET_PERCENT = 10
FRAME_S = 0.016
FAR = 1e9  # the distance of a word that was not near enough to be told


@dataclass(frozen=True)
class Asked:
    """What one segment is for.

    word: the truth; shots: 0 while enrolling, else how many examples there are.
    """

    word: str
    shots: int


@dataclass(frozen=True)
class Heard:
    """What the board said to one segment.

    label: "" for none; distances: of the labels near, in its unit.
    """

    label: str
    distances: dict[str, int]
    n_utterances: int


def quiet_level(clips: Iterable[np.ndarray], rate_hz: int) -> float:
    """Return the RMS in counts, 1 at least, of the quiet parts: the 10th percentile over frames
    of 16 ms.
    """
    n = round(FRAME_S * rate_hz)
    frames = np.concatenate([clip[: len(clip) // n * n].reshape(-1, n) for clip in clips]).astype(
        float
    )
    return max(1.0, float(np.percentile(np.sqrt((frames**2).mean(axis=1)), QUIET_PERCENT)))


def noise(n: int, level: float, draw: np.random.Generator) -> np.ndarray:
    """Return n samples of noise of an RMS, a first-order low-pass of white noise (pole at 0.9),
    int16.
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
    """Append a segment: the clip, int16 (n,), in noise of that level."""
    before, behind = (
        noise(round(s * recording.rate_hz), level, draw) for s in (BEFORE_S, BEHIND_S)
    )
    recording.add(np.concatenate([before, clip, behind])[:, None], cue)


def heard(run: Run, recording: Recording) -> list[Heard]:
    """Return for each segment what the board answered in it: the first label, and the least
    distance of each.
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
    """Return the distances (answers, words), FAR where one was not near."""
    return np.array(
        [[answer.distances.get(word, FAR) for word in words] for answer in answers]
    ).reshape(-1, len(words))


def recognition(
    truth: Sequence[str], answers: Sequence[Heard], words: Sequence[str]
) -> dict[str, float | None]:
    """Return what the answers to words of which all are enrolled are worth.

    accuracy: the nearest label is right; open: the label the board gave is; unknown: it gave none;
    eer: equal error rate of one word's distance against the other words, the mean over the words.
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
    """Return the same figures of answers that need no board: a word at random, always one,
    always none.
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
