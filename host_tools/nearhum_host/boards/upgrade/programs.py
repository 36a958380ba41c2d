"""The user's own main.py: kept while nearhum is on the board, and put back when it goes.

Enters: a stopped board and what lies on it (places.py). Leaves: /main.py.before-nearhum, or the
board as it was before nearhum. boot.py is never written. Power may fail at any moment:

1. a deploy copies a /main.py that is not nearhum's before it writes anything else;
2. `remove` renames a copy of it over nearhum's main.py first: from then on nearhum does not start;
   then the application goes, and last the kept file, by which a second `remove` knows to go on.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from ...errors import DeviceError
from ...paths import firmware_dir
from ...serial_line.link import Link
from ...serial_line.repl import Repl, stopped
from ..application import KEY_PATH, MAIN_PATH
from .places import ROOT, Places, look

KEPT_PATH = MAIN_PATH + ".before-nearhum"
_LEARNED = "/hum"  # what the board learned, its log, what `set` changed
_SEAL = "# sha256 "
_SEAL_BYTES = len(_SEAL) + 64 + 1  # the last line of a deployed main.py, see application.starters
# On the board: prints whether that line is whole, and is of what stands before it.
_IS_SEALED = f"""
import hashlib
_n=os.stat({MAIN_PATH!r})[6]-{_SEAL_BYTES};_h=hashlib.sha256();_b=b''
with open({MAIN_PATH!r},'rb') as _f:
 while _n>0:
  _b=_f.read(min(_n,1024))
  if not _b:break
  _h.update(_b);_n-=len(_b)
 _l=_f.read()
print(_b[-1:]==b'\\n' and _l==({_SEAL!r}+''.join('%02x'%c for c in _h.digest())+'\\n').encode())
"""
_MOST_KEPT = 100  # that anybody has put there by hand, each deployed over


@dataclass
class Removed:
    """What `remove` did. removed: paths. put_back: the file that is /main.py again, "" for none.
    left: files of the user's own that were kept and are still there.
    """

    removed: list[str] = field(default_factory=list)
    put_back: str = ""
    left: list[str] = field(default_factory=list)


def keep(repl: Repl, places: Places) -> str:
    """Copy a /main.py that is not nearhum's beside its place; return where to, "" for none.

    One that is kept already is not kept twice, and never replaces another.
    """
    main = places.there.get(MAIN_PATH)
    if main is None or _is_nearhums(repl, places):
        return ""
    kept = _kept(repl)
    same = [path for path, sha256 in kept.items() if sha256 == main.sha256]
    if same:
        return same[0]
    path = _nth(len(kept))
    repl.copy(MAIN_PATH, path, main.sha256)
    return path


def remove(link: Link, everything: bool = False) -> Removed:
    """Take nearhum off a board and put the user's main.py back; the board restarts.

    everything: what was learned, logged and set as well, and the board's key. Without it the key
    stays, for what was learned is signed with it. Raises DeviceError; repeated, it goes on.
    """
    done = Removed()
    with stopped(link) as repl:
        places = look(repl)
        kept = _kept(repl)
        last = list(kept)[-1] if kept else ""
        main = places.there.get(MAIN_PATH)
        if main is not None and _is_nearhums(repl, places):
            if last:
                repl.copy(last, MAIN_PATH, kept[last])
                done.put_back = last
            else:
                repl.remove([MAIN_PATH])
                done.removed.append(MAIN_PATH)
        elif main is not None and last and kept[last] == main.sha256:
            done.put_back = last  # by a `remove` that was cut off
        gone = [p for p in places.there if p != MAIN_PATH and (everything or p != KEY_PATH)]
        if everything:
            gone += _learned(repl)
        for at in range(0, len(gone), 16):  # a few at a time: the list is compiled on the board
            repl.remove(gone[at : at + 16])
        done.removed += gone
        if done.put_back:
            repl.remove([done.put_back])
        done.left = [path for path in kept if path != done.put_back]
    link.restart()
    if not done.removed and not done.put_back:
        raise DeviceError("there is no nearhum on the board", hint="nothing was changed")
    return done


def _is_nearhums(repl: Repl, places: Places) -> bool:
    """Return True where /main.py is one that nearhum brought: sealed, listed, or as released.

    One that somebody has changed is the user's own, and so is one that was damaged: the two look
    alike, and what is kept is not lost.
    """
    found = places.there[MAIN_PATH].sha256
    released = hashlib.sha256((firmware_dir() / "main.py").read_bytes()).hexdigest()
    if found == released or found == places.lists.get(ROOT, {}).get(MAIN_PATH):
        return True
    return repl.run(_IS_SEALED).strip() == "True"


def _kept(repl: Repl) -> dict[str, str]:
    """Return the kept programs by path, each with its SHA-256, the last that was kept last."""
    found = repl.hashes([_nth(n) for n in range(_MOST_KEPT)])
    return {path: found[path].sha256 for n in range(_MOST_KEPT) if (path := _nth(n)) in found}


def _nth(n: int) -> str:
    return f"{KEPT_PATH}.{n}" if n else KEPT_PATH


def _learned(repl: Repl) -> list[str]:
    return list(repl.hashes([_LEARNED]))
