"""Figures made by outside tools, a module a topic: each yields what is ours beside what is theirs.

A topic's module has `cases(folder)`, where `folder` is the folder of all reference files. The test beside
this package holds every case to its tolerance; `docs/statistics.md` prints them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parents[4] / "shared" / "reference"


@dataclass(frozen=True)
class Case:
    """One figure. None on both sides: not estimable by us and undefined by them."""

    topic: str
    case: str
    figure: str
    ours: float | None
    theirs: float | None
    tolerance: float
    source: str

    @property
    def agrees(self) -> bool:
        if self.ours is None or self.theirs is None:
            return self.ours is self.theirs
        return abs(self.ours - self.theirs) <= self.tolerance
