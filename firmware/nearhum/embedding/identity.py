"""Identity: the head of a board without a network, and `load`, which returns a board's head.

Enters: int8 feature vectors. Leaves: the same vectors as embeddings, for the detector and the
recogniser.
"""


class Identity:
    """A head without a network: the embedding is the feature vector itself, not a copy."""

    fingerprint = 0

    def __init__(self, n_features):
        self.n_out = n_features

    def embed_into(self, vector):
        """Return the vector itself. Allocates nothing."""
        return vector


def load(path, n_features):
    """Return the head in the file at path, or an Identity if path is empty.

    n_features: length of the feature vectors. Raises ConfigError if there is no such file or it
    takes another number of features, FormatError if the file is damaged.
    """
    if not path:
        return Identity(n_features)
    from nearhum.embedding.head import opened

    return opened(path, n_features)
