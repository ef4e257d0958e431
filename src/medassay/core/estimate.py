"""`Estimate`: a figure with its interval, or the reason why there is none."""

from __future__ import annotations

from typing import Self

from pydantic import Field, FiniteFloat, model_validator

from medassay.core.record import Record


class Estimate(Record):
    """What every metric gives back. Undefined is said with a reason, never 0, 1 or NaN."""

    value: FiniteFloat | None = Field(description="None exactly when `undefined` says why")
    lower: FiniteFloat | None = None
    upper: FiniteFloat | None = None
    confidence: float | None = Field(default=None, gt=0, lt=1)
    method: str = Field(default="", description="how the interval was made")
    unit: str = Field(default="1", description="UCUM")
    n_subjects: int = Field(ge=0)
    n_events: float | None = Field(default=None, description="the denominator, where the figure is a ratio")
    undefined: str = Field(default="", description="why the figure, or its interval, is not estimable")

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.value is None and not self.undefined:
            raise ValueError("a figure that is not estimable needs its reason")
        if (self.lower is None) != (self.upper is None):
            raise ValueError("an interval has two ends")
        if self.lower is not None and self.upper is not None:
            if self.value is None or self.confidence is None or not self.method:
                raise ValueError("an interval needs its figure, its confidence and its method")
            if self.lower > self.upper:
                raise ValueError("the lower end lies above the upper one")
        return self
