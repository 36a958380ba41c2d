"""On the board, in place of main.py: the loop of nearhum with a lamp of your own. `mpremote cp` it to :main.py."""

from machine import Pin
from nearhum.pipeline import Pipeline

lamp = Pin("LED", Pin.OUT)  # the Pico's own; give a number for a relay or a horn
hum = Pipeline()
while True:
    hum.step()
    lamp.value(hum.temporal.alarm)
