"""Test settings: the defaults of every kind, and errors that name value and allowed range."""

import json
import os

from fakes import pipeline, settings
from harness import clear_error, done, equal, raises, scratch, test
from nearhum import board, config, files
from nearhum.errors import ConfigError
from nearhum.features.extract import Plan
from nearhum.settings import KINDS, SETTINGS
from nearhum.storage import changed, deployed

SOURCE = {"driver": "none"}


def complete(**given):
    return config.complete(dict({"source": SOURCE}, **given))


@test
def every_kind_has_defaults_that_hold():
    for kind in KINDS:
        c = complete(kind=kind)
        equal(sorted(c), sorted(list(SETTINGS) + ["source"]), kind)
        equal(Plan(c).n_features > 0, True)


@test
def what_is_given_wins():
    c = complete(kind="motion", n_bands=3, rate_hz=100)
    equal((c["n_bands"], c["rate_hz"], c["statistics"]), (3, 100, "rms"))


@test
def numbers_outside_their_range():
    for name in SETTINGS:
        rule = SETTINGS[name]
        if rule[0] is None or isinstance(rule[0], tuple):
            continue
        low, high = rule[:2]
        for value in (low - 1, high + 1, "x", None, [], True, float("nan"), float("inf")):
            error = raises(ConfigError, config.check, name, value)
            clear_error(error, name, str(low), str(high))
        equal(config.check(name, low), low)
        equal(config.check(name, high), high)


@test
def whole_numbers_stay_whole():
    clear_error(raises(ConfigError, config.check, "n_bands", 2.5), "n_bands", "whole")
    equal(isinstance(config.check("n_bands", 2.0), int), True)


@test
def words_that_are_none_of_them():
    for name, value in (("kind", "plant"), ("path", "middle"), ("spacing", 5), ("mean", None)):
        clear_error(raises(ConfigError, config.check, name, value), name)
    clear_error(raises(ConfigError, lambda: complete(kind="plant")), "plant", "vibration")


@test
def settings_that_do_not_exist():
    clear_error(raises(ConfigError, lambda: complete(n_band=3)), "n_band")
    clear_error(raises(ConfigError, config.parse, "speed", "9"), "speed")


@test
def settings_that_do_not_go_together():
    for given, word in (
        ({"n_window": 64, "n_hop": 65}, "n_hop"),
        ({"alarm_m": 3, "alarm_n": 2}, "alarm_m"),
        ({"statistics": "rms,power"}, "power"),
        ({"n_window": 16, "n_hop": 16, "n_bands": 4}, "n_window"),
        ({"f_high_hz": 2001, "rate_hz": 4000}, "f_high_hz"),
        ({"f_low_hz": 500, "f_high_hz": 400}, "f_low_hz"),
        ({"n_bands": 0, "statistics": "", "mean": "off"}, "feature"),
    ):
        clear_error(raises(ConfigError, lambda given=given: complete(**given)), word)


@test
def a_source_must_be_named():
    for source in (None, "replay", {}, {"path": "x"}):
        clear_error(raises(ConfigError, config.complete, {"source": source}), "source")
    clear_error(raises(ConfigError, config.complete, {}), "source")
    clear_error(
        raises(ConfigError, board.open_source, {"source": {"driver": "no_such_chip"}}),
        "no_such_chip",
    )
    clear_error(raises(ConfigError, board.open_source, {"source": {"driver": "../x"}}), "driver")


@test
def text_becomes_values():
    for name, text, value in (
        ("n_bands", "12", 12),
        ("rate_hz", "0.5", 0.5),
        ("path", "float", "float"),
        ("head", "", ""),
    ):
        equal(config.parse(name, text), value)
    for name, text in (
        ("n_bands", "many"),
        ("n_bands", ""),
        ("rate_hz", "1,5"),
        ("rate_hz", "0x10"),
        ("path", ""),
    ):
        clear_error(raises(ConfigError, config.parse, name, text), name)


@test
def a_board_without_settings():
    clear_error(raises(ConfigError, deployed.load_config, scratch()), "nearhum.json", "deploy")


@test
def settings_that_are_no_json():
    for text in ("", "{", "[1]", "null", "kind"):
        root = scratch()
        with open(root + "nearhum.json", "w") as f:
            f.write(text)
        clear_error(raises(ConfigError, deployed.load_config, root), "nearhum.json")


class Lenient:
    """The json of MicroPython 1.24: it takes what is cut short, as if all that is open ended."""

    dumps = json.dumps

    @staticmethod
    def loads(text):
        for end in ("", "}", "}}", "]}", "]}}"):
            try:
                return json.loads(bytes(text).decode() + end)
            except ValueError:
                pass
        raise ValueError


@test
def settings_that_are_cut_short_are_refused_where_json_takes_them():
    whole = b'{"kind": "motion", "source": {"driver": "x", "pins": [1, 2]}, "board": "a}{\\"["}'
    taken, files.json = files.json, Lenient
    try:
        equal(files.parsed(whole)["board"], 'a}{"[')
        n_taken = 0
        for n in range(len(whole)):
            try:
                n_taken += isinstance(Lenient.loads(whole[:n]), dict)
            except ValueError:
                pass
            raises(ValueError, files.parsed, whole[:n])
            root = scratch()
            files.write_file(root + "nearhum.json", whole[:n])
            clear_error(raises(ConfigError, deployed.load_config, root), "nearhum.json", "deploy")
        equal(n_taken > 10, True)  # so that brackets alone refuse them
    finally:
        files.json = taken


@test
def changed_settings_lie_beside_and_win():
    root = settings("vibration", scratch())
    changed.change(root, "n_bands", 5, Plan)
    changed.change(root, "alarms_per_day", 2, Plan)
    c = deployed.load_config(root)
    equal((c["n_bands"], c["alarms_per_day"]), (5, 2))
    with open(root + "hum/set.json") as f:
        equal(sorted(json.loads(f.readline())), ["alarms_per_day", "n_bands"])
    raises(ConfigError, changed.change, root, "alarm_m", 9, Plan)
    raises(ConfigError, changed.change, root, "n_window", 2, Plan)
    equal(deployed.load_config(root)["alarm_m"], 1)
    equal("set.json.new" in os.listdir(root + "hum"), False)


@test
def a_pipeline_tells_a_wrong_setting_before_the_first_sample():
    clear_error(raises(ConfigError, lambda: pipeline("vibration", n_bands=500)), "n_bands")
    clear_error(raises(ConfigError, lambda: pipeline("vibration", head="/no.nhh")), "no.nhh")


done()
