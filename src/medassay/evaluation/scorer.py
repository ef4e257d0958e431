"""What a task's scorer takes and gives: files in, sufficient statistics out, and metrics as functions of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from medassay.core.specs import Spec
from medassay.evaluation.sufficient import Statistics

Form = Literal["ratio", "absolute", "area"]


@dataclass(frozen=True)
class Share:
    """A part of the whole whose size is stated, not sampled: the sum of `of` is scaled to `share`."""

    of: Mapping[str, float]
    share: float


@dataclass(frozen=True)
class Metric:
    """A figure of sums over subjects, each sum a linear combination of statistics.

    `ratio`: sum(numerator) / sum(denominator). A mean over records is the sum of the records' figures over the count
    of records that have one. `absolute`: sum of |sum(statistic)| over the numerator's statistics, over
    sum(denominator): the calibration error is one. `area`: the area under the ROC curve of the scores that the
    numerator names (positive cases) against those that the denominator names.

    With `standard`, a ratio is that of a whole in which each part has its stated share: every statistic is scaled as
    the sum of its part is. A positive predictive value at a stated prevalence is TP / (TP + FP) in such a whole.
    """

    numerator: Mapping[str, float]
    denominator: Mapping[str, float]
    unit: str  # UCUM
    better: Literal["higher", "lower", "nearer_zero"]
    undefined: str  # what a zero denominator, or an absent class, means
    form: Form = "ratio"
    standard: tuple[Share, ...] = ()
    part: bool = False  # the numerator counts a part of what the denominator counts, though no name shows it

    @property
    def formula(self) -> str:
        """In one line, as a report prints it."""
        return formula_of(self.numerator, self.denominator, self.form, self.standard)


def formula_of(
    numerator: Mapping[str, float],
    denominator: Mapping[str, float],
    form: Form = "ratio",
    standard: tuple[Share, ...] = (),
) -> str:
    """The formula of a metric in one line.

    Examples
    --------
    >>> formula_of({"tp": 1}, {"tp": 1, "fn": 1})
    '(tp) / (tp + fn)'
    >>> formula_of({"gap_1": 1, "gap_2": 1}, {"cases": 1}, "absolute")
    '(|gap_1| + |gap_2|) / (cases)'
    >>> formula_of({"positives": 1}, {"negatives": 1}, "area")
    'P(positives > negatives) + ½ P(positives = negatives)'
    >>> formula_of({"tp": 1}, {"tp": 1, "fp": 1}, "ratio", (Share({"tp": 1, "fn": 1}, 0.1), Share({"fp": 1}, 0.9)))
    '(tp) / (tp + fp), tp + fn = 0.1, fp = 0.9'
    """
    if form == "area":
        one, other = _sum(numerator), _sum(denominator)
        return f"P({one} > {other}) + ½ P({one} = {other})"
    upper = _sum({f"|{name}|": w for name, w in numerator.items()} if form == "absolute" else numerator)
    given = [f", {_sum(part.of)} = {part.share:g}" for part in standard]
    return f"({upper}) / ({_sum(denominator)})" + "".join(given)


def _sum(weights: Mapping[str, float]) -> str:
    text = ""
    for name, weight in weights.items():
        sign = "−" if weight < 0 else "+"
        factor = "" if abs(weight) == 1 else f"{abs(weight):g}·"
        text += f" {sign} {factor}{name}" if text else f"{'−' if weight < 0 else ''}{factor}{name}"
    return text


@dataclass(frozen=True)
class SampleScore:
    """One scored sample. Its statistics add up, or join, over the samples of a subject and over subjects."""

    statistics: Statistics
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
    ) -> Statistics:
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
