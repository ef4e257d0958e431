"""NIfTI pairs as they are published, and series that no phantom would write."""

import gzip

import nibabel
import numpy as np
import pytest

from medassay.core.errors import WrongUse
from medassay.core.findings import Reason
from medassay.datasets.deidentify import explicit_walk
from medassay.datasets.intake import mr_volume as intake
from medassay.datasets.sample import Names, Refused
from medassay.datasets.spec import Source
from medassay.datasets.walk import walk
from medassay.formats.imaging import dicom_series, nifti, segmentation
from medassay.measures import volume
from medassay.measures.volume import volume_quality

STRUCTURES = {"anterior": 1, "posterior": 2}
NAMES = Names("sample-00000000000000aa", "subject-00000000000000bb", 400, b"a key")
SHAPE = (6, 7, 5)


def source(**changes):
    facts = {
        "name": "pairs",
        "source_class": "public",
        "form": "nifti-pairs",
        "folder": "pairs",
        "identity": "not_provable",
        "options": {"structures": STRUCTURES},
        "lawful_basis": {"licence": "none"},
    }
    return Source.model_validate(facts | changes)


def write(path, data, affine=None, text=b""):
    volume = nibabel.Nifti1Image(data, np.diag([1.0, 1.2, 1.5, 1]) if affine is None else affine)
    volume.header["descrip"] = text
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(volume.to_bytes()))


@pytest.fixture
def pair(tmp_path):
    draw = np.random.default_rng(0)
    grey = draw.normal(1e5, 3e4, SHAPE).astype(np.float32)
    labels = draw.integers(0, 3, SHAPE).astype(np.uint8)
    write(tmp_path / "imagesTr" / "case_1.nii.gz", grey, text=b"WANG^LI 1955")
    write(tmp_path / "labelsTr" / "case_1.nii.gz", labels)
    return tmp_path, grey, labels


def taken_of(folder):
    assembly = intake.assemble(walk(folder).readable, source())
    (draft,) = assembly.drafts
    return intake.take_in(draft, NAMES, source())


@pytest.mark.parametrize("flip", [(1, 1, 1), (-1, 1, 1), (1, 1, -1), (-1, -1, 1)])
def test_a_pair_becomes_images_and_a_label_that_lie_where_they_lay(pair, flip):
    folder, grey, labels = pair
    affine = np.diag([*flip, 1.0]) @ np.diag([1.0, 1.2, 1.5, 1])
    affine[:3, 3] = [10, -20, 5]
    write(folder / "imagesTr" / "case_1.nii.gz", grey, affine)
    write(folder / "labelsTr" / "case_1.nii.gz", labels, affine)
    taken = taken_of(folder)
    images = [item.content for item in taken.objects if item.role == "image"]
    (label,) = [item.content for item in taken.objects if item.role == "reference"]
    opened, grid, order = dicom_series.headers_in_order(images)
    assert order == tuple(range(SHAPE[2]))
    found = segmentation.read_onto(label, grid, STRUCTURES)
    to_lps = np.diag([-1, -1, 1, 1.0])
    for i, j, k in np.ndindex(SHAPE):
        where = np.linalg.solve(grid.affine, to_lps @ affine @ [i, j, k, 1])
        index = tuple(np.rint(where[:3]).astype(int))
        np.testing.assert_allclose(where[:3], index, atol=1e-6)
        assert found[index] == labels[i, j, k]
        if (i + j) % 5 == 0:
            stored = dicom_series.stored_values(dicom_series.open_whole(images[index[0]]))[index[1:]]
            back = stored * float(opened[0].RescaleSlope) + float(opened[0].RescaleIntercept)
            assert back == pytest.approx(grey[i, j, k], abs=float(opened[0].RescaleSlope))


def test_the_text_of_a_nifti_header_survives_nowhere(pair):
    taken = taken_of(pair[0])
    assert intake.prove(taken, source()) == []
    assert not any(b"WANG" in item.content for item in taken.objects)
    assert ("NIfTI descrip", "removed") in {(a.element, a.action) for a in taken.actions}


def test_equal_pixels_have_one_fingerprint_whatever_their_packing(pair, tmp_path):
    first = taken_of(pair[0]).fingerprint
    packed = pair[0] / "imagesTr" / "case_1.nii.gz"
    packed.with_suffix("").write_bytes(gzip.decompress(packed.read_bytes()))
    packed.unlink()
    assert taken_of(pair[0]).fingerprint == first


