"""A second implementation of the fixed path, for tests only, in NumPy and exact integers.

Enters: settings and samples. Leaves: features, scores and states to compare the firmware with. It
was written from the design and the docstrings, and shares no line with the firmware.

Arrays are int64 and hold many windows at once. Every intermediate that a kernel keeps in a machine
word passes through `exact.i32`, which raises an error if it does not fit 32 bits. A green run on
the 64-bit unix port therefore also holds for a 32-bit board.
"""
