"""Classification of cases: two classes, several, or grades; scores ranked over all cases, calls at a threshold.

A reference is one row `label`; a prediction one row `score` (two classes), a score a class, or `predicted`. Statistics
of a case are counts for each question of two answers and its score, among those of positive or of negative cases.
A missing prediction is wrong in every count, the worst there is in every rank, and a probability of 0 for what is true.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from medassay.core.canonical import canonical_json
from medassay.evaluation.case_classes import Answer, Options, Question, questions, read_answer
from medassay.evaluation.scorer import Metric, SampleScore, Share
from medassay.evaluation.sufficient import HIGHEST, LOWEST, Statistic, Statistics
from medassay.formats.predictions.one_case import LABEL, PREDICTED, SCORE, read_label
from medassay.statistics.calibration import BinRule, reliability_sums

__all__ = [
    "HEADLINE",
    "SECOND_TOLERANCE",
    "SUFFIX",
    "VERSION",
    "Options",
    "decoded",
    "figures_again",
    "metrics",
    "score",
    "second",
]

VERSION = "1.0"
SUFFIX = ".csv"
COUNTS = ("true_positive", "false_positive", "false_negative", "true_negative")
HEADLINE = ("cases", *COUNTS)  # with several questions, over all of them
SECOND_TOLERANCE = 1e-9


def score(
    reference: bytes,
    prediction: bytes | None,
    samples: Mapping[str, bytes],  # noqa: ARG001 - the door is the same for every task
    options: Options,
) -> SampleScore:
    """Count one case; without a prediction it is wrong, and as wrong as can be.

    Raises
    ------
    WrongUse
        When reference or prediction cannot be read, or is of a class that is not declared.
    """
    label = read_label(reference, options.classes)
    answer = None if prediction is None else read_answer(prediction, options)
    statistics: dict[str, Statistic] = {"cases": 1.0, **dict.fromkeys(COUNTS, 0.0)}
    for question in questions(options):
        own = _of_question(question, label in question.positives, answer, options)
        statistics |= {question.called(name): value for name, value in own.items()}
        if question.name:
            statistics |= {name: _number(statistics[name]) + _number(own[name]) for name in COUNTS}
    if options.positive is None:
        statistics |= _of_classes(label, answer, options)
    return SampleScore(statistics=statistics, badness=_badness(label, answer))


def second(
    reference: bytes,
    prediction: bytes | None,
    samples: Mapping[str, bytes],  # noqa: ARG001 - the door is the same for every task
    options: Options,
) -> Statistics:
    """Counts by a table of truth and call, from the files as Python's own reader has them; and what figures need."""
    label = next(csv.DictReader(io.StringIO(reference.decode("utf-8-sig"))))[LABEL].strip()
    row = None if prediction is None else _plain_row(prediction)
    found: dict[str, Statistic] = dict.fromkeys(HEADLINE, 0.0)
    found["cases"] = 1.0
    for question in questions(options):
        truth = label in question.positives
        value = None if row is None else _again(row, question, options)
        call = not truth if value is None else value[1]
        name = ("false_", "true_")[truth == call] + ("negative", "positive")[call]
        found[name] = _number(found[name]) + 1.0
        found[question.called("truth")] = float(truth)
        found[question.called("call")] = float(call)
        if options.answer == "scores":
            worst = float(not truth) if options.probabilities else (LOWEST if truth else HIGHEST)
            found[question.called(SCORE)] = worst if value is None or value[0] is None else value[0]
    return found


def figures_again(samples: Sequence[Statistics], options: Options) -> Mapping[str, float | None]:
    """Areas, Brier scores, calibration errors, sensitivities and specificities by scikit-learn."""
    found: dict[str, float | None] = {}
    for question in questions(options):
        columns = {
            name: np.array([_number(one[question.called(name)]) for one in samples])
            for name in ("truth", "call", *([SCORE] if options.answer == "scores" else []))
        }
        for name, value in _by_scikit_learn(columns, options).items():
            found[question.called(name)] = value
    return found


def decoded(
    prediction: bytes,
    samples: Mapping[str, bytes],  # noqa: ARG001 - the door is the same for every task
    options: Options,
) -> bytes:
    """The class, and the scores.

    Raises
    ------
    WrongUse
        When the prediction cannot be read.
    """
    answer = read_answer(prediction, options)
    return canonical_json({"predicted": answer.predicted, "scores": answer.scores})


