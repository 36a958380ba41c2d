"""Test merging what many boards have learned, with states that the firmware made."""

import json
from pathlib import Path

import pytest
from host.commands.test_commands import call
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from nearhum import wire
from nearhum.sources import recording
from nearhum_host.boards import keys
from nearhum_host.errors import UsageError
from nearhum_host.fleet import merging
from states import TELEMETRY, VIBRATION, board, modes_of, started_from, states, with_modes

N_DIMS = 7  # six bands and the rms
MAX_COUNT = (1 << 24) - 1
CONFIG = {"board": "x", "kind": "vibration", "source": {"driver": "replay"}, **VIBRATION}


def merged(images: list[bytes], config=CONFIG, **more) -> merging.Merged:
    return merging.merge({f"board {i}": image for i, image in enumerate(images)}, config, **more)


@pytest.fixture(scope="module")
def pool() -> list[bytes]:
    """Eight boards of one machine, each with its own noise, window count and examples of `tap`."""
    return states([board(3 * i, [(60 + 7 * i, 200 + 5 * i, 1000)], label="tap") for i in range(8)])


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(chosen=st.permutations(range(8)), n=st.integers(2, 8), cut=st.integers(1, 7))
def test_sums_add_exactly_in_any_order(pool: list[bytes], chosen: list[int], n: int, cut: int):
    some = [pool[i] for i in chosen[:n]]
    whole = merged(some)
    assert whole.image == merged([pool[i] for i in sorted(chosen[:n])]).image
    parts = [mode for image in some for mode in modes_of(image, N_DIMS)]
    (found,) = modes_of(whole.image, N_DIMS)
    assert found[1] == sum(part[1] for part in parts)
    for place in (2, 3):  # sums, sums of squares
        assert found[place] == [
            sum(values) for values in zip(*(part[place] for part in parts), strict=True)
        ]
    if 1 < cut < n:  # a merge of merges is the same sum
        halves = [
            merged(half).image if len(half) > 1 else half[0] for half in (some[:cut], some[cut:])
        ]
        assert modes_of(merged(halves).image, N_DIMS)[0][1:] == found[1:]


def test_beyond_what_the_fields_hold_all_is_scaled_by_one_factor(pool: list[bytes]):
    large = []
    for image in pool[:3]:
        name, count, sums, squares = modes_of(image, N_DIMS)[0]
        k = MAX_COUNT // count  # the same board, as if it had learned its windows k times
        large.append(
            with_modes(image, [(name, k * count, [k * s for s in sums], [k * q for q in squares])])
        )
    done = merged(large)
    _, count, sums, squares = modes_of(done.image, N_DIMS)[0]
    assert count == MAX_COUNT
    assert done.scaled == pytest.approx(MAX_COUNT / done.windows)
    assert done.windows > 2.9 * MAX_COUNT
    assert all(-(1 << 31) <= s < 1 << 31 for s in sums)
    parts = [modes_of(image, N_DIMS)[0] for image in large]
    for i in range(N_DIMS):
        for found, place in ((sums, 2), (squares, 3)):
            exact = sum(part[place][i] for part in parts)
            # rounded once, to nearest
            assert abs(found[i] * done.windows - exact * count) <= done.windows


