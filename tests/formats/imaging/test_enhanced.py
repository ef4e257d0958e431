"""Frames of multi-frame objects are sorted into volumes by their functional groups."""

import numpy as np
import pytest

from medassay.core.errors import WrongUse
from medassay.core.findings import Finding, Reason, Severity
from medassay.formats.imaging import enhanced

AXIAL, SAGITTAL = [1, 0, 0, 0, 1, 0], [0, 1, 0, 0, 0, -1]
ENHANCED_MR = "1.2.840.10008.5.1.4.1.1.4.1"


@pytest.fixture
def multiframe(make):
    def built(frames, dimensions=(0x00209057,), **elements):
        """`frames`: position, orientation, dimension index values."""
        groups = [
            make.item(
                PlanePositionSequence=[make.item(ImagePositionPatient=list(map(float, position)))],
                PlaneOrientationSequence=[make.item(ImageOrientationPatient=orientation)],
                FrameContentSequence=[make.item(DimensionIndexValues=list(index), StackID="1")],
            )
            for position, orientation, index in frames
        ]
        return make.image(
            np.zeros((len(frames), 4, 5), np.uint16),
            SOPClassUID=ENHANCED_MR,
            SharedFunctionalGroupsSequence=[
                make.item(PixelMeasuresSequence=[make.item(PixelSpacing=[1.0, 1.0])])
            ],
            PerFrameFunctionalGroupsSequence=groups,
            DimensionIndexSequence=[make.item(DimensionIndexPointer=pointer) for pointer in dimensions],
            **elements,
        )

    return built


def test_frames_are_ordered_by_position_not_by_number(multiframe):
    made = multiframe([((0, 0, z), AXIAL, [i + 1]) for i, z in enumerate((4, 0, 2))])
    (volume,) = enhanced.volumes(made)
    assert volume.frames == (1, 2, 0)
    assert volume.arranged.grid.spacing_mm == (2, 1, 1)


def test_time_points_and_orientations_are_volumes_of_their_own(multiframe):
    dynamic = [((0, 0, 3 * z), AXIAL, [z + 1, t + 1]) for t in range(3) for z in range(4)]
    made = multiframe(dynamic, dimensions=(0x00209057, 0x00209128))
    assert [len(volume.frames) for volume in enhanced.volumes(made)] == [4, 4, 4]
    scout = [((0, 0, 3 * z), AXIAL, [z + 1]) for z in range(3)] + [
        ((3 * x, 0, 0), SAGITTAL, [x + 1]) for x in range(2)
    ]
    assert [len(volume.frames) for volume in enhanced.volumes(multiframe(scout))] == [3, 2]
    assert enhanced.describe(multiframe(scout)) == {
        "volumes": 2,
        "regular_volumes": 2,
        "slices_a_volume": "2, 3",
    }


def test_a_gap_between_frames_is_told_with_its_volume(multiframe):
    made = multiframe([((0, 0, z), AXIAL, [i + 1]) for i, z in enumerate((0, 2, 6, 8))])
    (volume,) = enhanced.volumes(made)
    assert isinstance(volume.arranged, Finding)
    (finding,) = enhanced.examine(made)
    assert (finding.reason, finding.severity, finding.where) == (
        Reason.SLICE_MISSING,
        Severity.WARN,
        "1 of 1 volumes",
    )


def test_a_frame_that_no_group_places_is_told(multiframe):
    made = multiframe([((0, 0, z), AXIAL, [z + 1]) for z in range(3)])
    del made.PerFrameFunctionalGroupsSequence[1].PlanePositionSequence
    with pytest.raises(WrongUse, match="frame 2 without ImagePositionPatient"):
        enhanced.frames_of(made)
    made = multiframe([((0, 0, z), AXIAL, [z + 1]) for z in range(3)], NumberOfFrames=4)
    (finding,) = enhanced.examine(made)
    assert finding.found == "3 functional groups"


def part(multiframe, number, total, positions, offset):
    return multiframe(
        [((0, 0, z), AXIAL, [z + 1]) for z in positions],
        ConcatenationUID="1.9",
        InConcatenationNumber=number,
        InConcatenationTotalNumber=total,
        ConcatenationFrameOffsetNumber=offset,
    )


def test_parts_of_a_concatenation_make_one_volume(multiframe):
    first, second = part(multiframe, 1, 2, [0, 1, 2], 0), part(multiframe, 2, 2, [3, 4], 3)
    (volume,) = enhanced.volumes_of_parts([second, first])
    assert (volume.frames, volume.arranged.grid.shape) == ((0, 1, 2, 3, 4), (5, 4, 5))
    (finding,) = enhanced.examine(first)
    assert (finding.found, finding.severity) == ("part 1 of a concatenation of 2 parts", Severity.NOTE)


def test_a_concatenation_that_is_not_whole_is_refused(multiframe):
    first, second = part(multiframe, 1, 3, [0, 1, 2], 0), part(multiframe, 2, 3, [3, 4], 3)
    with pytest.raises(WrongUse, match="2 parts of 3"):
        enhanced.parts_in_order([first, second])
    with pytest.raises(WrongUse, match="1 parts of 3"):
        enhanced.parts_in_order([first, first])
    moved = part(multiframe, 2, 2, [3, 4], 5)
    with pytest.raises(WrongUse, match="begins at frame 5"):
        enhanced.parts_in_order([part(multiframe, 1, 2, [0, 1, 2], 0), moved])
    other = part(multiframe, 2, 2, [3, 4], 3)
    other.ConcatenationUID = "1.8"
    with pytest.raises(WrongUse, match="different concatenations"):
        enhanced.parts_in_order([first, other])
