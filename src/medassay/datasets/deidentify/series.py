"""One DICOM series: read, screened for text in its pixels, cleaned instance by instance, proved."""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from numpy.typing import NDArray

from medassay.core.canonical import digest_bytes
from medassay.core.errors import WrongUse
from medassay.core.findings import Finding, Reason, Severity
from medassay.datasets import residue
from medassay.datasets.deidentify import (
    allowed,
    burned_in,
    dicom,
    explicit_walk,
    header_person,
    proof,
    quick,
)
from medassay.datasets.deidentify.facts import Facts, folded_birth, folded_sex
from medassay.datasets.deidentify.outgoing import Actions, Outgoing, left
from medassay.datasets.deidentify.profile import Profile
from medassay.datasets.identity import pseudonym
from medassay.datasets.sample import Names
from medassay.datasets.take import attempt
from medassay.formats.imaging import dicom_start

if TYPE_CHECKING:
    import numpy as np
    from pydicom.dataset import Dataset

DICOMDIR = "1.2.840.10008.1.3.10"
PIXELS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")
HEAD = re.compile(rb"\xe0\x7f[\x08\x09\x10]\x00O[BWFD]\x00\x00")


def recognises(head: bytes) -> bool:
    """The mark behind the preamble, or a first element without it."""
    return dicom_start.recognises(head)


def header(path: Path) -> Dataset:
    """Everything but pixels."""
    import pydicom

    with path.open("rb") as stream:
        blanks = _blanks(stream.read(140))
        return pydicom.dcmread(
            io.BytesIO(path.read_bytes()[blanks:]) if blanks else path, stop_before_pixels=True, force=True
        )


def _blanks(head: bytes) -> int:
    """Blanks that a transfer put before an object without preamble."""
    return 0 if head[128:132] == b"DICM" else len(head) - len(head.lstrip(b" \r\n"))


def group_of(opened: Dataset) -> tuple[str, Finding | None]:
    """The series, or why the object is not taken."""
    sop_class = str(opened.get("SOPClassUID", "") or opened.file_meta.get("MediaStorageSOPClassUID", ""))
    if sop_class == DICOMDIR:
        return "", _note(
            Reason.UNSUPPORTED_FORM,
            "a directory of a medium, whose records name patients and files",
            "its objects, which stand for themselves",
        )
    if allowed.family_of(sop_class) is None:
        return "", _refuse(Reason.UNSUPPORTED_FORM, "a storage class that the allow-list has no family for")
    if _shows_label(opened):
        return "", _refuse(Reason.IDENTITY_LEFT, "an image of the label of a slide, as the header says")
    if not opened.get("SeriesInstanceUID") or not opened.get("SOPInstanceUID"):
        return "", _refuse(Reason.HEADER_INVALID, "an object without the UID of its series or of its own")
    return str(opened.SeriesInstanceUID), None


def _shows_label(opened: Dataset) -> bool:
    """Whether the label of a slide is in the image: it may tell a person by a bar code, which no reader reads."""
    kinds = opened.get("ImageType") or ""
    labelled = "LABEL" in ([kinds] if isinstance(kinds, str) else list(kinds))
    return labelled or str(opened.get("SpecimenLabelInImage", "")) == "YES"


def facts_of(opened: Dataset) -> Facts:
    """Whose the object is."""
    person = header_person.person_of(opened)
    return Facts(
        ids=(person.patient_id,) if person.patient_id else (),
        names=person.forms,
        birth=folded_birth(person.birth_date),
        sex=folded_sex(person.sex),
        site=person.institution,
    )


def clean(
    paths: Sequence[Path], names: Names, words: Sequence[str], profile: Profile
) -> list[Outgoing | Finding]:
    """Each instance as it may leave, or why not; the pixels are screened once for the whole series."""
    texts, screened = _screened(paths, profile)
    out: list[Outgoing | Finding] = []
    seen: set[str] = set()
    for path in paths:
        made, stopped = attempt(lambda p=path: _instance(p, names, words, profile, texts, seen))  # type: ignore[misc]  # mypy does not infer a lambda with defaults
        out += [one for one in (made, stopped) if one is not None]
    if screened is not None:
        return [one if isinstance(one, Finding) else screened for one in out]
    return out


def prove(one: Outgoing, profile: Profile, words: Sequence[str]) -> tuple[list[Finding], Counter[str]]:
    """Hold the bytes to the allow-list, the pixels to their digest, and the header to the known names."""
    ((_, content),) = one.files
    walked = proof.walk(content, profile, strict=True)
    found = list(walked.findings)
    if walked.bulk.get("(7FE0,0010)") != one.bulk.get("(7FE0,0010)"):
        found.append(left("(7FE0,0010) PixelData", "pixels other than those that were read"))
    head = HEAD.split(content, maxsplit=1)[0]
    for said in (allowed.METHOD, *(meaning for _, meaning in profile.codes)):
        head = head.replace(said.encode(), b"")  # what is written into every header may hold anyone's name
    if residue.names_in(head, [word for word in words if _is_telling(word)]):
        found.append(residue.identity_left("a name or number of the person", "header"))
    standing = Counter({f"({tag >> 16:04X},{tag & 0xFFFF:04X})": n for tag, n in walked.standing.items()})
    return found, standing


