"""Two readers and an arbitrator of the phantom: careful, and not perfect."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from medassay.phantoms.eeg.signals import Seizure

Interval = tuple[float, float]


@dataclass(frozen=True)
class Reader:
    """How one reader errs."""

    name: str
    jitter_s: float  # standard deviation at both ends
    half_seen_uv: float  # amplitude of a discharge that is overlooked every other time
    false_share: float  # of the benign rhythmic bursts

    def read(
        self,
        rng: np.random.Generator,
        seizures: Sequence[Seizure],
        bursts: Sequence[Interval],
        duration_s: float,
    ) -> list[Interval]:
        """The intervals that this reader marks."""
        marked = []
        for one in seizures:
            seen = 1 / (1 + np.exp(-(one.amplitude_uv - self.half_seen_uv) / 1.5))
            jitter = rng.normal(0, self.jitter_s, 2).clip(-6, 6)
            if rng.random() < seen:
                start = max(0.0, one.onset_s + jitter[0])
                end = min(duration_s, one.onset_s + one.duration_s + jitter[1])
                marked.append((round(float(start), 1), round(float(end), 1)))
        taken = [burst for burst in bursts if rng.random() < self.false_share]
        marked += [
            (round(start, 1), round(end, 1))
            for start, end in taken
            if not any(start < b + 12 and a - 12 < end for a, b in marked)
        ]
        return sorted(marked)


READERS = (Reader("R1", 1.5, 4.0, 0.004), Reader("R2", 2.5, 5.5, 0.008))
ARBITRATOR = Reader("ARB", 1.0, 3.0, 0.0)


def differ(first: Sequence[Interval], second: Sequence[Interval]) -> bool:
    """Whether one reader marked something that the other has nothing over."""

    def lonely(own: Sequence[Interval], other: Sequence[Interval]) -> bool:
        return any(not any(a < d and c < b for c, d in other) for a, b in own)

    return lonely(first, second) or lonely(second, first)
