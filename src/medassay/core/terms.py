"""The field's terms by key, in both languages, each with the document that it comes from."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Literal

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
