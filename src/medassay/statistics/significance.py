"""`Significance`: a test's statistic and p value, or the reason why there is none."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Significance:
    """Two-sided unless the test's name says otherwise."""

    p_value: float | None
    statistic: float | None  # None where the test is exact
    test: str
    degrees_of_freedom: float | None = None
    undefined: str = ""
