"""The cohort: inclusion rules one after another, each with what it left out and what did not state the fact."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from medassay.core.errors import WrongUse
from medassay.core.findings import Reason
from medassay.datasets.spec import CohortRule, Condition


@dataclass(frozen=True)
class Step:
    """One rule of the funnel, in samples; a sample counts at the first rule that it fails."""

    rule: str
    before: int
    outside: int
    not_stated: int  # a fact that is not stated keeps a sample out too, and is counted apart
    after: int


@dataclass(frozen=True)
class Cohort:
    """Samples that meet every rule, what excluded the others, and the funnel."""

    inside: tuple[str, ...]
    exclusions: tuple[dict[str, str], ...]
    funnel: tuple[Step, ...]


def apply(rules: Sequence[CohortRule], facts: Mapping[str, Mapping[str, Any]]) -> Cohort:
    """Hold samples to the inclusion rules in the order of the spec.

    Parameters
    ----------
    facts : mapping
        Sample id to its columns of catalogue and measurements.

    Raises
    ------
    WrongUse
        When a rule asks for a column that does not exist, or for numbers in a column of text.
    """
    inside = sorted(facts)
    exclusions: list[dict[str, str]] = []
    funnel: list[Step] = []
    for rule in rules:
        missing = [sample for sample in inside if _value(rule, facts[sample]) is None]
        unstated = set(missing)
        stated = [sample for sample in inside if sample not in unstated]
        unmet = [s for s in stated if not meets(rule, _value(rule, facts[s]), asked_by=_named(rule))]
        out = unstated | set(unmet)
        exclusions += [_exclusion(sample, f"cohort:{rule.id}") for sample in unmet]
        exclusions += [_exclusion(sample, f"cohort:{rule.id}:not_stated") for sample in missing]
        after = [sample for sample in inside if sample not in out]
        funnel.append(Step(rule.id, len(inside), len(unmet), len(missing), len(after)))
        inside = after
    return Cohort(tuple(inside), tuple(exclusions), tuple(funnel))


def column(name: str, row: Mapping[str, Any], *, asked_by: str) -> Any:
    """The value of a column that a spec names.

    Raises
    ------
    WrongUse
        When there is no such column; the nearest one is named.
    """
    if name not in row:
        near = difflib.get_close_matches(name, list(row), n=1)
        raise WrongUse(
            found=f"column '{name}'",
            wanted=f"one of {', '.join(sorted(row))}",
            remedy=f"Did you mean '{near[0]}'?" if near else "Correct the column in the spec.",
            where=asked_by,
        )
    return row[name]


def text_of(value: Any) -> str:
    """A value as a spec writes it in a list: true, false, 2, mmol/L."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def meets(condition: Condition, value: Any, *, asked_by: str) -> bool:
    """Whether a stated value is what the condition asks for.

    Raises
    ------
    WrongUse
        When numbers are asked for and the value is none.
    """
    if condition.among is not None:
        return text_of(value) in condition.among
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise WrongUse(
            found=f"minimum or maximum on column '{condition.column}', which holds no numbers",
            wanted="a column of numbers, or `among`",
            remedy="Correct the rule.",
            where=asked_by,
        )
    above = condition.minimum is None or value >= condition.minimum
    return above and (condition.maximum is None or value <= condition.maximum)


def _value(rule: CohortRule, row: Mapping[str, Any]) -> Any:
    return column(rule.column, row, asked_by=_named(rule))


def _named(rule: CohortRule) -> str:
    return f"cohort rule '{rule.id}'"


def _exclusion(sample: str, check: str) -> dict[str, str]:
    return {
        "sample_id": sample,
        "stage": "freeze",
        "check": check,
        "reason": Reason.OUTSIDE_COHORT.value,
    }
