"""Test bench and selftest on the unix port and the virtual board, and what they say elsewhere."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from nearhum_host.boards import application, board_files, deployment, stage_check
from nearhum_host.commands.cli import app
from nearhum_host.errors import HostError, UsageError
from nearhum_host.evaluation import stage_costs
from nearhum_host.flashing.uf2 import of_flash
from nearhum_host.serial_line.link import Link
from nearhum_host.virtual import VirtualBoard, emulated
from typer.testing import CliRunner

NAMES = (
    "features_256",
    "features_512",
    "dense_64_16",
    "distance_8x32",
    "learn_32",
    "sample_to_score",
    "sample_to_score_scales",
)


@pytest.mark.parametrize("target", ["unix", "virtual"])
def test_bench_times_every_stage(target: str) -> None:
    done = []
    found = stage_costs.bench(target, on_done=lambda n, of: done.append((n, of)))
    assert found["target"] == target
    assert found["clock_hz"] is None
    assert set(found["versions"]) == {"nearhum", "micropython", "ulab"}
    assert done[-1][0] == done[-1][1] == len(done)
    stages = {stage["name"]: stage for stage in found["stages"]}
    assert {f"{name}:viper" for name in NAMES} <= set(stages)
    for name, stage in stages.items():
        assert set(stage) == {
            "name",
            "us",
            "us_min",
            "us_max",
            "cycles",
            "bytes",
            "ulab_us",
            "bytecode_us",
        }
        assert stage["us_min"] <= stage["us"] <= stage["us_max"]
        assert stage["bytes"] == 0, name
    for name in NAMES[:3]:
        assert stages[f"{name}:viper"]["bytecode_us"] > 0


def test_bench_growth() -> None:
    names = [stage["name"] for stage in stage_costs.bench("unix", growth=True)["stages"]]
    assert {
        "features_64_8_bands:viper",
        "features_1024_31_bands:viper",
        "distance_16x128:viper",
    } <= set(names)
    assert len(names) == len(set(names))


def test_a_sound_board_passes_the_selftest() -> None:
    for target in ("unix", "virtual"):
        found = stage_check.selftest(target)
        assert found["ok"], found
        assert found["first"] is None
        assert len(found["stages"]) == 13


def test_a_board_of_a_file_of_ones_own(
    virtual_board: Callable[..., VirtualBoard], tmp_path: Path
) -> None:
    """It says a name that did not come with nearhum: the file says for which chip the rest is
    to be compiled.
    """
    own = tmp_path / "pump.toml"
    own.write_text('extends = "virtual"\n[source]\ndriver = "push"\n')
    board = virtual_board()
    with Link(board.path) as link:
        deployment.deploy(link, application.application(board_files.load(str(own))))
    refused = CliRunner().invoke(app, ["selftest", board.path])
    assert refused.exit_code == 2
    assert "'pump'" in refused.output
    assert "--board FILE.toml" in refused.output
    found = CliRunner().invoke(app, ["selftest", board.path, "--board", str(own)])
    assert found.exit_code == 0, found.output
    assert "all 13 stages are right" in found.output
    with Link(board.path) as link:
        assert link.ask("status")["source"] == "ok"


@pytest.mark.parametrize(
    ("module", "said", "instead", "first"),
    [
        ("kernels/viper_window.py", "reading[0] = s", "reading[0] = s + 1", "centre"),
        ("kernels/viper_last8.py", "2896", "2895", "bands_64"),
        ("kernels/viper_last4.py", "ar + cr - 0x100000", "ar + cr - 0x100001", "bands_100"),
        (
            "kernels/viper_nearest.py",
            "limit = int(out) + (v << 2)",
            "limit = int(out) + (v << 2) - 4",
            "distance",
        ),
        ("detection/temporal.py", "score = (q8 + 128) >> 8", "score = (q8 + 640) >> 8", "pipeline"),
    ],
)
def test_the_first_stage_that_differs_is_named(
    module: str,
    said: str,
    instead: str,
    first: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A board whose copy of one module is not as released."""
    firmware = tmp_path / "firmware"
    shutil.copytree(application.firmware_dir(), firmware)
    damaged = firmware / "nearhum" / module
    assert said in damaged.read_text()
    damaged.write_text(damaged.read_text().replace(said, instead))
    monkeypatch.setattr(application, "firmware_dir", lambda: firmware)
    found = stage_check.selftest("virtual")
    assert not found["ok"]
    assert found["first"] == first


def test_damaged_vectors(tmp_path: Path) -> None:
    path = tmp_path / "stage_hashes.json"
    good = json.loads(stage_check.VECTORS.read_text())
    for change in ({"version": 2}, {"magic": "other"}, {"stages": {"tables": "0"}}):
        path.write_text(json.dumps({**good, **change}))
        with pytest.raises(HostError, match="stage_hashes.json"):
            stage_check.load(path)
    path.write_text("{")
    with pytest.raises(HostError, match="cannot be read"):
        stage_check.load(path)


# ---- the emulated board --------------------------------------------------------------------------


def uf2(n_blocks: int, family: int = 0xE48BFF56) -> bytes:
    return of_flash(family, bytes(256 * n_blocks)).packed()


def test_wrong_firmware_images(tmp_path: Path) -> None:
    path = tmp_path / "firmware.uf2"
    for contents, said in (
        (b"", "not a UF2"),
        (b"x" * 1024, "not a UF2"),
        (uf2(4)[:-512], "is cut"),
        (uf2(4, family=0xE48BFF59), "for rp2350, not for rp2040"),
    ):
        path.write_bytes(contents)
        with pytest.raises(UsageError, match=said) as caught:
            emulated.check_uf2(path)
        assert "micropython.org" in caught.value.hint
    path.write_bytes(uf2(4))
    emulated.check_uf2(path)
    with pytest.raises(UsageError, match="cannot read"):
        emulated.check_uf2(tmp_path / "none.uf2")


def test_an_emulated_board_needs_an_image(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(emulated.UF2_NAME, raising=False)
    with pytest.raises(UsageError, match="needs a firmware image"):
        stage_costs.bench("emulated")
    with pytest.raises(UsageError, match="without an emulated board"):
        stage_costs.bench("unix", tmp_path / "any.uf2")


def test_a_firmware_that_never_answers(tmp_path: Path) -> None:
    """An image of zeros: the chip's boot ROM finds no program in it."""
    path = tmp_path / "zeros.uf2"
    path.write_bytes(uf2(4))
    with pytest.raises(HostError, match="did not end|stopped"):
        emulated.run(path, {}, "print(1)", timeout_s=5)


def test_the_file_system_of_an_emulated_board() -> None:
    from littlefs import LittleFS

    flash = board_files.load(emulated.BOARD).flash
    image = emulated.file_system({"/a/b.txt": b"x" * 9000, "/c": b""}, flash)
    assert len(image) == flash.fs_size_bytes
    fs = LittleFS(block_size=4096, block_count=352, prog_size=256, mount=False)
    fs.context.buffer = bytearray(image)
    fs.mount()
    with fs.open("/a/b.txt", "rb") as file:
        assert file.read() == b"x" * 9000
    with pytest.raises(HostError, match="does not fit"):
        emulated.file_system({"/big": b"x" * (flash.fs_size_bytes + 1)}, flash)
