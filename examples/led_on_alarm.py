"""On the board, in place of nearhum's own loop: the same with a lamp of your own.

`mpremote cp` it to :own.py, which main.py runs; `deploy` leaves it there.
"""

from machine import Pin
from nearhum.pipeline import Pipeline

lamp = Pin("LED", Pin.OUT)  # the Pico's own; give a number for a relay or a horn
hum = Pipeline()
while True:
    hum.step()
    lamp.value(hum.temporal.alarm)
