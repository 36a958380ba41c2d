"""Changed: settings that `set` changes, and that are taken back where the board does not start.

Loaded for that alone. A setting that keeps the board from starting is found by starting without
each in turn, and is taken back alone; hum/set.refused keeps it. Two ways lead there, see main.py:

 1 the start raises an error: it is tried again at once (`trial`, `took_back`)
 2 the board crashes, or is reset, again and again: only what no start of ten seconds has had yet
   (hum/set.new) is suspected, for a supply that browns out is no fault of a setting (`suspect`,
   `proven`)
"""

import json
import os
from binascii import crc32

from nearhum.errors import ConfigError
from nearhum.files import REACHED, make_folder, note, noted, write_file
from nearhum.lifetime import let_go
from nearhum.storage import deployed
from nearhum.storage.deployed import CHANGED, NEW, as_deployed, epoch, read_json

REFUSED = "hum/set.refused"


def change(root, name, value, check):
    """Keep one setting in hum/set.json; it holds from the next start.

    value: None takes back what `set` changed. check: called first, with all settings, or None.
    Returns the value that holds then; None for a default where nothing is checked.

    Raises what check raises, and ConfigError where it asks for a module that was not deployed.
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
    # named before it is in force: a power cut between the two leaves nothing unproven
    _note(root, [other for other in unproven(root)[0] if other != name] + [name])
    _write_changed(root, changed)
    return given.get(name)


def pending(root, now):
    """Return the settings that hold from the next start on, where they differ from those now."""
    from nearhum.config import complete

    given = as_deployed(root) or {}
    given.update(read_json(root + CHANGED, left_out(root)) or {})
    given = complete(given)
    return {name: given[name] for name in given if given[name] != now.get(name)}


def _write_changed(root, changed):
    # with its epoch, see epoch.py; nothing is no file, and has none
    saved, n = noted(root + REACHED)
    n = max(n, epoch(root)) + 1 if changed else 0
    write_json(root + CHANGED, changed, b" %d" % n)
    note(root + REACHED, saved, n)


def set_aside(root):
    """Take all that `set` changed out of force; hum/set.refused keeps it. False if nothing was."""
    _note(root, [])
    try:
        os.rename(root + CHANGED, root + REFUSED)
    except OSError:
        return False
    note(root + REACHED, noted(root + REACHED)[0], 0)
    return True


def refuse(root, names):
    """Move names from what is set to what was refused: the board starts without them."""
    changed, refused = read_json(root + CHANGED) or {}, {}
    for name in names:
        if name in changed:
            refused[name] = changed.pop(name)
    if refused:
        write_json(root + REFUSED, refused)
        _write_changed(root, changed)
        _note(root, [name for name in unproven(root)[0] if name in changed])


def trial(root, left):
    """Let the next start do without one of the settings that `set` changed, those first that the
    error names, and without all of them at last; returns the names, () where all was tried.

    left: what is wrong, and behind it what is still to be tried, which is put there the first time.
    """
    if len(left) == 1:
        left += _trials(root, left[0][0]) + [()]
    deployed.without = left.pop(1) if len(left) > 2 else ()
    return deployed.without


def _trials(root, why):
    try:
        changed = read_json(root + CHANGED) or {}
    except ConfigError:  # damaged: which ones they were, nobody knows
        set_aside(root)
        return [("all of it",)]
    names = sorted(changed, key=lambda name: name not in why)
    return [(name,) for name in names] + ([tuple(names)] if len(names) > 1 else [])


def took_back(root, hum, names, why):
    """Take settings back without which the pipeline hum has started, and tell it."""
    refuse(root, names)
    taken = told(names, why)
    print("nearhum: " + taken)
    hum.store.refused.append(taken)
    hum.journal.event("refused", error=taken, window=0)
    let_go(("storage.changed", "storage.deployed"))


def told(names, why):
    """Return what to say of names that are left out."""
    return "%s; what `set` had changed is taken back: %s. hum/set.refused keeps it" % (
        why,
        ", ".join(names),
    )


def suspect(root):
    """Leave another of the settings that are not proven out of the next start, the last one that
    was set first.

    Returns the names, () where all were tried: then they are in force again, for it was none of
    them.
    """
    names, tried, _ = unproven(root)
    tried += 1
    if tried > len(names) + (len(names) > 1):
        _note(root, [])
        return ()
    _note(root, names, tried, True)
    return left_out(root)


def at_start(root):
    """Return (the names that this start does without, what to say of that)."""
    names, tried, started = unproven(root)
    if names and not started:
        _note(root, names, tried, True)
    out = left_out(root)
    let_go(("storage.changed",))
    return out, told(out, "the board did not stay up") if out else ""


def proven(root):
    """Note that the start before was a stable one: what it had stays in, what it did without stays
    out. What was set while it ran, it had not.
    """
    if unproven(root)[2]:
        refuse(root, left_out(root))
        _note(root, [])
    let_go(("storage.changed", "storage.deployed"))


def left_out(root):
    """Return the names that a board which did not stay up starts without: one, at last all."""
    names, tried, _ = unproven(root)
    if tried <= 0 or not names:
        return ()
    return tuple(names) if tried > len(names) else (names[-tried],)


def unproven(root):
    """Return (the names that no stable start has had yet, the last that was set is the last; how
    many starts did without; whether a start has had them). A file that is damaged names none.
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
    """Write a file as read_json reads it; nothing is no file. epoch: a space and a number."""
    if given:
        text = json.dumps(given).encode()
        write_file(path, b"%s\n#%d%s" % (text, crc32(epoch[1:], crc32(text)), epoch))
        return
    try:
        os.remove(path)
    except OSError:
        pass
