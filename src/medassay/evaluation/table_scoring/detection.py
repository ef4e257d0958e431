"""Detection of boxes or points from the marks of all cases: COCO, PASCAL VOC, LUNA16 or plain tables.

Points are matched by the LUNA16 rules (a finding is found at the score of its best mark), boxes by the COCO rules
(one to one, by falling score); both give FROC figures, boxes average precision as well. A case in which nothing is
marked is a case with nothing found: all its findings are missed. A mark that cannot be placed is a false mark.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from medassay.core.errors import WrongUse, located
from medassay.core.estimate import Estimate
from medassay.evaluation.detection_check import boxes_again, curve_again, points_again, precision_again
from medassay.evaluation.table_scorer import (
    Again,
    CaseOutcome,
    Tabled,
    TableOptions,
    flawed_reference,
    unknown_rows,
)
from medassay.formats.predictions.marks import Flaw, Mark, Marks, coco_names, read_marks
from medassay.statistics import froc
from medassay.statistics.average_precision import (
    average_precision,
    average_precision_over_subjects,
    mean_over,
)
from medassay.statistics.delong import auc
from medassay.tasks.boxes import COCO_IOUS, BoxMatches, centre_in_box, iou, match_boxes
from medassay.tasks.detection import CaseMarks, one_to_one
from medassay.tasks.points import PointRules, match_points

VERSION = "1.0"
EVERY_LABEL = ""
FloatArray = NDArray[np.float64]


class Options(TableOptions):
    """The declared conventions of a detection."""

    iou: float = Field(
        default=0.5, gt=0, le=1, description="boxes: least overlap of a hit, for the FROC figures"
    )
    hit: Literal["iou", "centre"] = Field(
        default="iou", description="boxes: a hit by overlap, or by the centre of the mark in the finding"
    )
    reach_mm: float | None = Field(
        default=None, gt=0, description="points: distance of a hit; default the radius of each finding"
    )
    on_the_edge: bool = Field(default=False, description="points: a mark at exactly that distance is a hit")
    unknown_radius_mm: float = Field(
        default=5.0, gt=0, description="points: of a finding whose diameter is negative or not given"
    )
    labels: bool = Field(default=True, description="a mark finds findings of its own label only")
    most_marks: int | None = Field(default=100, ge=1, description="of a case and label, by score; null: all")
    rates: tuple[float, ...] = Field(
        default=froc.LUNA16_RATES, min_length=1, description="false marks a case at which the curve is read"
    )
    threshold: float | None = Field(
        default=None, description="operating point of the lesion- and subject-level figures; default none"
    )
    subjects: dict[str, str] = Field(
        default_factory=dict, description="case to subject, where subjects have several cases"
    )


@dataclass(frozen=True)
class _Test:
    """Both sides, and every pair of case and label that is matched by itself."""

    reference: Marks
    predictions: Marks
    cases: tuple[str, ...]
    labels: tuple[str, ...]
    flawed: tuple[Flaw, ...]
    left_out: int

    @property
    def highest(self) -> float:
        """The score of a mark that cannot be placed."""
        return max((mark.score for mark in self.predictions.marks), default=1.0)

    @property
    def kind(self) -> str:
        return self.reference.kind or self.predictions.kind or "box"


def score(reference: Mapping[str, bytes], predictions: Mapping[str, bytes], options: Options) -> Tabled:
    """Score a detection.

    Raises
    ------
    WrongUse
        As every `TableScorer`; and for predictions without scores, or of another kind than the reference.
    """
    test = _read(reference, predictions, options)
    matched, marks_again = (_points if test.kind == "point" else _boxes)(test, options)
    by_case = [_with_flaws(matched[case], case, test) for case in test.cases]
    subjects = [options.subjects.get(case, case) for case in test.cases]
    marks = froc.ranked_marks(
        [case.hit_scores for case in by_case],
        [case.false_scores for case in by_case],
        [case.findings for case in by_case],
        subjects=subjects,
    )
    figures = _curve_figures(marks, options)
    entries = marks_again + curve_again(figures["cpm"], by_case, options.rates)
    if options.threshold is not None:
        figures |= _figures_at(marks, options.threshold, options)
    if test.kind == "box":
        precision, twice = _precision_figures(test, subjects, options)
        figures |= precision
        entries += twice
    return Tabled(
        figures=figures,
        cases=tuple(_outcome(case, found, test) for case, found in zip(test.cases, by_case, strict=True)),
        again=tuple(entries),
        unit_of_analysis="subject" if options.subjects else "case",
        tests={},
        left_out=test.left_out,
        remarks=_remarks(test, by_case),
    )


def _read(reference: Mapping[str, bytes], predictions: Mapping[str, bytes], options: Options) -> _Test:
    renamed = {theirs: ours for ours, theirs in options.reference_columns.items()}
    with located("reference"):
        ours = read_marks(reference, names=renamed, case_lists=True)
    if ours.flawed:
        raise flawed_reference(f"{len(ours.flawed)} findings that cannot be placed", ours.flawed[0].reason)
    named = {theirs: column for column, theirs in options.prediction_columns.items()} | coco_names(reference)
    with located("prediction"):
        theirs = read_marks(predictions, names=named)
    if ours.kind and theirs.kind and ours.kind != theirs.kind:
        raise WrongUse(
            found=f"{theirs.kind} predictions for a {ours.kind} reference",
            wanted="marks of one kind",
            remedy="Compare boxes with boxes and points with points.",
        )
    if any(np.isnan(mark.score) for mark in theirs.marks):
        raise WrongUse(
            found="marks without a score",
            wanted="a score for every mark",
            remedy="Write a column `score`; a device with one operating point gives 1 to all of its marks.",
            where="prediction",
        )
    listed = _listed_cases(ours, reference)
    made = [mark.case for mark in theirs.marks] + [flaw.case for flaw in theirs.flawed]
    left_out = unknown_rows(listed, made, options)
    known = set(listed)
    strangers = sum(mark.case not in known for mark in ours.marks)
    if strangers:
        raise flawed_reference(f"{strangers} findings of cases that the list of cases does not hold", "")
    named_labels = (*ours.labels, *theirs.labels, *(flaw.label for flaw in theirs.flawed))
    labels = tuple(dict.fromkeys(named_labels)) if options.labels else (EVERY_LABEL,)
    return _Test(
        ours,
        replace(theirs, marks=tuple(mark for mark in theirs.marks if mark.case in known)),
        listed,
        labels or (EVERY_LABEL,),
        tuple(flaw for flaw in theirs.flawed if flaw.case in known),
        left_out,
    )


def _listed_cases(ours: Marks, files: Mapping[str, bytes]) -> tuple[str, ...]:
    """A list of cases, where a file gives one, says which cases the test has; else the reference's own rows do."""
    lists = [found for name, content in files.items() if (found := _only_list(name, content))]
    return tuple(dict.fromkeys(case for cases in lists for case in cases)) if lists else ours.cases


