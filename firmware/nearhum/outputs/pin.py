"""Output pin: switches a lamp, a relay or a horn on during an alarm.

Enters: the begin and the end of alarms. Leaves: the level of a pin. Loaded only if the setting
alarm_pin names a pin: "25", or a name that the port knows ("LED"). "25 low" is for a device that is
on while the pin is low. The pin is off before the first alarm and after the loop has ended, by
Ctrl-C or by an error, and so in safe mode too. It stays as it is while the sensor is lost.
"""

from machine import Pin, Signal
from nearhum.errors import ConfigError


class Output:
    """A pin that is on during an alarm. Its methods allocate nothing."""

    def __init__(self, text):
        """Set the pin up as an output and switch it off.

        text: value of the setting. Raises ConfigError if it names no output.
        """
        name, _, level = text.partition(" ")
        try:
            if level not in ("", "low"):
                raise ValueError
            pin = Pin(int(name) if name.isdigit() else name, Pin.OUT)
        except (ValueError, TypeError, OSError):
            raise ConfigError(
                "alarm_pin = %r" % text,
                'the number or the name of an output, then "low" if low means on',
            )
        self._signal = Signal(pin, invert=level == "low")
        self.end()

    def begin(self):
        """Switch the pin on: an alarm begins."""
        self._signal(True)

    def end(self):
        """Switch the pin off: the alarm is over."""
        self._signal(False)

    def close(self):
        """Switch the pin off: the loop ends."""
        self._signal(False)
