"""Near duplicates: one recording or image under two ids, though re-encoded, cropped or resampled.

Images go through two sieves. (1) Perceptual hashes (`imagehash.phash`) of the whole of one, turned and mirrored,
against those of windows of the other: a crop is near one of the windows. (2) Of pairs that pass, the smaller
content is moved over the larger at several scales; the best correlation of the two, with slow shades taken
out, decides.

Recordings are compared by their landmarks, as in Wang, An industrial-strength audio search algorithm (ISMIR
2003): the shift in time under which most landmarks meet, and then the share that does, decide.

Recall and false alarms on planted copies: docs/leakage.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from medassay.core.findings import Finding, Reason, Severity
from medassay.datasets.sketch import Sketch

UInt8Array = NDArray[np.uint8]
FloatArray = NDArray[np.float64]

SCALES = (1.0, 0.92, 0.84, 0.76, 0.68)
HASH_BITS_APART = 14  # of 64: what passes the first sieve
LEAST_CORRELATION = 0.84
MOST_PLACES = 3  # of turn and window, that are looked at closely
SCALE_STEPS = (0.92, 0.94, 0.96, 0.98, 1.0, 1.02, 1.04)
SMALLEST_SIDE = 12  # pixels of a moved picture

MEET = 8  # hundredths of the spacing: landmarks this near to each other are the same
LEAST_SHARE = 0.6  # of the landmarks of the overlap
LEAST_MET = 12


@dataclass(frozen=True)
class Pair:
    """Two samples of near-equal content, the smaller id first, and how alike they are (0 to 1)."""

    first: str
    second: str
    likeness: float


def pairs(sketches: Mapping[str, Sketch]) -> list[Pair]:
    """Every pair of near duplicates, sorted.

    Time grows with the square of the number of samples: docs/leakage.md tells how long it takes.
    """
    images = {s: one.content.astype(np.uint8) for s, one in sketches.items() if one.form == "image"}
    signals = {s: one.content.astype(np.int64) for s, one in sketches.items() if one.form == "signal"}
    found = [*_image_pairs(images), *_signal_pairs(signals)]
    return sorted(found, key=lambda pair: (pair.first, pair.second))


def likeness_of_images(one: UInt8Array, other: UInt8Array) -> float:
    """Best correlation of one picture with a part of the other, over turns, mirrorings and scales; 0: no hint."""
    return _likeness(_hashed(one), _hashed(other))


def likeness_of_signals(one: NDArray[np.int64], other: NDArray[np.int64]) -> float:
    """Share of the landmarks in the overlap that meet, under the best shift in time."""
    return max((_share(one, other, shift) for shift in _shifts(one, other)), default=0.0)


def groups(found: Iterable[Pair], subjects: Mapping[str, str]) -> dict[str, str]:
    """Subject to the group that it may not be parted from: the smallest subject id among those it is tied to."""
    parent = {subject: subject for subject in subjects.values()}

    def root(subject: str) -> str:
        while parent[subject] != subject:
            subject = parent[subject]
        return subject

    for pair in found:
        low, high = sorted((root(subjects[pair.first]), root(subjects[pair.second])))
        parent[high] = low
    return {subject: root(subject) for subject in parent}


@dataclass(frozen=True)
class _Hashed:
    """A picture with the hashes of its eight positions and of its windows."""

    picture: UInt8Array
    turns: UInt8Array
    windows: UInt8Array


def _hashed(picture: UInt8Array) -> _Hashed:
    return _Hashed(picture, _hashes(_turns(picture)), _hashes(part for part, _ in _windows(picture)))


def _image_pairs(images: Mapping[str, UInt8Array]) -> Iterator[Pair]:
    names = sorted(images)
    hashed = [_hashed(images[name]) for name in names]
    for low, name in enumerate(names):
        for high in range(low + 1, len(names)):
            likeness = _likeness(hashed[low], hashed[high])
            if likeness >= LEAST_CORRELATION:
                yield Pair(name, names[high], round(likeness, 3))


def _likeness(one: _Hashed, other: _Hashed) -> float:
    return max(_as_part(one, other), _as_part(other, one))


def _as_part(part: _Hashed, whole: _Hashed) -> float:
    """How well a picture fits over the other, tried at the few places that the hashes speak for."""
    apart = np.bitwise_count(part.turns[:, None, :] ^ whole.windows[None, :, :]).sum(axis=2)
    if apart.min() > HASH_BITS_APART:
        return 0.0
    turns, windows = _turns(part.picture), _windows(whole.picture)
    below = _without_shade(whole.picture)
    best = 0.0
    for place in np.argsort(apart, axis=None, kind="stable")[:MOST_PLACES]:
        turn, window = np.unravel_index(place, apart.shape)
        if apart[turn, window] <= HASH_BITS_APART:
            best = max(best, _placed(turns[turn], below, windows[window][1]))
    return best


def _turns(picture: UInt8Array) -> list[UInt8Array]:
    """The picture in its eight positions."""
    return [
        np.ascontiguousarray(np.rot90(side, quarter))
        for side in (picture, np.fliplr(picture))
        for quarter in range(4)
    ]


def _windows(picture: UInt8Array) -> list[tuple[UInt8Array, tuple[int, int]]]:
    """Parts of the picture at several scales with their sizes: any crop of a third or less is near one of them."""
    found = []
    rows, columns = picture.shape
    for scale in SCALES:
        high, wide = round(rows * scale), round(columns * scale)
        tops = {0, (rows - high) // 2, rows - high}
        lefts = {0, (columns - wide) // 2, columns - wide}
        found += [
            (picture[top : top + high, left : left + wide], (high, wide))
            for top, left in product(sorted(tops), sorted(lefts))
        ]
    return found


def _hashes(pictures: Iterable[UInt8Array]) -> UInt8Array:
    import imagehash
    from PIL import Image

    bits = [imagehash.phash(Image.fromarray(picture)).hash.ravel() for picture in pictures]
    packed: UInt8Array = np.packbits(np.array(bits), axis=1)
    return packed


def _placed(part: UInt8Array, below: NDArray[np.float32], window: tuple[int, int]) -> float:
    """Best correlation of the part, scaled to about the window and moved, with what lies under it."""
    import cv2

    fit = float(np.sqrt(window[0] * window[1] / part.size))
    best = 0.0
    for step in SCALE_STEPS:
        size = (round(part.shape[1] * fit * step), round(part.shape[0] * fit * step))
        if min(size) < SMALLEST_SIDE or size[0] > below.shape[1] or size[1] > below.shape[0]:
            continue
        moved = _without_shade(cv2.resize(part, size, interpolation=cv2.INTER_AREA))
        if moved.std() > 0:
            found = float(cv2.matchTemplate(below, moved, cv2.TM_CCOEFF_NORMED).max())
            best = max(best, found if np.isfinite(found) else 0.0)
    return best


def _without_shade(picture: UInt8Array) -> NDArray[np.float32]:
    import cv2

    sharp = picture.astype(np.float32)
    without: NDArray[np.float32] = sharp - cv2.GaussianBlur(sharp, (0, 0), 6)
    return without


def findings(found: Iterable[Pair], severity: Severity) -> list[Finding]:
    """One finding a pair of samples under two subjects: a copy, or one person under two ids."""
    return [
        Finding(
            reason=Reason.SAME_SUBJECT,
            severity=severity,
            found=f"content like that of sample {pair.second} under another subject (likeness {pair.likeness:g})",
            wanted="near-equal content under one subject only",
            remedy="Find out at the source whether both are one person: then name the two ids in `same_person`. "
            + (
                "No version was made."
                if severity is Severity.REFUSE
                else "Until then both are held in one part of the split."
            ),
            sample=pair.first,
        )
        for pair in found
    ]


def _signal_pairs(signals: Mapping[str, NDArray[np.int64]]) -> Iterator[Pair]:
    names = sorted(signals)
    for low, name in enumerate(names):
        for other in names[low + 1 :]:
            likeness = likeness_of_signals(signals[name], signals[other])
            if likeness >= LEAST_SHARE:
                yield Pair(name, other, round(likeness, 3))


def _shifts(one: NDArray[np.int64], other: NDArray[np.int64]) -> list[int]:
    """The shifts in time under which far more landmarks meet than would by chance.

    Counted for every shift at once, as the correlation of two trains of landmarks; chance is the overlap times
    how dense landmarks lie.
    """
    from scipy import fft

    mine, theirs = _train(one), _train(other)
    wide = np.convolve(theirs, np.ones(3, np.float32), "same").clip(max=1)
    size = fft.next_fast_len(len(mine) + len(wide), real=True)
    ahead = np.arange(size) - np.where(np.arange(size) >= len(wide), size, 0)
    met = fft.irfft(fft.rfft(wide, size) * np.conj(fft.rfft(mine, size)), size)
    overlap = np.minimum(len(wide), len(mine) + ahead) - np.maximum(0, ahead)
    chance = np.clip(overlap, 0, None) * mine.mean() * wide.mean()
    surplus = (met - chance) / np.sqrt(chance + 1)
    return [int(ahead[place]) * MEET for place in np.argsort(-surplus, kind="stable")[:MOST_PLACES]]


def _train(times: NDArray[np.int64]) -> NDArray[np.float32]:
    """Ones where landmarks lie, a bin as wide as two landmarks may lie apart and be the same."""
    train = np.zeros(int(times[-1]) // MEET + 1, np.float32)
    train[times // MEET] = 1
    return train


def _share(one: NDArray[np.int64], other: NDArray[np.int64], shift: int) -> float:
    moved = one + shift
    low, high = max(moved[0], other[0]) - MEET, min(moved[-1], other[-1]) + MEET
    mine, theirs = moved[(moved >= low) & (moved <= high)], other[(other >= low) & (other <= high)]
    most = max(len(mine), len(theirs))
    if min(len(mine), len(theirs)) < LEAST_MET:
        return 0.0
    after = np.clip(np.searchsorted(theirs, mine), 1, len(theirs) - 1)
    apart = np.where(
        np.abs(theirs[after] - mine) < np.abs(theirs[after - 1] - mine),
        theirs[after] - mine,
        theirs[after - 1] - mine,
    )
    # The shift is known to a bin; what is left of it is the same for all landmarks that are the same.
    rest = np.median(apart[np.abs(apart) <= 2 * MEET]) if (np.abs(apart) <= 2 * MEET).any() else 0
    met = int((np.abs(apart - rest) <= MEET).sum())
    return met / most if met >= LEAST_MET else 0.0
