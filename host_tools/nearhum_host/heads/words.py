"""Utterances of labelled recordings of words, and heads for them.

Enters: recordings of words and a board's settings. Leaves: the same as windows.py, for utterances.

A head for words maps each frame together with its neighbours. The firmware cuts the utterances
out, embeds their frames (embedding/context.py), and tells words apart by aligning them in time.
For training, each utterance is divided into STATES equal parts. A class is one part of one word in
one session. For the softmax and the nearest mean, an utterance is represented by the mean frame of
each part.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ..errors import HostError, UsageError
from . import fitting
from .cost import cost
from .embedding import N_CEPSTRA, Round, embedded_words, spoken
from .fitting import Fitted
from .labelled import Labelled
from .layers import Layer, check_fits, forward, quantised
from .windows import Windows, places

STATES = 12  # Parts of an utterance.
WIDTH = 3  # Frames that enter a head together, as in context.py.
METHODS = ("lda", "softmax")
HEAP_BYTES = 2900  # Buffers and views of context.py on a 32-bit board.


@dataclass(frozen=True)
class Utterances(Windows):
    """The utterances to embed and to tell apart. See Windows.

    x: (n, STATES * N_CEPSTRA), the mean frame of each part.
    frames: for each utterance its cepstra, (n_frames, N_CEPSTRA). n_bands: bands of a frame.
    """

    frames: list[np.ndarray]
    n_bands: int
    method: ClassVar[str] = METHODS[0]  # As accurate as softmax, and a hundred times as fast.
    most_asked: ClassVar[int] = 60  # Few, because each is aligned with every example.

    @property
    def n_in(self) -> int:
        return WIDTH * N_CEPSTRA

    def fit(self, method: str, learn: np.ndarray, n_out: int) -> Fitted:
        if method not in METHODS:
            raise UsageError(f"method {method!r} for words", hint="one of " + ", ".join(METHODS))
        rows, part, which = self._rows(learn)
        layer = fitting.linear(
            method, rows, self.label[which] * STATES + part, self.session[which], N_CEPSTRA
        )
        return self.judged([layer], learn)

    def judged(self, layers: list[Layer], learn: np.ndarray) -> Fitted:
        check_fits(layers, self.n_in)
        n_out = len(layers[-1].weights)
        if n_out != N_CEPSTRA:
            raise HostError(
                f"a head for words makes {n_out} values", f"{N_CEPSTRA} of {self.n_in}, a frame"
            )
        return super().judged(layers, learn)

    def network(self, layers: Sequence[Layer], learn: np.ndarray) -> bytes:
        # The board's limits for words are in the unit of cepstra. Choose the gain so that embedded
        # frames lie as far from the mean of their class as cepstra do.
        rows, part, which = self._rows(learn)
        _, classes = np.unique(
            np.stack([self.label[which], self.session[which], part]), axis=1, return_inverse=True
        )
        classes, middle = classes.reshape(-1), rows[:, WIDTH // 2 * N_CEPSTRA :][:, :N_CEPSTRA]
        return quantised(
            layers, rows, _apart(middle, classes) / _apart(forward(layers, rows), classes)
        )

    def made(self, layers: Sequence[Layer]) -> np.ndarray:
        return _in_parts([forward(layers, stacked(frames)) for frames in self.frames])

    def embedded(
        self, networks: Sequence[bytes | str], rounds: Sequence[Round], settings: Mapping[str, Any]
    ) -> tuple[list[np.ndarray], list[list[str]]]:
        outs, answers = embedded_words(
            self.frames, networks, rounds, self.n_bands, settings["reject"]
        )
        return [_in_parts(out) for out in outs], answers

    def cost(self, layers: Sequence[Layer], file_bytes: int) -> dict[str, Any]:
        of_frame = cost(self.n_in, layers, file_bytes)
        of_frame["heap_bytes"] += HEAP_BYTES
        return {
            key if key.endswith("bytes") else f"{key}_a_frame": value
            for key, value in of_frame.items()
        }

    def _rows(self, learn: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return (input of a head, part of the utterance, utterance) for every frame in learn."""
        which = np.flatnonzero(learn)
        part = np.concatenate([_parts(len(self.frames[i])) for i in which])
        lengths = [len(self.frames[i]) for i in which]
        return (
            np.concatenate([stacked(self.frames[i]) for i in which]),
            part,
            np.repeat(which, lengths),
        )


def of_recordings(recordings: Sequence[Labelled], config: Mapping[str, Any]) -> Utterances:
    """Have the firmware find the utterances of recordings.

    Raises UsageError if it hears none in all recordings of a label.
    """
    recording, frames, n_bands = spoken(recordings, config)
    heard = {recordings[i].label for i in recording}
    silent = next((r for r in recordings if r.label not in heard), None)
    if silent:
        raise UsageError(
            f"the board hears no word in the recordings of {silent.label!r}, such as {silent.name}",
            hint="louder ones, or the rate they were recorded at: --rate",
        )
    apart = np.ones(len(frames), bool)
    return Utterances(
        x=_in_parts(frames),
        apart=apart,
        frames=frames,
        n_bands=n_bands,
        **places(recordings, recording),
    )


def stacked(frames: np.ndarray) -> np.ndarray:
    """Join each of n frames, (n, k), with its neighbours. Returns (n, WIDTH * k).

    The first and last frames are repeated at the ends.
    """
    at = np.arange(len(frames))[:, None] + np.arange(WIDTH) - WIDTH // 2
    return frames[at.clip(0, len(frames) - 1)].reshape(len(frames), -1)


def _parts(n: int) -> np.ndarray:
    return np.arange(n) * STATES // n


def _in_parts(utterances: Sequence[np.ndarray]) -> np.ndarray:
    """Return the mean of each part of every utterance, (n, STATES * k)."""
    out = []
    for rows in utterances:
        # An utterance of fewer than STATES frames has some of them repeated.
        at = np.arange(max(len(rows), STATES)) * len(rows) // max(len(rows), STATES)
        part, sums = _parts(len(at)), np.zeros((STATES, rows.shape[1]))
        np.add.at(sums, part, rows[at])
        out.append((sums / np.bincount(part)[:, None]).reshape(-1))
    return np.stack(out)


def _apart(rows: np.ndarray, classes: np.ndarray) -> float:
    """Return the mean absolute difference of rows, (n, k), from the mean of their class."""
    sums = np.zeros((classes.max() + 1, rows.shape[1]))
    np.add.at(sums, classes, rows)
    return float(np.abs(rows - (sums / np.bincount(classes)[:, None])[classes]).mean())
