"""Windows: what the firmware made of labelled recordings, and what training a head asks of it.

Enters: labelled recordings and a board's settings. Leaves: feature vectors by window with label,
group and session; heads fitted to them, their int8, and what the firmware makes of it. words.py has
the same of utterances.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ..errors import UsageError
from . import fitting
from .cost import cost
from .embedding import Round, embedded, extracted
from .fitting import Fitted
from .labelled import Labelled
from .layers import Layer, forward, quantised


@dataclass(frozen=True)
class Windows:
    """What is embedded and told apart. x: (n, n_features); label to recording: indices (n,).

    session: of all groups together. apart: bool, those that share no sample.
    """

    x: np.ndarray
    label: np.ndarray
    group: np.ndarray
    session: np.ndarray
    recording: np.ndarray
    labels: list[str]
    groups: list[str]
    apart: np.ndarray
    method: ClassVar[str] = "softmax"  # where none is asked for
    most_asked: ClassVar[int] = 300  # a round

    @property
    def n_in(self) -> int:
        """Values that a head takes."""
        return self.x.shape[1]

    def fit(self, method: str, learn: np.ndarray, n_out: int) -> Fitted:
        """Return what a method makes of those to learn from, bool (n,): see fitting.

        Answers count known labels.
        """
        return fitting.fit(method, self.x[learn], self.known(learn)[1], self.session[learn], n_out)

    def judged(self, layers: list[Layer], learn: np.ndarray) -> Fitted:
        """Return layers that are there with a softmax behind them."""
        return Fitted(layers, fitting.softmax(self.made(layers)[learn], self.known(learn)[1]))

    def known(self, learn: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return (labels among those to learn from, which of them each is)."""
        return np.unique(self.label[learn], return_inverse=True)

    def network(self, layers: Sequence[Layer], learn: np.ndarray) -> bytes:
        """Return layers in int8."""
        return quantised(layers, self.x[learn])

    def made(self, layers: Sequence[Layer]) -> np.ndarray:
        """Return what layers make of all, (n, n_out), in real numbers."""
        return forward(layers, self.x)

    def embedded(
        self, networks: Sequence[bytes | str], rounds: Sequence[Round], settings: Mapping[str, Any]
    ) -> tuple[list[np.ndarray], list[list[str]]]:
        """Return what the firmware makes of all by each network, and its answers: see embedding."""
        return embedded(self.x, networks, rounds, settings)

    def cost(self, layers: Sequence[Layer], file_bytes: int) -> dict[str, Any]:
        """Return what layers take on a board."""
        return cost(self.n_in, layers, file_bytes)


def places(recordings: Sequence[Labelled], recording: np.ndarray) -> dict[str, Any]:
    """Return label, group, session, labels and groups of what comes from recordings by their
    number, (n,).
    """
    labels, groups = sorted({r.label for r in recordings}), sorted({r.group for r in recordings})
    sessions = sorted({(r.group, r.session) for r in recordings})
    return {
        "label": np.array([labels.index(recordings[i].label) for i in recording], int),
        "group": np.array([groups.index(recordings[i].group) for i in recording], int),
        "session": np.array(
            [sessions.index((recordings[i].group, recordings[i].session)) for i in recording], int
        ),
        "recording": recording,
        "labels": labels,
        "groups": groups,
    }


def of_recordings(recordings: Sequence[Labelled], config: Mapping[str, Any]) -> Windows:
    """Return the windows of recordings.

    Raises UsageError where a head cannot know what the board will make of them.
    """
    if config.get("mean") == "ranged" or config["kind"] == "telemetry" and "mean" not in config:
        raise UsageError(
            "means are ranged by what the board itself learns: a head cannot know them",
            hint="--set mean=scaled",
        )
    recording, x, n_apart = extracted(recordings, config)
    first = np.searchsorted(recording, recording)  # of its recording; recordings come in order
    apart = (np.arange(len(recording)) - first) % n_apart == 0
    return Windows(x=x, apart=apart, **places(recordings, recording))
