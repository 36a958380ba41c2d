"""Guard: bounds what learning may do. It decides; store and journal carry out.

Enters: faults of the source, requests to learn, moves of prototypes. Leaves: a yes or a
CommandError.

- After MAX_FAULTS faults in a row of the source nothing is learned until whole windows have come
  for a probation, which
  doubles with every such time until the user says `trust`. A window that is stuck or saturated is
  not learned.
- A vetoed label is not learned, and not announced: a window that it is nearest to is unknown.
- What the board changes of itself stays within a budget (see budget.py) against the user's last
  word.
- A learning period is saved at intervals, so that a reset costs minutes and not the period.
"""

from micropython import const
from nearhum.errors import CommandError
from nearhum.recognition.labels import check_name

MAX_FAULTS = 5
MAX_VETOES = 16
_SAVE_S = const(60)  # while learning
PROBATION = 4  # whole windows; doubles up to
_MAX_PROBATION = const(65536)


class Guard:
    """Counts faults, knows vetoes and budgets, permits learning, says when a running period
    should be saved.
    """

    def __init__(self, config, n_dims):
        """config: settings. n_dims: of embeddings."""
        self.faults = 0
        self.unfit = False  # the present window is not to be learned
        self._probation = self._left = PROBATION
        self.vetoed = []  # labels
        self._budget = None
        self._anchors = b""  # packed, as long as there is no Budget
        self._config = config
        self._n_dims = n_dims

    def fault(self):
        """Count a fault of the source. Returns True when learning goes off with this one."""
        self.faults += 1
        if self.faults <= MAX_FAULTS:  # one more during probation is forgiven, as one before it is
            self._left = self._probation
        return self.faults == MAX_FAULTS

    def lose(self):
        """Count as many faults as turn learning off. Returns True when it was on."""
        on, self._left = self.faults < MAX_FAULTS, self._probation
        self.faults = max(self.faults, MAX_FAULTS)
        return on

    def sound(self):
        """Note a window that came whole, after faults.

        Returns True when they are over: at once, or after probation.
        """
        if self.faults >= MAX_FAULTS:
            self._left -= 1
            if self._left > 0:
                return False
            self._probation = min(2 * self._probation, _MAX_PROBATION)
        self.faults = 0
        return True

    def learning(self):
        """Return True while learning is allowed."""
        return self.faults < MAX_FAULTS and not self.unfit

    def trust(self):
        """Take the user's word that the sensor is sound again."""
        self.faults = 0
        self._probation = PROBATION

    def permit(self, label=None):
        """Raise CommandError where learning is off, or where label is no name or vetoed."""
        if not self.learning():
            raise CommandError(
                "learning is off: the sensor is at fault", "see `status`, or `trust` it"
            )
        if label is not None:
            check_name(label)
            if label in self.vetoed:
                raise CommandError("%r is vetoed" % label, "`veto %s off` permits it" % label)

    def due(self, elapsed_s):
        """Return True when a running learning period should be saved; elapsed_s: since the last
        save.
        """
        return elapsed_s >= _SAVE_S

    # --- budgets ----------------------------------------------------------------------------------

    def budget(self, at):
        """Return the Budget of the labels, made when it is first asked for.

        at: number of the window.
        """
        if not self._budget:
            from nearhum.guard.budget import Budget

            self._budget = Budget(self._n_dims, self._config)
            self._budget.unpack(self._anchors, at)
        return self._budget

    def renew(self, key=None):
        """Let the budget of a label id, or of all, start anew: the user has given a word about
        it.
        """
        if self._budget:
            self._budget.trust(key)
        # then nothing moves, and there may be no Budget to load
        elif key is None or self._config["teach"] == "off":
            self._anchors = b""
        elif self._anchors:
            self.budget(0).trust(key)

    # --- to and from bytes: u8 vetoes, each u8 length and text; then the anchors ------------------

    def pack(self):
        """Return vetoes and anchors as bytes; none where there are none."""
        anchors = self._budget.pack() if self._budget else self._anchors
        if not anchors and not self.vetoed:
            return b""
        names = [name.encode() for name in self.vetoed]
        return (
            bytes([len(names)]) + b"".join([bytes([len(name)]) + name for name in names]) + anchors
        )

    def unpack(self, view):
        """Take the place of what `pack` returned."""
        self.vetoed = []
        i = 1
        for _ in range(view[0] if view else 0):
            end = i + 1 + view[i]
            self.vetoed.append(bytes(view[i + 1 : end]).decode())
            i = end
        self._anchors = bytes(view[i:])
        self._budget = None
