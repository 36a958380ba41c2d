"""Changed: the settings that `set` changes, and how they are taken back if the board cannot start.

Enters: a setting's name and value, or the reason why a start failed. Leaves: hum/set.json, and the
names that a start does without. Loaded only for these two uses. If a setting keeps the board from
starting, the board tries to start without each changed setting in turn. It takes back only the one
at fault, and hum/set.refused keeps its value. There are two cases, see start.py:

 1 the start raises an error: it is tried again at once (`trial`, `took_back`)
 2 the board crashes or is reset again and again: only settings that are new since the last start of
   ten seconds (hum/set.new) are suspected, because a brown-out is not a setting's fault (`suspect`,
   `proven`)
"""

import json
import os
from binascii import crc32

from nearhum.errors import ConfigError
from nearhum.files import REACHED, make_folder, note, noted, write_file
from nearhum.lifetime import release
from nearhum.storage import deployed
from nearhum.storage.deployed import CHANGED, NEW, as_deployed, epoch, read_json

REFUSED = "hum/set.refused"


def change(root, name, value, check):
    """Keep one setting in hum/set.json. It takes effect at the next start.

    root: prefix of every path. value: None takes back what `set` changed. check: a function that is
    called first with all settings and raises if they do not work, or None. Returns the value at the
    next start, or None for a default if there is no check. Raises what check raises, and
    ConfigError if the setting needs a module that was not deployed.
    """
    from nearhum.config import complete

    refuse(root, left_out(root))
    changed = read_json(root + CHANGED) or {}
    if value is None:
        changed.pop(name, None)
    else:
        changed[name] = value
    given = as_deployed(root) or {}
    given.update(changed)
    try:
        if check:
            given = complete(given)
            check(given)
    except ImportError:
        raise ConfigError(
            "%s = %r: its code is not on the board" % (name, value),
            'deploy it: `nearhum deploy --board FILE --set "%s=%s"`' % (name, value),
        )
    make_folder(root + "hum")
    # The name is noted before the setting is written. So a power cut between the two leaves no
    # setting in force that could not be suspected.
    _note(root, [other for other in unproven(root)[0] if other != name] + [name])
    _write_changed(root, changed)
    return given.get(name)


def pending(root, now):
    """Return the settings of the next start that differ from those now, as a dict.

    now: the complete settings in use.
    """
    from nearhum.config import complete

    given = as_deployed(root) or {}
    given.update(read_json(root + CHANGED, left_out(root)) or {})
    given = complete(given)
    return {name: given[name] for name in given if given[name] != now.get(name)}


def _write_changed(root, changed):
    # Writes the file with its epoch, see epoch.py. Without changed settings there is no file.
    saved, n = noted(root + REACHED)
    n = max(n, epoch(root)) + 1 if changed else 0
    write_json(root + CHANGED, changed, b" %d" % n)
    note(root + REACHED, saved, n)


def set_aside(root):
    """Take back all that `set` changed, and keep it in hum/set.refused.

    Returns False if nothing was changed.
    """
    _note(root, [])
    try:
        os.rename(root + CHANGED, root + REFUSED)
    except OSError:
        return False
    note(root + REACHED, noted(root + REACHED)[0], 0)
    return True


def refuse(root, names):
    """Move settings from hum/set.json to hum/set.refused: the board starts without them.

    names: of the settings. Others than those in hum/set.json are ignored.
    """
    changed, refused = read_json(root + CHANGED) or {}, {}
    for name in names:
        if name in changed:
            refused[name] = changed.pop(name)
    if refused:
        write_json(root + REFUSED, refused)
        _write_changed(root, changed)
        _note(root, [name for name in unproven(root)[0] if name in changed])


def trial(root, left):
    """Choose which settings the next attempt to start does without, and return their names.

    It tries without each setting that `set` changed, beginning with those that the error names, and
    at last without all of them. left: a list. Its first item is the error of the first start, and
    what is still to be tried is kept behind it. Returns () if everything was tried.
    """
    if len(left) == 1:
        left += _trials(root, left[0][0]) + [()]
    deployed.without = left.pop(1) if len(left) > 2 else ()
    return deployed.without


def _trials(root, why):
    try:
        changed = read_json(root + CHANGED) or {}
    except ConfigError:  # The file is damaged, so nobody knows which settings it had.
        set_aside(root)
        return [("all changes",)]
    names = sorted(changed, key=lambda name: name not in why)
    return [(name,) for name in names] + ([tuple(names)] if len(names) > 1 else [])


def took_back(root, hum, names, why):
    """Take back the settings without which the start succeeded, and report it.

    hum: the pipeline that has started. names: of the settings. why: the error with them.
    """
    refuse(root, names)
    taken = message(names, why)
    print("nearhum: " + taken)
    hum.store.refused.append(taken)
    hum.journal.event("refused", error=taken, window=0)
    release(("storage.changed", "storage.deployed"))


def message(names, why):
    """Return the message about settings that are left out."""
    return "%s; changes by `set` were undone: %s (kept in hum/set.refused)" % (
        why,
        ", ".join(names),
    )


def suspect(root):
    """Leave the next unproven setting out of the next start, beginning with the one set last.

    Returns the names left out. Returns () if all were tried: then all are in force again, because
    none of them was at fault.
    """
    names, tried, _ = unproven(root)
    tried += 1
    if tried > len(names) + (len(names) > 1):
        _note(root, [])
        return ()
    _note(root, names, tried, True)
    return left_out(root)


def at_start(root):
    """Return (names that this start does without, message about them)."""
    names, tried, started = unproven(root)
    if names and not started:
        _note(root, names, tried, True)
    out = left_out(root)
    release(("storage.changed",))
    return out, message(out, "the board did not keep running") if out else ""


def proven(root):
    """Record that the start before this one was stable.

    The settings that it had are proven, and those that it did without are taken back. Settings that
    were changed while it ran stay unproven.
    """
    if unproven(root)[2]:
        refuse(root, left_out(root))
        _note(root, [])
    release(("storage.changed", "storage.deployed"))


def left_out(root):
    """Return the names that the next start does without: none, one, or at last all unproven."""
    names, tried, _ = unproven(root)
    if tried <= 0 or not names:
        return ()
    return tuple(names) if tried > len(names) else (names[-tried],)


def unproven(root):
    """Return (names, tried, started) of the settings that no stable start has had yet.

    names: in the order in which they were set. tried: how many starts did without one of them.
    started: whether a start has had them. A damaged file names none.
    """
    try:
        new = read_json(root + NEW) or {}
        names = [str(name) for name in new.get("names", ())]
        return names, int(new.get("tried", 0)), new.get("started", False)
    except (ConfigError, TypeError, ValueError):
        return [], 0, False


def _note(root, names, tried=0, started=False):
    given = {"names": names, "tried": tried, "started": started}
    write_json(root + NEW, given if names else {})


def write_json(path, given, epoch=b""):
    """Write a file that read_json reads, or remove it if there is nothing to write.

    given: dict. epoch: b"", or a space and a number.
    """
    if given:
        text = json.dumps(given).encode()
        write_file(path, b"%s\n#%d%s" % (text, crc32(epoch[1:], crc32(text)), epoch))
        return
    try:
        os.remove(path)
    except OSError:
        pass
