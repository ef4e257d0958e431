"""De-identify one DICOM image by the allow-list; pixels stay as they are, byte for byte."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from medassay.datasets.deidentify import allowed
from medassay.datasets.deidentify.allowed import Rule
from medassay.datasets.deidentify.characters import Reading, identifying_words, name_forms, read_text
from medassay.datasets.identity import pseudonym
from medassay.datasets.sample import Action, Names

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


@dataclass(frozen=True)
class Cleaned:
    """A de-identified object and what was done to each element."""

    dataset: Dataset
    actions: Counter[tuple[str, str]]  # element and action


def person_of(dataset: Dataset) -> Person:
    """Read who the header is of, before anything is changed."""
    charset = dataset.get("SpecificCharacterSet") or ""
    declared = [charset] if isinstance(charset, str) else list(charset)
    name = _reading(dataset, "PatientName", declared)
    readings = [reading for keyword in NAMING if (reading := _reading(dataset, keyword, declared)).text]
    texts = [text for reading in readings for text in (reading.text, *reading.others)]
    forms = [form for text in (name.text, *name.others) for form in name_forms(text)]
    return Person(
        forms=tuple(dict.fromkeys(forms)),
        patient_id=_reading(dataset, "PatientID", declared).text.strip(),
        birth_date=_reading(dataset, "PatientBirthDate", declared).text.strip(),
        sex=_reading(dataset, "PatientSex", declared).text.strip(),
        institution=_reading(dataset, "InstitutionName", declared).text.strip(),
        words=identifying_words(texts),
        problem=next((reading.problem for reading in readings if reading.problem), ""),
    )


def mapped_uid(key: bytes, uid: str) -> str:
    """The UID that stands for this one wherever it occurs under the same key (128 bits below 2.25)."""
    halves = [pseudonym(key, kind, uid).rpartition("-")[2] for kind in ("uid", "uid-low")]
    return f"{allowed.UID_ROOT}{int(''.join(halves), 16)}"


def shifted(day: str, days: int) -> str:
    """A date moved back; empty where it is none."""
    try:
        moved = date(int(day[:4]), int(day[4:6]), int(day[6:8])) - timedelta(days=days)
    except (ValueError, OverflowError):
        return ""
    return moved.strftime("%Y%m%d").rjust(8, "0")


def clean(dataset: Dataset, names: Names, *, index: int, words: Sequence[str]) -> Cleaned:
    """Make a new object that holds allowed elements only.

    Parameters
    ----------
    index : int
        Place of the slice in the volume; becomes the instance number.
    words : sequence of str
        What names a person in this series (see `Person.words`): no kept text may hold it.
    """
    from pydicom.dataset import Dataset as Fresh

    fresh = Fresh()
    actions: Counter[tuple[str, str]] = Counter()
    table = allowed.rules()
    for tag in dataset.keys():  # noqa: SIM118 (a Dataset iterates over elements, which it would convert)
        rule = table.get(int(tag))
        if rule is None or rule.action in ("sequence", "method", "structure"):
            actions[_element(int(tag)), "removed"] += 1
            continue
        before, after = _value(dataset, int(tag)), None
        if before is not None:
            after = _after(rule, before, names, index, words)
        if after is None:
            actions[rule.element, "removed"] += 1
            continue
        setattr(fresh, rule.keyword, after)
        actions[rule.element, "kept" if _same(before, after) else "changed"] += 1
    _state_age(dataset, fresh, actions)
    _state_method(fresh, names, actions)
    _take_over_pixels(dataset, fresh)
    return Cleaned(fresh, actions)


def totals(counts: Counter[tuple[str, str]]) -> tuple[Action, ...]:
    """Actions of a sample in one order."""
    return tuple(
        Action(element, action, count)  # type: ignore[arg-type]
        for (element, action), count in sorted(counts.items())
    )


def _after(rule: Rule, value: Any, names: Names, index: int, words: Sequence[str]) -> Any:
    """The value that may stand, or None."""
    parts = list(value) if _is_several(value) else [value]
    match rule.action:
        case "keep":
            return value if parts != [""] and all(rule.permits(part) for part in parts) else None
        case "filter":
            kept = [str(part) for part in parts if rule.permits(part)]
            return kept or [rule.fallback]
        case "uid":
            return mapped_uid(names.key, str(value)) if str(value) else None
        case "class":
            return value if str(value).startswith(allowed.STANDARD_ROOT) else None
        case "date":
            return shifted(str(value), names.date_shift_days)
        case "empty":
            return ""
        case "fixed":
            return rule.allowed
        case "subject":
            return names.subject
        case "index":
            return index + 1
        case "age":
            return allowed.stated_age(str(value))
        case "product":
            text = str(value).strip()
            return text if allowed.PRODUCT.fullmatch(text) and not allowed.tells(text, words) else None
        case "pixels":
            return value
    return None


def _is_several(value: Any) -> bool:
    return not isinstance(value, str | bytes) and hasattr(value, "__iter__")


def _same(before: Any, after: Any) -> bool:
    if _is_several(before):
        return list(before) == (list(after) if _is_several(after) else [after])
    return bool(str(before) == str(after))


def _value(dataset: Dataset, tag: int) -> Any:
    """The converted value; None where the bytes are no value of their kind."""
    try:
        value = dataset[tag].value
    except (ValueError, TypeError, UnicodeError, LookupError, NotImplementedError, OverflowError):
        return None
    return "" if value is None else value


def _state_age(dataset: Dataset, fresh: Dataset, actions: Counter[tuple[str, str]]) -> None:
    """An age that the header leaves to birth and study date is stated before both are gone."""
    born, seen = (str(_of(dataset, name)) for name in ("PatientBirthDate", "StudyDate"))
    if "PatientAge" in fresh or not (len(born) == 8 and len(seen) == 8 and (born + seen).isdigit()):
        return
    years = int(seen[:4]) - int(born[:4]) - (seen[4:] < born[4:])
    if 0 <= years <= 130:
        fresh.PatientAge = allowed.stated_age(f"{years:03d}Y")
        actions["(0010,1010) PatientAge", "changed"] += 1


def _of(dataset: Dataset, keyword: str) -> Any:
    from pydicom.datadict import tag_for_keyword

    tag = tag_for_keyword(keyword)
    return _value(dataset, tag) if tag is not None and tag in dataset else ""


def _state_method(fresh: Dataset, names: Names, actions: Counter[tuple[str, str]]) -> None:
    from pydicom.dataset import Dataset as Item
    from pydicom.sequence import Sequence as Items

    codes = []
    for value, meaning in allowed.CODES:
        code = Item()
        code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = value, "DCM", meaning
        codes.append(code)
    fresh.PatientName = fresh.PatientID = names.subject
    fresh.PatientIdentityRemoved = "YES"
    fresh.DeidentificationMethod = allowed.METHOD
    fresh.DeidentificationMethodCodeSequence = Items(codes)
    fresh.LongitudinalTemporalInformationModified = "MODIFIED"
    for tag in (0x00120062, 0x00120063, 0x00120064, 0x00280303):
        actions[allowed.rules()[tag].element, "changed"] += 1


def state_method(dataset: Dataset, names: Names) -> None:
    """Say in an object that was written here that its people are gone."""
    _state_method(dataset, names, Counter())


def _take_over_pixels(source: Dataset, fresh: Dataset) -> None:
    """Compressed pixels stay compressed; others are written in explicit little endian, as they are."""
    from pydicom.dataset import FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian

    syntax = getattr(source.file_meta, "TransferSyntaxUID", None)
    compressed = syntax is not None and syntax.is_encapsulated
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = syntax if compressed and syntax is not None else ExplicitVRLittleEndian
    fresh.file_meta = meta
    if "PixelData" in fresh:
        fresh["PixelData"].VR = "OB" if compressed else "OW"
        fresh["PixelData"].is_undefined_length = compressed


def encoded(dataset: Dataset) -> bytes:
    """The object as a file: empty preamble, file meta of our own, nothing of the writer before."""
    from pydicom.uid import PYDICOM_IMPLEMENTATION_UID, UID

    meta = dataset.file_meta
    meta.MediaStorageSOPClassUID = UID(str(dataset.SOPClassUID))
    meta.MediaStorageSOPInstanceUID = UID(str(dataset.SOPInstanceUID))
    meta.ImplementationClassUID = PYDICOM_IMPLEMENTATION_UID
    dataset.preamble = b"\x00" * 128
    sink = io.BytesIO()
    dataset.save_as(sink, enforce_file_format=True)
    return sink.getvalue()


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


def _element(tag: int) -> str:
    """Tag and keyword; of a private element the tag alone, since its creator may be anyone's text."""
    from pydicom.datadict import keyword_for_tag

    return f"({tag >> 16:04X},{tag & 0xFFFF:04X}) {keyword_for_tag(tag) or 'private or unknown'}"
