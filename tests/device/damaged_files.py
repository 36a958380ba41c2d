"""Test damaged files of state, snapshot, head and settings: cut at every byte, every bit flipped.

They are refused as if they did not exist. Of two states, the other is used. Settings changed by
`set` are all as they were changed, or all as they were deployed.
"""

from fakes import body_in, head, layer, settings
from harness import done, equal, raises, scratch, test
from nearhum.embedding.head import Network
from nearhum.errors import ConfigError, FormatError, NearhumError
from nearhum.storage import changed, deployed
from nearhum.storage.snapshots import Snapshots
from nearhum.storage.store import Store


def each_damage(image, act):
    """Call act with every image that a cut or one flipped bit makes. Returns their number."""
    for n in range(len(image)):
        act(image[:n])
    flipped = bytearray(image)
    for i in range(8 * len(image)):
        flipped[i >> 3] ^= 1 << (i & 7)
        act(bytes(flipped))
        flipped[i >> 3] ^= 1 << (i & 7)
    return 9 * len(image)


def write(path, contents):
    with open(path, "wb") as f:
        f.write(contents)


@test
def of_two_states_the_sound_one_is_loaded():
    root = scratch()
    store = Store(root, 7)
    store.save(b"older" * 20)
    store.save(b"younger" * 20)
    path = store.path()
    with open(path, "rb") as f:
        image = f.read()

    def act(damaged):
        write(path, damaged)
        again = Store(root, 7)
        equal(body_in(again), b"older" * 20)
        # an empty one is what a power cut leaves: nothing to tell
        equal(len(again.refused), 1 if damaged else 0)

    print("states:", each_damage(image, act))
    write(path, image)
    equal(body_in(Store(root, 7)), b"younger" * 20)


@test
def a_damaged_snapshot_is_refused_or_not_listed():
    root = scratch()
    store = Store(root, 7)
    number = Snapshots(store).keep(b"as it was" * 10, {"cause": "learn"})
    path = root + "hum/snapshot." + str(number)
    with open(path, "rb") as f:
        image = f.read()

    def act(damaged):
        write(path, damaged)
        for note in Snapshots(store).all():  # never raises
            note["crc"], note["cause"], note["number"]
        raises(NearhumError, Snapshots(store).body_of, number)

    print("snapshots:", each_damage(image, act))


@test
def a_damaged_head_is_refused():
    image = head(4, layer([[1, 2, 3, 4], [5, 6, 7, 8]], [0, 0], [(0, 1, 8)] * 2))
    print("heads:", each_damage(image, lambda damaged: raises(FormatError, Network, damaged, 4)))


@test
def of_damaged_settings_none_is_in_force():
    root = settings("vibration", scratch())
    for name, value in (("alarms_per_day", 2), ("n_bands", 10)):
        changed.change(root, name, value, lambda all: None)
    path = root + "hum/set.json"
    with open(path, "rb") as f:
        image = f.read()
    whole = 0

    def act(damaged):
        nonlocal whole
        write(path, damaged)
        try:
            given = deployed.load_config(root)
        except ConfigError as e:
            equal("set.json is damaged" in e.message, True, e.message)
            return
        equal((given["alarms_per_day"], given["n_bands"]), (2, 10), damaged)
        whole += 1

    print("settings:", each_damage(image, act), whole)
    equal(whole, 3)  # cut behind the last brace: without the CRC, as an earlier firmware wrote it
    equal(changed.set_aside(root), True)
    equal(deployed.load_config(root)["alarms_per_day"], 1)


done()
