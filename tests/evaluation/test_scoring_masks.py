"""Label maps scored from files: own and outside writers, other grids, missing structures, double entry."""

import io

import numpy as np
import pytest
from pydicom import dcmread

from medassay.annotation.consensus import masks as consensus
from medassay.core.errors import WrongUse
from medassay.core.findings import Finding, Reason
from medassay.datasets.deidentify.dicom import encoded
from medassay.evaluation.scoring import masks
from medassay.formats.imaging import dicom_series, segmentation
from medassay.formats.imaging.grid import Grid, placed
from medassay.phantoms.mr_volume import headers
from medassay.phantoms.mr_volume.parameters import Site
from medassay.reports.pictures import masks as pictures

STRUCTURES = {"anterior": 1, "posterior": 2}
OPTIONS = masks.Options(structures=STRUCTURES, nsd_tolerance_mm=1.0)
SPACING = (1.5, 1.0, 0.5)
SHAPE = (8, 12, 16)
DRAW = np.random.default_rng(4)


def grid_of(spacing=SPACING, shape=SHAPE, origin=(5.0, -20.0, 31.0)):
    affine = np.eye(4)
    affine[:3, :3] = [[0, 0, spacing[2]], [0, spacing[1], 0], [spacing[0], 0, 0]]
    affine[:3, 3] = origin
    return Grid(shape, affine)


@pytest.fixture(scope="module")
def images():
    site = Site(
        institution="x", charset="ISO_IR 100", manufacturer="m", model="n", field_t=3, spacing_mm=SPACING,
        subjects=1, noise=0.1, contrast=1, gain=1,
    )  # fmt: skip
    person = headers.Person("TEST^ONE", "1", "19600101", "F", 60, 60.0)
    values = DRAW.integers(0, 900, SHAPE)
    return headers.series(person, site, values, grid_of(), token="t", instance_order=range(8, 0, -1))


@pytest.fixture(scope="module")
def samples(images):
    # Names tell nothing of the order: geometry has to.
    return {f"s/{7 * i % 8:04d}.dcm": encoded(image) for i, image in enumerate(images)}


@pytest.fixture(scope="module")
def reference():
    labels = np.zeros(SHAPE, np.uint8)
    labels[2:5, 2:8, 3:9] = 1
    labels[4:7, 6:10, 5:12] = 2
    return labels


def written(images, labels, grid=None, names=None):
    return segmentation.write(
        labels,
        images=images,
        grid=grid or grid_of(),
        names=names or {1: "anterior", 2: "posterior"},
        uid=lambda purpose: headers.uid("seg", purpose),
        maker=("m", "n"),
    )


def by_highdicom(images, labels, **options):
    import highdicom as hd
    from pydicom.sr.codedict import codes

    segments = [
        hd.seg.SegmentDescription(
            segment_number=number,
            segment_label=name,
            segmented_property_category=codes.SCT.AnatomicalStructure,
            segmented_property_type=codes.SCT.AnatomicalStructure,
            algorithm_type="MANUAL",
        )
        for name, number in STRUCTURES.items()
    ]
    made = hd.seg.Segmentation(
        source_images=[dcmread(io.BytesIO(encoded(image))) for image in images],
        pixel_array=labels,
        segmentation_type="BINARY",
        segment_descriptions=segments,
        series_instance_uid=headers.uid("a"),
        series_number=1,
        sop_instance_uid=headers.uid("b"),
        instance_number=1,
        manufacturer="m",
        manufacturer_model_name="n",
        software_versions="1",
        device_serial_number="1",
        **options,
    )
    sink = io.BytesIO()
    made.save_as(sink)
    return sink.getvalue()


