"""Test an ADC that is read by a timer: the ring, late samples, and gaps."""

import fake_machine
from fake_machine import ADC, BLOCK, Clock, Machine, Timer, config
from harness import done, equal, raises, test

fake_machine.stand_in(machine=Machine)
from nearhum import board
from nearhum.errors import ConfigError
from nearhum.sources import GAP, NONE, adc_timer

fake_machine.give_back()
adc_timer.time = Clock


def ticking(source, n, period_us, off_us=0):
    """Call the timer's callback n times, each off_us late or early of the last."""
    for _ in range(n):
        Clock.us += period_us + off_us
        Timer.made[-1].callback(Timer.made[-1])


@test
def a_timer_samples_into_a_ring():
    source = adc_timer.Source(config(100, 2, driver="adc_timer", pins=[34, 35], timer=0))
    equal(Timer.made[-1].freq, 100)
    ADC.values = {34: 65535, 35: 0}
    ticking(source, 5, 10000)
    equal(source.read_into(BLOCK), 5)
    equal(list(BLOCK[:4]), [32767, -32768, 32767, -32768])
    equal((source.read_into(BLOCK), source.late), (NONE, 0))
    ticking(source, 4, 10000, 3000)
    equal((source.read_into(BLOCK), source.late), (4, 4))
    source.close()
    equal(Timer.made[-1].on, False)


@test
def a_sample_that_came_a_period_late_or_a_full_ring_is_a_gap():
    source = adc_timer.Source(config(100, driver="adc_timer", pins=[34]))
    ticking(source, 3, 10000)
    ticking(source, 1, 10000, 10000)
    equal(source.read_into(BLOCK), GAP)
    ticking(source, 2, 10000)
    equal(source.read_into(BLOCK), 2)
    ticking(source, 120, 10000)
    equal(source.read_into(BLOCK), GAP)
    raises(ConfigError, lambda: adc_timer.Source(config(2000, driver="adc_timer", pins=[34])))
    raises(ConfigError, lambda: adc_timer.Source(config(100, 2, driver="adc_timer", pins=[34])))


@test
def a_source_without_a_pin_it_needs_is_told_so():
    error = raises(ConfigError, lambda: board.open_source(config(100, driver="adc_timer")))
    equal("pins" in error.message, True, error.message)


done()
