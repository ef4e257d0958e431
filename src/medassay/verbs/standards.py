"""`medassay standards`: the standards that this house follows, and the catalogue of test methods."""

from __future__ import annotations

import csv
from importlib import resources
from typing import Literal

from medassay.core.errors import WrongUse
from medassay.evaluation.methods import catalogue

Lang = Literal["zh", "en"]
Row = dict[str, str]


def standards(lang: Lang | None = None) -> list[Row]:
    """A row a standard: number, title, the module that follows it, and whether its text was read.

    Parameters
    ----------
    lang : "zh", "en" or None
        Of the title; None gives both.
    """
    text = resources.files("medassay.verbs").joinpath("standards.csv").read_text("utf-8")
    return [_in_language(row, lang, "title") for row in csv.DictReader(text.splitlines())]


def methods(lang: Lang | None = None) -> list[Row]:
    """A row a test method, as declared beside the function that computes it.

    Examples
    --------
    >>> next(row for row in methods("zh") if row["id"] == "dice")["name"]
    'Dice系数'
    """
    return [
        _in_language(
            {
                "id": entry.method.id,
                "task": entry.method.task,
                "zh": entry.method.zh,
                "en": entry.method.en,
                "formula": entry.method.formula,
                "source": entry.method.source,
                "check": entry.method.check,
                "import": entry.import_line,
            },
            lang,
            "name",
        )
        for entry in catalogue()
    ]


def _in_language(row: Row, lang: Lang | None, column: str) -> Row:
    if lang is None:
        return dict(row)
    if lang not in ("zh", "en"):
        raise WrongUse(found=f"language '{lang}'", wanted="zh or en", remedy="Leave it out for both.")
    other = "en" if lang == "zh" else "zh"
    return {column if name == lang else name: value for name, value in row.items() if name != other}
