"""The field's terms by key, in both languages, each with the document that it comes from."""

from __future__ import annotations

import csv
import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Literal

from medassay.core.errors import WrongUse

Lang = Literal["zh", "en"]
LANGS: tuple[Lang, ...] = ("zh", "en")


@dataclass(frozen=True)
class Term:
    """One notion.

    `checked` is "read" where the word was read in its source, "usual" where it is common usage and has to be
    looked up before it is quoted as that document's.
    """

    key: str
    zh: str
    en: str
    source: str
    checked: Literal["read", "usual"]

    def in_language(self, lang: Lang) -> str:
        return self.zh if lang == "zh" else self.en


@cache
def terms() -> Mapping[str, Term]:
    """Every term by its key."""
    text = files("medassay.core").joinpath("terms.csv").read_text("utf-8")
    rows = csv.DictReader(text.splitlines())
    found = {row["key"]: Term(**row) for row in rows}  # type: ignore[arg-type]  # a string that the line before holds to its choices
    return MappingProxyType(found)


def term(key: str, lang: Lang) -> str:
    """The word for `key` in one language.

    Raises
    ------
    WrongUse
        When there is no such term; the nearest one is named.
    """
    known = terms()
    if key not in known:
        near = difflib.get_close_matches(key, known, n=1)
        raise WrongUse(
            found=f"term '{key}'",
            wanted="a key of the table of terms",
            remedy=f"Did you mean '{near[0]}'?" if near else "Add it to core/terms.csv with its source.",
        )
    return known[key].in_language(lang)