def metrics(options: Options) -> Mapping[str, Metric]:
    """Figures of two classes by their own name; of each question as `name[question]`; of all classes without one."""
    found: dict[str, Metric] = {}
    for question in questions(options):
        found |= {question.called(name): one for name, one in _metrics_of(question, options).items()}
    return found if options.positive is not None else found | _metrics_of_classes(options)


def _of_question(
    question: Question, truth: bool, answer: Answer | None, options: Options
) -> dict[str, Statistic]:
    """One case under one question: where it stands in the two-by-two table, and its score."""
    call = not truth if answer is None else answer.says(question)
    cells = (truth and call, not truth and call, truth and not call, not truth and not call)
    found: dict[str, Statistic] = dict(zip(COUNTS, map(float, cells), strict=True))
    if options.answer == "class":
        return found
    value = _worst(truth, options) if answer is None else answer.score(question)
    assert value is not None  # scores are declared, and read
    found |= {"scores_positive": (value,) if truth else (), "scores_negative": () if truth else (value,)}
    if options.probabilities:
        value = min(value, 1.0)  # probabilities of several classes may add up to a hair more
        sums = reliability_sums([truth], [value], [0], rule=BinRule(count=options.bins))[0]
        found["squared_error"] = (value - truth) ** 2
        found |= {f"gap_{place}": float(row[1] - row[2]) for place, row in enumerate(sums, 1)}
    return found


def _worst(truth: bool, options: Options) -> float:
    """The score of a missing answer."""
    if options.probabilities:
        return float(not truth)
    return LOWEST if truth else HIGHEST


def _of_classes(label: str, answer: Answer | None, options: Options) -> dict[str, Statistic]:
    """One case over all classes; a missing answer is the class farthest from the truth."""
    place = options.classes.index(label)
    farthest = max(place, len(options.classes) - 1 - place)
    apart = farthest if answer is None else abs(options.classes.index(answer.predicted) - place)
    found: dict[str, Statistic] = {"right": float(apart == 0)}
    for name in options.classes:
        found |= {f"found[{name}]": 0.0, f"not_found[{name}]": 0.0}
    found[f"{'found' if apart == 0 else 'not_found'}[{label}]"] = 1.0
    if options.ordered:
        found |= {"grades_off": float(apart), "within_one": float(apart <= 1)}
    return found


def _badness(label: str, answer: Answer | None) -> float:
    """Missing first, then wrong by how sure the device was of it; what is right is no case to look at."""
    if answer is None:
        return 3.0
    if answer.predicted == label:
        return 0.0
    if answer.scores is None or not all(0 <= value <= 1 for value in answer.scores.values()):
        return 1.0
    return 1.0 + answer.scores[answer.predicted]


def _metrics_of(question: Question, options: Options) -> dict[str, Metric]:
    tp, fp, fn, tn = (question.called(name) for name in COUNTS)
    one_class = "all cases are of one class"

    def share(part: Sequence[str], of: Sequence[str], undefined: str) -> Metric:
        return Metric(dict.fromkeys(part, 1.0), dict.fromkeys(of, 1.0), "1", "higher", undefined)

    found = {
        "sensitivity": share([tp], [tp, fn], "no positive case"),
        "specificity": share([tn], [tn, fp], "no negative case"),
        "positive_predictive_value": share([tp], [tp, fp], "no case was called positive"),
        "negative_predictive_value": share([tn], [tn, fn], "no case was called negative"),
        "accuracy": share([tp, tn], [tp, fp, fn, tn], "no case"),
        "f1": Metric(
            {tp: 2.0}, {tp: 2.0, fp: 1.0, fn: 1.0}, "1", "higher", "no case is or was called positive"
        ),
        "balanced_accuracy": _at((tp, tn), (tp, fp, fn, tn), (tp, fn), (tn, fp), 0.5, one_class),
    }
    if question.prevalence is not None:
        at, ill, well = question.prevalence, (tp, fn), (tn, fp)
        found["positive_predictive_value_at_prevalence"] = _at(
            (tp,), (tp, fp), ill, well, at, f"{one_class}, or no case was called positive"
        )
        found["negative_predictive_value_at_prevalence"] = _at(
            (tn,), (tn, fn), ill, well, at, f"{one_class}, or no case was called negative"
        )
    return found | (_metrics_of_scores(question, options) if options.answer == "scores" else {})


