"""Test signatures: HMAC against RFC 4231, and a board with a key that refuses unsigned files."""

import hashlib
import json
import os
from binascii import hexlify, unhexlify

from fakes import head, layer, pipeline, take
from harness import clear_error, done, equal, exists, raises, scratch, test
from nearhum import wire
from nearhum.errors import FormatError, NearhumError
from nearhum.files import read_file, write_file
from nearhum.storage.deployed import begin_signing
from nearhum.storage.journal import Journal
from nearhum.storage.signing import (
    KEY_BYTES,
    LOG,
    NO_KEY,
    TRAILER_BYTES,
    Signer,
    is_signed,
    mac,
    same,
    sign_anew,
    unsigned,
)
from nearhum.storage.snapshots import Snapshots

SMALL = {"n_channels": 1, "n_window": 64, "n_hop": 64, "n_bands": 6}
MINE, OTHER = bytes(range(KEY_BYTES)), bytes(range(100, 100 + KEY_BYTES))

# RFC 4231, section 4: key, message, HMAC-SHA256; the fifth is cut to 128 bits there
VECTORS = (
    (b"\x0b" * 20, b"Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
    (b"Jefe", b"what do ya want for nothing?",
     "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
    (b"\xaa" * 20, b"\xdd" * 50,
     "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"),
    (bytes(range(1, 26)), b"\xcd" * 50,
     "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"),
    (b"\x0c" * 20, b"Test With Truncation", "a3b6167473100ee06e0c796c2955552b"),
    (b"\xaa" * 131, b"Test Using Larger Than Block-Size Key - Hash Key First",
     "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"),
    (b"\xaa" * 131, b"This is a test using a larger than block-size key and a larger than "
     b"block-size data. The key needs to be hashed before being used by the HMAC algorithm.",
     "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"),
)  # fmt: skip


@test
def hmac_of_rfc_4231():
    for key, message, wanted in VECTORS:
        found = mac(key, message)
        equal((len(found), found[: len(wanted) // 2]), (32, unhexlify(wanted)))
        equal(mac(key, memoryview(message)), found)


@test
def texts_are_compared_whole():
    equal((same(b"abc", b"abc"), same(b"", b"")), (True, True))
    for a, b in ((b"abc", b"abd"), (b"abc", b"bbc"), (b"abc", b"ab"), (b"ab", b"abc"), (b"", b"a")):
        equal(same(a, b), False)


@test
def every_bit_counts():
    image = wire.seal(wire.STATE_MAGIC, 1, 2, bytes(40))
    signer = Signer(MINE)
    signed = signer.signed(image)
    equal(
        (len(signed) - len(image), is_signed(signed), is_signed(image)),
        (TRAILER_BYTES, True, False),
    )
    equal(bytes(signer.opened(signed, "it")), image)
    equal(bytes(unsigned(signed)) == image and unsigned(image) == image, True)
    for i in range(len(signed)):
        for bit in (1, 128):
            changed = bytearray(signed)
            changed[i] ^= bit
            raises(FormatError, signer.opened, bytes(changed), "it")
    for cut in range(len(signed)):
        raises(FormatError, signer.opened, signed[:cut], "it")
    clear_error(raises(FormatError, signer.opened, image, "the state"), "the state", "not signed")
    clear_error(
        raises(FormatError, Signer(OTHER).opened, signed, "the head"), "the head", "another key"
    )
    for bad in (b"", MINE[:-1], MINE + b"x"):
        clear_error(raises(FormatError, Signer, bad), "%d bytes" % len(bad))


@test
def two_keys_while_one_takes_the_others_place():
    image = wire.seal(wire.STATE_MAGIC, 1, 2, bytes(40))
    both = Signer(OTHER + MINE)
    equal(bytes(both.opened(Signer(MINE).signed(image), "it")), image)
    equal(both.signed(image), Signer(OTHER).signed(image))
    equal(bytes(Signer(MINE + NO_KEY).opened(image, "it")), image)
    equal(Signer(NO_KEY + MINE).signed(image), image)
    # the key that is none signs nothing
    forged = image + mac(NO_KEY, image) + b"NHK1"
    raises(FormatError, Signer(MINE + NO_KEY).opened, forged, "it")


def with_key(root, key):
    """Write the key file of a board, or remove it."""
    if not exists(root + "nearhum"):
        os.mkdir(root + "nearhum")
    if key is None:
        os.remove(root + "nearhum/key")
        wire.signer = None  # a board's reset
    else:
        write_file(root + "nearhum/key", key)


def learned(root):
    """Return a pipeline that has learned something, and kept a snapshot."""
    hum = pipeline("vibration", root, **SMALL)
    hum.console.execute("learn 40")
    take(hum, 40)
    equal(hum.console.execute("enrol tap 1")["ok"], True)
    take(hum, 1)
    return hum


@test
def a_board_with_a_key_signs_what_it_saves():
    root = scratch()
    with_key(root, MINE)
    hum = learned(root)
    known = hum.learned.pack()
    for name in os.listdir(root + "hum"):
        if name[:5] in ("state", "snaps"):
            equal(bytes(Signer(MINE).opened(read_file(root + "hum/" + name), name))[:2], b"NH")
    again = pipeline("vibration", root, **SMALL)
    equal((again.learned.pack() == known, again.store.refused), (True, []))
    equal(len(again.console.execute("list snapshots")["snapshots"]) > 0, True)
    equal(again.console.execute("rollback")["ok"], True)
    # what a host reads has the signature in it
    from binascii import a2b_base64

    got, size = b"", 1
    while len(got) < size:
        answer = again.console.execute("get state %d" % len(got))
        got, size = got + a2b_base64(answer["b64"]), answer["size"]
    equal(bytes(Signer(MINE).opened(got, "it"))[:3], b"NHS")
    wire.signer = None


@test
def the_log_is_signed_too_in_safe_mode_as_well():
    root = scratch()
    with_key(root, MINE)
    learned(root).journal.flush()
    wire.signer = None  # a reset
    begin_signing(root)  # what safe mode calls
    journal = Journal(root, {"version": "0", "config": {}})
    journal.event("safe", window=0)
    journal.flush()
    names = sorted([name for name in os.listdir(root + "hum/log") if name[-4:] == ".seg"])
    before, now = [read_file(root + "hum/log/" + name) for name in names[-2:]]
    payload = wire.unpack_record(now, 0, wire.record_bytes(now, 0, len(now)))[3]
    digest = hashlib.sha256(before).digest()
    total = hexlify(mac(MINE, LOG + digest)[:16]).decode()
    wanted = [int(names[-2][:8], 16), int(names[-1][:8], 16), total, 1]
    equal(json.loads(payload)["chain"], wanted)
    equal(Signer(NO_KEY + MINE).chained(digest), (digest, False))
    with_key(root, None)


@test
def a_board_whose_key_is_gone_says_so():
    root = scratch()
    with_key(root, MINE)
    learned(root)
    wire.signer = None
    os.remove(root + "nearhum/key")
    again = pipeline("vibration", root, **SMALL)
    equal(["no key" in text for text in again.store.refused], [True, True])
    with_key(root, MINE)
    equal(pipeline("vibration", root, **SMALL).store.refused, [])
    wire.signer = None


@test
def a_state_that_the_owner_did_not_sign_is_refused():
    root = scratch()
    with_key(root, MINE)
    hum = learned(root)
    known, path = hum.learned.pack(), hum.store.path()
    wire.signer = None
    newer = wire.seal(wire.STATE_MAGIC, hum.store.fingerprint, 1000, hum.learned.pack())
    for image, word in ((newer, "not signed"), (Signer(OTHER).signed(newer), "another key")):
        write_file(path, image)
        again = pipeline("vibration", root, **SMALL)
        equal(word in again.store.refused[0], True)
        equal(again.store.sequence < 1000, True)
        events = again.console.execute("log 0 1536")
        equal(events["ok"], True)
        wire.signer = None
    write_file(path, Signer(MINE).signed(newer))
    again = pipeline("vibration", root, **SMALL)
    equal((again.learned.pack() == known, again.store.sequence), (True, 1000))
    # a snapshot
    number = Snapshots(again.store).all()[-1]["number"]
    name = root + "hum/snapshot.%d" % (number % 4)
    write_file(name, bytes(unsigned(read_file(name))))
    answer = again.console.execute("rollback %d" % number)
    equal(
        (answer["ok"], "not signed" in answer["error"], again.learned.pack() == known),
        (False, True, True),
    )
    wire.signer = None


@test
def heads_and_priors_are_refused_too():
    root = scratch()
    dense = layer([[1] * 7] * 4, [0] * 4, [(0, 1, 0)] * 4)
    file = head(7, dense)  # six bands and their sum
    write_file(root + "x.nhh", file)
    with_key(root, MINE)
    error = raises(FormatError, lambda: pipeline("vibration", root, head=root + "x.nhh", **SMALL))
    clear_error(error, "head file is not signed", "nearhum key")
    write_file(root + "x.nhh", Signer(OTHER).signed(file) + b"a card")
    error = raises(FormatError, lambda: pipeline("vibration", root, head=root + "x.nhh", **SMALL))
    clear_error(error, "another key")
    write_file(root + "x.nhh", Signer(MINE).signed(file) + b"a card")
    equal(pipeline("vibration", root, head=root + "x.nhh", **SMALL).head.n_out, 4)
    wire.signer = None
    # one that is a snapshot, signed, is no head
    write_file(root + "x.nhh", Signer(MINE).signed(wire.seal(wire.SNAPSHOT_MAGIC, 0, 0, bytes(40))))
    clear_error(
        raises(FormatError, lambda: pipeline("vibration", root, head=root + "x.nhh", **SMALL)),
        "magic",
    )
    wire.signer = None
    other = scratch()
    prior = learned(other)
    image = read_file(prior.store.path())
    for signed, n in (
        (image, 0),
        (Signer(OTHER).signed(image), 0),
        (Signer(MINE).signed(image), 1),
    ):
        there = scratch()
        with_key(there, MINE)
        write_file(there + "prior.nhs", signed)
        hum = pipeline("vibration", there, prior="prior.nhs", **SMALL)
        equal((hum.detector.prototypes.n > 0, len(hum.store.refused)), (n > 0, 1 - n))
        wire.signer = None


@test
def a_key_takes_anothers_place_and_nothing_is_lost():
    """From none to a key, to another, to none; the power cut after any file: the state is there
    at every start.
    """
    root = scratch()
    known = learned(root).learned.pack()
    n_snapshots = None
    for old, new in ((None, MINE), (MINE, OTHER), (OTHER, None)):
        both = (new or NO_KEY) + (old or NO_KEY)
        with_key(root, both)
        for cut in range(4):
            hum = pipeline("vibration", root, **SMALL)  # the power comes back in the middle of it
            equal((hum.learned.pack() == known, hum.store.refused), (True, []), cut)
            if cut == 2:
                equal(sign_anew(root, both) >= 2, True)
        with_key(root, new)
        for _ in range(2):
            hum = pipeline("vibration", root, **SMALL)
            equal((hum.learned.pack() == known, hum.store.refused), (True, []), new)
        found = len(hum.console.execute("list snapshots")["snapshots"])
        equal(found, n_snapshots or found)
        n_snapshots = found
        number = Snapshots(hum.store).all()[0]["number"]
        equal(len(Snapshots(hum.store).body_of(number)) > 0, True)
        for name in os.listdir(root + "hum"):
            if name[:5] in ("state", "snaps"):
                equal(is_signed(read_file(root + "hum/" + name)), new is not None, name)
    equal(wire.signer, None)


@test
def a_damaged_key_is_no_reason_to_trust():
    root = scratch()
    for key in (b"", b"x" * 31):
        with_key(root, key)
        raises(NearhumError, lambda: pipeline("vibration", root, **SMALL))
    wire.signer = None


done()
