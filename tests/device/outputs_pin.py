"""Test the output pin for alarms."""

import fake_machine
from fake_machine import Machine, Pin
from harness import done, equal, raises, test

fake_machine.stand_in(machine=Machine)
from nearhum.errors import ConfigError
from nearhum.outputs import pin

fake_machine.give_back()

from fakes import pipeline, reset
from nearhum import events, lifetime
from nearhum.errors import SourceError

SMALL = {"n_channels": 1, "n_window": 64, "n_hop": 64, "n_bands": 6, "rate_hz": 640}


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


def alarmed(**given):
    """Return a board whose pin 7 is on."""
    reset()
    Pin.levels[7] = 1  # as a reset of the application alone leaves it
    fake_machine.stand_in(machine=Machine)  # The output is loaded anew after `reset`.
    hum = pipeline("vibration", alarm_pin="7", **SMALL, **given)
    fake_machine.give_back()
    equal(Pin.levels[7], 0)
    while not hum.temporal.alarm:
        hum.temporal.update(5000, 0)
    events.report_alarm(hum)
    equal(Pin.levels[7], 1)
    return hum


def turn(hum, error):
    """Have the driver raise an error in the next turn."""

    def read_into(block):
        raise error

    hum.source.read_into = read_into


@test
def the_pin_is_off_however_the_loop_ends():
    for error in (KeyboardInterrupt(), ValueError("odd"), MemoryError(), ZeroDivisionError()):
        hum = alarmed()
        turn(hum, error)
        raises(type(error), hum.run)
        equal(Pin.levels[7], 0, error)
    hum = alarmed()
    hum.console.interrupted = True  # Ctrl-C came as a byte
    raises(KeyboardInterrupt, hum.run)
    equal(Pin.levels[7], 0)


@test
def a_source_that_cannot_be_closed_leaves_no_pin_on():
    hum = alarmed()

    def close():
        raise OSError(5)

    hum.source.close = close
    turn(hum, ValueError("odd"))
    raises(ValueError, hum.run)
    equal(Pin.levels[7], 0)


@test
def the_pin_stays_on_while_the_sensor_is_lost_in_an_alarm():
    hum = alarmed()
    turn(hum, SourceError("no answer"))
    for _ in range(9):  # it is lost, and opened anew
        hum.step()
    hum.health.fault(SourceError("no answer"))
    equal((hum.health.state(), Pin.levels[7]), ("fault", 1))
    hum.console.interrupted = True
    raises(KeyboardInterrupt, hum.run)
    equal(Pin.levels[7], 0)


@test
def a_watched_loop_that_is_stopped_has_its_pin_off_before_the_watchdog_rests():
    order = []

    class Fed:
        @staticmethod
        def feed():
            pass

    for error in (KeyboardInterrupt(), ValueError("odd")):
        hum = alarmed(watchdog_s=2)
        from nearhum.guard import watchdog

        watchdog.start = lambda seconds: Fed
        watchdog.pause = lambda: order.append(Pin.levels[7])
        turn(hum, error)
        raises(type(error), hum.run)
        lifetime.release(("guard.watchdog",))
    equal(order, [0, 0])


done()
