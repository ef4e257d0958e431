"""A printed figure never contradicts the verdict beside it, and nothing undefined becomes a number."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medassay.core.estimate import Estimate
from medassay.reports import numbers


def test_a_bound_is_printed_on_its_own_side_of_the_goal():
    assert numbers.number(0.8996, against=0.9) == "0.8996"
    assert numbers.number(0.9, against=0.9) == "0.900"
    assert numbers.number(0.90004, against=0.9) == "0.90004"
    assert numbers.number(0.8996) == "0.900"


@given(st.floats(-5, 5), st.floats(-5, 5))
def test_rounding_never_moves_a_figure_onto_or_over_its_goal(value, goal):
    if abs(value - goal) < 1e-11:
        return
    shown = float(numbers.number(value, against=goal).replace("−", "-"))
    assert (shown > goal) == (value > goal)
    assert (shown < goal) == (value < goal)


@pytest.mark.parametrize(
    ("value", "unit", "shown"), [(-0.0001, "1", "0.000"), (-0.5, "mm", "−0.50"), (12.3456, "mg/dL", "12.35")]
)
def test_signs_and_decimals(value, unit, shown):
    assert numbers.number(value, unit) == shown


def test_what_is_not_estimable_is_said_with_its_reason():
    none = Estimate(value=None, n_subjects=3, undefined="no reference event")
    assert numbers.full(none, "zh") == "不可估计：无参考事件"
    assert numbers.full(none, "en") == "not estimable: no reference event"
    assert numbers.point(none, "en") == "not estimable"
    bare = Estimate(value=0.5, n_subjects=1, undefined="no interval: fewer than two subjects contribute")
    assert numbers.full(bare, "zh") == "0.500（无区间：有贡献的受试者不足两名）"


def test_a_reason_of_another_scorer_is_shown_as_it_stands():
    assert numbers.reason("no apnoea", "zh") == "no apnoea"


def test_a_full_line_has_figure_confidence_and_interval():
    whole = Estimate(value=2.345, lower=1.2, upper=3.4, confidence=0.9, method="m", unit="/d", n_subjects=9)
    assert numbers.full(whole, "en") == "2.35 per day (90% CI 1.20 – 3.40)"


def test_counts_group_their_thousands():
    assert numbers.count(1234567) == "1\u202f234\u202f567"
    assert numbers.count(0.25) == "0.25"


def test_every_reason_why_there_is_no_interval_has_its_words_in_both_languages():
    import inspect
    import re

    from medassay.evaluation import figure_of_ranks, figure_of_sums
    from medassay.reports.sentences import sentences
    from medassay.statistics import clustered_roc, delong, intervals, ratio, resampled_interval

    modules = (ratio, resampled_interval, clustered_roc, delong, intervals, figure_of_sums, figure_of_ranks)
    text = "\n".join(map(inspect.getsource, modules))
    reasons = re.findall(r'(?:no_interval|without_interval)\(\s*[\w.]+,\s*"([^"]+)"', text)
    reasons += re.findall(r'"no interval: ([^"{]+)"', text)
    reasons += re.findall(r'^[A-Z_]+ = "([a-z][^"]* [^"]*)"$', text, re.MULTILINE)
    assert len(reasons) >= 12
    assert {r for r in reasons if f"undefined:no interval: {r}" not in sentences()} <= {
        "all cases are of one class"  # no figure at all
    }


def test_every_interval_that_a_protocol_may_name_is_told_in_both_languages():
    from typing import get_args

    from medassay.evaluation.protocol import Interval
    from medassay.reports.sentences import sentences

    assert [named for named in get_args(Interval) if f"interval:{named}" not in sentences()] == []
