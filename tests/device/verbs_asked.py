"""Test every verb: what it answers, and what it refuses without a change, for any arguments."""

import json
import sys

from fakes import pipeline, take
from harness import between, clear_error, done, equal, raises, test
from nearhum import VERBS, board, lifetime
from nearhum.console.status import flash_years
from nearhum.errors import CommandError
from nearhum.wire import WATCH

SMALL = {"n_channels": 1, "n_window": 64, "n_hop": 64, "n_bands": 6}


def learned():
    hum = pipeline("vibration", **SMALL)
    equal(ask(hum, "learn 20")["windows"], 20)
    take(hum, 20)
    return hum


def ask(hum, text):
    """One line, its answer; through JSON, as a host gets it."""
    hum.line.input += (text + "\n").encode()
    while hum.line.input or hum.console._out:
        hum.console.poll()
    return hum.line.answers()[0]


def refused(hum, text):
    """A line that must be refused and change nothing learned."""
    before = hum.learned.pack()
    answer = ask(hum, text)
    equal(
        (answer["ok"], bool(answer.get("error")), bool(answer.get("hint"))),
        (False, True, True),
        text,
    )
    equal(hum.learned.pack() == before, True, text)
    return answer


@test
def every_verb_is_there():
    hum = pipeline("vibration", **SMALL)
    equal(sorted(ask(hum, "help")["verbs"]), sorted(VERBS))
    for name in VERBS:
        equal(callable(hum.console.verbs[name]), True, name)
    equal("table" in hum.console.verbs, False)  # what else has that name is no verb


@test
def a_verb_has_its_help_beside_it():
    hum = pipeline("vibration", **SMALL)
    told = ask(hum, "help")["verbs"]
    for module in set(VERBS.values()):
        there = __import__("nearhum." + module, None, None, ("VERBS",)).VERBS
        equal(sorted(there), sorted([name for name in VERBS if VERBS[name] == module]), module)
        for name in there:
            function, text = there[name]
            equal((callable(function), told[name]), (True, text), name)
    lifetime.release(lifetime.PER_COMMAND)
    lifetime.release(("console.setting",))
    ask(hum, "help")
    left = [name for name in sys.modules if "console." in name]
    equal(sorted(left), ["nearhum.console.console", "nearhum.console.verbs"])


@test
def nothing_is_pending_where_near_misses_teach_nothing():
    hum = pipeline("vibration", **SMALL)
    equal((hum.config["teach"], ask(hum, "list pending")["pending"]), ("off", []))
    equal("teach is off" in refused(hum, "accept 1")["error"], True)


@test
def status_says_what_hosts_read():
    status = ask(learned(), "status")
    for key in (
        "version", "board", "kind", "path", "state", "n_learned", "learn_left", "score",
        "threshold", "alarm", "label", "n_windows", "seq", "synced_seq", "uptime_s", "boot",
        "mem_free", "n_labels", "n_prototypes", "state_bytes", "source", "dropped", "log_lost",
        "log_first",
        "gaps", "late", "turn_ms",
    ):  # fmt: skip
        equal(key in status, True, key)
    equal(
        (status["state"], status["n_learned"], status["n_windows"], status["boot"]),
        ("watch", 20, 20, 1),
    )


@test
def status_counts_samples_that_were_late():
    hum = learned()
    equal(ask(hum, "status")["late"], 0)  # a sensor with a clock of its own says nothing of it
    hum.source.late = 7
    equal(ask(hum, "status")["late"], 7)


@test
def learn_takes_windows_and_times():
    hum = pipeline("vibration", rate_hz=640, **SMALL)  # ten windows a second
    for text, n in (
        ("learn", 400),
        ("learn 16", 16),
        ("learn 30s", 300),
        ("learn 1m", 600),
        ("learn 24h", 864000),
    ):
        equal(ask(hum, text)["windows"], n, text)
        equal((hum.detector.state, hum.detector.learn_left), (1, n))
    for text in (
        "learn 7",
        "learn 0",
        "learn -5",
        "learn 1e3",
        "learn abc",
        "learn 10x",
        "learn s",
        "learn 99999999999",
        "learn ٣",
    ):
        refused(hum, text)


