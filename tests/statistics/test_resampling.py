"""One draw of subjects for every figure: its law, its repeatability, and sums over groups as masks on it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medassay.core.errors import WrongUse
from medassay.statistics import resampling
from medassay.statistics.clustered_roc import clustered_auc
from medassay.statistics.precision_recall import average_precision
from medassay.statistics.resampling import (
    resampled_group_sums,
    resampled_sums,
    resampling_blocks,
    resampling_weights,
)


def test_every_subject_is_drawn_alike_and_as_the_multinomial_law_has_it():
    weights = resampling_weights(5, 4000, seed=9)
    assert (weights.sum(axis=1) == 5).all()
    assert weights.mean(axis=0) == pytest.approx(np.ones(5), abs=0.06)
    assert weights.var(axis=0) == pytest.approx(np.full(5, 0.8), abs=0.08)
    assert np.cov(weights[:, 0], weights[:, 1])[0, 1] == pytest.approx(-0.2, abs=0.06)


@pytest.mark.parametrize("block", [1, 7, 50, 1000])
def test_how_the_draw_is_cut_into_blocks_alters_no_weight(block, monkeypatch):
    whole = resampling_weights(23, 40, seed=3)
    monkeypatch.setattr(resampling, "BLOCK", block)
    monkeypatch.setattr(resampling, "DRAWN_AT_ONCE", 3 * block)
    assert (np.concatenate(list(resampling_blocks(23, 40, seed=3))) == whole).all()
    assert (resampling_weights(23, 40, seed=3) == whole).all()


def test_areas_and_precision_of_many_people_come_from_the_draw_that_sums_come_from(monkeypatch):
    """A seed means the same resamples, however many people there are and whatever is made of them."""
    rng = np.random.default_rng(1)
    labels, scores = rng.integers(0, 2, 60), rng.integers(0, 20, 60)
    held = [
        clustered_auc(labels, scores, range(60), interval="percentile", seed=5, replicates=200),
        average_precision(labels, scores, seed=5, replicates=200),
    ]
    monkeypatch.setattr(resampling, "BLOCK", 100)
    assert held == [
        clustered_auc(labels, scores, range(60), interval="percentile", seed=5, replicates=200),
        average_precision(labels, scores, seed=5, replicates=200),
    ]


def test_a_kept_draw_cannot_be_written_to():
    with pytest.raises(ValueError, match="read-only"):
        resampling_weights(5, 10, seed=1)[0, 0] = 9


def test_an_abandoned_walk_through_the_blocks_leaves_the_next_one_whole(monkeypatch):
    whole = resampling_weights(23, 40, seed=3)
    monkeypatch.setattr(resampling, "BLOCK", 100)
    first = resampling_blocks(23, 40, seed=3)
    next(first)
    first.close()
    assert (np.concatenate(list(resampling_blocks(23, 40, seed=3))) == whole).all()


def test_nobody_to_draw_is_refused():
    with pytest.raises(WrongUse, match="0 subjects"):
        resampling_weights(0, 10, seed=1)
    with pytest.raises(WrongUse, match="0 replicates"):
        resampled_sums(np.ones((3, 1)), 0, seed=1)


@given(
    st.integers(1, 40), st.integers(1, 3), st.integers(1, 12), st.integers(0, 2**32 - 1), st.integers(1, 40)
)
def test_the_sums_of_a_group_are_those_of_a_mask_on_the_draw(subjects, columns, groups, seed, parts):
    rng = np.random.default_rng(seed)
    table = rng.integers(0, 9, (subjects, columns)).astype(float)
    members = rng.random((subjects, groups)) < 0.4
    weights = resampling_weights(subjects, 20, seed=1)
    wanted = np.stack([weights @ (table * members[:, [g]]) for g in range(groups)], axis=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(resampling, "MOST_PARTS", parts)
        assert (resampled_group_sums(table, members, 20, seed=1) == wanted).all()
