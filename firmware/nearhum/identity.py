"""Identity: the head of a board without one, the embedding is the feature vector; and how to load one that it has."""

from nearhum.errors import ConfigError

_MOST = 1 << 17  # bytes of layers that are read: more than any board has heap for


class Identity:
    """No network: the embedding is the feature vector itself, without a copy."""

    fingerprint = 0

    def __init__(self, n_features):
        self.n_out = n_features

    def embed_into(self, vector):
        """Return the vector."""
        return vector


def load(path, n_features):
    """Return the head of the file at path, or the identity for an empty path. Raises ConfigError, FormatError.

    A model card lies behind the network: it is not read. Envelope: see wire.
    """
    if not path:
        return Identity(n_features)
    from nearhum.head import Network

    try:
        with open(path, "rb") as f:
            n = int.from_bytes(f.read(16)[12:], "little")
            f.seek(0)
            image = f.read(min(n, _MOST) + 20)
    except OSError:
        raise ConfigError("head = %r: no such file on the board" % path, "copy it there, or set head to nothing")
    return Network(image, n_features)