@test
def learning_waits_while_it_is_paused():
    hum = pipeline("vibration", n_channels=1, n_window=64, n_hop=64, n_bands=6)
    equal(hum.console.execute("learn pause")["ok"], False)
    hum.console.execute("learn 40")
    take(hum, 10)
    equal(hum.console.execute("learn pause")["learn_left"], 30)
    take(hum, 50)
    status = hum.console.execute("status")
    equal((status["paused"], status["learn_left"], status["n_learned"]), (True, 30, 10))
    again = pipeline("vibration", root=hum.root, n_channels=1, n_window=64, n_hop=64, n_bands=6)
    equal((again.detector.paused, again.detector.learn_left), (True, 30))
    again.console.execute("learn resume")
    take(again, 30)
    equal((again.detector.state, again.detector.paused), (WATCH, False))


@test
def learn_stop_ends_it_now():
    hum = pipeline("vibration", **SMALL)
    refused(hum, "watch")
    refused(hum, "learn stop")
    ask(hum, "learn 100")
    refused(hum, "learn stop")
    take(hum, 60)
    answer = ask(hum, "learn stop")
    equal((answer["state"], hum.detector.state, hum.detector.prototypes.counts), ("watch", 2, [60]))
    between(answer["threshold"], -8000, 8000, "threshold")


@test
def enrol_list_forget():
    hum = learned()
    equal(ask(hum, "enrol hum 3")["windows"], 3)
    take(hum, 3)
    found = ask(hum, "list")["prototypes"]
    equal(sorted([(p["label"] or "", p["count"]) for p in found]), [("", 20), ("hum", 3)])
    take(hum, 1)
    equal(ask(hum, "status")["label"], "hum")
    for text in (
        "enrol",
        "enrol x 0",
        "enrol x 11",
        "enrol x y",
        "enrol " + "z" * 33,
        "forget",
        "forget nobody",
    ):
        refused(hum, text)
    equal(ask(hum, "forget hum")["label"], "hum")
    equal(len(ask(hum, "list")["prototypes"]), 1)


@test
def relabel_gives_another_name():
    hum = learned()
    ask(hum, "enrol hum 2")
    take(hum, 2)
    was = hum.recogniser.ids[0]
    equal(
        ask(hum, "relabel hum höm"), {"ok": True, "verb": "relabel", "label": "höm", "was": "hum"}
    )
    equal(
        (hum.recogniser.labels, hum.recogniser.counts, hum.recogniser.ids[0] != was),
        (["höm"], [2], True),
    )
    take(hum, 2)
    equal(hum.label_name(), "höm")
    for text in (
        "relabel",
        "relabel höm",
        "relabel hum tone",
        "relabel höm höm",
        "relabel höm %s" % ("x" * 33),
    ):
        refused(hum, text)
    ask(hum, "rollback")
    equal(hum.recogniser.labels, ["hum"])


@test
def log_comes_in_pieces():
    hum = learned()
    from binascii import a2b_base64

    from nearhum.wire import record_bytes

    seq, n = 0, 0
    while True:
        answer = ask(hum, "log %d 1200" % seq)
        raw = a2b_base64(answer["b64"])
        at = 0
        while at < len(raw):
            size = record_bytes(raw, at, len(raw))
            equal(size > 0, True)
            at, n = at + size, n + 1
        if answer["next"] == answer["last"]:
            break
        seq = answer["next"]
    equal(n, hum.journal.seq)
    for text in ("log x", "log -1", "log 1 y", "log 9999999999"):
        refused(hum, text)
    equal(ask(hum, "log 999999999")["b64"], "")


