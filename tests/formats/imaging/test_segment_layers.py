"""Segments keep their own volumes: overlapping, fractional, or numbers of a label map."""

import numpy as np
import pytest

from medassay.core.errors import WrongUse
from medassay.core.findings import Reason
from medassay.formats.imaging import dicom_file, dicom_series, segment_layers, segmentation

FIRST, SECOND = np.array([[0, 1], [1, 1]], np.uint8), np.array([[0, 0], [0, 1]], np.uint8)


@pytest.fixture
def seg(make):
    def built(frames, kind="FRACTIONAL", sop_class=dicom_series.SEGMENTATION, **elements):
        """`frames`: segment number, depth in mm, values."""
        groups = []
        for number, depth, _ in frames:
            group = make.item(
                PlanePositionSequence=[make.item(ImagePositionPatient=[0.0, 0.0, float(depth)])]
            )
            if number is not None:
                group.SegmentIdentificationSequence = [make.item(ReferencedSegmentNumber=number)]
            groups.append(group)
        shared = make.item(
            PlaneOrientationSequence=[make.item(ImageOrientationPatient=[1, 0, 0, 0, 1, 0])],
            PixelMeasuresSequence=[make.item(PixelSpacing=[1.0, 1.0], SliceThickness=2.0)],
        )
        numbers = sorted({n for n, _, _ in frames if n} or {1, 2})
        return make.image(
            np.stack([values for _, _, values in frames]),
            SOPClassUID=sop_class,
            FrameOfReferenceUID="1.2.5",
            SegmentationType=kind,
            SegmentSequence=[make.item(SegmentNumber=n, SegmentLabel=f"s{n}") for n in numbers],
            SharedFunctionalGroupsSequence=[shared],
            PerFrameFunctionalGroupsSequence=groups,
            **elements,
        )

    return built


def test_segments_that_overlap_keep_their_voxels(seg):
    made = seg([(1, 0, FIRST), (2, 0, SECOND), (1, 2, SECOND)], "BINARY")
    read = segment_layers.layers(made)
    assert read.shares[1].tolist() == [FIRST.tolist(), SECOND.tolist()]
    assert read.shares[2].tolist() == [SECOND.tolist(), [[0, 0], [0, 0]]]
    assert (read.overlap, read.names, read.grid.spacing_mm) == (1, {1: "s1", 2: "s2"}, (2, 1, 1))


def test_fractions_are_shares_of_their_largest_value(make, seg):
    made = seg([(1, 0, FIRST * 50)], SegmentationFractionalType="PROBABILITY", MaximumFractionalValue=100)
    read = segment_layers.layers(dicom_file.open(make.encoded(made), pixels=True).dataset)
    assert read.shares[1][0].tolist() == [[0, 0.5], [0.5, 0.5]]
    assert read.fractional == "PROBABILITY"
    assert not list(segment_layers.examine(made))
    with pytest.raises(WrongUse, match="fractional"):
        segmentation.read(make.encoded(made))


def test_numbers_of_a_label_map_are_segments(seg):
    made = seg([(None, 0, FIRST + SECOND)], "LABELMAP", dicom_series.LABEL_MAP_SEGMENTATION)
    read = segment_layers.layers(made)
    assert read.shares[1][0].tolist() == [[0, 1], [1, 0]]
    assert read.shares[2][0].tolist() == SECOND.tolist()


def test_frames_that_make_no_volume_are_refused(seg):
    for frames in ([(1, 0, FIRST), (1, 2, FIRST), (1, 5, FIRST)], [(1, 0, FIRST), (1, 0, SECOND)]):
        with pytest.raises(WrongUse):
            segment_layers.layers(seg(frames, "BINARY"))


def test_a_segmentation_without_numbered_segments_is_told(seg, make):
    made = seg([(1, 0, FIRST)])
    made.SegmentSequence.append(make.item(SegmentNumber=1, SegmentLabel="again"))
    (finding,) = segment_layers.examine(made)
    assert (finding.reason, finding.found) == (Reason.REFERENCE_INVALID, "1 numbered segments of 2")


@pytest.mark.shared
@pytest.mark.parametrize(
    "name", ["seg_image_ct_binary_overlap", "seg_image_ct_true_fractional", "partial_overlaps"]
)
def test_real_segmentations_have_the_volumes_that_highdicom_gives(shared, name):
    import highdicom

    path = shared / "dicom-formats" / "modality" / "SEG" / f"{name}.dcm"
    read = segment_layers.layers(dicom_file.open(path, pixels=True).dataset)
    theirs = highdicom.seg.segread(path)
    volume = theirs.get_volume(combine_segments=False, rescale_fractional=True)
    sums = [float(volume.array[..., index].sum()) for index in range(len(read.shares))]
    assert [float(share.sum()) for share in read.shares.values()] == pytest.approx(sums)
