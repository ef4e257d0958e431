"""`medassay init --dataset NAME --like STEM`: the four spec files of a new database, after one that exists."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

from medassay.core.atomic import write_atomic
from medassay.core.errors import WrongUse
from medassay.core.workspace import Workspace
from medassay.datasets.spec import LawfulBasis

ROOMS = ("datasets", "annotation", "quality", "evaluation")
SOURCE = "hospital"


def run(workspace: Workspace, name: str, like: str) -> list[Path]:
    """Write `ROOM/NAME.yaml` in four rooms and the readers' guide; give the paths written.

    Kind, task, classes, checks and endpoints are those of `like`. The one source is a hospital's: its lawful basis
    is left empty, so nothing loads until it is stated. Goals are left out: they are the maker's claim.

    Raises
    ------
    WrongUse
        For a name that is no stem, one that exists, or a `like` that does not.
    """
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]*", name):
        raise _wrong(
            f"the name '{name}'", "small letters, digits and dashes", "Name it like adult-pneumonia."
        )
    if like not in workspace.stems():
        raise _wrong(
            f"'{like}'",
            f"one of {', '.join(workspace.stems()) or 'none'}",
            "Name a database of this workspace.",
        )
    targets = {room: workspace.spec(room, name) for room in ROOMS}
    for path in targets.values():
        if path.exists():
            raise _wrong(str(path), "a name that is free", "Choose another name; nothing is overwritten.")
    trees = {room: _load(workspace.spec(room, like)) for room in ROOMS}
    origin = _origin(trees["datasets"]["sources"])
    trees["datasets"]["sources"] = [_hospital(origin, name)]
    _of_this_source(trees["annotation"], origin["name"])
    trees["annotation"]["guide"] = f"{name}.md"
    for check in trees["quality"]["checks"]:
        check.pop("sources", None)
    for endpoint in trees["evaluation"]["endpoints"]:
        endpoint.pop("goals", None)
    for room, path in targets.items():
        write_atomic(path, _dump(trees[room]))
    guide = workspace.root / "annotation" / f"{name}.md"
    write_atomic(guide, (workspace.root / "annotation" / f"{like}.md").read_bytes())
    return [*targets.values(), guide]


def _origin(sources: list[Any]) -> Any:
    """The source to follow: one that readers read, else the first."""
    return next((source for source in sources if source.get("readers")), sources[0])


def _hospital(origin: Any, name: str) -> dict[str, Any]:
    basis = dict.fromkeys(LawfulBasis.model_fields)
    source = {
        "name": SOURCE,
        "source_class": "real",
        "form": origin["form"],
        "folder": name,
        "identity": "known",
        "lawful_basis": basis,
    }
    return source | {key: origin[key] for key in ("readers", "options") if key in origin}


def _of_this_source(annotation: Any, origin: str) -> None:
    annotation["references"] = {SOURCE: annotation["references"][origin]}


def _load(path: Path) -> Any:
    from ruamel.yaml import YAML

    return YAML(typ="rt").load(path.read_text("utf-8"))


def _dump(tree: Any) -> bytes:
    from ruamel.yaml import YAML

    yaml = YAML(typ="rt")
    yaml.width = 120
    sink = io.BytesIO()
    yaml.dump(tree, sink)
    return sink.getvalue()


def _wrong(found: str, wanted: str, remedy: str) -> WrongUse:
    return WrongUse(found=found, wanted=wanted, remedy=remedy)
