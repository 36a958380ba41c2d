"""A sample of the lives of `make test-faults`, and firmwares that break their promises: each is
found out, by the kind of life that is there for it.
"""

import shutil
from pathlib import Path

import pytest
from conftest import ON_LINUX_X86_64
from faults import lives, power_cuts
from nearhum_host import paths
from nearhum_host.boards import application

if not ON_LINUX_X86_64:
    pytest.skip("MicroPython's unix port with native code is for x86-64", allow_module_level=True)

EACH = {"cuts": 24, "reset": 16, "full": 16, "eio": 24, "stuck": 12, "rot": 40, "none": 4}


@pytest.fixture(scope="module")
def compiled():
    with power_cuts.compiled_application() as folder:
        yield folder


def broken(compiled: Path, folder: Path, module: str, *changes: tuple[str, str]) -> Path:
    """Return an application in which the text of one module is another."""
    source = (paths.firmware_dir() / "nearhum" / f"{module}.py").read_text()
    for old, new in changes:
        assert source.count(old) == 1, f"{module}.py does not say {old!r} once any more"
        source = source.replace(old, new)
    made = folder / "application"
    shutil.copytree(compiled, made)
    changed = folder / "changed.py"
    changed.write_text(source)
    name = f"nearhum/{module}"
    (made / f"{name}.mpy").write_bytes(application.compiled(changed, f"{name}.py", "x64"))
    return made


@pytest.mark.parametrize("kind", EACH)
def test_lives_lose_nothing_that_was_acknowledged(compiled, kind):
    found = lives.lives(kind, range(EACH[kind]), compiled)
    assert not found.wrong, "\n".join(found.wrong[:5])
    assert (found.n, found.misread, found.silent) == (EACH[kind], 0, 0)
    assert found.starts > 2 * EACH[kind] - found.safe
    # rot does cost something, or it was none
    assert kind != "rot" or found.lost > 5 and found.told > 5


def test_commands_that_lack_memory_leave_the_old_state_or_the_new(compiled):
    commands = ("learn 20", "rollback", "set alarm_n 6")
    counts, wrong = lives.sweep(commands, 3072, compiled)
    assert not wrong, "\n".join(wrong[:5])
    assert counts["answered"] > 10
    assert counts["ended"] >= len(commands)


@pytest.mark.slow
def test_a_firmware_that_does_not_note_how_far_it_has_come_is_silent_about_rot(compiled, tmp_path):
    silent = broken(compiled, tmp_path, "files", ('raw = struct.pack("<II", a, b)\n', "return\n"))
    found = lives.lives("rot", range(EACH["rot"]), silent)
    assert found.silent > 3


@pytest.mark.slow
def test_a_log_that_is_cleared_before_its_number_is_written_is_found_out(compiled, tmp_path):
    rash = broken(compiled, tmp_path, "storage/journal",
                  ("        if not self._pending:\n            self._open_segment()\n"
                   "            self.flush()\n        if self._pending:\n",
                   "        self._segments.append(self.seq)\n        self._room = 0\n"
                   "        if self._pending:\n"),
                  ("        seq, boot = noted(self._reached)\n",
                   "        seq = boot = 0\n"))  # fmt: skip
    found = lives.lives("reset", range(EACH["reset"]), rash)
    # numbers of records, or that of a start
    assert any("given again" in wrong or "boot 1 again" in wrong for wrong in found.wrong), (
        found.wrong
    )


@pytest.mark.slow
def test_a_change_that_stays_half_done_is_found_out(compiled, tmp_path):
    half = broken(compiled, tmp_path, "console/verbs",
                  ("self._hum.learned.put_back()", "pass"))  # fmt: skip
    wrong = lives.sweep(("learn 20",), 1024, half, 18448)[1]
    assert any("neither old nor new" in text for text in wrong), wrong
