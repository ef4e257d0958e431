"""What a paper is made of, before it is HTML or PDF: one composition, two renderers, the same words in both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from medassay.core.terms import Lang

Edition = Literal["maker", "auditor"]
EDITIONS: tuple[Edition, ...] = ("maker", "auditor")
Tone = Literal["good", "bad", "open"]
UNDATED = datetime(2000, 1, 1, tzinfo=UTC)  # a day that is plainly none


@dataclass(frozen=True)
class Code:
    """A digest, id or formula: set in fixed width, and may break anywhere."""

    text: str


Cell = str | Code


@dataclass(frozen=True)
class Text:
    """A paragraph. `missing` says that something was not performed, and why; `note` is small print."""

    text: str
    kind: Literal["plain", "note", "missing", "warning"] = "plain"


@dataclass(frozen=True)
class Facts:
    """Names and their values, one a line."""

    rows: tuple[tuple[str, Cell], ...]


@dataclass(frozen=True)
class Column:
    title: str
    align: Literal["left", "right"] = "left"
    weight: float = 1.0  # share of the width


@dataclass(frozen=True)
class Table:
    """A table with a head; it may run over pages, and its head comes again on each."""

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]

    def __post_init__(self) -> None:
        if any(len(row) != len(self.columns) for row in self.rows):
            raise ValueError("a row has as many cells as the table has columns")


@dataclass(frozen=True)
class Picture:
    """A drawing; `alt` says in words what it shows, for those who do not see it."""

    svg: bytes
    alt: str
    caption: str
    width: float = 1.0  # share of the text width


Block = Text | Facts | Table | Picture


@dataclass(frozen=True)
class Section:
    id: str
    number: str
    title: str
    level: Literal[1, 2]
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Verdict:
    """The word of the verdict, and the figure that it is of."""

    label: str
    word: str
    tone: Tone
    endpoint: str
    figure: str
    size: str


@dataclass(frozen=True)
class Signature:
    """A line that a person signs by hand; empty until then."""

    role: str


@dataclass(frozen=True)
class Cover:
    """Page 1: one A4 page, whatever it says."""

    title: str
    title_second: str
    head: tuple[tuple[str, Cell], ...]
    statement: tuple[str, ...]
    verdict: Verdict | None
    groups: tuple[tuple[str, tuple[tuple[str, Cell], ...]], ...]
    flow: Table
    flow_note: str
    limits_title: str
    limits: tuple[str, ...]
    signatures: tuple[Signature, ...]
    signatures_note: str
    qr_svg: bytes
    qr_caption: str
    digest: str


@dataclass(frozen=True)
class Document:
    """A whole paper in one language and edition."""

    lang: Lang
    title: str
    number: str
    digest: str
    dated: datetime  # stands in the file's own data; a function of the record, never the clock
    contents_title: str
    page_of: str  # with {page} and {pages}
    cover: Cover
    sections: tuple[Section, ...]


def facts(*rows: tuple[str, Cell]) -> Facts:
    return Facts(tuple(rows))


def table(caption: str, columns: Sequence[Column], rows: Sequence[Sequence[Cell]]) -> Table:
    return Table(caption, tuple(columns), tuple(tuple(row) for row in rows))
