"""Verbs: what a person may ask of the board, at the console or at the REPL.

Enters: the name of a verb and its words. Leaves: a dict for the answer. A verb that raises
CommandError has changed nothing.

A board gets a command only now and then. So the code of a verb is loaded for the command and
released afterwards: told.py and features/look.py show something, changes.py, taught.py and
setting.py change something. This file has only the verbs that a host sends many times in a row.
Each of these files ends with a table of its verbs, with function and help text.
nearhum/__init__.py says which file has which verb.
"""

from binascii import b2a_base64, crc32

import nearhum
from micropython import const
from nearhum import lifetime
from nearhum.errors import CommandError, whole
from nearhum.files import read_file
from nearhum.wire import MAX_PAYLOAD_BYTES, RECORD_CRC_BYTES, RECORD_HEADER_BYTES

# Bytes of records in an answer: at least the largest record, and at most what fits, in base64, into
# the console's buffer.
_LOG_LEAST = MAX_PAYLOAD_BYTES + RECORD_HEADER_BYTES + RECORD_CRC_BYTES
_LOG_MOST = const(1536)
_STATE_CHUNK = const(768)  # bytes of the state in one answer
# These verbs change nothing learned, so nothing is restored if they run out of memory.
_HARMLESS = ("status", "list", "look", "raw", "help", "time", "set")


class Verbs:
    """The verbs over one pipeline: for the console a dict of functions, made when asked for.

    hum: the pipeline, which every verb gets.
    """

    def __init__(self, hum):
        self._hum = hum

    def __contains__(self, name):
        return name in nearhum.VERBS

    def __getitem__(self, name):
        def run(words):
            act = None
            try:
                module = "nearhum." + nearhum.VERBS[name]
                act = __import__(module, None, None, ("VERBS",)).VERBS[name][0]
                return act(self._hum, words)
            except MemoryError:
                if act and name not in _HARMLESS:
                    act = None  # Releasing its code makes room to restore the state.
                    lifetime.let_go(lifetime.PER_COMMAND)
                    self._hum.learned.put_back()
                raise
            finally:
                lifetime.let_go(lifetime.PER_COMMAND)

        if name in VERBS:  # A host sends these many times in a row, so they release nothing.
            return lambda words: VERBS[name][0](self._hum, words)
        return run


def log(hum, words):
    """log FROM [MAXBYTES]"""
    n = whole(words[1]) if len(words) > 1 else _LOG_LEAST
    first, after, records = hum.journal.read(
        whole(words[0]) if words else 0, max(_LOG_LEAST, min(n, _LOG_MOST))
    )
    return {"from": first, "next": after, "last": hum.journal.seq, "b64": base64(records)}


def get(hum, words):
    """get [KEY] | state OFFSET"""
    if not words:
        return {"settings": hum.config}
    if words[0] == "state":
        at = whole(words[1]) if len(words) > 1 else 0
        if at == 0 or not hum.store.sequence:
            hum.learned.save()  # The first part saves the image that the next parts belong to.
        image = read_file(hum.store.path())
        if at > len(image):
            raise CommandError("offset %d" % at, "0 to %d" % len(image))
        part = image[at : at + _STATE_CHUNK]
        return {"size": len(image), "crc": crc32(image[:-4]), "offset": at, "b64": base64(part)}
    if words[0] not in hum.config:
        raise CommandError("no setting %r" % words[0][:40], "`get` lists them")
    return {"key": words[0], "value": hum.config[words[0]]}


def base64(raw):
    """Return bytes as base64 text, without a line break."""
    return b2a_base64(raw)[:-1].decode()


# The verbs of this module: function, and help text, which begins with the words that may follow.
VERBS = {
    "log": (log, "FROM [MAXBYTES]: records of the journal"),
    "get": (get, "[KEY] | state OFFSET"),
}
