import numpy as np
import pytest
from scipy.ndimage import center_of_mass, label

from medassay.evaluation.protocol import Condition, Endpoint, Goal, Protocol
from medassay.evaluation.robustness import Disturbed, robustness
from medassay.evaluation.scorer import Metric
from medassay.measures import perturb_micrograph
from medassay.tasks.points import match_points

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


def micrograph(subject):
    """Eleven stained cells, four pixels in radius, on a bright field; and their centres."""
    draw = np.random.default_rng(subject)
    places = [(row, column) for row in (14, 40, 66, 92) for column in (14, 40, 66)]
    centres = np.array(places)[draw.permutation(len(places))[:11]] + draw.integers(-3, 4, (11, 2))
    rows, columns = np.mgrid[:106, :80]
    image = np.full((106, 80, 3), (231.0, 205.0, 218.0)) + draw.normal(0, 3, (106, 80, 3))
    for row, column in centres:
        image[(rows - row) ** 2 + (columns - column) ** 2 <= 16] = (118.0, 62.0, 150.0)
    return image, centres


def counted(image, centres):
    """Cells found and missed by a detector with one threshold of brightness."""
    pieces, count = label(image.mean(axis=2) < 165)
    marks = np.array(center_of_mass(pieces > 0, pieces, range(1, count + 1))).reshape(-1, 2)
    found = match_points(centres, [4.0] * len(centres), marks, np.ones(count))
    hits = float(len(found.hit_scores))
    return {"tp": hits, "fn": len(centres) - hits}


@pytest.mark.parametrize(
    ("disturbance", "strengths", "lost_at"),
    [("stain", (0.05, 0.9), 0.9), ("focus", (0.5, 5.0), 5.0), ("illumination", (0.1, 0.7), 0.7)],
)
def test_a_detector_of_cells_has_a_strength_of_each_disturbance_of_micrographs_at_which_its_goal_is_lost(
    disturbance, strengths, lost_at
):
    slides = {f"s{n}": micrograph(n) for n in range(8)}
    change = perturb_micrograph.SUITE[disturbance].function
    disturbed = {
        strength: Disturbed(
            {
                name: counted(change(image, strength, np.random.default_rng(int(name[1:]))), centres)
                for name, (image, centres) in slides.items()
            },
            len(slides),
            0,
        )
        for strength in strengths
    }
    plain = {name: counted(*slide) for name, slide in slides.items()}
    condition = Condition(
        id=disturbance, title=TEXT, perturbation=disturbance, strengths=strengths, hold_to=strengths[0]
    )
    found = robustness(PROTOCOL, METRIC, condition, plain, disturbed, Goal(direction="at_least", limit=0.9))
    assert found.undisturbed.value == 1
    assert (found.lost_at, found.held) == (lost_at, True)
    assert found.points[-1].estimate.value < 0.9
    assert found.points[-1].change.value < 0
