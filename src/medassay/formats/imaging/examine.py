"""The room's one door: what a file is by its content, and everything that is wrong with it; it raises nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from medassay.core.errors import WrongUse
from medassay.core.findings import Finding, Reason, Severity, finding_of
from medassay.formats.examined import Examined, Fact
from medassay.formats.imaging import (
    dicom_characters,
    dicom_file,
    dicom_pixels,
    dicom_series,
    dicom_waveform,
    dicomdir,
    enhanced,
    nifti,
    photograph,
    rtstruct,
    segment_layers,
    structured_report,
    whole_slide,
)
from medassay.formats.imaging.dicom_file import OpenedDicom, text_of, whole_of
from medassay.formats.imaging.refusal import ImageRefused, quiet, said

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

HEAD = 512
LARGEST = 2 << 30
UNKNOWN = "unknown"
STRUCTURE_SET = "1.2.840.10008.5.1.4.1.1.481.3"
WAVEFORM_PREFIX = "1.2.840.10008.5.1.4.1.1.9."
NEWER_NAMES = {
    "1.2.840.10008.5.1.4.1.1.66.7": "Label Map Segmentation Storage",
    "1.2.840.10008.5.1.4.1.1.66.8": "Height Map Segmentation Storage",
}
PAIR = "NIfTI-1 pair"
UNREAD = (  # forms that are told by their marks and have no reader: name, place of the mark, mark
    ("NRRD", 0, b"NRRD000"),
    ("MetaImage", 0, b"ObjectType = Image"),
    ("JPEG 2000", 0, b"\x00\x00\x00\x0cjP  "),
    ("NIfTI-2", 4, b"n+2\x00"),
    ("NIfTI-2 pair", 4, b"ni2\x00"),
    ("HDF5", 0, b"\x89HDF\r\n\x1a\n"),
    ("NumPy array", 0, b"\x93NUMPY"),
    ("Parquet table", 0, b"PAR1"),
    ("video", 4, b"ftyp"),
    ("Matroska video", 0, b"\x1aE\xdf\xa3"),
    ("7z archive", 0, b"7z\xbc\xaf\x27\x1c"),
    ("RAR archive", 0, b"Rar!\x1a\x07"),
)


@dataclass(frozen=True)
class _Part:
    """What a kind of object adds: its own description and its own faults."""

    describe: Callable[[Dataset], Mapping[str, Fact]]
    examine: Callable[[Dataset], Iterable[Finding]]


def recognise(source: bytes | Path) -> str:
    """The form of a file by its content: DICOM, NIfTI-1, a picture form, one without a reader, or `unknown`.

    Parameters
    ----------
    source : path, or content, of which the first 512 bytes are enough

    Examples
    --------
    >>> recognise(bytes(128) + b"DICM"), recognise(b"\\x89PNG\\r\\n\\x1a\\n"), recognise(b"a letter")
    ('DICOM', 'PNG', 'unknown')
    """
    if isinstance(source, Path):
        with source.open("rb") as stream:
            head = stream.read(HEAD)
    else:
        head = source[:HEAD]
    if nifti.recognises(head):
        return "NIfTI-1"
    if nifti.recognises_pair(head):
        return PAIR
    form = photograph.form_of(head)
    if form and head[128:132] != dicom_file.MARK:  # a preamble may be the header of a TIFF file, PS3.10 7.1
        return form
    if dicom_file.recognises(head):
        return "DICOM"
    return next((name for name, at, mark in UNREAD if head[at : at + len(mark)] == mark), UNKNOWN)


def examine_file(path: Path, *, decode: bool = True) -> Examined:
    """What one file is and what is wrong with it.

    Parameters
    ----------
    decode : whether pixels are decoded to see whether they are whole; compressed objects of many frames give
        their first and last frame

    Returns
    -------
    Examined
        `kind` is "unknown" where the content is of no form of this room. Facts identify nobody; findings never
        quote a value of a person.
    """
    form = UNKNOWN
    try:
        size = path.stat().st_size
        if not size:
            return _refused(UNKNOWN, Reason.EMPTY_FILE, "0 bytes", "content")
        form = recognise(path)
        if size > LARGEST:
            return _refused(form, Reason.LIMIT_EXCEEDED, f"{size} bytes", "at most 2 GiB")
        with quiet():
            return _examined(form, path, decode)
    except WrongUse as error:
        return Examined(form, findings=(finding_of(error),))
    except OSError as error:
        return _refused(
            UNKNOWN, Reason.UNKNOWN_FORMAT, f"a file that cannot be read ({type(error).__name__})", "a file"
        )
    except Exception as error:  # noqa: BLE001 - a hostile file may make a library raise anything at all
        found = f"content that its reader stopped at with {type(error).__name__}"
        return _refused(form, Reason.HEADER_INVALID, found, "a file that keeps to its format")


def kind_of(dataset: Dataset) -> str:
    """The kind of a DICOM object: the standard's name of its class, without the word Storage.

    Examples
    --------
    >>> from pydicom.dataset import Dataset
    >>> made = Dataset(); made.SOPClassUID = "1.2.840.10008.5.1.4.1.1.2"
    >>> kind_of(made)
    'DICOM CT Image'
    """
    from pydicom.uid import UID

    uid = text_of(dataset, "SOPClassUID") or str(
        getattr(getattr(dataset, "file_meta", None), "MediaStorageSOPClassUID", "") or ""
    )
    if uid == dicomdir.DIRECTORY or "DirectoryRecordSequence" in dataset:
        return "DICOMDIR"
    name = NEWER_NAMES.get(uid) or UID(uid).name
    if not name or name == uid:
        return "DICOM object"
    return f"DICOM {name.removesuffix(' Storage').replace(' Storage - ', ' - ')}"


def _examined(form: str, path: Path, decode: bool) -> Examined:
    if form == "DICOM":
        return _dicom(path, decode)
    if form == "NIfTI-1":
        opened = nifti.open(path.read_bytes())
        facts = {name: _plain(value) for name, value in nifti.describe(opened).items()}
        return Examined(form, facts, tuple(nifti.examine(opened)))
    if form == PAIR:
        header, image = nifti.open_pair(path)
        facts = {name: _plain(value) for name, value in nifti.describe(header).items()}
        return Examined(form, facts, tuple(nifti.examine(header)), names=frozenset({image.name}))
    if form in {name for name, _ in photograph.MARKS} | {"BMP", "WebP"}:
        picture = photograph.open(path.read_bytes())
        facts = photograph.describe(picture)
        kind = str(facts.pop("kind", form))
        return Examined(kind, facts, tuple(photograph.examine(picture, decode=decode)))
    if form != UNKNOWN:
        return _refused(
            form, Reason.UNSUPPORTED_FORM, f"{form}, for which there is no reader", "DICOM or NIfTI-1"
        )
    return _refused(UNKNOWN, Reason.UNKNOWN_FORMAT, "a form without a reader", "a form that is known")


def _dicom(path: Path, decode: bool) -> Examined:
    opened = dicom_file.open(path, pixels=decode)
    dataset = opened.dataset
    characters = [
        *dicom_characters.examine(dataset)
    ]  # looks at bytes, so it goes before values are asked for
    kind = kind_of(dataset)
    facts: dict[str, Fact] = {
        "modality": text_of(dataset, "Modality")[:16] or None,
        "transfer_syntax": opened.transfer_syntax or None,
        "nesting": opened.structure.depth or None,
    }
    findings = [*opened.findings, *characters, *_class_findings(dataset)]
    for part in _parts(dataset):
        facts |= part.describe(dataset)
        findings += part.examine(dataset)
    if kind == "DICOMDIR":
        findings += dicomdir.examine_files(dataset, path.parent)
    elif opened.structure.pixels is not None or "Rows" in dataset:
        facts |= _pixel_facts(dataset)
        findings += _pixel_findings(opened, decode)
    group = text_of(dataset, "SeriesInstanceUID") if _is_slice(dataset) else ""
    return Examined(kind, facts, tuple(findings), group=group or None)


def _class_findings(dataset: Dataset) -> Iterator[Finding]:
    if text_of(dataset, "SOPClassUID") or "DirectoryRecordSequence" in dataset:
        return
    yield said(
        Reason.HEADER_INVALID,
        Severity.REFUSE,
        "an object that does not say of which class it is",
        "a SOP class",
        where="(0008,0016) SOPClassUID",
        source="DICOM PS3.3 C.12.1",
    )


def _parts(dataset: Dataset) -> Iterator[_Part]:
    uid = text_of(dataset, "SOPClassUID")
    if "DirectoryRecordSequence" in dataset or uid == dicomdir.DIRECTORY:
        yield _Part(dicomdir.describe, dicomdir.examine)
    elif uid.startswith(structured_report.PREFIX):
        yield _Part(structured_report.describe, structured_report.examine)
    elif uid.startswith(WAVEFORM_PREFIX) or "WaveformSequence" in dataset:
        yield _Part(dicom_waveform.describe, dicom_waveform.examine)
    elif uid == STRUCTURE_SET:
        yield _Part(rtstruct.describe, rtstruct.examine)
    elif uid == whole_slide.WHOLE_SLIDE:
        yield _Part(whole_slide.describe, whole_slide.examine)
    elif uid in dicom_series.SEGMENTATIONS:
        yield _Part(segment_layers.describe, segment_layers.examine)
    elif enhanced.is_enhanced(dataset):
        yield _Part(enhanced.describe, enhanced.examine)
    elif _is_slice(dataset):
        yield _Part(lambda _: {}, _place_findings)


def _is_slice(dataset: Dataset) -> bool:
    """Whether the object is one slice that its header means to place in the patient."""
    return "ImagePositionPatient" in dataset and (whole_of(dataset, "NumberOfFrames", 1) or 1) == 1


def _place_findings(dataset: Dataset) -> Iterator[Finding]:
    try:
        dicom_series.place_of(dataset)
    except WrongUse as error:
        yield said(
            Reason.GEOMETRY_IRREGULAR,
            Severity.WARN,
            error.found,
            error.wanted,
            where=error.where,
            source="DICOM PS3.3 C.7.6.2",
        )


def _pixel_facts(dataset: Dataset) -> dict[str, Fact]:
    try:
        layout = dicom_pixels.layout_of(dataset)
    except ImageRefused:
        return {}
    return {
        "frames": layout.frames,
        "rows": layout.rows,
        "columns": layout.columns,
        "samples": layout.samples,
        "bits_stored": layout.bits_stored,
        "colours": layout.photometric[:16],
        "lossy": text_of(dataset, "LossyImageCompression") == "01" or None,
    }


def _pixel_findings(opened: OpenedDicom, decode: bool) -> Iterator[Finding]:
    """Whether the pixels are there and decode: all of a native object, the first and last of a compressed one."""
    dataset = opened.dataset
    try:
        layout = dicom_pixels.layout_of(dataset)
        if opened.structure.pixels is None:
            yield said(
                Reason.IMAGE_MISSING,
                Severity.WARN,
                "a header of pixels without pixel data",
                "pixel data",
                where="(7FE0,0010) PixelData",
            )
        elif decode and not opened.structure.stopped:
            if layout.compressed:
                dicom_pixels.compressed_frames(dataset, layout, range(layout.frames))
                dicom_pixels.decode(dataset, sorted({0, layout.frames - 1}))
            else:
                dicom_pixels.require_length(dataset, layout)
                dicom_pixels.decode(dataset, [0])
    except WrongUse as error:
        yield finding_of(error)


def _plain(value: object) -> Fact:
    return value if isinstance(value, str | int | float | bool) or value is None else str(value)


def _refused(kind: str, reason: Reason, found: str, wanted: str) -> Examined:
    return Examined(kind, findings=(said(reason, Severity.REFUSE, found, wanted),))