def test_pairs_that_are_none_are_told_apart(pair):
    folder, grey, labels = pair
    write(folder / "imagesTr" / "case_2.nii.gz", grey)
    write(folder / "labelsTr" / "case_3.nii.gz", labels)
    write(folder / "labelsTr" / "case_4.nii.gz", np.ones(SHAPE, np.uint8))
    (folder / "README").write_text("about these files")
    assembly = intake.assemble(walk(folder).readable, source())
    reasons = {one.file.relative: one.finding.reason for one in assembly.unassigned}
    assert reasons == {
        "labelsTr/case_3.nii.gz": Reason.IMAGE_MISSING,
        "labelsTr/case_4.nii.gz": Reason.REFERENCE_INVALID,
        "README": Reason.UNKNOWN_FORMAT,
    }
    (alone,) = [draft for draft in assembly.drafts if draft.key.endswith("case_2")]
    with pytest.raises(Refused) as error:
        intake.take_in(alone, NAMES, source())
    assert error.value.finding.reason == Reason.REFERENCE_MISSING


@pytest.mark.parametrize(
    ("labels", "affine"),
    [
        (np.full(SHAPE, 7, np.uint8), None),
        (np.full(SHAPE, 0.5, np.float32), None),
        (np.ones(SHAPE, np.uint8), np.diag([1.0, 1.2, 1.6, 1])),
    ],
)
def test_a_label_of_other_numbers_or_another_grid_is_refused(pair, labels, affine):
    write(pair[0] / "labelsTr" / "case_1.nii.gz", labels, affine)
    with pytest.raises(Refused) as error:
        taken_of(pair[0])
    assert error.value.finding.reason == Reason.REFERENCE_INVALID


def test_a_volume_that_breaks_off_is_refused(pair):
    path = pair[0] / "imagesTr" / "case_1.nii.gz"
    plain = gzip.decompress(path.read_bytes())
    for content in (gzip.compress(plain[:-50]), path.read_bytes()[:-20]):
        path.write_bytes(content)
        with pytest.raises(Refused) as error:
            taken_of(pair[0])
        assert error.value.finding.reason == Reason.TRUNCATED


def test_the_proof_finds_changed_pixels_a_second_subject_and_a_telling_name(pair):
    from dataclasses import replace

    taken = taken_of(pair[0])
    first, *rest = taken.objects
    brighter = replace(first, content=first.content[:-2] + b"\x01\x02")
    other = replace(first, content=first.content.replace(b"0000bb", b"0000bc"))
    named = replace(first, name="sample-aa/wang.dcm")
    for changed in (brighter, other, named):
        assert intake.prove(replace(taken, objects=(changed, *rest)), source())
    assert intake.prove(replace(taken, site="Example Hospital"), source())


def test_an_unknown_form_is_answered_with_those_that_exist(pair):
    with pytest.raises(WrongUse, match="dicom-export, nifti-pairs"):
        intake.assemble(walk(pair[0]).readable, source(form="bids"))


def test_measurements_are_the_declared_columns(pair):
    assert set(taken_of(pair[0]).measurements) == set(intake.COLUMNS)


def test_noise_is_measured_in_units_of_the_grey_range():
    draw = np.random.default_rng(1)
    ramp = np.broadcast_to(np.linspace(0, 1000, 80), (20, 80, 80))
    for sigma in (10, 40):
        values = np.rint(ramp + draw.normal(0, sigma, ramp.shape)).astype(np.int64)
        quality = volume_quality(values, spacing_mm=(2, 1, 1))
        assert quality.noise_ratio == pytest.approx(sigma / 1000, rel=0.15)
    assert (quality.anisotropy, quality.extent_mm, quality.flat_slices) == (2, 80, 0)


def test_a_volume_of_one_value_has_no_noise_figure():
    quality = volume_quality(np.full((3, 4, 5), 7), spacing_mm=(1, 1, 1))
    assert (quality.noise_ratio, quality.flat_slices, quality.saturated_share) == (None, 3, 1)


@pytest.mark.parametrize(
    "affine",
    [np.array([[1, 0.3, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1.0]]), np.diag([1.0, 1, 1, 1])],
)
def test_sheared_axes_are_a_finding_and_straight_ones_are_none(affine):
    opened = nifti.open(nibabel.Nifti1Image(np.ones(SHAPE, np.uint8), affine).to_bytes())
    assert bool(list(nifti.examine(opened))) == bool(affine[0, 1])


