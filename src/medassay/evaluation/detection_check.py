"""Double entry of detection figures: marks matched again pair by pair, curves and precision by other algorithms."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from medassay.core.estimate import Estimate
from medassay.evaluation.table_scorer import Again, again
from medassay.formats.predictions.marks import Mark
from medassay.statistics.average_precision import average_precision
from medassay.statistics.average_precision_check import by_definition, by_sklearn
from medassay.statistics.froc_check import mean_sensitivity_by_roc
from medassay.tasks.detection import CaseMarks
from medassay.tasks.detection_check import recounted_boxes, recounted_points
from medassay.tasks.points import PointRules

FEW = (
    1500  # detections that are looked at threshold by threshold; beyond, scikit-learn's step sum is compared
)
Place = tuple[float, ...]
FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]


def points_again(
    matched: Sequence[tuple[CaseMarks, Sequence[Mark], Sequence[Mark], Sequence[Mark]]], rules: PointRules
) -> list[Again]:
    """Findings found, false marks, and the sum of the scores of each, by a walk over all pairs."""
    ours, theirs = ([0.0] * 4 for _ in range(2))
    for found, findings, excluded, marks in matched:
        told = recounted_points(
            [(mark.place, _radius(mark)) for mark in findings],
            [(mark.place, _radius(mark)) for mark in excluded],
            [(mark.place, mark.score) for mark in marks],
            unknown_radius_mm=rules.unknown_radius_mm,
            most_marks=rules.most_marks,
        )
        _add(ours, found.hit_scores.tolist(), found.false_scores.tolist())
        _add(theirs, told["hit"], told["false"])
    return _compared(ours, theirs, "tasks.detection_check.recounted_points")


def boxes_again(
    matched: Sequence[tuple[CaseMarks, Sequence[Place], Sequence[Place], Sequence[Place], Sequence[float]]],
    threshold: float,
) -> list[Again]:
    """The same of boxes; cases with more marks than may be are counted once only."""
    ours, theirs = ([0.0] * 4 for _ in range(2))
    for found, single, crowd, places, scores in matched:
        if found.over_limit:
            continue
        fates = recounted_boxes(
            [*single, *crowd],
            places,
            scores,
            threshold=threshold,
            crowd=[False] * len(single) + [True] * len(crowd),
        )
        _add(ours, found.hit_scores.tolist(), found.false_scores.tolist())
        by_fate = {
            fate: [s for s, own in zip(scores, fates, strict=True) if own == fate]
            for fate in ("correct", "false")
        }
        _add(theirs, by_fate["correct"], by_fate["false"])
    return _compared(ours, theirs, "tasks.detection_check.recounted_boxes")


def curve_again(cpm: Estimate, cases: Sequence[CaseMarks], rates: Sequence[float]) -> list[Again]:
    """The mean sensitivity by scikit-learn's ROC curve."""
    findings = sum(case.findings for case in cases)
    if not findings:
        return []
    second = mean_sensitivity_by_roc(
        np.concatenate([case.hit_scores for case in cases]),
        np.concatenate([case.false_scores for case in cases]),
        findings=findings,
        cases=len(cases),
        rates=rates,
    )
    return again("cpm", cpm, second, "scikit-learn roc_curve")


def precision_again(
    name: str, first: Estimate, scores: FloatArray, correct: BoolArray, ignored: BoolArray, references: int
) -> list[Again]:
    """Average precision by its definition, or the step sum of the same detections by scikit-learn."""
    if not references:
        return []
    kept = ~ignored
    if int(kept.sum()) <= FEW:
        return again(
            name, first, by_definition(scores[kept], correct[kept], references), "precision at each recall"
        )
    step = average_precision(scores[kept], correct[kept], references, convention="step")
    second = by_sklearn(scores[kept], correct[kept], references)
    return again(f"{name} (step sum)", step, second, "scikit-learn average_precision_score")


def _radius(mark: Mark) -> float:
    return -1.0 if math.isnan(mark.diameter) else mark.diameter / 2


def _add(sums: list[float], hits: Sequence[float], false: Sequence[float]) -> None:
    for place, value in enumerate((len(hits), math.fsum(hits), len(false), math.fsum(false))):
        sums[place] += value


def _compared(ours: Sequence[float], theirs: Sequence[float], by: str) -> list[Again]:
    names = ("findings_found", "scores_of_findings_found", "false_marks", "scores_of_false_marks")
    return [
        Again(name, first, second, 1e-9 * max(1.0, abs(first)), by)
        for name, first, second in zip(names, ours, theirs, strict=True)
    ]
