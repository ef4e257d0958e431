"""Seconds for 1,000 instances: de-identify and digest in memory, beside reading and writing with pydicom alone.

    OMP_NUM_THREADS=1 python -P benchmarks/deidentify.py [INSTANCES]

One process; 512x512 CT instances of 0.5 MB, uncompressed, made here: with 50 flat elements, with a rich header
(sequences and private blocks, some 600 elements) and with deeply nested ones. Prints a row a header and a tool.
dicom-anonymizer, dicognito and deid are measured where they can be imported, and said to be absent where not.
"""

from __future__ import annotations

import importlib.util
import io
import sys
import time
import warnings
from collections.abc import Callable

import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import UID, ExplicitVRLittleEndian

from medassay.core.canonical import digest_bytes
from medassay.datasets.deidentify import dicom, explicit_walk, proof, quick
from medassay.datasets.sample import Names

NAMES = Names("R-0000000000000001", "S-0000000000000001", 400, b"k" * 32)
CT_IMAGE = "1.2.840.10008.5.1.4.1.1.2"


def instance(number: int, *, private: int, items: int, depth: int) -> bytes:
    """Bytes of one CT instance."""
    image = Dataset()
    image.file_meta = FileMetaDataset()
    image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    image.SOPClassUID, image.SOPInstanceUID = UID(CT_IMAGE), UID(f"1.2.3.{number}")
    image.StudyInstanceUID, image.SeriesInstanceUID, image.FrameOfReferenceUID = "1.2.4", "1.2.5", "1.2.6"
    image.PatientName, image.PatientID, image.PatientBirthDate = "TEST^PERSON", "4711", "19500101"
    image.PatientSex, image.PatientAge, image.Modality = "F", "073Y", "CT"
    image.StudyDate = image.SeriesDate = image.ContentDate = "20230615"
    image.StudyTime = image.SeriesTime = "101500"
    image.InstitutionName, image.ReferringPhysicianName = "HOSPITAL", "DOC^TOR"
    image.StudyDescription, image.SeriesDescription, image.ProtocolName = "CT Chest", "Lung 1.0", "Thorax"
    image.Manufacturer, image.ManufacturerModelName, image.ConvolutionKernel = "SIEMENS", "Force", "Br40"
    image.KVP, image.Exposure, image.SliceThickness, image.InstanceNumber = "120", "88", "1", str(number)
    image.ImagePositionPatient, image.ImageOrientationPatient = (
        ["0", "0", str(number)],
        ["1", "0", "0", "0", "1", "0"],
    )
    image.PixelSpacing, image.RescaleSlope, image.RescaleIntercept = ["0.7", "0.7"], "1", "-1024"
    image.Rows = image.Columns = 512
    image.SamplesPerPixel, image.PhotometricInterpretation = 1, "MONOCHROME2"
    image.BitsAllocated = image.BitsStored = 16
    image.HighBit, image.PixelRepresentation = 15, 1
    if private:
        block = image.private_block(0x0029, "MAKER HEADER", create=True)
        for element in range(min(private, 250)):
            block.add_new(element, "LO", f"private {element}")
    if items:
        image.RequestAttributesSequence = Sequence([_item(depth, f"{number}.{n}") for n in range(items)])
    image.add_new(0x7FE00010, "OW", bytes(512 * 512 * 2))
    sink = io.BytesIO()
    image.save_as(sink, enforce_file_format=True)
    return sink.getvalue()


def _item(depth: int, number: str) -> Dataset:
    item = Dataset()
    item.RequestedProcedureDescription, item.ScheduledProcedureStepID = "CT Chest", number
    item.RequestingPhysician, item.RequestedProcedureID = "DOC^TOR", number
    if depth:
        item.RequestedProcedureCodeSequence = Sequence([_item(depth - 1, number)])
    return item


HEADERS = {
    "flat": {"private": 0, "items": 0, "depth": 0},
    "rich": {"private": 250, "items": 80, "depth": 1},
    "nested": {"private": 0, "items": 20, "depth": 8},
}


def by_pydicom(content: bytes) -> bytes:
    """Read, de-identify, encode, digest: the way for whatever the walk over bytes does not follow."""
    dataset = pydicom.dcmread(io.BytesIO(content))
    out = dicom.encoded(dicom.clean(dataset, NAMES, words=dicom.person_of(dataset).words).dataset)
    digest_bytes(out)
    return out


def ours(content: bytes) -> bytes:
    """Read, de-identify, encode, digest, by the walk over bytes."""
    one = explicit_walk.opened(content)
    made = one and quick.cleaned(one, NAMES, words=quick.person_of(one).words)
    if not made:
        raise SystemExit("an instance that the walk does not follow")
    digest_bytes(made.content)
    return made.content


def ours_proved(content: bytes) -> None:
    """The same, and the proof by the second reader."""
    if proof.walk(ours(content), strict=True).findings:
        raise SystemExit("an output that is not proved")


def read_and_write(content: bytes) -> None:
    """pydicom alone: every element converted, as a tool that looks at values has to."""
    dataset = pydicom.dcmread(io.BytesIO(content))
    for _ in dataset.iterall():
        pass
    dataset.save_as(io.BytesIO(), enforce_file_format=True)


def tools() -> dict[str, Callable[[bytes], object]]:
    """What is measured here, by name."""
    found: dict[str, Callable[[bytes], object]] = {
        "pydicom read and write": read_and_write,
        "ours: de-identify and digest": ours,
        "ours: the same by pydicom": by_pydicom,
        "ours: with the proof": ours_proved,
    }
    if importlib.util.find_spec("dicognito"):
        from dicognito.anonymizer import Anonymizer

        anonymizer = Anonymizer(seed="x")

        def dicognito(content: bytes) -> None:
            dataset = pydicom.dcmread(io.BytesIO(content))
            anonymizer.anonymize(dataset)
            dataset.save_as(io.BytesIO(), enforce_file_format=True)

        found["dicognito"] = dicognito
    if importlib.util.find_spec("dicomanonymizer"):
        from dicomanonymizer import anonymize_dataset

        def dicom_anonymizer(content: bytes) -> None:
            dataset = pydicom.dcmread(io.BytesIO(content))
            anonymize_dataset(dataset)
            dataset.save_as(io.BytesIO(), enforce_file_format=True)

        found["dicom-anonymizer"] = dicom_anonymizer
    return found


def main(instances: int) -> None:
    warnings.simplefilter("ignore")
    absent = [name for name in ("dicognito", "dicomanonymizer", "deid") if not importlib.util.find_spec(name)]
    print(f"{instances} instances a row; not importable here: {', '.join(absent) or 'none'}")
    for header, facts in HEADERS.items():
        contents = [instance(number, **facts) for number in range(instances)]
        elements = sum(1 for _ in pydicom.dcmread(io.BytesIO(contents[0])).iterall())
        base = None
        for name, tool in tools().items():
            tool(instance(instances, **facts))  # tables and libraries are loaded before the clock runs
            start = time.perf_counter()
            for number in range(instances):
                tool(contents[number])
            seconds = (time.perf_counter() - start) * 1000 / instances
            base = base or seconds
            row = f"{header:7} {elements:4} elements  {name:30} {seconds:7.2f} s/1000"
            print(f"{row}  {seconds / base:5.2f} x")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
