"""DICOM Segmentation objects as label maps: read onto the image's grid, and write."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from medassay.core.errors import WrongUse
from medassay.core.findings import Finding, Reason, finding_of
from medassay.formats.imaging import dicom_pixels, dicom_series, nifti
from medassay.formats.imaging.grid import FloatArray, Grid, Labels, placed
from medassay.formats.imaging.refusal import quiet

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

POSITION_TOLERANCE = 0.05  # of a step between frames


@dataclass(frozen=True, eq=False)
class LabelMap:
    """Structures that exclude each other, by number, on a grid of their own."""

    labels: Labels
    grid: Grid
    names: Mapping[int, str]  # segment number to its label in the file; empty for a plain label map


def recognises(head: bytes) -> bool:
    """By content: a DICOM object; whether it is a segmentation its header tells."""
    return dicom_series.recognises(head)


def open(content: bytes) -> Dataset:
    """Read the header of a segmentation.

    Raises
    ------
    WrongUse
        When it cannot be read, or is another kind of object.
    """
    dataset = dicom_series.open(content)
    _require_segmentation(dataset)
    return dataset


def examine(opened: Dataset) -> Iterator[Finding]:
    """What is wrong with the segmentation, by its header."""
    try:
        _require_whole_segments(opened)
        placed_frames(opened)
        segment_names(opened)
    except WrongUse as error:
        yield finding_of(error, Reason.REFERENCE_INVALID, source="DICOM PS3.3 A.51")


def describe(opened: Dataset) -> dict[str, Any]:
    """Number of frames and of segments."""
    return {
        "frames": int(opened.get("NumberOfFrames", 0)),
        "segments": len(opened.get("SegmentSequence") or ()),
    }


def segment_names(dataset: Dataset) -> dict[int, str]:
    """Segment numbers and labels."""
    names = {
        int(item.SegmentNumber): str(item.get("SegmentLabel", ""))
        for item in dataset.get("SegmentSequence") or ()
    }
    if not names:
        raise _invalid("no segment", "at least one segment", "SegmentSequence")
    return names


def referenced_series(dataset: Dataset) -> str | None:
    """The image series that the segmentation says it is of."""
    for item in dataset.get("ReferencedSeriesSequence") or ():
        return str(item.get("SeriesInstanceUID", "")) or None
    return None


@lru_cache(maxsize=2)
@quiet()
def read(content: bytes) -> LabelMap:
    """Read a DICOM SEG or a NIfTI label map, whichever the bytes are.

    The last two are remembered: a reference is compared with another label map, merged with it and checked, one
    after the other. So the labels are read-only.

    Raises
    ------
    WrongUse
        When it is neither, does not decode, or two of its segments claim one voxel.
    """
    if nifti.recognises(content[:1024]):
        volume = nifti.open(content)
        return _kept(LabelMap(nifti.labels(volume), nifti.grid_of(volume), {}))
    if not dicom_series.recognises(content[:132]):
        raise _invalid("bytes of another format", "a DICOM Segmentation or a NIfTI label map", "")
    dataset = dicom_series.open_whole(content)
    _require_segmentation(dataset)
    return _kept(_label_map(dataset))


def _kept(found: LabelMap) -> LabelMap:
    found.labels.flags.writeable = False
    return found


def read_onto(content: bytes, grid: Grid, numbers: Mapping[str, int]) -> Labels:
    """The label map on the image's grid, under the numbers that the structures have here.

    A segmentation names its segments, and the name decides; a plain label map has numbers only.

    Raises
    ------
    WrongUse
        When it cannot be read, lies on another grid, or holds a structure that is not among `numbers`.
    """
    read_map = read(content)
    labels = placed(read_map.labels, read_map.grid, grid)
    table = np.zeros(256, np.uint8)
    present = [int(n) for n in np.unique(labels) if n]
    for number in present:
        name = read_map.names.get(number)
        here = numbers.get(name.strip().lower()) if name is not None else _known(number, numbers)
        if here is None:
            # The name itself may say anything, a person's too.
            raise _invalid(
                f"a structure of number {number} that is not declared", ", ".join(numbers), "SegmentLabel"
            )
        table[number] = here
    mapped: Labels = table[labels]
    return mapped


def write(
    labels: Labels,
    *,
    images: Sequence[Dataset],
    grid: Grid,
    names: Mapping[int, str],
    uid: Callable[[str], str],
    maker: tuple[str, str],
    automatic: bool = False,
    finish: Callable[[Dataset], object] | None = None,
) -> bytes:
    """One binary SEG of a label map on the grid of its images, every frame written, empty ones too.

    Parameters
    ----------
    images : headers in geometric order
        Patient, study and frame of reference are theirs.
    names : number to label
    uid : function of a purpose ("instance", "series", "dimension")
        Gives the UIDs, so that a rerun writes the same bytes.
    maker : manufacturer and model
    finish : called with the object before it is encoded
    """
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import PYDICOM_IMPLEMENTATION_UID, UID, ExplicitVRLittleEndian

    if labels.shape != grid.shape or len(images) != grid.shape[0]:
        raise WrongUse(
            found=f"labels of shape {labels.shape} for {len(images)} images",
            wanted="one plane of labels for each image",
            remedy="Give the images in geometric order.",
        )
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.MediaStorageSOPClassUID = UID(dicom_series.SEGMENTATION)
    dataset.file_meta.MediaStorageSOPInstanceUID = UID(uid("instance"))
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.ImplementationClassUID = PYDICOM_IMPLEMENTATION_UID
    _write_context(dataset, images[0], uid, maker)
    _write_references(dataset, images)
    _write_segments(dataset, names, automatic, maker[1])
    _write_frames(dataset, labels, grid, sorted(names), uid("dimension"))
    if finish is not None:
        finish(dataset)
    sink = io.BytesIO()
    dataset.save_as(sink, enforce_file_format=True)
    return sink.getvalue()


def _require_segmentation(dataset: Dataset) -> None:
    if str(dataset.SOPClassUID) not in dicom_series.SEGMENTATIONS:
        raise _invalid("another kind of DICOM object", "a DICOM Segmentation", "SOPClassUID")


def _require_whole_segments(dataset: Dataset) -> None:
    if str(dataset.get("SegmentationType", "")) == "FRACTIONAL":
        raise _invalid("fractional segments", "binary segments, or a label map", "SegmentationType")


def _label_map(dataset: Dataset) -> LabelMap:
    _require_whole_segments(dataset)
    names = segment_names(dataset)
    frames, numbers, origins, along_row, along_column, spacing = placed_frames(dataset)
    normal = np.cross(along_row, along_column)
    depth = origins @ normal
    step = step_of(dataset, depth)
    first = int(depth.argmin())
    planes = (depth - depth[first]) / step
    if np.abs(planes - np.rint(planes)).max() > POSITION_TOLERANCE:
        raise _invalid("frames at unequal distances", "frames on one grid", "PlanePositionSequence")
    sideways = origins - origins[first] - np.outer(depth - depth[first], normal)
    if np.linalg.norm(sideways, axis=1).max() > POSITION_TOLERANCE * min(spacing):
        raise _invalid("frames shifted sideways", "frames on one grid", "PlanePositionSequence")
    affine = np.eye(4)
    affine[:3, 0], affine[:3, 1] = normal * step, along_column * spacing[0]
    affine[:3, 2], affine[:3, 3] = along_row * spacing[1], origins[first]
    index = np.rint(planes).astype(int)
    labels = np.zeros((int(index.max()) + 1, *frames.shape[1:]), np.uint8)
    for plane, number, frame in zip(index, numbers, frames, strict=True):
        marked = frame > 0
        values = frame[marked] if number is None else np.uint8(number)
        if (labels[plane][marked] > 0).any():
            raise _invalid("two segments that claim one voxel", "structures that exclude each other", "")
        labels[plane][marked] = values
    return LabelMap(labels, Grid((labels.shape[0], labels.shape[1], labels.shape[2]), affine), names)


Frames = tuple[NDArray[np.uint8], list[int | None], FloatArray, FloatArray, FloatArray, tuple[float, float]]


def placed_frames(dataset: Dataset) -> Frames:
    """Frames with their segment numbers (None: the frame itself holds numbers) and places.

    Raises
    ------
    WrongUse
        When a frame is not placed in the patient, or its pixels do not decode.
    """
    shared = (dataset.get("SharedFunctionalGroupsSequence") or [None])[0]
    groups = dataset.get("PerFrameFunctionalGroupsSequence") or ()
    if shared is None or not groups:
        raise _invalid("frames that are not placed", "functional groups of each frame", "")
    plain = str(dataset.SOPClassUID) == dicom_series.LABEL_MAP_SEGMENTATION
    try:
        orientations = set(_each(groups, shared, "PlaneOrientationSequence", "ImageOrientationPatient"))
        spacings = set(_each(groups, shared, "PixelMeasuresSequence", "PixelSpacing"))
        origins = np.array(_each(groups, shared, "PlanePositionSequence", "ImagePositionPatient"))
        numbers: list[int | None] = [None] * len(groups)
        if not plain:
            named = _each(groups, shared, "SegmentIdentificationSequence", "ReferencedSegmentNumber")
            numbers = [int(number) for (number, *_) in named]
    except (AttributeError, IndexError, KeyError, ValueError, TypeError) as error:
        raise _invalid("a frame that is not placed", "position, orientation and spacing", "") from error
    if len(orientations) != 1 or len(spacings) != 1:
        raise _invalid("frames of different orientation or spacing", "frames on one grid", "")
    orientation, spacing = np.array(orientations.pop()), spacings.pop()
    if len(orientation) != 6 or len(spacing) != 2 or origins.shape != (len(groups), 3) or min(spacing) <= 0:
        raise _invalid("a frame that is not placed", "position, orientation and spacing", "")
    pixels = np.zeros((len(groups), 1, 1), np.uint8)
    if "PixelData" in dataset:
        pixels = _pixels(dataset, len(groups))
    return pixels, numbers, origins, orientation[:3], orientation[3:], (spacing[0], spacing[1])


def _each(frames: Sequence[Any], shared: Any, sequence: str, keyword: str) -> list[tuple[float, ...]]:
    """A value of each frame: its own, or the one that they share."""
    own = [_value(frame, sequence, keyword) if sequence in frame else None for frame in frames]
    common = _value(shared, sequence, keyword) if None in own else ()
    return [common if value is None else value for value in own]


def _value(holder: Any, sequence: str, keyword: str) -> tuple[float, ...]:
    value = getattr(getattr(holder, sequence)[0], keyword)
    return tuple(float(v) for v in value) if hasattr(value, "__iter__") else (float(value),)


def _pixels(dataset: Dataset, frames: int) -> NDArray[np.uint8]:
    pixels = dicom_pixels.decode(dataset)
    if pixels.ndim != 3 or len(pixels) != frames or pixels.max(initial=0) > 255:
        raise _invalid(f"{len(pixels)} frames with {frames} places", "a place for each frame", "")
    return pixels.astype(np.uint8)


def step_of(dataset: Dataset, depth: FloatArray) -> float:
    """Distance of neighbouring planes. Empty planes may be left out, so the smallest distance counts."""
    distinct = np.unique(np.round(depth, 4))
    if len(distinct) > 1:
        return float(np.diff(distinct).min())
    shared = dataset.SharedFunctionalGroupsSequence[0]
    measures = (shared.get("PixelMeasuresSequence") or [{}])[0]
    step = measures.get("SpacingBetweenSlices") or measures.get("SliceThickness")
    if not step or float(step) <= 0:
        raise _invalid("a single plane without a thickness", "a thickness", "PixelMeasuresSequence")
    return float(step)


def _known(number: int, numbers: Mapping[str, int]) -> int | None:
    return number if number in numbers.values() else None


def _write_context(
    dataset: Dataset, image: Dataset, uid: Callable[[str], str], maker: tuple[str, str]
) -> None:
    dataset.ImageType = ["DERIVED", "PRIMARY"]
    dataset.SOPClassUID = dicom_series.SEGMENTATION
    dataset.SOPInstanceUID = uid("instance")
    dataset.SeriesInstanceUID = uid("series")
    for keyword in ("StudyInstanceUID", "FrameOfReferenceUID", "PatientID", "PatientName"):
        setattr(dataset, keyword, image.get(keyword, ""))
    for keyword in ("PatientSex", "StudyDate"):
        setattr(dataset, keyword, image.get(keyword, ""))
    for keyword in ("PatientBirthDate", "StudyTime", "AccessionNumber", "StudyID", "ReferringPhysicianName"):
        setattr(dataset, keyword, "")
    dataset.ContentDate = image.get("StudyDate") or "19000101"
    dataset.ContentTime = "000000"
    dataset.Modality, dataset.SeriesNumber, dataset.InstanceNumber = "SEG", 1, 1
    dataset.Manufacturer, dataset.ManufacturerModelName = maker
    dataset.DeviceSerialNumber = dataset.SoftwareVersions = "NONE"
    dataset.ContentLabel, dataset.ContentDescription, dataset.ContentCreatorName = "SEGMENTATION", "", ""
    dataset.PositionReferenceIndicator = ""


def _write_references(dataset: Dataset, images: Sequence[Dataset]) -> None:
    from pydicom.dataset import Dataset as Item
    from pydicom.sequence import Sequence as Items

    series = Item()
    series.SeriesInstanceUID = images[0].SeriesInstanceUID
    references = []
    for image in images:
        reference = Item()
        reference.ReferencedSOPClassUID = image.SOPClassUID
        reference.ReferencedSOPInstanceUID = image.SOPInstanceUID
        references.append(reference)
    series.ReferencedInstanceSequence = Items(references)
    dataset.ReferencedSeriesSequence = Items([series])


def _write_segments(dataset: Dataset, names: Mapping[int, str], automatic: bool, model: str) -> None:
    from pydicom.sequence import Sequence as Items

    segments = []
    for number in sorted(names):
        segment = _code_holder("SegmentedPropertyCategoryCodeSequence", "91723000", "Anatomical structure")
        kind = _code_holder("SegmentedPropertyTypeCodeSequence", "91723000", "Anatomical structure")
        segment.SegmentedPropertyTypeCodeSequence = kind.SegmentedPropertyTypeCodeSequence
        segment.SegmentNumber, segment.SegmentLabel = number, names[number]
        segment.SegmentAlgorithmType = "AUTOMATIC" if automatic else "MANUAL"
        if automatic:
            segment.SegmentAlgorithmName = model
        segments.append(segment)
    dataset.SegmentSequence = Items(segments)


def _code_holder(keyword: str, value: str, meaning: str) -> Dataset:
    from pydicom.dataset import Dataset as Item
    from pydicom.sequence import Sequence as Items

    code = Item()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = value, "SCT", meaning
    holder = Item()
    setattr(holder, keyword, Items([code]))
    return holder


def _write_frames(
    dataset: Dataset, labels: Labels, grid: Grid, numbers: Sequence[int], dimension: str
) -> None:
    from pydicom.dataset import Dataset as Item
    from pydicom.pixels.utils import pack_bits
    from pydicom.sequence import Sequence as Items

    slices, rows, columns = grid.shape
    spacing = grid.spacing_mm
    axes = grid.affine[:3, :3] / np.array(spacing)
    measures, orientation, shared = Item(), Item(), Item()
    measures.PixelSpacing = [_text(spacing[1]), _text(spacing[2])]
    measures.SliceThickness = measures.SpacingBetweenSlices = _text(spacing[0])
    orientation.ImageOrientationPatient = [_text(v) for v in (*axes[:, 2], *axes[:, 1])]
    shared.PixelMeasuresSequence = Items([measures])
    shared.PlaneOrientationSequence = Items([orientation])
    dataset.SharedFunctionalGroupsSequence = Items([shared])
    organisation = Item()
    organisation.DimensionOrganizationUID = dimension
    dataset.DimensionOrganizationSequence = Items([organisation])
    dataset.DimensionIndexSequence = Items(
        [_index(0x0062000B, 0x0062000A, dimension), _index(0x00200032, 0x00209113, dimension)]
    )
    places = [_item("ImagePositionPatient", [_text(v) for v in grid.position(k)]) for k in range(slices)]
    groups = []
    for order, number in enumerate(numbers, 1):
        segment = Items([_item("ReferencedSegmentNumber", number)])
        for plane, place in enumerate(places):
            group = _item("PlanePositionSequence", Items([place]))
            group.FrameContentSequence = Items([_item("DimensionIndexValues", [order, plane + 1])])
            group.SegmentIdentificationSequence = segment
            groups.append(group)
    dataset.PerFrameFunctionalGroupsSequence = Items(groups)
    dataset.Rows, dataset.Columns, dataset.NumberOfFrames = rows, columns, len(groups)
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated = dataset.BitsStored = 1
    dataset.HighBit = dataset.PixelRepresentation = 0
    dataset.LossyImageCompression, dataset.SegmentationType = "00", "BINARY"
    stack = np.stack([labels == number for number in numbers]).astype(np.uint8)
    dataset.PixelData = pack_bits(stack.ravel())


def _item(keyword: str, value: Any) -> Dataset:
    from pydicom.dataset import Dataset as Item

    item = Item()
    setattr(item, keyword, value)
    return item


def _index(pointer: int, group: int, dimension: str) -> Dataset:
    from pydicom.dataset import Dataset as Item

    item = Item()
    item.DimensionOrganizationUID = dimension
    item.DimensionIndexPointer, item.FunctionalGroupPointer = pointer, group
    return item


def _text(value: float) -> str:
    """A decimal string of at most 16 characters."""
    return f"{value + 0.0:.10g}"[:16]


def _invalid(found: str, wanted: str, where: str) -> WrongUse:
    return WrongUse(
        found=found, wanted=wanted, remedy="Write the segmentation again from its tool.", where=where
    )
