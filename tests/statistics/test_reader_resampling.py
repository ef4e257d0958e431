import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medassay.core.errors import WrongUse
from medassay.core.estimate import Estimate
from medassay.statistics.ratio import ratio
from medassay.statistics.reader_resampling import mean_over_readers, over_readers

seeds = st.integers(0, 10**6)


def drawn(seed, readers, subjects, reader_spread=0.05, subject_spread=0.1):
    rng = np.random.default_rng(seed)
    table = 0.7 + rng.normal(0, reader_spread, (readers, 1)) + rng.normal(0, subject_spread, (1, subjects))
    return table, np.ones((readers, subjects))


def found(numerator, denominator, **options):
    consensus = numerator.mean(axis=0), denominator.mean(axis=0)
    return over_readers(numerator, denominator, consensus, undefined="no event", seed=3, **options)


def test_readers_who_agree_add_nothing_to_the_interval():
    table, ones = drawn(1, 6, 40, reader_spread=0.0)
    both = found(table, ones)
    assert both.over_readers.value == pytest.approx(both.consensus.value)
    assert both.widening == pytest.approx(1.0)
    assert both.remarks == ()


def test_readers_who_disagree_widen_the_interval_beside_that_of_the_consensus():
    table, ones = drawn(1, 6, 40, reader_spread=0.1)
    both = found(table, ones)
    assert both.widening > 1.5
    assert both.over_readers.lower < both.consensus.lower < both.consensus.upper < both.over_readers.upper


def test_the_width_is_that_of_the_two_way_layout_in_closed_form():
    """Variance of the mean of a two-way table: between readers / r + between subjects / n."""
    table, ones = drawn(2, 12, 60)
    expected = table.mean(axis=1).var(ddof=1) / 12 + table.mean(axis=0).var(ddof=1) / 60
    interval = found(table, ones, replicates=20_000).over_readers
    assert (interval.upper - interval.lower) / (2 * 1.96) == pytest.approx(np.sqrt(expected), rel=0.05)


def test_intervals_hold_the_truth_of_a_population_of_readers_and_subjects():
    held = {"consensus": 0, "over_readers": 0}
    for seed in range(150):
        table, ones = drawn(seed, 8, 30)
        both = found(table, ones, replicates=300)
        for name in held:
            interval = getattr(both, name)
            held[name] += interval.lower <= 0.7 <= interval.upper
    assert held["over_readers"] / 150 > 0.85
    assert held["consensus"] / 150 < held["over_readers"] / 150 - 0.1


def test_each_reader_has_a_figure_of_their_own_as_a_single_reference_would_give():
    table, ones = drawn(4, 3, 10)
    both = found(table, ones)
    for own, row in zip(both.each_reader, table, strict=True):
        assert own == ratio(row, np.ones(10), undefined="no event", seed=3)
    assert both.remarks == ("3 readers: the interval over readers is coarse",)


@settings(max_examples=20)
@given(seeds, st.randoms())
def test_no_order_of_readers_changes_the_figure_and_it_lies_within_its_interval(seed, random):
    rng = np.random.default_rng(seed)
    events = rng.integers(0, 5, (4, 12)).astype(float)
    hits = rng.binomial(events.astype(int), 0.8).astype(float)
    order = list(range(4))
    random.shuffle(order)
    one, two = found(hits, events, replicates=200), found(hits[order], events[order], replicates=200)
    assert one.over_readers.value == pytest.approx(two.over_readers.value)
    interval = one.over_readers
    assert interval.lower is None or 0 <= interval.lower <= interval.upper <= 1


@pytest.mark.parametrize(
    ("readers", "subjects", "said"),
    [(1, 9, "fewer than two readers"), (4, 1, "fewer than two readers or subjects")],
)
def test_too_few_readers_or_subjects_give_a_figure_without_an_interval(readers, subjects, said):
    table, ones = drawn(5, readers, subjects)
    interval = found(table, ones).over_readers
    assert interval.lower is None
    assert said in interval.undefined
    assert found(table, ones).widening is None


