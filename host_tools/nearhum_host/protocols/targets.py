"""What each protocol asks of the firmware: the figure that must hold, and where it is going.

The one table of it; figures as the protocols name them, fractions from 0 to 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Target:
    """must, reach: what a figure is to be at least, or at most; None where nothing is asked."""

    must: float | None
    reach: float | None = None
    at_most: bool = False

    def holds(self, figure: float | None) -> bool:
        """Return whether a figure is what it must be."""
        if self.must is None:
            return True
        return figure is not None and (figure <= self.must if self.at_most else figure >= self.must)

    def said(self) -> tuple[str, str]:
        """Return must and reach as a person writes them, in percent; "" for none."""
        sign = "≤" if self.at_most else "≥"
        must, reach = ("" if v is None else f"{sign} {100 * v:.4g}" for v in (self.must, self.reach))
        return must, reach


def _at_most(must: float | None, reach: float | None = None) -> Target:
    return Target(must, reach, at_most=True)


TARGETS: Mapping[str, Mapping[str, Target]] = {
    "skab": {"f1": Target(0.88, 0.91), "far": _at_most(0.06, 0.05), "mar": _at_most(0.17, 0.12)},
    "adi_motor": {"tpr": Target(0.98, 0.995), "far": _at_most(0.02, 0.01)},
    "femto": {"tpr": Target(0.92, 0.95), "far": _at_most(0.05, 0.02), "early_warning": Target(None, 0.6)},
    "fan": {"auc": Target(0.99, 0.998), "far": _at_most(0.02), "far_after": _at_most(0.05, 0.01)},
    "watch": {"accuracy_5": Target(0.98, 0.99), "accuracy_1": Target(None, 0.93)},
    "csi": {"tpr": Target(0.89), "far": _at_most(0.01, 0.005), "tpr_worst": Target(None, 0.98)},
    "rssi": {"tpr_least": Target(0.95, 0.98), "far": _at_most(None, 0.001)},  # false alarms: as the plain baseline
    "fsdd": {"accuracy_5": Target(0.975, 0.99), "eer_5": _at_most(0.02, 0.01)},
    "wakeword": {"eer": _at_most(0.09, 0.05)},
}
