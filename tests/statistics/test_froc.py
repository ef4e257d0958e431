"""FROC and CPM: hand-worked curves, a second count, resamples matched anew, laws, and bad input."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference_cases import FOLDER
from reference_cases.detection import luna_marks

from medassay.core.errors import WrongUse
from medassay.statistics.froc import (
    LUNA16_RATES,
    competition_performance_metric,
    false_marks_per_case,
    froc_curve,
    froc_sensitivity,
    lesion_sensitivity,
    ranked_marks,
    subject_ratings,
    subject_sensitivity,
    subject_specificity,
)
from medassay.statistics.froc_check import mean_sensitivity_by_roc
from medassay.statistics.resampling import percentile_interval, resampling_weights

few = settings(max_examples=40)

score = st.integers(0, 6).map(lambda n: n / 6)
case = st.tuples(st.lists(score, max_size=3), st.lists(score, max_size=4), st.integers(0, 2)).map(
    lambda c: (c[0], c[1], len(c[0]) + c[2])
)
tests = st.lists(case, min_size=1, max_size=8)
with_finding = tests.filter(lambda cases: any(n for _, _, n in cases))


def ranked(cases, **options):
    return ranked_marks(*([c[part] for c in cases] for part in range(3)), **options)


def cpm(marks, **options):
    return competition_performance_metric(marks, seed=1, replicates=options.pop("replicates", 20), **options)


def drawn(cases, seed):
    generator = np.random.default_rng(seed)
    for _ in range(cases):
        hits = generator.random(generator.integers(0, 3)).round(2)
        yield (
            hits,
            generator.random(generator.integers(0, 5)).round(2),
            len(hits) + int(generator.integers(0, 2)),
        )


@few
@given(cases=with_finding)
def test_scikit_learns_roc_curve_gives_the_same_mean_sensitivity(cases):
    again = mean_sensitivity_by_roc(
        np.concatenate([c[0] for c in cases]),
        np.concatenate([c[1] for c in cases]),
        findings=sum(c[2] for c in cases),
        cases=len(cases),
        rates=LUNA16_RATES,
    )
    assert cpm(ranked(cases)).value == pytest.approx(again)


@few
@given(cases=with_finding)
def test_the_curve_rises_within_its_bounds(cases):
    curve = froc_curve(ranked(cases))
    assert (curve.false_per_case[0], curve.sensitivity[0]) == (0, 0)
    assert (np.diff(curve.false_per_case) >= 0).all()
    assert (np.diff(curve.sensitivity) >= 0).all()
    assert (np.diff(curve.thresholds) < 0).all()
    assert curve.sensitivity[-1] == pytest.approx(sum(len(c[0]) for c in cases) / sum(c[2] for c in cases))


@few
@given(cases=with_finding, data=st.data())
def test_the_order_of_cases_does_not_matter(cases, data):
    shuffled = data.draw(st.permutations(cases))
    assert cpm(ranked(shuffled)).value == pytest.approx(cpm(ranked(cases)).value)


@few
@given(cases=with_finding)
def test_a_test_set_said_twice_has_the_same_figures(cases):
    assert cpm(ranked(cases * 2), reading="linear").value == pytest.approx(
        cpm(ranked(cases), reading="linear").value
    )


@few
@given(cases=with_finding)
def test_more_false_marks_are_never_better_and_a_step_is_never_above_the_line(cases):
    worse = [([*c[0]], [*c[1], 0.999], c[2]) for c in cases]
    for reading in ("linear", "step"):
        assert cpm(ranked(worse), reading=reading).value <= cpm(ranked(cases), reading=reading).value + 1e-12
    assert cpm(ranked(cases), reading="step").value <= cpm(ranked(cases), reading="linear").value + 1e-12


def test_a_curve_worked_by_hand():
    marks = ranked_marks([[0.9, 0.4], [], [0.5]], [[0.7, 0.5], [0.3], []], [3, 0, 1])
    curve = froc_curve(marks)
    assert curve.thresholds.tolist() == [np.inf, 0.9, 0.7, 0.5, 0.4, 0.3]
    np.testing.assert_allclose(curve.false_per_case, [0, 0, 1 / 3, 2 / 3, 2 / 3, 1])
    np.testing.assert_allclose(curve.sensitivity, [0, 0.25, 0.25, 0.5, 0.75, 0.75])
    # Half way along the slanted step from (1/3, .25) to (2/3, .5); the upper value at the vertical one.
    assert froc_sensitivity(marks, 0.5, seed=1).value == pytest.approx(0.375)
    assert froc_sensitivity(marks, 0.5, seed=1, reading="step").value == pytest.approx(0.25)
    assert froc_sensitivity(marks, 2 / 3, seed=1).value == pytest.approx(0.75)
    assert froc_sensitivity(marks, 8, seed=1).value == pytest.approx(0.75)


def test_figures_at_a_threshold_worked_by_hand():
    marks = ranked_marks([[0.9, 0.4], [], [], [0.2]], [[0.7], [0.8], [], [0.6]], [3, 0, 0, 1])
    assert lesion_sensitivity(marks, 0.5, seed=1).value == 0.25
    assert false_marks_per_case(marks, 0.5, seed=1).value == 0.75
    assert subject_sensitivity(marks, 0.5).value == 0.5
    assert subject_sensitivity(marks, 0.5, called_by="any_mark").value == 1
    assert subject_specificity(marks, 0.5).value == 0.5
    ratings, diseased = subject_ratings(marks, without_mark=0)
    assert (ratings.tolist(), diseased.tolist()) == ([0.9, 0.8, 0, 0.6], [True, False, False, True])


@few
@given(cases=with_finding, threshold=score)
def test_figures_at_a_threshold_are_a_point_of_the_curve(cases, threshold):
    marks = ranked(cases)
    curve = froc_curve(marks)
    at = np.flatnonzero(curve.thresholds >= threshold)[-1]
    assert lesion_sensitivity(marks, threshold, seed=1, replicates=5).value == pytest.approx(
        curve.sensitivity[at]
    )
    assert false_marks_per_case(marks, threshold, seed=1, replicates=5).value == pytest.approx(
        curve.false_per_case[at]
    )


@pytest.mark.parametrize("reading", ["luna16", "linear"])
def test_the_interval_is_that_of_subjects_drawn_and_scored_anew(reading):
    cases = list(drawn(40, seed=3))
    subjects = [place // 2 for place in range(40)]  # two cases each
    found = cpm(ranked(cases, subjects=subjects), replicates=300, reading=reading)
    figures = []
    for weights in resampling_weights(20, 300, 1):
        again = [c for c, s in zip(cases, subjects, strict=True) for _ in range(int(weights[s]))]
        figures.append(cpm(ranked(again), reading=reading, replicates=1).value)
    assert (found.lower, found.upper) == pytest.approx(percentile_interval(np.array(figures), 0.95))
    assert found.n_subjects == len({s for c, s in zip(cases, subjects, strict=True) if c[2]})
    bca = cpm(ranked(cases, subjects=subjects), replicates=300, interval="bca")
    assert bca.lower < found.value < bca.upper


def test_clusters_make_the_interval_wider_not_narrower():
    """Ten subjects of four like cases each are ten, not forty."""
    cases = [c for c in drawn(10, seed=5) for _ in range(4)]
    alone, clustered = (
        cpm(ranked(cases, subjects=s), replicates=500) for s in (None, [i // 4 for i in range(40)])
    )
    assert clustered.upper - clustered.lower > 1.5 * (alone.upper - alone.lower)


def test_what_cannot_be_estimated_is_said():
    nothing = ranked_marks([[], []], [[0.5], []], [0, 0])
    assert froc_curve(nothing) is None
    assert cpm(nothing).undefined == "no finding in the reference"
    assert subject_sensitivity(nothing, 0.5).undefined == "no subject with a finding"
    assert subject_specificity(ranked_marks([[]], [[]], [1]), 0.5).undefined == "every subject has a finding"
    one = cpm(ranked_marks([[0.5], []], [[], []], [1, 0]))
    assert (one.value, one.lower) == (1, None)
    assert one.undefined == "no interval: fewer than two subjects contribute"
    all_missed = cpm(ranked_marks([[], []], [[], [0.4]], [1, 2]))
    assert all_missed.value == 0  # a device that finds nothing has a figure
    assert all_missed.undefined == "no interval: every resample gives the same figure"


def test_no_mark_at_all_is_no_sensitivity_and_no_false_mark():
    silent = ranked_marks([[], []], [[], []], [1, 1])
    assert cpm(silent).value == 0
    assert false_marks_per_case(silent, 0.5, seed=1).value == 0


BAD = {
    "NaN score": ([[np.nan]], [[]], [1]),
    "infinite score": ([[]], [[np.inf]], [1]),
    "more detected than there are": ([[0.5, 0.6]], [[]], [1]),
    "negative findings": ([[]], [[]], [-1]),
    "a case short": ([[0.5]], [[], []], [1, 1]),
}


@pytest.mark.parametrize("fault", BAD)
def test_marks_that_no_matching_gives_are_refused(fault):
    with pytest.raises(WrongUse):
        ranked_marks(*BAD[fault])


def test_a_rate_or_reading_that_is_none_is_refused():
    marks = ranked_marks([[0.5]], [[]], [1])
    for options in (
        {"rates": ()},
        {"rates": (-1,)},
        {"rates": (np.nan,)},
        {"reading": "cubic"},
        {"replicates": 0},
    ):
        with pytest.raises(WrongUse):
            cpm(marks, **options)


SUBMISSION = FOLDER.parent / "data" / "luna16-csv"


@pytest.mark.shared
@pytest.mark.skipif(not SUBMISSION.is_dir(), reason="the public LUNA16 tables are not beside this repository")
def test_a_real_submission_of_sixty_scans_is_counted_alike_twice():
    matched = luna_marks(SUBMISSION, "_60")
    marks = ranked_marks(
        *([getattr(m, part) for m in matched] for part in ("hit_scores", "false_scores", "findings"))
    )
    again = mean_sensitivity_by_roc(
        np.concatenate([m.hit_scores for m in matched]),
        np.concatenate([m.false_scores for m in matched]),
        findings=74,
        cases=60,
        rates=LUNA16_RATES,
    )
    found = cpm(marks, replicates=500)
    assert found.n_events == 74
    assert found.value == pytest.approx(again)
    assert found.lower < found.value < found.upper
