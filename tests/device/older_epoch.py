"""Test that the board detects a directory that the file system has put back to an older version.

LittleFS does so if a directory's last commit is damaged. All of its files are older ones, with
right CRCs. tests/faults/lives.py damages a real LittleFS. Here, the files are replaced.
"""

import json
import os

from fakes import pipeline, take
from harness import done, equal, exists, scratch, test
from nearhum.files import note, noted, read_file
from nearhum.storage import changed, deployed, epoch
from nearhum.storage.journal import Journal
from nearhum.wire import EVENT, record_bytes, unpack_record

SMALL = {"n_channels": 1, "n_window": 64, "n_hop": 64, "n_bands": 6}


def files_of(folder):
    return {name: read_file(folder + "/" + name) for name in os.listdir(folder) if name != "log"}


def put_back(folder, files):
    for name in os.listdir(folder):
        if name != "log":
            os.remove(folder + "/" + name)
    for name, content in files.items():
        with open(folder + "/" + name, "wb") as f:
            f.write(content)


def told(hum):
    """What status, the start line and the log say was refused: all three are the same."""
    hum.journal.flush()
    _, _, raw = hum.journal.read(hum.journal._segments[-1], 4096)
    at, logged = 0, []
    while at < len(raw):
        n = record_bytes(raw, at, len(raw))
        kind, _, _, payload = unpack_record(raw, at, n)
        if kind == EVENT and json.loads(payload)["event"] == "refused":
            logged.append(json.loads(payload)["error"])
        at += n
    equal(logged, hum.store.refused)
    if logged:
        equal(hum.console.execute("status")["warning"], logged[-1])
    return logged


def watched():
    hum = pipeline("vibration", **SMALL)
    hum.console.execute("learn 20")
    take(hum, 20)
    hum.journal.flush()
    return hum


def again(hum):
    return pipeline("vibration", root=hum.root, **SMALL)


@test
def a_note_is_two_numbers_or_none():
    path = scratch() + "n"
    equal(noted(path), (0, 0))
    for a, b in ((0, 0), (1, 2), (0xFFFFFFFF, 0xFFFFFFFE)):
        note(path, a, b)
        equal(noted(path), (a, b))
    raw = read_file(path)
    for i in range(8 * len(raw)):
        with open(path, "wb") as f:
            f.write(raw[: i >> 3] + bytes([raw[i >> 3] ^ 1 << (i & 7)]) + raw[(i >> 3) + 1 :])
        equal(noted(path), (0, 0), i)
    for n in range(len(raw)):
        with open(path, "wb") as f:
            f.write(raw[:n])
        equal(noted(path), (0, 0), n)
    note(path + "/nowhere", 1, 2)  # refused, and no matter


@test
def what_is_as_young_as_it_was_is_not_told():
    hum = watched()
    for text in ("veto knock", "set alarms_per_day 3", "rollback", "set alarms_per_day 2"):
        hum.console.execute(text)
        hum = again(hum)
        equal(told(hum), [])
    hum.console.execute("reset log")
    hum = again(hum)
    equal(told(hum), [])
    hum.console.execute("reset all")
    equal(told(again(hum)), [])


@test
def an_older_state_is_told_until_it_is_saved_anew():
    hum = watched()
    before = files_of(hum.root + "hum")
    hum.console.execute("veto knock")
    saved = hum.store.sequence
    put_back(hum.root + "hum", before)
    for _ in range(2):
        hum = again(hum)
        equal(hum.guard.vetoed, [])
        said = told(hum)
        equal((len(said), "the newest state" in said[0]), (1, True), said)
    hum.console.execute("veto tap")
    equal(hum.store.sequence > saved, True)
    hum = again(hum)
    equal((told(hum), hum.guard.vetoed), ([], ["tap"]))


@test
def a_state_that_is_gone_is_told():
    hum = watched()
    put_back(hum.root + "hum", {})
    hum = again(hum)
    equal((len(told(hum)), hum.detector.prototypes.n), (1, 0))


@test
def older_settings_are_told_until_the_next_set():
    hum = watched()
    for first in (True, False):  # none at all, or older ones
        before = files_of(hum.root + "hum")
        hum.console.execute("set alarms_per_day %d" % (3 + first))
        hum.journal.flush()
        put_back(hum.root + "hum", before)
        for _ in range(2):
            hum = again(hum)
            said = told(hum)
            equal((len(said), "`set`" in said[0]), (1, True), said)
        hum.console.execute("set alarms_per_day 7")
        hum = again(hum)
        equal((told(hum), hum.config["alarms_per_day"]), ([], 7))


@test
def settings_that_are_taken_back_are_not_told_as_lost():
    hum = watched()
    hum.console.execute("set alarms_per_day 3")
    equal(changed.set_aside(hum.root), True)
    equal(told(again(hum)), [])


@test
def settings_without_an_epoch_are_read():
    hum = watched()
    with open(hum.root + deployed.CHANGED, "wb") as f:
        f.write(b'{"alarms_per_day": 3}\n#%d' % deployed.crc32(b'{"alarms_per_day": 3}'))
    hum = again(hum)
    equal((told(hum), hum.config["alarms_per_day"], deployed.epoch(hum.root)), ([], 3, 0))
    hum.console.execute("set alarms_per_day 4")
    equal(deployed.epoch(hum.root), 1)
    equal(again(hum).config["alarms_per_day"], 4)


@test
def a_log_that_is_shorter_is_told_and_no_number_is_given_twice():
    hum = watched()
    log = hum.root + "hum/log"
    before = files_of(log)
    for i in range(30):
        hum.journal.event("e", n=i)
    hum.journal.flush()
    seq, boot = hum.journal.synced_seq, hum.journal.boot
    put_back(log, before)
    hum = again(hum)
    said = told(hum)
    equal((len(said), "30 records" in said[0]), (1, True), said)
    equal((hum.journal._segments[-1], hum.journal.boot), (seq, boot + 1))
    hum.console.execute("veto knock")
    hum.journal.flush()
    equal(told(again(hum)), [])  # the hole shows in the numbers from now on


@test
def safe_mode_gives_no_number_twice_either():
    hum = watched()
    put_back(hum.root + "hum/log", {})
    journal = Journal(hum.root, {"version": "0", "config": {}})
    equal((journal.seq, journal.boot), (hum.journal.synced_seq, hum.journal.boot + 1))


@test
def a_log_that_is_gone_with_its_folder_is_told():
    hum = watched()
    log = hum.root + "hum/log"
    put_back(log, {})
    os.rmdir(log)
    hum = again(hum)
    equal(len(told(hum)) > 0, True)
    equal("the log" in told(hum)[0], True)


@test
def the_folders_are_there_both_or_none():
    root = scratch()
    equal((epoch.make_folders(root), os.listdir(root + "hum")), ("", ["log"]))
    equal((epoch.make_folders(root), exists(root + "hum.new")), ("", False))
    for half in ("hum.new", "hum.new/log"):  # the power failed then
        root = scratch()
        os.mkdir(root + "hum.new")
        if half != "hum.new":
            os.mkdir(root + half)
        equal((epoch.make_folders(root), os.listdir(root + "hum")), ("", ["log"]))


done()
