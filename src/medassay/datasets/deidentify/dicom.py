"""De-identify one DICOM object by the allow-list; pixels stay as they are, byte for byte."""

from __future__ import annotations

import io
import struct
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from medassay.core.errors import WrongUse
from medassay.datasets.deidentify import allowed, pixels, vocabulary
from medassay.datasets.deidentify.allowed import Rule
from medassay.datasets.deidentify.person_names import identifying_words, name_forms
from medassay.datasets.deidentify.profile import RESEARCH, Profile
from medassay.datasets.identity import pseudonym
from medassay.datasets.sample import Action, Names
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


COMMENT, NO_PIXELS = "comment in a compressed frame", "bytes that are no pixels, or their order"
AGE_STATED = ("(0010,1010) PatientAge", "changed")
DEEPEST = 12  # sequences in sequences; deeper ones are removed


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


def clean(
    dataset: Dataset,
    names: Names,
    *,
    index: int | None = None,
    words: Sequence[str],
    profile: Profile = RESEARCH,
) -> Cleaned:
    """Make a new object that holds allowed elements only, at every level.

    Parameters
    ----------
    index : int, optional
        Place of the slice in the volume; becomes the instance number. Default: the number that it has.
    words : sequence of str
        What names a person in this series (see `Person.words`): no kept text may hold it.

    Raises
    ------
    WrongUse
        When the object is of a storage class that no family of the table holds.
    """
    family = allowed.family_of(str(_of(dataset, "SOPClassUID")))
    if family is None:
        raise WrongUse(
            found="a storage class that the allow-list has no family for",
            wanted="images, segmentations, structured reports, waveforms or radiotherapy objects",
            remedy="Leave the object out; what it may hold is not known.",
            where="(0008,0016) SOPClassUID",
        )
    actions: Counter[tuple[str, str]] = Counter()
    work = Work(names, index, tuple(words), profile, allowed.rules_of(family), actions)
    fresh = _cleaned_level(dataset, work, depth=0)
    if profile.characteristics:
        _state_age(dataset, fresh, actions)
    _state_method(fresh, names, actions, profile)
    _take_over_pixels(dataset, fresh, actions)
    count_creators(actions)
    return Cleaned(fresh, actions)


@dataclass(frozen=True)
class Work:
    """What holds for one object while it is walked."""

    names: Names
    index: int | None
    words: tuple[str, ...]
    profile: Profile
    table: dict[int, Rule]
    actions: Counter[tuple[str, str]]


def _cleaned_level(dataset: Dataset, work: Work, *, depth: int) -> Dataset:
    from pydicom.dataset import Dataset as Fresh

    fresh = Fresh()
    for tag in dataset.keys():  # noqa: SIM118 (a Dataset iterates over elements, which it would convert)
        number = int(tag)
        rule = work.table.get(number)
        if rule is None:
            if number >> 16 & 1 and work.profile.safe_private and take_safe_private(dataset, fresh, number):
                work.actions[element_name(number), "kept"] += 1
            else:
                work.actions[element_name(number), "removed"] += 1
            continue
        take_element(dataset, fresh, rule, work, depth)
    if any(not character.isascii() for character in texts_of(fresh)):
        fresh.SpecificCharacterSet = "ISO_IR 192"
    return fresh


def take_element(dataset: Dataset, fresh: Dataset, rule: Rule, work: Work, depth: int) -> None:
    action = rule.under(work.profile)
    if action == "sequence":
        items = _cleaned_items(dataset, rule, work, depth)
        if items:
            setattr(fresh, rule.keyword, items)
        work.actions[rule.element, "kept" if items else "removed"] += 1
        return
    uncoded = action in ("code", "scheme") and not _is_code_item(dataset)
    before = None if uncoded or action in ("remove", "method") else _value(dataset, rule.tag)
    after = None if before is None else _after(rule, action, before, work)
    if after is None:
        work.actions[rule.element, "removed"] += 1
        return
    setattr(fresh, rule.keyword, after)
    work.actions[rule.element, "kept" if _same(before, after) else "changed"] += 1


def _cleaned_items(dataset: Dataset, rule: Rule, work: Work, depth: int) -> Any:
    """The items of a sequence; one that lost its code loses all, since its meaning alone proves nothing."""
    from pydicom.sequence import Sequence as Items

    items = _value(dataset, rule.tag)
    if depth > DEEPEST or not isinstance(items, Items):
        return None
    fresh = Items()
    for item in items:
        if "CodingSchemeDesignator" in item and not _is_code_item(item):
            work.actions[f"{rule.element}: item with a code of no known scheme", "removed"] += 1
            continue
        made = _cleaned_level(item, work, depth=depth + 1)
        if len(made) or not len(item):
            fresh.append(made)
    return fresh


def _is_code_item(item: Dataset) -> bool:
    code = str(_of(item, "CodeValue") or _of(item, "LongCodeValue"))
    return allowed.is_code(code, str(_of(item, "CodingSchemeDesignator")))


