"""A CT image with a person in every place that peers are known to forget, and what research needs of it."""

import io

import pydicom
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import UID, ExplicitVRLittleEndian

CT_IMAGE = "1.2.840.10008.5.1.4.1.1.2"
PIXELS = bytes(range(256)) * 2


def mark(number):
    return f"QZXMARK{number:02d}"


def planted_ct(study_date="20230615", patient="QZXPERSON", **changes):
    """Bytes of a CT with marks, and the number of marks."""
    count = iter(range(100))
    marks = []

    def next_mark():
        marks.append(mark(next(count)))
        return marks[-1]

    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = UID(CT_IMAGE)
    meta.MediaStorageSOPInstanceUID = UID("1.2.3.4.555")
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.ImplementationVersionName = next_mark()
    meta.SourceApplicationEntityTitle = next_mark()
    meta.SendingApplicationEntityTitle = next_mark()
    meta.PrivateInformationCreatorUID = UID("1.2.3.4.777")
    meta.PrivateInformation = next_mark().encode()
    ct = FileDataset("", Dataset(), file_meta=meta, preamble=next_mark().encode().ljust(128, b"\0"))
    facts = {
        "SOPClassUID": CT_IMAGE,
        "SOPInstanceUID": "1.2.3.4.555",
        "StudyInstanceUID": "1.2.3.4.6",
        "SeriesInstanceUID": "1.2.3.4.7",
        "FrameOfReferenceUID": "1.2.3.4.8",
        "Modality": "CT",
        "ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"],
        "StudyDate": study_date,
        "SeriesDate": study_date,
        "StudyTime": "101500",
        "PatientName": f"{next_mark()}^{patient}",
        "PatientID": next_mark(),
        "PatientBirthDate": "19300214",
        "PatientSex": "F",
        "PatientAge": "093Y",
        "PatientWeight": "61.5",
        "Manufacturer": "SIEMENS",
        "ManufacturerModelName": "SOMATOM Force",
        "ConvolutionKernel": "Br40d\\3",
        "KVP": "120",
        "Exposure": "88",
        "SliceThickness": "1.0",
        "PixelSpacing": ["0.7", "0.7"],
        "ImagePositionPatient": ["1", "2", "3"],
        "ImageOrientationPatient": ["1", "0", "0", "0", "1", "0"],
        "RescaleSlope": "1",
        "RescaleIntercept": "-1024",
        "InstitutionName": next_mark(),
        "ReferringPhysicianName": next_mark(),
        "OperatorsName": next_mark(),
        "StationName": next_mark(),
        "AccessionNumber": next_mark(),
        "StudyID": next_mark(),
        "StudyDescription": f"CT Thorax {next_mark()}",
        "SeriesDescription": f"Lung 1.0 {next_mark()}",
        "ProtocolName": f"Thorax {next_mark()}",
        "ImageComments": next_mark(),
        "PatientComments": next_mark(),
        "AdditionalPatientHistory": next_mark(),
        "DeviceSerialNumber": next_mark(),
        "OtherPatientIDs": next_mark(),
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "Rows": 16,
        "Columns": 16,
        "BitsAllocated": 16,
        "BitsStored": 12,
        "HighBit": 11,
        "PixelRepresentation": 0,
    }
    for keyword, value in (facts | changes).items():
        setattr(ct, keyword, value)
    inner, request, other = Dataset(), Dataset(), Dataset()
    inner.PatientName = next_mark()
    other.PatientID, other.IssuerOfPatientID = next_mark(), next_mark()
    request.RequestedProcedureDescription = next_mark()
    request.RequestingPhysician = next_mark()
    request.ReferencedStudySequence = Sequence([inner])
    ct.RequestAttributesSequence = Sequence([request])
    ct.OtherPatientIDsSequence = Sequence([other])
    block = ct.private_block(0x0029, f"MAKER {next_mark()}", create=True)
    block.add_new(0x01, "LO", next_mark())
    deep = Dataset()
    deep.private_block(0x0031, "MAKER", create=True).add_new(0x02, "UN", next_mark().encode())
    block.add_new(0x03, "SQ", Sequence([deep]))
    dose = ct.private_block(0x00E1, "ELSCINT1", create=True)
    dose.add_new(0x21, "DS", "412.5")
    ct.add_new(0x60004000, "LT", next_mark())
    ct.add_new(0x60003000, "OW", next_mark().encode() + b"\0")
    ct.add_new(0x60000022, "LO", next_mark())
    ct.add_new(0x7FE00010, "OW", PIXELS + next_mark().encode() + b"\0")
    ct.add_new(0xFFFCFFFC, "OB", next_mark().encode() + b"\0")
    sink = io.BytesIO()
    ct.save_as(sink, enforce_file_format=True)
    assert sink.getvalue()[132:].count(b"QZXMARK") >= len(marks) - 1
    return sink.getvalue(), marks


def opened(content):
    return pydicom.dcmread(io.BytesIO(content))
