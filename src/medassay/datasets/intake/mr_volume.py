"""MR volumes with label maps: DICOM exports with segmentations, and research pairs of NIfTI volumes."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from medassay.core.errors import WrongUse
from medassay.core.findings import Finding, Reason, Severity
from medassay.core.specs import Spec, parameters_of
from medassay.datasets import dicom_volume, sketch
from medassay.datasets.deidentify import allowed, explicit_walk, proof, quick
from medassay.datasets.deidentify import dicom as headers
from medassay.datasets.identity import pseudonym
from medassay.datasets.nifti_pairs import assemble_pairs, images_of_pair, unreadable
from medassay.datasets.sample import (
    Assembly,
    Draft,
    Names,
    NewObject,
    OfferedFile,
    Scalar,
    Taken,
    Unassigned,
    refusal,
)
from medassay.datasets.spec import Source
from medassay.formats.imaging import dicom_series, segmentation
from medassay.formats.imaging.grid import Grid, Labels
from medassay.measures.volume import volume_quality

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

COLUMNS: Mapping[str, tuple[str, str]] = {
    "slices": ("1", "slices of the volume"),
    "rows": ("1", "rows of a slice"),
    "columns": ("1", "columns of a slice"),
    "slice_step_mm": ("mm", "distance of neighbouring slices, from their positions"),
    "row_spacing_mm": ("mm", "distance of neighbouring rows"),
    "column_spacing_mm": ("mm", "distance of neighbouring columns"),
    "step_to_thickness": (
        "1",
        "slice distance over slice thickness as stated; above 1: tissue was not imaged",
    ),
    "anisotropy": ("1", "largest over smallest spacing"),
    "extent_mm": ("mm", "longest side of the volume"),
    "noise_ratio": ("1", "standard deviation of the noise over the grey range"),
    "saturated_share": ("1", "share of voxels at the largest value"),
    "flat_slices": ("1", "slices of one value only"),
    "field_strength_t": ("T", "magnetic field strength as stated"),
    "rescale_slope": ("1", "grey value a stored step, as stated"),
    "labels": ("1", "label files that came with the volume"),
}

LIBRARIES = ("pydicom.pixels", "cv2")

SOP_CLASS = 0x00080016
FORMS = ("dicom-export", "nifti-pairs")
IMAGE = "image"
LABEL_HEADER = "header of a segmentation, written anew"


@dataclass(frozen=True, slots=True)
class Header:
    """What grouping needs of an image, or of a segmentation: then `series` is the one that it refers to."""

    is_image: bool
    series: str
    instance: str
    tokens: tuple[str, ...]


class Options(Spec):
    """Parameters of a source of this kind."""

    structures: dict[str, int]
    needs_label: bool = True


def look(file: OfferedFile, source: Source) -> Header | Finding | None:
    """The header of an image or a segmentation, or why the file is neither; None of a volume in NIfTI."""
    return unreadable(file) if source.form == "nifti-pairs" else _header(file)


def assemble(
    files: Sequence[OfferedFile],
    source: Source,
    look: Callable[[OfferedFile, Source], Header | Finding | None] = look,
) -> Assembly:
    """Series with the segmentations that refer to them, or pairs of volumes of one name."""
    options = _options(source)
    if source.form == "nifti-pairs":
        return assemble_pairs(files, options.structures, lambda file: look(file, source))
    series: dict[str, list[tuple[OfferedFile, Header]]] = {}
    segments: list[tuple[OfferedFile, str | None]] = []
    unassigned: list[Unassigned] = []
    for file in files:
        match look(file, source):
            case Header(is_image=True) as opened:
                series.setdefault(opened.series, []).append((file, opened))
            case Header() as opened:
                segments.append((file, opened.series or None))
            case Finding() as finding:
                unassigned.append(Unassigned(file, finding))
    labels = _labels_by_series(segments, series, source, unassigned)
    drafts = [
        _draft(uid, members, labels.get(uid, []), unassigned) for uid, members in sorted(series.items())
    ]
    return Assembly(tuple(drafts), tuple(unassigned))


def take_in(draft: Draft, names: Names, source: Source) -> Taken:
    """De-identify, measure and describe one volume with its labels."""
    options = _options(source)
    if options.needs_label and all(role == IMAGE for role, _ in draft.files):
        raise refusal(
            Reason.REFERENCE_MISSING,
            found="an image without any label",
            wanted="a reference, or a read",
            remedy="Export the label beside the image, or leave the image out.",
        )
    if source.form == "nifti-pairs":
        images, values, labels, actions = images_of_pair(draft, names, options.structures)
        contents = [headers.encoded(image) for image in images]
        findings: tuple[Finding, ...] = ()
        site = year = None
    else:
        volume = dicom_volume.taken([file for role, file in draft.files if role == IMAGE], names, source)
        labels = _labels(draft, volume.grid, options.structures)
        contents, values, actions = volume.contents, volume.values, volume.actions
        actions[LABEL_HEADER, "changed"] += len(labels)
        images, findings, site, year = volume.images(), volume.findings, volume.site, volume.year
    grid = dicom_volume.arranged(images).grid
    objects = [
        NewObject(IMAGE, f"{names.sample}/{index:04d}.dcm", content) for index, content in enumerate(contents)
    ]
    objects += [
        _label_object(role, label, images, grid, names, options.structures) for role, label in labels.items()
    ]
    first = images[0]
    return Taken(
        site=pseudonym(names.key, "site", site.casefold()) if site else None,
        device=_device(first),
        sex=first.PatientSex if first.get("PatientSex") in ("F", "M") else None,
        age_years=allowed.age_years(str(first.get("PatientAge", ""))),
        objects=tuple(objects),
        measurements=_measurements(first, values, grid, len(labels)),
        fingerprint=fingerprint(values),
        data_type="image",
        modality=str(first.get("Modality", "")) or None,
        acquired_year=year,
        sketch=sketched.to_bytes() if (sketched := sketch.of_image(values)) else b"",
        actions=headers.totals(actions),
        findings=findings,
    )


def prove(taken: Taken, source: Source) -> list[Finding]:
    """Walk the bytes of every object without the library that wrote them; pixels and persons must agree."""
    structures = _options(source).structures
    findings: list[Finding] = []
    subjects, planes = set(), []
    for item in taken.objects:
        walked = proof.walk(item.content)
        findings += walked.findings
        subjects.add(walked.texts.get(0x00100020))
        if not re.fullmatch(r"[A-Za-z]+-[0-9a-f]+/(\d{4,}|reference|read-[\w-]+)\.dcm", item.name):
            findings.append(_unproven("object name", "a name of another form"))
        if item.role == IMAGE:
            planes.append(_plane(walked))
    if len(subjects) != 1 or None in subjects:
        findings.append(_unproven("(0010,0020) PatientID", "objects of more than one subject, or of none"))
    native = [plane for plane in planes if plane is not None]
    if len(native) == len(planes) and fingerprint(native) != taken.fingerprint:
        findings.append(_unproven("(7FE0,0010) PixelData", "pixels other than those that were read"))
    if taken.site is not None and not re.fullmatch(r"site-[0-9a-f]{16}", taken.site):
        findings.append(_unproven("site", "a name in the clear"))
    if not all(re.fullmatch(allowed.STRUCTURE, name) for name in structures):
        findings.append(_unproven("structures", "a structure's name of another form"))
    return findings


def fingerprint(planes: Sequence[NDArray[np.integer[Any]]] | NDArray[np.int64]) -> str:
    """SHA-256 of shape and stored values, whatever their encoding was."""
    shape = (len(planes), *(planes[0].shape if len(planes) else ()))
    state = hashlib.sha256(repr(shape).encode())
    for plane in planes:
        state.update(np.ascontiguousarray(plane, dtype="<i4").data)
    return state.hexdigest()


def _options(source: Source) -> Options:
    if source.form not in FORMS:
        raise WrongUse(
            found=f"form '{source.form}'",
            wanted=f"one of {', '.join(FORMS)}",
            remedy="Correct the form of the source.",
            where=f"source {source.name}",
        )
    return parameters_of(Options, source.options, where=f"source {source.name}, options")


def _header(file: OfferedFile) -> Header | Finding:
    """The header of an MR image or a segmentation, or why it is neither."""
    if file.size == 0:
        return _refused(Reason.EMPTY_FILE, "an empty file", "a DICOM object")
    content = file.path.read_bytes()
    if not dicom_series.recognises(content[:132]):
        return _refused(
            Reason.UNKNOWN_FORMAT, "a file that is no DICOM object", "MR images and segmentations"
        )
    walked = explicit_walk.opened(content)
    if (
        walked is not None
        and walked.uid
        and walked.raw(SOP_CLASS).rstrip(b"\x00 ") == dicom_series.MR_IMAGE.encode()
    ):
        opened = quick.outermost(walked)
    else:
        walked = None
        try:
            opened = dicom_series.open(content)
        except WrongUse as error:
            return _refused(Reason.TRUNCATED, error.found, error.wanted)
    for finding in dicom_series.examine(opened):
        if finding.reason == Reason.UNSUPPORTED_FORM:
            return finding
    if not opened.get("SeriesInstanceUID"):
        return _refused(Reason.HEADER_INVALID, "an object of no series", "a series instance UID")
    if str(opened.SOPClassUID) != dicom_series.MR_IMAGE:
        return Header(False, segmentation.referenced_series(opened) or "", "", ())
    person = headers.person_of(opened) if walked is None else quick.person_of(walked)
    return Header(True, str(opened.SeriesInstanceUID), str(opened.SOPInstanceUID), tuple(person.tokens))


def _labels_by_series(
    segments: Sequence[tuple[OfferedFile, str | None]],
    series: Mapping[str, object],
    source: Source,
    unassigned: list[Unassigned],
) -> dict[str, list[tuple[str, OfferedFile]]]:
    labels: dict[str, list[tuple[str, OfferedFile]]] = {}
    for file, uid in segments:
        if uid is None or uid not in series:
            finding = _refused(
                Reason.IMAGE_MISSING, "a label of a series that is not here", "its image series"
            )
            unassigned.append(Unassigned(file, finding))
            continue
        role = _role(file, source)
        if any(role == other for other, _ in labels.get(uid, [])):
            finding = _refused(Reason.DUPLICATE, f"a second label of role {role}", "one label a reader")
            unassigned.append(Unassigned(file, finding))
            continue
        labels.setdefault(uid, []).append((role, file))
    return labels


def _role(file: OfferedFile, source: Source) -> str:
    """A reader's folder makes a read; elsewhere a label is the published reference."""
    path = PurePosixPath(file.relative)
    for folder in source.readers:
        if path.is_relative_to(folder):
            return f"read:{PurePosixPath(folder).name}"
    return "reference"


