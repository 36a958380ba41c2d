"""A sample of `make test-faults`: faults of the sensor and of the board's supply and files, on
the virtual board.
"""

import pytest
from conftest import ON_LINUX_X86_64
from faults import rows, sensor, world

if not ON_LINUX_X86_64:
    pytest.skip("the virtual board needs Linux on x86-64", allow_module_level=True)

from faults import rig

SAMPLE = (
    ("sensor missing, or unplugged", ("boot", "learn")),
    ("sensor stuck", ("learn", "enrol")),
    ("its supply dips: the chip sleeps", ("watch",)),
)


@pytest.fixture(scope="module")
def image() -> bytes:
    return rig.template()


@pytest.mark.parametrize(
    ("name", "stages"),
    [
        pytest.param(*row, id=row[0], marks=[pytest.mark.slow] if "stuck" in row[0] else [])
        for row in SAMPLE
    ],
)
def test_a_fault_of_the_sensor(image: bytes, name: str, stages: tuple[str, ...]) -> None:
    fault = next(fault for fault in sensor.FAULTS if fault.name == name)
    for row in sensor.of(fault, image, stages):
        assert row.ok, row.outcome


def test_a_brown_out_loop_ends_in_safe_mode(image: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(world, "N_BROWN_OUTS", 12)
    (row,) = world.by_stage("brown-out loop", image, world.browned_out, ("boot",))
    assert row.ok, row.outcome


def test_a_damaged_module_is_named(image: bytes) -> None:
    row = world.corrupt(
        image, {}, lambda path: path == "/nearhum/pipeline.mpy", "module", "safe mode names it"
    )
    assert row.ok, row.outcome
    assert row.cases == 2


def test_what_is_not_as_promised_is_a_row_that_failed(image: bytes) -> None:
    """The checks would notice: a board that learned what a stuck sensor gave, and one that lost
    what it knew.
    """
    teaching = sensor.Fault(
        "stuck, said to teach nothing, and sound", {}, "ok", teaches=False, events=()
    )
    (row,) = sensor.of(teaching, image, ("learn",))
    assert not row.ok
    assert "it was taught" in row.outcome

    def forgetful(there: rig.Rig, stage: str, known: dict) -> str:
        there.ask("forget hum")
        world.settle(there, stage, known)
        return "forgot"

    (row,) = world.by_stage("forgetful", image, forgetful, ("watch",))
    assert not row.ok
    assert "hum" in row.outcome
    assert "FAIL" in rows.table([row])
