"""Guard: bounds what learning may do. It decides; store and journal carry out.

Enters: faults of the source, requests to learn. Leaves: a yes or a CommandError, and the time to save.
Issue by issue it grows; what it bounds now: after `MAX_FAULTS` faults in a row of the source nothing is learned until
the user says so; a learning period is saved at intervals, so that a reset costs minutes and not the period.
"""

from nearhum.errors import CommandError

MAX_FAULTS = 5
SAVE_S = 60  # while learning


class Guard:
    """Counts faults, permits learning, and knows when a running period should be saved."""

    def __init__(self):
        self.faults = 0

    def fault(self):
        """Count a fault of the source. Returns True when learning goes off with this one."""
        self.faults += 1
        return self.faults == MAX_FAULTS

    def sound(self):
        """Note a window that came whole: below the limit, faults in a row start again from none."""
        if self.faults < MAX_FAULTS:
            self.faults = 0

    def learning(self):
        """Return True while learning is allowed."""
        return self.faults < MAX_FAULTS

    def trust(self):
        """Take the user's word that the sensor is sound again."""
        self.faults = 0

    def permit(self):
        """Raise CommandError where learning is off."""
        if not self.learning():
            raise CommandError("learning is off after %d faults of the sensor" % self.faults, "check it, then `learn`")

    def due(self, elapsed_s):
        """Return True when a running learning period should be saved; elapsed_s: since the last save."""
        return elapsed_s >= SAVE_S
