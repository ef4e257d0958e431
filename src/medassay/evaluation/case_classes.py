"""Which classes a case may be of, which questions of two answers are asked of them, and what a device said.

A binary classification asks one question: is the case of the positive class? With more classes each question sets some
of them against all others: each class against the rest, or the grades from one on against those below.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Self

from pydantic import Field, model_validator

from medassay.core.errors import WrongUse
from medassay.core.specs import Spec
from medassay.evaluation.sufficient import HIGHEST
from medassay.formats.predictions.one_case import PREDICTED, SCORE, ClassCode, read_row, read_score

WHOLE = 1e-3  # how far the probabilities of all classes may be from adding up to 1


class Options(Spec):
    """The declared conventions of a classification of cases."""

    classes: tuple[ClassCode, ...] = Field(
        min_length=2, description="every class that a case may be of; ordered ones from the lowest"
    )
    positive: str | None = Field(
        default=None, description="of two classes the positive one, whose score stands under `score`"
    )
    ordered: bool = Field(default=False, description="the classes are grades")
    against: dict[str, tuple[str, ...]] = Field(
        default_factory=dict,
        description="more than two classes: question to the classes that are positive in it, against all others; none: "
        "each class against the rest",
    )
    answer: Literal["scores", "class"] = Field(
        default="scores", description="what a prediction holds; a class alone gives no figure of scores"
    )
    threshold: float | None = Field(
        default=None, description="two classes: positive means score >= threshold; fixed on the tuning set"
    )
    thresholds: dict[str, float] = Field(
        default_factory=dict,
        description="the same of a question; one without: positive where the class with the largest score is",
    )
    probabilities: bool = Field(
        default=True,
        description="scores lie in [0, 1] and those of all classes add up to 1; no: any finite score",
    )
    bins: int = Field(
        default=10, ge=2, description="of the calibration error, equal in width, an edge in the lower"
    )
    at_prevalence: float | None = Field(
        default=None, gt=0, lt=1, description="two classes: predictive values at this prevalence as well"
    )
    prevalences: dict[str, float] = Field(default_factory=dict, description="the same of a question")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if len(set(self.classes)) != len(self.classes):
            raise ValueError("each class once")
        wrong = self._of_two() if self.positive is not None else self._of_several()
        if wrong:
            raise ValueError(wrong)
        return self

    def _of_two(self) -> str:
        if len(self.classes) != 2 or self.positive not in self.classes:
            return "two classes, one of which is `positive`; for more leave `positive` out"
        if self.ordered or self.against or self.thresholds or self.prevalences:
            return "with `positive`: threshold and at_prevalence, without ordered, against, thresholds, prevalences"
        if (self.answer == "scores") != (self.threshold is not None):
            return "a `threshold` where a prediction is a score, and nowhere else"
        return ""

    def _of_several(self) -> str:
        names = set(self.against) or set(self.classes)
        parts = [set(part) for part in self.against.values()]
        if self.threshold is not None or self.at_prevalence is not None:
            return "`threshold` and `at_prevalence` with `positive` alone; else thresholds and prevalences by question"
        if not {*self.thresholds, *self.prevalences} <= names:
            return f"thresholds and prevalences of the questions {', '.join(sorted(names))}"
        if any(not 0 < share < 1 for share in self.prevalences.values()):
            return "prevalences between 0 and 1"
        if any(not part or not part < set(self.classes) for part in parts):
            return "questions that set some of the classes against others"
        if not self.probabilities and any(len(part) > 1 for part in parts):
            return "questions of one class each, unless scores are probabilities: others cannot be added"
        if self.answer == "class" and self.thresholds:
            return "thresholds of scores alone"
        return ""


@dataclass(frozen=True)
class Question:
    """Is a case of one of these classes? `name` is empty where it is the only question."""

    name: str
    positives: frozenset[str]
    threshold: float | None
    prevalence: float | None

    def called(self, statistic: str) -> str:
        """A statistic or metric of this question."""
        return f"{statistic}[{self.name}]" if self.name else statistic


@dataclass(frozen=True)
class Answer:
    """What a device said of one case: a class, and the score of each where it gave scores."""

    predicted: str
    scores: Mapping[str, float] | None

    def score(self, question: Question) -> float | None:
        """That of the question's classes together."""
        if self.scores is None:
            return None
        return math.fsum(self.scores[name] for name in question.positives)

    def says(self, question: Question) -> bool:
        """Whether the case is called positive."""
        score = self.score(question)
        if question.threshold is None or score is None:
            return self.predicted in question.positives
        return score >= question.threshold


def questions(options: Options) -> tuple[Question, ...]:
    """
    Examples
    --------
    >>> [(q.name, sorted(q.positives)) for q in questions(Options(classes=("a", "b", "c")))]
    [('a', ['a']), ('b', ['b']), ('c', ['c'])]
    """
    if options.positive is not None:
        return (Question("", frozenset({options.positive}), options.threshold, options.at_prevalence),)
    asked = options.against or {name: (name,) for name in options.classes}
    return tuple(
        Question(name, frozenset(part), options.thresholds.get(name), options.prevalences.get(name))
        for name, part in asked.items()
    )


def read_answer(content: bytes, options: Options) -> Answer:
    """
    Raises
    ------
    WrongUse
        When the file is not of one case, lacks a declared column, or holds what is no score or class.
    """
    row = read_row(content)
    if options.answer == "class":
        found = row.get(PREDICTED, "")
        if found not in options.classes:
            raise WrongUse(
                found="a class that is not declared" if found else f"no class under '{PREDICTED}'",
                wanted=f"one of {', '.join(options.classes)}",
                remedy="Write a header 'predicted' and one row with the code of the class.",
            )
        return Answer(found, None)
    if options.positive is not None:
        return _of_two(_checked(read_score(row, SCORE), options), options)
    scores = {name: _checked(read_score(row, name), options) for name in options.classes}
    if options.probabilities and abs(sum(scores.values()) - 1) > WHOLE:
        raise WrongUse(
            found=f"probabilities that add up to {sum(scores.values()):g}",
            wanted="1",
            remedy="Give each class its probability, or declare scores that are none (`probabilities: false`).",
        )
    return Answer(max(options.classes, key=lambda name: scores[name]), scores)


def _of_two(score: float, options: Options) -> Answer:
    assert options.positive is not None and options.threshold is not None  # noqa: PT018 - the options are checked
    other = next(name for name in options.classes if name != options.positive)
    predicted = options.positive if score >= options.threshold else other
    return Answer(predicted, {options.positive: score, other: 1 - score if options.probabilities else -score})


def _checked(score: float, options: Options) -> float:
    if options.probabilities and not 0 <= score <= 1:
        raise WrongUse(
            found="a probability outside 0 to 1",
            wanted="a probability",
            remedy="Divide a percentage by 100, or declare scores that are none (`probabilities: false`).",
        )
    if abs(score) >= HIGHEST:
        raise WrongUse(
            found="the largest number there is",
            wanted="a smaller score",
            remedy="It stands for a missing answer.",
        )
    return score
