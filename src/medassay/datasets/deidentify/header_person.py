"""Whose a DICOM header is, as it says itself in any character set: read before anything is changed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from medassay.datasets.deidentify.person_names import identifying_words, name_forms
from medassay.formats.imaging.dicom_characters import Reading, read_text

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

NAMING = (
    "PatientName",
    "PatientID",
    "OtherPatientIDs",
    "OtherPatientNames",
    "PatientBirthName",
    "PatientMotherBirthName",
    "AccessionNumber",
    "PatientAddress",
    "PatientTelephoneNumbers",
    "ReferringPhysicianName",
    "PerformingPhysicianName",
    "OperatorsName",
    "PhysiciansOfRecord",
    "NameOfPhysiciansReadingStudy",
    "RequestingPhysician",
    "MilitaryRank",
    "MedicalRecordLocator",
)


@dataclass(frozen=True)
class Person:
    """What a header says of the person, in the clear: stays in memory."""

    forms: tuple[str, ...]  # of the name, every reading of its bytes
    patient_id: str
    birth_date: str
    sex: str
    institution: str
    words: tuple[str, ...]  # to be looked for in texts that are kept
    problem: str = ""  # with the character set

    @property
    def tokens(self) -> tuple[str, ...]:
        """Whatever tells this person apart: an id at a site; a name with birth date and sex."""
        ids = [f"id:{self.institution.casefold()}:{self.patient_id}"] if self.patient_id else []
        whole = len(self.birth_date) == 8 and self.sex
        names = [f"name:{form}|{self.birth_date}|{self.sex}" for form in self.forms] if whole else []
        return (*ids, *names)


def person_of(dataset: Dataset) -> Person:
    """Read who the header is of, before anything is changed."""
    charset = dataset.get("SpecificCharacterSet") or ""
    declared = [charset] if isinstance(charset, str) else list(charset)
    return person_read(lambda keyword: _reading(dataset, keyword, declared))


def person_read(of: Callable[[str], Reading]) -> Person:
    """Who a header is of, by what reads its elements (by keyword)."""
    name = of("PatientName")
    readings = [reading for keyword in NAMING if (reading := of(keyword)).text]
    texts = [text for reading in readings for text in (reading.text, *reading.others)]
    forms = [form for text in (name.text, *name.others) for form in name_forms(text)]
    return Person(
        forms=tuple(dict.fromkeys(forms)),
        patient_id=of("PatientID").text.strip(),
        birth_date=of("PatientBirthDate").text.strip(),
        sex=of("PatientSex").text.strip(),
        institution=of("InstitutionName").text.strip(),
        words=identifying_words(texts),
        problem=next((reading.problem for reading in readings if reading.problem), ""),
    )


def _reading(dataset: Dataset, keyword: str, declared: Sequence[str]) -> Reading:
    """The text of an element by its raw bytes, so that a wrong character set cannot spoil it first."""
    from pydicom.datadict import tag_for_keyword

    tag = tag_for_keyword(keyword)
    if tag is None or tag not in dataset:
        return Reading("")
    raw = dataset.get_item(tag)
    value = raw.value if raw is not None else None
    if isinstance(value, bytes):
        return read_text(value, declared)
    return Reading("" if value is None else str(value))
