"""WFDB annotation files (MIT format): 16-bit words, the upper six bits a code, the lower ten a time step.

Reader and writer side by side; the table of codes is that of WFDB's `ecgcodes.h`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medassay.core.errors import WrongUse

IntArray = NDArray[np.int64]

FEWEST = 16  # bytes of annotations that are no chance: eight words of known codes, in order

NO_MARK = (
    " "  # code 0 with a time step: a place in time without a mark, as wfdb-python writes after its clock
)
SYMBOLS = {
    1: "N", 2: "L", 3: "R", 4: "a", 5: "V", 6: "F", 7: "J", 8: "A", 9: "S", 10: "E", 11: "j", 12: "/",
    13: "Q", 14: "~", 16: "|", 18: "s", 19: "T", 20: "*", 21: "D", 22: '"', 23: "=", 24: "p", 25: "B",
    26: "^", 27: "t", 28: "+", 29: "u", 30: "?", 31: "!", 32: "[", 33: "]", 34: "e", 35: "n", 36: "@",
    37: "x", 38: "f", 39: "(", 40: ")", 41: "r",
}  # fmt: skip
CODES = {symbol: code for code, symbol in SYMBOLS.items()}

_SKIP, _NUM, _SUB, _CHN, _AUX = 59, 60, 61, 62, 63
_LONGEST_STEP = 1023
_LONGEST_JUMP = (1 << 31) - 1
_RESOLUTION = b"## time resolution: "  # how a file states its own clock, in a note at time 0


@dataclass(frozen=True)
class Annotations:
    """All annotations of one file, in its order. `aux` is free text as stored: it may identify."""

    samples: IntArray
    symbols: tuple[str, ...]
    subtypes: IntArray
    channels: IntArray
    numbers: IntArray
    aux: tuple[bytes, ...]
    clock_hz: float | None = None  # stated by the file itself; None: the recording's

    def __len__(self) -> int:
        return len(self.symbols)


def plain_annotations(samples: Sequence[int] | IntArray, symbols: Sequence[str]) -> Annotations:
    """Annotations with nothing but times and symbols."""
    zeros = np.zeros(len(symbols), np.int64)
    return Annotations(
        np.asarray(samples, np.int64), tuple(symbols), zeros, zeros, zeros, (b"",) * len(symbols)
    )


def recognises(content: bytes, *, of_a_record: bool = False) -> bool:
    """Whether a whole file can be annotations: they have no mark, but an order in time and an end.

    At least one annotation, none before time 0 or before another, and nothing behind the end mark but zeros. A few
    bytes meet that by chance: where no record stands beside them, the end mark has to be the last word of the file,
    as WFDB writes it, and at least `FEWEST` bytes stand before it.

    Parameters
    ----------
    of_a_record : bool
        Whether the file bears the name of a record beside it.

    Examples
    --------
    >>> told = write_annotations(plain_annotations([10, 20], ["N", "V"]))
    >>> recognises(told), recognises(told, of_a_record=True)
    (False, True)
    """
    try:
        rows, end = _rows(content)
    except WrongUse:
        return False
    times = [row[0] for row in rows]
    if not times or times[0] < 0 or times != sorted(times):
        return False
    return not content[end:].strip(b"\x00") if of_a_record else end == len(content) > FEWEST + 2


def read_annotations(content: bytes) -> Annotations:
    """Decode an annotation file.

    Raises
    ------
    WrongUse
        When the bytes end inside an annotation, hold an unknown code, or have no end mark.
    """
    rows, _ = _rows(content)
    return _clocked(rows)


def _rows(content: bytes) -> tuple[list[tuple[int, str, int, int, int, bytes]], int]:
    """Annotations as stored, and the byte behind their end mark."""
    if len(content) % 2:
        raise _broken("an odd number of bytes")
    words = np.frombuffer(content, "<u2")
    rows: list[tuple[int, str, int, int, int, bytes]] = []
    time = subtype = channel = number = 0
    place = 0
    while True:
        if place >= len(words):
            raise _broken("no end mark")
        code, step = int(words[place]) >> 10, int(words[place]) & 0x3FF
        place += 1
        if code == 0 and step == 0:
            break
        if code == _SKIP:
            if place + 2 > len(words):
                raise _broken("an end inside an annotation")
            jump = (int(words[place]) << 16) | int(words[place + 1])
            time += jump - (1 << 32) if jump >= 1 << 31 else jump
            place += 2
        elif code in SYMBOLS or code == 0:
            time += step
            rows.append((time, SYMBOLS.get(code, NO_MARK), 0, channel, number, b""))
        elif code in (_NUM, _SUB, _CHN, _AUX):
            if not rows:
                raise _broken("an attribute before the first annotation")
            at, symbol, subtype, channel, number, aux = rows[-1]
            if code == _AUX:
                aux = content[2 * place : 2 * place + step]
                place += (step + 1) // 2
                if len(aux) < step or place > len(words):
                    raise _broken("an end inside a text")
            elif code == _SUB:
                subtype = _signed(step)
            elif code == _CHN:
                channel = step & 0xFF
            else:
                number = _signed(step)
            rows[-1] = (at, symbol, subtype, channel, number, aux)
        else:
            raise _broken(f"code {code}")
    return rows, 2 * place


def write_annotations(found: Annotations) -> bytes:
    """Encode; the inverse of `read_annotations`, without the file's own clock.

    Raises
    ------
    WrongUse
        When annotations are not in order of time or a symbol has no code.
    """
    out = bytearray()
    time = channel = number = 0
    for index, symbol in enumerate(found.symbols):
        at = int(found.samples[index])
        if symbol not in CODES or at < time:
            raise WrongUse(
                found="an annotation before the one it follows" if symbol in CODES else "an unknown symbol",
                wanted="WFDB symbols in order of time",
                remedy="Sort the annotations and map their symbols first.",
            )
        step = at - time
        while step > _LONGEST_STEP:
            jump = min(step, _LONGEST_JUMP)
            out += (
                _word(_SKIP, 0) + (jump >> 16).to_bytes(2, "little") + (jump & 0xFFFF).to_bytes(2, "little")
            )
            step -= jump
        out += _word(CODES[symbol], step)
        time = at
        if found.subtypes[index]:
            out += _word(_SUB, int(found.subtypes[index]))
        if int(found.channels[index]) != channel:
            channel = int(found.channels[index])
            out += _word(_CHN, channel)
        if int(found.numbers[index]) != number:
            number = int(found.numbers[index])
            out += _word(_NUM, number)
        text = found.aux[index]
        if text:
            out += _word(_AUX, len(text)) + text + b"\0" * (len(text) % 2)
    return bytes(out + b"\0\0")


def _clocked(rows: list[tuple[int, str, int, int, int, bytes]]) -> Annotations:
    clock = None
    if rows and rows[0][0] == 0 and rows[0][1] == '"' and rows[0][5].startswith(_RESOLUTION):
        clock = _positive(rows[0][5][len(_RESOLUTION) :])
        rows = rows[1:]
    marks = [row for row in rows if row[1] != NO_MARK]
    samples, symbols, subtypes, channels, numbers, aux = zip(*marks, strict=True) if marks else ((),) * 6
    return Annotations(
        np.array(samples, np.int64),
        tuple(symbols),
        np.array(subtypes, np.int64),
        np.array(channels, np.int64),
        np.array(numbers, np.int64),
        tuple(aux),
        clock,
    )


def _positive(text: bytes) -> float:
    try:
        value = float(text.strip(b" \0"))
    except ValueError as error:
        raise _broken("a time resolution that is no number") from error
    if not 0 < value < 1e6:
        raise _broken("a time resolution out of range")
    return value


def _signed(step: int) -> int:
    low = step & 0xFF
    return low - 256 if low > 127 else low


def _word(code: int, step: int) -> bytes:
    return ((code << 10) | (step & (0x3FF if code in SYMBOLS or code == _AUX else 0xFF))).to_bytes(
        2, "little"
    )


def _broken(found: str) -> WrongUse:
    return WrongUse(
        found=f"an annotation file with {found}",
        wanted="a whole WFDB annotation file in MIT format",
        remedy="Write the file again, for example with WFDB's wrann.",
    )