def _draft(
    uid: str,
    members: Sequence[tuple[OfferedFile, Header]],
    labels: Sequence[tuple[str, OfferedFile]],
    unassigned: list[Unassigned],
) -> Draft:
    kept: dict[str, OfferedFile] = {}
    images: list[tuple[str, OfferedFile]] = []
    for file, opened in members:
        instance = opened.instance
        if instance in kept and kept[instance].path.read_bytes() == file.path.read_bytes():
            finding = _refused(Reason.DUPLICATE, "the same object once more", "each object once")
            unassigned.append(Unassigned(file, finding))
            continue
        kept.setdefault(instance, file)
        images.append((IMAGE, file))
    tokens = sorted({token for _, opened in members for token in opened.tokens})
    return Draft(uid, (*images, *labels), tuple(tokens))


def _labels(draft: Draft, grid: Grid, structures: Mapping[str, int]) -> dict[str, Labels]:
    labels = {}
    for role, file in draft.files:
        if role == IMAGE:
            continue
        try:
            labels[role] = segmentation.read_onto(file.path.read_bytes(), grid, structures)
        except WrongUse as error:
            raise refusal(
                Reason.REFERENCE_INVALID,
                found=f"{role} with {error.found}",
                wanted=error.wanted,
                remedy=error.remedy,
                where=error.where,
            ) from error
    return labels


