"""Power cuts in an upgrade: a sample of `make test-faults`, and a deploy that goes on after a cut.

Two hosts that break the promise are detected.
"""

import json
import re
import threading
from pathlib import Path

import pytest
from conftest import ON_LINUX_X86_64
from faults import session, upgrades
from nearhum import wire
from nearhum_host.boards import deployment
from nearhum_host.boards.deployment import NoSpace, deploy
from nearhum_host.boards.upgrade import change, places
from nearhum_host.errors import DeviceError
from nearhum_host.serial_line.link import Link
from nearhum_host.virtual import VirtualBoard

if not ON_LINUX_X86_64:
    pytest.skip("the virtual board needs Linux on x86-64", allow_module_level=True)

SEGMENT_BYTES = 16384  # of the log, see firmware/nearhum/storage/journal.py


@pytest.mark.slow
def test_of_two_applications_one_starts_whole_wherever_the_power_fails(tmp_path: Path):
    names = []
    for step in upgrades.steps(tmp_path):
        found = upgrades.judge(step, 8)
        assert not found.wrong, "\n".join(found.wrong[:5])
        assert set(found.cases) == set(upgrades.TEARS)
        names.append(step.name)
    assert len(names) == 6


def test_a_full_log_of_a_pico_is_told_with_the_remedy_and_stays(tmp_path: Path):
    card = upgrades.card(tmp_path / "card", 0)
    a, b = (upgrades.application(mark, tmp_path) for mark in "AB")
    flash = tmp_path / "flash.bin"
    flash.write_bytes(session.chip_with(places.with_manifest(a) | full_log(), upgrades.MODEL))
    with VirtualBoard(upgrades.MODEL, flash, sd=card) as board, Link(board.path) as link:
        before = link.ask("status")
        assert before["log_first"] > 0  # the ring is full: its first segments are gone
        assert before["warning"] == ""
        with pytest.raises(NoSpace) as caught:
            deploy(link, b)
        needed, free = map(int, re.findall(r"(\d+) (?:bytes|free)", caught.value.message))
        print(caught.value.message, caught.value.hint, sep="\n")
        assert free < needed < free + 400_000
        assert "nearhum pull" in caught.value.hint
        assert "reset log" in caught.value.hint
        after = link.ask("status")
        # a start begins a segment, for which the ring gives its first: the deploy took none
        assert after["log_first"] - before["log_first"] <= 18
        assert after["synced_seq"] >= before["synced_seq"]
        link.ask("reset log")
        done = deploy(link, b)
        assert (done.folder, link.ask("status")["folder"]) == ("/beside", "/beside")


def full_log() -> dict[str, bytes]:
    """Return the segments of a log that is as long as a Pico's ring with one application."""
    seq, out = 0, {}
    payload = json.dumps({"event": "note", "window": 0, "text": "x" * 900}).encode()
    about = json.dumps({"boot": 1, "format": wire.FORMAT, "version": "0.1.0"}).encode()
    for _ in range(52):
        name, segment = f"/hum/log/{seq:08x}.seg", b""
        record = wire.pack_record(wire.BOOT, seq, 0, about)
        while len(segment) + len(record) <= SEGMENT_BYTES:
            segment += record
            seq += 1
            record = wire.pack_record(wire.EVENT, seq, 0, payload)
        out[name] = segment
    return out


@pytest.mark.parametrize("at", [400])
def test_a_deploy_goes_on_after_a_power_cut(tmp_path: Path, at: int):
    card = upgrades.card(tmp_path / "card", 0)
    a, b = (upgrades.application(mark, tmp_path) for mark in "AB")
    flash = tmp_path / "flash.bin"
    flash.write_bytes(session.chip_with(upgrades.of_one_folder(a), upgrades.MODEL))
    with VirtualBoard(upgrades.MODEL, flash, sd=card, cut_at=at, cut_keep=100) as board:
        gone = threading.Thread(target=lambda: [board.wait_event("cut", 60), board.unplug()])
        gone.start()  # as a board whose USB is its own: the port goes with the power
        with Link(board.path) as link:
            assert link.ask("status")["state"] == "idle"  # it has started, see faults/upgrades.py
            with pytest.raises(DeviceError, match="files sent"):
                deploy(link, b)
        gone.join()
        board.replug()
        board.power_on()
        board.wait_event("booted")
        with Link(board.path) as link:
            assert link.ask("status")["state"] == "idle"
            done = deploy(link, b)
            assert done.folder == "/beside"
            assert link.ask("status")["folder"] == "/beside"
            assert len(done.unchanged) > 5  # what was there is not sent again
            # and the old one can still be put back
            deployment.undo(link)
            assert link.ask("status")["state"] == "idle"


@pytest.mark.slow
def test_a_switch_before_all_is_written_is_found_out(tmp_path: Path, monkeypatch):
    true = change.Change.write

    def rash(self, done, count):
        change.switch(self.repl, self.target, None)
        true(self, done, count)

    monkeypatch.setattr(change.Change, "write", rash)
    step = list(zip(range(2), upgrades.steps(tmp_path), strict=False))[1][1]
    found = upgrades.judge(step, 10)
    assert any("it warns" in wrong for wrong in found.wrong), found.wrong[:3]


@pytest.mark.slow
def test_a_deploy_over_the_one_that_runs_is_found_out(tmp_path: Path, monkeypatch):
    monkeypatch.setattr("nearhum_host.boards.upgrade.places.Places.is_kept", lambda self: False)
    step = next(upgrades.steps(tmp_path))
    assert upgrades.judge(step, 16).wrong
