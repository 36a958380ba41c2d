"""Assembly: makes the stages of a pipeline, in the order of the data.

Enters: the settings on flash. Leaves: the stages, as attributes of the pipeline. What no setting
asks for is not loaded: of two recognisers only the one in use is in memory. Loaded at a start, and
released after it.
"""

import os
from array import array

from micropython import const

from nearhum import __version__, board, lifetime
from nearhum.config import frame_values
from nearhum.console.console import Console
from nearhum.console.verbs import Verbs
from nearhum.detection.calibration import rarity
from nearhum.detection.detect import Detector
from nearhum.detection.prototypes import Prototypes
from nearhum.detection.temporal import Temporal
from nearhum.embedding.identity import load as load_head
from nearhum.features.extract import Features, Plan
from nearhum.features.plan import fingerprint
from nearhum.features.window import Window
from nearhum.guard.guard import Guard
from nearhum.guard.health import Health
from nearhum.storage import deployed, epoch
from nearhum.storage.journal import Journal
from nearhum.storage.learned import Learned
from nearhum.storage.store import Store

_N_MODES = const(8)  # most normal prototypes, found or named
BLOCK_BYTES = 1024  # most bytes of samples in one read


def assemble(hum, root):
    """Make the stages of a pipeline.

    root: prefix of paths, ends with /. Raises ConfigError or FormatError if the settings, or the
    files that they name, cannot be used.
    """
    lifetime.drop_broken()  # The loop before this start may have run out of memory.
    hum.root = root
    config, told = settings(root)
    hum.config = config
    frame_bytes = 2 * frame_values(config)
    hum.block = array("h", bytes(BLOCK_BYTES // frame_bytes * frame_bytes))
    hum.plan = Plan(config)
    hum.window = Window(config["n_channels"], config["n_window"], config["n_hop"])
    hum.features = Features(hum.plan, config["path"])
    log2 = hum.features.transform.log2
    hum.packets = packets(config, log2)
    # A head for words maps cepstra, so Words loads it itself (recognition/context.py).
    hum.head = load_head("" if hum.plan.words else config["head"], hum.plan.n_features)
    hum.detector = detector(config, hum.head.n_out, hum)
    hum.recogniser = recogniser(config, hum, log2)
    hum.teacher = None
    hum.temporal = Temporal(config)
    hum.guard = Guard(config, hum.head.n_out)
    lost = epoch.make_folders(root)
    hum.store = Store(root, fingerprint(hum.plan, hum.head.fingerprint))
    if told:
        hum.store.refused.append(told)
    if lost:
        hum.store.refused.append(lost)
    hum.about = {"version": __version__, "board": config["board"]}
    hum.journal = Journal(root, dict(hum.about, id=board.chip(), config=config))
    hum.about["refused"] = hum.store.refused  # The first line on the console has them too.
    hum.console = Console(Verbs(hum))
    hum.clock = board.Clock()
    # Windows skipped after `learn`, so that the operator's own movement is not learned.
    hum.n_settling = -int(-config["settle_s"] * config["rate_hz"] // config["n_hop"])
    hum.learned = Learned(hum)
    hum.health = Health(hum)
    hum.listeners = listeners(config)


def settings(root):
    """Return (the complete settings of this board, a text about changes that could not be used).

    Raises ConfigError.
    """
    out, told = deployed.without, ""
    if not out:
        try:
            os.stat(root + deployed.NEW)
            from nearhum.storage.changed import at_start

            out, told = at_start(root)
        except OSError:
            pass
    return deployed.load_config(root, out), told


def packets(config, log2):
    """Return the Packets that turn a Wi-Fi packet's subcarriers into channels, else None."""
    if not config["n_subcarriers"]:
        return None
    from nearhum.features.packets import Packets

    return Packets(config["n_subcarriers"], config["n_channels"], log2)


def detector(config, n_dims, hum):
    """Return the Detector with the parts that its settings add: drift, covariance, views.

    n_dims: dimensions of the embeddings. hum: the pipeline, which already has features and head.
    """
    log2 = hum.features.transform.log2
    made = _detector(config, n_dims, log2, 0)
    if not hum.head.fingerprint:  # A trained head may treat values out of range in any way.
        made.ranges, made.stride = hum.features.ranges, hum.plan.n_per_channel
    if config["drift_budget"]:
        from nearhum.detection.drift import Drift

        made.drift = Drift(n_dims, config["drift_budget"], config["drift_windows"])
    views = []
    if config["slow"]:
        from nearhum.detection.view import Slow, View

        other = _detector(config, n_dims, log2, config["slow"])
        source = Slow(n_dims, config["slow"])
        views.append(View(other, source, Temporal(config), hum.name))
    if config["aside"]:
        from nearhum.detection.view import Aside, View

        values = hum.features.aside
        other = _detector(config, len(values), log2, 0)
        views.append(View(other, Aside(values), Temporal(config), hum.plan.aside_name))
    made.views = tuple(views)
    return made


def _detector(config, n_dims, log2, slow):
    floor = config["spread_floor"]
    made = Detector(Prototypes(_N_MODES, n_dims, floor, log2), *rarity(config, slow))
    made.n_found = config["n_modes"]
    if config["spread"] == "full":
        from nearhum.detection.covariance import Covariance

        made.covariance = Covariance(made.prototypes, floor, log2)
    return made


def listeners(config):
    """Return the alarm outputs: objects with begin(), end() and close(), see outputs/."""
    out = []
    if config["alarm_pin"]:
        from nearhum.outputs.pin import Output

        out.append(Output(config["alarm_pin"]))
    return out


def recogniser(config, hum, log2):
    """Return the recogniser of single windows or of words, over the earlier stages of hum."""
    if config["recognise"] == "words":
        from nearhum.recognition.words import Words

        return Words(hum.plan, hum.features.vector, config, hum.detector)
    from nearhum.recognition.windows import MAX_LABELS, Recogniser

    floor = config["spread_floor"]
    return Recogniser(
        Prototypes(MAX_LABELS, hum.head.n_out, floor, log2), floor, config["reject"], log2
    )
