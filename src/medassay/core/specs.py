"""Load a YAML spec into its model; an error names file, line, field and the nearest valid name."""

from __future__ import annotations

import difflib
import re
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from medassay.core.errors import WrongUse
from medassay.core.record import Record


class Spec(Record):
    """Base of every declaration: frozen, and an unknown field is an error."""


class Bilingual(Spec):
    """One sentence in both languages."""

    zh: str
    en: str


Stated = Bilingual | str  # a plain string is the same in both languages, like the name of a standard


SpecT = TypeVar("SpecT", bound=BaseModel)


def load_spec(path: Path, model: type[SpecT]) -> SpecT:
    """Read `path` and check it against `model`.

    Raises
    ------
    WrongUse
        When the file is missing, is no YAML, repeats a key, or does not fit the model.
    """
    from ruamel.yaml.error import MarkedYAMLError

    try:
        text = path.read_text("utf-8")
        tree = _tree(text)
    except FileNotFoundError as error:
        raise WrongUse(
            found="no such file",
            wanted=f"a {model.__name__} spec",
            remedy=_other_specs(path),
            where=str(path),
        ) from error
    except UnicodeDecodeError as error:
        raise WrongUse(
            found=f"bytes that are not UTF-8 at offset {error.start}",
            wanted="a YAML file in UTF-8",
            remedy="Save the file as UTF-8.",
            where=str(path),
        ) from error
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise WrongUse(
            found=f"{error.problem or 'broken YAML'}",
            wanted="well-formed YAML with each key once",
            remedy="Mend the line; indentation and colons are the usual causes.",
            where=f"{path}:{line}",
        ) from error
    try:
        return model.model_validate(_plain(tree))
    except ValidationError as error:
        raise _spec_error(path, _with_lines(text), model, error) from error


def _tree(text: str) -> Any:
    """What the YAML says, by libyaml; where that stops, by the reader that knows YAML 1.2, which has the last word."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        return YAML(typ="safe").load(text)
    except YAMLError:
        return _with_lines(text)


def _with_lines(text: str) -> Any:
    """The same by the slow reader, which remembers where everything stands."""
    from ruamel.yaml import YAML

    return YAML(typ="rt").load(text)


def parameters_of(model: type[SpecT], fields: dict[str, Any], *, where: str) -> SpecT:
    """Check parameters that stand inside a spec against the model of the module that they are for.

    Raises
    ------
    WrongUse
        When they do not fit.
    """
    try:
        return model.model_validate(fields)
    except ValidationError as error:
        raise _misfit(where, model, error) from error


def _other_specs(path: Path) -> str:
    stems = sorted(p.stem for p in path.parent.glob("*.yaml"))
    near = difflib.get_close_matches(path.stem, stems, n=1)
    if near:
        return f"Did you mean '{near[0]}'?"
    return (
        f"There are: {', '.join(stems)}." if stems else "`medassay init --dataset NAME` writes a first one."
    )


def _plain(node: Any) -> Any:
    if isinstance(node, dict):
        return {str(key): _plain(item) for key, item in node.items()}
    if isinstance(node, list):
        return [_plain(item) for item in node]
    return node


def _spec_error(path: Path, tree: Any, model: type[BaseModel], error: ValidationError) -> WrongUse:
    return _misfit(f"{path}:{_line_of(tree, _telling(error)['loc'])}", model, error)


def _misfit(where: str, model: type[BaseModel], error: ValidationError) -> WrongUse:
    first = _telling(error)
    field = ".".join(str(step) for step in first["loc"]) or "the whole"
    remedy = "Correct the field."
    if first["type"] == "extra_forbidden":
        remedy = _instead_of(str(first["loc"][-1]), model)
    elif first["type"] in ("literal_error", "enum"):
        known = re.findall(r"'([^']*)'", first["ctx"]["expected"])
        near = difflib.get_close_matches(str(first["input"]), known, n=1)
        remedy = f"Did you mean '{near[0]}'?" if near else remedy
    more = len(error.errors()) - 1
    return WrongUse(
        found=f"'{field}' that does not fit" + (f" (and {more} more)" if more else ""),
        wanted=first["msg"][0].lower() + first["msg"][1:],
        remedy=remedy,
        where=where,
    )


def _instead_of(name: str, model: type[BaseModel]) -> str:
    """What to do about a name that no field has."""
    if name.isdigit():
        return "Write decimals with a point: behind a comma another field begins."
    near = difflib.get_close_matches(name, _names_in(model), n=1)
    return f"Did you mean '{near[0]}'?" if near else "Remove it, or see the schema for the known names."


def _telling(error: ValidationError) -> ErrorDetails:
    """Of several misfits the one that shows the cause: a misspelt name, before the field that it left empty."""
    found = error.errors(include_url=False)
    return next((detail for detail in found if detail["type"] == "extra_forbidden"), found[0])


def _names_in(model: type[BaseModel]) -> list[str]:
    """Every field name in the JSON Schema of the model, nested ones too."""
    names: set[str] = set()
    schema = model.model_json_schema()
    for part in (schema, *schema.get("$defs", {}).values()):
        names.update(part.get("properties", {}))
    return sorted(names)


def _line_of(tree: Any, steps: tuple[int | str, ...]) -> int:
    """The line of the deepest step that the file really holds."""
    line, node = 1, tree
    for step in steps:
        position = getattr(node, "lc", None)
        try:
            if position is not None:
                line = (position.key(step) if isinstance(node, dict) else position.item(step))[0] + 1
            node = node[step]
        except (KeyError, IndexError, TypeError):
            break
    return line
