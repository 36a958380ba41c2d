"""nearhum live: what boards do, as it happens."""

from __future__ import annotations

from .terminal import Ports, Resume


def live(ports: Ports = None, resume: Resume = False) -> None:
    """Show score, threshold, mode, label, what is strange, and the journal; learn, enrol, veto,
    roll back by a key.

    Several boards with several --port. q quits; the boards go on.
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
