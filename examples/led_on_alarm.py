"""Run nearhum's loop on the board yourself, and switch a lamp on while there is an alarm.

Copy this file to the board as :own.py with `mpremote cp`. main.py runs it, and `deploy` keeps it.
"""

from machine import Pin
from nearhum.pipeline import Pipeline

lamp = Pin("LED", Pin.OUT)  # The Pico's LED. For a relay or a horn, give the number of its pin.
hum = Pipeline()
while True:
    hum.step()
    lamp.value(hum.temporal.alarm)