def take_safe_private(dataset: Dataset, fresh: Dataset, number: int) -> bool:
    """Take over a listed private element with its creator; its numbers only."""
    group, element = number >> 16, number & 0xFFFF
    if element < 0x1000:
        return False
    creator = str(_value(dataset, group << 16 | element >> 8) or "").strip()
    known = allowed.safe_private().get((creator, group, element & 0xFF))
    if known is None:
        return False
    values = _private_numbers(dataset, number, known.vr)
    if not values or not all(allowed.in_range(known.allowed, value) for value in values):
        return False
    fresh.add_new(group << 16 | element >> 8, "LO", creator)
    fresh.add_new(number, known.vr, values if len(values) > 1 else values[0])
    return True


def _private_numbers(dataset: Dataset, number: int, vr: str) -> list[Any]:
    """The values of a private element, of which a file may tell no representation."""
    value = _value(dataset, number)
    if isinstance(value, bytes):
        if vr in ("DS", "IS"):
            return [part.strip() for part in value.decode("latin-1").rstrip("\x00 ").split("\\")]
        code, size = ("<d", 8) if vr == "FD" else ("<f", 4)
        return [part[0] for part in struct.iter_unpack(code, value)] if len(value) % size == 0 else []
    if value in (None, ""):
        return []
    return list(value) if _is_several(value) else [value]


def count_creators(actions: Counter[tuple[str, str]]) -> None:
    """A creator whose safe elements were kept was kept with them, as often as the most frequent of these."""
    kept: dict[str, int] = {}
    for (element, action), count in actions.items():
        if action == "kept" and element[1:5].isalnum() and int(element[1:5], 16) & 1:
            creator = element_name(int(element[1:5], 16) << 16 | int(element[6:8], 16))
            kept[creator] = max(kept.get(creator, 0), count)
    for creator, count in kept.items():
        moved = min(count, actions[creator, "removed"])
        actions[creator, "removed"] -= moved
        actions[creator, "kept"] += moved


def texts_of(dataset: Dataset) -> list[str]:
    return [str(element.value) for element in dataset if element.VR in ("LO", "SH", "UC", "UT", "ST", "LT")]


def totals(counts: Counter[tuple[str, str]]) -> tuple[Action, ...]:
    """Actions of a sample in one order."""
    return tuple(
        Action(element, action, count)  # type: ignore[arg-type]  # a string that the line before holds to its choices
        for (element, action), count in sorted(counts.items())
    )


def _after(rule: Rule, action: str, value: Any, work: Work) -> Any:
    """The value that may stand, or None."""
    names = work.names
    parts = list(value) if _is_several(value) else [value]
    match action:
        case "keep":
            return value if parts != [""] and all(rule.permits(part) for part in parts) else None
        case "filter" | "term" | "descriptor" | "product" | "structure":
            return _worded(action, parts, work.words)
        case "uid":
            mapped = [mapped_uid(names.key, str(part)) for part in parts if str(part)]
            return _one_or_all(mapped)
        case "class":
            return value if all(allowed.STANDARD_UID.fullmatch(str(part)) for part in parts) else None
        case "date":
            return _one_or_all([shifted(str(part), names.date_shift_days) for part in parts])
        case "datetime":
            moved = [_moved(str(part).strip(), names.date_shift_days) for part in parts]
            return _one_or_all([part for part in moved if part])
        case "time":
            return value if all(allowed.TIME.fullmatch(str(part).strip()) for part in parts) else None
        case "empty":
            return ""
        case "fixed":
            return rule.allowed
        case "longitudinal":
            return work.profile.longitudinal
        case "subject":
            return names.subject
        case "index":
            if work.index is not None:
                return work.index + 1
            return allowed.plain_index(str(value), rule.allowed) or None
        case "age":
            return allowed.stated_age(str(value))
        case "scheme" | "code":
            return value if str(value) else None  # the item was held to its scheme as a whole
        case "pixels" | "pointer":
            return value
    return None


def _worded(action: str, parts: Sequence[Any], words: Sequence[str]) -> Any:
    """What of a text may stand: whole terms, a maker's texts, or the known words of a description."""
    texts = [str(part).strip() for part in parts]
    match action:
        case "filter":
            return [
                text if allowed.is_term(text) and not allowed.tells(text, words) else "OTHER"
                for text in texts
            ]
        case "term":
            fit = all(allowed.is_term(text) and not allowed.tells(text, words) for text in texts)
            return _one_or_all(texts) if fit and any(texts) else None
        case "product":
            fit = all(allowed.is_product(text) and not allowed.tells(text, words) for text in texts)
            return _one_or_all(texts) if fit and any(texts) else None
        case "structure" if len(texts) == 1 and vocabulary.is_known(texts[0]):
            return None if allowed.tells(texts[0], words) else texts[0]
    known = [vocabulary.known_words(text, words) for text in texts]
    return _one_or_all(known) if any(known) else None


