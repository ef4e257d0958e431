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

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product

import numpy as np
from numpy.typing import NDArray

from medassay.core.findings import Finding, Reason, Severity
from medassay.datasets.sketch import Sketch

UInt8Array = NDArray[np.uint8]
UInt64Array = NDArray[np.uint64]

SCALES = (1.0, 0.92, 0.84, 0.76, 0.68)
HASH_BITS_APART = 14  # of 64: what passes the first sieve
LEAST_CORRELATION = 0.84
MOST_PLACES = 3  # of turn and window, that are looked at closely
SCALE_STEPS = (0.92, 0.94, 0.96, 0.98, 1.0, 1.02, 1.04)
SMALLEST_SIDE = 12  # pixels of a moved picture
LEAST_HINT = 0.35  # of a correlation at a scale a fiftieth off, that a likeness has beside it
MOST_SCALED = 64  # sizes of one picture that are remembered: a megabyte

MEET = 8  # hundredths of the spacing: landmarks this near to each other are the same
LEAST_SHARE = 0.6  # of the landmarks of the overlap
LEAST_MET = 12
BLOCK = 64  # recordings whose spectra are in memory at once


@dataclass(frozen=True)
class Pair:
    """Two samples of near-equal content, the smaller id first, and how alike they are (0 to 1)."""

    first: str
    second: str
    likeness: float


