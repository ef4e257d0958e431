"""De-identify an object by walking its bytes: the same output as `dicom.clean` and `dicom.encoded`, in less time.

What is removed is stepped over unread. What may stay is decided, one element at a time, by the very functions of
`dicom`, and the outcome is remembered under the bytes that it depends on: the headers of a series are alike. Pixels
are spliced. The walk follows explicit little endian in order; at whatever else it meets (another encoding, elements
out of order, values whose representation hangs on other elements) it gives None, and `dicom` is to be used.
"""

from __future__ import annotations

import struct
from collections import Counter
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

from medassay.datasets.deidentify import allowed, dicom, header_person, pixels
from medassay.datasets.deidentify.allowed import Rule
from medassay.datasets.deidentify.element_values import Work
from medassay.datasets.deidentify.explicit_walk import (
    END,
    EXPLICIT,
    ITEM,
    PIXELS,
    SIZE,
    Found,
    Opened,
    Unfollowed,
    item,
)
from medassay.datasets.deidentify.profile import RESEARCH, Profile
from medassay.datasets.deidentify.safe_private import count_creators, element_name, take_safe_private
from medassay.datasets.sample import Names
from medassay.formats.imaging.dicom_characters import Reading, read_text

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

TEXT = frozenset(b"LO LT PN SH ST UC UT".split())
CHARACTER_SET, CLASS, UID = 0x00080005, 0x00080016, 0x00080018
REPRESENTATION, AGE, BIRTH, SEEN = 0x00280103, 0x00101010, 0x00100030, 0x00080020
CODES = (0x00080100, 0x00080119, 0x00080102)  # value, long value, scheme
SIGNED = (0x00280106, 0x00280107, 0x00280108, 0x00280109, 0x00280120, 0x00280121)  # as the pixels are
OF_PIXELS = (
    0x00280002,
    0x00280004,
    0x00280008,
    0x00280010,
    0x00280011,
    0x00280100,
    0x00280101,
    0x00280102,
    0x00280103,
)
READ_SURELY = (b"", b"ISO_IR 6", b"ISO_IR 100", b"ISO_IR 192", b"GB18030", b"GBK")
UTF_8 = b"\x08\x00\x05\x00CS\n\x00ISO_IR 192"
LARGEST, MOST = 4096, 50_000  # bytes of a value that is remembered; values remembered for one sample

Outcome = tuple[dict[int, bytes], tuple[str, str], bool]  # elements, action, whether a text is beyond ASCII


@dataclass(frozen=True)
class Quick:
    """A de-identified object as a file."""

    content: bytes
    actions: Counter[tuple[str, str]]
    pixels: bytes | None  # as written


def person_of(one: Opened) -> header_person.Person:
    """Who the header is of: `header_person.person_of` of its bytes."""
    from pydicom.datadict import tag_for_keyword

    declared = [part.strip() for part in one.raw(CHARACTER_SET).decode("latin-1").split("\\")]

    def reading(keyword: str) -> Reading:
        return read_text(one.raw(tag_for_keyword(keyword) or 0), declared)

    return header_person.person_read(reading)


def outermost(one: Opened) -> Dataset:
    """The elements of the outermost level that a maker did not add and that are no sequence, as from a file."""
    from pydicom.dataset import FileMetaDataset
    from pydicom.uid import UID as Uid

    standard = [found for found in one.found if not found[0] >> 16 & 1 and found[1] != b"SQ"]
    made = _dataset(tuple((found[0], *_bytes_of(one.content, found)) for found in standard), b"")
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = Uid(one.syntax)
    if PIXELS in made and one.syntax != EXPLICIT:
        made[PIXELS].is_undefined_length = True
    return made


def cleaned(
    one: Opened,
    names: Names,
    *,
    words: tuple[str, ...],
    profile: Profile = RESEARCH,
    index: int | None = None,
) -> Quick | None:
    """What `dicom.clean` and `dicom.encoded` give for these bytes, or None where they are to be used."""
    family = allowed.family_of(one.raw(CLASS).decode("latin-1").rstrip("\x00 "))
    if family is None:
        return None
    try:
        return _cleaner(names, words, profile, family).clean(one, index)
    except (Unfollowed, struct.error):
        return None
    except Exception:  # noqa: BLE001 - a value that no library takes: `dicom` meets it again and says so
        return None


