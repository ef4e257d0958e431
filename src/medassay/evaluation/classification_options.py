"""The declared conventions of a classification: what counts as positive, as wrong, and as an interval."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from medassay.evaluation.table_scorer import TableOptions
from medassay.statistics.proportion import ProportionInterval

AreaInterval = Literal["delong", "delong_logit", "newcombe", "percentile", "bca"]


class Options(TableOptions):
    """The declared conventions of a classification."""

    kind: Literal["binary", "multiclass", "multilabel", "ordinal"] = "binary"
    positive: str = Field(
        default="1", description="binary: the label that is positive; every other is negative"
    )
    classes: tuple[str, ...] = Field(
        default=(), description="in their order; multiclass: default those of the reference, sorted"
    )
    threshold: float = Field(default=0.5, description="positive means score >= threshold")
    missing: Literal["wrong", "negative", "positive"] = Field(
        default="wrong", description="what a case without a usable prediction counts as"
    )
    probabilities: bool = Field(
        default=True, description="scores lie in [0, 1]; others are out of range. No: any finite score counts"
    )
    interval: ProportionInterval = Field(
        default="wilson", description="of proportions where every case is a subject of its own"
    )
    auc_interval: AreaInterval = Field(
        default="delong",
        description="of the area under the ROC curve: DeLong's variance on the area or on its logit (over subjects "
        "with several cases: Obuchowski's), Newcombe's score interval, or resampled subjects",
    )
    bins: int = Field(default=10, ge=2, description="of the calibration error, equal in width")
    at_prevalence: float | None = Field(
        default=None,
        gt=0,
        lt=1,
        description="predictive values at a stated prevalence beside those of the sample",
    )
