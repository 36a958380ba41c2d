"""Check that every function in machine code refuses too few and too many arguments.

Run `arguments.py ARCH`. It prints the number of calls. It ends with an error at the first function
that does not have the interpreter raise TypeError.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent.parent)]

from nearhum_host.boards import application  # noqa: E402

from machine_code import python  # noqa: E402
from machine_code.run import changed  # noqa: E402


def main(arch: str) -> None:
    simulated = python.Simulated(arch, change=changed)
    n_calls = 0
    try:
        for source in application.modules(arch):
            for function in simulated.load(source, {}).values():
                for arguments in ((), (0,) * 12):
                    n_calls += 1
                    try:
                        function(*arguments)
                    except TypeError:
                        continue
                    raise AssertionError(f"{function.name} takes {len(arguments)} arguments")
    finally:
        simulated.machine.core.close()
    print(n_calls, "calls were refused")


if __name__ == "__main__":
    main(sys.argv[1])
