"""Research pairs of NIfTI volumes, `imagesTr/x` and `labelsTr/x`, written out as DICOM MR with label maps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from medassay.core.errors import WrongUse
from medassay.core.findings import Finding, Reason, Severity
from medassay.datasets.deidentify import dicom as headers
from medassay.datasets.sample import Assembly, Draft, Names, OfferedFile, Unassigned, refusal
from medassay.formats.imaging import dicom_series, nifti
from medassay.formats.imaging.grid import Grid, Labels, placed

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

IMAGES, LABELS = "imagesTr", "labelsTr"
IMAGE, REFERENCE = "image", "reference"
LARGEST_STORED = 65535
FREE_TEXTS = ("descrip", "aux_file", "db_name", "intent_name")


def assemble_pairs(
    files: Sequence[OfferedFile],
    structures: Mapping[str, int],
    look: Callable[[OfferedFile], object],
) -> Assembly:
    """Pair files of one name in the two folders of one parent.

    An image without a label makes a draft, so that it is counted as a sample and refused; a label without an
    image makes none.

    Parameters
    ----------
    look : callable
        Gives what `unreadable` says of a file.
    """
    pairs: dict[str, dict[str, OfferedFile]] = {}
    unassigned = []
    for file in files:
        path = PurePosixPath(file.relative)
        told = look(file)
        finding = told if isinstance(told, Finding) else None
        if finding is None and path.parent.name not in (IMAGES, LABELS):
            finding = _refused(
                Reason.UNSUPPORTED_FORM, "a volume outside the two folders", f"{IMAGES}, {LABELS}"
            )
        if finding is not None:
            unassigned.append(Unassigned(file, finding))
            continue
        key = str(path.parent.parent / path.name.removesuffix(".gz").removesuffix(".nii"))
        pairs.setdefault(key, {})[path.parent.name] = file
    drafts = []
    for key, pair in sorted(pairs.items()):
        if IMAGES in pair:
            roles = ((IMAGES, IMAGE), (LABELS, REFERENCE))
            drafts.append(Draft(key, tuple((role, pair[part]) for part, role in roles if part in pair), ()))
        else:
            unassigned.append(Unassigned(pair[LABELS], _orphan(pair[LABELS], structures)))
    return Assembly(tuple(drafts), tuple(unassigned))


def images_of_pair(
    draft: Draft, names: Names, structures: Mapping[str, int]
) -> tuple[list[Dataset], NDArray[np.int64], dict[str, Labels], Counter[tuple[str, str]]]:
    """MR images in geometric order, their stored values, the labels on their grid, and what was done.

    Grey values are stretched over 16 bits; rescale slope and intercept state how they lead back.
    """
    files = dict(draft.files)
    try:
        opened = nifti.open(files[IMAGE].path.read_bytes())
        grid, grey = nifti.grid_of(opened), nifti.values(opened)
    except WrongUse as error:
        raise refusal(
            Reason.TRUNCATED, found=error.found, wanted=error.wanted, remedy=error.remedy
        ) from error
    grid, grey = _along_normal(grid, grey)
    stored, slope, intercept = _stretched(grey)
    labels = {}
    if REFERENCE in files:
        labels[REFERENCE] = _label(files[REFERENCE], grid, structures)
    images = [_image(plane, index, grid, slope, intercept, names) for index, plane in enumerate(stored)]
    return images, stored, labels, _actions(opened, len(files))


def _along_normal(grid: Grid, grey: NDArray[np.float64]) -> tuple[Grid, NDArray[np.float64]]:
    """Slices in the order of their normal, as DICOM's directions of rows and columns define it."""
    if np.linalg.det(grid.affine[:3, 2::-1]) > 0:
        return grid, grey
    affine = grid.affine.copy()
    affine[:3, 3] = grid.position(grid.shape[0] - 1)
    affine[:3, 0] = -affine[:3, 0]
    return Grid(grid.shape, affine), grey[::-1]


def _stretched(grey: NDArray[np.float64]) -> tuple[NDArray[np.int64], float, float]:
    low, high = float(grey.min()), float(grey.max())
    if high <= low:
        raise refusal(
            Reason.SIGNAL_FLAT,
            found="a volume of one grey value",
            wanted="an image",
            remedy="Export the volume again.",
        )
    slope = (high - low) / LARGEST_STORED
    return np.rint((grey - low) / slope).astype(np.int64), slope, low