@lru_cache(maxsize=4)
def _cleaner(names: Names, words: tuple[str, ...], profile: Profile, family: str) -> _Cleaner:
    return _Cleaner(names, words, profile, allowed.rules_of(family))


@dataclass
class _Cleaner:
    """Rules for the objects of one sample, and what became of each value so far."""

    names: Names
    words: tuple[str, ...]
    profile: Profile
    table: dict[int, Rule]
    remembered: dict[tuple[Any, ...], Outcome] = field(default_factory=dict)
    actions: Counter[tuple[str, str]] = field(default_factory=Counter)  # of the object that is walked
    charset: bytes = b""
    index: int | None = None  # place of the object in its volume

    def __post_init__(self) -> None:
        self.action_of = {tag: rule.under(self.profile) for tag, rule in self.table.items()}
        self.creators = (
            {name for name, _, _ in allowed.safe_private()} if self.profile.safe_private else set()
        )

    def clean(self, one: Opened, index: int | None) -> Quick:
        """One object from its elements to its file."""
        self.actions, self.charset = Counter(), one.raw(CHARACTER_SET).strip(b"\x00 ")
        self.index = index
        out = self._level(one.content, one.found, one.at, 0)
        if self.profile.characteristics and AGE not in out:
            age = dicom.age_between(
                *(one.raw(tag).decode("latin-1").rstrip("\x00 ") for tag in (BIRTH, SEEN))
            )
            if age is not None:
                out[AGE] = _short(AGE, b"AS", age.encode())
                self.actions[dicom.AGE_STATED] += 1
        said, done = _said(self.names, self.profile)
        out |= said
        self.actions += done
        count_creators(self.actions)
        value = None
        if PIXELS in self.action_of and PIXELS in one.at:
            out[PIXELS], value = self._pixels(one)
        body = b"".join([part for _, part in sorted(out.items())])
        sop_class, uid = (out[tag][8:].rstrip(b"\x00").decode() for tag in (CLASS, UID))
        return Quick(_file_meta(sop_class, uid, one.syntax) + body, +self.actions, value)

    def _level(self, content: bytes, found: Any, at: dict[int, Found], depth: int) -> dict[int, bytes]:
        """Elements of one data set or item that stand, by tag."""
        out: dict[int, bytes] = {}
        beyond_ascii = False
        for tag, vr, start, stop in found:
            action = self.action_of.get(tag)
            if action is None:
                if tag >> 16 & 1 and self.creators:
                    elements, done = self._private(content, at, (tag, vr, start, stop))
                    out |= elements
                    self.actions[done] += 1
                else:
                    self.actions[_removed(tag)] += 1
            elif action == "sequence":
                items = self._sequence(content, vr, tag, start, stop, depth)
                if items:
                    out[tag] = items
                self.actions[self.table[tag].element, "kept" if items else "removed"] += 1
            elif action in ("remove", "method"):
                self.actions[self.table[tag].element, "removed"] += 1
            elif action == "pixels":
                if tag != PIXELS or depth:
                    raise Unfollowed
                self.actions[self.table[tag].element, "kept"] += 1
            else:
                elements, done, beyond = self._value(content, at, (tag, vr, start, stop), action, depth)
                out |= elements
                self.actions[done] += 1
                beyond_ascii |= beyond
        if beyond_ascii:
            out[CHARACTER_SET] = UTF_8
        return out

    def _value(self, content: bytes, at: dict[int, Found], one: Found, action: str, depth: int) -> Outcome:
        """What becomes of one value, with all that it depends on as the key."""
        tag, vr, start, stop = one
        raw = content[start:stop]
        beside: tuple[Any, ...] = ()
        if vr == b"SQ" or vr == b"UN":
            raise Unfollowed
        if action in ("code", "scheme"):
            beside = tuple((t, at[t][1], content[at[t][2] : at[t][3]]) for t in CODES if t in at and t != tag)
        elif " or " in self.table[tag].vr:
            if depth or tag not in SIGNED or REPRESENTATION not in at:
                raise Unfollowed
            beside = ((REPRESENTATION, *_bytes_of(content, at[REPRESENTATION])),)
        charset = b""
        if vr in TEXT and (not raw.isascii() or b"\x1b" in raw):
            if self.charset not in READ_SURELY or b"\x1b" in raw or (depth and CHARACTER_SET in at):
                raise Unfollowed
            charset = self.charset
        key = (tag, vr, raw, beside, charset, self.index if action == "index" else None)
        outcome = self.remembered.get(key)
        if outcome is None:
            outcome = self._decided((tag, vr, raw), beside, charset, depth)
            if len(raw) <= LARGEST and len(self.remembered) < MOST:
                self.remembered[key] = outcome
        return outcome

    def _decided(
        self, one: tuple[int, bytes, bytes], beside: tuple[Any, ...], charset: bytes, depth: int
    ) -> Outcome:
        """Have `dicom` decide on a data set that holds this element and those that it depends on."""
        from pydicom.dataset import Dataset as Fresh

        source, fresh = _dataset((one, *beside), charset), Fresh()
        work = Work(self.names, self.index, self.words, self.profile, self.table, Counter())
        dicom.take_element(source, fresh, self.table[one[0]], work, depth)
        ((done, _),) = work.actions.items()
        beyond = any(not text.isascii() for text in dicom.texts_of(fresh))
        return _encoded(fresh, source), done, beyond

    def _private(
        self, content: bytes, at: dict[int, Found], one: Found
    ) -> tuple[dict[int, bytes], tuple[str, str]]:
        """A private element stands with its creator where the list of safe ones knows it."""
        tag, vr, start, stop = one
        group, element = tag >> 16, tag & 0xFFFF
        holder = at.get(group << 16 | element >> 8)
        if element < 0x1000 or holder is None:
            return {}, _removed(tag)
        if holder[1] != b"LO":
            raise Unfollowed
        creator = _bytes_of(content, holder)
        if creator[1].decode("latin-1").strip("\x00 ") not in self.creators:
            return {}, _removed(tag)
        if vr == b"SQ":
            raise Unfollowed
        key = (tag, vr, content[start:stop], creator)
        if key not in self.remembered:
            from pydicom.dataset import Dataset as Fresh

            source, fresh = _dataset((key[:3], (holder[0], *creator)), b""), Fresh()
            taken = take_safe_private(source, fresh, tag)
            done = (element_name(tag), "kept" if taken else "removed")
            self.remembered[key] = (_encoded(fresh, source), done, False)
        elements, done, _ = self.remembered[key]
        return elements, done

    def _sequence(self, content: bytes, vr: bytes, tag: int, at: int, stop: int, depth: int) -> bytes:
        """The items that stand, each with a length; nothing where none does."""
        if vr != b"SQ" or depth > dicom.DEEPEST:
            raise Unfollowed
        items = []
        while at < stop:
            found, at = item(content, at, stop, depth + 1)
            here = {one[0]: one for one in found}
            if CODES[2] in here and not _is_code(content, here):
                self.actions[
                    f"{self.table[tag].element}: item with a code of no known scheme", "removed"
                ] += 1
                continue
            made = self._level(content, found, here, depth + 1)
            if made or not found:
                body = b"".join([part for _, part in sorted(made.items())])
                items.append(ITEM + SIZE.pack(len(body)) + body)
        return _long(tag, b"SQ", b"".join(items)) if items else b""

    def _pixels(self, one: Opened) -> tuple[bytes, bytes]:
        """The element of the pixels, and its value as written."""
        _, vr, start, stop = one.at[PIXELS]
        compressed = one.content[start - 4 : start] == b"\xff\xff\xff\xff"
        if compressed != (one.syntax != EXPLICIT) or vr not in (b"OB", b"OW"):
            raise Unfollowed
        before = one.content[start:stop]
        about = [tag for tag in one.at if tag in OF_PIXELS or tag & 0xFF00FFFF == 0x60000102]
        header = _dataset(tuple((tag, *_bytes_of(one.content, one.at[tag])) for tag in about), b"")
        if compressed:
            after, what = dicom.compressed_frames(before, header, one.syntax), dicom.COMMENT
        else:
            after, what = pixels.plain(before, header, swap=False), dicom.NO_PIXELS
        if after != before:
            dicom.state_pixels_changed(self.actions, what)
        if compressed:
            return _tagged(PIXELS) + b"OB\x00\x00\xff\xff\xff\xff" + after + END, after
        after += b"\x00" * (len(after) % 2)
        return _long(PIXELS, b"OW", after), after


