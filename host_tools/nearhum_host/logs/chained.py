"""Does a log hold what the board wrote? The chain of sums over its segments, checked.

Enters: a log, and the keys on this machine. Leaves: how much of it the sums vouch for, and what
contradicts them, in words. storage/chain.py of the firmware says what a sum covers. A sum without a
key finds what was changed by mistake or in haste, for who changes the log can make it anew. A sum
with the board's key finds all of it. Of the records behind the last sum nothing is known.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from nearhum import wire
from nearhum.errors import FormatError
from nearhum.storage import signing
from nearhum.storage.chain import SUM_BYTES

from .log_file import Log, Record

_OTHER = "records {} to {} are not those whose sum the board wrote"


class _Link(NamedTuple):
    """The field `chain` of a BOOT record."""

    first: int
    before: int
    sum: str
    signed: bool


@dataclass
class Chained:
    """What the sums of a log say.

    n_records: those that a sum vouches for. n_signed: of them those whose sum a key here made.
    n_unknown: those whose sum a key made that is not here. n_missing: sums that cannot be checked,
    because the log has not all of their records. wrong: what contradicts the sums.
    """

    n_records: int = 0
    n_signed: int = 0
    n_unknown: int = 0
    n_missing: int = 0
    wrong: list[str] = field(default_factory=list)


def check(log: Log, keys: Mapping[str, bytes] | None = None) -> Chained:
    """Check all sums of a log. keys: those on this machine, by name. Never raises."""
    done, unknown = Chained(), list[_Link]()
    seqs = [record.seq for record in log.records]
    chained = signed = False
    covered = 0  # the number up to which the last sum reached
    for record in log.records:
        if record.kind != wire.BOOT:
            continue
        link = _link_in(record)
        if link is None:
            if chained:
                done.wrong.append(
                    f"record {record.seq} names no sum of the records before it: an older nearhum"
                    " wrote it, the log was reset, or it was changed"
                )
            continue
        some = log.records[bisect_left(seqs, link.first) : bisect_left(seqs, link.before)]
        if chained and signed and not link.signed:
            done.wrong.append(f"from record {record.seq} on the sums are not signed any more")
        if chained and link.first > covered and _between(seqs, covered, link.first):
            done.wrong.append(f"no sum vouches for records {covered} to {link.first - 1}")
        chained, signed, covered = True, link.signed, max(covered, link.before)
        if some:  # else they were gone before the pull, which is told as a gap
            _judge(done, link, some, keys or {}, unknown)
    for link in unknown:
        if done.n_signed:  # the board's key is here, so that it made the other sums
            done.wrong.append(f"{_OTHER.format(link.first, link.before - 1)}, or under another key")
        else:
            done.n_unknown += link.before - link.first
    return done


def told(found: Chained) -> list[str]:
    """Return what is wrong or cannot be known, as sentences; [] where the sums hold."""
    out = [f"{text}." for text in found.wrong]
    if found.n_unknown:
        out.append(
            f"{found.n_unknown} of the records are signed with a key that is not on this machine."
        )
    if found.n_missing:
        one = found.n_missing == 1
        out.append(
            f"{found.n_missing} {'sum' if one else 'sums'} cannot be checked: the log has not all"
            f" of {'its' if one else 'their'} records."
        )
    return out


def _judge(
    done: Chained,
    link: _Link,
    records: list[Record],
    keys: Mapping[str, bytes],
    unknown: list[_Link],
) -> None:
    digest = hashlib.sha256(b"".join(wire.pack_record(*record[:4]) for record in records)).digest()
    if not link.signed:
        sums = [digest]
    else:
        sums = [signing.mac(key, signing.LOG + digest) for key in keys.values()]
    if any(link.sum == one[:SUM_BYTES].hex() for one in sums):
        done.n_records += len(records)
        done.n_signed += len(records) if link.signed else 0
    elif len(records) < link.before - link.first:
        done.n_missing += 1
    elif link.signed:
        unknown.append(link)
    else:
        done.wrong.append(_OTHER.format(link.first, link.before - 1))


def _between(seqs: list[int], first: int, before: int) -> bool:
    return bisect_left(seqs, first) < bisect_left(seqs, before)


def _link_in(record: Record) -> _Link | None:
    try:
        found: Any = record.json().get("chain")
    except FormatError:
        return None
    if not isinstance(found, list) or len(found) != 4:
        return None
    first, before, total, signed = found
    if not all(type(n) is int for n in (first, before, signed)) or not isinstance(total, str):
        return None
    return _Link(first, before, total, bool(signed)) if 0 <= first < before <= record.seq else None
