"""The evaluation recordings, and how their physical values become a sensor's raw counts.

A file a kind of signal. Enters: the recordings' folder. Leaves: int16 frames with what is known
about them. Nothing here sets up the firmware.

Scales are the full scale of a sensor that would have measured the quantity, a power of two where
the quantity has no usual sensor; the noise of the recordings spans at least 2.5 counts, no
plausible value leaves int16. What does leave it (a wrist at more than 4 g: 0.06 % of the frames) is
clipped, as the sensor would.
"""
