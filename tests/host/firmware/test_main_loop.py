"""Test nearhum/start under MicroPython with a failing pipeline: it closes everything, then
restarts.
"""

import json

import pytest
from nearhum_host.paths import firmware_dir
from nearhum_host.virtual.targets import UNIX, open_target

START = str(firmware_dir() / "nearhum" / "start.py")
AROUND = """
from nearhum.pipeline import Pipeline as Real
class Part:
    n_closed = 0
    def close(self):
        Part.n_closed += 1
        raise {error}
    def event(self, name, **what):
        print(name, what["error"], Part.n_closed)
        {told}
    def flush(self):
        pass
    def learning(self):
        return False
class Pipeline:
    n_runs = n_windows = 0
    listeners = ()
    release = Real.release
    def __init__(self):
        self.source = self.journal = self.guard = Part()
    def run(self):
        Pipeline.n_runs += 1
        raise RuntimeError("broken") if Pipeline.n_runs == 1 else KeyboardInterrupt
class Module:
    pass
Module.Pipeline = Pipeline
sys.modules["nearhum.pipeline"] = Module
names = {{}}
exec(open({main!r}).read(), names)
names["begin"]()
print("runs", Pipeline.n_runs)
"""


def test_a_loop_that_fails_closes_its_sensor_tells_and_begins_again() -> None:
    with open_target(UNIX, (), None, 60) as there:
        # a sensor that does not answer; none that was opened
        for error in ("OSError(5)", "AttributeError"):
            said = there.run(AROUND.format(main=START, error=error, told=""))
            assert "fault RuntimeError('broken',) 1\n" in said
            assert "runs 2\n" in said


def test_a_failure_that_memory_is_too_short_to_tell_does_not_end_the_loop() -> None:
    with open_target(UNIX, (), None, 60) as there:
        said = there.run(AROUND.format(main=START, error="OSError(5)", told="raise MemoryError"))
    assert "fault RuntimeError('broken',) 1\n" in said
    assert "runs 2\n" in said


# A board on a folder: each run of this is one start. It does not start with a setting that START
# names, and resets at once with one that CRASH names; else it stays up for ten seconds.
BOARD = """
from nearhum import assembly
from nearhum.storage import deployed
class Reset(BaseException):
    pass
class Part:
    refused = []
    def event(self, name, **what):
        print(name, what["error"])
    def flush(self):
        pass
    def learning(self):
        return False
class Pipeline:
    n_windows = 0
    root = {root!r}
    def __init__(self):
        self.store = self.journal = self.guard = Part()
        self.config, told = assembly.settings({root!r})
        for name, value, error in {start}:
            if self.config[name] == value:
                raise error
    def release(self):
        pass
    def run(self):
        for name, value in {crash}:
            if self.config[name] == value:
                raise Reset
        for name, value in {fail}:
            if self.config[name] == value:
                raise RuntimeError("broken")
        from nearhum import board
        board.stable({root!r})
        raise KeyboardInterrupt
class Module:
    pass
Module.Pipeline = Pipeline
class Safe:
    def __init__(self, why, *_):
        print("SAFE", why[0])
    def serve(self):
        return True
class SafeModule:
    pass
SafeModule.Safe = Safe
from nearhum.errors import ConfigError, FormatError
from nearhum import boots
boots.BOOTS = {root!r} + "hum/boots"
source = open({folder!r} + "/start.py").read().replace('("/"', '("{root}"')
source = source.replace("del sys.modules[name]", "pass")  # what stands in for safe mode stays
source = source.replace('lifetime.release(("boots",))', "pass")
stat = boots.os.stat
class Os:
    remove = boots.os.remove
    def stat(path):
        return stat({root!r} + path[1:])
boots.os = Os
for i in range({starts}):
    sys.modules["nearhum.pipeline"] = Module
    sys.modules["nearhum.console.safe"] = SafeModule
    deployed.without = ()
    try:
        names = {{}}
        exec(source, names)
        names["begin"]()
    except (Reset, SystemExit):
        pass
print("IN FORCE", sorted((deployed.read_json({root!r} + "hum/set.json") or {{}}).items()))
"""


@pytest.mark.parametrize(
    ("given", "new", "start", "crash", "fail", "starts", "in_force", "says"),
    [
        # a file that is no head, set by a firmware that took it: only that is taken back
        ({"head": "x", "smooth": 9}, (), '(("head", "x", FormatError("head file")),)', (), (), 1,
         {"smooth": 9}, "undone: head"),
        ({"n_channels": 4, "smooth": 9}, (), '(("n_channels", 4, ConfigError("no")),)', (), (), 1,
         {"smooth": 9}, "undone: n_channels"),
        ({"n_window": 512, "smooth": 9}, (), '(("n_window", 512, MemoryError()),)', (), (), 1,
         {"smooth": 9}, "undone: n_window"),
        ({"teach": "ask", "smooth": 9}, (), '(("teach", "ask", ImportError("near")),)', (), (), 1,
         {"smooth": 9}, "undone: teach"),
        # two bad ones at once; and none of them, but what was deployed
        ({"head": "x", "prior": "y"}, (),
         '(("head", "x", FormatError("h")), ("prior", "y", FormatError("p")))', (), (), 1,
         {}, "undone: "),
        ({"smooth": 9}, (), '(("rate_hz", 4000, ConfigError("rate")),)', (), (), 1,
         {"smooth": 9}, "SAFE rate"),
        # resets before ten seconds are over: of what is new, only what does it
        ({"smooth": 9, "watchdog_s": 1, "fade": 2}, ("watchdog_s", "fade"), (),
         (("watchdog_s", 1),), (), 12, {"smooth": 9, "fade": 2}, ""),
        ({"smooth": 9, "watchdog_s": 1}, (), (), (("watchdog_s", 1),), (), 12,
         {"smooth": 9, "watchdog_s": 1}, "SAFE 6 starts in a row"),
        # a loop that fails
        ({"smooth": 9, "n_hop": 1}, ("smooth", "n_hop"), (), (), (("n_hop", 1),), 2,
         {"smooth": 9}, ""),
    ],
)  # fmt: skip
def test_one_setting_that_keeps_a_board_down_is_taken_back_alone(
    tmp_path, given, new, start, crash, fail, starts, in_force, says
) -> None:
    (tmp_path / "hum").mkdir()
    (tmp_path / "nearhum.json").write_text('{"source": {"driver": "x"}}')
    (tmp_path / "hum" / "set.json").write_text(json.dumps(given))
    if new:
        (tmp_path / "hum" / "set.new").write_text(json.dumps({"names": new}))
    with open_target(UNIX, (), None, 60) as there:
        said = there.run(
            BOARD.format(
                root=f"{tmp_path}/", start=start, crash=crash, fail=fail, starts=starts,
                folder=str(firmware_dir() / "nearhum"),
            )
        )  # fmt: skip
    print(said)
    assert f"IN FORCE {sorted(in_force.items())}" in said
    assert says in said
    assert ("SAFE" in said) == ("SAFE" in says)
