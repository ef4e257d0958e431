"""Marks and escape sequences of HL7 v2: what a message declares, in the usual marks, and its texts in plain.

References
----------
HL7 v2.5, 2.5.4 (delimiters) and 2.7 (escape sequences in text).
"""

from __future__ import annotations

import re

STANDARD = "^~\\&"  # component, repetition, escape, subcomponent
ESCAPE = re.compile(r"\\([^\\|\r\n]{1,400})\\")
ESCAPED = {"F": "|", "S": "^", "T": "&", "R": "~", "E": "\\"}
UNESCAPED = {character: f"\\{name}\\" for name, character in ESCAPED.items()} | {"\n": "\\.br\\", "\r": ""}


def to_standard(marks: str) -> dict[int, str]:
    """From the marks that a message declares behind "MSH" (field, then as in `STANDARD`) to the usual ones.

    Examples
    --------
    >>> "PID!1!P7@@x^y".translate(to_standard("!@~\\\\&!LIS"))
    'PID|1|P7^^x y'
    """
    field, others = marks[:1] or "|", marks[1:].partition(marks[:1])[0][:4]
    if any(one.isalnum() or one.isspace() for one in field + others):
        return {}
    table = {ord(usual): " " for usual in "|" + STANDARD[: len(others)] if usual not in field + others}
    return table | {ord(own): usual for own, usual in zip(field + others, "|" + STANDARD, strict=False)}


def decoded(content: bytes) -> str:
    """The text of a message, whatever its character set says."""
    plain = content.removeprefix(b"\xef\xbb\xbf")
    for codec in ("utf-8", "gb18030"):
        try:
            return plain.decode(codec)
        except UnicodeDecodeError:
            continue
    return plain.decode("latin-1")


def unescaped(value: str) -> str:
    r"""A text with its escape sequences as what they stand for: a name may be written in them.

    Highlighting has no meaning here; what is in a character set or a form of the sender's own is nobody's to read.

    Examples
    --------
    >>> unescaped(r"a\T\b\.br\c"), unescaped(r"\X57616E67\ \H\x\N\ \Z99\.")
    ('a&b\nc', 'Wang x .')
    """
    return ESCAPE.sub(_meant, value)


def escaped(text: str) -> str:
    r"""The inverse of `unescaped` for what can be written.

    Examples
    --------
    >>> escaped(unescaped(r"a\T\b\.br\c")) == r"a\T\b\.br\c"
    True
    """
    return "".join(UNESCAPED.get(character, character) for character in text)


def _meant(match: re.Match[str]) -> str:
    told = match[1]
    if told in ESCAPED:
        return ESCAPED[told]
    if told[0] == "X" and len(told) % 2:
        try:
            return decoded(bytes.fromhex(told[1:]))
        except ValueError:
            return ""
    return "\n" if told.startswith((".br", ".sp")) else ""