def _one_or_all(values: list[str]) -> Any:
    return None if not values else values[0] if len(values) == 1 else values


def _moved(moment: str, days: int) -> str:
    """A DICOM date and time moved back; what is no such thing, or coarser than a day, is nothing."""
    if len(moment) < 8 or not allowed.DATETIME.fullmatch(moment):
        return ""
    day = shifted(moment[:8], days)
    return day + moment[8:] if day else ""


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
    age = age_between(str(_of(dataset, "PatientBirthDate")), str(_of(dataset, "StudyDate")))
    if "PatientAge" not in fresh and age is not None:
        fresh.PatientAge = age
        actions[AGE_STATED] += 1


def age_between(born: str, seen: str) -> str | None:
    """The age that may be stated, from two DICOM dates; None where they are none.

    Examples
    --------
    >>> age_between("19500616", "20230615"), age_between("19300214", "20230615")
    ('072Y', '090Y')
    """
    if not (len(born) == 8 and len(seen) == 8 and (born + seen).isdigit()):
        return None
    years = int(seen[:4]) - int(born[:4]) - (seen[4:] < born[4:])
    return allowed.stated_age(f"{years:03d}Y") if 0 <= years <= 130 else None


def _of(dataset: Dataset, keyword: str) -> Any:
    from pydicom.datadict import tag_for_keyword

    tag = tag_for_keyword(keyword)
    return _value(dataset, tag) if tag is not None and tag in dataset else ""


def _state_method(
    fresh: Dataset, names: Names, actions: Counter[tuple[str, str]], profile: Profile = RESEARCH
) -> None:
    from pydicom.dataset import Dataset as Item
    from pydicom.sequence import Sequence as Items

    codes = []
    for value, meaning in profile.codes:
        code = Item()
        code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = value, "DCM", meaning
        codes.append(code)
    fresh.PatientName = fresh.PatientID = names.subject
    fresh.PatientIdentityRemoved = "YES"
    fresh.DeidentificationMethod = allowed.METHOD
    fresh.DeidentificationMethodCodeSequence = Items(codes)
    fresh.LongitudinalTemporalInformationModified = profile.longitudinal
    for tag in (0x00120062, 0x00120063, 0x00120064, 0x00280303):
        actions[allowed.rules()[tag].element, "changed"] += 1


def state_method(dataset: Dataset, names: Names, profile: Profile = RESEARCH) -> Counter[tuple[str, str]]:
    """Say in an object that was written here that its people are gone; gives what was done."""
    actions: Counter[tuple[str, str]] = Counter()
    _state_method(dataset, names, actions, profile)
    return actions


def _take_over_pixels(source: Dataset, fresh: Dataset, actions: Counter[tuple[str, str]]) -> None:
    """Compressed pixels stay compressed; others are written in explicit little endian, as they are.

    What is no pixel goes: bytes behind the last pixel, planes of an overlay in unused bits, comments in
    compressed frames. Each is counted as a change of the pixel data.
    """
    from pydicom.dataset import FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian

    syntax = getattr(getattr(source, "file_meta", None), "TransferSyntaxUID", None)
    if syntax is not None and not syntax.is_transfer_syntax:
        raise WrongUse(
            found="a transfer syntax that is not known",
            wanted="one of the standard's, up to the edition that the reader knows",
            remedy="Export the object uncompressed.",
            where="(0002,0010) TransferSyntaxUID",
        )
    compressed = syntax is not None and syntax.is_encapsulated
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = syntax if compressed and syntax is not None else ExplicitVRLittleEndian
    fresh.file_meta = meta
    if "PixelData" not in fresh:
        return
    before = fresh["PixelData"].value
    if compressed:
        after, what = pixels.without_comments(before), COMMENT
    else:
        swapped = syntax is not None and not syntax.is_little_endian
        after, what = pixels.plain(before, source, swap=swapped), NO_PIXELS
    if after != before:
        fresh.PixelData = after
        state_pixels_changed(actions, what)
    fresh["PixelData"].VR = "OB" if compressed else "OW"
    fresh["PixelData"].is_undefined_length = compressed


def state_pixels_changed(actions: Counter[tuple[str, str]], what: str) -> None:
    """Count the pixels as changed instead of kept."""
    actions[f"(7FE0,0010) PixelData: {what}", "changed"] += 1
    actions["(7FE0,0010) PixelData", "kept"] -= 1
    actions += Counter()  # drops what came to nothing


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


@cache
def element_name(tag: int) -> str:
    """Tag and keyword; of a private element the tag alone, since its creator may be anyone's text."""
    from pydicom.datadict import keyword_for_tag

    return f"({tag >> 16:04X},{tag & 0xFFFF:04X}) {keyword_for_tag(tag) or 'private or unknown'}"
