from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from medassay.core.errors import WrongUse
from medassay.tasks.masks import MaskRules, compare, overlap, surface_distances

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


RULES = MaskRules(
    structures={"a": 1, "b": 2}, nsd_tolerance_mm=1.0, hd95="directed_max", both_empty="perfect"
)
label_maps = arrays(np.uint8, (4, 5, 3), elements=st.integers(0, 2))


@given(label_maps)
def test_a_label_map_agrees_with_itself_wholly(labels):
    for name in ("a", "b"):
        figures = compare(labels, labels, spacing_mm=SPACING, rules=RULES)
        assert [figures[f"{f}[{name}]"] for f in ("dice", "nsd", "hd95_mm", "volume_difference_mm3")] == [
            1,
            1,
            0,
            0,
        ]


@given(label_maps, label_maps)
def test_comparison_is_symmetric_but_for_the_sign_of_the_volume(first, second):
    there = compare(first, second, spacing_mm=SPACING, rules=RULES)
    back = compare(second, first, spacing_mm=SPACING, rules=RULES)
    for name in ("a", "b"):
        for same in ("dice", "nsd", "hd95_mm", "structures", "volume_distance_mm3"):
            assert there[f"{same}[{name}]"] == pytest.approx(back[f"{same}[{name}]"])
        assert there[f"volume_difference_mm3[{name}]"] == -back[f"volume_difference_mm3[{name}]"]
        assert there[f"missed[{name}]"] == back[f"invented[{name}]"]


def test_a_missed_structure_gets_the_image_diagonal_and_no_overlap():
    reference = np.zeros((4, 5, 3), np.uint8)
    reference[1:3, 1:3, 1] = 1
    figures = compare(reference, np.zeros_like(reference), spacing_mm=SPACING, rules=RULES)
    assert figures["hd95_mm[a]"] == pytest.approx(np.sqrt(3**2 + 2**2 + 4**2))
    assert (figures["dice[a]"], figures["nsd[a]"], figures["missed[a]"]) == (0, 0, 1)
    assert figures["volume_difference_mm3[a]"] == -4 * 1.0


def test_no_prediction_is_all_wrong_even_where_the_reference_is_empty():
    nothing = np.zeros((4, 5, 3), np.uint8)
    figures = compare(nothing, None, spacing_mm=SPACING, rules=RULES)
    assert (figures["dice[a]"], figures["structures[a]"]) == (0, 1)
    assert figures["hd95_mm[a]"] > 0


def test_what_neither_map_holds_counts_by_the_declared_rule():
    nothing = np.zeros((4, 5, 3), np.uint8)
    left_out = replace(RULES, both_empty="not_counted")
    assert compare(nothing, nothing, spacing_mm=SPACING, rules=RULES)["structures[a]"] == 1
    figures = compare(nothing, nothing, spacing_mm=SPACING, rules=left_out)
    assert (figures["structures[a]"], figures["dice[a]"], figures["hd95_mm[a]"]) == (0, 0, 0)
