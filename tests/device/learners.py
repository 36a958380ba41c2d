"""Test the contract of tests/contract.py for every learner: the detector and the recognisers."""

from harness import done, named
from nearhum.detection.detect import Detector
from nearhum.detection.prototypes import Prototypes
from nearhum.features.transform_fixed import Log2
from nearhum.recognition.windows import MAX_LABELS, Recogniser
from nearhum.recognition.words import Words
from nearhum.wire import IDLE, LEARN

import contract  # isort: skip (harness makes the way to it)

LOG2 = Log2()
FLOOR = 2


def learning_detector(n_dims, windows):
    """A detector that starts a period at its first lesson; windows: that many end it."""

    def make():
        return Detector(Prototypes(2, n_dims, FLOOR, LOG2), 1000)

    def learn(detector, x):
        if not detector.learn_total:
            detector.start(windows)
        if detector.state == LEARN and detector.period.learn_one(x, detector.score_one(x)):
            detector.finish()

    def answer(detector, x):
        return detector.score_one(x)

    name = "detector that learns" if windows > 1000 else "detector that watches after %d" % windows
    return contract.Learner(name, n_dims, make, learn, answer)


def recogniser(n_dims):
    """A recogniser that enrols examples under two names in turn, by their first dimension."""

    def make():
        return Recogniser(Prototypes(MAX_LABELS, n_dims, FLOOR, LOG2), FLOOR, 512, LOG2)

    def learn(it, x):
        it.enrol("high" if x[0] < 128 else "low", x)

    def answer(it, x):
        return it.predict_one(x)

    return contract.Learner("recogniser", n_dims, make, learn, answer)


def words():
    """A recogniser of words: utterances of six frames under two names in turn, by their first
    coefficient.
    """

    class Idle:
        state = IDLE

    class Bands:
        n_before_bands = 0
        bands = (0,) * 20

    def make():
        return Words(Bands, bytearray(20), {"reject": 48, "head": ""}, Idle)

    def learn(it, x):
        it.enrol("high" if x[0] < 128 else "low", bytes(x))

    def answer(it, x):
        it.templates.ask(x, len(x) // 10)
        it.templates.compare(len(it.templates.all))
        return it.answer()

    return contract.Learner("recogniser of words", 60, make, learn, answer)


LEARNERS = (
    learning_detector(6, 100000),
    learning_detector(6, 12),
    learning_detector(1, 12),
    recogniser(6),
    recogniser(1),
    words(),
)

for _learner in LEARNERS:
    for _check in contract.CHECKS:
        named(
            "%s of %d dimensions: %s" % (_learner.name, _learner.n_dims, _check.__name__),
            _check,
            _learner,
        )

done()
