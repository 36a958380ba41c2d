"""Test the memory plan: the native code of every board file and kind fits the budget of its chip.

No module that is freed has native code on a chip that cannot free it. A refusal states the sum.
"""

import dataclasses

import pytest
from fuzz.seeds import STATUS
from host.boards.test_application import CASES, OVERRIDES
from nearhum_host.boards import application, board_files, memory_plan
from nearhum_host.commands import status
from nearhum_host.errors import HostError, UsageError
from nearhum_host.paths import firmware_dir
from typer.testing import CliRunner

ESP32 = board_files.load("esp32_generic")
EVERYTHING = {
    "n_bands": 4,
    "n_envelope_bands": 4,
    "envelope_low_hz": 100,
    "envelope_high_hz": 400,
    "drift_budget": 3,
    "spread": "full",
}
APART = [name for name in board_files.names() if board_files.load(name).native_bytes is not None]


def test_which_boards_have_executable_memory_apart() -> None:
    assert APART == [
        "esp32_c3",
        "esp32_generic",
        "esp32_s2",
        "esp32_s3",
        "esp32_s3_spiram",
        "esp32_spiram",
    ]
    assert {board_files.load(name).native_bytes for name in APART} == {20 * 1024}


@pytest.mark.parametrize(("board", "what"), CASES)
def test_native_code_within_the_budget(board: str, what: str) -> None:
    there = board_files.load(board)
    found = memory_plan.plan(application.application(there, OVERRIDES[what], check=False))
    print(f"{board}, {what}: {found.n_bytes:,} bytes of native code in {len(found.stays)} modules")
    assert found.stays["kernels/viper"] > 0
    if there.native_bytes is not None:
        assert found.n_bytes <= there.native_bytes
        # what is dropped is loaded again and again, and each time the chip gives other memory
        assert not found.returns


def test_native_code_that_returns_is_seen(monkeypatch) -> None:
    """Put F2 back, native code in a module that is dropped: the plan shows it."""
    files = application.application(ESP32)
    assert not memory_plan.plan(files).returns
    monkeypatch.setattr(memory_plan, "released", lambda: {"kernels/viper_derive"})
    found = memory_plan.plan(files)
    assert set(found.returns) == {"kernels/viper_derive"}
    assert found.n_bytes == memory_plan.plan(files).n_bytes


def test_with_every_native_function_an_esp32_has_no_room() -> None:
    """Put F1 back, all functions compiled: the plan does not hold."""
    heap = dataclasses.replace(ESP32, native_bytes=None)
    files = application.application(heap)
    assert memory_plan.plan(files).n_bytes > 20 * 1024
    with pytest.raises(UsageError, match="has no room"):
        memory_plan.check(ESP32, files)


def test_what_is_let_go_of_is_there() -> None:
    leaving = memory_plan.released()
    assert {"detection/period", "detection/modes", "console/changes", "assembly"} <= leaving
    for module in leaving:
        assert (firmware_dir() / "nearhum" / f"{module}.py").exists(), module


def test_every_function_counts_and_what_the_chip_adds() -> None:
    viper = firmware_dir() / "nearhum" / "kernels" / "viper_most.py"
    (size,) = memory_plan.native_bytes(application.compiled(viper, "most", "xtensawin"))
    assert 300 < size < 800
    # rounded up to words; 4 bytes of a list, 4 of a block's header
    assert memory_plan.pool_bytes([size, 1, 4]) == (size + 3) // 4 * 4 + 4 + 4 + 3 * 8
    bytecode = firmware_dir() / "nearhum" / "errors.py"
    assert not memory_plan.native_bytes(application.compiled(bytecode, "errors", "xtensawin"))


def test_a_file_that_is_none_is_told() -> None:
    source = firmware_dir() / "nearhum" / "kernels" / "viper_most.py"
    good = application.compiled(source, "most", "rv32imc")
    for bad in (b"", good[:3], good[:40], good[:-1], good + b"\0", b"M\x05" + good[2:]):
        with pytest.raises(HostError, match="cannot be read"):
            memory_plan.native_bytes(bad)


