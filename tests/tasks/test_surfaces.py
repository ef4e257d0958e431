"""Surface distances: a brute force over all pairs, published conventions, laws, and bad input."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from medassay.core.errors import WrongUse
from medassay.tasks.surface_elements import element_areas, neighbourhood_codes
from medassay.tasks.surfaces import (
    ELEMENTS,
    average_surface_distance,
    hausdorff_distance,
    normalised_surface_dice,
    surface_distances,
)
from medassay.tasks.surfaces_check import recomputed

SPACING = (1.0, 0.5, 2.0)
masks = arrays(bool, (4, 5, 3))
some = masks.filter(np.any)
each_kind = pytest.mark.parametrize("elements", ELEMENTS)
few = settings(max_examples=30)  # of each of several conventions
PERCENTILES = {"border_voxels": "directed_max", "mask_voxels": "pooled", "surface_elements": "area_weighted"}


def figures(first, second, elements, spacing=SPACING, tolerance_mm=1.0):
    distances = surface_distances(first, second, spacing_mm=spacing, elements=elements)
    convention = PERCENTILES[elements]
    return {
        "hd_mm": hausdorff_distance(distances, percentile=100, convention=convention).value,
        "hd95_mm": hausdorff_distance(distances, convention=convention).value,
        "assd_mm": average_surface_distance(distances).value,
        "nsd": normalised_surface_dice(distances, tolerance_mm=tolerance_mm).value,
    }


def border_by_neighbours(mask):
    padded = np.pad(mask, 1)
    inner = mask.copy()
    for axis, step in itertools.product(range(3), (-1, 1)):
        inner &= np.roll(padded, step, axis)[1:-1, 1:-1, 1:-1]
    return mask & ~inner


def elements_by_cubes(mask):
    padded = np.pad(mask, 1)
    held = sum(
        padded[tuple(slice(at, n - 1 + at) for at, n in zip(corner, padded.shape, strict=True))].astype(int)
        for corner in itertools.product((0, 1), repeat=3)
    )
    return (held > 0) & (held < 8)


@each_kind
@few
@given(first=some, second=some)
def test_distances_are_the_least_over_every_pair_of_elements(elements, first, second):
    found = surface_distances(first, second, spacing_mm=SPACING, elements=elements)
    of = {"border_voxels": border_by_neighbours, "surface_elements": elements_by_cubes}.get(
        elements, np.array
    )
    a, b = (np.argwhere(of(mask)) * np.array(SPACING) for mask in (first, second))
    pairs = np.sqrt(((a[:, None] - b[None]) ** 2).sum(-1))
    np.testing.assert_allclose(found.reference_to_prediction_mm, pairs.min(1), atol=1e-12)
    np.testing.assert_allclose(found.prediction_to_reference_mm, pairs.min(0), atol=1e-12)


@pytest.mark.parametrize("hd95", ["directed_max", "pooled", "area_weighted"])
@pytest.mark.parametrize("by_area", [False, True])
@few
@given(first=some, second=some, tolerance_mm=st.sampled_from([0.0, 0.5, 1.0, 1.5]))
def test_a_distance_transform_gives_the_same_figures(hd95, by_area, first, second, tolerance_mm):
    kinds = ["surface_elements" if by_area else "border_voxels"]
    kinds.append("surface_elements" if hd95 == "area_weighted" else "border_voxels")
    near, far = (surface_distances(first, second, spacing_mm=SPACING, elements=kind) for kind in kinds)
    ours = {
        "nsd": normalised_surface_dice(near, tolerance_mm=tolerance_mm).value,
        "hd95_mm": hausdorff_distance(far, convention=hd95).value,
        "hd_mm": hausdorff_distance(far, percentile=100, convention=hd95).value,
        "assd_mm": average_surface_distance(far).value,
    }
    again = recomputed(
        first, second, spacing_mm=SPACING, tolerance_mm=tolerance_mm, hd95=hd95, by_area=by_area
    )
    assert ours == pytest.approx(again)


@each_kind
@few
@given(first=some, second=some)
def test_figures_are_bounded_and_symmetric(elements, first, second):
    there, back = figures(first, second, elements), figures(second, first, elements)
    assert there == pytest.approx(back)
    assert 0 <= there["assd_mm"] <= there["hd_mm"]
    assert (
        0
        <= there["hd95_mm"]
        <= there["hd_mm"]
        <= np.linalg.norm((np.array(first.shape) - 1) * SPACING) + 1e-9
    )
    assert 0 <= there["nsd"] <= 1


@each_kind
@few
@given(mask=some)
def test_a_mask_is_at_no_distance_from_itself(elements, mask):
    assert figures(mask, mask, elements, tolerance_mm=0.0) == {
        "hd_mm": 0,
        "hd95_mm": 0,
        "assd_mm": 0,
        "nsd": 1,
    }


@each_kind
@few
@given(first=some, second=some, before=st.tuples(*[st.integers(0, 3)] * 3))
def test_where_the_structure_lies_in_the_image_does_not_matter(elements, first, second, before):
    moved = [np.pad(mask, [(n, 2) for n in before]) for mask in (first, second)]
    assert figures(*moved, elements) == pytest.approx(figures(first, second, elements))


@each_kind
@few
@given(first=some, second=some, factor=st.sampled_from([0.25, 2.0, 8.0]))
def test_distances_grow_with_the_spacing_and_shares_do_not(elements, first, second, factor):
    wide = figures(first, second, elements, tuple(factor * s for s in SPACING), tolerance_mm=factor)
    expected = {k: v if k == "nsd" else factor * v for k, v in figures(first, second, elements).items()}
    assert wide == pytest.approx(expected)


@given(first=some, second=some, near=st.floats(0, 3), more=st.floats(0, 3))
def test_a_wider_tolerance_or_a_higher_percentile_never_gives_less(first, second, near, more):
    distances = surface_distances(first, second, spacing_mm=SPACING, elements="surface_elements")
    shares = [normalised_surface_dice(distances, tolerance_mm=t).value for t in (near, near + more)]
    ranks = [
        hausdorff_distance(distances, percentile=p, convention="area_weighted").value for p in (50, 95, 100)
    ]
    assert shares == sorted(shares)
    assert ranks == sorted(ranks)


def test_a_cube_and_its_shift_by_a_voxel_have_the_figures_worked_by_hand():
    first, second = np.zeros((9, 9, 9), bool), np.zeros((9, 9, 9), bool)
    first[2:6, 2:6, 2:6] = second[3:7, 2:6, 2:6] = True
    voxels = surface_distances(first, second, spacing_mm=(1, 1, 1))
    # Of 56 border voxels the 3 rings of 12 in the shared planes are common; all others are one step away.
    assert normalised_surface_dice(voxels, tolerance_mm=0).value == pytest.approx(36 / 56)
    assert average_surface_distance(voxels).value == pytest.approx(20 / 56)
    assert hausdorff_distance(voxels, percentile=100).value == 1
    # Lattice points: 9 of area 1 on each of 6 faces, 3 of a slanted half on each of 12 edges, 8 corners.
    elements = surface_distances(first, second, spacing_mm=(1, 1, 1), elements="surface_elements")
    edge, corner = np.sqrt(0.5), np.sqrt(3) / 8
    whole = 54 + 36 * edge + 8 * corner
    assert elements.reference_weight.sum() == pytest.approx(whole)
    # Common: 3 rings of 12 face and 4 edge points, and the ring round the face inside the other cube.
    common = 3 * (12 + 4 * edge) + 12 * edge + 4 * corner
    assert normalised_surface_dice(elements, tolerance_mm=0).value == pytest.approx(common / whole)


def test_percentiles_are_taken_within_each_direction_pooled_or_by_area():
    """Worked by hand: nine times 0 and a 10 one way, nine times 0 back."""
    first, second = np.zeros((1, 40), bool), np.zeros((1, 40), bool)
    first[0, :9], second[0, :9] = True, True
    first[0, 18] = True
    distances = surface_distances(first, second, spacing_mm=(1, 1))
    assert distances.reference_to_prediction_mm.tolist() == [0] * 9 + [10]
    assert hausdorff_distance(distances).value == pytest.approx(5.5)  # rank 8.55 of 0..9
    assert hausdorff_distance(distances, convention="pooled").value == pytest.approx(1)  # rank 17.1 of 0..18
    by_direction = [
        hausdorff_distance(distances, direction=d).value
        for d in ("reference_to_prediction", "prediction_to_reference")
    ]
    assert by_direction == pytest.approx([5.5, 0])
    assert average_surface_distance(distances, convention="mean_of_directed").value == pytest.approx(0.5)
    assert average_surface_distance(distances).value == pytest.approx(10 / 19)


def test_areas_of_plane_edge_and_corner_are_those_of_marching_cubes():
    areas = element_areas((2.0, 3.0, 5.0))
    by_code = {  # corners in the order 000, 001, 010, 011, 100, ...: the last axis runs first
        0b00001111: 15.0,  # all four with i = 0: a plane across i, 3 x 5
        0b00110011: 10.0,  # j = 0: 2 x 5
        0b01010101: 6.0,  # k = 0: 2 x 3
        0b00000001: np.sqrt(15**2 + 10**2 + 6**2) / 8,  # one corner: half the triangle of half edges
        0b00000011: np.sqrt(15**2 + 10**2) / 2,  # an edge along k: a slanted rectangle
    }
    for code, area in by_code.items():
        assert areas[code] == pytest.approx(area)
    assert areas[0] == areas[255] == 0
    np.testing.assert_allclose(areas, areas[::-1])  # a mask and its complement have one surface


def test_areas_of_all_neighbourhoods_are_those_of_monai():
    from monai.metrics.utils import get_code_to_measure_table

    for spacing in ((1.0, 1.0, 1.0), (3.0, 0.7, 1.3), (1.0, 2.5), (0.3, 0.3)):
        table, kernel = get_code_to_measure_table(spacing)
        bits = kernel.numpy().reshape(-1).astype(int)
        ours = element_areas(spacing)
        theirs = [
            sum(bit for place, bit in enumerate(bits) if code >> place & 1) for code in range(len(ours))
        ]
        np.testing.assert_allclose(ours, table.numpy()[theirs], rtol=1e-6)


def test_a_pixel_has_the_contour_of_the_square_through_its_edges():
    codes = neighbourhood_codes(np.array([[True]]))
    assert element_areas((1.0, 1.0))[codes].sum() == pytest.approx(4 * np.sqrt(0.5))


@each_kind
def test_a_missed_structure_has_no_distance_rather_than_a_number(elements):
    there, nothing = np.ones((2, 2, 2), bool), np.zeros((2, 2, 2), bool)
    for pair in ((there, nothing), (nothing, there)):
        distances = surface_distances(*pair, spacing_mm=SPACING, elements=elements)
        found = [
            hausdorff_distance(distances, convention=PERCENTILES[elements]),
            average_surface_distance(distances),
        ]
        assert [(f.value, f.undefined) for f in found] == [
            (None, "only one mask holds the structure: there is no distance")
        ] * 2
        assert normalised_surface_dice(distances, tolerance_mm=99).value == 0
    neither = surface_distances(nothing, nothing, spacing_mm=SPACING, elements=elements)
    assert normalised_surface_dice(neither, tolerance_mm=1).undefined == "neither mask holds the structure"
    assert hausdorff_distance(neither, convention=PERCENTILES[elements]).value is None


@pytest.mark.parametrize("spacing", [(1, 1), (1, 1, 0), (1, 1, np.nan), (1, -1, 1), (1, 1, np.inf)])
def test_a_spacing_that_is_none_is_refused(spacing):
    with pytest.raises(WrongUse, match="spacing"):
        surface_distances(np.ones((2, 2, 2), bool), np.ones((2, 2, 2), bool), spacing_mm=spacing)


def test_conventions_that_do_not_go_together_are_refused():
    mask = np.ones((2, 2, 2), bool)
    voxels = surface_distances(mask, mask, spacing_mm=SPACING)
    elements = surface_distances(mask, mask, spacing_mm=SPACING, elements="surface_elements")
    for distances, convention in (
        (voxels, "area_weighted"),
        (elements, "pooled"),
        (elements, "directed_max"),
    ):
        with pytest.raises(WrongUse, match="convention"):
            hausdorff_distance(distances, convention=convention)
    for percentile in (-1, 101, np.nan):
        with pytest.raises(WrongUse, match="percentile"):
            hausdorff_distance(voxels, percentile=percentile)
    for tolerance in (-1, np.nan, np.inf):
        with pytest.raises(WrongUse, match="tolerance"):
            normalised_surface_dice(voxels, tolerance_mm=tolerance)
    with pytest.raises(WrongUse, match="border_voxels"):
        surface_distances(mask, mask, spacing_mm=SPACING, elements="edges")
    line = np.ones(3, bool)
    with pytest.raises(WrongUse, match="2 or 3 axes"):
        surface_distances(line, line, spacing_mm=(1,), elements="surface_elements")


def test_a_distance_of_one_voxel_lies_within_a_tolerance_of_one_voxel():
    """3 x 0.7 - 2 x 0.7 is more than 0.7 in binary: the distance has to be counted in steps."""
    first, second = np.zeros((1, 4), bool), np.zeros((1, 4), bool)
    first[0, 2], second[0, 3] = True, True
    distances = surface_distances(first, second, spacing_mm=(1.0, 0.7))
    assert normalised_surface_dice(distances, tolerance_mm=0.7).value == 1
