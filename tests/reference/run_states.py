"""Make learned states with the firmware, under MicroPython.

Enters: a JSON list of boards. Leaves: a state in base64 on one line for each.

A board is {"kind", "settings", "seed", "modes": [[windows, level, tone], ...], "label": "" or the
label of two examples, "unfinished": true to stop in the middle of learning}. A mode is
pseudo-random noise within ±level, and a triangle with the amplitude tone. The same board gives the
same bytes.
"""

import json
import sys
from binascii import b2a_base64

HERE = __file__.rpartition("/")[0] or "."
sys.path[:0] = [HERE + "/../device", HERE + "/../../firmware", HERE + "/.."]

from fakes import pipeline, take  # noqa: E402

for asked in json.loads(sys.stdin.readline()):
    hum = pipeline(asked["kind"], **asked["settings"])
    # The windows that set the range of slow channels come before those that are learned.
    n_range = asked["settings"].get("n_range", 0)
    n_learned = sum([mode[0] for mode in asked["modes"]])
    hum.console.execute(f"learn {2 * n_learned if asked.get('unfinished') else n_learned}")
    for i, (n_windows, level, tone) in enumerate(asked["modes"]):
        take(hum, n_windows + (0 if i else n_range), asked["seed"] + i, level, tone)
    if hum.detector.state == 1 and not asked.get("unfinished"):
        hum.console.execute("learn stop")
    if asked.get("label"):
        hum.console.execute(f"enrol {asked['label']} 2")
        take(hum, 2, asked["seed"] + 50, 200, 6000)
    hum.learned.save()
    with open(hum.store.path(), "rb") as f:
        print(b2a_base64(f.read()).decode().strip())
