"""The machine code of built `.mpy` files, run on an instruction-set simulator.

A read-only path from a file to a number: mpy.py reads the file, a core (cores.py, xtensa.py) runs
its code, glue.py stands for the interpreter around it, python.py puts such functions in the place
of the firmware's kernels under CPython, run.py runs a script that way.
"""
