"""Test that `set` accepts nothing with which the board would not start."""

import os
import sys

from fakes import head, layer, on_flash, pipeline, take
from harness import clear_error, done, equal, raises, test
from nearhum import config, files, lifetime
from nearhum.console import checks
from nearhum.errors import ConfigError
from nearhum.storage import changed, deployed

SMALL = {"n_channels": 1, "n_window": 64, "n_hop": 64, "n_bands": 6}


def ask(hum, text):
    """One line, its answer; through JSON, as a host gets it."""
    hum.line.input += (text + "\n").encode()
    while hum.line.input or hum.console._out:
        hum.console.poll()
    return hum.line.answers()[0]


def refused(hum, text):
    """A line that must be refused with a hint; returns the answer."""
    answer = ask(hum, text)
    equal((answer["ok"], bool(answer["error"]), bool(answer["hint"])), (False, True, True), text)
    return answer


def learned(**given):
    hum = pipeline("vibration", **dict(SMALL, **given))
    ask(hum, "learn 20")
    take(hum, 20)
    return hum


def in_force(hum):
    """Return what `set` changed, as it lies on flash."""
    return deployed.read_json(hum.root + deployed.CHANGED) or {}


@test
def a_head_that_is_no_head_is_refused():
    hum = pipeline("vibration", **SMALL)
    ask(hum, "set alarms_per_day 2")
    for path in ("nearhum.json", "hum/state.a", "none.nhh"):
        files.write_file(hum.root + "hum/state.a", b"NHS2" + bytes(60))
        answer = refused(hum, "set head " + hum.root + path)
        equal("head" in answer["error"], True, answer)
    equal(in_force(hum), {"alarms_per_day": 2})
    n = hum.plan.n_features
    good = head(n, layer([[1] * n, [-1] * n], [0, 0], [(0, 1, 8)] * 2))
    files.write_file(hum.root + "good.nhh", good)
    equal(ask(hum, "set head " + hum.root + "good.nhh")["ok"], True)
    # another number of features than the head takes
    clear = refused(hum, "set n_bands 5")
    equal("features" in clear["error"], True, clear)
    equal(sorted(in_force(hum)), ["alarms_per_day", "head"])


@test
def what_would_make_learning_void_asks():
    hum = learned()
    answer = refused(hum, "set n_bands 5")
    equal("cannot be used" in answer["error"], True, answer)
    equal("`set yes n_bands 5`" in answer["hint"], True, answer)
    equal(in_force(hum), {})
    equal(ask(hum, "set yes n_bands 5")["value"], 5)
    # that it waits does not make others ask
    equal(ask(hum, "set yes alarms_per_day 2")["ok"], True)
    equal(sorted(in_force(hum)), ["alarms_per_day", "n_bands"])
    # what changes no feature never asks; nor does a board that has learned nothing
    hum = learned()
    for line in ("set alarms_per_day 2", "set smooth 100", "set n_hop 32", "set release 10"):
        equal(ask(hum, line)["ok"], True, line)
    equal(ask(pipeline("vibration", **SMALL), "set n_bands 5")["ok"], True)


@test
def a_learning_period_that_has_begun_asks_too():
    hum = pipeline("vibration", **SMALL)
    ask(hum, "learn 20")
    equal(ask(hum, "set n_bands 5")["ok"], True)
    ask(hum, "set n_bands default")
    take(hum, 1)
    answer = refused(hum, "set n_bands 5")
    equal("cannot be used" in answer["error"], True, answer)
    equal(in_force(hum), {})


@test
def what_waits_for_a_restart_is_told():
    hum = pipeline("vibration", aside="peak", **SMALL)
    equal(ask(hum, "list set")["set"], {})
    equal(ask(hum, "set smooth 100")["note"], "takes effect after a restart")
    ask(hum, 'set aside ""')
    ask(hum, "set alarm_n 1")  # as it is
    equal(ask(hum, "list set")["set"], {"smooth": 100, "aside": ""})
    ask(hum, "set smooth default")
    ask(hum, "set aside default")
    equal(ask(hum, "list set")["set"], {})
    equal("nearhum.storage.changed" in sys.modules, False)


@test
def what_waits_is_held_against_the_application_that_runs():
    def act(flash, root):
        for folder in ("beside", "beside/ram"):
            os.mkdir(root + folder)
        there = b'{"kind": "vibration", "source": {"driver": "push"}, "smooth": %d}'
        files.write_file(root + "nearhum.json", there % 50)  # of the application that does not run
        deployed.nearhum.folder = root + "beside"
        try:
            files.write_file(root + "beside/ram/nearhum.json", there % 100)
            equal(changed.pending(root, deployed.load_config(root)), {})
        finally:
            deployed.nearhum.folder = ""

    on_flash(act)


