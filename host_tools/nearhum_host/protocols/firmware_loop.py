"""Run the board's loop over a recording to its end, under MicroPython: the loop that main.py runs for ever.

Arguments: the folder with the package nearhum, the folder that stands for the board's file system (ends in
"/"). Prints the interpreter's version last; what the console answers to cues comes before it.
"""

import sys

sys.path.insert(0, sys.argv[1])

from nearhum import pipeline  # noqa: E402

hum = pipeline.Pipeline(root=sys.argv[2])
while hum.step():
    pass
hum.close()
from nearhum import np  # noqa: E402

release = ".".join([str(n) for n in sys.implementation.version[:3]])
print("MicroPython", release + ",", sys.version.split("; ")[-1].split()[1] + ",", np.NAME)