def _only_list(name: str, content: bytes) -> tuple[str, ...]:
    """The cases of a file that lists nothing else; empty for every other file."""
    found = read_marks({name: content}, case_lists=True)
    return found.cases if found.kind is None and not found.marks else ()


def _grouped(marks: Sequence[Mark], options: Options) -> dict[tuple[str, str], list[Mark]]:
    groups: dict[tuple[str, str], list[Mark]] = {}
    for mark in marks:
        groups.setdefault((mark.case, mark.label if options.labels else EVERY_LABEL), []).append(mark)
    return groups


def _pairs(test: _Test, options: Options) -> Iterator[tuple[str, str, list[Mark], list[Mark]]]:
    """Findings and marks of each case and label."""
    ours, theirs = (_grouped(side.marks, options) for side in (test.reference, test.predictions))
    for case in test.cases:
        for label in test.labels:
            yield case, label, ours.get((case, label), []), theirs.get((case, label), [])


def _points(test: _Test, options: Options) -> tuple[dict[str, CaseMarks], list[Again]]:
    rules = PointRules(
        reach_mm=options.reach_mm,
        on_the_edge=options.on_the_edge,
        unknown_radius_mm=options.unknown_radius_mm,
        most_marks=options.most_marks,
    )
    excluded = _grouped(test.reference.excluded, options.model_copy(update={"labels": False}))
    matched: dict[str, CaseMarks] = {}
    twice = []
    for case, _, findings, marks in _pairs(test, options):
        others = excluded.get((case, EVERY_LABEL), [])
        found = match_points(
            [mark.place for mark in findings],
            [_radius(mark) for mark in findings],
            [mark.place for mark in marks],
            [mark.score for mark in marks],
            excluded_centres_mm=[mark.place for mark in others],
            excluded_radius_mm=[_radius(mark) for mark in others],
            rules=rules,
        )
        twice.append((found, findings, others, marks))
        matched[case] = _joined(matched.get(case), found)
    plain = options.reach_mm is None and not options.on_the_edge
    return matched, points_again(twice, rules) if plain else []


