"""Sentences as pairs of templates, and the table of headings: what a report says, apart from what it found.

Both are package data: a heading is added, moved or renamed without touching code, and one that nothing is
written for yet comes out as "not performed".
"""

from __future__ import annotations

import string
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Literal

from pydantic import Field

from medassay.core.errors import WrongUse
from medassay.core.specs import Bilingual, Spec, Stated
from medassay.core.terms import Lang


class Heading(Spec):
    """One heading of a paper. `level` 2 stands below the nearest one of level 1 before it."""

    id: str = Field(pattern=r"^[a-z0-9_]+$")
    level: Literal[1, 2] = 1
    annex: bool = False
    zh: str
    en: str
    why_empty: str = Field(default="no_content", description="key of the sentence where nothing was done")


@cache
def sentences() -> Mapping[str, Bilingual]:
    """Every pair of templates by its key."""
    pairs = {key: Bilingual.model_validate(pair) for key, pair in _yaml("sentences.yaml").items()}
    for key, pair in pairs.items():
        if placeholders(pair.zh) != placeholders(pair.en):
            raise WrongUse(
                found=f"different placeholders in the two templates of '{key}'",
                wanted="the same in both languages",
                remedy="Correct reports/sentences.yaml.",
            )
    return MappingProxyType(pairs)


@cache
def headings(paper: str = "report") -> tuple[Heading, ...]:
    """The headings of one paper in their order."""
    return tuple(Heading.model_validate(row) for row in _yaml("headings.yaml")[paper])


def say(key: str, lang: Lang, **values: object) -> str:
    """The sentence of this key in one language, with its values filled in.

    Raises
    ------
    WrongUse
        For an unknown key, or values that are not exactly the template's placeholders: a figure must never
        drop out of a sentence unseen.
    """
    pair = sentences().get(key)
    if pair is None:
        raise WrongUse(found=f"sentence '{key}'", wanted="a key of reports/sentences.yaml", remedy="Add it.")
    template = pair.zh if lang == "zh" else pair.en
    if placeholders(template) != set(values):
        raise WrongUse(
            found=f"values {sorted(values)} for '{key}'",
            wanted=f"{sorted(placeholders(template))}",
            remedy="Pass exactly the placeholders of the template.",
        )
    return template.format(**values)


def of(stated: Stated, lang: Lang) -> str:
    """What a spec declares, in one language; a plain string stands in both."""
    if isinstance(stated, str):
        return stated
    return stated.zh if lang == "zh" else stated.en


def placeholders(template: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(template) if name is not None}


def _yaml(name: str) -> dict[str, Any]:
    from ruamel.yaml import YAML

    text = files("medassay.reports").joinpath(name).read_text("utf-8")
    loaded: dict[str, Any] = YAML(typ="safe").load(text)
    return loaded
