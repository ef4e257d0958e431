"""The spellings of a person's name: forms of one name, and the words to look for in a text that is kept."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence


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
