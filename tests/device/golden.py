"""Test the golden vectors: this target computes the same bits as the file.

HINT: after an intended change, make the file again with tests/vectors/make.py.
"""

from harness import TESTS, done, equal, named, raises, scratch
from outcome import SETTINGS, load, outcome

GOLDEN = load(TESTS + "/vectors/golden.json")


def same(kind):
    found = outcome(kind)
    for name in found:
        equal(
            found[name],
            GOLDEN[kind][name],
            "%s of %s (intended? python tests/vectors/make.py)" % (name, kind),
        )


def a_damaged_golden_file():
    with open(TESTS + "/vectors/golden.json") as f:
        text = f.read()
    path = scratch() + "golden.json"
    for wrong in (
        text.replace('"alarms": ', '"alarms": 9'),
        text.replace("nearhum golden", "other"),
        text.replace('"version": 1', '"version": 2'),
    ):
        with open(path, "w") as f:
            f.write(wrong)
        raises(ValueError, load, path)


for _kind in sorted(SETTINGS):
    named(_kind, same, _kind)
named("a damaged golden file", a_damaged_golden_file)
done()
