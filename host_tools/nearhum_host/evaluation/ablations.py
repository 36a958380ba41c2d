"""Ablations: settings changed one at a time, to show what each part of the firmware contributes.

Enters: nothing. Leaves: ABLATIONS, for each protocol (name, settings). They run on the fixed path,
    beside the defaults.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Settings = Mapping[str, Any]
_NO_SMOOTHING: tuple[str, Settings] = ("no smoothing", {"smooth": 256})
_ONE_MODE: tuple[str, Settings] = ("one mode", {"n_modes": 1})
# Drift is followed only within the guard's budget, in spreads. 64 is as good as no budget.
_DRIFT: tuple[str, Settings] = ("slow drift followed", {"drift_budget": 3})
_NO_BUDGET: tuple[str, Settings] = ("slow drift followed, no guard", {"drift_budget": 64})
_NO_GUARD: Settings = {"teach": "auto", "teach_budget": 1000, "teach_days": 0.001}

# By protocol: (what is left out or changed, the settings that do it).
ABLATIONS: Mapping[str, Sequence[tuple[str, Settings]]] = {
    "skab": (
        ("one spread per feature, no covariance", {"spread": "diagonal"}),
        ("slow drift not followed", {"drift_budget": 0}),
        _NO_BUDGET,
        ("an alarm ends at the threshold", {"release": 0}),
        _NO_SMOOTHING,
        _ONE_MODE,
    ),
    "adi_motor": (
        _NO_SMOOTHING,
        _ONE_MODE,
        ("no least spread", {"spread_floor": 1}),
        _DRIFT,
        _NO_BUDGET,
    ),
    "femto": (
        _NO_SMOOTHING,
        _ONE_MODE,
        ("no least spread", {"spread_floor": 1}),
        _DRIFT,
        _NO_BUDGET,
    ),
    "fan": (
        _NO_SMOOTHING,
        _ONE_MODE,
        ("bands keep their level", {"level": "kept"}),
        ("12 bands", {"n_bands": 12}),
        _DRIFT,
        _NO_BUDGET,
    ),
    "watch": (
        ("no bands", {"n_bands": 0}),
        ("no means", {"mean": "off"}),
        ("bands alone", {"mean": "off", "statistics": ""}),
        ("near misses learned automatically", {"teach": "auto"}),
        ("near misses learned automatically, no guard", _NO_GUARD),
    ),
    "csi": (
        _NO_SMOOTHING,
        ("no settling time before learning", {"settle_s": 0}),
        ("no means", {"mean": "off"}),
        _DRIFT,
        _NO_BUDGET,
    ),
    "rssi": (_NO_SMOOTHING, ("means alone", {"statistics": ""})),
}