def pairs(sketches: Mapping[str, Sketch]) -> list[Pair]:
    """Every pair of near duplicates, sorted.

    Hashes of all pictures are compared at once and only pairs that look alike are looked at closely, so that what
    grows with the square of the samples is a bit count; of recordings each pair costs one inverse transform.
    docs/leakage.md tells how long it takes.
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
    """A picture with the hashes of its eight positions and of its windows, and what a close look needs of it."""

    turns: UInt64Array  # one a position
    windows: UInt64Array  # one a window
    turned: tuple[UInt8Array, ...]
    sizes: tuple[tuple[int, int], ...]  # of the windows
    below: NDArray[np.float32]  # without shades
    scaled: dict[tuple[int, int, int], NDArray[np.float32] | None] = field(default_factory=dict)

    def as_part(self, turn: int, size: tuple[int, int]) -> NDArray[np.float32] | None:
        """A position of the picture at another size, without shades; None where nothing is left of it."""
        key = (turn, *size)
        if key not in self.scaled:
            if len(self.scaled) >= MOST_SCALED:
                self.scaled.clear()
            self.scaled[key] = _resized(self.turned[turn], size)
        return self.scaled[key]


def _hashed(picture: UInt8Array) -> _Hashed:
    turned, windows = tuple(_turns(picture)), _windows(picture)
    return _Hashed(
        turns=_hashes(turned),
        windows=_hashes(part for part, _ in windows),
        turned=turned,
        sizes=tuple(size for _, size in windows),
        below=_without_shade(picture),
    )


def _image_pairs(images: Mapping[str, UInt8Array]) -> Iterator[Pair]:
    names = sorted(images)
    hashed = [_hashed(images[name]) for name in names]
    for low, high in _alike(hashed):
        likeness = _likeness(hashed[low], hashed[high])
        if likeness >= LEAST_CORRELATION:
            yield Pair(names[low], names[high], round(likeness, 3))


def _alike(hashed: Sequence[_Hashed]) -> Iterator[tuple[int, int]]:
    """Pairs that pass the first sieve in either direction, in order; hashes of many pictures are compared at once."""
    if len(hashed) < 2:
        return
    windows = np.concatenate([one.windows for one in hashed])
    first = np.cumsum([0, *(len(one.windows) for one in hashed)])[:-1]
    near = np.zeros((len(hashed), len(hashed)), bool)
    for row, one in enumerate(hashed):
        apart = np.full(len(windows), 64, np.uint8)
        for turn in one.turns:
            np.minimum(apart, np.bitwise_count(windows ^ turn), out=apart)
        near[row] = np.minimum.reduceat(apart, first) <= HASH_BITS_APART
    near |= near.T
    for low in range(len(hashed)):
        yield from ((low, int(high)) for high in np.flatnonzero(near[low, low + 1 :]) + low + 1)


def _likeness(one: _Hashed, other: _Hashed) -> float:
    return max(_as_part(one, other), _as_part(other, one))


def _as_part(part: _Hashed, whole: _Hashed) -> float:
    """How well a picture fits over the other, tried at the few places that the hashes speak for."""
    apart = np.bitwise_count(part.turns[:, None] ^ whole.windows[None, :])
    if apart.min() > HASH_BITS_APART:
        return 0.0
    best = 0.0
    for place in np.argsort(apart, axis=None, kind="stable")[:MOST_PLACES]:
        turn, window = np.unravel_index(place, apart.shape)
        if apart[turn, window] <= HASH_BITS_APART:
            best = max(best, _placed(part, int(turn), whole, whole.sizes[window]))
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


def _hashes(pictures: Iterable[UInt8Array]) -> UInt64Array:
    import imagehash
    from PIL import Image

    bits = [imagehash.phash(Image.fromarray(picture)).hash.ravel() for picture in pictures]
    packed: UInt64Array = np.packbits(np.array(bits), axis=1).view(np.uint64)[:, 0]
    return packed


def _placed(part: _Hashed, turn: int, whole: _Hashed, window: tuple[int, int]) -> float:
    """Best correlation of the part, scaled to about the window and moved, with what lies under it.

    Every other scale comes first: where none of them shows a likeness, the scales between show none either.
    """
    high, wide = part.turned[turn].shape
    fit = float(np.sqrt(window[0] * window[1] / (high * wide)))

    def best_of(steps: Sequence[float]) -> float:
        sizes = ((round(wide * fit * step), round(high * fit * step)) for step in steps)
        return max((_correlation(part, turn, whole, size) for size in sizes), default=0.0)

    best = best_of(SCALE_STEPS[::2])
    return max(best, best_of(SCALE_STEPS[1::2])) if best >= LEAST_HINT else best


def _correlation(part: _Hashed, turn: int, whole: _Hashed, size: tuple[int, int]) -> float:
    """Best correlation of the part at one size (columns, rows), over the places where it fits."""
    import cv2

    if min(size) < SMALLEST_SIDE or size[0] > whole.below.shape[1] or size[1] > whole.below.shape[0]:
        return 0.0
    moved = part.as_part(turn, size)
    if moved is None:
        return 0.0
    found = float(cv2.matchTemplate(whole.below, moved, cv2.TM_CCOEFF_NORMED).max())
    return max(found, 0.0) if np.isfinite(found) else 0.0


def _resized(picture: UInt8Array, size: tuple[int, int]) -> NDArray[np.float32] | None:
    import cv2

    moved = _without_shade(cv2.resize(picture, size, interpolation=cv2.INTER_AREA))
    return moved if moved.std() > 0 else None


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
    trains = [_Train.of(signals[name]) for name in names]
    size = _size(trains)
    for block in range(0, len(names), BLOCK):  # spectra of some recordings at a time stay in memory
        low = [(at, trains[at].spectra(size)) for at in range(block, min(block + BLOCK, len(names)))]
        for high in range(block + 1, len(names)):
            spectra = trains[high].spectra(size)
            for at, own in low:
                if at < high:
                    shifts = _meeting(trains[at], own[0], trains[high], spectra[1], size)
                    one, other = signals[names[at]], signals[names[high]]
                    likeness = max((_share(one, other, shift) for shift in shifts), default=0.0)
                    if likeness >= LEAST_SHARE:
                        yield Pair(names[at], names[high], round(likeness, 3))


@dataclass(frozen=True)
class _Train:
    """Ones where landmarks lie, and the same widened by a bin to each side."""

    narrow: NDArray[np.float32]
    wide: NDArray[np.float32]

    @classmethod
    def of(cls, times: NDArray[np.int64]) -> _Train:
        narrow = _train(times)
        return cls(narrow, np.convolve(narrow, np.ones(3, np.float32), "same").clip(max=1))

    def spectra(self, size: int) -> tuple[NDArray[np.complex64], NDArray[np.complex64]]:
        from scipy import fft

        return np.conj(fft.rfft(self.narrow, size)), fft.rfft(self.wide, size)


def _size(trains: Sequence[_Train]) -> int:
    """A length of transform that holds any two of the trains side by side."""
    from scipy import fft

    longest = max((len(one.narrow) for one in trains), default=1)
    return int(fft.next_fast_len(2 * longest, real=True))


def _shifts(one: NDArray[np.int64], other: NDArray[np.int64]) -> list[int]:
    """The shifts in time under which far more landmarks meet than would by chance."""
    mine, theirs = _Train.of(one), _Train.of(other)
    size = _size([mine, theirs])
    return _meeting(mine, mine.spectra(size)[0], theirs, theirs.spectra(size)[1], size)


def _meeting(
    mine: _Train,
    narrow: NDArray[np.complex64],
    theirs: _Train,
    wide: NDArray[np.complex64],
    size: int,
) -> list[int]:
    """The best shifts, by what meets beyond chance.

    Counted for every shift at once, as the correlation of two trains of landmarks; chance is the overlap times
    how dense landmarks lie.
    """
    from scipy import fft

    met = fft.irfft(wide * narrow, size)
    behind, before = len(theirs.wide), len(mine.narrow)
    met = np.concatenate([met[size - before + 1 :], met[:behind]])  # the shifts at which the two overlap
    ahead = np.arange(1 - before, behind)
    overlap = np.minimum(behind, before + ahead) - np.maximum(0, ahead)
    chance = overlap * np.float32(mine.narrow.mean() * theirs.wide.mean())
    surplus = (met - chance) / np.sqrt(chance + 1)
    most = min(MOST_PLACES, len(surplus))
    best = np.argpartition(-surplus, most - 1)[:most]
    return [int(ahead[place]) * MEET for place in sorted(best, key=lambda place: (-surplus[place], place))]


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