def _radius(mark: Mark) -> float:
    """Half the diameter; a negative one or none is unknown."""
    return -1.0 if np.isnan(mark.diameter) else mark.diameter / 2


def _boxes(test: _Test, options: Options) -> tuple[dict[str, CaseMarks], list[Again]]:
    matched: dict[str, CaseMarks] = {}
    twice = []
    for case, _, findings, marks in _pairs(test, options):
        single = [mark.place for mark in findings if not mark.crowd]
        crowd = [mark.place for mark in findings if mark.crowd]
        places, scores = [mark.place for mark in marks], [mark.score for mark in marks]
        shares = iou(places, single)
        inside = centre_in_box(places, single)
        found = one_to_one(
            inside if options.hit == "centre" else shares >= options.iou - 1e-10,
            scores,
            closeness=shares,
            on_excluded=iou(places, crowd, crowd=[True] * len(crowd)) >= options.iou - 1e-10,
            most_marks=options.most_marks,
        )
        twice.append((found, single, crowd, places, scores))
        matched[case] = _joined(matched.get(case), found)
    return matched, boxes_again(twice, options.iou) if options.hit == "iou" else []


def _joined(first: CaseMarks | None, second: CaseMarks) -> CaseMarks:
    """Two labels of one case."""
    if first is None:
        return second
    return CaseMarks(
        first.findings + second.findings,
        np.concatenate([first.hit_scores, second.hit_scores]),
        np.concatenate([first.false_scores, second.false_scores]),
        first.marks + second.marks,
        first.surplus + second.surplus,
        first.on_excluded + second.on_excluded,
        first.over_limit + second.over_limit,
    )


def _with_flaws(found: CaseMarks, case: str, test: _Test) -> CaseMarks:
    """A mark that cannot be placed is false, and at the highest score that the predictions hold."""
    flaws = sum(flaw.case == case for flaw in test.flawed)
    if not flaws:
        return found
    return replace(
        found,
        false_scores=np.concatenate([found.false_scores, np.full(flaws, test.highest)]),
        marks=found.marks + flaws,
    )


def _curve_figures(marks: froc.RankedMarks, options: Options) -> dict[str, Estimate]:
    chosen: dict[str, Any] = {"seed": options.seed, "replicates": options.replicates}
    figures = {
        "cpm": froc.competition_performance_metric(
            marks, rates=options.rates, confidence=options.confidence, **chosen
        )
    }
    for rate in options.rates:
        figures[f"sensitivity_at[{rate:g}]"] = froc.froc_sensitivity(
            marks, rate, confidence=options.confidence, **chosen
        )
    lowest = float(marks.scores.min(initial=0.0))
    figures["sensitivity"] = froc.lesion_sensitivity(marks, lowest, **chosen)
    figures["false_marks_per_case"] = froc.false_marks_per_case(marks, lowest, **chosen)
    ratings, diseased = froc.subject_ratings(marks, without_mark=lowest - 1)
    figures["subject_auc"] = auc(diseased.astype(np.int64), ratings, confidence=options.confidence)
    return figures


def _figures_at(marks: froc.RankedMarks, threshold: float, options: Options) -> dict[str, Estimate]:
    chosen = {"seed": options.seed, "replicates": options.replicates}
    return {
        "sensitivity_at_threshold": froc.lesion_sensitivity(marks, threshold, **chosen),
        "false_marks_per_case_at_threshold": froc.false_marks_per_case(marks, threshold, **chosen),
        "subject_sensitivity_at_threshold": froc.subject_sensitivity(marks, threshold),
        "subject_specificity_at_threshold": froc.subject_specificity(marks, threshold),
    }


