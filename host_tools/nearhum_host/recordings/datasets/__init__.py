"""Read the evaluation recordings and convert their physical values to raw counts of a sensor.

There is one file for each kind of signal. Enters: the recordings' folder. Leaves: int16 frames with
what is known about them. Nothing here sets up the firmware.

The scale is that of a sensor for the quantity, or a power of two if there is no usual sensor. The
noise of the recordings spans at least 2.5 counts, and no plausible value is outside int16. Values
outside (a wrist at more than 4 g: 0.06 % of the frames) are clipped, as a sensor does.
"""
