"""Names: what a person may call a label, and whether there is room for it. Loaded while labels change, let go of after.

Leaf. Enters: names, and the Labels that they are for. Raises CommandError; nothing has changed then.
"""

from nearhum.errors import CommandError
from nearhum.labels import MAX_LABELS
from nearhum.wire import is_sound

MAX_BYTES = 32


def check_name(label):
    """Raise CommandError unless label is a name: 1 to 32 bytes of sound UTF-8 without control characters."""
    size = len(label.encode())
    if not 1 <= size <= MAX_BYTES:
        raise CommandError("a name of %d bytes: %r" % (size, label[:32]), "1 to %d bytes" % MAX_BYTES)
    if not is_sound(label) or [c for c in label if ord(c) < 32 or ord(c) == 127]:
        raise CommandError("no name: %r" % label, "visible signs")


def check_room(labels, label, n):
    """Raise CommandError unless n more examples of label fit into the Labels and it is a name."""
    check_name(label)
    if labels.n_examples + n > labels.max_examples:
        raise CommandError(
            "%d examples more than the %d the board holds"
            % (labels.n_examples + n - labels.max_examples, labels.max_examples),
            "forget a label first",
        )
    if label not in labels.labels and len(labels.labels) == MAX_LABELS:
        raise CommandError("the board holds %d labels" % MAX_LABELS, "forget one first")


def check_rename(labels, old, new):
    """Raise CommandError unless there is a label old and new is a name that none has."""
    labels.index(old)
    check_name(new)
    if new in labels.labels:
        raise CommandError("there is a label %r already" % new, "another name, or forget that one first")
