"""Windows of labelled recordings, as `training` needs them.

Enters: labelled recordings and a board's settings. Leaves: the firmware's feature vector of each
window, with label, group and session. The class also fits heads to the windows, quantises them and
has the firmware embed them. words.py does the same for utterances.
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
    """The windows to embed and to tell apart.

    x: (n, n_features), int8 values as floats. label, group, session, recording: (n,) indices.
    session: numbered over all groups. labels, groups: the names behind the indices.
    apart: (n,) bool, a choice of windows that share no sample with each other.
    """

    x: np.ndarray
    label: np.ndarray
    group: np.ndarray
    session: np.ndarray
    recording: np.ndarray
    labels: list[str]
    groups: list[str]
    apart: np.ndarray
    method: ClassVar[str] = "softmax"  # The default.
    most_asked: ClassVar[int] = 300  # Windows of a round, about: keeps the firmware's run short.

    @property
    def n_in(self) -> int:
        """Number of values that enter a head."""
        return self.x.shape[1]

    def fit(self, method: str, learn: np.ndarray, n_out: int) -> Fitted:
        """Train a head on the windows in learn, (n,) bool. See fitting.

        Its answers are indices into known(learn)[0].
        """
        return fitting.fit(method, self.x[learn], self.known(learn)[1], self.session[learn], n_out)

    def judged(self, layers: list[Layer], learn: np.ndarray) -> Fitted:
        """Return given layers with a softmax on top, fitted to the windows in learn."""
        return Fitted(layers, fitting.softmax(self.made(layers)[learn], self.known(learn)[1]))

    def known(self, learn: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return (labels that occur in learn, index into them of each window in learn)."""
        return np.unique(self.label[learn], return_inverse=True)

    def network(self, layers: Sequence[Layer], learn: np.ndarray) -> bytes:
        """Return layers as the network part of a head file, calibrated on the windows in learn."""
        return quantised(layers, self.x[learn])

    def made(self, layers: Sequence[Layer]) -> np.ndarray:
        """Return the embeddings of all windows in real numbers, (n, n_out)."""
        return forward(layers, self.x)

    def embedded(
        self, networks: Sequence[bytes | str], rounds: Sequence[Round], settings: Mapping[str, Any]
    ) -> tuple[list[np.ndarray], list[list[str]]]:
        """Return the firmware's embeddings of all windows and its answers. See embedding."""
        return embedded(self.x, networks, rounds, settings)

    def cost(self, layers: Sequence[Layer], file_bytes: int) -> dict[str, Any]:
        """Return the estimated cost on a board. See cost."""
        return cost(self.n_in, layers, file_bytes)


def places(recordings: Sequence[Labelled], recording: np.ndarray) -> dict[str, Any]:
    """Return the fields of Windows that follow from the recordings.

    recording: (n,) int, the index of each window's recording.
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
    """Have the firmware compute the windows of recordings.

    Raises UsageError if the settings scale means by what the board itself learns: the features
    that a head will meet are then not known.
    """
    if config.get("mean") == "ranged" or config["kind"] == "telemetry" and "mean" not in config:
        raise UsageError(
            "means are ranged by what the board itself learns: a head cannot know them",
            hint="--set mean=scaled",
        )
    recording, x, n_apart = extracted(recordings, config)
    first = np.searchsorted(recording, recording)  # First window of each window's recording.
    apart = (np.arange(len(recording)) - first) % n_apart == 0
    return Windows(x=x, apart=apart, **places(recordings, recording))
