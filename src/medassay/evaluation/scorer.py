"""What a task's scorer takes and gives: files in, additive statistics out, and metrics as ratios of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from medassay.core.specs import Spec


@dataclass(frozen=True)
class Metric:
    """sum(numerator) / sum(denominator) over subjects, each a linear combination of statistics.

    A mean over records is the sum of the records' figures over the count of records that have one.
    """

    numerator: Mapping[str, float]
    denominator: Mapping[str, float]
    unit: str  # UCUM
    better: Literal["higher", "lower", "nearer_zero"]
    undefined: str  # what a zero denominator means


@dataclass(frozen=True)
class SampleScore:
    """One scored sample. Statistics are additive over the samples of a subject and over subjects."""

    statistics: Mapping[str, float]
    badness: float  # orders the worst cases: the higher, the worse
    excerpt: Mapping[str, Any] | None = field(default=None)  # plain JSON for one picture


class Scorer(Protocol):
    """The doors of a module of `medassay.evaluation.scoring`.

    `VERSION` changes with every change that may alter a figure. `Options` are the declared conventions.
    `SUFFIX` is how a prediction file ends. `HEADLINE` names the statistics that `second` recomputes.
    `samples` maps object names to the sample's public bytes (signal, image, header).
    """

    VERSION: str
    SUFFIX: str
    HEADLINE: tuple[str, ...]
    SECOND_TOLERANCE: float
    Options: type[Spec]

    def score(
        self, reference: bytes, prediction: bytes | None, samples: Mapping[str, bytes], options: Any
    ) -> SampleScore:
        """Score one sample; no prediction is scored as all wrong, by the options' rule.

        Raises
        ------
        WrongUse
            When the prediction cannot be read or does not fit the sample: the caller scores it as missing
            and says so.
        """
        ...

    def second(
        self, reference: bytes, prediction: bytes | None, samples: Mapping[str, bytes], options: Any
    ) -> Mapping[str, float]:
        """The headline statistics by another implementation."""
        ...

    def decoded(self, prediction: bytes, samples: Mapping[str, bytes], options: Any) -> bytes:
        """What `score` reads from a prediction: the same bytes for the same answer, however its file was written.

        Raises
        ------
        WrongUse
            When the prediction cannot be read or does not fit the sample.
        """
        ...

    def metrics(self, options: Any) -> Mapping[str, Metric]:
        """Every metric by name; one of a class or structure is called `name[class]`."""
        ...
