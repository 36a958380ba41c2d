"""Protocols: how each set of recordings is put to the firmware and judged.

One file a protocol; read base.py first.
"""

from .adi_motor import AdiMotor
from .base import EvaluationProtocol
from .csi import Csi
from .fan import Fan
from .femto import Femto
from .rssi import Rssi
from .skab import Skab
from .watch import Watch

PROTOCOLS: dict[str, EvaluationProtocol] = {
    protocol.name: protocol for protocol in (Skab(), AdiMotor(), Femto(), Fan(), Watch(), Csi(), Rssi())
}
