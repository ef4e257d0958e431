"""Signal files of WFDB packed by the words of signal(5), apart from any reader."""

import numpy as np

# The lowest and highest sample that is a measurement; the value below the lowest stands for none.
RANGES = {
    "8": (-120, 120), "16": (-32767, 32767), "24": (-8388607, 8388607), "32": (-2147483647, 2147483647),
    "61": (-32767, 32767), "80": (-127, 127), "160": (-32767, 32767), "212": (-2047, 2047),
    "310": (-511, 511), "311": (-511, 511),
}  # fmt: skip


def packed(form, samples):
    """Bytes of samples in the order of the file."""
    values = [int(value) for value in samples]
    if form == "8":  # differences, the first one to the header's initial value
        return np.diff(values, prepend=0).astype("i1").tobytes()
    simple = {"16": "<i2", "32": "<i4", "61": ">i2"}
    if form in simple:
        return np.array(values).astype(simple[form]).tobytes()
    if form == "24":
        return b"".join(value.to_bytes(3, "little", signed=True) for value in values)
    if form == "80":
        return bytes(value + 128 for value in values)
    if form == "160":
        return np.array([value + 32768 for value in values]).astype("<u2").tobytes()
    return b"".join(_group(form, values[i : i + _SIZE[form]]) for i in range(0, len(values), _SIZE[form]))


_SIZE = {"212": 2, "310": 3, "311": 3}
_BYTES = {"212": (2, 3), "310": (2, 4, 4), "311": (2, 3, 4)}  # for 1, 2, 3 samples of a group


def _group(form, values):
    """Samples that share bytes, the last ones of a file perhaps fewer."""
    bits = 12 if form == "212" else 10
    a, b, c = ([value % (1 << bits) for value in values] + [0, 0])[:3]
    if form == "212":
        word = a & 0xFF | (a >> 8) << 8 | (b >> 8) << 12 | (b & 0xFF) << 16
    elif form == "310":
        word = a << 1 | (c & 0x1F) << 11 | b << 17 | (c >> 5) << 27
    else:
        word = a | b << 10 | c << 20
    return word.to_bytes(4, "little")[: _BYTES[form][len(values) - 1]]
