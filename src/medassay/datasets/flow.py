"""The case flow: offered = refused + excluded + train + tune + test, in files, samples and subjects."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from medassay.core.errors import EvidenceBroken
from medassay.core.record import Record
from medassay.datasets.split import Part

State = Literal["refused", "excluded", "train", "tune", "test"]


class Counts(Record):
    """One unit's flow. It is not made unless it adds up."""

    offered: int = Field(ge=0)
    refused: int = Field(ge=0)
    excluded: int = Field(ge=0)
    train: int = Field(ge=0)
    tune: int = Field(ge=0)
    test: int = Field(ge=0)

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        if self.offered != self.refused + self.excluded + self.train + self.tune + self.test:
            raise ValueError("offered is refused + excluded + train + tune + test")
        return self


class Cause(Record):
    """How many samples one check took out; a sample counts at the first check that it failed."""

    stage: str
    check: str
    reason: str
    samples: int = Field(ge=1)


class Funnel(Record):
    """One cohort rule, in samples that were still in."""

    rule: str
    before: int
    outside: int
    not_stated: int
    after: int


class Flow(Record):
    """Where everything that was offered went."""

    schema_id: Literal["medassay.flow/1"] = "medassay.flow/1"
    files: Counts
    samples: Counts
    subjects: Counts
    unassigned_files: int = Field(ge=0, description="files refused because they make no sample")
    refused: tuple[Cause, ...]
    excluded: tuple[Cause, ...]
    cohort: tuple[Funnel, ...] = ()

    @model_validator(mode="after")
    def _causes_add_up(self) -> Self:
        if sum(cause.samples for cause in self.refused) != self.samples.refused:
            raise ValueError("every refused sample has its cause")
        if sum(cause.samples for cause in self.excluded) != self.samples.excluded:
            raise ValueError("every excluded sample has its cause")
        return self


def flow_of(
    offered: Sequence[Mapping[str, Any]],
    catalogue: Sequence[Mapping[str, Any]],
    exclusions: Sequence[Mapping[str, Any]],
    parts: Mapping[str, Part],
    funnel: Iterable[Funnel] = (),
) -> Flow:
    """Count files, samples and subjects from the tables, each by a count of its own.

    Parameters
    ----------
    exclusions : rows in the order of the stages
        A sample counts under its first row.

    Raises
    ------
    EvidenceBroken
        When a sample or file is nowhere, or at two places.
    """
    cause = _first_causes(exclusions)
    states = {row["sample_id"]: _state(row, cause, parts) for row in catalogue}
    _require(len(states) == len(catalogue), "a sample that stands twice in the catalogue")
    _require(set(parts) | set(cause) <= set(states), "a sample that the catalogue does not know")
    subjects = _subject_states(catalogue, states)
    refused = Counter(row["reason"] for row in catalogue if row["status"] == "refused")
    excluded = Counter(cause[sample] for sample, state in states.items() if state == "excluded")
    return Flow(
        files=_counts(len(offered), (_file_state(row, states) for row in offered)),
        samples=_counts(len(catalogue), states.values()),
        subjects=_counts(len({row["subject_id"] for row in catalogue}), subjects.values()),
        unassigned_files=sum(row["outcome"] == "unassigned" for row in offered),
        refused=tuple(
            Cause(stage="ingest", check="intake", reason=reason, samples=count)
            for reason, count in sorted(refused.items())
        ),
        excluded=tuple(
            Cause(stage=stage, check=check, reason=reason, samples=count)
            for (stage, check, reason), count in sorted(excluded.items())
        ),
        cohort=tuple(funnel),
    )


def _first_causes(exclusions: Sequence[Mapping[str, Any]]) -> dict[str, tuple[str, str, str]]:
    cause: dict[str, tuple[str, str, str]] = {}
    for row in exclusions:
        cause.setdefault(row["sample_id"], (row["stage"], row["check"], row["reason"]))
    return cause


def _state(row: Mapping[str, Any], cause: Mapping[str, Any], parts: Mapping[str, Part]) -> State:
    sample = row["sample_id"]
    states: list[State] = [parts[sample]] if sample in parts else []
    if row["status"] == "refused":
        states.append("refused")
    if sample in cause:
        states.append("excluded")
    _require(len(states) == 1, f"sample {sample} at {len(states)} places ({', '.join(states) or 'nowhere'})")
    return states[0]


def _file_state(row: Mapping[str, Any], states: Mapping[str, State]) -> State:
    if row["outcome"] == "unassigned":
        return "refused"
    _require(row["sample_id"] in states, "a file of a sample that the catalogue does not know")
    state = states[row["sample_id"]]
    _require(
        (row["outcome"] == "refused") == (state == "refused"), "a file whose outcome is not its sample's"
    )
    return state


def _subject_states(catalogue: Sequence[Mapping[str, Any]], states: Mapping[str, State]) -> dict[str, State]:
    """A subject is where any of its samples came furthest."""
    of_subject: dict[str, set[State]] = {}
    for row in catalogue:
        of_subject.setdefault(row["subject_id"], set()).add(states[row["sample_id"]])
    found: dict[str, State] = {}
    for subject, reached in of_subject.items():
        parts = reached - {"refused", "excluded"}
        _require(len(parts) <= 1, f"subject {subject} in {' and '.join(sorted(parts))}")
        found[subject] = parts.pop() if parts else "excluded" if "excluded" in reached else "refused"
    return found


def _counts(offered: int, states: Iterable[State]) -> Counts:
    number = Counter(states)
    _require(offered == number.total(), f"{offered} offered and {number.total()} at a place")
    return Counts(
        offered=offered,
        refused=number["refused"],
        excluded=number["excluded"],
        train=number["train"],
        tune=number["tune"],
        test=number["test"],
    )


def _require(holds: bool, found: str) -> None:
    if not holds:
        raise EvidenceBroken(
            found=found,
            wanted="every file, sample and subject at exactly one place",
            remedy="Run the steps again from ingest; the tables do not belong together.",
            where="case flow",
        )
