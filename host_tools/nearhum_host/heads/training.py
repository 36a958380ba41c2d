"""Train heads: from labelled recordings to a head file, an int8 network without its last layer.

Enters: labelled recordings, and a board's settings. Leaves: the bytes of a head file with its
model card, and the head's accuracy. The firmware, run under MicroPython, computes the features,
the int8 embeddings and the answers after a few examples. Only the weights come from here. The same
recordings give the same bytes.

The accuracy is measured four times:

1. on recordings that were held out
2. on groups (speakers, wearers, machines) that were held out
3. on groups that were held out, after 1, 3 and 5 examples, with the board's own recogniser
4. on labels that were held out, likewise

The head in the file is trained on four of five recordings of each label, which gives figure 1. For
the other figures, further heads are trained in the same way without the groups or labels in
question.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import nearhum
import numpy as np

from ..boards.checking.configuration import completed
from ..boards.head_file import FEATURES
from ..errors import UsageError
from ..evaluation import metrics
from . import card, few_shot, windows, words
from .embedding import extracted
from .fitting import Fitted
from .labelled import Labelled
from .layers import Layer, check_fits
from .windows import Windows

__all__ = ["Labelled", "Trained", "extracted", "import_head", "train"]

HELD_OUT = 5  # Every fifth recording of a label is held out for testing.
FOLDS = 3  # Groups, and labels, are divided into this many parts, each held out in turn.


@dataclass(frozen=True)
class Trained:
    """A trained head.

    head: the bytes of the file. figures: accuracy (0 to 1), counts, and the cost on a board.
    """

    head: bytes
    figures: dict[str, Any]


def train(
    recordings: Sequence[Labelled],
    config: Mapping[str, Any],
    method: str | None = None,
    n_out: int = 24,
    told: Mapping[str, Any] | None = None,
) -> Trained:
    """Train a head on four of five recordings of each label, and measure its accuracy.

    config: the board's settings, without source and head.
    method: one of heads.fitting.METHODS. None chooses lda for words and softmax for all else.
    n_out: dimensions of the embedding, at most. Words always have 10.
    told: further entries for the model card.
    Raises UsageError if there is one label only, or a label has one recording only. Raises
    HostError if the firmware fails.
    """

    def fitted(w: Windows, learn: np.ndarray) -> tuple[Fitted, np.ndarray]:
        return w.fit(method or w.method, learn, n_out), w.known(learn)[0]

    return _made(recordings, config, fitted, told or {}, method)


def import_head(
    recordings: Sequence[Labelled],
    config: Mapping[str, Any],
    layers: Sequence[Layer],
    told: Mapping[str, Any],
) -> Trained:
    """Make a head of layers that were trained elsewhere.

    The recordings calibrate int8 and measure the accuracy. The layers are not trained further.
    "Never seen" in the figures means not used for calibration: whether the original training saw
    these groups or labels is not known here.

    Arguments as for train. Raises HostError that names the layer if a board cannot run it.
    """

    def fitted(w: Windows, learn: np.ndarray) -> tuple[Fitted, np.ndarray]:
        check_fits(layers, w.n_in)
        return w.judged(list(layers), learn), w.known(learn)[0]

    return _made(recordings, config, fitted, told, "imported")


def _made(
    recordings: Sequence[Labelled],
    config: Mapping[str, Any],
    fitted,
    told: Mapping[str, Any],
    method: str | None,
) -> Trained:
    w = _windows(recordings, config)
    labels, groups = w.labels, w.groups
    asked = np.isin(w.recording, list(_held_out(w)))
    if not asked.any() or set(w.label[~asked]) != set(w.label):
        raise UsageError(
            "a label has no window to learn from, or none to test",
            hint="longer recordings, or more",
        )
    folds = [("recordings held out", asked)]
    folds += [
        ("groups never seen", w.group % FOLDS == i) for i in range(FOLDS) if len(groups) >= FOLDS
    ]
    # A fold needs two labels to train on, and two others to tell apart.
    n_label_folds = min(FOLDS, len(labels) // 2) if len(labels) >= 4 else 0
    folds += [("labels never seen", w.label % n_label_folds == i) for i in range(n_label_folds)]
    fits = [fitted(w, ~fold) for _, fold in folds]
    networks = [
        w.network(fit.layers, ~fold) for (fit, _), (_, fold) in zip(fits, folds, strict=True)
    ]
    settings = _completed(config)
    rounds = list(few_shot.rounds_of(w, folds))
    outs, answers = w.embedded(["", *networks], [r for _, r in rounds], settings)
    rows: dict[str, list[dict[str, float | None]]] = {}
    for (what, fold), (fit, known), out in zip(folds, fits, outs[1:], strict=True):
        if what != "labels never seen":
            rows.setdefault(what, []).append(_worth(w, fold, fit, known, out))
    figures: dict[str, Any] = {
        "labels": len(labels),
        "groups": len(groups),
        "recordings": len(recordings),
        "windows": int((~asked).sum()),
        "accuracy": [{"asked of": what, **_mean(some)} for what, some in rows.items()],
        "few_shot": few_shot.right_answers(w, rounds, answers),
    }
    parsed = card.unpack(networks[0])
    about = _card(recordings, settings, w, parsed, figures)
    head = card.pack(networks[0], {**about, "method": method or w.method, **told})
    figures |= {"n_out": parsed.n_out, "head_bytes": len(networks[0]), "file_bytes": len(head)}
    figures["on_the_board"] = w.cost(parsed.layers, len(head))
    return Trained(head, figures)


def _windows(recordings: Sequence[Labelled], config: Mapping[str, Any]) -> Windows:
    if len({r.label for r in recordings}) < 2:
        raise UsageError(
            f"one label alone: {recordings[0].label}", hint="at least two, to tell apart"
        )
    of = words if _completed(config)["recognise"] == "words" else windows
    return of.of_recordings(sorted(recordings, key=_place), config)


def _completed(config: Mapping[str, Any]) -> Mapping[str, Any]:
    return completed({**config, "source": {"driver": "replay"}})


def _place(recording: Labelled) -> tuple[str, ...]:
    return recording.label, recording.group, recording.session, recording.name


def _held_out(windows: Windows) -> Iterator[int]:
    """Yield every fifth recording of each label, or the last one of a label with fewer."""
    for label in range(len(windows.labels)):
        own = np.unique(windows.recording[windows.label == label])
        if len(own) < 2:
            raise UsageError(
                f"label {windows.labels[label]!r} has {len(own)} recordings of a window's length",
                hint="two at least: one is trained on, another is asked",
            )
        yield from own[HELD_OUT - 1 :: HELD_OUT] if len(own) >= HELD_OUT else own[-1:]


def _worth(
    w: Windows, fold: np.ndarray, fit: Fitted, known: np.ndarray, out: np.ndarray
) -> dict[str, float | None]:
    """Return the accuracy, 0 to 1, of a head on the fold of windows that it was trained without.

    known: labels that the head was trained on. out: the firmware's int8 embeddings of all windows.
    """
    asked = fold & np.isin(w.label, known)
    real = w.made(fit.layers)
    gain = (out * real).sum() / max((real**2).sum(), 1e-9)
    true = w.label[asked]
    return {
        "softmax": metrics.accuracy(true, known[fit.answer(real[asked])]),
        "softmax, int8": metrics.accuracy(true, known[fit.answer(out[asked] / gain)]),
        "cut": _nearest_mean(real, w.label, fold, asked),
        "cut, int8": _nearest_mean(out, w.label, fold, asked),
        "without head": _nearest_mean(w.x, w.label, fold, asked),
        "most frequent": float(np.bincount(true).max() / len(true)),
    }


def _nearest_mean(
    x: np.ndarray, y: np.ndarray, fold: np.ndarray, asked: np.ndarray
) -> float | None:
    """Return the accuracy of the nearest label mean on the windows asked.

    The means are those of the windows outside the fold.
    """
    known = np.unique(y[~fold])
    means = np.stack([x[~fold & (y == label)].mean(axis=0) for label in known])
    away = ((x[asked][:, None] - means) ** 2).sum(axis=2)
    return metrics.accuracy(y[asked], known[away.argmin(axis=1)])


def _mean(rows: Sequence[dict[str, float | None]]) -> dict[str, float | None]:
    return {name: metrics.mean([row[name] for row in rows]) for name in rows[0]}


# ---- the card ------------------------------------------------------------------------------------


def _card(
    recordings: Sequence[Labelled],
    settings: Mapping[str, Any],
    w: Windows,
    parsed: card.HeadFile,
    figures,
) -> dict[str, Any]:
    samples = hashlib.sha256()
    for r in sorted(recordings, key=_place):
        samples.update(
            f"{r.label}\0{r.group}\0{r.frames.shape}\0".encode() + r.frames.astype("<i2").tobytes()
        )
    return {
        "format": 1,
        "trained_on": {
            "labels": w.labels,
            "groups": [g for g in w.groups if g],
            "recordings": len(recordings),
            "seconds": round(sum(len(r.frames) for r in recordings) / settings["rate_hz"], 1),
            "windows": figures["windows"],
            "samples_sha256": samples.hexdigest(),
        },
        "settings": {key: value for key, value in settings.items() if key in FEATURES},
        "layers": card.shapes(parsed.n_in, parsed.layers),
        "figures": {key: _rounded(figures[key]) for key in ("accuracy", "few_shot")},
        "versions": {
            "nearhum": nearhum.__version__,
            **{p: version(p) for p in ("numpy", "scikit-learn")},
        },
    }


def _rounded(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [{k: round(v, 4) if isinstance(v, float) else v for k, v in row.items()} for row in rows]
