"""What a scorer of whole tables takes and gives: a reference and predictions of all cases, figures out.

The tasks of `medassay.evaluation.scoring` score file by file into additive statistics. Here a test is one table a
side, and a figure may need all of it at once: ranks, regressions, curves, readers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from pydantic import Field

from medassay.core.errors import WrongUse
from medassay.core.estimate import Estimate
from medassay.core.specs import Spec
from medassay.statistics.acceptance import Criterion
from medassay.statistics.significance import Significance

Status = Literal["scored", "missing", "unreadable", "unusable"]


class TableOptions(Spec):
    """What every task of whole tables lets declare."""

    reference_columns: dict[str, str] = Field(
        default_factory=dict, description="our column name to the reference file's; # is the row's number"
    )
    prediction_columns: dict[str, str] = Field(
        default_factory=dict, description="our column name to the prediction file's; # is the row's number"
    )
    unknown_cases: Literal["refused", "left_out"] = Field(
        default="refused",
        description="predictions of cases without a reference: an error, or counted and left out",
    )
    confidence: float = Field(default=0.95, gt=0, lt=1, description="of every interval")
    seed: int = Field(default=1, description="of resampling")
    replicates: int = Field(default=2000, ge=100, description="resamples of subjects")


@dataclass(frozen=True)
class CaseOutcome:
    """What became of one case, and the numbers it gives."""

    case: str
    status: Status
    statistics: Mapping[str, float]
    reason: str = ""


@dataclass(frozen=True)
class Again:
    """A headline figure computed a second time, and by what."""

    figure: str
    first: float
    second: float
    tolerance: float
    by: str

    @property
    def agrees(self) -> bool:
        return abs(self.first - self.second) <= self.tolerance


@dataclass(frozen=True)
class Tabled:
    """Everything that one test shows."""

    figures: Mapping[str, Estimate]
    cases: tuple[CaseOutcome, ...]
    again: tuple[Again, ...]
    unit_of_analysis: Literal["case", "subject", "reader_and_case"]
    tests: Mapping[str, Significance]
    criteria: tuple[Criterion, ...] = ()
    left_out: int = 0  # predictions of cases without a reference
    remarks: tuple[str, ...] = ()


class TableScorer(Protocol):
    """The doors of a module of `medassay.evaluation.table_scoring`.

    `VERSION` changes with every change that may alter a figure; `Options` are the declared conventions.
    """

    VERSION: str
    Options: type[TableOptions]

    def score(self, reference: Mapping[str, bytes], predictions: Mapping[str, bytes], options: Any) -> Tabled:
        """Score a whole test from the files of both sides, by file name.

        Raises
        ------
        WrongUse
            When a side cannot be read, a case stands twice, the reference is flawed, or a prediction is of a case
            without a reference and the options do not leave it out.
        """
        ...


def again(
    figure: str, first: Estimate, second: float | None, by: str, *, tolerance: float = 1e-9
) -> list[Again]:
    """One second entry; none where the figure is not estimable or nobody else defines it.

    The tolerance is absolute near 1 and relative for larger figures.
    """
    if first.value is None or second is None:
        return []
    return [Again(figure, first.value, second, tolerance * max(1.0, abs(first.value)), by)]


def require_once(ids: Sequence[str], side: str) -> None:
    """Refuse a case that stands twice: which of the two is meant cannot be told.

    Raises
    ------
    WrongUse
        With how many there are; never with the ids, which may name people.
    """
    twice = len(ids) - len(set(ids))
    if twice:
        raise WrongUse(
            found=f"{twice} rows of a case that stands in an earlier row",
            wanted=f"one {side} a case",
            remedy="Say which row counts, and leave the other out.",
            where=side,
        )


def unknown_rows(known: Iterable[str], predicted: Sequence[str], options: TableOptions) -> int:
    """How many predictions are of cases without a reference.

    Raises
    ------
    WrongUse
        Where the options do not leave them out: mostly the ids of the two files do not match.
    """
    have = set(known)
    count = sum(case not in have for case in predicted)
    if count and options.unknown_cases == "refused":
        raise WrongUse(
            found=f"{count} predictions of cases that have no reference",
            wanted="predictions of the reference's cases",
            remedy="Check that both files name cases alike; or declare `unknown_cases: left_out`.",
            where="prediction",
        )
    return count


def flawed_reference(found: str, where: str) -> WrongUse:
    """A reference is never repaired: what is wrong with it is an error, never a score."""
    return WrongUse(
        found=found,
        wanted="a reference without gaps and flaws",
        remedy="Correct the reference, or take the case out of it.",
        where=f"reference: {where}" if where else "reference",
    )
