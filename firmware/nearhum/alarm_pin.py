"""An output that shows the alarm: a lamp, a relay, a horn. Loaded where the setting alarm_pin names a pin.

alarm_pin = "25", or a name that the port knows ("LED"); "25 low" for what is on while the pin is low.
"""

from machine import Pin, Signal

from nearhum.errors import ConfigError


def opened(text):
    """Return a function of the alarm that sets the pin, off now. Raises ConfigError. Calls allocate nothing."""
    name, _, level = text.partition(" ")
    try:
        if level not in ("", "low"):
            raise ValueError
        signal = Signal(Pin(int(name) if name.isdigit() else name, Pin.OUT), invert=level == "low")
    except (ValueError, TypeError, OSError):
        raise ConfigError("alarm_pin = %r" % text, 'the number or the name of an output, and "low" where that is on')
    signal(False)
    return signal


def follow(hum):
    """Let the pin follow the alarm of a pipeline, in every turn: with the clock, which turns with it."""
    signal, tick = opened(hum.config["alarm_pin"]), hum.clock.tick

    def both():
        signal(hum.temporal.alarm)
        tick()

    hum.clock.tick = both
