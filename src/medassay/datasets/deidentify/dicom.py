"""De-identify one DICOM object by the allow-list; pixels stay as they are, byte for byte."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from medassay.core.errors import WrongUse
from medassay.datasets.deidentify import allowed, bulk, frames, pixels
from medassay.datasets.deidentify.allowed import Rule
from medassay.datasets.deidentify.element_values import Work, after, is_same, value_by_keyword, value_of
from medassay.datasets.deidentify.element_values import mapped_uid as mapped_uid
from medassay.datasets.deidentify.element_values import shifted as shifted
from medassay.datasets.deidentify.header_person import Person as Person
from medassay.datasets.deidentify.header_person import person_of as person_of
from medassay.datasets.deidentify.profile import RESEARCH, Profile
from medassay.datasets.deidentify.safe_private import count_creators, element_name, take_safe_private
from medassay.datasets.sample import Action, Names

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

COMMENT, NO_PIXELS = "comment in a compressed frame", "bytes that are no pixels, or their order"
PIXELS, OFFSETS = 0x7FE00010, (0x7FE00001, 0x7FE00002)  # places and lengths of compressed frames
AGE_STATED = ("(0010,1010) PatientAge", "changed")
DEEPEST = 12  # sequences in sequences; deeper ones are removed


@dataclass(frozen=True)
class Cleaned:
    """A de-identified object and what was done to each element."""

    dataset: Dataset
    actions: Counter[tuple[str, str]]  # element and action


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
    family = allowed.family_of(str(value_by_keyword(dataset, "SOPClassUID")))
    if family is None:
        raise WrongUse(
            found="a storage class that the allow-list has no family for",
            wanted="images, segmentations, structured reports, waveforms or radiotherapy objects",
            remedy="Leave the object out; what it may hold is not known.",
            where="(0008,0016) SOPClassUID",
        )
    actions: Counter[tuple[str, str]] = Counter()
    syntax = getattr(getattr(dataset, "file_meta", None), "TransferSyntaxUID", None)
    swapped = syntax is not None and syntax.is_transfer_syntax and not syntax.is_little_endian
    work = Work(names, index, tuple(words), profile, allowed.rules_of(family), actions, swapped)
    fresh = _cleaned_level(dataset, work, depth=0)
    if profile.characteristics:
        _state_age(dataset, fresh, actions)
    _state_method(fresh, names, actions, profile)
    _take_over_pixels(dataset, fresh, actions)
    count_creators(actions)
    return Cleaned(fresh, actions)


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
    before = None if uncoded or action in ("remove", "method") else value_of(dataset, rule.tag)
    made = None if before is None else _made(dataset, rule, action, before, work, depth)
    if made is None:
        work.actions[rule.element, "removed"] += 1
        return
    setattr(fresh, rule.keyword, made)
    work.actions[rule.element, "kept" if is_same(before, made) else "changed"] += 1


def _made(dataset: Dataset, rule: Rule, action: str, before: Any, work: Work, depth: int) -> Any:
    """What stands of a value; of pixels those of the object itself, since an icon may show anyone."""
    if action != "pixels":
        return after(rule, action, before, work)
    if rule.tag == PIXELS or rule.tag in OFFSETS:
        return None if depth else before  # held to their frames once the whole object is there
    return bulk.taken(dataset, rule.tag, rule.keyword, swapped=work.swapped)


def _cleaned_items(dataset: Dataset, rule: Rule, work: Work, depth: int) -> Any:
    """The items of a sequence; one that lost its code loses all, since its meaning alone proves nothing."""
    from pydicom.sequence import Sequence as Items

    items = value_of(dataset, rule.tag)
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
    code, long_code, scheme = (
        str(value_by_keyword(item, keyword))
        for keyword in ("CodeValue", "LongCodeValue", "CodingSchemeDesignator")
    )
    return allowed.are_codes(code, long_code, scheme)


def texts_of(dataset: Dataset) -> list[str]:
    return [str(element.value) for element in dataset if element.VR in ("LO", "SH", "UC", "UT", "ST", "LT")]


def totals(counts: Counter[tuple[str, str]]) -> tuple[Action, ...]:
    """Actions of a sample in one order."""
    return tuple(
        Action(element, action, count)  # type: ignore[arg-type]  # a string that the line before holds to its choices
        for (element, action), count in sorted(counts.items())
    )


def _state_age(dataset: Dataset, fresh: Dataset, actions: Counter[tuple[str, str]]) -> None:
    """An age that the header leaves to birth and study date is stated before both are gone."""
    age = age_between(
        str(value_by_keyword(dataset, "PatientBirthDate")), str(value_by_keyword(dataset, "StudyDate"))
    )
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
        _hold_offsets(fresh, b"", actions)
        return
    before = fresh["PixelData"].value
    if compressed and syntax is not None:
        taken, what = compressed_frames(before, source, syntax), COMMENT
    else:
        swapped = syntax is not None and not syntax.is_little_endian
        taken, what = pixels.plain(before, source, swap=swapped), NO_PIXELS
    _hold_offsets(fresh, taken if compressed else b"", actions)
    if taken != before:
        fresh.PixelData = taken
        state_pixels_changed(actions, what)
    fresh["PixelData"].VR = "OB" if compressed else "OW"
    fresh["PixelData"].is_undefined_length = compressed


def compressed_frames(value: bytes, header: Dataset, syntax: str) -> bytes:
    """Frames as `frames.without_texts` leaves them, by what the header tells of them."""
    size = pixels.whole(header, "Rows") * pixels.whole(header, "Columns")
    if pixels.whole(header, "BitsAllocated") == 1:
        size = -(-size // 8)
    return frames.without_texts(value, syntax, count=pixels.frames_told(header), pixels=size)


def _hold_offsets(fresh: Dataset, value: bytes, actions: Counter[tuple[str, str]]) -> None:
    """A table of places that are no fragments' is no table; without its lengths it tells nothing."""
    parts = frames.fragments(value)
    place, lengths = (fresh[tag].value if tag in fresh else b"" for tag in OFFSETS)
    sizes = b"".join((stop - start).to_bytes(8, "little") for start, stop in parts)
    if place and lengths == sizes and frames.tells_fragments(place, parts, "Q"):
        return
    for tag in OFFSETS:
        if tag in fresh:
            del fresh[tag]
            element = allowed.rules()[tag].element
            actions[element, "kept"] -= 1
            actions[element, "removed"] += 1


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
