"""Fallback for ulab on stock firmware: arrays in plain Python, with ulab's semantics.

Arrays have one or two dimensions and lie in the memory of an array.array. Slices and rows are views
of that memory. An operation makes a new array of the promoted type. += and -= keep the array and
its type. *= makes a new array, because stock MicroPython asks a class for no other operator in
place. Integers wrap as in ulab. Only what the firmware uses is here, anything else raises.

This is slow: on a board without ulab the fixed path is faster, as `bench` shows. The fallback keeps
the float path and the linear algebra available on every board. Floats have the width of this
MicroPython's own.
"""

from array import array

# ulab uses the type codes of the module array for its types.
uint8, int8, uint16, int16 = ord("B"), ord("b"), ord("H"), ord("h")
# A variable, because the cross-compiler would compute a sum of two constants itself, in doubles.
_one = 1.0
float = ord("d" if _one + 2.0**-40 > _one else "f")

# The type of the result if the operands' types differ. If one of them is float, it is float.
_PROMOTED = {
    (uint8, int8): int16, (uint8, uint16): uint16, (uint8, int16): int16,
    (int8, uint16): int16, (int8, int16): int16, (uint16, int16): float,
}  # fmt: skip


def promoted(a, b):
    """Return the type of the result of an operation on types a and b."""
    return a if a == b else float if float in (a, b) else _PROMOTED.get((a, b)) or _PROMOTED[b, a]


def _wrapped(value, dtype):
    # Wraps an integer into the range of its type.
    bits = 8 if dtype in (uint8, int8) else 16
    value &= (1 << bits) - 1
    return value - (1 << bits) if dtype in (int8, int16) and value >> bits - 1 else value


def _type_of(number, other):
    # The type that ulab gives a number in an operation with an array of type `other`: the smallest
    # that holds it.
    if not isinstance(number, int) or not -32768 <= number <= 65535:
        return float
    if number < 0:
        return int8 if number >= -128 else int16
    if other in (int8, int16):
        return int8 if number < 128 else int16
    return uint8 if number < 256 else uint16


class ndarray:
    """Numbers of type dtype in an array or buffer, densely packed from index `start` on.

    shape: (n,) or (rows, columns).
    """

    def __init__(self, memory, dtype, start, shape):
        self._memory = memory
        self._dtype = dtype
        self._start = start
        self.shape = shape
        # numbers from one item of the first dimension to the next
        self._step = shape[1] if len(shape) > 1 else 1
        self.size = shape[0] * self._step

    def __len__(self):
        return self.shape[0]

    def __iter__(self):
        for i in range(self.shape[0]):
            yield self[i]

    def _numbers(self):
        # all numbers as a list, row by row
        return list(self._memory[self._start : self._start + self.size])

    def reshape(self, shape):
        """Return a view of the same numbers in another shape. Raises ValueError if sizes differ."""
        view = ndarray(self._memory, self._dtype, self._start, shape)
        if view.size != self.size:
            raise ValueError("cannot reshape array")
        return view

    def _part(self, i):
        # Returns (start, shape) of the part that index i names; shape is () for one number.
        if isinstance(i, tuple):
            # Only an index within one row, because a column is not dense in memory.
            if len(i) != 2 or len(self.shape) < 2 or isinstance(i[0], slice):
                raise NotImplementedError("only a row's number before the comma")
            return self[i[0]]._part(i[1])
        n = self.shape[0]
        if isinstance(i, slice):
            if i.step is not None and i.step != 1:
                raise NotImplementedError("only slices of step 1")
            low = 0 if i.start is None else max(0, i.start + n if i.start < 0 else min(i.start, n))
            high = n if i.stop is None else max(0, i.stop + n if i.stop < 0 else min(i.stop, n))
            return self._start + low * self._step, (max(0, high - low),) + self.shape[1:]
        if not -n <= i < n:
            raise IndexError("index is out of bounds")
        return self._start + (i + n if i < 0 else i) * self._step, self.shape[1:]

    def __getitem__(self, i):
        start, shape = self._part(i)
        return ndarray(self._memory, self._dtype, start, shape) if shape else self._memory[start]

    def __setitem__(self, i, value):
        start, shape = self._part(i)
        ndarray(self._memory, self._dtype, start, shape or (1,))._take(
            _spread(value, shape or (1,))
        )

    def _take(self, values):
        # Values outside the range of an integer type wrap, as in ulab.
        at = self._start
        for v in values:
            self._memory[at] = v if self._dtype == float else _wrapped(v, self._dtype)
            at += 1
        return self

    def _combined(self, other, act, differs=False):
        # differs: True for subtraction, whose operands may not be swapped. There ulab keeps uint16
        # for uint16 - int8.
        kind = other._dtype if isinstance(other, ndarray) else _type_of(other, self._dtype)
        dtype = promoted(self._dtype, kind)
        if differs and self._dtype == uint16 and kind == int8:
            dtype = uint16
        values = [act(a, b) for a, b in zip(self._numbers(), _spread(other, self.shape))]
        return zeros(self.shape, dtype=dtype)._take(values)

    def _changed(self, other, act):
        floats = (
            other._dtype == float
            if isinstance(other, ndarray)
            else _type_of(other, self._dtype) == float
        )
        if floats and self._dtype != float:
            raise TypeError("cannot cast output with casting rule")
        return self._take([act(a, b) for a, b in zip(self._numbers(), _spread(other, self.shape))])

    def __add__(self, other):
        return self._combined(other, lambda a, b: a + b)

    def __sub__(self, other):
        return self._combined(other, lambda a, b: a - b, True)

    def __mul__(self, other):
        return self._combined(other, lambda a, b: a * b)

    def __iadd__(self, other):
        return self._changed(other, lambda a, b: a + b)

    def __isub__(self, other):
        return self._changed(other, lambda a, b: a - b)


def _spread(value, shape):
    # Returns the second operand of an operation on an array of that shape as a list. The operand is
    # an array of the same shape, or one number for all places.
    size = shape[0] * (shape[1] if len(shape) > 1 else 1)
    if not isinstance(value, ndarray):
        return [value] * size
    if value.size == 1:
        return value._numbers() * size
    if value.shape != shape:
        raise ValueError("operands could not be broadcast together")
    return value._numbers()


def zeros(shape, dtype=float):
    """Return a new array of zeros. shape: an int, or a tuple of one or two ints."""
    shape = shape if isinstance(shape, tuple) else (shape,)
    n = shape[0] * (shape[1] if len(shape) > 1 else 1)
    return ndarray(array(chr(dtype), [0] * n), dtype, 0, shape)


def frombuffer(buffer, dtype=float):
    """Return an array over the memory of a buffer. Copies nothing.

    The items of the buffer must have type dtype. ulab itself takes items of any type.
    """
    memory = memoryview(buffer)
    return ndarray(memory, dtype, 0, (len(memory),))


def sum(x):
    """Return the sum of an array: an exact int for integers, a float for floats."""
    total = 0 if x._dtype != float else 0.0
    for v in x._numbers():
        total += v
    return total
