"""Sources: one file a sensor. Each has a class Source(config) with

read_into(block)  fill array('h') with interleaved int16 frames that have come; never waits.
                  Returns how many frames, or one of the codes below. Raises SourceError, OSError: a fault.
cue               a console line to carry out now ("" for none): recordings hold them, sensors do not
close()           let go of the hardware
"""

NONE = 0  # nothing has come yet
GAP = -1  # samples were lost before the next one: the window must start anew
END = -2  # there will be no more