def test_without_native_the_lines_stay_and_viper_stays() -> None:
    text = b"import micropython\n\n@micropython.native\ndef f(x):\n    return x\n"
    text += b"@micropython.viper\ndef g(x: int) -> int:\n    return x\n"
    without = application.without_native(text)
    assert without.count(b"\n") == text.count(b"\n")
    assert b"native" not in without
    assert b"@micropython.viper" in without


def test_too_much_is_refused_with_the_sum() -> None:
    with pytest.raises(UsageError, match=r"ESP32, generic has no room .* \d+ bytes .* of 20480"):
        application.application(ESP32, EVERYTHING)
    with pytest.raises(UsageError) as refused:
        application.application(ESP32, EVERYTHING)
    assert "n_envelope_bands = 0 (" in refused.value.hint
    assert "drift_budget = 0 (" in refused.value.hint
    pico = application.application(board_files.load("rpi_pico"), EVERYTHING)  # has room
    assert "/nearhum/kernels/viper_filter.mpy" in pico
    # tests bring what they need, a module at a time
    assert len(application.application(ESP32, EVERYTHING, everything=True)) > 80


def test_deploy_and_image_refuse(tmp_path) -> None:
    from nearhum_host.commands.cli import app

    mine = tmp_path / "mine.toml"
    settings = "\n".join(f"{key} = {value!r}" for key, value in EVERYTHING.items())
    mine.write_text(f'extends = "esp32_generic"\n[settings]\n{settings}\n'.replace("'", '"'))
    for command in (
        ["deploy", "--port", "/dev/none"],
        ["package", "--output", str(tmp_path / "index")],
        ["image", "--output", str(tmp_path / "x.bin")],  # before anything is downloaded
    ):
        done = CliRunner().invoke(app, [*command, "--board", str(mine)])
        assert done.exit_code == 2, (command, done.output)
        assert "bytes of native code, of 20480" in " ".join(done.output.split()), command


def test_make_size_shows_it_without_an_image(capsys, monkeypatch) -> None:
    import size

    monkeypatch.delenv("NEARHUM_UF2", raising=False)
    monkeypatch.setattr("sys.argv", ["size.py"])
    monkeypatch.setattr(board_files, "names", lambda: ["esp32_generic", "rpi_pico"])
    assert size.main() == 0
    shown = capsys.readouterr().out
    assert "20480" in shown
    assert "in the heap" in shown
    assert "OVER" not in shown
    monkeypatch.setattr(size.memory_plan, "released", lambda: {"kernels/viper"})
    assert size.main() == 1
    assert "OVER esp32_generic, vibration" in capsys.readouterr().out


def test_status_and_doctor_show_what_is_left() -> None:
    shown = status.readable("port", {**STATUS, "native_free": 9060})
    assert shown["free memory"] == "100000 bytes, and 9060 bytes of executable memory"
    assert status.readable("port", STATUS)["free memory"] == "100000 bytes"
    assert "native_free" not in shown


def test_status_says_how_much_drift_was_followed():
    shown = status.readable("port", {**STATUS, "drift_left": 37, "drift_of": "c2.mean"})
    assert shown["drift"] == "followed, 63 % of its budget (c2.mean)"
    assert "drift_left" not in shown
    none = status.readable("port", {**STATUS, "drift_left": 100, "drift_of": None})
    assert none["drift"] == "followed, 0 % of its budget"
    spent = status.readable("port", {**STATUS, "drift_left": 0, "drift_of": "c2.mean"})
    assert spent["drift"].startswith("followed, 100 % of its budget (c2.mean): no further.")
    assert "nearhum trust" in spent["drift"]
    for without in (STATUS, {**STATUS, "drift_left": None, "drift_of": None}):
        assert "drift" not in " ".join(status.readable("port", without))