def _at(
    part: Sequence[str],
    of: Sequence[str],
    ill: Sequence[str],
    well: Sequence[str],
    prevalence: float,
    undefined: str,
) -> Metric:
    """A ratio in a population in which so large a share is positive."""
    shares = (Share(dict.fromkeys(ill, 1.0), prevalence), Share(dict.fromkeys(well, 1.0), 1 - prevalence))
    return Metric(dict.fromkeys(part, 1.0), dict.fromkeys(of, 1.0), "1", "higher", undefined, standard=shares)


def _metrics_of_scores(question: Question, options: Options) -> dict[str, Metric]:
    positive, negative = (question.called(f"scores_{name}") for name in ("positive", "negative"))
    found = {
        "auc": Metric(
            {positive: 1.0}, {negative: 1.0}, "1", "higher", "all cases are of one class", form="area"
        )
    }
    if options.probabilities:
        cases = {"cases": 1.0}
        gaps = {question.called(f"gap_{place}"): 1.0 for place in range(1, options.bins + 1)}
        error = {question.called("squared_error"): 1.0}
        found["brier"] = Metric(error, cases, "1", "lower", "no case")
        found["calibration_error"] = Metric(gaps, cases, "1", "lower", "no case", form="absolute")
    return found


def _metrics_of_classes(options: Options) -> dict[str, Metric]:
    cases = {"cases": 1.0}
    hits = {f"found[{name}]": 1.0 for name in options.classes}
    all_of = {f"{word}[{name}]": 1.0 for name in options.classes for word in ("found", "not_found")}
    each = tuple(
        Share({f"found[{name}]": 1.0, f"not_found[{name}]": 1.0}, 1 / len(options.classes))
        for name in options.classes
    )
    found = {
        "accuracy": Metric({"right": 1.0}, cases, "1", "higher", "no case"),
        "macro_recall": Metric(hits, all_of, "1", "higher", "a class without a case", standard=each),
    }
    if options.ordered:
        found["mean_grade_error"] = Metric({"grades_off": 1.0}, cases, "{grade}", "lower", "no case")
        found["within_one_grade"] = Metric({"within_one": 1.0}, cases, "1", "higher", "no case")
    return found


def _plain_row(prediction: bytes) -> dict[str, str]:
    text = prediction.decode("utf-8-sig")
    header = text.splitlines()[0]
    delimiter = max(",;\t", key=header.count)
    row = next(csv.DictReader(io.StringIO(text), delimiter=delimiter))
    return {name.strip(): cell.strip() for name, cell in row.items()}


def _again(row: Mapping[str, str], question: Question, options: Options) -> tuple[float | None, bool]:
    """Score and call of one question, from the row itself."""
    if options.answer == "class":
        return None, row[PREDICTED] in question.positives
    if options.positive is not None:
        value = float(row[SCORE])
        return value, value >= float(options.threshold or 0.0)
    scores = [float(row[name]) for name in options.classes]
    own = math.fsum(s for name, s in zip(options.classes, scores, strict=True) if name in question.positives)
    if question.threshold is not None:
        return own, own >= question.threshold
    return own, options.classes[int(np.argmax(scores))] in question.positives


def _by_scikit_learn(columns: Mapping[str, Any], options: Options) -> dict[str, float | None]:
    from sklearn import metrics as sk
    from sklearn.calibration import calibration_curve

    truth, call = columns["truth"].astype(int), columns["call"].astype(int)
    found: dict[str, float | None] = {
        "sensitivity": float(sk.recall_score(truth, call)) if truth.any() else None,
        "specificity": float(sk.recall_score(truth, call, pos_label=0)) if not truth.all() else None,
    }
    if options.answer == "class":
        return found
    scores, both = columns[SCORE], 0 < truth.sum() < len(truth)
    found["auc"] = float(sk.roc_auc_score(truth, scores)) if both else None
    if options.probabilities and both:  # scikit-learn wants to see both classes
        scores = np.clip(scores, 0.0, 1.0)
        edges = np.linspace(0.0, 1.0, options.bins + 1)
        observed, predicted = calibration_curve(truth, scores, n_bins=options.bins)
        held = np.bincount(np.searchsorted(edges[1:-1], scores), minlength=options.bins)
        apart = np.abs(observed - predicted) * held[held > 0]
        found["brier"] = float(sk.brier_score_loss(truth, scores))
        found["calibration_error"] = float(apart.sum() / len(truth))
    return found


def _number(value: Statistic) -> float:
    assert not isinstance(value, tuple)  # counts and sums by these names, never scores
    return value
