"""Test the console: random bytes, too long lines, invalid UTF-8, and a host that does not read."""

import gc

from fakes import Line
from harness import Lcg, between, done, equal, test
from nearhum.console.console import MAX_LINE_BYTES, MAX_PENDING_BYTES, Console
from nearhum.errors import CommandError


def made(line):
    return line.console(VERBS_HERE)


def refuse(words):
    raise CommandError("no", "say yes")


def broken(words):
    raise OSError(28)


VERBS_HERE = {"echo": lambda words: {"words": words}, "refuse": refuse, "broken": broken}


def said(line, console, text):
    """Send text; return the answers."""
    line.input += text if isinstance(text, (bytes, bytearray)) else text.encode()
    while line.input or console._out:
        console.poll()
    return line.answers()


@test
def one_line_one_answer():
    line = Line()
    c = made(line)
    equal(said(line, c, "echo a b\n"), [{"ok": True, "verb": "echo", "words": ["a", "b"]}])
    equal(said(line, c, "echo\r\n"), [{"ok": True, "verb": "echo", "words": []}])
    equal(said(line, c, "\n\r\n\n"), [])
    equal(len(said(line, c, "echo 1\necho 2\necho 3\n")), 3)
    equal(said(line, c, "echo no end"), [])
    equal(said(line, c, " yet\n")[0]["words"], ["no", "end", "yet"])


@test
def through_the_real_select():
    line = Line()
    c = Console(VERBS_HERE, line, line)
    equal(said(line, c, "echo a\n")[0]["words"], ["a"])
    equal(c.poll(), False)


@test
def answers_begin_with_ok():
    line = Line()
    c = made(line)
    for text, head in (
        ("echo\n", b'{"ok":true,'),
        ("refuse\n", b'{"ok":false,'),
        ("x\n", b'{"ok":false,'),
    ):
        line.input += text.encode()
        while line.input or c._out:
            c.poll()
        equal(bytes(line.taken).startswith(head), True, text)
        equal(bytes(line.taken).count(b"\n"), 1)
        line.taken = bytearray()


@test
def errors_carry_a_hint():
    line = Line()
    c = made(line)
    equal(
        said(line, c, "refuse\n"),
        [{"ok": False, "verb": "refuse", "error": "no", "hint": "say yes"}],
    )
    for text in ("unknown\n", "broken\n", "   \n"):
        (answer,) = said(line, c, text)
        equal(
            (answer["ok"], bool(answer["error"]), bool(answer["hint"])), (False, True, True), text
        )


@test
def invalid_utf8_is_answered():
    line = Line()
    c = made(line)
    (answer,) = said(line, c, b"echo \xff\xfe\xc3(\n")
    equal(answer["ok"], False)
    equal(said(line, c, "echo ä €\n")[0]["words"], ["ä", "€"])


@test
def garbage_leaves_it_sound():
    line = Line()
    c = made(line)
    random = Lcg(9)
    for _ in range(20):
        garbage = bytearray([random.below(256) for _ in range(300)])
        for answer in said(line, c, garbage + b"\n"):
            equal(answer["ok"], False)
    equal(said(line, c, "echo well\n")[0]["words"], ["well"])


@test
def control_characters_in_a_verb_are_json():
    line = Line()
    c = made(line)
    for byte in list(range(1, 10)) + [11, 12] + list(range(14, 32)) + [34, 92, 127]:
        (answer,) = said(line, c, b"ver" + bytes([byte]) + b"b x\n")
        equal(answer["ok"], False, byte)


@test
def ten_kilobytes_without_an_end():
    line = Line()
    c = made(line)
    gc.collect()
    before = gc.mem_alloc()
    (answer,) = said(line, c, b"echo " + b"x" * 10240 + b"\n")
    equal((answer["ok"], str(MAX_LINE_BYTES) in answer["error"]), (False, True))
    equal(said(line, c, "echo well\n")[0]["words"], ["well"])
    line.input = line.taken = bytearray()
    gc.collect()
    between(gc.mem_alloc() - before, -20000, 2048, "bytes kept")


@test
def the_longest_line_there_may_be():
    line = Line()
    c = made(line)
    text = "echo " + "x" * (MAX_LINE_BYTES - 5)
    equal(said(line, c, text + "\n")[0]["words"], ["x" * (MAX_LINE_BYTES - 5)])
    equal(said(line, c, text + "x\n")[0]["ok"], False)


@test
def a_host_that_does_not_read_holds_up_nothing():
    line = Line(accepts=0)
    c = made(line)
    for _ in range(300):
        line.input += b"echo " + b"y" * 200 + b"\n"
        for _ in range(3):
            c.poll()
        equal(len(c._out) <= MAX_PENDING_BYTES, True)
    equal((bytes(line.taken), c.dropped > 0), (b"", True))
    # it reads again: whole lines, each of them JSON
    line.accepts = 1 << 20
    while c._out:
        c.poll()
    answers = line.answers()
    between(len(answers), 10, 40, "answers that waited")
    equal(said(line, c, "echo back\n")[0]["words"], ["back"])


@test
def a_slow_host_gets_whole_lines():
    line = Line(accepts=0)
    c = made(line)
    line.input += b"echo one two three four five six seven eight nine ten\n" * 5
    for _ in range(200):
        line.accepts += 7
        c.poll()
    equal(len(line.answers()), 5)


@test
def what_comes_behind_ctrl_c_is_left_for_the_repl():
    line = Line()
    c = made(line)
    line.input += b"ech\x03\r\x01print(1)\n"
    c.poll()
    equal((c.interrupted, bytes(line.input), bytes(line.taken)), (True, b"\r\x01print(1)\n", b""))


@test
def an_end_of_file_is_quiet():
    line = Line()
    c = made(line)
    line.ioctl = lambda request, argument: 1
    for _ in range(5):
        c.poll()


done()
