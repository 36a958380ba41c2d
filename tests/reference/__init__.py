"""The fixed path once more, for tests only: NumPy and exact integers, written from the design
and the docstrings.

It shares no line with the firmware. Arrays are int64 and hold many windows at once; every
intermediate that the kernels keep in a machine word goes through `exact.i32`, which refuses one
that would not fit 32 bits: that is what makes a green run on a 64-bit unix port mean something on a
32-bit board.
"""