def _label(file: OfferedFile, grid: Grid, structures: Mapping[str, int]) -> Labels:
    try:
        opened = nifti.open(file.path.read_bytes())
        found = nifti.labels(opened)
        strange = sorted({int(n) for n in np.unique(found)} - {0, *structures.values()})
        if strange:
            raise WrongUse(
                found=f"label numbers {', '.join(map(str, strange[:5]))}",
                wanted=f"0 and {', '.join(map(str, sorted(structures.values())))}",
                remedy="Find out which task this label is of.",
            )
        return placed(found, nifti.grid_of(opened), grid)
    except WrongUse as error:
        raise refusal(
            Reason.REFERENCE_INVALID,
            found=f"a label with {error.found}",
            wanted=error.wanted,
            remedy=error.remedy,
        ) from error


def _image(
    plane: NDArray[np.int64], index: int, grid: Grid, slope: float, intercept: float, names: Names
) -> Dataset:
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian

    image = Dataset()
    image.file_meta = FileMetaDataset()
    image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    image.SOPClassUID = dicom_series.MR_IMAGE
    image.SOPInstanceUID = headers.mapped_uid(names.key, f"{names.sample}/image/{index}")
    for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID"):
        setattr(image, keyword, headers.mapped_uid(names.key, f"{names.sample}/{keyword}"))
    image.ImageType, image.Modality = ["DERIVED", "SECONDARY", "OTHER"], "MR"
    for keyword in ("StudyDate", "StudyTime", "AccessionNumber", "ReferringPhysicianName", "StudyID"):
        setattr(image, keyword, "")
    image.PatientBirthDate = image.PatientSex = image.PositionReferenceIndicator = ""
    image.SeriesNumber, image.InstanceNumber = 1, index + 1
    _place(image, index, grid)
    image.SamplesPerPixel, image.PhotometricInterpretation = 1, "MONOCHROME2"
    image.Rows, image.Columns = plane.shape
    image.BitsAllocated = image.BitsStored = 16
    image.HighBit, image.PixelRepresentation = 15, 0
    image.RescaleSlope, image.RescaleIntercept, image.RescaleType = f"{slope:.9g}", f"{intercept:.9g}", "US"
    image.add_new(0x7FE00010, "OW", plane.astype("<u2").tobytes())
    headers.state_method(image, names)
    return image


def _place(image: Dataset, index: int, grid: Grid) -> None:
    step, rows, columns = grid.spacing_mm
    axes = grid.affine[:3, :3] / np.array(grid.spacing_mm)
    image.ImagePositionPatient = [_text(v) for v in grid.position(index)]
    image.ImageOrientationPatient = [_text(v) for v in (*axes[:, 2], *axes[:, 1])]
    image.PixelSpacing = [_text(rows), _text(columns)]
    image.SliceThickness = _text(step)


def _text(value: float) -> str:
    return f"{value + 0.0:.9g}"


def _actions(opened: nifti.Header, files: int) -> Counter[tuple[str, str]]:
    header = opened.image.header
    actions: Counter[tuple[str, str]] = Counter()
    actions["NIfTI geometry", "changed"] += files
    actions["NIfTI grey values", "changed"] += 1
    for name in FREE_TEXTS:
        actions[f"NIfTI {name}", "removed"] += int(bool(header[name].item()))
    actions["NIfTI extension", "removed"] += len(header.extensions)
    return +actions


def unreadable(file: OfferedFile) -> Finding | None:
    """Why a file is no volume."""
    if file.size == 0:
        return _refused(Reason.EMPTY_FILE, "an empty file", "a NIfTI-1 volume")
    with file.path.open("rb") as stream:
        if nifti.recognises(stream.read(4096)):
            return None
    return _refused(Reason.UNKNOWN_FORMAT, "a file that is no NIfTI-1 volume", "a NIfTI-1 volume")


def _orphan(file: OfferedFile, structures: Mapping[str, int]) -> Finding:
    """A label without its image: of this task by its numbers, or of another."""
    try:
        opened = nifti.open(file.path.read_bytes())
        numbers = {int(n) for n in np.unique(nifti.labels(opened))}
        size = " x ".join(map(str, opened.shape))
    except WrongUse as error:
        return _refused(Reason.TRUNCATED, error.found, error.wanted)
    if numbers != {0, *structures.values()}:
        said = ", ".join(map(str, sorted(numbers)[:5]))
        return _refused(
            Reason.REFERENCE_INVALID,
            f"a label of another task, {size} voxels with numbers {said}, and no image of its name",
            f"numbers 0, {', '.join(map(str, sorted(structures.values())))}",
        )
    return _refused(
        Reason.IMAGE_MISSING, f"a label of {size} voxels without its image", "an image of its name"
    )


def _refused(reason: Reason, found: str, wanted: str) -> Finding:
    return Finding(
        reason=reason,
        severity=Severity.REFUSE,
        found=found,
        wanted=wanted,
        remedy="Complete the pair, or leave the file out of the source's folder.",
    )
