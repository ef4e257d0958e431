from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from medassay.core.errors import WrongUse
from medassay.tasks.masks import (
    MaskRules,
    Overlap,
    compare,
    dice,
    intersection_over_union,
    overlap,
    relative_volume_error,
    volume_similarity,
    voxel_precision,
    voxel_sensitivity,
    voxel_specificity,
)

SPACING = (1.0, 0.5, 2.0)
masks = arrays(bool, (4, 5, 3))


@given(masks, masks)
def test_overlap_is_symmetric_and_bounded(first, second):
    counts, swapped = overlap(first, second), overlap(second, first)
    assert (counts.common, counts.reference) == (swapped.common, swapped.prediction)
    assert counts.common <= min(counts.reference, counts.prediction)


@given(masks, masks)
def test_iou_is_dice_over_two_minus_dice(first, second):
    counts = overlap(first, second)
    of_dice, of_iou = dice(counts, both_empty="perfect").value, intersection_over_union(counts).value
    assert of_iou is None or of_iou == pytest.approx(of_dice / (2 - of_dice))


def test_voxel_figures_are_those_worked_by_hand():
    counts = Overlap(reference=8, prediction=4, common=3, grid=20)
    worked = {
        dice: 6 / 12,
        intersection_over_union: 3 / 9,
        voxel_sensitivity: 3 / 8,
        voxel_precision: 3 / 4,
        voxel_specificity: 11 / 12,
        volume_similarity: -8 / 12,
        relative_volume_error: -4 / 8,
    }
    assert {figure: figure(counts).value for figure in worked} == pytest.approx(worked)


def test_two_empty_masks_are_what_the_convention_says_and_never_nan():
    nothing = Overlap(0, 0, 0, 9)
    for figure in (dice, intersection_over_union):
        assert [figure(nothing, both_empty=rule).value for rule in ("perfect", "worst", "undefined")] == [
            1,
            0,
            None,
        ]
        assert figure(nothing).undefined == "both masks are empty"
    assert [volume_similarity(nothing, both_empty=rule).value for rule in ("perfect", "undefined")] == [
        0,
        None,
    ]
    with pytest.raises(WrongUse, match="two worst ends"):
        volume_similarity(nothing, both_empty="worst")
    assert (voxel_sensitivity(nothing).value, voxel_precision(nothing).value) == (None, None)
    assert voxel_specificity(nothing).value == 1
    assert voxel_specificity(Overlap(9, 1, 1, 9)).undefined == "the reference fills the grid"


@pytest.mark.parametrize("other", [np.ones((2, 2, 3), bool), np.ones((2, 2, 2), int)])
def test_masks_of_another_grid_or_kind_are_refused(other):
    with pytest.raises(WrongUse, match="boolean masks"):
        overlap(np.ones((2, 2, 2), bool), other)


RULES = MaskRules(
    structures={"a": 1, "b": 2}, nsd_tolerance_mm=1.0, hd95="directed_max", both_empty="perfect"
)
BY_AREA = replace(RULES, hd95="area_weighted", nsd="surface_elements")
label_maps = arrays(np.uint8, (4, 5, 3), elements=st.integers(0, 2))
both_rules = pytest.mark.parametrize("rules", [RULES, BY_AREA], ids=["voxels", "areas"])


@both_rules
@settings(max_examples=30)
@given(labels=label_maps)
def test_a_label_map_agrees_with_itself_wholly(labels, rules):
    for name in ("a", "b"):
        figures = compare(labels, labels, spacing_mm=SPACING, rules=rules)
        assert [figures[f"{f}[{name}]"] for f in ("dice", "nsd", "hd95_mm", "volume_difference_mm3")] == [
            1,
            1,
            0,
            0,
        ]


@both_rules
@settings(max_examples=30)
@given(first=label_maps, second=label_maps)
def test_comparison_is_symmetric_but_for_the_sign_of_the_volume(first, second, rules):
    there = compare(first, second, spacing_mm=SPACING, rules=rules)
    back = compare(second, first, spacing_mm=SPACING, rules=rules)
    for name in ("a", "b"):
        for same in (
            "dice",
            "iou",
            "nsd",
            "hd95_mm",
            "hd_mm",
            "assd_mm",
            "structures",
            "volume_distance_mm3",
        ):
            assert there[f"{same}[{name}]"] == pytest.approx(back[f"{same}[{name}]"])
        assert there[f"volume_difference_mm3[{name}]"] == -back[f"volume_difference_mm3[{name}]"]
        assert there[f"missed[{name}]"] == back[f"invented[{name}]"]


@both_rules
@settings(max_examples=30)
@given(reference=label_maps, prediction=label_maps)
def test_nothing_predicted_is_never_better_than_something(reference, prediction, rules):
    offered = compare(reference, prediction, spacing_mm=SPACING, rules=rules)
    none = compare(reference, None, spacing_mm=SPACING, rules=rules)
    for name in ("a", "b"):
        assert all(none[f"{f}[{name}]"] <= offered[f"{f}[{name}]"] for f in ("dice", "iou", "nsd"))
        assert all(none[f"{f}[{name}]"] >= offered[f"{f}[{name}]"] for f in ("hd95_mm", "hd_mm", "assd_mm"))


def test_a_missed_structure_gets_the_image_diagonal_and_no_overlap():
    reference = np.zeros((4, 5, 3), np.uint8)
    reference[1:3, 1:3, 1] = 1
    figures = compare(reference, np.zeros_like(reference), spacing_mm=SPACING, rules=RULES)
    for distance in ("hd95_mm", "hd_mm", "assd_mm"):
        assert figures[f"{distance}[a]"] == pytest.approx(np.sqrt(3**2 + 2**2 + 4**2))
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
