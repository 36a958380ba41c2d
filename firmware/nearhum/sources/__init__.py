"""Sources: the drivers of sensors, one file each. This is the first stage of the flow.

Enters: complete settings, in which `source` names the driver and its pins. Leaves: int16 frames,
which the pipeline pushes into the window. Each driver has a class Source(config) with:

read_into(block)     Fill array('h') with the interleaved frames that have arrived, and never wait.
                     Returns the number of frames, or one of the codes below. Raises SourceError or
                     OSError for a fault.
cue                  A console line to execute now, "" for none. Only recordings have such lines.
close()              Release the hardware.
plan(config, given)  Raise ConfigError if the sensor cannot do what the settings ask. It does not
                     touch the hardware, but may set attributes. given: config["source"]. Optional:
                     a recording has no plan, because only opening it shows whether it fits.

A source may also have:

counts, unit  Counts in one unit of what is measured, and the unit's name. `nearhum doctor` shows
              them.
late          How many samples came more than a quarter of a period off their time. Sensors with
              their own clock do not need it.
live          False for a recording, or a source that sleeps. Its rate is not checked, and it is
              not reopened after faults.
clip          The |sample| from which the sensor is at the end of its range. Default: 32767.
"""

NONE = 0  # No sample has arrived yet.
GAP = -1  # Samples were lost before the next one, so the window must start anew.
END = -2  # No more samples will come.
FOUND = -3  # A lost sensor answers again. Only guard/health.py returns this, in its place.
REST = -4  # Samples were left out on purpose: only the window starts anew.
