"""Time as a teacher, for labels: one odd window among several is an error; a near miss before a
hit was a hit.

Enters: embeddings, in the recogniser's place. Leaves: the label to announce. It stands in the
recogniser's place only where labels are enrolled and a setting or a veto asks for it.

A label is announced while label_m of the last label_n windows had it; of two such labels the one
with more windows, of two with as many the one that came last. A vetoed label is unknown. What may
be learned of near misses is near.py's. A recogniser of more than single windows (it has no
nearest_id) has its own ways in time: of it, only vetoes are minded.
"""


class Teacher:
    """Between recogniser and journal. Allocates nothing for a window."""

    def __init__(self, recogniser, m, n, near=None):
        """m, n: of the settings. near: a Near, where near misses teach."""
        self._recogniser = recogniser
        if not hasattr(recogniser, "nearest_id"):
            n, near = 1, None
        self._n = m << 8 | n
        self._most = None
        if n > 1:
            from nearhum.kernels.viper_most import most

            self._most = most
        self.near = near
        self._ring = bytearray(n)  # labels of the last n windows, the youngest first
        self._counts = bytearray(256)  # of each label in it
        self._banned = bytearray(256)  # 1: of that id nothing is announced and nothing learned
        self._known = None

    def hear(self, ids, banned):
        """Take up a change: the ids of all labels, and those to announce nothing of."""
        known = bytes(ids), bytes(banned)
        if known != self._known:
            self._known = known
            for i in range(256):
                self._banned[i] = i in banned
            self.restart()

    def restart(self):
        """Forget the last windows: the next does not follow them."""
        for some in (self._ring, self._counts):
            for i in range(len(some)):
                some[i] = 0
        if self.near:
            self.near.restart()

    def predict_one(self, embedding):
        """Return the id of the label to announce for this window, 0 for unknown."""
        # bytecode whose frame, 11 words at most, is not on the heap: native code would be twice as
        # long
        heard = self._recogniser.predict_one(embedding)
        if self._banned[heard]:
            heard = 0
        told = heard
        if self._most:
            told = self._most(self._ring, self._counts, heard, self._n)
        if self.near:
            self.near.hear_one(embedding, heard, told, self._banned)
        return told


def listening(teacher, recogniser, config, vetoed):
    """Return a teacher that knows the recogniser's labels, and which of them are vetoed.

    teacher: the one so far, or None: a new one is made.
    """
    r = recogniser
    if not teacher:
        near = None
        if config["teach"] != "off":
            from nearhum.recognition.near import Near

            near = Near(r, config)
        teacher = Teacher(r, config["label_m"], config["label_n"], near)
    teacher.hear(r.ids, [r.ids[j] for j in range(len(r.ids)) if r.labels[j] in vetoed])
    return teacher
