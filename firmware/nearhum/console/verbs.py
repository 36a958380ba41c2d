"""Verbs: what a person may ask of the board, at the console or at the REPL.

Each verb takes a list of words and returns a dict; where it raises CommandError nothing has
changed. A board is asked something now and then, so the code of a verb is loaded when it is asked
and let go of afterwards: told.py says how things are, look.py shows a window, changes.py, taught.py
and setting.py change something. Only what a host asks for many times in a row stands here. Each of
these files ends with a table of its verbs, function and help; nearhum/__init__.py says which file
has which.
"""

from binascii import b2a_base64, crc32

import nearhum
from micropython import const
from nearhum import lifetime
from nearhum.errors import CommandError, whole
from nearhum.files import read_file
from nearhum.wire import MAX_PAYLOAD_BYTES, RECORD_CRC_BYTES, RECORD_HEADER_BYTES

# the largest record must fit into an answer, and the answer into the console's buffer
_LOG_LEAST = MAX_PAYLOAD_BYTES + RECORD_HEADER_BYTES + RECORD_CRC_BYTES
_LOG_MOST = const(1536)
_STATE_CHUNK = const(768)
# What changes nothing learned, and may run out of memory anywhere.
_HARMLESS = ("status", "list", "look", "raw", "help", "time", "set")


class Verbs:
    """The verbs over one pipeline: a dict of them to the console, each made when it is asked
    for. It takes the pipeline to hand it to them.
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
                    act = None  # its code makes room for what is put back
                    lifetime.let_go(lifetime.PER_COMMAND)
                    self._hum.learned.put_back()
                raise
            finally:
                lifetime.let_go(lifetime.PER_COMMAND)

        if name in VERBS:  # a host asks for these many times in a row
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
            hum.learned.save()  # the first piece fixes the image that the next ones are of
        image = read_file(hum.store.path())
        if at > len(image):
            raise CommandError("offset %d" % at, "0 to %d" % len(image))
        part = image[at : at + _STATE_CHUNK]
        return {"size": len(image), "crc": crc32(image[:-4]), "offset": at, "b64": base64(part)}
    if words[0] not in hum.config:
        raise CommandError("no setting %r" % words[0][:40], "`get` lists them")
    return {"key": words[0], "value": hum.config[words[0]]}


def base64(raw):
    """Return raw bytes as base64 text, in one piece."""
    return b2a_base64(raw)[:-1].decode()


# Each verb here: its function, and what it is for after its words.
VERBS = {
    "log": (log, "FROM [MAXBYTES]: records of the journal"),
    "get": (get, "[KEY] | state OFFSET"),
}