def _is_code(content: bytes, at: dict[int, Found]) -> bool:
    texts = []
    for tag in CODES:
        raw = content[at[tag][2] : at[tag][3]] if tag in at else b""
        if not raw.isascii() or b"\\" in raw or b"\x1b" in raw:
            raise Unfollowed
        texts.append(raw.decode("ascii").rstrip("\x00 "))
    return allowed.are_codes(*texts)


def _bytes_of(content: bytes, one: Found) -> tuple[bytes, bytes]:
    return one[1], content[one[2] : one[3]]


@cache
def _removed(tag: int) -> tuple[str, str]:
    return element_name(tag), "removed"


def _dataset(elements: tuple[tuple[int, bytes, bytes], ...], charset: bytes) -> Dataset:
    """Elements as they come from a file: raw, converted when asked for."""
    from pydicom.charset import convert_encodings
    from pydicom.dataelem import RawDataElement, empty_value_for_VR
    from pydicom.dataset import Dataset as Fresh
    from pydicom.tag import BaseTag

    made = Fresh()
    for tag, vr, raw in elements:
        value: Any = raw or empty_value_for_VR(vr.decode(), raw=True)
        made[BaseTag(tag)] = RawDataElement(BaseTag(tag), vr.decode(), len(raw), value, 0, False, True)
    made.set_original_encoding(False, True, convert_encodings(charset.decode("latin-1")))
    return made


