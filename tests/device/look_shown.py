"""Test that `look` and `raw` show what the detector has, and change nothing."""

from array import array
from binascii import a2b_base64

from fakes import Played, pipeline, take
from harness import Lcg, done, equal, test
from nearhum.sources import GAP


def ask(hum, text):
    hum.line.input += (text + "\n").encode()
    while hum.line.input or hum.console._out:
        hum.console.poll()
    return hum.line.answers()[0]


def int8(text):
    return [b - 256 if b > 127 else b for b in a2b_base64(text)]


@test
def look_tells_the_last_window_and_what_is_normal():
    hum = pipeline("vibration", n_channels=2, n_window=64, n_hop=64, n_bands=6)
    found = ask(hum, "look")
    equal(
        (found["ok"], found["embedding"], found["means"], found["mode"], found["strangest"]),
        (True, "", [], None, []),
    )
    ask(hum, "learn 20")
    take(hum, 20)
    take(hum, 1, seed=9, level=2000)
    before = hum.learned.pack()
    found = ask(hum, "look")
    p = hum.detector.prototypes
    equal(found["window"], 20)
    equal(a2b_base64(found["embedding"]), bytes(hum.embedding))
    equal([a2b_base64(mean) for mean in found["means"]], [bytes(p.mean_of(0))])
    equal(list(array("i", a2b_base64(found["variance"]))), list(p.variance))
    equal(found["mode"], 0)
    equal(found["strangest"], hum.strangest())
    equal(hum.learned.pack() == before, True)


@test
def names_come_in_parts():
    hum = pipeline("vibration", n_channels=3, n_window=64, n_hop=64, n_bands=20, f_high_hz=2000)
    names = []
    while True:
        part = ask(hum, "look names %d" % len(names))
        names += part["names"]
        if len(names) == part["of"]:
            break
        equal(len(part["names"]), 40)
    equal(names, [hum.plan.name(i) for i in range(hum.plan.n_features)])
    equal(ask(hum, "look names 999")["names"], [])
    equal(ask(hum, "look names x")["ok"], False)


def gathered(hum, frames, step):
    """Let the sensor deliver frames, `step` at a time, and ask for the new ones after each;
    returns those heard.
    """
    n = hum.window.n_channels
    heard = [array("h") for _ in range(n)]
    for at in range(0, len(frames), step * n):
        Played.script.append(frames[at : at + step * n])
        while Played.script:
            hum.step()
        while True:
            answer = ask(hum, "raw %d" % len(heard[0]))
            if not answer["n"]:
                break
            equal(answer["from"], len(heard[0]))
            samples = array("h", a2b_base64(answer["b64"]))
            for c in range(n):
                heard[c].extend(samples[c * answer["n"] : (c + 1) * answer["n"]])
    return heard


@test
def samples_are_those_of_the_sensor():
    random = Lcg(5)
    frames = array("h", [random.within(30000) for _ in range(2 * 1000)])
    for hop in (64, 32, 16):
        for step in (7, 30):
            hum = pipeline("vibration", n_channels=2, n_window=64, n_hop=hop, n_bands=6)
            heard = gathered(hum, frames, step)
            for c in range(2):
                equal(heard[c], array("h", [frames[i] for i in range(c, 2000, 2)]))
    equal(hum.n_windows, (1000 - 64) // 16 + 1)


@test
def what_is_gone_is_not_made_up():
    random = Lcg(6)
    hum = pipeline("vibration", n_channels=1, n_window=64, n_hop=32, n_bands=6)
    Played.script.append(array("h", [random.within(30000) for _ in range(300)]))
    while Played.script:
        hum.step()
    first = hum.n_windows * 32
    equal([ask(hum, "raw 0")[key] for key in ("from", "n")], [first, 300 - first])
    equal([ask(hum, "raw")[key] for key in ("from", "n")], [300, 0])
    equal([ask(hum, "raw 9999")[key] for key in ("from", "n")], [300, 0])
    Played.script.append(GAP)
    hum.step()
    equal([ask(hum, "raw 300")[key] for key in ("from", "n")], [first, 0])
    for bad in ("raw x", "raw -1"):
        equal(ask(hum, bad)["ok"], False, bad)


done()
