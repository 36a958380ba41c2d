"""Run the machine code of built `.mpy` files on simulators of the instruction sets.

Enters: a `.mpy` file and arguments. Leaves: what its functions return and write. mpy.py reads the
file. A core (cores.py, xtensa.py) runs its code. glue.py models the interpreter around it.
python.py replaces the firmware's kernels under CPython by such functions. run.py runs a script that
way.
"""
