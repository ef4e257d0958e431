"""DICOM headers full of invented people, as a hospital's archive sends them out."""

from __future__ import annotations

import io
from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from medassay.core.canonical import digest_bytes
from medassay.formats.imaging.grid import Grid
from medassay.phantoms.mr_volume.parameters import Site

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

MR_IMAGE = "1.2.840.10008.5.1.4.1.1.4"
ROOT = "1.2.826.0.1.3680043.10.1469"
FAMILIES = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨"
NUMERALS = "零一二三四五六七八九"


@dataclass(frozen=True)
class Person:
    """An invented patient. Family names with 测 (test) are nobody's."""

    name: str
    patient_id: str
    birth_date: str
    sex: str
    age: int
    weight: float


def invented(draw: np.random.Generator, number: int, site: Site) -> Person:
    """A person of site and running number; the oldest is over 89."""
    age = 93 if number % 17 == 5 else int(draw.integers(48, 86))
    digits = "".join(NUMERALS[int(digit)] for digit in f"{number:02d}")
    chinese = f"{FAMILIES[number % len(FAMILIES)]}^测{digits}"
    latin = f"PHANTOM^TEST {number:02d}"
    written = latin if site.charset.startswith("ISO_IR 100") else f"{latin}={chinese}"
    if site.charset == "GBK without a tag":
        written = chinese
    return Person(
        name=written,
        patient_id=f"{int(draw.integers(10**7, 10**8))}",
        birth_date=f"{2023 - age}{int(draw.integers(1, 6)):02d}{int(draw.integers(1, 29)):02d}",
        sex="FM"[int(draw.integers(2))],
        age=age,
        weight=float(draw.integers(45, 95)),
    )


def uid(*parts: object) -> str:
    """A UID that follows from what it is of."""
    return f"{ROOT}.{int(digest_bytes('/'.join(map(str, parts)).encode())[:24], 16)}"


def series(
    person: Person,
    site: Site,
    values: NDArray[np.int64],
    grid: Grid,
    *,
    token: str,
    instance_order: Sequence[int],
) -> list[Dataset]:
    """One object a slice, in geometric order; instance numbers follow `instance_order`, not geometry."""
    common = _series(person, site, values.shape, grid, token)
    return [
        _slice(common, plane, grid, index, token, instance_order[index]) for index, plane in enumerate(values)
    ]


def encoded(image: Dataset) -> bytes:
    """The object as a file, with a TIFF mark and a text in the preamble, as some viewers write it."""
    image.preamble = b"II*\x00" + b"exported for ward 7".ljust(124, b"\x00")
    sink = io.BytesIO()
    image.save_as(sink, enforce_file_format=True)
    return sink.getvalue()


def _slice(
    common: Dataset, plane: NDArray[np.int64], grid: Grid, index: int, token: str, instance_number: int
) -> Dataset:
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import UID, ExplicitVRLittleEndian

    image = Dataset()
    for element in common:
        image.add(copy(element))  # a defect changes one slice, not all of them
    image.file_meta = FileMetaDataset()
    image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    image.file_meta.MediaStorageSOPClassUID = UID(MR_IMAGE)
    image.SOPInstanceUID = image.file_meta.MediaStorageSOPInstanceUID = UID(uid(token, "slice", index))
    image.InstanceNumber = instance_number
    image.ImagePositionPatient = [f"{v:.6g}" for v in grid.position(index)]
    image.SliceLocation = f"{grid.position(index)[2]:.6g}"
    image.add_new(0x7FE00010, "OW", plane.astype("<u2").tobytes())
    return image


def _series(person: Person, site: Site, shape: Sequence[int], grid: Grid, token: str) -> Dataset:
    """What all slices of a series have in common."""
    from pydicom.dataset import Dataset

    image = Dataset()
    image.SOPClassUID = MR_IMAGE
    image.StudyInstanceUID = uid(token, "study")
    image.SeriesInstanceUID = uid(token, "series")
    image.FrameOfReferenceUID = uid(token, "frame")
    _people(image, person, site)
    image.StudyDate = image.SeriesDate = image.AcquisitionDate = "20230615"
    image.StudyTime = image.AcquisitionTime = "101530"
    image.Modality, image.ImageType = "MR", ["ORIGINAL", "PRIMARY", "M", "ND"]
    image.Manufacturer, image.ManufacturerModelName = site.manufacturer, site.model
    image.MagneticFieldStrength = site.field_t
    image.ScanningSequence, image.SequenceVariant, image.MRAcquisitionType = "GR", "MP", "3D"
    image.RepetitionTime, image.EchoTime, image.InversionTime, image.FlipAngle = "2300", "2.98", "900", "9"
    image.SeriesNumber = 2
    step, rows, columns = grid.spacing_mm
    image.ImageOrientationPatient = ["1", "0", "0", "0", "1", "0"]
    image.PixelSpacing = [f"{rows:g}", f"{columns:g}"]
    image.SliceThickness = image.SpacingBetweenSlices = f"{step:g}"
    image.SamplesPerPixel, image.PhotometricInterpretation = 1, "MONOCHROME2"
    image.Rows, image.Columns = shape[1:]
    image.BitsAllocated, image.BitsStored, image.HighBit, image.PixelRepresentation = 16, 12, 11, 0
    return image


def _people(image: Dataset, person: Person, site: Site) -> None:
    from pydicom.dataset import Dataset as Item
    from pydicom.sequence import Sequence as Items

    if site.charset != "GBK without a tag":
        image.SpecificCharacterSet = site.charset
    image.PatientName = _as_written(person.name, site)
    image.PatientID, image.PatientBirthDate, image.PatientSex = (
        person.patient_id,
        person.birth_date,
        person.sex,
    )
    image.PatientAge, image.PatientWeight = f"{person.age:03d}Y", person.weight
    image.InstitutionName = _as_written(site.institution, site)
    image.ReferringPhysicianName = "PHYSICIAN^EXAMPLE"
    image.OperatorsName = "OPERATOR^EXAMPLE"
    image.AccessionNumber = f"A{person.patient_id}"
    image.StudyID = person.patient_id[-4:]
    image.StationName = "STATION7"
    image.PatientTelephoneNumbers = "555-0100"
    image.PatientComments = _as_written(f"{person.name} {person.patient_id}", site)
    image.StudyDescription = f"MR {person.patient_id}"
    step = Item()
    step.RequestedProcedureDescription = f"for {person.patient_id}"
    step.ScheduledPerformingPhysicianName = "PHYSICIAN^EXAMPLE"
    image.RequestAttributesSequence = Items([step])
    block = image.private_block(0x0029, "PHANTOM ARCHIVE", create=True)
    block.add_new(0x10, "LO", _as_written(person.name, site))
    block.add_new(0x11, "LO", person.patient_id)


def _as_written(text: str, site: Site) -> str:
    """Text that becomes GBK bytes where the site writes them without saying so."""
    return text.encode("gbk").decode("latin-1") if site.charset == "GBK without a tag" else text