def _label_object(
    role: str,
    labels: Labels,
    images: Sequence[Dataset],
    grid: Grid,
    names: Names,
    structures: Mapping[str, int],
) -> NewObject:
    """A label is written anew on the de-identified image, so that nothing of its old header can survive."""
    content = segmentation.write(
        labels,
        images=images,
        grid=grid,
        names={number: name for name, number in structures.items()},
        uid=lambda purpose: headers.mapped_uid(names.key, f"{names.sample}/{role}/{purpose}"),
        maker=("medassay", "intake"),
        finish=lambda dataset: headers.state_method(dataset, names),
    )
    return NewObject(role, f"{names.sample}/{role.replace(':', '-')}.dcm", content)


def _device(image: Dataset) -> str | None:
    parts = [str(image.get(name, "")) for name in ("Manufacturer", "ManufacturerModelName")]
    return " ".join(part for part in parts if part) or None


def _measurements(image: Dataset, values: NDArray[np.int64], grid: Grid, labels: int) -> dict[str, Scalar]:
    quality = volume_quality(values, spacing_mm=grid.spacing_mm)
    thickness = _number(image, "SliceThickness")
    step, rows, columns = grid.spacing_mm
    return {
        "slices": grid.shape[0],
        "rows": grid.shape[1],
        "columns": grid.shape[2],
        "slice_step_mm": step,
        "row_spacing_mm": rows,
        "column_spacing_mm": columns,
        "step_to_thickness": step / thickness if thickness else None,
        "anisotropy": quality.anisotropy,
        "extent_mm": quality.extent_mm,
        "noise_ratio": quality.noise_ratio,
        "saturated_share": quality.saturated_share,
        "flat_slices": quality.flat_slices,
        "field_strength_t": _number(image, "MagneticFieldStrength"),
        "rescale_slope": _number(image, "RescaleSlope"),
        "labels": labels,
    }


