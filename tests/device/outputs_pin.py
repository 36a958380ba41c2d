"""Test the output pin for alarms."""

import fake_machine
from fake_machine import Machine, Pin
from harness import done, equal, raises, test

fake_machine.stand_in(machine=Machine)
from nearhum.errors import ConfigError
from nearhum.outputs import pin

fake_machine.give_back()


@test
def the_alarm_has_a_pin():
    for text, on in (("7", 1), ("7 low", 0), ("LED", 1)):
        output = pin.Output(text)
        name = 7 if text[0] == "7" else "LED"
        equal(Pin.levels[name], 1 - on)
        output.begin()
        equal(Pin.levels[name], on)
        output.end()
        equal(Pin.levels[name], 1 - on)
        output.begin()
        output.close()
        equal(Pin.levels[name], 1 - on)
    for text in ("nonsense", "7 high", "7  low"):
        raises(ConfigError, pin.Output, text)


done()