def test_one_poisoned_board_moves_the_sum_and_not_the_trimmed_one(pool: list[bytes]):
    name, count, sums, squares = modes_of(pool[3], N_DIMS)[0]
    # steps of 4 in every dimension, and a count that outvotes all the others together; its spread
    # is as it was
    k, d = 200, 4
    moved = [k * (s + d * count) for s in sums]
    poisoned = with_modes(
        pool[3],
        [
            (
                name,
                k * count,
                moved,
                [k * (q + 2 * d * s + d * d * count) for q, s in zip(squares, sums, strict=True)],
            )
        ],
    )
    clean = [image for i, image in enumerate(pool) if i != 3]

    def means(image: bytes) -> list[float]:
        _, n, sums, _ = max(modes_of(image, N_DIMS), key=lambda mode: mode[1])
        return [s / n for s in sums]

    honest = means(merged(clean).image)
    plain = means(merged([*clean, poisoned]).image)
    done = merged([*clean, poisoned], trim=True)
    trimmed = means(done.image)
    assert max(abs(a - b) for a, b in zip(plain, honest, strict=True)) > 3
    assert max(abs(a - b) for a, b in zip(trimmed, honest, strict=True)) < 0.5
    assert "board 7" in [left["file"] for left in done.left_out]
    assert len(done.left_out) == 2
    # and where nobody is poisoned, trimming costs little
    assert (
        max(
            abs(a - b)
            for a, b in zip(
                means(merged(pool, trim=True).image), means(merged(pool).image), strict=True
            )
        )
        < 1
    )


def test_modes_and_labels(pool: list[bytes]):
    two = states(
        [
            board(
                40 + i,
                [(100, 200, 1000), (80, 150, 1000 if i % 2 else 9000)],
                label="tap" if i else "knock",
            )
            for i in range(4)
        ]
    )
    done = merged(two)
    assert sum(mode["windows"] for mode in done.modes) + done.dropped == 4 * 180
    assert done.labels == {"tap": 6, "knock": 2}
    told = started_from(done.image, "vibration", 7, [(20, 200, 1000)])
    assert told["refused"] == []
    assert sorted(told["labels"]) == ["knock", "tap"]
    assert told["state"] == wire.WATCH


def test_what_only_a_board_has_does_not_stop_a_merge(pool: list[bytes]):
    of_boards = {**CONFIG, "alarm_pin": "25", "watchdog_s": 8}
    assert merged(pool[:2], of_boards).image == merged(pool[:2]).image


def test_a_new_board_watches_by_the_fleets_prior(pool: list[bytes]):
    told = started_from(merged(pool).image, "vibration", 999, [(40, 215, 1000), (40, 3000, 0)])
    assert told["state"] == wire.WATCH
    normal, strange = told["scores"]
    assert max(normal) < told["threshold"] < min(strange[5:])


def test_slow_channels_are_brought_into_one_range():
    boards = [board(100 * i, [(150, 180 + 10 * i, 100)], kind="telemetry") for i in range(1, 6)]
    config = {"board": "x", "kind": "telemetry", "source": {"driver": "replay"}, **TELEMETRY}
    images = states(boards)
    done = merged(images, config)
    assert done.image == merged(images[::-1], config).image
    assert done.modes[0]["boards"] == 5
    told = started_from(done.image, "telemetry", 7, [(40, 200, 100), (40, 2000, 100)])
    assert told["refused"] == []
    normal, strange = told["scores"]
    assert sorted(normal)[-4] < told["threshold"]
    assert max(strange) > told["threshold"]
    # alike to the last bit, and twice the windows, where a board is added to one that has its range
    same = merged([images[0], *states([{**boards[0], "label": "tap"}])], config)
    n = TELEMETRY["n_channels"]
    once, twice = modes_of(images[0], n, n)[0], modes_of(same.image, n, n)[0]
    assert twice[1:] == (2 * once[1], [2 * s for s in once[2]], [2 * q for q in once[3]])


def test_bad_input_names_the_file(pool: list[bytes]):
    with pytest.raises(UsageError, match="1 states") as wrong:
        merged(pool[:1])
    assert "two boards" in wrong.value.hint
    with pytest.raises(UsageError, match="3 states"):
        merged(pool[:3], trim=True)
    with pytest.raises(UsageError, match="board 0 and board 2 hold the same state"):
        merged([pool[0], pool[1], pool[0]])
    with pytest.raises(UsageError, match="board 1 is damaged"):
        merged([pool[0], pool[1][:-1] + bytes([pool[1][-1] ^ 1])])
    other = states([{**board(5, [(40, 200, 1000)]), "settings": {**VIBRATION, "n_bands": 5}}])[0]
    with pytest.raises(UsageError, match="board 2: learned with other features"):
        merged([*pool[:2], other])
    with pytest.raises(UsageError, match="was learned with other features"):
        merged(pool[:2], {**CONFIG, "n_bands": 5})
    unfinished = states([board(6, [(40, 200, 1000)], unfinished=True)])[0]
    with pytest.raises(UsageError, match="board 1 is of a board that had not finished learning"):
        merged([pool[0], unfinished])


