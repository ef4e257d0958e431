"""Words that several commands take, and the place that they name."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from medassay.core.terms import Lang
    from medassay.core.workspace import Workspace
    from medassay.verbs.stage import Place

Dataset = Annotated[str, typer.Argument(help="Name of the database: the stem of its spec files.")]
SourceName = Annotated[str, typer.Argument(help="One source that the database's spec lists.")]
Device = Annotated[str, typer.Argument(help="Name of the device's folder in registry/.")]
Root = Annotated[
    Path | None, typer.Option("--workspace", help="Workspace folder; default: the one around here.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the record for machines.")]
Enforce = Annotated[bool, typer.Option("--enforce", help="Exit with 1 when the outcome is not 'passed'.")]
Data = Annotated[Path | None, typer.Option("--data", help="Folder that holds public sets and exports.")]


class Language(StrEnum):
    """Which views to write."""

    ZH = "zh"
    EN = "en"
    BOTH = "both"


class Standing(StrEnum):
    """How a report goes out; a superseded one is written by the report that takes its place."""

    DRAFT = "draft"
    FINAL = "final"
    WITHDRAWN = "withdrawn"


class ThirdParty(StrEnum):
    """Who issues a document that is bound to a dataset."""

    LABORATORY = "laboratory"
    CERTIFICATION_BODY = "certification_body"


class Act(StrEnum):
    """What such a document is: measured by a laboratory, or certified by a body."""

    INSPECTION = "inspection"
    CERTIFICATION = "certification"


LANGUAGES: dict[Language, tuple[Lang, ...]] = {
    Language.ZH: ("zh",),
    Language.EN: ("en",),
    Language.BOTH: ("zh", "en"),
}


def workspace_of(root: Path | None) -> Workspace:
    """The workspace that is named, or the one around here."""
    from medassay.core.workspace import Workspace

    return Workspace.find(root)


def place_of(root: Path | None, dataset: str, source: str) -> Place:
    """One source of one database in it."""
    from medassay.verbs.stage import Place

    return Place(workspace_of(root), dataset, source)
