"""Findings of a check of a sensor, in words that go into a bug report.

Enters: what was found. Leaves: a verdict, with a remedy where something is wrong."""

from __future__ import annotations

from dataclasses import dataclass

OK, WARN, FAIL = "ok", "look", "WRONG"


@dataclass(frozen=True)
class Verdict:
    """What was looked at, how it is (OK, WARN, FAIL), what was found, and what to do about it."""

    what: str
    state: str
    found: str
    remedy: str = ""
