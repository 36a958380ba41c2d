"""Wear of flash: a year of syncs on a real LittleFS in RAM, with every erase of every block
counted.

`python tests/wear.py [DAYS]`. It has the geometry of a Pico (352 blocks, 256 bytes programmed at
once), 50 files of an application, the journal's ring, a sync every two minutes, a save an hour and
a start a day. A day takes about a second. Prints how even the wear is, which
`nearhum.console.told.flash_years` assumes.
"""

import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from device.run import micropython  # noqa: E402

_ON_DEVICE = """
import os
N, SEGMENT, N_SEGMENTS, SYNC = 352, 16384, 57, 154

class Flash:
    def __init__(self):
        self.blocks = [bytearray(4096) for _ in range(N)]
        self.erased = [0] * N
    def readblocks(self, block, buf, start=0):
        buf[:] = memoryview(self.blocks[block])[start : start + len(buf)]
    def writeblocks(self, block, buf, start=0):
        self.blocks[block][start : start + len(buf)] = buf
    def ioctl(self, operation, argument):
        if operation == 6:
            self.erased[argument] += 1
        return {4: N, 5: 4096}.get(operation, 0)

flash = Flash()
options = {"readsize": 32, "progsize": 256, "lookahead": 32}
os.VfsLfs2.mkfs(flash, **options)
os.mount(os.VfsLfs2(flash, **options), "/r")
for folder in ("nearhum", "hum", "hum/log"):
    os.mkdir("/r/" + folder)
for i in range(50):
    with open("/r/nearhum/m%d.mpy" % i, "wb") as f:
        f.write(bytes(2000))
flash.erased = [0] * N
segments, room, n, n_closed = [], 0, 0, 0
for day in range(DAYS):
    os.umount("/r")
    os.mount(os.VfsLfs2(flash, **options), "/r")
    room = 0
    for i in range(720):
        n += 1
        if room < SYNC:
            if len(segments) >= N_SEGMENTS:
                os.remove(segments.pop(0))
            segments.append("/r/hum/log/%08x.seg" % n)
            room = SEGMENT
        with open(segments[-1], "ab") as f:
            f.write(bytes(SYNC))
        with open("/r/hum/reached", "wb") as f:
            f.write(bytes(12))
        n_closed += 1
        room -= SYNC
        if i % 30 == 0:
            with open("/r/hum/state." + "ab"[n // 30 & 1], "wb") as f:
                f.write(bytes(1500))
            with open("/r/hum/log/reached", "wb") as f:
                f.write(bytes(12))
            n_closed += 1
total, busiest = sum(flash.erased), max(flash.erased)
print("%d days: %d files closed, %d blocks erased (%.2f each), %d a day" % (
    DAYS, n_closed, total, total / n_closed, total // DAYS))
print("busiest block: %d erases, %.2f times the mean of the %d blocks that were erased at all; "
      "in ten years %d" % (
    busiest, busiest * sum([e > 0 for e in flash.erased]) / total,
    sum([e > 0 for e in flash.erased]), busiest * 3650 // DAYS))
print("years to 100,000 erases of the busiest block: %d" % (100000 * DAYS // 365 // busiest))
"""


def main() -> int:
    days = int(sys.argv[1]) if len(sys.argv) > 1 else 365
    code = _ON_DEVICE.replace("DAYS", str(days))
    return subprocess.run(
        [micropython() or "micropython", "-X", "heapsize=16M", "-c", code]
    ).returncode


if __name__ == "__main__":
    sys.exit(main())