@test
def names_that_are_none_have_a_near_one():
    hum = pipeline("vibration", **SMALL)
    for name, meant in (("alarm_per_day", "alarms_per_day"), ("nbands", "n_bands")):
        clear = refused(hum, "set %s 1" % name)["error"]
        equal("did you mean %s?" % meant in clear, True, clear)
    equal("did you mean" in refused(hum, "set xyz 1")["error"], False)


@test
def a_setting_is_taken_back_and_made_empty():
    hum = pipeline("vibration", aside="peak", **SMALL)
    equal(ask(hum, 'set aside ""')["value"], "")
    equal(in_force(hum), {"aside": ""})
    equal(ask(hum, "set aside default")["value"], "peak")
    equal(in_force(hum), {})
    equal(ask(hum, "set smooth default")["value"], 64)
    refused(hum, "set nothing default")
    refused(hum, "set alarm_pin 8 high")


@test
def a_covariance_has_its_bound():
    from nearhum.embedding.whitening import Whitening

    log2 = pipeline("vibration", **SMALL).features.transform.log2
    Whitening(checks.MOST_WHITENED, 2, log2)
    raises(ConfigError, Whitening, checks.MOST_WHITENED + 1, 2, log2)
    hum = pipeline("vibration", **SMALL)
    answer = ask(hum, "set spread full")
    equal(answer["ok"], True, answer)
    hum = pipeline("motion")  # 48 features
    equal("48 dimensions" in refused(hum, "set spread full")["error"], True)
    n = hum.plan.n_features
    wide = head(n, layer([[1] * n] * 40, [0] * 40, [(0, 1, 8)] * 40))
    files.write_file(hum.root + "wide.nhh", wide)
    answer = ask(hum, "set head " + hum.root + "wide.nhh")
    equal(answer["ok"], True, answer)
    equal("40 dimensions" in refused(hum, "set spread full")["error"], True)


@test
def the_alarm_has_a_pin_of_its_own():
    for source in ({"sda": 4, "scl": 5}, {"pins": [4, 26]}):
        c = {"alarm_pin": "4", "source": source}
        try:
            checks.alarm(c)
        except ConfigError as e:
            clear_error(e, "alarm_pin", "sensor")
        else:
            raise AssertionError("no error")
        c["alarm_pin"] = "6"
        checks.alarm(c)


@test
def a_rate_beyond_the_sensors_is_refused():
    class Module:
        class Source:
            def plan(self, config, given):
                if config["rate_hz"] > given["most"]:
                    raise ConfigError("rate_hz = %s" % config["rate_hz"], "at most 1000")

    sys.modules["nearhum.sources.slow"] = Module
    c = config.complete({"kind": "vibration", "rate_hz": 1000, "source": {"driver": "slow"}})
    for source, rate, says in (
        ({"driver": "slow", "most": 1000}, 1000, ""),
        ({"driver": "slow", "most": 1000}, 2000, "at most 1000"),
        ({"driver": "slow"}, 1000, "source has no most"),
        ({"driver": "paced", "wraps": "slow", "most": 1000, "duty_s": 60}, 2000, "at most 1000"),
        ({"driver": "paced", "wraps": "slow", "most": 1000, "duty_s": 0.1}, 1000, "duty_s"),
    ):
        c["source"], c["rate_hz"] = source, rate
        try:
            checks.sensor(c)
            found = ""
        except ConfigError as e:
            found = (e.message + " " + e.hint).replace("'", "")
        equal(says in found and bool(says) == bool(found), True, found)


@test
def code_that_is_not_there_is_named():
    hum = pipeline("vibration", **SMALL)
    there, missing = checks.on_board, "detection/drift"

    def without(path):
        if path == missing:
            raise ImportError(path)
        there(path)

    checks.on_board = without
    # what this file holds is the module that `set` asks, although others were let go of
    kept, lifetime.PER_COMMAND = lifetime.PER_COMMAND, ()
    sys.modules["nearhum.console.checks"] = sys.modules["nearhum.console"].checks = checks
    try:
        answer = refused(hum, "set drift_budget 3")
        equal("its code is not on the board" in answer["error"], True, answer)
        equal('deploy --board FILE --set "drift_budget=3"`' in answer["hint"], True, answer)
        equal(ask(hum, "set release 3")["ok"], True)
    finally:
        checks.on_board, lifetime.PER_COMMAND = there, kept
        lifetime.release(kept)


done()
