"""main.py itself, under MicroPython, around a pipeline that fails: what was open is closed before the next begins."""

from nearhum_host.paths import firmware_dir
from nearhum_host.targets import UNIX, open_target

AROUND = """
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
    with open_target(UNIX, (), None, 60) as there:
        for error in ("OSError(5)", "AttributeError"):  # a sensor that does not answer; none that was opened
            said = there.run(AROUND.format(main=str(firmware_dir() / "main.py"), error=error))
            assert "fault RuntimeError('broken',) 1\n" in said
            assert "runs 2\n" in said
