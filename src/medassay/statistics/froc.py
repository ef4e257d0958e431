"""Free-response ROC: sensitivity over findings against false marks a case, with intervals over subjects.

All marks of a test are matched and sorted once. A resample of subjects weighs them anew, so that it costs two
cumulative sums and a look at each rate.

References
----------
Chakraborty, Med Phys 16:561-568, 1989 (FROC); Setio et al., Med Image Anal 42:1-13, 2017 (LUNA16: mean sensitivity
at 1/8 to 8 false marks a scan); van Ginneken et al., Med Image Anal 14:707-722, 2010 (competition performance
metric).
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from medassay.core.errors import WrongUse
from medassay.core.estimate import Estimate
from medassay.core.method import method
from medassay.statistics.proportion import proportion
from medassay.statistics.ratio import ratio
from medassay.statistics.resampled_interval import Interval
from medassay.statistics.resampled_subjects import over_subjects

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]
Reading = Literal["luna16", "linear", "step"]

LUNA16_RATES: tuple[float, ...] = (0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0)


@dataclass(frozen=True)
class RankedMarks:
    """Detected findings and false marks of a test by falling score, and what each subject adds."""

    scores: FloatArray  # (n,), falling
    true: BoolArray  # (n,): a detected finding; else a false mark
    subject: IntArray  # (n,): index
    findings: FloatArray  # (n_subjects,)
    cases: FloatArray  # (n_subjects,)


@dataclass(frozen=True)
class FrocCurve:
    """One point a distinct score, marks at or above it counted; the first is (infinity, 0, 0)."""

    thresholds: FloatArray
    false_per_case: FloatArray
    sensitivity: FloatArray


def ranked_marks(
    hit_scores: Sequence[ArrayLike],
    false_scores: Sequence[ArrayLike],
    findings: Sequence[int],
    *,
    subjects: Sequence[Hashable] | None = None,
) -> RankedMarks:
    """Put the cases of a test together.

    Parameters
    ----------
    hit_scores, false_scores : one array a case
        Scores at which its detected findings are detected, and of its false marks.
    findings : one count a case
        Findings that count, detected or not.
    subjects : one a case, None: each case is a subject of its own
        Cases of one subject are resampled together.

    Raises
    ------
    WrongUse
        When a score is not finite, or a case has more detected findings than findings.

    Examples
    --------
    >>> ranked_marks([[0.9], []], [[0.5], [0.7]], [2, 0]).scores.tolist()
    [0.9, 0.7, 0.5]
    """
    names = list(range(len(findings))) if subjects is None else list(subjects)
    if not len(hit_scores) == len(false_scores) == len(findings) == len(names):
        raise WrongUse(
            found=f"{len(hit_scores)}, {len(false_scores)}, {len(findings)} and {len(names)} entries",
            wanted="an entry a case in each",
            remedy="Give every case, also those without a mark or without a finding.",
        )
    index = {name: place for place, name in enumerate(dict.fromkeys(names))}
    owner = np.array([index[name] for name in names], np.int64)
    counts = np.asarray(findings, np.float64)
    lists = [[np.asarray(one, np.float64).reshape(-1) for one in side] for side in (hit_scores, false_scores)]
    lengths = [np.array([len(one) for one in side], np.int64) for side in lists]
    scores = np.concatenate([*lists[0], *lists[1], np.zeros(0)])
    if not np.isfinite(scores).all() or (lengths[0] > counts).any() or (counts < 0).any():
        raise WrongUse(
            found="a score that is not finite, or a case with more detected findings than findings",
            wanted="finite scores, and no finding detected twice",
            remedy="Match the marks with `tasks.points` or `tasks.boxes` first.",
        )
    true = np.arange(len(scores)) < lengths[0].sum()
    subject = np.concatenate([np.repeat(owner, length) for length in lengths])
    order = np.argsort(-scores, kind="stable")
    return RankedMarks(
        scores[order],
        true[order],
        subject[order],
        np.bincount(owner, counts, len(index)).astype(np.float64),
        np.bincount(owner, minlength=len(index)).astype(np.float64),
    )


@method(
    id="froc",
    task="detection",
    zh="自由响应受试者工作特征曲线",
    en="free-response ROC curve",
    formula="for each score t: (false marks >= t / cases, findings detected at >= t / findings)",
    source="Chakraborty, Med Phys 16:561-568, 1989",
    check="LUNA16 evaluation script on shared cases; scikit-learn roc_curve in froc_check",
)
def froc_curve(marks: RankedMarks) -> FrocCurve | None:
    """The curve over all scores; None without a case or a finding.

    Examples
    --------
    >>> curve = froc_curve(ranked_marks([[0.9], []], [[0.5], [0.7]], [2, 0]))
    >>> curve.false_per_case.tolist(), curve.sensitivity.tolist()
    ([0.0, 0.0, 0.5, 1.0], [0.0, 0.5, 0.5, 0.5])
    """
    if not marks.findings.sum() or not marks.cases.sum():
        return None
    last = np.flatnonzero(np.diff(marks.scores, append=-np.inf))  # of each run of equal scores
    false, hits = (np.concatenate([[0], np.cumsum(kind)[last]]) for kind in (~marks.true, marks.true))
    thresholds = np.concatenate([[np.inf], marks.scores[last]])
    return FrocCurve(thresholds, false / marks.cases.sum(), hits / marks.findings.sum())


@method(
    id="froc-sensitivity",
    task="detection",
    zh="给定每例假阳性数下的病灶灵敏度",
    en="sensitivity at a number of false marks per case",
    formula="FROC curve read at x false marks per case; interval by resampling subjects",
    source="Setio et al., Med Image Anal 42:1-13, 2017",
    check="LUNA16 evaluation script on shared cases; scikit-learn roc_curve in froc_check",
)
def froc_sensitivity(
    marks: RankedMarks,
    false_per_case: float,
    *,
    seed: int,
    reading: Reading = "luna16",
    replicates: int = 2000,
    confidence: float = 0.95,
    interval: Interval = "percentile",
) -> Estimate:
    """Share of findings detected at so many false marks a case, with an interval over subjects.

    Parameters are those of `competition_performance_metric`.

    Examples
    --------
    >>> marks = ranked_marks([[0.9], [0.6]], [[0.5], [0.7]], [2, 1])
    >>> round(froc_sensitivity(marks, 0.5, seed=1).value, 3)
    0.667
    """
    return competition_performance_metric(
        marks,
        rates=(false_per_case,),
        seed=seed,
        reading=reading,
        replicates=replicates,
        confidence=confidence,
        interval=interval,
    )


@method(
    id="competition-performance-metric",
    task="detection",
    zh="竞赛性能指标（CPM，七个假阳性率下的平均灵敏度）",
    en="competition performance metric (CPM)",
    formula="mean of the sensitivities at 1/8, 1/4, 1/2, 1, 2, 4 and 8 false marks per case",
    source="Setio et al., Med Image Anal 42:1-13, 2017; van Ginneken et al., Med Image Anal 14:707-722, 2010",
    check="LUNA16 evaluation script on shared cases; scikit-learn roc_curve in froc_check",
)
def competition_performance_metric(
    marks: RankedMarks,
    *,
    seed: int,
    rates: Sequence[float] = LUNA16_RATES,
    reading: Reading = "luna16",
    replicates: int = 2000,
    confidence: float = 0.95,
    interval: Interval = "percentile",
) -> Estimate:
    """Mean sensitivity at the named numbers of false marks a case, with an interval over subjects.

    Parameters
    ----------
    rates : false marks a case at which the curve is read
    reading : "luna16", "linear" or "step"
        Between two points of the curve: on the straight line ("linear"), or the sensitivity of the last
        threshold that makes no more false marks ("step": what a device set to it really shows). On a
        vertical step the upper value counts; beyond the last point the curve stays level. "luna16" is
        linear with the arithmetic of LUNA16's script, which takes false marks back from a share of them:
        where that rounds past a rate that is met exactly, it reads the lower end of the step.
    seed, replicates, confidence, interval
        Of the cluster bootstrap; `interval` is "percentile" or "bca".

    Returns
    -------
    Estimate
        In [0, 1]; not estimable without a finding. `n_subjects` counts those with a finding, `n_events` the
        findings.

    Examples
    --------
    >>> marks = ranked_marks([[0.9], [0.6]], [[0.5], [0.7]], [2, 1])
    >>> round(competition_performance_metric(marks, seed=1).value, 3)
    0.571
    """
    at = np.asarray(rates, np.float64)
    if (
        not len(at)
        or not np.isfinite(at).all()
        or (at < 0).any()
        or reading not in ("luna16", "linear", "step")
    ):
        raise WrongUse(
            found=f"{len(at)} rates, reading {reading!r}",
            wanted="rates of 0 or more; luna16, linear or step",
            remedy="LUNA16 reads at 1/8, 1/4, 1/2, 1, 2, 4 and 8.",
        )
    steps = _steps(marks)
    return over_subjects(
        lambda weights: _mean_sensitivity(marks, steps, weights, at, reading),
        len(marks.cases),
        contributing=int(np.count_nonzero(marks.findings)),
        events=float(marks.findings.sum()),
        undefined="no finding in the reference",
        seed=seed,
        replicates=replicates,
        confidence=confidence,
        interval=interval,
    )


@method(
    id="lesion-localisation",
    task="detection",
    zh="病灶定位率",
    en="lesion localisation rate (lesion-level sensitivity)",
    formula="findings detected at scores >= t / findings",
    source="IEEE 2802-2022 Annex A; Chakraborty, Med Phys 16:561-568, 1989",
    check="FROC curve at the same threshold; hand-worked cases",
)
def lesion_sensitivity(
    marks: RankedMarks, threshold: float, *, seed: int, replicates: int = 2000
) -> Estimate:
    """Share of findings detected at the threshold, clustered by subject.

    Examples
    --------
    >>> lesion_sensitivity(ranked_marks([[0.9], [0.6]], [[0.5], [0.7]], [2, 2]), 0.7, seed=1).value
    0.25
    """
    found = _by_subject(marks, marks.true & (marks.scores >= threshold))
    return ratio(
        found,
        marks.findings,
        undefined="no finding in the reference",
        seed=seed,
        replicates=replicates,
        proportion=True,
    )


@method(
    id="non-lesion-localisation",
    task="detection",
    zh="非病灶定位率",
    en="non-lesion localisation rate (false marks per case)",
    formula="false marks at scores >= t / cases",
    source="IEEE 2802-2022 Annex A; Chakraborty, Med Phys 16:561-568, 1989",
    check="FROC curve at the same threshold; hand-worked cases",
)
def false_marks_per_case(
    marks: RankedMarks, threshold: float, *, seed: int, replicates: int = 2000
) -> Estimate:
    """False marks a case at the threshold, clustered by subject; it has no upper limit.

    Examples
    --------
    >>> false_marks_per_case(ranked_marks([[0.9], [0.6]], [[0.5], [0.7]], [2, 2]), 0.7, seed=1).value
    0.5
    """
    false = _by_subject(marks, ~marks.true & (marks.scores >= threshold))
    return ratio(
        false, marks.cases, undefined="no case", seed=seed, replicates=replicates, unit="{mark}/{case}"
    )


@method(
    id="subject-sensitivity",
    task="detection",
    zh="受试者水平灵敏度",
    en="subject-level sensitivity",
    formula="subjects with a finding who are called / subjects with a finding",
    source="FDA, Clinical performance assessment: CADe devices, 2022",
    check="hand-worked cases; Wilson interval by statistics.proportion",
)
def subject_sensitivity(
    marks: RankedMarks, threshold: float, *, called_by: Literal["true_mark", "any_mark"] = "true_mark"
) -> Estimate:
    """Share of subjects with a finding who are called at the threshold, with its Wilson interval.

    Parameters
    ----------
    called_by : "true_mark" or "any_mark"
        A subject is called by a mark on one of its findings; or by any mark, which also counts who was called
        for the wrong reason.

    Examples
    --------
    >>> subject_sensitivity(ranked_marks([[0.9], []], [[0.5], [0.7]], [2, 1]), 0.6).value
    0.5
    """
    counted = marks.true if called_by == "true_mark" else np.ones(len(marks.scores), np.bool_)
    called = _by_subject(marks, counted & (marks.scores >= threshold)) > 0
    with_finding = marks.findings > 0
    return _of_subjects(called & with_finding, with_finding, "no subject with a finding")


@method(
    id="subject-specificity",
    task="detection",
    zh="受试者水平特异度",
    en="subject-level specificity",
    formula="subjects without a finding who have no mark / subjects without a finding",
    source="FDA, Clinical performance assessment: CADe devices, 2022",
    check="hand-worked cases; Wilson interval by statistics.proportion",
)
def subject_specificity(marks: RankedMarks, threshold: float) -> Estimate:
    """Share of subjects without a finding who have no mark at the threshold, with its Wilson interval.

    Examples
    --------
    >>> subject_specificity(ranked_marks([[0.9], [], []], [[], [0.7], []], [2, 0, 0]), 0.6).value
    0.5
    """
    without = marks.findings == 0
    clear = _by_subject(marks, marks.scores >= threshold) == 0
    return _of_subjects(clear & without, without, "every subject has a finding")


def subject_ratings(marks: RankedMarks, *, without_mark: float) -> tuple[FloatArray, BoolArray]:
    """The highest score of each subject and whether it has a finding: what a subject-level ROC takes.

    Parameters
    ----------
    without_mark : float
        The rating of a subject without any mark: below every score that the device can give.

    Examples
    --------
    >>> scores, diseased = subject_ratings(ranked_marks([[0.9], []], [[], []], [2, 0]), without_mark=-1)
    >>> scores.tolist(), diseased.tolist()
    ([0.9, -1.0], [True, False])
    """
    highest = np.full(len(marks.cases), without_mark, np.float64)
    np.maximum.at(highest, marks.subject, marks.scores)
    return highest, marks.findings > 0


@dataclass(frozen=True)
class _Steps:
    """Where each false mark lies on the curve: the same for every weight of subjects.

    Marks of one score are one step. Of each false mark: the first and last false mark of its step, and how
    many detected findings lie before the step and up to its end.
    """

    hit_subject: IntArray
    false_subject: IntArray
    first: IntArray
    last: IntArray
    hits_before: IntArray
    hits_through: IntArray


def _steps(marks: RankedMarks) -> _Steps:
    level = np.cumsum(np.diff(marks.scores, prepend=np.inf) != 0)
    hits, false = level[marks.true], level[~marks.true]
    return _Steps(
        marks.subject[marks.true],
        marks.subject[~marks.true],
        np.searchsorted(false, false, side="left"),
        np.searchsorted(false, false, side="right") - 1,
        np.searchsorted(hits, false, side="left"),
        np.searchsorted(hits, false, side="right"),
    )


def _mean_sensitivity(
    marks: RankedMarks, steps: _Steps, weights: FloatArray, rates: FloatArray, reading: Reading
) -> FloatArray:
    """The mean over the rates of each row of subject weights; NaN without a finding."""
    figures = np.full(len(weights), np.nan)
    cases, findings = weights @ marks.cases, weights @ marks.findings
    for row in np.flatnonzero((cases > 0) & (findings > 0)):
        hits = np.concatenate([[0.0], np.cumsum(weights[row].take(steps.hit_subject))])
        false = np.cumsum(weights[row].take(steps.false_subject))
        read = _read(steps, hits / findings[row], _per_case(false, cases[row], reading), rates, reading)
        figures[row] = read.mean()
    return figures


def _per_case(false: FloatArray, cases: float, reading: Reading) -> FloatArray:
    shares: FloatArray = false
    if reading == "luna16" and len(false) and false[-1] > 0:
        shares = false / false[-1] * false[-1]  # the script's order of operations
    return shares / cases


def _read(
    steps: _Steps, sensitivity: FloatArray, per_case: FloatArray, rates: FloatArray, reading: Reading
) -> FloatArray:
    """Sensitivity at each rate: between the step before the first false mark too many and that mark's step."""
    read = np.full(len(rates), sensitivity[-1])
    beyond = np.searchsorted(per_case, rates, side="right")
    for place in np.flatnonzero(beyond < len(per_case)):
        mark = beyond[place]
        before, through = sensitivity[steps.hits_before[mark]], sensitivity[steps.hits_through[mark]]
        read[place] = before
        if reading != "step":
            start = per_case[steps.first[mark] - 1] if steps.first[mark] else 0.0
            slope = (through - before) / (per_case[steps.last[mark]] - start)
            read[place] += slope * (rates[place] - start)
    return read


def _by_subject(marks: RankedMarks, counted: BoolArray) -> FloatArray:
    return np.bincount(marks.subject, counted, len(marks.cases)).astype(np.float64)


def _of_subjects(called: BoolArray, among: BoolArray, undefined: str) -> Estimate:
    found = proportion(int(np.count_nonzero(called)), int(np.count_nonzero(among)))
    return found if found.value is not None else found.model_copy(update={"undefined": undefined})