def _encoded(fresh: Dataset, source: Dataset) -> dict[int, bytes]:
    """Each element as it is written, in UTF-8."""
    from pydicom.filebase import DicomBytesIO
    from pydicom.filewriter import correct_ambiguous_vr_element, write_data_element

    out = {}
    for element in fresh:
        sink = DicomBytesIO()
        sink.is_little_endian, sink.is_implicit_VR = True, False
        # Smallest pixel values and the like are signed as the pixels are, which only the source tells here.
        write_data_element(sink, correct_ambiguous_vr_element(element, source, True), ["utf-8"])
        out[int(element.tag)] = sink.getvalue()
    return out


@lru_cache(maxsize=16)
def _said(names: Names, profile: Profile) -> tuple[dict[int, bytes], Counter[tuple[str, str]]]:
    """The elements that say what was done, and the actions that they are counted as."""
    from pydicom.dataset import Dataset as Fresh

    fresh = Fresh()
    actions = dicom.state_method(fresh, names, profile)
    return _encoded(fresh, fresh), actions


@lru_cache(maxsize=64)
def _meta_of_class(sop_class: str, syntax: str) -> tuple[bytes, bytes]:
    """Our meta information before and behind the object's own UID."""
    from pydicom.dataset import FileMetaDataset
    from pydicom.filebase import DicomBytesIO
    from pydicom.filewriter import write_file_meta_info
    from pydicom.uid import PYDICOM_IMPLEMENTATION_UID
    from pydicom.uid import UID as Uid

    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = Uid(sop_class), Uid("2.25.1")
    meta.TransferSyntaxUID, meta.ImplementationClassUID = Uid(syntax), PYDICOM_IMPLEMENTATION_UID
    sink = DicomBytesIO()
    sink.is_little_endian, sink.is_implicit_VR = True, False
    write_file_meta_info(sink, meta, enforce_standard=True)
    before, behind = sink.getvalue()[12:].split(_short(0x00020003, b"UI", b"2.25.1"))
    return before, behind


def _file_meta(sop_class: str, uid: str, syntax: str) -> bytes:
    before, behind = _meta_of_class(sop_class, syntax)
    body = before + _short(0x00020003, b"UI", uid.encode()) + behind
    return bytes(128) + b"DICM" + _short(0x00020000, b"UL", SIZE.pack(len(body))) + body


def _tagged(tag: int) -> bytes:
    return struct.pack("<HH", tag >> 16, tag & 0xFFFF)


def _short(tag: int, vr: bytes, value: bytes) -> bytes:
    value += (b"\x00" if vr == b"UI" else b" ") * (len(value) % 2)
    return _tagged(tag) + vr + struct.pack("<H", len(value)) + value


def _long(tag: int, vr: bytes, value: bytes) -> bytes:
    return _tagged(tag) + vr + b"\x00\x00" + SIZE.pack(len(value)) + value
