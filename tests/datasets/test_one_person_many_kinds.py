"""One invented person whose MR, ECG, EEG and glucose trace are ingested apart, under one key: one subject."""

import io
from datetime import datetime, timedelta

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

from medassay.core.rooms import module_of
from medassay.datasets.deidentify.facts import Facts
from medassay.datasets.identity import joined_persons, pseudonym
from medassay.datasets.persons import persons_of
from medassay.datasets.spec import Source
from medassay.datasets.walk import walk
from medassay.formats.imaging.dicom_series import MR_IMAGE

KEY = b"k" * 32
NAME, LATIN, RESIDENT = "虚四海", "XU^SIHAI", "11010519491231002X"
OPTIONS = {
    "mr_volume": {"structures": {"hippocampus": 1}},
    "ecg": {"sites": {"ward": "A"}, "devices": ["Holter P1"]},
    "eeg": {"sites": {"a": "A"}},
    "cgm": {"floor_mmol_per_l": 2.2, "ceiling_mmol_per_l": 27.8},
}
FORMS = {"mr_volume": "dicom-export", "ecg": "wfdb", "eeg": "edf", "cgm": "glucose-table"}


def mr(number, sex="F"):
    image = Dataset()
    image.file_meta = FileMetaDataset()
    image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    image.SpecificCharacterSet = "GB18030"
    image.SOPClassUID, image.SOPInstanceUID = pydicom.uid.UID(MR_IMAGE), "1.2.3.4"
    image.StudyInstanceUID, image.SeriesInstanceUID = "1.2.3.5", "1.2.3.6"
    image.PatientName, image.PatientID = f"{LATIN}={NAME[0]}^{NAME[1:]}", number
    image.PatientBirthDate, image.PatientSex, image.InstitutionName = "19491231", sex, "Hospital A"
    sink = io.BytesIO()
    image.save_as(sink, enforce_file_format=True)
    return {"export/IM1": sink.getvalue()}


def ecg(number, sex="女"):
    comments = f"# 姓名: {NAME}\n# 病历号: {number}\n# 性别: {sex}\n# 出生日期: 1949-12-31\n"
    header = f"r1 1 250 500 10:15:00 02/03/2023\nr1.dat 16 200 16 0 0 0 0 II\n{comments}"
    samples = np.arange(500, dtype="<i2").tobytes()
    return {"ward/r1.hea": header.encode("gb18030"), "ward/r1.dat": samples}


def eeg(number, sex="F"):
    patient = f"{number} {sex} 31-DEC-1949 {NAME}".encode("gb18030")
    fields = (
        (b"EEG Fp1", 16),
        (b"", 80),
        (b"uV", 8),
        (b"-500", 8),
        (b"500", 8),
        (b"-32768", 8),
        (b"32767", 8),
    )
    head = b"0".ljust(8) + patient.ljust(80) + b"Startdate 02-MAR-2023 X X X".ljust(80) + b"02.03.2310.15.00"
    head += b"512".ljust(8) + b"EDF+C".ljust(44) + b"1".ljust(8) + b"1".ljust(8) + b"1".ljust(4)
    signal = b"".join(value.ljust(width) for value, width in fields) + bytes(80).replace(b"\0", b" ")
    return {"a/one.edf": head + signal + b"250".ljust(8) + b" " * 32 + bytes(500)}


def cgm(number, sex="女"):
    start = datetime(2023, 3, 2, 8)
    rows = [f"{start + timedelta(minutes=15 * n):%Y-%m-%d,%H:%M},{5 + n % 7}.1,,早餐" for n in range(40)]
    top = [f"姓名,{NAME},病历号,{number},", f"性别,{sex},出生日期,1949/12/31,"]
    top.append("日期,时间,葡萄糖（毫摩尔/升）,指血（毫摩尔/升）,备注")
    return {"trace.csv": "\n".join([*top, *rows, ""]).encode("gb18030")}


WRITERS = {"mr_volume": mr, "ecg": ecg, "eeg": eeg, "cgm": cgm}


def subject(kind, files, folder):
    """The subject id of the one draft of a source, ingested for itself."""
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    source = Source.model_validate(
        {
            "name": kind.replace("_", "-"),
            "source_class": "public",
            "form": FORMS[kind],
            "folder": "x",
            "identity": "known",
            "lawful_basis": {"licence": "none"},
            "options": OPTIONS[kind],
        }
    )
    assembly = module_of("medassay.datasets.intake", kind, what="kind of data").assemble(
        walk(folder).readable, source
    )
    (person,) = persons_of(assembly.drafts, source)
    assert person is not None
    return pseudonym(KEY, "S", person)


@pytest.mark.parametrize("number", ["", RESIDENT])
def test_four_kinds_of_data_of_one_person_meet_under_one_subject(number, tmp_path):
    """By name, birth and sex where each hospital system has a number of its own; by a resident number anyhow."""
    own = {"mr_volume": "A17", "ecg": "7719425", "eeg": "HN77", "cgm": "00812"}
    subjects = {
        kind: subject(kind, write(number or own[kind]), tmp_path / kind) for kind, write in WRITERS.items()
    }
    assert len(set(subjects.values())) == 1, subjects
    facts = Facts((number or "LIS-3",), (NAME,), "1949-12-31", "F")  # a row of a laboratory panel
    (person,) = joined_persons([facts.tokens(many_sites=False)])
    assert pseudonym(KEY, "S", person) in subjects.values()


@pytest.mark.parametrize("kind", WRITERS)
def test_a_namesake_of_the_other_sex_is_another_subject(kind, tmp_path):
    other = "M" if kind in ("mr_volume", "eeg") else "男"
    first = subject(kind, WRITERS[kind]("1"), tmp_path / "one")
    assert subject(kind, WRITERS[kind]("1", other), tmp_path / "two") != first