def test_a_closed_form_beside_a_resampled_interval_gives_no_ratio_of_widths():
    ones = np.ones((2, 12))
    hits = ones.copy()
    hits[1, :4] = 0.5
    both = over_readers(hits, ones, (ones[0], ones[0]), undefined="no event", seed=3, proportion=True)
    assert both.consensus.method.startswith("clopper_pearson")
    assert both.over_readers.lower is not None
    assert both.widening is None


def test_no_event_for_any_reader_is_not_estimable():
    nothing = np.zeros((3, 4))
    assert found(nothing, nothing).over_readers.undefined == "no event"


def test_events_that_few_resamples_hold_give_no_interval():
    events = np.zeros((4, 10))
    events[:2, :2] = 1
    assert "too few" in found(events / 2, events).over_readers.undefined


def test_one_figure_for_all_gives_no_interval_of_no_width():
    ones = np.ones((3, 6))
    interval = found(ones / 2, ones).over_readers
    assert interval.lower is None
    assert "same figure" in interval.undefined


@pytest.mark.parametrize(
    ("numerator", "denominator", "consensus"),
    [
        (np.ones(4), np.ones(4), np.ones(4)),
        (np.ones((2, 4)), np.ones((2, 3)), np.ones(4)),
        (np.ones((2, 4)), np.ones((2, 4)), np.ones(3)),
        (np.full((2, 4), np.nan), np.ones((2, 4)), np.ones(4)),
        (np.ones((2, 4)), -np.ones((2, 4)), np.ones(4)),
        (np.ones((0, 4)), np.ones((0, 4)), np.ones(4)),
    ],
    ids=["one row", "shapes", "consensus", "NaN", "negative", "no reader"],
)
def test_sums_that_are_no_table_are_refused(numerator, denominator, consensus):
    with pytest.raises(WrongUse):
        over_readers(numerator, denominator, (consensus, consensus), undefined="-", seed=1)


def averaged(values, resampled, **options):
    own = [
        Estimate(value=v, lower=v - 0.1, upper=v + 0.1, confidence=0.95, method="bootstrap", n_subjects=9)
        for v in values
    ]
    return mean_over_readers(own[0], own, np.array(resampled), undefined="no case", seed=1, **options)


def test_a_figure_that_is_no_ratio_is_averaged_over_readers_and_drawn_with_them():
    rng = np.random.default_rng(1)
    people = rng.normal(0, 0.03, 4000)
    found = averaged((0.6, 0.8), (0.6 + people, 0.8 + people)).over_readers
    assert found.value == pytest.approx(0.7)
    # One of two readers a resample: half the figures lie about 0.6, half about 0.8.
    assert found.lower == pytest.approx(np.quantile(0.6 + people, 0.05), abs=0.004)
    assert found.upper == pytest.approx(np.quantile(0.8 + people, 0.95), abs=0.004)


def test_a_reader_without_a_figure_leaves_the_mean_over_readers_undefined():
    own = [Estimate(value=0.7, n_subjects=9), Estimate(value=None, n_subjects=9, undefined="one class")]
    found = mean_over_readers(own[0], own, np.ones((2, 50)), undefined="one class", seed=1).over_readers
    assert (found.value, found.undefined) == (None, "one class")


def test_a_reader_who_is_not_drawn_spoils_no_resample():
    drawn = np.column_stack([np.linspace(0.5, 0.7, 1000), np.full(1000, np.nan), np.full(1000, np.nan)]).T
    assert "too few" in averaged((0.6, 0.6, 0.6), drawn).over_readers.undefined
    rare = np.tile(np.linspace(0.5, 0.7, 1000), (2, 1))
    rare[1, :5] = np.nan
    assert averaged((0.6, 0.6), rare).over_readers.lower is not None
