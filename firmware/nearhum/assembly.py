"""Assembly: the stages of which settings choose the make. Loaded at a start, let go of after it.

Enters: complete settings, and what comes before in the way of the data. Leaves: packets, detector, recogniser. What no
setting asks for is not in memory: of two recognisers only the one in use is loaded.
"""

from nearhum.calibration import rarity
from nearhum.detect import Detector
from nearhum.prototypes import Prototypes


def packets(config, log2):
    """Return what makes channels of a Wi-Fi packet's subcarriers, None where samples come as they are."""
    if not config["n_subcarriers"]:
        return None
    from nearhum.packets import Packets

    return Packets(config["n_subcarriers"], config["n_channels"], log2)


def detector(config, n_dims, log2):
    """Return the Detector over n_dims, with what its settings add: drift that is followed, covariance."""
    floor = config["spread_floor"]
    made = Detector(Prototypes(config["n_modes"], n_dims, floor, log2), *rarity(config))
    if config["drift_budget"]:
        from nearhum.drift import Drift

        made.drift = Drift(n_dims, config["drift_budget"], config["drift_windows"])
        made.prototypes.wander = made.drift.variance
    if config["spread"] == "full":
        from nearhum.covariance import Covariance

        made.covariance = Covariance(made.prototypes, floor, log2)
    return made


def recogniser(config, hum, log2):
    """Return the recogniser of single windows or of words, over what comes before in a pipeline."""
    if config["recognise"] == "words":
        from nearhum.words import Words

        return Words(hum.plan, hum.features.vector, config, hum.detector)
    from nearhum.recognise import MAX_LABELS, Recogniser

    floor = config["spread_floor"]
    return Recogniser(Prototypes(MAX_LABELS, hum.head.n_out, floor, log2), floor, config["reject"], log2)
