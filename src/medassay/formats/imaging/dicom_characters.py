"""Text of a DICOM header, whatever its character set is said to be: hospitals write GBK under no tag.

A value is read by its declared character sets; where its bytes are none of these, or evidently another one, the
reading that they fit stands, the declared one is kept beside it, and what is wrong is said. Which text it is
no finding tells.

References
----------
DICOM PS3.3 C.12.1.1.2 (Specific Character Set), PS3.5 6.1.2 and annexes H, I, J, K.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from medassay.core.findings import Finding, Reason, Severity
from medassay.formats.imaging.refusal import quiet, said

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

TEXT_VRS = frozenset(("LO", "LT", "PN", "SH", "ST", "UC", "UT"))
DELIMITERS = {ord(character) for character in "\\^=\r\n\t\f"}  # each resets code extensions, PS3.5 6.1.2.5.3
LATIN = ("", "ISO_IR 6", "ISO_IR 100", "ISO_IR 101", "ISO_IR 109", "ISO_IR 110", "ISO_IR 203")
MOST_VALUES, MOST_HOLDERS = 200_000, 50_000  # text values, and items, looked at in one object
CHARACTER_SET = 0x00080005
TO_GB2312 = "\x1b$)A"  # pydicom leaves this escape to Python's codec, which knows none
UTF_8, GB18030 = "UTF-8", "GB18030"


@dataclass(frozen=True)
class Reading:
    """A text, what else the same bytes may mean, and what is wrong with the declaration."""

    text: str
    others: tuple[str, ...] = ()
    problem: str = ""


def read_text(raw: bytes, declared: Sequence[str]) -> Reading:
    """Decode a value by its declared character sets, or say how it had to be read instead.

    GBK is a part of GB18030, so the latter reads both. Latin-1 decodes any bytes at all: where they are UTF-8,
    or whole Chinese characters where no accented letters could stand, that reading stands and the declared one
    is kept beside it.

    Examples
    --------
    >>> read_text("王小明".encode("gbk"), [])
    Reading(text='王小明', others=(), problem='no character set declared, read as GB18030')
    >>> read_text("Buc^Jérôme".encode("latin-1"), ["ISO_IR 100"])
    Reading(text='Buc^Jérôme', others=(), problem='')
    """
    raw = raw.rstrip(b"\x00 ")
    if raw.isascii() and b"\x1b" not in raw:
        return Reading(raw.decode("ascii"))
    by_tag = _declared(raw, declared)
    if by_tag is not None:
        other = _evidently(raw, declared)
        if other is None:
            return Reading(by_tag)
        name, text = other
        others = (by_tag, *(text for also, text in _undeclared(raw) if also != name))
        return Reading(text, others, f"{_class(declared)} declared, the bytes are {name}")
    nothing = not any(name.strip() for name in declared)
    said_so = "no character set declared" if nothing else "bytes outside the declared character set"
    readings = _undeclared(raw)
    if readings:
        (name, text), others = readings[0], tuple(text for _, text in readings[1:])
        return Reading(text, others, f"{said_so}, read as {name}")
    return Reading(raw.decode("latin-1"), (), f"{said_so}, no reading fits")


def declared_of(dataset: Any) -> tuple[str, ...]:
    """The Specific Character Set of a data set or item, empty where it has none."""
    with quiet():
        try:
            value = dataset.get("SpecificCharacterSet")
        except Exception:  # noqa: BLE001 - a hostile value may raise anything
            return ()
    if value is None:
        return ()
    return (str(value),) if isinstance(value, str) else tuple(str(part) for part in value)


def texts_of(dataset: Dataset) -> Iterator[tuple[int, bytes, tuple[str, ...]]]:
    """Tag, raw bytes and declared character sets of every text value, items of sequences too.

    An item's own declaration holds for it, else that of what it lies in (PS3.3 C.12.1.1.2).
    """
    pending: list[tuple[Any, tuple[str, ...]]] = [(dataset, ())]
    count = 0
    looked_at = 0
    while pending and looked_at < MOST_HOLDERS:
        looked_at += 1
        holder, outer = pending.pop()
        declared = (declared_of(holder) if CHARACTER_SET in holder else ()) or outer
        for tag in list(holder.keys()):
            try:
                element = holder.get_item(tag)
            except Exception:  # noqa: BLE001 - an element without its value has no text to read
                continue
            vr, value = _vr_of(element), element.value
            if vr == "SQ" or (value is not None and not isinstance(value, bytes | str) and vr in ("UN", "")):
                pending += [(item, declared) for item in _items(holder, int(tag))]
            elif vr in TEXT_VRS and isinstance(value, bytes):
                yield int(tag), value, declared
                count += 1
            if count >= MOST_VALUES:
                return


def examine(dataset: Dataset) -> Iterator[Finding]:
    """What is wrong with the character sets of an object: one finding for each kind of fault."""
    seen: Counter[str] = Counter()
    with quiet():
        for _, raw, declared in texts_of(dataset):
            if raw.isascii() and b"\x1b" not in raw:
                continue
            for part in raw.split(b"\\") if b"\x1b" not in raw and _splits(declared) else (raw,):
                seen[read_text(part, declared).problem] += 1
    for problem, count in sorted(seen.items()):
        if problem:
            yield said(
                Reason.CHARACTER_SET,
                Severity.WARN,
                f"{problem}: {count} values",
                "the character set that the bytes are in",
                where="(0008,0005) SpecificCharacterSet",
                source="DICOM PS3.3 C.12.1.1.2",
                remedy="Set Specific Character Set in the scanner or archive, else one name becomes two.",
            )


def _splits(declared: Sequence[str]) -> bool:
    """Whether a backslash is always a delimiter: in GBK it may be the second byte of a character."""
    return not any(name.strip() in ("GBK", "GB18030") for name in declared) and any(declared)


def _vr_of(element: Any) -> str:
    """The value representation, by the dictionary where the element was written without one."""
    from pydicom.datadict import dictionary_VR

    if element.VR not in (None, "UN"):
        return str(element.VR)
    try:
        return str(dictionary_VR(element.tag))
    except KeyError:
        return "UN"


def _items(holder: Any, tag: int) -> list[Any]:
    try:
        value = holder[tag].value
        return [item for item in value if hasattr(item, "elements")] if value is not None else []
    except Exception:  # noqa: BLE001 - a sequence that does not parse has no text to read
        return []


def _evidently(raw: bytes, declared: Sequence[str]) -> tuple[str, str] | None:
    """Another reading that the bytes fit so well that the declaration must be wrong."""
    if all(name.strip() in LATIN for name in declared):
        readings = _undeclared(raw)
        if any(name == UTF_8 for name, _ in readings):
            return readings[0]
        if _is_chinese_in_latin(raw):
            text = _strict(raw, "gb18030")
            return (GB18030, text) if text is not None and is_han(text) else None
    elif [name.strip() for name in declared] in (["GB18030"], ["GBK"]):
        text = _strict(raw, "utf-8")
        if text is not None and is_han(text):
            return UTF_8, text
    return None


def _undeclared(raw: bytes) -> list[tuple[str, str]]:
    """UTF-8 and GB18030 as far as the bytes are either, the likelier first; UTF-8 hardly fits by chance."""
    found = [
        (name, text)
        for name, text in ((UTF_8, _strict(raw, "utf-8")), (GB18030, _strict(raw, "gb18030")))
        if text is not None and not _has_control(text)
    ]
    if len(found) == 2 and not (found[0][1].isascii() or _is_rather_utf8(raw, found[0][1])):
        found.reverse()
    return found


def _is_rather_utf8(raw: bytes, text: str) -> bool:
    """Whether bytes that are UTF-8 are so by intent: common Chinese words (头颅) are pairs that fit it by chance.

    They are Chinese where all pairs are of the first level of GB 2312, unless they are accented letters within
    a word.
    """
    within_word = False
    for run in re.finditer(rb"[\x80-\xff]+", raw):
        start, stop = run.span()
        if (stop - start) % 2 or not re.fullmatch(rb"(?:[\xb0-\xd7][\xa1-\xfe])+", run.group()):
            return True
        within_word |= raw[max(start - 1, 0) : start].isalpha() or raw[stop : stop + 1].isalpha()
    letters = all(character.isascii() or "\u00c0" <= character <= "\u017f" for character in text)
    return letters and within_word


def _is_chinese_in_latin(raw: bytes) -> bool:
    """Whether bytes under a Western character set are pairs of GBK rather than accented letters.

    No letter of ISO 8859 lies in 80-9F. Where none of these bytes settles it, the pairs must be those of
    GB 2312 and stand where words of accented letters alone would: between blanks and signs, or in rows of four.
    """
    runs = list(re.finditer(rb"(?:[\x81-\xfe][\x40-\x7e\x80-\xfe])+", raw))
    if not runs:
        return False
    if any(0x80 <= byte <= 0x9F for byte in raw):
        return True
    for run in re.finditer(rb"[\xa0-\xff]+", raw):
        start, stop = run.span()
        beside = raw[start - 1 : start] + raw[stop : stop + 1] if start else raw[stop : stop + 1]
        if (stop - start) % 2 or _strict(run.group(), "gb2312") is None:
            return False
        if stop - start < 4 and re.search(rb"[A-Za-z]", beside):
            return False
    return True


def _class(declared: Sequence[str]) -> str:
    names = [name.strip() for name in declared]
    return "a Western character set" if all(name in LATIN for name in names) else names[0]


def _declared(raw: bytes, declared: Sequence[str]) -> str | None:
    from pydicom.charset import convert_encodings, decode_bytes, python_encoding

    if not any(name.strip() for name in declared):
        return None
    names = [re.sub(r"^ISO[_ -]?(2022[_ -])?IR[_ -]?(?=\d)", _respelled, name.strip()) for name in declared]
    if names in (["ISO_IR 203"], ["ISO 2022 IR 203"]):
        return _strict(raw, "iso8859_15")  # newer than pydicom's table
    if any(name not in python_encoding for name in names):
        return None  # pydicom would go on with its default
    with quiet():
        try:
            encodings = convert_encodings(names)
        except (LookupError, ValueError):
            return None
        if len(encodings) == 1 and b"\x1b" not in raw:
            return _strict(raw, encodings[0])
        try:
            text = str(decode_bytes(raw, encodings, DELIMITERS)).replace(TO_GB2312, "")
        except (UnicodeError, LookupError, ValueError):
            return None
    return None if "\ufffd" in text or "\x1b" in text else text


def _respelled(start: re.Match[str]) -> str:
    """Writers put blanks and hyphens where the defined terms have none."""
    return "ISO 2022 IR " if start.group(1) else "ISO_IR "


def _strict(raw: bytes, codec: str) -> str | None:
    try:
        return raw.decode(codec)
    except (UnicodeDecodeError, LookupError):
        return None


def _has_control(text: str) -> bool:
    return any("\x80" <= character <= "\x9f" for character in text)


def is_han(text: str) -> bool:
    """Whether everything that is not ASCII is a Chinese character of the common block, or its punctuation."""
    beyond = [character for character in text if not character.isascii()]
    han = sum("\u4e00" <= character <= "\u9fff" for character in beyond)
    signs = sum(character in "，。、；：（）《》“”‘’！？—…·\u3000" for character in beyond)
    return bool(han) and han + signs == len(beyond)