@test
def get_state_comes_in_pieces():
    hum = learned()
    from binascii import a2b_base64, crc32

    from nearhum.wire import STATE_MAGIC, unseal

    image = b""
    while True:
        answer = ask(hum, "get state %d" % len(image))
        image += a2b_base64(answer["b64"])
        if len(image) == answer["size"]:
            break
    # with its own CRC at the end, every sound image has the same one
    equal(crc32(image[:-4]), answer["crc"])
    equal(bytes(unseal(STATE_MAGIC, image, "state")[2]), hum.learned.pack())
    refused(hum, "get state 999999")
    refused(hum, "get state x")


@test
def the_time_is_told():
    hum = learned()
    equal(ask(hum, "status")["utc"], None)
    for text in ("time", "time x", "time 12345678", "time 12345678901", "time -1795000000"):
        refused(hum, text)
    hum.clock.seconds = 100
    equal(ask(hum, "time 1795000000"), {"ok": True, "verb": "time", "utc": 1795000000})
    hum.clock.seconds = 160
    equal((ask(hum, "status")["utc"], hum.journal.epoch_s), (1795000060, 1794999900))
    # told again and again, it is noted where it says another time
    for seconds, n_more in (
        (1795000060, 0),
        (1795000061, 0),
        (1795000059, 0),
        (1795000062, 1),
        (1795000062, 0),
    ):
        seq = hum.journal.seq
        equal(ask(hum, "time %d" % seconds)["utc"], seconds)
        equal(hum.journal.seq - seq, n_more, seconds)
    again = pipeline("vibration", root=hum.root, **SMALL)
    equal(ask(again, "status")["utc"], None)  # a board has no clock that runs without power


@test
def status_tells_how_long_flash_lasts():
    hum = learned()
    erased = ask(hum, "status")["erased"]
    equal(erased, hum.journal.erased + hum.store.erased)
    equal(erased > 0, True)
    # a Pico: 352 blocks; a save an hour and a sync every two minutes
    equal(flash_years(352, 31 * 24, 86400), 37)
    equal(flash_years(352, 8640, 86400), 3)
    equal(flash_years(352, 0, 0), flash_years(352, 0, 3600))


@test
def set_and_get():
    hum = learned()
    equal(ask(hum, "get kind")["value"], "vibration")
    equal(ask(hum, "get")["settings"]["n_bands"], 6)
    equal(ask(hum, "set alarms_per_day 0.5")["value"], 0.5)
    equal(pipeline("vibration", root=hum.root, **SMALL).config["alarms_per_day"], 0.5)
    for text in (
        "set",
        "set x",
        "set x 1",
        "set n_bands 99",
        "set n_bands 1.5",
        "set path sideways",
        "set source x",
        "get nothing",
    ):
        refused(hum, text)
    refused(hum, "set alarms_per_day nan")
    refused(hum, "set alarms_per_day 1e999")
    refused(hum, "set alarm_m 5")  # more than alarm_n


@test
def a_setting_that_no_board_can_start_with_is_refused():
    # each value is in its range, but together they make too many features, or more bands than bins
    hum = pipeline("motion")
    refused(hum, "set n_bands 32")
    hum = pipeline("vibration", **SMALL)
    refused(hum, "set n_bands 32")
    pipeline("vibration", root=hum.root, **SMALL)


@test
def reset_wants_a_word():
    hum = learned()
    for text in ("reset", "reset everything"):
        refused(hum, text)
    equal(ask(hum, "reset learned")["what"], "learned")
    refused(pipeline("vibration", **SMALL), "rollback")
    refused(hum, "list everything")


@test
def verbs_are_functions_too():
    hum = learned()
    there = hum.console.as_function("status")()
    equal(there["state"], "watch")
    equal(there["threshold"] * 256, ask(hum, "status")["threshold"])  # octaves, not Q8
    equal(hum.console.as_function("learn")(16)["windows"], 16)
    clear_error(raises(CommandError, hum.console.as_function("forget"), "nobody"), "nobody")


@test
def any_words_after_any_verb():
    # whatever is typed: an answer, and a detector that goes on
    hum = learned()
    words = (
        "",
        "0",
        "-1",
        "1e9",
        "ä",
        "state",
        "all of it",
        '"',
        "{}",
        "None",
        "x" * 300,
        "stop now",
        "kind path",
    )
    for verb in VERBS:
        for word in words:
            answer = hum.console.execute(verb + " " + word)
            equal(answer["ok"] in (True, False), True)
            json.loads(json.dumps(answer))
    take(hum, 2)


