"""The HTML view: one self-contained file that runs nothing, asks nobody, and prints well."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from medassay.reports import fonts
from medassay.reports.document import Block, Cell, Code, Column, Document, Facts, Table, Text

if TYPE_CHECKING:
    from jinja2 import Template


def html_of(document: Document) -> bytes:
    """Any paper as one HTML file with its font, style and pictures inside."""
    text = _template().render(
        document=document,
        css=_css(),
        font=_base64(fonts.subset("".join(_texts(document)))),
        kind_of=lambda block: type(block).__name__,
        share=_share,
        picture=lambda svg: f"data:image/svg+xml;base64,{_base64(svg)}",
    )
    return text.encode("utf-8")


@cache
def _template() -> Template:
    from jinja2 import Environment, StrictUndefined

    environment = Environment(autoescape=True, undefined=StrictUndefined)
    return environment.from_string(_resource("report.html.jinja"))


@cache
def _css() -> object:
    from markupsafe import Markup

    return Markup(_resource("report.css"))  # the package's own file


def _resource(name: str) -> str:
    return files("medassay.reports").joinpath(name).read_text("utf-8")


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")


def _share(column: Column, columns: Iterable[Column]) -> str:
    return f"{100 * column.weight / sum(other.weight for other in columns):.1f}"


def _texts(document: Document) -> Iterator[str]:
    """Every text of the paper: what its font has to hold."""
    cover = document.cover
    yield from (document.title, document.number, document.contents_title, cover.title, cover.title_second)
    yield from cover.statement
    yield from cover.limits
    yield from (
        cover.limits_title,
        cover.signatures_note,
        cover.flow_note,
        cover.qr_caption,
    )
    yield from (signature.role for signature in cover.signatures)
    if cover.verdict:
        yield from vars(cover.verdict).values()
    yield from _of_rows(cover.head)
    for title, rows in cover.groups:
        yield title
        yield from _of_rows(rows)
    yield from _of_block(cover.flow)
    for section in document.sections:
        yield from (section.number, section.title)
        for block in section.blocks:
            yield from _of_block(block)


def _of_block(block: Block) -> Iterator[str]:
    match block:
        case Text():
            yield block.text
        case Facts():
            yield from _of_rows(block.rows)
        case Table():
            yield block.caption
            yield from (column.title for column in block.columns)
            yield from (_text(cell) for row in block.rows for cell in row)
        case _:
            yield block.caption


def _of_rows(rows: Iterable[tuple[str, Cell]]) -> Iterator[str]:
    for name, value in rows:
        yield name
        yield _text(value)


def _text(cell: Cell) -> str:
    return cell.text if isinstance(cell, Code) else cell
