"""Annotations of a heart recording as every comparison of them needs them: checked, coded, by AAMI class.

Symbols are those of WFDB annotation files, one character each. Whatever is compared (beats, runs, episodes)
starts here, so malformed annotations have one outcome everywhere: out of order, before the recording, of an
unknown symbol or of unequal lengths they are refused; several at one time are taken in the file's order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from medassay.core.errors import WrongUse

IntArray = NDArray[np.int64]
ByteArray = NDArray[np.uint8]
BoolArray = NDArray[np.bool_]

CLASSES = "NSVFQ"
NO_BEAT = len(CLASSES)  # the place of an annotation that labels no beat

_COMMON = {"N": "NLRB", "S": "aJAS", "V": "VEr", "F": "F", "Q": "/fQ?"}
_NO_BEATS = '~|sT*D"=p^t+u![]@x()'


def _mapping(**more: str) -> Mapping[str, str]:
    return MappingProxyType(
        {symbol: name for name, symbols in _COMMON.items() for symbol in symbols + more.get(name, "")}
    )


# Beat symbols of WFDB annotations to AAMI classes. The two conventions differ in the atrial and nodal escape
# beats: late beats, which WFDB's tools count as supraventricular ectopic and de Chazal et al. (2004), whose
# division of the MIT-BIH records is the usual one, count as normal.
CLASS_MAPS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {"wfdb": _mapping(S="ejn"), "de_chazal": _mapping(N="ejn")}
)


@dataclass(frozen=True)
class Labels:
    """All annotations of one annotator in order of time, as an annotation file holds them.

    `symbols` are WFDB's; `subtypes` tell of noise annotations whether both leads are unreadable; `texts` hold
    the rhythm names of `+` annotations, such as `(AFIB`, and may be left out where no rhythm is compared.
    """

    samples: IntArray
    symbols: Sequence[str]
    subtypes: IntArray
    texts: Sequence[bytes] = ()


def codes(labels: Labels) -> ByteArray:
    """The symbol of each annotation as its ASCII code, after the annotations have been checked.

    Raises
    ------
    WrongUse
        When annotations are not in order of time, begin before the recording, carry an unknown symbol, or
        their columns differ in length.
    """
    length = len(labels.samples)
    joined = "".join(labels.symbols)
    lengths = {length, len(labels.symbols), len(labels.subtypes), len(labels.texts) or length}
    if len(lengths) > 1 or len(joined) != len(labels.symbols):
        raise _refused("columns of unequal length", "one symbol of one character, and one subtype, a sample")
    if length and not np.issubdtype(np.asarray(labels.samples).dtype, np.integer):
        raise _refused("samples that are no whole numbers", "samples counted from the recording's start")
    if length and int(labels.samples[0]) < 0:
        raise _refused("an annotation before the recording", "samples from 0")
    if (labels.samples[1:] < labels.samples[:-1]).any():
        raise _refused("annotations that are not in order of time", "an annotation file sorted by time")
    found = np.frombuffer(joined.encode("ascii", "replace"), np.uint8)
    if not joined.isascii() or not _KNOWN[found].all():
        raise _refused("an annotation of an unknown symbol", "symbols of WFDB annotation files")
    return found


def beat_classes(found: ByteArray, classes: str) -> IntArray:
    """The place in CLASSES of each annotation's beat, NO_BEAT for one that labels none.

    Examples
    --------
    >>> labels = Labels(np.array([0, 5, 9]), "Nj+", np.zeros(3, np.int64))
    >>> beat_classes(codes(labels), "wfdb").tolist(), beat_classes(codes(labels), "de_chazal").tolist()
    ([0, 1, 5], [0, 0, 5])
    """
    if classes not in CLASS_MAPS:
        raise WrongUse(
            found=f"beat classes '{classes}'",
            wanted=f"one of {', '.join(CLASS_MAPS)}",
            remedy="Correct the option.",
        )
    named: IntArray = _TABLES[classes][found]
    return named


def unreadable(labels: Labels, found: ByteArray) -> BoolArray:
    """Noise annotations that say that neither lead is readable: both bits of 0x30 are set in the subtype."""
    noise: BoolArray = (found == ord("~")) & ((np.asarray(labels.subtypes) & 0x30) == 0x30)
    return noise


def within(spans: IntArray, times: IntArray) -> BoolArray:
    """Which times lie in one of the closed spans [first, last], whatever their order and overlap.

    Examples
    --------
    >>> within(np.array([[2, 4], [10, 12]]), np.array([1, 2, 4, 5, 11])).tolist()
    [False, True, True, False, True]
    """
    begun = np.searchsorted(np.sort(spans[:, 0]), times, side="right")
    over = np.searchsorted(np.sort(spans[:, 1]), times, side="left")
    inside: BoolArray = begun > over
    return inside


def in_samples(seconds: float, sampling_hz: float) -> int:
    """Whole samples, a half rounded up, as WFDB's tools round a time."""
    return int(seconds * sampling_hz + 0.5)


def _tables() -> dict[str, IntArray]:
    tables = {}
    for name, mapping in CLASS_MAPS.items():
        tables[name] = np.full(256, NO_BEAT, np.int64)
        for symbol, its_class in mapping.items():
            tables[name][ord(symbol)] = CLASSES.index(its_class)
    return tables


def _refused(found: str, wanted: str) -> WrongUse:
    return WrongUse(found=found, wanted=wanted, remedy="Correct the annotations and write the file again.")


_TABLES = _tables()
_KNOWN = np.zeros(256, np.bool_)
_KNOWN[[ord(symbol) for symbol in (*CLASS_MAPS["wfdb"], *_NO_BEATS)]] = True
