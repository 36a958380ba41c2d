"""main.py itself, under MicroPython, around a pipeline that fails: what was open is closed before the next begins."""

import subprocess

from nearhum_host.paths import firmware_dir
from nearhum_host.protocols.runner import interpreter

AROUND = """
import sys
sys.path.insert(0, {firmware!r})
class Part:
    n_closed = 0
    def close(self):
        Part.n_closed += 1
        raise {error}
    def event(self, name, **what):
        print(name, what["error"], Part.n_closed)
    def flush(self):
        pass
    def learning(self):
        return False
class Pipeline:
    n_runs = n_windows = 0
    def __init__(self):
        self.source = self.journal = self.guard = Part()
    def run(self):
        Pipeline.n_runs += 1
        raise RuntimeError("broken") if Pipeline.n_runs == 1 else KeyboardInterrupt
class Module:
    pass
Module.Pipeline = Pipeline
sys.modules["nearhum.pipeline"] = Module
exec(open({main!r}).read(), {{"__name__": "__main__"}})
print("runs", Pipeline.n_runs)
"""


def test_a_loop_that_fails_closes_its_sensor_tells_and_begins_again() -> None:
    for error in ("OSError(5)", "AttributeError"):  # a sensor that does not answer; none that was opened
        code = AROUND.format(firmware=str(firmware_dir()), main=str(firmware_dir() / "main.py"), error=error)
        done = subprocess.run([interpreter(), "-c", code], capture_output=True, text=True, timeout=60)
        assert "fault RuntimeError('broken',) 1\n" in done.stdout, done.stdout + done.stderr
        assert "runs 2\n" in done.stdout
