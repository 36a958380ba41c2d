"""Context: a head for words, which maps each frame of an utterance with those beside it.

Loaded where one is given.

Enters: an utterance's normalised cepstra, see utterance.py. Leaves: what the head makes of each, in
their place. A head for words is a network as any (head.py), from WIDTH frames to N_CEPSTRA values
in the unit of cepstra, which distances and their limit are used to. What is before the first frame
is like it, what is behind the last like that.
"""

import micropython
from micropython import const
from nearhum.embedding.head import opened
from nearhum.errors import ConfigError
from nearhum.kernels.viper_words import MAX_FRAMES, N_CEPSTRA
from nearhum.recognition.utterance import Utterances

WIDTH = const(3)  # frames


class InContext(Utterances):
    """Hears as Utterances does, and maps. Allocates its buffers once, hearing allocates nothing."""

    def __init__(self, n_bands, path):
        """path: of the head. Raises ConfigError, FormatError."""
        Utterances.__init__(self, n_bands)
        head = opened(path, WIDTH * N_CEPSTRA)
        if head.n_out != N_CEPSTRA:
            raise ConfigError(
                "the head makes %d values and words have %d" % (head.n_out, N_CEPSTRA),
                "train it for words",
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
        """Put what the head makes of the n_frames rows of `cepstra` in their place."""
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
                cepstra[at] = 129 if v == 128 else v  # -127 at least, as cepstra
                at += 1
