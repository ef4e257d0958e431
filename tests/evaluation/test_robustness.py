import pytest

from medassay.evaluation.protocol import Condition, Endpoint, Goal, Protocol
from medassay.evaluation.robustness import Disturbed, robustness
from medassay.evaluation.scorer import Metric

TEXT = {"zh": "甲", "en": "a"}
METRIC = Metric({"tp": 1}, {"tp": 1, "fn": 1}, "1", "higher", "no reference event")
GOAL = Goal(direction="at_least", limit=0.6)
CONDITION = Condition(id="noise", title=TEXT, perturbation="noise", strengths=(1, 2, 4), hold_to=2)
PROTOCOL = Protocol.model_construct(
    endpoints=(Endpoint(id="se", title=TEXT, metric="se"),),
    seed=1,
    replicates=1000,
    confidence=0.95,
    interval="percentile",
    primary="se",
)
PLAIN = {f"s{n}": {"tp": 9.0 + n % 2, "fn": 1.0} for n in range(6)}


def at(found):
    """Six people of whom each has `found` of ten."""
    return Disturbed(
        {name: {"tp": found + (n == 0), "fn": 10.0 - found} for n, name in enumerate(PLAIN)}, 6, 0
    )


def under(*found, goal=GOAL):
    disturbed = dict(zip(CONDITION.strengths, map(at, found), strict=True))
    return robustness(PROTOCOL, METRIC, CONDITION, PLAIN, disturbed, goal)


def test_the_goal_is_lost_at_the_first_strength_at_which_it_does_not_hold():
    assert under(8.0, 7.0, 3.0).lost_at == 4
    assert under(8.0, 7.0, 3.0).held is True
    assert under(8.0, 3.0, 7.0).lost_at == 2, "whatever comes after"
    assert under(8.0, 3.0, 7.0).held is False
    assert under(8.0, 8.0, 8.0).lost_at is None


def test_without_a_goal_nothing_is_held_or_lost():
    found = under(8.0, 7.0, 3.0, goal=None)
    assert (found.held, found.lost_at) == (None, None)
    assert found.points[0].estimate.value is not None


def test_the_change_is_that_against_the_same_people_undisturbed():
    found = under(8.0, 7.0, 3.0)
    for point in found.points:
        assert point.change.value == pytest.approx(point.estimate.value - found.undisturbed.value)
        assert point.change.lower is not None


def test_a_goal_from_above_is_lost_above():
    goal = Goal(direction="at_most", limit=0.75)
    assert under(7.0, 8.0, 9.0, goal=goal).lost_at == 2
