"""Point marks: LUNA16's rules by hand and by a second count, laws, and bad input."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medassay.core.errors import WrongUse
from medassay.tasks.detection import rows_of_cases
from medassay.tasks.detection_check import recounted_points
from medassay.tasks.points import PointRules, in_regions, match_points, near

few = settings(max_examples=40)

whole = st.integers(-6, 6)
place = st.tuples(whole, whole, whole)
findings = st.lists(st.tuples(place, st.sampled_from([-0.5, 1.0, 2.0, 3.0])), max_size=4)
marks = st.lists(st.tuples(place, st.integers(0, 5).map(lambda n: n / 5)), max_size=12)


def matched(own, other, offered, **options):
    def places(rows):
        return [row[0] for row in rows]

    def seconds(rows):
        return [row[1] for row in rows]

    return match_points(
        places(own),
        seconds(own),
        places(offered),
        seconds(offered),
        excluded_centres_mm=places(other),
        excluded_radius_mm=seconds(other),
        rules=PointRules(**options),
    )


def as_lists(found):
    return {"hit": sorted(found.hit_scores.tolist()), "false": sorted(found.false_scores.tolist())}


@few
@given(own=findings, other=findings, offered=marks, most=st.sampled_from([None, 1, 3, 100]))
def test_a_count_pair_by_pair_gives_the_same_marks(own, other, offered, most):
    found = matched(own, other, offered, most_marks=most)
    assert as_lists(found) == recounted_points(own, other, offered, most_marks=most)


@few
@given(own=findings, other=findings, offered=marks)
def test_every_mark_and_every_finding_is_accounted_for(own, other, offered):
    found = matched(own, other, offered)
    assert found.marks == len(offered)
    assert found.findings == len(own) == found.missed + len(found.hit_scores)
    # A mark in two findings is true or surplus in both: then the parts are more than the marks.
    parts = len(found.hit_scores) + found.surplus + len(found.false_scores) + found.on_excluded
    assert parts >= found.marks
    if (near([m for m, _ in offered], [c for c, _ in own], [r for _, r in own]).sum(axis=1) <= 1).all():
        assert parts == found.marks


@few
@given(own=findings, other=findings, offered=marks, data=st.data())
def test_the_order_of_findings_and_marks_does_not_matter(own, other, offered, data):
    shuffled = [data.draw(st.permutations(rows)) for rows in (own, other, offered)]
    for most in (None, 4):
        assert as_lists(matched(*shuffled, most_marks=most)) == as_lists(
            matched(own, other, offered, most_marks=most)
        )


@few
@given(own=findings, other=findings, offered=marks)
def test_a_mark_said_twice_changes_no_hit_and_adds_no_false_mark_on_a_finding(own, other, offered):
    once, twice = matched(own, other, offered), matched(own, other, offered * 2)
    np.testing.assert_array_equal(once.hit_scores, twice.hit_scores)
    assert len(twice.false_scores) == 2 * len(once.false_scores)


def test_the_rules_of_luna16_worked_by_hand():
    found = match_points(
        [[0, 0, 0], [50, 0, 0]],
        [5, 3],
        [[1, 1, 1], [0, 0, 2], [51, 0, 0], [-40, 1, 0], [80, 80, 80], [0, 0, 5], [34, 0, 0]],
        [0.9, 0.95, 0.4, 0.99, 0.7, 0.8, 0.1],
        excluded_centres_mm=[[-40, 0, 0], [30, 0, 0]],
        excluded_radius_mm=[4, -0.5],  # a diameter of -1 is read as 10 mm
    )
    assert found.hit_scores.tolist() == [0.95, 0.4]  # the best mark counts
    assert found.false_scores.tolist() == [0.7, 0.8]  # at exactly the radius is outside
    assert (found.surplus, found.on_excluded, found.missed) == (1, 2, 0)


def test_a_mark_in_two_findings_detects_both_and_one_on_a_finding_is_never_excluded():
    found = match_points(
        [[0, 0], [2, 0]], [3, 3], [[1, 0]], [0.5], excluded_centres_mm=[[1, 0]], excluded_radius_mm=[9]
    )
    assert (found.hit_scores.tolist(), found.on_excluded) == ([0.5, 0.5], 0)


def test_of_too_many_marks_those_that_tie_with_the_first_too_many_all_go():
    scores = [0.9] * 60 + [0.5] * 60
    found = match_points([], [], np.zeros((120, 3)), scores)
    assert (found.marks, found.over_limit) == (60, 60)
    assert match_points([], [], np.zeros((101, 3)), [0.5] * 101).marks == 0  # all tie: no order decides
    assert (
        match_points([], [], np.zeros((101, 3)), [0.5] * 101, rules=PointRules(most_marks=None)).marks == 101
    )


def test_a_distance_can_stand_in_for_the_radius_and_its_edge_count():
    marks_mm = [[3, 0], [4, 0]]
    assert near(marks_mm, [[0, 0]], [1], rules=PointRules(reach_mm=4)).tolist() == [[True], [False]]
    inclusive = PointRules(reach_mm=4, on_the_edge=True)
    assert near(marks_mm, [[0, 0]], [1], rules=inclusive).tolist() == [[True], [True]]


def test_one_to_one_gives_each_mark_one_finding_and_calls_a_second_mark_false():
    rules = PointRules(matching="one_to_one")
    found = match_points([[0, 0], [2, 0]], [3, 3], [[1.5, 0], [1.4, 0], [1, 0]], [0.9, 0.8, 0.7], rules=rules)
    assert found.hit_scores.tolist() == [0.9, 0.8]
    assert found.false_scores.tolist() == [0.7]


def test_a_mark_hits_the_region_whose_voxel_it_lies_in():
    regions = np.zeros((3, 4), int)
    regions[1, 1], regions[2, 3] = 1, 2
    hits = in_regions([[1.49, 0.5], [1.5, 1], [2, 3.4], [2, 3.5], [-0.6, 0]], regions)
    assert hits.tolist() == [[True, False], [False, False], [False, True], [False, False], [False, False]]
    assert in_regions([], regions).shape == (0, 2)
    with pytest.raises(WrongUse, match="label map"):
        in_regions([[1, 1, 1]], regions)


BAD = {
    "NaN score": ([[0, 0, 0]], [1], [[0, 0, 0]], [np.nan], "finite score"),
    "infinite score": ([[0, 0, 0]], [1], [[0, 0, 0]], [np.inf], "finite score"),
    "NaN mark": ([[0, 0, 0]], [1], [[0, 0, np.nan]], [1], "finite coordinates"),
    "NaN finding": ([[np.nan, 0, 0]], [1], [[0, 0, 0]], [1], "finite coordinates"),
    "NaN radius": ([[0, 0, 0]], [np.nan], [[0, 0, 0]], [1], "radius"),
    "radius too few": ([[0, 0, 0], [1, 1, 1]], [1], [[0, 0, 0]], [1], "radius"),
    "score too many": ([[0, 0, 0]], [1], [[0, 0, 0]], [1, 2], "row a mark"),
    "other axes": ([[0, 0]], [1], [[0, 0, 0]], [1], "same coordinates"),
}


@pytest.mark.parametrize("fault", BAD)
def test_what_is_no_point_is_refused(fault):
    *given, message = BAD[fault]
    with pytest.raises(WrongUse, match=message):
        match_points(*given)


def test_a_case_without_marks_or_findings_is_a_case():
    assert match_points([], [], [], []).findings == 0
    assert match_points([[0, 0, 0]], [1], [], []).missed == 1
    assert match_points([], [], [[0, 0, 0]], [0.5]).false_scores.tolist() == [0.5]


def test_a_mark_of_an_unknown_case_is_refused_without_its_name():
    with pytest.raises(WrongUse, match="1 rows of no known case") as error:
        rows_of_cases(["a", "b"], ["a", "Mr Wang"])
    assert "Wang" not in str(error.value)
    with pytest.raises(WrongUse, match="named twice"):
        rows_of_cases(["a", "a"], ["a"])
