"""The PDF view: typst with one template and one font, the same bytes for the same record."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from medassay.reports import fonts
from medassay.reports.document import Block, Cell, Code, Cover, Document, Facts, Picture, Table, Text

if TYPE_CHECKING:
    import typst

TEMPLATE = files("medassay.reports").joinpath("report.typ")


def pdf_of(document: Document) -> bytes:
    """Any paper as PDF/A-2b; no font of the system is used."""
    import typst

    rendered: bytes = typst.compile(
        TEMPLATE.read_bytes(),
        font_paths=typst_fonts(),
        sys_inputs=sys_inputs(document),
        pdf_standards="a-2b",
        timestamp=int(document.dated.timestamp()),
        format="pdf",
    )
    return rendered


def sys_inputs(document: Document) -> dict[str, str]:
    """The document as the template takes it."""
    return {"document": json.dumps(_plain(document), ensure_ascii=False)}


@cache
def typst_fonts() -> typst.Fonts:
    import typst

    return typst.Fonts(
        include_system_fonts=False, include_embedded_fonts=False, font_paths=[str(fonts.folder())]
    )


def _plain(document: Document) -> dict[str, Any]:
    """The document as the template reads it."""
    return {
        "lang": document.lang,
        "title": document.title,
        "number": document.number,
        "digest": document.digest,
        "contents_title": document.contents_title,
        "page_of": document.page_of,
        "fonts": {"sans": fonts.FAMILY, "mono": fonts.MONO_FAMILY},
        "cover": _cover(document.cover),
        "sections": [
            {
                "number": section.number,
                "title": section.title,
                "level": section.level,
                "blocks": [_block(block) for block in section.blocks],
            }
            for section in document.sections
        ],
    }


def _cover(cover: Cover) -> dict[str, Any]:
    verdict = cover.verdict
    return {
        "title": cover.title,
        "title_second": cover.title_second,
        "head": _rows(cover.head),
        "statement": list(cover.statement),
        "verdict": vars(verdict) if verdict else None,
        "groups": [[title, _rows(rows)] for title, rows in cover.groups],
        "flow": _block(cover.flow),
        "flow_note": cover.flow_note,
        "limits_title": cover.limits_title,
        "limits": list(cover.limits),
        "signatures": [signature.role for signature in cover.signatures],
        "signatures_note": cover.signatures_note,
        "qr": cover.qr_svg.decode("utf-8"),
        "qr_caption": cover.qr_caption,
        "digest": cover.digest,
    }


def _block(block: Block) -> dict[str, Any]:
    match block:
        case Text():
            return {"type": "text", "text": block.text, "kind": block.kind}
        case Facts():
            return {"type": "facts", "rows": _rows(block.rows)}
        case Table():
            return {
                "type": "table",
                "caption": block.caption,
                "columns": [vars(column) for column in block.columns],
                "rows": [[_cell(cell) for cell in row] for row in block.rows],
            }
        case Picture():
            return {
                "type": "picture",
                "svg": block.svg.decode("utf-8"),
                "alt": block.alt,
                "caption": block.caption,
                "width": block.width,
            }


def _rows(rows: tuple[tuple[str, Cell], ...]) -> list[list[Any]]:
    return [[name, _cell(value)] for name, value in rows]


def _cell(cell: Cell) -> str | dict[str, str]:
    return {"code": cell.text} if isinstance(cell, Code) else cell
