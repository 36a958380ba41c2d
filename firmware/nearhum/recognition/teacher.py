"""Teacher: smooths labels over several windows, and finds near misses to learn from.

A single odd window among several is treated as an error, and a near miss before a hit as a hit.
Enters: embeddings. Leaves: the id of the label to announce. The pipeline calls it in place of the
recogniser, if labels are enrolled and a setting or a veto needs it.

A label is announced while label_m of the last label_n windows have it. If two labels do, the one
with more windows wins, or with equal numbers the one that came last. A vetoed label counts as
unknown. near.py looks for near misses. A recogniser of utterances (it has no nearest_id) already
joins many windows, so there the teacher only applies the vetoes.
"""


class Teacher:
    """Stands between recogniser and journal. A window allocates nothing."""

    def __init__(self, recogniser, m, n, near=None):
        """m, n: the settings label_m and label_n. near: a Near if near misses teach, else None."""
        self._recogniser = recogniser
        if not hasattr(recogniser, "nearest_id"):
            n, near = 1, None
        self._n = m << 8 | n
        self._most = None
        if n > 1:
            from nearhum.kernels.viper_most import most

            self._most = most
        self.near = near
        self._ring = bytearray(n)  # label ids of the last n windows, newest first
        self._counts = bytearray(256)  # how often each id is in the ring
        self._banned = bytearray(256)  # 1 for each id that is neither announced nor learned
        self._known = None  # (ids, banned ids) of the last call of `hear`

    def hear(self, ids, banned):
        """Take up a change of labels or vetoes. ids: of all labels. banned: of the vetoed ones."""
        known = bytes(ids), bytes(banned)
        if known != self._known:
            self._known = known
            for i in range(256):
                self._banned[i] = i in banned
            self.restart()

    def restart(self):
        """Forget the last windows, after a gap: the next window does not follow them."""
        for some in (self._ring, self._counts):
            for i in range(len(some)):
                some[i] = 0
        if self.near:
            self.near.restart()

    def predict_one(self, embedding):
        """Return the id of the label to announce for this window, 0 for unknown.

        embedding: int8 (n_dims,). Allocates nothing.
        """
        # This is bytecode, because native code would be twice as long. Its frame has at most 11
        # words, so MicroPython keeps it on the C stack and not on the heap.
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
    """Return a teacher that knows the recogniser's labels and which of them are vetoed.

    teacher: the present one, or None to make a new one. config: complete settings. vetoed: names.
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