class Esp32:
    """The module esp32 of a chip with executable memory in three pieces."""

    HEAP_EXEC = 1

    def __init__(self, *free):
        self._free = free

    def idf_heap_info(self, what):
        equal(what, self.HEAP_EXEC)
        return [(200000, free, free, 0) for free in self._free]


def on(chip, act):
    """Call act where `import esp32` gives that."""
    sys.modules["esp32"] = chip
    try:
        return act()
    finally:
        del sys.modules["esp32"]


@test
def executable_memory_is_told_where_a_chip_has_it():
    hum = learned()
    status = on(Esp32(5000, 4000, 60), lambda: ask(hum, "status"))
    equal((status["native_free"], "executable" in status["warning"]), (9060, False))
    hum.learned.warning = lambda: ""  # of a learning period so short
    status = on(Esp32(192, 320, 56), lambda: ask(hum, "status"))
    equal(status["native_free"], 568)
    equal("568 bytes of executable memory" in status["warning"], True)
    equal("restart" in status["warning"], True)
    equal(board.native_free(), None)  # elsewhere


@test
def an_error_for_want_of_memory_names_what_gives_it_back():
    hum = learned()

    def fails(words):
        raise MemoryError("memory allocation failed, allocating 716 bytes")

    hum.console.verbs = {"status": fails}
    answer = on(Esp32(192, 320, 56), lambda: ask(hum, "status"))
    equal((answer["ok"], "native code" in answer["error"]), (False, True))
    equal("Ctrl-D" in answer["hint"], True)
    answer = on(Esp32(9000), lambda: ask(hum, "status"))  # it is the heap that is full
    equal(("716" in answer["error"], "forget a label" in answer["hint"]), (True, True))
    equal("deploy" in answer["hint"], False)


@test
def a_change_that_memory_did_not_last_for_is_put_back():
    hum = learned()
    listen = hum.listen

    def fails():
        raise MemoryError("memory allocation failed, allocating 716 bytes")

    for text in ("learn 50", "veto knock", "reset learned", "forget hum"):
        if text == "forget hum":
            ask(hum, "enrol hum 1")
            take(hum, 1)
        before = hum.learned.pack()
        hum.listen = fails  # the change is made by then, and not yet saved
        answer = refused(hum, text)
        hum.listen = listen
        equal("716" in answer["error"], True, text)
        equal((hum.learned.pack() == before, hum.learned.half_done), (True, False), text)
    hum.learned.save_when_due()
    # where nothing is on flash yet that could be put back, the loop ends and begins again
    hum = pipeline("vibration", **SMALL)
    hum.listen = fails
    equal(ask(hum, "learn 50")["ok"], False)
    raises(MemoryError, hum.learned.save_when_due)


@test
def a_module_that_memory_did_not_last_for_is_loaded_anew():
    # MicroPython keeps the name of such a module, without a module, and crashes when it is imported
    sys.modules["nearhum.none"] = sys.modules["nearhum.none2"] = None
    lifetime.drop_broken()
    equal([name for name in sys.modules if name.startswith("nearhum.none")], [])
    hum = learned()
    sys.modules["nearhum.console.status"] = None

    def fails(words):
        raise MemoryError

    verbs, hum.console.verbs = hum.console.verbs, {"log": fails}
    refused(hum, "log 0")
    hum.console.verbs = verbs
    equal(ask(hum, "status")["ok"], True)


@test
def an_example_that_could_not_be_saved_is_refused():
    hum = learned()
    free, board.heap_free = board.heap_free, lambda: 10000
    try:
        answer = refused(hum, "enrol hum 2")
    finally:
        board.heap_free = free
    equal("10000 bytes of heap are free" in answer["error"], True)
    equal(answer["hint"], "forget a label")
    equal(ask(hum, "enrol hum 2")["ok"], True)


done()