BOARD_FILE = """
extends = "virtual"
kind = "vibration"
rate_hz = 4000
n_channels = 1
[settings]
n_window = 64
n_hop = 64
n_bands = 6
"""


def test_merge_and_deploy_as_commands(
    pool: list[bytes], virtual_board, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "pump.toml").write_text(BOARD_FILE)
    folder = tmp_path / "backups"
    folder.mkdir()
    for i, image in enumerate(pool[:4]):
        (folder / f"pump{i}.nhs").write_bytes(image)
    header = recording.pack_recording_header(1, 1, 4_000_000, 4000) + recording.pack_segment_header(
        4000
    )
    cards = []
    for i in range(2):
        card = tmp_path / f"sd{i}"
        card.mkdir()
        (card / "replay.nhr").write_bytes(header + bytes(8000))
        cards.append(card)
    boards = [virtual_board("rp2040", sd=card) for card in cards]
    told = json.loads(
        call(
            boards[0], tmp_path, "fleet", "merge", "backups", "--board", "pump.toml", "--json"
        ).stdout
    )
    assert (told["boards"], told["labels"]) == (4, {"tap": 8})
    assert (
        "exists"
        in call(
            boards[0], tmp_path, "fleet", "merge", "backups", "--board", "pump.toml", code=2
        ).stderr
    )
    shown = call(
        boards[0],
        tmp_path,
        "fleet",
        "merge",
        "backups",
        "-b",
        "pump.toml",
        "--trim",
        "-o",
        "other.nhs",
    )
    assert "left out: backups/pump" in shown.stderr
    assert "from 3 boards" in shown.stdout
    ports = [argument for one in boards for argument in ("--port", one.path)]
    deploy = ("fleet", "deploy", "--board", "pump.toml", "--prior", "prior.nhs", *ports)
    done = json.loads(call(boards[0], tmp_path, *deploy, "--json").stdout)
    assert [one["error"] for one in done] == ["", ""]
    assert all("state watch" in one["told"] for one in done)
    for one in boards:
        labels = json.loads(call(one, tmp_path, "list", "--json").stdout)
        assert "tap" in [row["label"] for row in labels]
    # one board that is not there stops none of the others
    again = call(boards[0], tmp_path, *deploy, "--port", str(tmp_path / "none"), "--json", code=3)
    assert ["there is no port" in one["error"] for one in json.loads(again.stdout)] == [
        False,
        False,
        True,
    ]
    assert "named twice" in call(boards[0], tmp_path, *deploy, *ports[:2], code=2).stderr
    # with a key: the prior has to be signed with it, and so are states from then on
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    keys.make("fleet")
    assert "is not signed" in call(boards[0], tmp_path, *deploy, "--key", "fleet", code=1).stderr
    call(boards[0], tmp_path, "key", "fleet", "--sign", "prior.nhs")
    done = json.loads(call(boards[0], tmp_path, *deploy, "--key", "fleet", "--json").stdout)
    assert [one["error"] for one in done] == ["", ""]
    for i, one in enumerate(boards):
        call(one, tmp_path, "backup", f"keyed{i}.nhs")
        assert keys.signer_of((tmp_path / f"keyed{i}.nhs").read_bytes()) == "fleet"
    refused = json.loads(call(boards[0], tmp_path, *deploy, "--json", code=3).stdout)
    assert all("the board has a key, 'fleet'" in one["error"] for one in refused)
