"""Protocols: how each set of recordings is given to the firmware, and how its answers are judged.

One file for each protocol. Read base.py first.
"""

from .adi_motor import AdiMotor
from .atlas import Atlas
from .base import EvaluationProtocol
from .csi import Csi
from .fan import Fan
from .femto import Femto
from .fsdd import Fsdd
from .nab import Nab
from .rssi import Rssi
from .skab import Skab
from .wakeword import Wakeword
from .watch import Watch

PROTOCOLS: dict[str, EvaluationProtocol] = {
    protocol.name: protocol
    for protocol in (
        Skab(),
        Nab(),
        Femto(),
        AdiMotor(),
        Fan(),
        Csi(),
        Rssi(),
        Watch(),
        Fsdd(),
        Wakeword(),
        Atlas(),
    )
}
