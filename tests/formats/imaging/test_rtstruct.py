"""Contours are read as structures, and filled by the even-odd rule on the image's slices."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.path import Path as Polygon

from medassay.core.findings import Reason
from medassay.formats.imaging import dicom_file, rtstruct
from medassay.formats.imaging.grid import Grid
from medassay.formats.imaging.refusal import ImageRefused

GRID = Grid((3, 20, 30), np.array([[0, 0, 0.5, -5], [0, 2, 0, 7], [3, 0, 0, 11], [0, 0, 0, 1]], float))


def square(top, left, bottom, right, plane=1):
    """Corners in voxels, in the patient's millimetres."""
    corners = [(plane, top, left), (plane, top, right), (plane, bottom, right), (plane, bottom, left)]
    return (np.array(corners, float) @ GRID.affine[:3, :3].T + GRID.affine[:3, 3]).ravel().round(6).tolist()


@pytest.fixture
def structure_set(make):
    def built(*contours, kind="CLOSED_PLANAR", **elements):
        made = make.image(SOPClassUID="1.2.840.10008.5.1.4.1.1.481.3", Modality="RTSTRUCT")
        for keyword in ("Rows", "Columns", "PixelData"):
            delattr(made, keyword)
        made.StructureSetROISequence = [
            make.item(ROINumber=7, ROIName="liver", ROIGenerationAlgorithm="MANUAL")
        ]
        made.ROIContourSequence = [
            make.item(
                ReferencedROINumber=7,
                ContourSequence=[
                    make.item(
                        **{
                            "ContourGeometricType": kind,
                            "NumberOfContourPoints": len(points) // 3,
                            "ContourData": points,
                            **elements,
                        }
                    )
                    for points in contours
                ],
            )
        ]
        made.RTROIObservationsSequence = [make.item(ReferencedROINumber=7, RTROIInterpretedType="ORGAN")]
        return made

    return built


def mask_of(made):
    return rtstruct.mask(rtstruct.structures(made)[0], GRID)


def test_a_contour_fills_the_voxels_whose_centre_lies_inside(make, structure_set):
    made = dicom_file.open(make.encoded(structure_set(square(1.5, 2.5, 4.5, 9.5)))).dataset
    filled, notes = mask_of(made)
    expected = np.zeros(GRID.shape, bool)
    expected[1, 2:5, 3:10] = True
    assert np.array_equal(filled, expected)
    assert not notes


def test_a_contour_inside_another_one_is_a_hole(structure_set):
    filled, _ = mask_of(structure_set(square(1.5, 1.5, 9.5, 9.5), square(3.5, 3.5, 5.5, 5.5)))
    assert filled.sum() == 64 - 4


def test_the_area_of_a_circle_is_that_of_geometry():
    angle = np.linspace(0, 2 * np.pi, 720, endpoint=False)
    corners = np.stack([100 + 80.3 * np.sin(angle), 110 + 80.3 * np.cos(angle)], axis=1)
    assert rtstruct.inside(corners, (220, 220)).sum() == pytest.approx(np.pi * 80.3**2, rel=2e-3)


@given(st.lists(st.tuples(st.integers(-30, 130), st.integers(-30, 130)), min_size=3, max_size=12))
def test_filling_agrees_with_an_independent_point_in_polygon_test(corners):
    points = np.array(corners, float) / 10 + 0.0123  # no centre lies on an edge
    rows, columns = np.mgrid[:12, :12]
    crossings = np.zeros((12, 12), int)
    for start, end in zip(points, np.roll(points, -1, axis=0), strict=True):
        spans = (start[0] > rows) != (end[0] > rows)
        with np.errstate(divide="ignore", invalid="ignore"):
            at = start[1] + (rows - start[0]) * (end[1] - start[1]) / (end[0] - start[0])
        crossings += spans & (at < columns)
    assert np.array_equal(rtstruct.inside(points, (12, 12)), crossings % 2 == 1)


def test_a_convex_polygon_agrees_with_matplotlib():
    corners = np.array([[1.3, 2.2], [3.7, 14.6], [13.1, 11.9], [10.2, 1.4]])
    centres = np.argwhere(np.ones((16, 18), bool))
    theirs = Polygon(corners).contains_points(centres).reshape(16, 18)
    assert np.array_equal(rtstruct.inside(corners, (16, 18)), theirs)


@given(st.integers(1, 18))
def test_polygons_that_share_an_edge_share_no_pixel(edge):
    left = rtstruct.inside(np.array([[0, 0], [0, edge], [19, edge], [19, 0]], float), (20, 20))
    right = rtstruct.inside(np.array([[0, edge], [0, 19], [19, 19], [19, edge]], float), (20, 20))
    whole = rtstruct.inside(np.array([[0, 0], [0, 19], [19, 19], [19, 0]], float), (20, 20))
    assert not (left & right).any()
    assert np.array_equal(left | right, whole)


def test_contours_that_cannot_be_drawn_whole_are_counted(structure_set):
    crooked = square(1, 1, 5, 5)
    crooked[2] += 2
    made = structure_set(
        square(1, 1, 5, 5), square(1, 1, 5, 5, plane=9), crooked, square(1, 1, 5, 40, plane=2)
    )
    assert [note.found for note in mask_of(made)[1]] == [
        "1 of 4 contours that lie across slices",
        "1 of 4 contours off the image's slices",
        "1 of 4 contours beyond the image's edge",
    ]


def test_without_a_closed_contour_on_the_image_there_is_no_mask(structure_set):
    elsewhere = structure_set(square(1, 1, 5, 5, plane=9))
    for made in (structure_set(square(1, 1, 5, 5), kind="POINT"), elsewhere, structure_set()):
        with pytest.raises(ImageRefused) as refused:
            mask_of(made)
        assert refused.value.reason is Reason.GEOMETRY_MISMATCH


def test_faults_of_a_structure_set_are_counted(structure_set):
    made = structure_set(square(1, 1, 5, 5), NumberOfContourPoints=5, kind="CIRCLE")
    made.StructureSetROISequence.append(made.StructureSetROISequence[0])
    told = {finding.found for finding in rtstruct.examine(made)}
    assert told == {"2 contours whose data are no points", "1 structures of a number that is taken"}
    assert rtstruct.describe(structure_set(square(1, 1, 5, 5))) == {
        "structures": 1,
        "contours": 1,
        "points": 4,
        "types": "ORGAN",
    }


@pytest.mark.shared
def test_a_real_structure_set_is_read_as_pydicom_holds_it(shared):
    dataset = dicom_file.open(
        shared / "dicom-formats" / "modality" / "RT" / "raystation_rtstruct.dcm"
    ).dataset
    found = rtstruct.structures(dataset)
    points = sum(
        int(c.NumberOfContourPoints) for roi in dataset.ROIContourSequence for c in roi.ContourSequence
    )
    assert rtstruct.describe(dataset)["points"] == points
    assert [one.number for one in found] == [int(item.ROINumber) for item in dataset.StructureSetROISequence]
