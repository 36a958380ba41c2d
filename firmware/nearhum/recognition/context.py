"""Context: a head for words, which maps each frame of an utterance together with its neighbours.

Enters: an utterance's normalised cepstra, see utterance.py. Leaves: the head's output for each
frame, in their place. Loaded only if the setting `head` is given with `recognise` = words.

A head for words is an ordinary network (embedding/head.py), from WIDTH frames to N_CEPSTRA values.
Its output has the unit of cepstra, so that distances and their limit keep their meaning. The first
and the last frame are repeated at the ends.
"""

import micropython
from micropython import const
from nearhum.embedding.head import opened
from nearhum.errors import ConfigError
from nearhum.kernels.viper_words import MAX_FRAMES, N_CEPSTRA
from nearhum.recognition.utterance import Utterances

WIDTH = const(3)  # frames that the head takes: one, the one before it and the one after it


class InContext(Utterances):
    """Utterances whose cepstra are mapped by a head.

    Allocates its buffers once. Hearing allocates nothing.
    """

    def __init__(self, n_bands, path):
        """Load the head at path. n_bands: as of Utterances.

        Raises ConfigError if the head does not fit words, FormatError if it is damaged.
        """
        Utterances.__init__(self, n_bands)
        head = opened(path, WIDTH * N_CEPSTRA)
        if head.n_out != N_CEPSTRA:
            raise ConfigError(
                "the head makes %d values, but words have %d" % (head.n_out, N_CEPSTRA),
                "use a head that was trained for words",
            )
        self.fingerprint = head.fingerprint
        self._embed_into = head.embed_into
        self._frames = bytearray((MAX_FRAMES + WIDTH - 1) * N_CEPSTRA)
        whole, n = memoryview(self._frames), WIDTH * N_CEPSTRA
        self._rows = [whole[i : i + n] for i in range(0, MAX_FRAMES * N_CEPSTRA, N_CEPSTRA)]

    def _take(self, t):
        if not Utterances._take(self, t):
            return False
        self.embed()
        return True

    @micropython.native
    def embed(self):
        """Replace the n_frames rows of `cepstra` by the head's output. Allocates nothing."""
        frames, cepstra = self._frames, self.cepstra
        rows, embed_into = self._rows, self._embed_into
        n = self.n_frames * N_CEPSTRA
        for i in range(N_CEPSTRA):
            frames[i] = cepstra[i]
            frames[N_CEPSTRA + n + i] = cepstra[n - N_CEPSTRA + i]
        for i in range(n):
            frames[N_CEPSTRA + i] = cepstra[i]
        at = 0
        for i in range(self.n_frames):
            for v in embed_into(rows[i]):
                cepstra[at] = 129 if v == 128 else v  # At least -127, as the kernels expect.
                at += 1
