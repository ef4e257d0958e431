"""Slices become a volume by position and orientation, and whatever keeps them from it is told."""

import numpy as np
import pytest

from medassay.core.errors import WrongUse
from medassay.core.findings import Finding, Reason
from medassay.formats.imaging import dicom_series
from medassay.formats.imaging.dicom_series import SlicePlace, arrange, irregularities


def stack(depths, *, row=(1, 0, 0), column=(0, 1, 0), lean=(0, 0, 0), spacing=(1.0, 1.0), size=(4, 5)):
    row, column = np.array(row, float), np.array(column, float)
    normal = np.cross(row, column)
    return [SlicePlace(d * (normal + np.array(lean, float)), row, column, spacing, size) for d in depths]


def told(places):
    return [finding.found for finding in irregularities(places)]


@pytest.mark.parametrize(
    "turn", [((1, 0, 0), (0, 1, 0)), ((0, 1, 0), (0, 0, -1)), ((0.6, 0.8, 0), (-0.8, 0.6, 0))]
)
def test_the_order_is_that_of_positions_whatever_the_order_of_files(turn):
    shuffled = [3, 0, 4, 1, 2]
    arranged = arrange(stack([2.5 * d for d in shuffled], row=turn[0], column=turn[1]))
    assert [shuffled[i] for i in arranged.order] == [0, 1, 2, 3, 4]
    assert np.allclose(arranged.grid.spacing_mm, (2.5, 1, 1))
    assert np.allclose(arranged.grid.position(4), 10 * np.cross(*turn))


faults = {
    "one slice": (stack([0]), Reason.GEOMETRY_IRREGULAR, "1 slice"),
    "none": ([], Reason.GEOMETRY_IRREGULAR, "0 slice"),
    "a gap": (stack([0, 2, 4, 8, 10]), Reason.SLICE_MISSING, "1 missing after slice 3 of 5"),
    "two gaps": (stack([0, 2, 6, 8, 14, 16, 18]), Reason.SLICE_MISSING, "3 missing after slice 2, 4 of 7"),
    "unequal": (
        stack([0, 2, 4.3, 6]),
        Reason.GEOMETRY_IRREGULAR,
        "unequal distances of slices, 1.7 to 2.3 mm",
    ),
    "a duplicate": (stack([0, 2, 2, 4]), Reason.GEOMETRY_IRREGULAR, "two slices at one place, 1 times"),
    "two volumes": (
        stack([0, 2, 4, 0, 2, 4]),
        Reason.GEOMETRY_IRREGULAR,
        "2 slices at each of 3 places: 2 volumes in one series",
    ),
    "all at one place": (
        stack([1, 1]),
        Reason.GEOMETRY_IRREGULAR,
        "2 slices at each of 1 places: 2 volumes in one series",
    ),
    "tilt": (
        stack([0, 2, 4], lean=(0, np.tan(np.radians(18.5)), 0)),
        Reason.GEOMETRY_IRREGULAR,
        "slices shifted sideways against their normal (tilt, 18.5 degrees)",
    ),
    "sizes": (stack([0, 2]) + stack([4], size=(4, 6)), Reason.GEOMETRY_IRREGULAR, "slices of different size"),
    "spacings": (
        stack([0, 2]) + stack([4], spacing=(1.0, 1.1)),
        Reason.GEOMETRY_IRREGULAR,
        "more than one pixel spacing in the series",
    ),
    "orientations": (
        stack([0, 2]) + stack([4], row=(0, 1, 0), column=(0, 0, 1)),
        Reason.GEOMETRY_IRREGULAR,
        "more than one orientation in the series",
    ),
}


@pytest.mark.parametrize(("places", "reason", "found"), faults.values(), ids=faults)
def test_slices_that_make_no_volume_are_told_with_the_reason(places, reason, found):
    arranged = arrange(places)
    assert isinstance(arranged, Finding)
    assert (arranged.reason, arranged.found) == (reason, found)


def test_every_irregularity_is_told_not_the_first_alone():
    places = stack([0, 2, 2, 4, 8], lean=(0, 0.2, 0))
    assert told(places) == [
        "two slices at one place, 1 times",
        "1 missing after slice 3 of 4",
        "slices shifted sideways against their normal (tilt, 11.3 degrees)",
    ]


def test_a_single_slice_moved_aside_is_no_tilt():
    places = stack([0, 2, 4, 6, 8])
    places[2].position[0] += 3
    assert told(places) == ["slices shifted sideways against their normal (tilt)"]


misplaced = {
    "no position": {"ImagePositionPatient": None},
    "two numbers": {"ImagePositionPatient": [0, 0]},
    "no direction": {"ImageOrientationPatient": [0] * 6},
    "slanted axes": {"ImageOrientationPatient": [1, 0, 0, 0.5, 0.8660254, 0]},
    "a spacing of zero": {"PixelSpacing": [0, 1]},
    "a spacing below zero": {"PixelSpacing": [-1, 1]},
    "no rows": {"Rows": 0},
}


@pytest.mark.parametrize("elements", misplaced.values(), ids=misplaced)
def test_a_slice_that_its_header_does_not_place_is_refused(make, elements):
    made = make.placed(0)
    for keyword, value in elements.items():
        setattr(made, keyword, value)
        if value is None:
            del made[keyword]
    with pytest.raises(WrongUse):
        dicom_series.place_of(made)


def test_headers_come_in_geometric_order_with_where_each_stood(make):
    objects = [make.encoded(make.placed(index, InstanceNumber=9 - index)) for index in (2, 0, 1)]
    headers, grid, order = dicom_series.headers_in_order(objects)
    assert [header.SOPInstanceUID for header in headers] == ["1.2.1", "1.2.2", "1.2.3"]
    assert (order, grid.shape) == ((1, 2, 0), (3, 4, 5))


def test_a_whole_object_holds_all_its_pixels(make):
    whole = make.encoded(make.placed(0))
    assert dicom_series.stored_values(dicom_series.open_whole(whole)).tolist()[3] == [15, 16, 17, 18, 19]
    for wrong in (
        whole[:-2],
        make.encoded(make.placed(0, Rows=5)),
        make.encoded(make.placed(0, PixelData=b"")),
    ):
        with pytest.raises(WrongUse):
            dicom_series.open_whole(wrong)


def test_colour_and_frames_are_no_slice(make):
    for pixels in (np.zeros((2, 4, 5), np.uint16), np.zeros((4, 5, 3), np.uint8)):
        with pytest.raises(WrongUse):
            dicom_series.stored_values(make.image(pixels))


@pytest.mark.shared
@pytest.mark.parametrize(
    ("folder", "found"),
    [
        ("dicom-series/ct-ge-hispeed-tilt-28", ["unequal distances of slices", "18.5 degrees"]),
        ("dicom-series/mr-ge-epi-nih-30", ["2 slices at each of 15 places: 2 volumes in one series"]),
        ("dicom-series/mr-hippocrop-pgbm002-32", []),
        ("dicom-series/mr-hippocrop-pgbm003-40", []),
        (
            "dicom-formats/damaged/mixed-orientation",
            ["more than one pixel spacing", "more than one orientation"],
        ),
    ],
)
def test_real_series_show_what_their_source_says(shared, folder, found):
    """../shared/data/dicom-series/SOURCE.txt and dicom-formats/SOURCE.txt."""
    places = [dicom_series.place_of(dicom_series.open(p.read_bytes())) for p in (shared / folder).iterdir()]
    sentences = told(places)
    assert len(sentences) == len(found)
    assert all(expected in sentence for expected, sentence in zip(found, sentences, strict=True))
