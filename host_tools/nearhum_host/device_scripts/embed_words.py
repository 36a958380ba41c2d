"""Run heads for words over utterances, and the recogniser of words over the embeddings.

Runs under MicroPython. Arguments: the folder with the package nearhum, and a folder that ends in
"/".

Enters, from that folder: utterances.bin, for each utterance u8 frames and its cepstra; tasks.json:
{"n_bands", "reject", "heads": [file or ""], "rounds": [[head, enrolled, asked], ...]}. enrolled:
[[utterance, label], ...], asked: [utterance, ...]. Utterances are numbered from 0, labels are
texts.

Leaves, in that folder: embedded.N.bin for each head, int8, as long as the cepstra; answers.json as
in embed.py.
"""

import json
import sys

sys.path.insert(0, sys.argv[1])
root = sys.argv[2]

from nearhum.files import parsed, read_file  # noqa: E402
from nearhum.kernels.viper_words import N_CEPSTRA  # noqa: E402
from nearhum.recognition.context import InContext  # noqa: E402
from nearhum.recognition.words import Words  # noqa: E402
from nearhum.wire import WATCH  # noqa: E402


class Watching:
    """The part of a detector that Words uses."""

    state = WATCH


class Plan:
    """The part of a plan that Words uses."""

    n_before_bands = 0
    bands = ()


tasks = parsed(read_file(root + "tasks.json"))
with open(root + "utterances.bin", "rb") as f:
    body = f.read()
utterances, at = [], 0
while at < len(body):
    n = body[at] * N_CEPSTRA
    utterances.append(body[at + 1 : at + 1 + n])
    at += 1 + n
Plan.bands = [0] * tasks["n_bands"]
embedded = []
for i in range(len(tasks["heads"])):
    rows = utterances
    if tasks["heads"][i]:
        head, rows = InContext(tasks["n_bands"], root + tasks["heads"][i]), []
        for utterance in utterances:
            head.n_frames = len(utterance) // N_CEPSTRA
            head.cepstra[: len(utterance)] = utterance
            head.embed()
            rows.append(bytes(memoryview(head.cepstra)[: len(utterance)]))
    embedded.append(rows)
    with open(root + "embedded.%d.bin" % i, "wb") as f:
        f.write(b"".join(rows))

answers = []
for at, enrolled, asked in tasks["rounds"]:
    words = Words(
        Plan, bytearray(tasks["n_bands"]), {"reject": tasks["reject"], "head": ""}, Watching
    )
    names = {0: ""}
    for i, label in enrolled:
        names[words.enrol(label, embedded[at][i])[0]] = label
    said = []
    for i in asked:
        words.templates.ask(embedded[at][i], len(embedded[at][i]) // N_CEPSTRA)
        words.templates.compare(len(words.templates.all))
        said.append(names[words.answer()])
    answers.append(said)
with open(root + "answers.json", "w") as f:
    json.dump(answers, f)
