"""Findings of a check of a sensor, in words that go into a bug report.

Enters: what was found. Leaves: a verdict, with a remedy where something is wrong."""

from __future__ import annotations

from dataclasses import dataclass

OK, WARN, FAIL = "ok", "look", "WRONG"


@dataclass(frozen=True)
class Verdict:
    """One finding: what was checked, OK, WARN or FAIL, what was found, and the remedy."""

    what: str
    state: str
    found: str
    remedy: str = ""
