"""Console: commands in, one line of JSON out, on the serial line, while the detector runs.

Enters: bytes of the serial line. Leaves: one line for each command, {"ok":true,"verb":...} or
{"ok":false,"error":,"hint":}. Nothing here waits. It reads only the bytes that have arrived, and it
writes small pieces, only while the line accepts them. So a host that opens the port and stops
reading does not delay the detector. Answers that do not fit are dropped as whole lines, and
counted.
"""

import json
import select
import sys

from micropython import const
from nearhum import board, lifetime
from nearhum.errors import CommandError, NearhumError
from nearhum.wire import is_sound

MAX_LINE_BYTES = 1024
MAX_PENDING_BYTES = 6144  # most output that waits for the host
_CHUNK_BYTES = const(32)  # bytes of one write: less than the buffer of any port
_READ_BYTES = const(256)  # most bytes read in one turn of the loop


class Console:
    """Reads commands from `reader`, and writes answers to `writer`.

    verbs: a dict of name -> function(words), which returns the answer as a dict. reader, writer:
    binary streams, by default stdin and stdout. `interrupted` is set by a Ctrl-C that came as a
    byte, see Pipeline.run. `dropped` counts the bytes of dropped answers.
    """

    def __init__(self, verbs, reader=None, writer=None):
        self.verbs = verbs
        self._reader = reader or sys.stdin.buffer
        self._writer = writer or sys.stdout.buffer
        self._input = select.poll()
        self._input.register(reader or sys.stdin, select.POLLIN)
        self._output = select.poll()
        self._output.register(writer or sys.stdout, select.POLLOUT)
        self._line = bytearray(MAX_LINE_BYTES)
        self._n = 0
        self._byte = bytearray(1)
        self._skipping = False  # True inside a line that is too long
        self._closed = False
        self.interrupted = False
        self._out = bytearray()
        self.dropped = 0

    def poll(self):
        """Read what has arrived, and write what the line accepts. Returns True if it did either."""
        busy = False
        if not self._closed:
            for _ in range(_READ_BYTES):
                if not self._ready(self._input):
                    break
                busy = True
                if not self._reader.readinto(self._byte):
                    self._closed = True  # End of file: no more input will come.
                    break
                if self._take(self._byte[0]):
                    # Only one command in a turn, so that the sensor is read between commands.
                    break
        if self._out:
            busy = self._pump() or busy
        return busy

    def _ready(self, poller):
        for _, events in poller.ipoll(0):
            return events & (select.POLLIN | select.POLLOUT)
        return 0

    def _take(self, byte):
        # Returns True after a command, and after a Ctrl-C, because the bytes after that are for the
        # REPL.
        if byte == 3:
            self.interrupted = True
            return True
        if byte in (10, 13):
            n, self._n = self._n, 0
            if self._skipping:
                self._skipping = False
                error = CommandError(
                    "line of more than %d bytes" % MAX_LINE_BYTES, "nothing was done"
                )
                self.answer(failure("", error))
            elif n:
                self.answer(self.execute(bytes(self._line[:n])))
            return n
        elif self._n < MAX_LINE_BYTES:
            self._line[self._n] = byte
            self._n += 1
        else:
            self._skipping = True

    def execute(self, line):
        """Execute one line, bytes or str, and return its answer, a dict.

        No contents of a line make it raise.
        """
        verb = ""
        try:
            try:
                text = line if isinstance(line, str) else line.decode()
            except UnicodeError:
                text = None
            if text is None or not is_sound(text):
                raise CommandError("the line is not UTF-8", "`help` lists the commands")
            words = text.split()
            if not words:
                return failure("", CommandError("empty command", "`help` lists the commands"))
            verb = words[0]
            if verb not in self.verbs:
                raise CommandError("no command %r" % verb[:40], "`help` lists the commands")
            answer = {"ok": True, "verb": verb}
            answer.update(self.verbs[verb](words[1:]))
            return answer
        except NearhumError as e:
            return failure(verb, e)
        except OSError as e:
            return failure(
                verb, CommandError("the file system refused: %s" % e, "make room: `reset log`")
            )
        except MemoryError as e:
            lifetime.drop_broken()
            return failure(verb, board.out_of_memory(e))
        except ImportError as e:  # A module was not deployed.
            return failure(verb, CommandError(repr(e), "deploy again"))

    def answer(self, what):
        """Queue one line of JSON. If too much waits already, drop it and count its bytes."""
        # "ok" comes first, because hosts recognise an answer by it. Not every port keeps the order
        # of a dict.
        what = dict(what)
        line = b'{"ok":%s,' % (b"true" if what.pop("ok") else b"false")
        line += json.dumps(what, separators=(",", ":")).encode()[1:] + b"\n"
        if len(self._out) + len(line) > MAX_PENDING_BYTES:
            self.dropped += len(line)
            return
        self._out += line

    def _pump(self):
        sent = 0
        out = memoryview(self._out)
        n = len(out)
        while sent < n and self._ready(self._output):
            piece = out[sent : sent + _CHUNK_BYTES]
            self._writer.write(piece)
            sent += len(piece)
        if sent:
            self._out = bytearray(out[sent:])
        return sent > 0

    def as_function(self, verb):
        """Return a verb as a function for the REPL.

        It takes words as arguments, returns a dict, and raises CommandError.
        """
        act = self.verbs[verb]
        return lambda *words: act([str(word) for word in words])


def failure(verb, error):
    """Return the answer, a dict, that reports an error."""
    return {"ok": False, "verb": verb[:40], "error": error.message, "hint": error.hint}
