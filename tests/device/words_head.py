"""Test heads for words: cepstra mapped frame by frame without allocation, wrong heads refused."""

import micropython
from fakes import head, layer, pipeline
from harness import as_bytes, clear_error, done, equal, raises, scratch, test
from nearhum.errors import ConfigError
from nearhum.kernels.viper_words import MAX_FRAMES, N_CEPSTRA
from nearhum.recognition.context import InContext
from nearhum.recognition.utterance import Utterances

N_IN = 3 * N_CEPSTRA
ONCE = (0, 8257, 20)  # a 127th


def written(weights, n_in=N_IN, rescale=ONCE):
    """The path of a head of one layer."""
    path = scratch() + "head.nhh"
    with open(path, "wb") as f:
        f.write(head(n_in, layer(weights, [0] * len(weights), [rescale] * len(weights))))
    return path


def with_the(path, **given):
    """A board with that head, in the folder where it lies: another would be emptied, and on a
    board it is the same.
    """
    return pipeline("audio", root=path.rpartition("/")[0] + "/", head=path, **given)


def taking(frame, sign=1):
    """Weights that give back the cepstra of a frame: 0 the one before, 1 the same, 2 the next."""
    return [
        [127 * sign if i == frame * N_CEPSTRA + k else 0 for i in range(N_IN)]
        for k in range(N_CEPSTRA)
    ]


def mapped(weights, rows):
    """What a head makes of rows of cepstra."""
    u = InContext(20, written(weights))
    u.n_frames = len(rows)
    for i in range(len(rows)):
        u.cepstra[N_CEPSTRA * i : N_CEPSTRA * (i + 1)] = as_bytes(rows[i])
    u.embed()
    return [bytes(u.cepstra[N_CEPSTRA * i : N_CEPSTRA * (i + 1)]) for i in range(len(rows))]


@test
def a_frame_is_mapped_with_those_beside_it():
    for n in (6, 7, MAX_FRAMES):
        rows = [[(i * 7 + k * 13) % 255 - 127 for k in range(N_CEPSTRA)] for i in range(n)]
        same = [bytes(as_bytes(row)) for row in rows]
        equal(mapped(taking(1), rows) == same, True)
        # the first stands in for what is before it
        equal(mapped(taking(0), rows) == same[:1] + same[:-1], True)
        equal(mapped(taking(2), rows) == same[1:] + same[-1:], True)


@test
def no_value_is_less_than_127_below_0():
    rows = [[127] * N_CEPSTRA] * 6
    twice = taking(1, -1)
    for k in range(N_CEPSTRA):
        twice[k][k] = -127  # of the frame before as well: -254 in all, which saturates
    equal(set(mapped(twice, rows)), {bytes([129] * N_CEPSTRA)})


def spoken(utterances):
    """Let utterances hear 130 frames of which some are loud; their number, and the cepstra of
    the last.
    """
    n = 0
    for i in range(130):
        frame = as_bytes([i * (b - 9) % 40 - 100 + 90 * (30 < i % 60 < 50) for b in range(20)])
        micropython.heap_lock()
        try:
            n += utterances.hear_one(frame)
        finally:
            micropython.heap_unlock()
    return n, bytes(utterances.cepstra[: N_CEPSTRA * utterances.n_frames])


@test
def an_utterance_is_mapped_as_it_ends_and_nothing_is_allocated():
    wanted = spoken(Utterances(20))
    equal(wanted[0], 2)
    equal(spoken(InContext(20, written(taking(1)))), wanted)
    equal(spoken(InContext(20, written(taking(0)))) == wanted, False)


@test
def a_board_with_one_has_states_of_its_own():
    given = {"rate_hz": 8000, "n_window": 256, "n_hop": 128}
    plain, with_head = pipeline("audio", **given), with_the(written(taking(1)), **given)
    # what is normal is told by the features either way
    equal(plain.head.n_out, with_head.head.n_out)
    equal(plain.store.fingerprint == with_head.store.fingerprint, False)


@test
def heads_for_something_else():
    of_windows = written([[1] * 24] * 4, 24)
    clear_error(raises(ConfigError, lambda: with_the(of_windows)), "24", "30")
    few = written(taking(1)[:9])
    clear_error(raises(ConfigError, lambda: with_the(few)), "9", "10")
    clear_error(raises(ConfigError, lambda: pipeline("audio", head="/no.nhh")), "no.nhh")


done()
