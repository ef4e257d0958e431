"""How long a case takes: by when each prediction was last written, and in total over the number of cases."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from pydantic import Field

from medassay.core.estimate import Estimate
from medassay.core.record import Record
from medassay.statistics.quantile_interval import quantile


class Timing(Record):
    """Times of one run on one machine. They differ from run to run, so they stand beside the record."""

    cases: int = Field(ge=0)
    total_s: float = Field(ge=0, description="the whole run, with start and end of the device")
    per_case: Estimate = Field(description="total over cases: no interval")
    median: Estimate = Field(
        description="of the times between one prediction and the next; the first is left out"
    )
    slowest_s: float | None = Field(description="None: fewer than two predictions")


def timing_of(output: Path, samples: Sequence[str], suffix: str, total_s: float) -> Timing:
    """Times of a run from its folder of predictions.

    The device writes one prediction after the other, so the time between two of them is that of a case. A device
    could set its files' times itself, or write them all at the end: the total beside them cannot be altered.
    """
    paths = [output / f"{sample}{suffix}" for sample in samples]
    written = sorted(path.lstat().st_mtime_ns for path in paths if path.is_file() and not path.is_symlink())
    between = [max(0.0, (b - a) / 1e9) for a, b in pairwise(written)]
    n = len(samples)
    return Timing(
        cases=n,
        total_s=total_s,
        per_case=Estimate(
            value=total_s / n if n else None,
            unit="s",
            n_subjects=n,
            undefined="no interval: one run" if n else "no case",
        ),
        median=quantile(between, share=0.5, unit="s"),
        slowest_s=max(between, default=None),
    )
