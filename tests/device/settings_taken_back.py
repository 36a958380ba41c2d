"""Test that a setting that keeps a board from starting or running is taken back, and no other."""

import os

from harness import done, equal, scratch, test
from nearhum import files
from nearhum.storage import changed, deployed


def no_check(settings):
    pass


def started(root):
    """Return (settings, what is told) of a start, as assembly.py and main.py have it."""
    out, told = deployed.without, ""
    if not out:
        out, told = changed.at_start(root)
    return deployed.load_config(root, out), told


@test
def one_bad_setting_is_found_among_others():
    root = scratch()
    files.write_file(root + "nearhum.json", b'{"source": {"driver": "x"}}')
    for name, value in (("smooth", 100), ("head", "nearhum.json"), ("release", 3)):
        changed.change(root, name, value, no_check)
    left = [("head file: not NHH1", "a hint")]
    try:
        equal(changed.trial(root, left), ("head",))
        equal(started(root)[0]["head"], "")
        equal(started(root)[0]["release"], 3)
        others = [changed.trial(root, left), changed.trial(root, left)]
        equal(sorted(others), [("release",), ("smooth",)])
        equal(sorted(changed.trial(root, left)), ["head", "release", "smooth"])
        equal((changed.trial(root, left), changed.trial(root, left)), ((), ()))
    finally:
        deployed.without = ()
    changed.refuse(root, ("head",))
    equal(started(root)[0]["head"], "")
    equal(started(root)[0]["smooth"], 100)
    equal(deployed.read_json(root + changed.REFUSED), {"head": "nearhum.json"})


@test
def a_board_that_does_not_stay_up_is_tried_without_what_is_new():
    root = scratch()
    files.write_file(root + "nearhum.json", b'{"source": {"driver": "x"}}')

    def in_force():
        c = started(root)[0]
        return c["release"], c["n_hop"], c["watchdog_s"], c["smooth"]

    changed.change(root, "smooth", 100, no_check)
    equal(in_force(), (0, 512, 0, 100))
    changed.proven(root)
    equal("set.new" in os.listdir(root + "hum"), False)
    equal(changed.suspect(root), ())  # nothing is new: it is no setting's fault
    equal(in_force(), (0, 512, 0, 100))
    for name, value in (("watchdog_s", 1), ("n_hop", 1), ("release", 3)):
        changed.change(root, name, value, no_check)
    equal(in_force(), (3, 1, 1, 100))
    equal(changed.suspect(root), ("release",))
    equal(in_force(), (0, 1, 1, 100))
    equal(changed.suspect(root), ("n_hop",))
    equal(in_force(), (3, 512, 1, 100))
    equal("n_hop" in started(root)[1], True)  # it is told
    changed.proven(root)  # it has stayed up
    equal(started(root)[1], "")
    equal(in_force(), (3, 512, 1, 100))
    equal(deployed.read_json(root + changed.REFUSED), {"n_hop": 1})
    equal(changed.suspect(root), ())
    # none of them, and all of them: they are in force again
    for name in ("release", "fade"):
        changed.change(root, name, 7, no_check)
    out = [changed.suspect(root) for _ in range(4)]
    equal(out, [("fade",), ("release",), ("release", "fade"), ()])
    equal(started(root)[0]["fade"], 7)
    # what was set while the board ran is not proven by that
    changed.change(root, "fade", 8, no_check)
    changed.proven(root)
    equal(changed.suspect(root), ("fade",))
    # a file that is damaged names none
    files.write_file(root + deployed.NEW, b"{]")
    equal((changed.suspect(root), started(root)[0]["fade"]), ((), 8))


done()
