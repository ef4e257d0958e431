"""Text of a DICOM header, whatever its character set is said to be: hospitals write GBK under no tag."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Reading:
    """A text, what else the same bytes may mean, and what is wrong with the declaration."""

    text: str
    others: tuple[str, ...] = ()
    problem: str = ""


def read_text(raw: bytes, declared: Sequence[str]) -> Reading:
    """Decode a value by its declared character sets, or say how it had to be read instead.

    GBK is a part of GB18030, so the latter reads both. Latin-1 decodes any bytes at all: where they are
    whole characters of GB 2312 too (pairs of high bytes, which accented letters hardly ever make), the
    Chinese reading stands and the other one is kept beside it.
    """
    raw = raw.rstrip(b"\x00 ")
    if raw.isascii() and b"\x1b" not in raw:
        return Reading(raw.decode("ascii"))
    by_tag = _declared(raw, declared)
    if by_tag is not None:
        chinese = _strict(raw, "gb2312") if _is_single_byte(declared) else None
        if chinese is None or not _is_han(chinese):
            return Reading(by_tag)
        return Reading(chinese, (by_tag,), "a Western character set declared, the bytes are GBK")
    said = "no character set declared" if not any(declared) else "bytes outside the declared character set"
    for name, codec in (("UTF-8", "utf-8"), ("GB18030", "gb18030")):
        text = _strict(raw, codec)
        if text is not None:
            return Reading(text, (), f"{said}, read as {name}")
    return Reading(raw.decode("latin-1"), (), f"{said}, no reading fits")


def name_forms(name: str) -> list[str]:
    """The forms of a person name (alphabetic, ideographic, phonetic), each in one spelling.

    Empty components and carets at the end change nothing: one name never becomes two for them.
    """
    forms = []
    for group in unicodedata.normalize("NFKC", name).split("="):
        parts = [part for part in re.split(r"[\^\s]+", group.casefold()) if part]
        if parts:
            forms.append(("" if not group.isascii() else " ").join(parts))
    return forms


def identifying_words(texts: Sequence[str]) -> tuple[str, ...]:
    """What to look for in a text that is kept: words of names and ids, and each name written as one."""
    words: set[str] = set()
    for text in texts:
        parts = [part for part in re.split(r"[^\w]+", unicodedata.normalize("NFKC", text).casefold()) if part]
        words.update(parts)
        words.add("".join(parts))
    return tuple(sorted(word for word in words if len(word) >= (2 if not word.isascii() else 3)))


def _declared(raw: bytes, declared: Sequence[str]) -> str | None:
    from pydicom.charset import convert_encodings, decode_bytes

    if not any(declared):
        return None
    try:
        encodings = convert_encodings(list(declared))
    except (LookupError, ValueError):
        return None
    if len(encodings) == 1:
        return _strict(raw, encodings[0])
    try:
        return str(decode_bytes(raw, encodings, {ord("^"), ord("=")}))
    except (UnicodeError, LookupError):
        return None


def _strict(raw: bytes, codec: str) -> str | None:
    try:
        return raw.decode(codec)
    except (UnicodeDecodeError, LookupError):
        return None


def _is_single_byte(declared: Sequence[str]) -> bool:
    return all(
        name in ("", "ISO_IR 6", "ISO_IR 100", "ISO_IR 101", "ISO_IR 109", "ISO_IR 110") for name in declared
    )


def _is_han(text: str) -> bool:
    """Whether everything that is not ASCII is a Chinese character of the common block."""
    beyond = [character for character in text if not character.isascii()]
    return bool(beyond) and all("\u4e00" <= character <= "\u9fff" for character in beyond)