def rich_series(folder, *, slices=6, **changes):
    """MR slices with private blocks, nested items, texts beyond ASCII and UIDs, offered out of order."""
    import pydicom
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.sequence import Sequence
    from pydicom.uid import UID, ExplicitVRLittleEndian

    draw = np.random.default_rng(1)
    for number in range(slices):
        image = Dataset()
        image.file_meta = FileMetaDataset()
        image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        image.SpecificCharacterSet = "GB18030"
        image.SOPClassUID, image.SOPInstanceUID = UID(dicom_series.MR_IMAGE), f"1.2.3.{number}"
        image.StudyInstanceUID, image.SeriesInstanceUID, image.FrameOfReferenceUID = "1.2.4", "1.2.5", "1.2.6"
        image.PatientName, image.PatientID, image.PatientBirthDate = "张^三", "4711", "19500101"
        image.PatientSex, image.Modality, image.StudyDate = "F", "MR", "20230615"
        image.InstitutionName, image.SeriesDescription = "示例医院", "T1 axial of 张三"
        image.Manufacturer, image.ManufacturerModelName, image.MagneticFieldStrength = "SIEMENS", "Skyra", "3"
        image.SliceThickness, image.InstanceNumber = "2", str(slices - number)
        image.ImagePositionPatient = ["0", "0", str(2 * (number * 5 % slices))]
        image.ImageOrientationPatient, image.PixelSpacing = ["1", "0", "0", "0", "1", "0"], ["1", "1"]
        image.Rows, image.Columns, image.SamplesPerPixel = 16, 12, 1
        image.PhotometricInterpretation = "MONOCHROME2"
        image.BitsAllocated = image.BitsStored = 16
        image.HighBit, image.PixelRepresentation = 15, 1
        block = image.private_block(0x0029, "MAKER HEADER", create=True)
        block.add_new(1, "LO", "张三 4711")
        item = Dataset()
        item.RequestedProcedureDescription, item.RequestingPhysician = "MR Brain", "DOC^TOR"
        image.RequestAttributesSequence = Sequence([item])
        image.PixelData = draw.integers(-50, 900, (16, 12)).astype("<i2").tobytes()
        for keyword, value in changes.items():
            setattr(image, keyword, value(number) if callable(value) else value)
        sink = folder / f"{number}.dcm"
        pydicom.dcmwrite(sink, image, enforce_file_format=True)


SERIES = {
    "a rich header": {},
    "burned-in text, as the header says": {"BurnedInAnnotation": "YES"},
    "two people": {"PatientID": lambda number: str(number // 3)},
    "a gap": {"ImagePositionPatient": lambda number: ["0", "0", str(number if number < 4 else number + 3)]},
    "pixels cut off": {"PixelData": bytes(16 * 12 * 2 - 2)},
    "no place": {"ImageOrientationPatient": ["1", "0", "0", "1", "0", "0"]},
    "no instance number": {"InstanceNumber": ""},
}


@pytest.mark.parametrize("changes", SERIES.values(), ids=SERIES)
def test_the_walk_over_bytes_and_pydicom_take_a_series_in_alike(tmp_path, monkeypatch, changes):
    rich_series(tmp_path, **changes)
    exported = source(form="dicom-export", options={"structures": STRUCTURES, "needs_label": False})

    def end():
        assembly = intake.assemble(walk(tmp_path).readable, exported)
        ends = []
        for draft in assembly.drafts:
            try:
                taken = intake.take_in(draft, NAMES, exported)
            except Refused as refused:
                ends.append(refused.finding)
            else:
                ends.append((taken, intake.prove(taken, exported)))
        return assembly, ends

    walked = end()
    followed = []
    monkeypatch.setattr(explicit_walk, "opened", lambda content: followed.append(content))
    assert end() == walked
    assert followed
    if not changes:
        ((taken, left),) = walked[1]
        assert left == []
        assert [item.content.count(b"4711") for item in taken.objects] == [0] * 6


def test_a_histogram_gives_the_figures_that_sorting_gives(monkeypatch):
    draw = np.random.default_rng(2)
    for spread in (1, 40, 5000):
        values = draw.integers(-spread, spread, (4, 7, 9))
        counted = volume_quality(values, spacing_mm=(2, 1, 1))
        monkeypatch.setattr(volume, "WIDEST", 0)
        assert volume_quality(values, spacing_mm=(2, 1, 1)) == counted
        low, high = np.percentile(values, [1, 99])
        bends = np.concatenate([np.abs(np.diff(values, n=2, axis=axis)).ravel() for axis in (1, 2)])
        assert counted.noise_ratio == float(np.median(bends)) * 1.4826 / float(np.sqrt(6)) / (high - low)
        monkeypatch.undo()
