"""nearhum live: show at the terminal what boards do now."""

from __future__ import annotations

from .terminal import Ports, Resume


def live(ports: Ports = None, resume: Resume = False) -> None:
    """Show score, threshold, mode, label, the strangest features and the journal.

    Keys start learning, enrol, veto and roll back. Give --port several times for several boards. q
    quits; the boards keep running.
    """
    import sys

    from ..errors import UsageError
    from ..extras import needs
    from ..serial_line.ports import find_port

    if not sys.stdout.isatty():
        raise UsageError(
            "`nearhum live` needs a terminal", hint="programs can use `nearhum status --json`"
        )
    with needs("live"):
        from ..logs.following import Follower
        from ..report.live import Live
    named = list(dict.fromkeys(ports or [])) or [find_port(None)]
    Live([Follower(port, resume) for port in named]).run()
