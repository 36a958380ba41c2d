"""Protocols: how each set of recordings is put to the firmware and judged.

One file a protocol; read base.py first.
"""

from .adi_motor import AdiMotor
from .base import EvaluationProtocol
from .csi import Csi
from .fan import Fan
from .femto import Femto
from .fsdd import Fsdd
from .rssi import Rssi
from .skab import Skab
from .wakeword import Wakeword
from .watch import Watch

PROTOCOLS: dict[str, EvaluationProtocol] = {
    protocol.name: protocol
    for protocol in (Skab(), AdiMotor(), Femto(), Fan(), Watch(), Fsdd(), Wakeword(), Csi(), Rssi())
}