def as_nifti(labels, grid, flip=False):
    """Written by nibabel in its own axes; flipped storage with the affine to match."""
    import nibabel

    affine = np.diag([-1, -1, 1, 1]) @ grid.affine[:, [2, 1, 0, 3]]
    data = labels.transpose(2, 1, 0)
    if flip:
        affine = affine @ np.array([[-1, 0, 0, data.shape[0] - 1], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
        data = data[::-1]
    return nibabel.Nifti1Image(data, affine).to_bytes()


@pytest.mark.parametrize("omit_empty_frames", [True, False])
def test_segmentations_of_an_outside_writer_are_read_onto_the_image(
    images, samples, reference, omit_empty_frames
):
    content = by_highdicom(images, reference, omit_empty_frames=omit_empty_frames)
    score = masks.score(written(images, reference), content, samples, OPTIONS)
    assert score.statistics["dice"] == 2
    assert score.badness == 0


def test_an_outside_reader_finds_the_labels_where_we_wrote_them(images, reference):
    import highdicom as hd

    volume = hd.seg.segread(io.BytesIO(written(images, reference))).get_volume(combine_segments=True)
    own = Grid(volume.array.shape, volume.affine)
    np.testing.assert_array_equal(placed(volume.array.astype(np.uint8), own, grid_of()), reference)


@pytest.mark.parametrize("flip", [False, True])
def test_nifti_label_maps_are_read_by_their_affine_not_their_storage(images, samples, reference, flip):
    content = as_nifti(reference, grid_of(), flip)
    assert masks.score(written(images, reference), content, samples, OPTIONS).statistics["dice"] == 2


@pytest.mark.parametrize(
    "grid",
    [
        grid_of(spacing=(1.5, 1.0, 0.6)),
        grid_of(origin=(5.2, -20.0, 31.0)),
        grid_of(spacing=(3.0, 1.0, 0.5)),
    ],
)
def test_another_grid_is_refused_not_resampled(images, samples, reference, grid):
    with pytest.raises(WrongUse, match=r"prediction.*image's grid"):
        masks.score(written(images, reference), as_nifti(reference, grid), samples, OPTIONS)


def test_labels_outside_the_image_are_refused(images, samples, reference):
    moved = grid_of(origin=(5.0 + 0.5 * 12, -20.0, 31.0))
    with pytest.raises(WrongUse, match="outside the image"):
        masks.score(written(images, reference), as_nifti(reference, moved), samples, OPTIONS)


def test_segments_count_by_name_and_an_undeclared_one_is_refused_without_its_name(images, samples, reference):
    swapped = np.choose(reference, [0, 2, 1]).astype(np.uint8)
    content = written(images, swapped, names={1: "Posterior", 2: "ANTERIOR"})
    assert masks.score(written(images, reference), content, samples, OPTIONS).statistics["dice"] == 2
    strange = written(images, reference, names={1: "anterior", 2: "Mr Wang"})
    with pytest.raises(WrongUse, match="number 2") as error:
        masks.score(written(images, reference), strange, samples, OPTIONS)
    assert "Wang" not in str(error.value)


@pytest.mark.parametrize("content", [b"", b"DICM", b"\x1f\x8b broken", bytes(200)])
def test_bytes_that_are_no_label_map_are_refused(images, samples, reference, content):
    with pytest.raises(WrongUse, match="prediction"):
        masks.score(written(images, reference), content, samples, OPTIONS)


def test_a_truncated_segmentation_is_refused(images, samples, reference):
    whole = written(images, reference)
    for length in (len(whole) - 40, len(whole) // 2, 300):
        with pytest.raises(WrongUse):
            masks.score(whole, whole[:length], samples, OPTIONS)


def test_a_missing_prediction_is_all_wrong(images, samples, reference):
    score = masks.score(written(images, reference), None, samples, OPTIONS)
    assert score.statistics["dice"] == 0
    assert score.statistics["hd95_mm[anterior]"] == pytest.approx(grid_of().diagonal_mm)
    assert score.badness == 1


@pytest.mark.parametrize(
    "conventions",
    [
        {"both_empty": "perfect"},
        {"both_empty": "not_counted", "hd95": "pooled"},
        {"hd95": "area_weighted", "nsd": "surface_elements"},
    ],
    ids=lambda conventions: "-".join(conventions.values()),
)
def test_the_second_implementation_gives_every_headline_figure(images, samples, conventions):
    options = OPTIONS.model_copy(update=conventions)
    for seed in range(4):
        draw = np.random.default_rng(seed)
        pair = [draw.integers(0, 3, SHAPE).astype(np.uint8) for _ in range(2)]
        if seed == 2:
            pair[1][pair[1] == 1] = 0
        if seed == 3:
            pair = [np.where(labels == 2, 0, labels).astype(np.uint8) for labels in pair]
        contents = [written(images, labels) for labels in pair]
        for offered in (contents[1], None):
            first = masks.score(contents[0], offered, samples, options).statistics
            second = masks.second(contents[0], offered, samples, options)
            assert set(second) == set(masks.HEADLINE)
            for figure, value in second.items():
                assert first[figure] == pytest.approx(value, abs=masks.SECOND_TOLERANCE)


def test_every_metric_is_a_ratio_of_statistics_that_exist(images, samples, reference):
    statistics = masks.score(written(images, reference), None, samples, OPTIONS).statistics
    for name, metric in masks.metrics(OPTIONS).items():
        assert {*metric.numerator, *metric.denominator} <= set(statistics), name
    assert {"dice", "dice[anterior]", "nsd", "hd95", "volume_bias[posterior]"} <= set(masks.metrics(OPTIONS))


def test_volume_bias_is_in_cubic_millimetres_and_has_a_sign(images, samples, reference):
    smaller = reference.copy()
    smaller[2] = 0
    lost = int((reference[2] == 1).sum())
    statistics = masks.score(
        written(images, reference), written(images, smaller), samples, OPTIONS
    ).statistics
    assert statistics["volume_difference_mm3[anterior]"] == pytest.approx(-lost * 0.75)
    assert statistics["volume_distance_mm3[anterior]"] == pytest.approx(lost * 0.75)
    assert statistics["reference_mm3[anterior]"] == pytest.approx((reference == 1).sum() * 0.75)


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("predicted", [True, False])
def test_the_picture_of_an_excerpt_is_the_same_svg_each_time(images, samples, reference, lang, predicted):
    prediction = written(images, np.roll(reference, 2, 1)) if predicted else None
    excerpt = masks.score(written(images, reference), prediction, samples, OPTIONS).excerpt
    drawn = pictures.draw(excerpt, lang)
    assert b"<svg" in drawn
    assert drawn == pictures.draw(excerpt, lang)


def test_the_middle_of_two_reads_lies_between_them_and_favours_neither(images, samples, reference):
    grown = reference.copy()
    grown[2:5, 2:8, 9:13] = 1
    options = {"structures": STRUCTURES, "nsd_tolerance_mm": 1.0}
    reads = [written(images, labels) for labels in (reference, grown)]
    merged = consensus.merge(*reads, samples, options)
    assert merged == consensus.merge(*reversed(reads), samples, options)
    middle = segmentation.read_onto(merged, grid_of(), STRUCTURES)
    assert (reference == 1).sum() < (middle == 1).sum() < (grown == 1).sum()
    alike = consensus.merge(reads[0], reads[0], samples, options)
    np.testing.assert_array_equal(segmentation.read_onto(alike, grid_of(), STRUCTURES), reference)


def test_agreement_of_a_read_with_itself_is_whole(images, samples, reference):
    read = written(images, reference)
    options = {"structures": STRUCTURES, "nsd_tolerance_mm": 1.0}
    figures = consensus.figures(consensus.agreement(read, read, samples, options))
    assert (figures["dice"], figures["nsd"], figures["hd95_mm"]) == (1, 1, 0)
    nothing = written(images, np.zeros(SHAPE, np.uint8))
    assert consensus.figures(consensus.agreement(nothing, nothing, samples, options))["dice"] is None


def test_label_checks_find_what_no_hippocampus_is(images, samples, reference):
    options = {"structures": STRUCTURES, "nsd_tolerance_mm": 1.0, "smallest_mm3": 20, "largest_mm3": 5000}
    assert consensus.check(written(images, reference), samples, options) == []
    without = np.where(reference == 2, 0, reference).astype(np.uint8)
    tiny = without.copy()
    tiny[0, 0, 0] = 2
    loose = reference.copy()
    loose[0, 0, :] = 1
    found = [consensus.check(written(images, labels), samples, options) for labels in (without, tiny, loose)]
    assert [[(f.where, f.severity.value) for f in one] for one in found] == [
        [("posterior", "exclude")],
        [("posterior", "exclude")],
        [("anterior", "warn")],
    ]


def place(position, **changes):
    along = np.array([1.0, 0, 0]), np.array([0, 1.0, 0])
    return dicom_series.SlicePlace(np.array(position, float), *along, (1.0, 1.0), (4, 5), **changes)


def test_slices_are_ordered_by_position_alone():
    arranged = dicom_series.arrange([place((0, 0, z)) for z in (3, 1, 2, 0)])
    assert arranged.order == (3, 1, 2, 0)
    assert arranged.grid.spacing_mm == (1, 1, 1)


@pytest.mark.parametrize(
    ("positions", "reason"),
    [
        ([(0, 0, 0)], Reason.GEOMETRY_IRREGULAR),
        ([(0, 0, z) for z in (0, 1, 2, 4, 5)], Reason.SLICE_MISSING),
        ([(0, 0, z) for z in (0, 1, 2, 2, 3)], Reason.GEOMETRY_IRREGULAR),
        ([(0, 0, z) for z in (0, 1, 2, 3.4, 4.4)], Reason.GEOMETRY_IRREGULAR),
        ([(0, 0.3 * z, z) for z in range(5)], Reason.GEOMETRY_IRREGULAR),
    ],
)
def test_slices_that_make_no_volume_are_a_finding(positions, reason):
    found = dicom_series.arrange([place(position) for position in positions])
    assert isinstance(found, Finding)
    assert found.reason == reason
