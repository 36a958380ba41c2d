"""Guard: limits what learning may do. The guard decides, and others carry the decision out.

Enters: faults of the source, and requests to learn. Leaves: permission, or a CommandError. The
pipeline, the store and the quarantine ask it.

- After MAX_FAULTS faults of the source in a row, nothing is learned until a probation of whole
  windows has passed. The probation doubles each time, until the user says `trust`. A window that is
  stuck or saturated is not learned.
- A vetoed label is neither learned nor announced: a window nearest to it is unknown.
- What the board changes by itself stays within a budget since the user's last approval, see
  budget.py.
- A learning period is saved at intervals, so that a reset costs a minute and not the whole period.
"""

from micropython import const
from nearhum.errors import CommandError
from nearhum.recognition.labels import check_name

MAX_FAULTS = 5  # With this many failed reads in a row the sensor counts as lost.
MAX_VETOES = 16  # as many as there can be labels
_SAVE_S = const(60)  # interval between saves of a learning period
PROBATION = 4  # whole windows of the first probation
_MAX_PROBATION = const(65536)  # windows: the doubling ends here


class Guard:
    """Counts faults, keeps vetoes and budgets, and permits learning."""

    def __init__(self, config, n_dims):
        """config: complete settings. n_dims: dimensions of the embeddings."""
        self.faults = 0  # in a row; from MAX_FAULTS on learning is off
        self.unfit = False  # True if the present window must not be learned
        # windows of the next probation, and windows left of the present one
        self._probation = self._left = PROBATION
        self.vetoed = []  # labels
        self._budget = None
        self._anchors = b""  # the budget as bytes, until a Budget is needed
        self._config = config
        self._n_dims = n_dims

    def fault(self):
        """Count a fault of the source. Returns True if this fault turns learning off."""
        self.faults += 1
        if self.faults <= MAX_FAULTS:  # A single fault during the probation does not restart it.
            self._left = self._probation
        return self.faults == MAX_FAULTS

    def lose(self):
        """Turn learning off at once, because the source is lost. Returns True if it was on."""
        on, self._left = self.faults < MAX_FAULTS, self._probation
        self.faults = max(self.faults, MAX_FAULTS)
        return on

    def probation_over(self):
        """Count a whole window after faults.

        Returns True if the faults are over: at once if learning was on, else after the probation.
        """
        if self.faults >= MAX_FAULTS:
            self._left -= 1
            if self._left > 0:
                return False
            self._probation = min(2 * self._probation, _MAX_PROBATION)
        self.faults = 0
        return True

    def learning(self):
        """Return True if learning is allowed now."""
        return self.faults < MAX_FAULTS and not self.unfit

    def trust(self):
        """Allow learning at once: the user says that the sensor is sound again."""
        self.faults = 0
        self._probation = PROBATION

    def permit(self, label=None):
        """Raise CommandError if learning is off, or if label is vetoed or no valid name."""
        if not self.learning():
            raise CommandError(
                "learning is off: the sensor is faulty", "see `status`; `trust` allows it again"
            )
        if label is not None:
            check_name(label)
            if label in self.vetoed:
                raise CommandError("%r is vetoed" % label, "`veto %s off` permits it" % label)

    def due(self, elapsed_s):
        """Return True if a running learning period should be saved now.

        elapsed_s: seconds since the last save.
        """
        return elapsed_s >= _SAVE_S

    # --- budgets ----------------------------------------------------------------------------------

    def budget(self, at):
        """Return the Budget of the labels. The first call loads it.

        at: number of the window.
        """
        if not self._budget:
            from nearhum.guard.budget import Budget

            self._budget = Budget(self._n_dims, self._config)
            self._budget.unpack(self._anchors, at)
        return self._budget

    def renew(self, key=None):
        """Start the budget of a label anew, because the user has approved it.

        key: label id, or None for all labels.
        """
        if self._budget:
            self._budget.trust(key)
        # With teach off no prototype moves, and the code of Budget may not be on the board.
        elif key is None or self._config["teach"] == "off":
            self._anchors = b""
        elif self._anchors:
            self.budget(0).trust(key)

    # --- to and from bytes: u8 vetoes, each u8 length and text; then the anchors ------------------

    def pack(self):
        """Return vetoes and anchors as bytes, or b"" if there are none."""
        anchors = self._budget.pack() if self._budget else self._anchors
        if not anchors and not self.vetoed:
            return b""
        names = [name.encode() for name in self.vetoed]
        return (
            bytes([len(names)]) + b"".join([bytes([len(name)]) + name for name in names]) + anchors
        )

    def unpack(self, view):
        """Restore vetoes and anchors from the bytes that `pack` returned."""
        self.vetoed = []
        i = 1
        for _ in range(view[0] if view else 0):
            end = i + 1 + view[i]
            self.vetoed.append(bytes(view[i + 1 : end]).decode())
            i = end
        self._anchors = bytes(view[i:])
        self._budget = None
