"""Sources: one file a sensor. Each has a class Source(config) with

read_into(block)  fill array('h') with interleaved int16 frames that have come; never waits.
                  Returns how many frames, or one of the codes below. Raises SourceError, OSError: a
                  fault.
cue               a console line to carry out now ("" for none): recordings hold them, sensors do
                  not
close()           let go of the hardware
plan(config, given)  raise ConfigError for what the sensor cannot do, without touching it; may set
                  attributes. given: config["source"]. Not every source has it: a recording says
                  only when it is opened whether it fits.

It may say late, how many samples came off their time by more than a quarter of a period (sensors
with a clock of their own have none), live = False (a recording: no time passes it by, and it is not
opened anew in its middle), and clip, the |sample| from which the sensor is at the end of its range
(32767 without).
"""

NONE = 0  # nothing has come yet
GAP = -1  # samples were lost before the next one: the window must start anew
END = -2  # there will be no more
FOUND = -3  # the sensor answers again; of health.py, which stands in the place of one that does not
REST = -4  # samples were left out on purpose: the window starts anew, and nothing else
