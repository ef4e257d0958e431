import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra.numpy import arrays

from medassay.core.errors import WrongUse
from medassay.tasks.masks import overlap, surface_distances

SPACING = (1.0, 0.5, 2.0)
masks = arrays(bool, (4, 5, 3))


def brute_force(first, second, spacing):
    """Second route: every pair of border voxels, found by looking at the six neighbours."""

    def border(mask):
        padded = np.pad(mask, 1)
        inner = mask.copy()
        for axis in range(3):
            for step in (-1, 1):
                inner &= np.roll(padded, step, axis)[1:-1, 1:-1, 1:-1]
        return np.argwhere(mask & ~inner) * np.array(spacing)

    a, b = border(first), border(second)
    distances = np.sqrt(((a[:, None] - b[None]) ** 2).sum(-1))
    return distances.min(1), distances.min(0)


@given(masks.filter(np.any), masks.filter(np.any))
def test_distances_are_those_of_every_pair_of_border_voxels(first, second):
    ours = surface_distances(first, second, spacing_mm=SPACING)
    there, back = brute_force(first, second, SPACING)
    np.testing.assert_allclose(np.sort(ours.reference_to_prediction_mm), np.sort(there))
    np.testing.assert_allclose(np.sort(ours.prediction_to_reference_mm), np.sort(back))
    assert ours.hausdorff_mm(100) == pytest.approx(max(there.max(), back.max()))
    assert ours.hausdorff_mm(95, convention="pooled") <= ours.hausdorff_mm(100)


@given(masks, masks)
def test_overlap_is_symmetric_and_bounded(first, second):
    counts, swapped = overlap(first, second), overlap(second, first)
    assert (counts.common, counts.reference) == (swapped.common, swapped.prediction)
    assert counts.common <= min(counts.reference, counts.prediction)


@given(masks.filter(np.any))
def test_a_mask_is_at_no_distance_from_itself(mask):
    distances = surface_distances(mask, mask, spacing_mm=SPACING)
    assert distances.hausdorff_mm(100) == 0
    assert distances.average_symmetric_mm == 0


def test_a_missed_structure_has_no_distance_rather_than_a_number():
    there, nothing = np.ones((2, 2, 2), bool), np.zeros((2, 2, 2), bool)
    assert surface_distances(there, nothing, spacing_mm=SPACING) is None
    assert surface_distances(nothing, there, spacing_mm=SPACING) is None


@pytest.mark.parametrize("spacing", [(1, 1), (1, 1, 0), (1, 1, np.nan), (1, -1, 1)])
def test_a_spacing_that_is_none_is_refused(spacing):
    with pytest.raises(WrongUse, match="spacing"):
        surface_distances(np.ones((2, 2, 2), bool), np.ones((2, 2, 2), bool), spacing_mm=spacing)


@pytest.mark.parametrize("other", [np.ones((2, 2, 3), bool), np.ones((2, 2, 2), int)])
def test_masks_of_another_grid_or_kind_are_refused(other):
    with pytest.raises(WrongUse, match="boolean masks"):
        overlap(np.ones((2, 2, 2), bool), other)
