"""Test the end of a new application's trial: the old one is removed in steps, each may be the last.

main.py, and power cuts between the steps, are in tests/faults/upgrades.py.
"""

import os

from fakes import pipeline
from harness import done, equal, scratch, test
from nearhum import trial
from nearhum.files import make_folder, read_file, write_file

nearhum = trial.nearhum
TRIAL_S = 600


def before_it(root):
    """Make the files of an application in root, of the other folder than the one that runs."""
    for folder in ("nearhum", "nearhum/console"):
        make_folder(root + folder)
    for name in ("nearhum/a.mpy", "nearhum/console/b.mpy", "nearhum/key", "nearhum.json"):
        write_file(root + name, b"x")
    write_file(root + "nearhum.mft", b"{}")
    write_file(root + "nearhum.app", b"/beside\n/\n")
    nearhum.folder = "/beside"


def left(root):
    return sorted([name for name in os.listdir(root) if name.startswith("nearhum")])


@test
def it_goes_in_steps_its_list_of_hashes_first():
    root = scratch()
    before_it(root)
    try:
        equal(trial.end(root), False)
        equal(read_file(root + "nearhum.app"), b"/beside\n")  # cannot be put back any more
        equal("nearhum.mft" in left(root), True)
        equal(trial.end(root), False)
        equal(left(root), ["nearhum", "nearhum.app", "nearhum.json"])
        n = 0
        while not trial.end(root):
            n += 1
        equal(n, 4)  # its settings, two modules, a folder
        equal(left(root), ["nearhum", "nearhum.app"])
        equal(os.listdir(root + "nearhum"), ["key"])  # the board's, not the application's
    finally:
        nearhum.folder = ""


@test
def nothing_goes_where_the_other_one_runs_in_its_place():
    root = scratch()
    before_it(root)
    try:
        nearhum.wrong = "/nearhum/a.mpy"
        equal(trial.end(root), True)
        equal(read_file(root + "nearhum.app"), b"/beside\n/\n")
    finally:
        nearhum.folder = nearhum.wrong = ""


@test
def what_cannot_be_written_is_tried_again():
    root = scratch()
    before_it(root)
    true = trial.write_file
    try:

        def refusing(path, contents):
            raise OSError(28)

        trial.write_file = refusing
        equal(trial.end(root), False)
        equal(read_file(root + "nearhum.app"), b"/beside\n/\n")
        trial.write_file = true
        equal(trial.end(root), False)
        equal(read_file(root + "nearhum.app"), b"/beside\n")
    finally:
        nearhum.folder = ""
        trial.write_file = true


@test
def a_board_of_one_application_has_nothing_to_do():
    equal(trial.end(scratch()), True)


@test
def the_check_of_health_ends_it_after_ten_minutes_and_not_before():
    hum = pipeline("telemetry", rate_hz=10, n_channels=1)
    root = hum.root
    hum.clock.seconds = TRIAL_S - 1
    before_it(root)
    try:
        hum.health.check()
        equal(read_file(root + "nearhum.app"), b"/beside\n/\n")
        hum.clock.seconds = TRIAL_S
        hum.health.check()
        equal(read_file(root + "nearhum.app"), b"/beside\n")
        for _ in range(9):
            hum.health.check()
        equal(os.listdir(root + "nearhum"), ["key"])
    finally:
        nearhum.folder = ""


done()
