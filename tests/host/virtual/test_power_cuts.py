"""A sample of the power cuts of `make test-faults`, and two firmwares that break their
promises: both are found out.
"""

from pathlib import Path

import pytest
from conftest import ON_LINUX_X86_64
from faults import power_cuts, session
from nearhum_host import paths
from nearhum_host.boards import application

if not ON_LINUX_X86_64:
    pytest.skip("the virtual board needs Linux on x86-64", allow_module_level=True)


@pytest.fixture(scope="module")
def compiled():
    with power_cuts.compiled_application() as folder:
        yield folder


def broken(module: str, folder: Path, *changes: tuple[str, str]):
    """Return what puts a module with changed text into an application."""
    source = (paths.firmware_dir() / "nearhum" / f"{module}.py").read_text()
    for old, new in changes:
        assert source.count(old) == 1, f"{module}.py does not say {old!r} once any more"
        source = source.replace(old, new)
    changed = folder / "changed.py"
    changed.write_text(source)

    def patch(files: dict[str, bytes]) -> None:
        name = f"nearhum/{module}"
        files[f"/{name}.mpy"] = application.compiled(changed, f"{name}.py", "x64")

    return patch


def judged(
    compiled: Path,
    folder: Path,
    made: dict[str, bytes],
    stages: tuple[str, ...],
    most: int,
    length: float = 0.1,
    full: bool = False,
):
    out = power_cuts.Judged()
    for chapter in session.record(made, "rp2040", length, folder, stages, full):
        out.add(power_cuts.judge(chapter, compiled, most, 1))
    return out


def test_nothing_acknowledged_is_lost(compiled, tmp_path):
    found = judged(compiled, tmp_path, session.files(), ("learn", "watch", "save"), 16)
    assert not found.wrong, "\n".join(found.wrong[:5])
    assert found.n == 3 * 16 * 4
    assert set(found.cases) == set(power_cuts.TEARS)
    assert len(found.states) > 5


def test_on_a_full_file_system_the_log_makes_room_and_what_was_learned_is_safe(compiled, tmp_path):
    found = judged(compiled, tmp_path, session.files(), ("save",), 16, full=True)
    assert not found.wrong, "\n".join(found.wrong[:5])
    assert found.n == 16 * 4


@pytest.mark.slow
def test_a_journal_that_acknowledges_before_the_sync_is_found_out(compiled, tmp_path):
    (tmp_path / "life").mkdir()
    # what it says is safe is what it was given; it is written when there is enough of it
    early = broken(
        "storage/journal", tmp_path, ("        self.seq += 1\n",
        "        self.seq += 1\n        self.synced_seq = self.seq\n"), ("FLUSH_S = 120",
        "FLUSH_S = 6000"), ("EVENT_S = 10", "EVENT_S = 6000"),
    )  # fmt: skip
    found = judged(compiled, tmp_path / "life", session.files(early, n_hop=8), ("watch",), 20, 0.25)
    assert any("are lost, and their numbers given again" in wrong for wrong in found.wrong), (
        found.wrong[:5]
    )


@pytest.mark.slow
def test_a_store_of_one_slot_that_is_removed_first_is_found_out(compiled, tmp_path):
    (tmp_path / "life").mkdir()
    rash = broken("storage/store", tmp_path, ("        slot = self._next\n", "        slot = 0\n"),
                  ("        with open(path, \"wb\") as f:\n"
                   "            f.write(image)\n        self.erased",
                   "        if read_file(path):\n            os.remove(path)\n"
                   "        with open(path, \"wb\") as f:\n"
                   "            f.write(image)\n        self.erased"))  # fmt: skip
    found = judged(compiled, tmp_path / "life", session.files(rash), ("learn",), 60)
    assert any("neither" in wrong or "was saved" in wrong for wrong in found.wrong), found.wrong[:5]
