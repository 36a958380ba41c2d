"""An output that shows the alarm: a lamp, a relay, a horn.

Loaded where the setting alarm_pin names a pin: "25", or a name that the port knows ("LED"); "25
low" for what is on while the pin is low. It is off before the first alarm, and after the last turn
of the loop, however that ended.
"""

from machine import Pin, Signal
from nearhum.errors import ConfigError


class Output:
    """A pin that is on during an alarm. Calls allocate nothing."""

    def __init__(self, text):
        """text: of the setting. Raises ConfigError for what names no output."""
        name, _, level = text.partition(" ")
        try:
            if level not in ("", "low"):
                raise ValueError
            pin = Pin(int(name) if name.isdigit() else name, Pin.OUT)
        except (ValueError, TypeError, OSError):
            raise ConfigError(
                "alarm_pin = %r" % text,
                'the number or the name of an output, and "low" where that is on',
            )
        self._signal = Signal(pin, invert=level == "low")
        self.end()

    def begin(self):
        """Switch it on: an alarm begins."""
        self._signal(True)

    def end(self):
        """Switch it off: the alarm is over."""
        self._signal(False)

    def close(self):
        """Switch it off: the loop ends."""
        self._signal(False)
