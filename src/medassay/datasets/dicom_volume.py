"""One DICOM series of a volume: read once, screened for text, put in order, de-identified instance by instance.

Series in explicit little endian are walked by their bytes (`deidentify.quick`); whatever the walk does not follow, in
any instance, sends the whole series the way of `deidentify.dicom`. Both ways give the same bytes, counts and refusals.
"""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from medassay.core.errors import WrongUse
from medassay.core.findings import Finding, Reason, Severity, finding_of
from medassay.datasets.deidentify import burned_in, explicit_walk, quick
from medassay.datasets.deidentify import dicom as headers
from medassay.datasets.sample import Names, OfferedFile, Refused, refusal
from medassay.datasets.spec import Source
from medassay.formats.imaging import dicom_series
from medassay.formats.imaging.grid import Grid

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

MASKED = "(7FE0,0010) PixelData: place with text, masked", "changed"


@dataclass(frozen=True)
class Volume:
    """A series in geometric order, and as it may leave."""

    contents: list[bytes]  # de-identified files
    values: NDArray[np.int64]  # stored values: slices, rows, columns
    grid: Grid  # as the originals state it
    actions: Counter[tuple[str, str]]
    site: str | None  # as stated: it identifies
    year: int | None  # the true one of the study, before its date is shifted
    findings: tuple[Finding, ...]

    def images(self) -> list[Dataset]:
        """The de-identified objects."""
        import pydicom

        return [pydicom.dcmread(io.BytesIO(content)) for content in self.contents]


@dataclass(frozen=True)
class Slice:
    """One instance as it was read: what places it and its pixels in `dataset`, all of it in `walked`, if any."""

    dataset: Dataset
    person: headers.Person
    walked: explicit_walk.Opened | None


def taken(files: Sequence[OfferedFile], names: Names, source: Source) -> Volume:
    """Read, screen, arrange and de-identify a series.

    Raises
    ------
    Refused
        When it is cut off, holds text in its pixels, is of several persons, or is no regular volume.
    """
    contents = [file.path.read_bytes() for file in files]
    walked = [explicit_walk.opened(content) for content in contents]
    if all(walked):
        volume = _volume([_walked_slice(one) for one in walked if one], names, source)
        if volume is not None:
            return volume
    volume = _volume([_whole_slice(content) for content in contents], names, source)
    if volume is None:
        raise LookupError("a series that is read whole can be de-identified")
    return volume


def arranged(images: Sequence[Dataset]) -> dicom_series.Arrangement:
    """The order and grid of the slices.

    Raises
    ------
    Refused
        When they have no places, or make no regular volume.
    """
    try:
        places = [dicom_series.place_of(image) for image in images]
    except WrongUse as error:
        raise Refused(finding_of(error)) from error
    found = dicom_series.arrange(places)
    if isinstance(found, Finding):
        raise Refused(found)
    return found


def _volume(slices: Sequence[Slice], names: Names, source: Source) -> Volume | None:
    """The steps in their order; None where a walk does not go on."""
    for one in slices:
        _require_plain(one.dataset)
    arrangement = arranged([one.dataset for one in slices])
    ordered = [slices[index] for index in arrangement.order]
    images = [one.dataset for one in ordered]
    masked = _screened(images, source, maskable=ordered[0].walked is None)
    if masked is None:
        return None
    values = _values(images)
    people = _one_person(ordered)
    cleaned = _cleaned(ordered, people, names)
    if cleaned is None:
        return None
    contents, actions = cleaned
    actions[MASKED] += masked
    actions += Counter()
    return Volume(
        contents,
        values,
        arrangement.grid,
        actions,
        people[0].institution or None,
        _year(slices[0].dataset),
        _character_set(people),
    )


def _whole_slice(content: bytes) -> Slice:
    try:
        dataset = dicom_series.open_whole(content)
    except WrongUse as error:
        raise refusal(
            Reason.TRUNCATED, found=error.found, wanted=error.wanted, remedy=error.remedy
        ) from error
    return Slice(dataset, headers.person_of(dataset), None)


