import numpy as np
import pytest

from medassay.core.errors import WrongUse
from medassay.statistics.oximetry import arms

SUBJECT = np.repeat(np.arange(10), 20)


def study(between, within, seed=1, subject=SUBJECT):
    generator = np.random.default_rng(seed)
    people, n = len(set(subject.tolist())), len(subject)
    reference = generator.uniform(70, 99, n)
    test = reference + generator.normal(0, between, people)[subject] + generator.normal(0, within, n)
    return reference, np.clip(test, 50, 105), subject


def test_arms_by_hand_with_its_ranges():
    found = arms([72.0, 79.9, 80.0, 95.0, 100.0], [74.0, 79.9, 79.0, 98.0, 100.0], list("pqpqp"), seed=1)
    assert found.arms.value == pytest.approx(np.sqrt((4 + 0 + 1 + 9 + 0) / 5))
    assert found.bias.value == pytest.approx((2 + 0 - 1 + 3 + 0) / 5)
    assert [part.pairs for part in found.ranges] == [2, 1, 2]
    assert found.ranges[0].arms.value == pytest.approx(np.sqrt(2))


def test_arms_squared_is_bias_squared_and_the_spread():
    reference, test, subject = study(1.0, 1.5)
    found = arms(reference, test, subject, seed=1, replicates=100)
    difference = test - reference
    assert found.arms.value**2 == pytest.approx(difference.mean() ** 2 + difference.var())


def test_readings_of_few_people_who_differ_have_a_wider_interval():
    clustered = arms(*study(2.0, 0.5), seed=1)
    independent = arms(*study(0.0, 2.06, subject=np.arange(200)), seed=1)
    assert clustered.arms.n_subjects == 10

    def width(found):
        return found.arms.upper - found.arms.lower

    assert width(clustered) > 1.5 * width(independent)


@pytest.mark.parametrize(
    ("people", "each", "verdict"), [(10, 20, "met"), (9, 30, "not_enough"), (20, 9, "not_enough")]
)
def test_200_pairs_of_ten_people_are_demanded(people, each, verdict):
    found = arms(*study(1.0, 1.0, subject=np.repeat(np.arange(people), each)), seed=1, replicates=50)
    assert found.criterion.verdict == verdict


def test_the_limit_is_declared():
    pair = study(1.0, 2.5)
    found = arms(*pair, seed=1, replicates=50)
    assert (found.criterion.limit, found.criterion.verdict) == (4.0, "met")
    below = found.arms.value - 0.01
    assert arms(*pair, seed=1, replicates=50, limit=below).criterion.verdict == "not_met"


def test_pairs_outside_the_span_are_counted_and_left_out():
    found = arms([60.0, 75.0, 85.0], [90.0, 75.0, 85.0], ["p", "p", "q"], seed=1)
    assert (found.outside, found.arms.value) == (1, 0.0)


def test_nothing_in_the_span_is_not_estimable():
    found = arms([60.0], [61.0], ["p"], seed=1)
    assert found.arms.undefined == "no pair in this range"
    assert found.criterion.verdict == "not_enough"


@pytest.mark.parametrize(("reference", "test"), [([0.97], [0.96]), ([97.0], [127.0]), ([-1.0], [97.0])])
def test_fractions_and_error_codes_are_refused(reference, test):
    with pytest.raises(WrongUse, match="saturation"):
        arms(reference, test, ["p"], seed=1)
