"""The RunRecord: everything of one validation that a report is a function of."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from medassay.core.estimate import Estimate
from medassay.core.record import Record
from medassay.evaluation.sufficient import Statistic


class SubjectRow(Record):
    """One test subject: strata, and the sums of its samples' statistics."""

    subject: str
    strata: dict[str, str | None] = Field(description="site, device, sex, age_band; None: not stated")
    samples: int
    statistics: dict[str, Statistic]


class CaseRow(Record):
    """One test sample."""

    sample: str
    subject: str
    status: Literal["ok", "failed", "abstained", "unreadable"]
    reason: str = ""
    badness: float
    statistics: dict[str, Statistic]
    excerpt: str | None = Field(default=None, description="digest of the excerpt, for the worst cases")


class ReaderRow(Record):
    """One test subject's sums against one reader's reference, over the samples that this reader read."""

    reader: int = Field(ge=1, description="place among the declared readers; names stand in no record")
    subject: str
    samples: int = Field(ge=1)
    statistics: dict[str, Statistic]


class Sealing(Record):
    """How closed the room was; `sealed` only when every part held."""

    sealed: bool
    means: str = Field(description="the sandbox that was used, or why there was none")
    network: Literal["none", "not_prevented"]
    labels: Literal["absent", "not_prevented"]
    public_data: bool = Field(description="anyone may have seen the test labels")


class SecondEntry(Record):
    """Double entry of one headline statistic, summed over the test set."""

    statistic: str
    first: float
    second: float
    tolerance: float
    agrees: bool


class Causality(Record):
    """Whether the device's answers used nothing that comes later, tried on truncated copies."""

    copies: int = Field(ge=0)
    differing: tuple[str, ...] = Field(description="samples of which a copy was answered differently")

    @property
    def held(self) -> bool:
        """No copy differs; without a single copy nothing was shown."""
        return self.copies > 0 and not self.differing


class Repeat(Record):
    """Whether the same samples, answered a second time, gave the same answer, and the same bytes."""

    samples: int = Field(ge=1)
    differing: tuple[str, ...] = Field(description="samples of which another answer was read the second time")
    other_bytes: tuple[str, ...] = Field(
        default=(), description="samples with the same answer in a file of other bytes: dates, ids, layout"
    )


class StressRow(Record):
    """One disturbed copy of a test sample, scored against the sample's reference."""

    condition: str
    strength: float
    sample: str
    subject: str
    status: Literal["ok", "failed", "abstained", "unreadable"]
    statistics: dict[str, Statistic]


class Superseded(Record):
    """The record that a re-score replaces: the same predictions under an older scorer. It stays where it is."""

    run: str = Field(pattern=r"^[0-9a-f]{64}$", description="digest of the superseded record")
    scorer_version: str
    options: dict[str, Any]
    figures: dict[str, Estimate] = Field(description="by endpoint, as that record had them")


class RunRecord(Record):
    """One validation. No time, host or path: those stand in the ledger."""

    schema_id: Literal["medassay.run/1"] = "medassay.run/1"
    dataset: str
    source: str
    source_class: Literal["real", "public", "synthetic"]
    manifest: str
    device: str
    device_version: str
    submission: str
    protocol: str
    task: str
    scorer_version: str
    options: dict[str, Any]
    sealing: Sealing
    predictions: dict[str, str] = Field(description="sample to digest of its prediction")
    subjects: tuple[SubjectRow, ...]
    cases: tuple[CaseRow, ...]
    readers: tuple[ReaderRow, ...] = Field(
        default=(),
        exclude_if=lambda rows: not rows,
        description="the same predictions against each reader; empty: the reference is not made of two reads",
    )
    second_entry: tuple[SecondEntry, ...]
    causality: Causality | None = Field(default=None, description="None: the task does not ask for it")
    repeat: Repeat | None = Field(default=None, description="None: the protocol does not ask for it")
    stress: tuple[StressRow, ...] = Field(default=(), description="empty: no disturbance was asked for")
    supersedes: Superseded | None = Field(default=None, description="None: these predictions are new")
    earlier_looks: int = Field(ge=0, description="validations against this test split before this one")