def _walked_slice(one: explicit_walk.Opened) -> Slice:
    dataset = quick.outermost(one)
    try:
        dicom_series.require_pixels(dataset)
    except WrongUse as error:
        raise refusal(
            Reason.TRUNCATED, found=error.found, wanted=error.wanted, remedy=error.remedy
        ) from error
    return Slice(dataset, quick.person_of(one), one)


def _require_plain(dataset: Dataset) -> None:
    if str(dataset.get("BurnedInAnnotation", "NO")) == "YES":
        raise refusal(
            Reason.IDENTITY_LEFT,
            found="pixels with text burned in, as the header says",
            wanted="pixels without text",
            remedy="Export the series without annotations.",
            where="(0028,0301) BurnedInAnnotation",
        )
    syntax = getattr(dataset.file_meta, "TransferSyntaxUID", None)
    if syntax is not None and not syntax.is_little_endian:
        raise refusal(
            Reason.UNSUPPORTED_FORM,
            found="big-endian values",
            wanted="a little-endian transfer syntax",
            remedy="Export the series again; big endian is retired.",
        )


def _screened(images: Sequence[Dataset], source: Source, *, maskable: bool) -> int | None:
    """Look for text in the pixels of the series, once; gives the number of places that were masked.

    None where there are some and these images cannot be written again.

    Raises
    ------
    Refused
        When there is text and the source sets such series aside, or cannot have it masked as it is stored.
    """
    if source.screening == "not_screened":
        return 0
    texts = burned_in.texts_of(frame for image in images for frame in burned_in.frames_of(image))
    if texts and source.screening == "mask":
        if not maskable:
            return None
        try:
            return sum(burned_in.masked(image, texts) for image in images)
        except ValueError:
            pass  # compressed: it is set aside like the others
    if texts:
        raise refusal(
            Reason.IDENTITY_LEFT,
            found=f"{len(texts)} texts in the pixels",
            wanted="pixels without text",
            remedy="Export the series without annotations, or let the source's spec mask them.",
            where="(7FE0,0010) PixelData",
        )
    return 0


def _values(images: Sequence[Dataset]) -> NDArray[np.int64]:
    try:
        return np.array([dicom_series.stored_values(image) for image in images])
    except WrongUse as error:
        raise refusal(
            Reason.UNSUPPORTED_FORM, found=error.found, wanted=error.wanted, remedy=error.remedy
        ) from error


def _one_person(slices: Sequence[Slice]) -> list[headers.Person]:
    people = [one.person for one in slices]
    if len({(person.patient_id, person.institution) for person in people}) > 1:
        raise refusal(
            Reason.HEADER_INVALID,
            found="more than one patient id or institution in one series",
            wanted="one person a series",
            remedy="Find out at the source whose slices these are.",
            where="(0010,0020) PatientID",
        )
    return people


def _cleaned(
    slices: Sequence[Slice], people: Sequence[headers.Person], names: Names
) -> tuple[list[bytes], Counter[tuple[str, str]]] | None:
    words = tuple(sorted({word for person in people for word in person.words}))
    contents: list[bytes] = []
    actions: Counter[tuple[str, str]] = Counter()
    for index, one in enumerate(slices):
        if one.walked is not None:
            made = quick.cleaned(one.walked, names, words=words, index=index)
            if made is None:
                return None
            contents.append(made.content)
            actions += made.actions
        else:
            cleaned = headers.clean(one.dataset, names, index=index, words=words)
            contents.append(headers.encoded(cleaned.dataset))
            actions += cleaned.actions
    return contents, actions


def _year(image: Dataset) -> int | None:
    """The true year of the study, before its date is shifted."""
    date = str(image.get("StudyDate", ""))
    return int(date[:4]) if re.fullmatch(r"(19|20)\d{6}", date) else None


def _character_set(people: Sequence[headers.Person]) -> tuple[Finding, ...]:
    problem = next((person.problem for person in people if person.problem), "")
    if not problem:
        return ()
    return (
        Finding(
            reason=Reason.CHARACTER_SET,
            severity=Severity.WARN,
            found=problem,
            wanted="the character set that the bytes are in",
            remedy="Set Specific Character Set in the scanner or archive, else one name becomes two.",
            where="(0008,0005) SpecificCharacterSet",
            source="DICOM PS3.3 C.12.1.1.2",
        ),
    )