def _is_telling(word: str) -> bool:
    """Whether a word in a header is no chance: short numbers stand there as times and measures."""
    if not word.isascii():
        return True
    return len(word) >= 7 if word.isdigit() else len(word) >= 5


def _instance(
    path: Path,
    names: Names,
    words: Sequence[str],
    profile: Profile,
    texts: Sequence[burned_in.Text],
    seen: set[str],
) -> Outgoing | Finding:
    if not texts:
        made = _walked(path, names, words, profile, seen)
        if made is not None:
            return made
    dataset = _whole(path)
    uid = str(dataset.SOPInstanceUID)
    if uid in seen:
        return _refuse(Reason.DUPLICATE, "a second object of one UID")
    seen.add(uid)
    person = header_person.person_of(dataset)
    if texts:
        try:
            places = burned_in.masked(dataset, texts)
        except ValueError:
            return _refuse(
                Reason.IDENTITY_LEFT, "text burned in pixels that cannot be masked as they are stored"
            )
    try:
        cleaned = dicom.clean(dataset, names, words=(*words, *person.words), profile=profile)
        if texts and places:
            cleaned.dataset.BurnedInAnnotation = "NO"
            cleaned.actions["(7FE0,0010) PixelData: place with text, masked", "changed"] += places
            cleaned.actions["(7FE0,0010) PixelData", "kept"] -= 1
        content = dicom.encoded(cleaned.dataset)
    except WrongUse as error:
        return _refuse(Reason.UNSUPPORTED_FORM, error.found, error.where)
    pixels = cleaned.dataset.get((0x7FE0, 0x0010))
    value = None if pixels is None else pixels.value + b"\x00" * (len(pixels.value) % 2)
    return _outgoing(names, uid, content, +cleaned.actions, value)


def _walked(
    path: Path, names: Names, words: Sequence[str], profile: Profile, seen: set[str]
) -> Outgoing | Finding | None:
    """The instance by the walk over its bytes; None where that does not go on."""
    one = explicit_walk.opened(path.read_bytes())
    if one is None or not one.uid:
        return None
    if one.uid in seen:
        return _refuse(Reason.DUPLICATE, "a second object of one UID")
    made = quick.cleaned(one, names, words=(*words, *quick.person_of(one).words), profile=profile)
    if made is None:
        return None
    seen.add(one.uid)
    return _outgoing(names, one.uid, made.content, made.actions, made.pixels)


def _outgoing(names: Names, uid: str, content: bytes, actions: Actions, pixels: bytes | None) -> Outgoing:
    name = f"{pseudonym(names.key, 'I', uid)}.dcm"
    bulk = {} if pixels is None else {"(7FE0,0010)": digest_bytes(pixels)}
    return Outgoing(((name, content),), actions, bulk)


def _whole(path: Path) -> Dataset:
    import pydicom
    from pydicom.dataset import FileMetaDataset

    content = path.read_bytes()
    dataset = pydicom.dcmread(io.BytesIO(content[_blanks(content[:140]) :]), force=True)
    if not hasattr(dataset, "file_meta"):
        dataset.file_meta = FileMetaDataset()
    return dataset


def _screened(paths: Sequence[Path], profile: Profile) -> tuple[list[burned_in.Text], Finding | None]:
    """Places to mask, or the finding that sets the series aside."""
    if profile.burned_in == "not_screened":
        return [], None
    told: list[str] = []
    texts, stopped = attempt(lambda: burned_in.texts_of(_planes(paths, told)))
    if stopped is not None:
        return [], _refuse(
            Reason.UNSUPPORTED_FORM, "pixels that cannot be decoded, and so not screened for text"
        )
    if profile.burned_in == "mask" and texts:
        return texts, None
    if not texts and not told:
        return [], None
    found = f"{len(texts)} texts in the pixels" if texts else "pixels with text, as the header says"
    return [], _refuse(Reason.IDENTITY_LEFT, found, "(7FE0,0010) PixelData")


def _planes(paths: Sequence[Path], told: list[str]) -> Iterator[NDArray[np.generic]]:
    """Frames of every object that has some; `told` gets the objects whose header says that they show text."""
    for path in paths:
        dataset = _whole(path)
        if str(dataset.get("BurnedInAnnotation", "")) == "YES":
            told.append("YES")
        if any(keyword in dataset for keyword in PIXELS):
            yield from burned_in.frames_of(dataset)


def _note(reason: Reason, found: str, wanted: str) -> Finding:
    return Finding(
        reason=reason,
        severity=Severity.NOTE,
        found=found,
        wanted=wanted,
        remedy="Nothing; make a new directory of the output where a medium needs one.",
    )


def _refuse(reason: Reason, found: str, where: str = "") -> Finding:
    return Finding(
        reason=reason,
        severity=Severity.REFUSE,
        found=found,
        wanted="an object that provably names nobody",
        remedy="Export the series without it, or leave it out.",
        where=where,
    )