def _precision_figures(
    test: _Test, subjects: Sequence[str], options: Options
) -> tuple[dict[str, Estimate], list[Again]]:
    """COCO's mean over labels and IoU, and average precision at IoU 0.5 of each label."""
    number = {name: place for place, name in enumerate(dict.fromkeys(subjects))}
    owner = {case: number[subject] for case, subject in zip(test.cases, subjects, strict=True)}
    figures: dict[str, Estimate] = {}
    every: list[Estimate] = []
    entries: list[Again] = []
    for label in test.labels:
        pooled = _pooled(test, label, owner, len(number), options)
        name = f"average_precision_50[{label}]" if label else "average_precision_50"
        figures[name] = average_precision_over_subjects(
            pooled.scores,
            pooled.correct[0],
            pooled.subject,
            pooled.references,
            seed=options.seed,
            ignored=pooled.ignored[0],
            replicates=options.replicates,
            confidence=options.confidence,
        )
        total = int(pooled.references.sum())
        for correct, ignored in zip(pooled.correct, pooled.ignored, strict=True):
            every.append(average_precision(pooled.scores, correct, total, ignored=ignored))
        entries += precision_again(
            name, figures[name], pooled.scores, pooled.correct[0], pooled.ignored[0], total
        )
    mean = mean_over(every)
    figures["average_precision"] = (
        mean
        if mean.undefined
        else mean.model_copy(update={"undefined": "no interval: a mean over labels and overlaps"})
    )
    return figures, entries


@dataclass(frozen=True)
class _Pooled:
    """Detections of one label over all cases."""

    scores: FloatArray
    correct: NDArray[np.bool_]  # (n_thresholds, n)
    ignored: NDArray[np.bool_]
    subject: NDArray[np.int64]
    references: FloatArray  # (n_subjects,)


def _pooled(test: _Test, label: str, owner: Mapping[str, int], subjects: int, options: Options) -> _Pooled:
    """Match each case by the COCO rules; a mark that cannot be placed is false."""
    found = [
        (owner[case], _matched(findings, marks, options))
        for case, of, findings, marks in _pairs(test, options)
        if of == label
    ]
    flawed = [owner[flaw.case] for flaw in test.flawed if not options.labels or flaw.label == label]
    none = np.zeros((len(COCO_IOUS), len(flawed)), np.bool_)
    references = np.zeros(subjects)
    for subject, match in found:
        references[subject] += match.references
    return _Pooled(
        np.concatenate([*(match.scores for _, match in found), np.full(len(flawed), test.highest)]),
        np.concatenate([*(match.correct for _, match in found), none], axis=1),
        np.concatenate([*(match.ignored for _, match in found), none], axis=1),
        np.array([subject for subject, match in found for _ in match.scores] + flawed, np.int64),
        references,
    )


def _matched(findings: Sequence[Mark], marks: Sequence[Mark], options: Options) -> BoxMatches:
    areas = [mark.area for mark in findings]
    return match_boxes(
        [mark.place for mark in findings],
        [mark.place for mark in marks],
        [mark.score for mark in marks],
        crowd=[mark.crowd for mark in findings],
        reference_area=None if any(np.isnan(areas)) else areas,
        most_marks=options.most_marks,
    )


def _outcome(case: str, found: CaseMarks, test: _Test) -> CaseOutcome:
    flaws = [flaw.reason for flaw in test.flawed if flaw.case == case]
    statistics = {
        "findings": float(found.findings),
        "found": float(len(found.hit_scores)),
        "false_marks": float(len(found.false_scores)),
        "marks": float(found.marks),
        "surplus": float(found.surplus),
        "on_excluded": float(found.on_excluded),
        "over_limit": float(found.over_limit),
    }
    if flaws:
        return CaseOutcome(case, "unusable", statistics, f"{len(flaws)} marks are false: {flaws[0]}")
    if not found.marks and not found.over_limit:
        return CaseOutcome(case, "missing", statistics, "no mark: nothing was found")
    return CaseOutcome(case, "scored", statistics)


def _remarks(test: _Test, by_case: Sequence[CaseMarks]) -> tuple[str, ...]:
    over = sum(case.over_limit for case in by_case)
    empty = sum(not case.marks for case in by_case)
    remarks = []
    if empty:
        remarks.append(f"{empty} of {len(by_case)} cases have no mark: nothing was found there")
    if test.flawed:
        remarks.append(f"{len(test.flawed)} marks cannot be placed: false marks at the highest score")
    if over:
        remarks.append(f"{over} marks beyond the most that a case may have are left out")
    return tuple(remarks)