def _number(image: Dataset, keyword: str) -> float | None:
    value = image.get(keyword)
    return None if value in (None, "") else float(value)


def _plane(walked: proof.Walked) -> NDArray[np.integer[Any]] | None:
    """Stored values by the raw bytes; None where they are compressed or of an unusual width."""
    rows, columns, bits, signed = (
        walked.numbers.get(tag) for tag in (0x00280010, 0x00280011, 0x00280100, 0x00280103)
    )
    if walked.compressed or not rows or not columns or bits not in (8, 16) or signed is None:
        return None
    kind = f"<{'i' if signed else 'u'}{int(bits) // 8}"
    plane = np.frombuffer(walked.pixels, kind, count=int(rows * columns))
    return plane.reshape(int(rows), int(columns))


def _refused(reason: Reason, found: str, wanted: str) -> Finding:
    return Finding(
        reason=reason,
        severity=Severity.REFUSE,
        found=found,
        wanted=wanted,
        remedy="Export the file again, or leave it out of the source's folder.",
    )


def _unproven(where: str, found: str) -> Finding:
    return Finding(
        reason=Reason.IDENTITY_LEFT,
        severity=Severity.REFUSE,
        found=found,
        wanted="objects that provably hold what was read and name nobody",
        remedy="The sample was withheld; report its kind so that the reader can be mended.",
        where=where,
    )
