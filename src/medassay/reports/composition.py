"""From a record to a whole paper: every heading of the table in its order, an empty one with its reason."""

from __future__ import annotations

import string
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from types import MappingProxyType

from medassay.core.terms import Lang
from medassay.reports import (
    sections_annexes,
    sections_cases,
    sections_comparison,
    sections_dataset,
    sections_robustness,
    sections_testing,
)
from medassay.reports.cover import cover_of
from medassay.reports.document import UNDATED, Block, Column, Document, Edition, Section, Text, table
from medassay.reports.paper import Content, Paper
from medassay.reports.record import ReportRecord
from medassay.reports.sentences import Heading, headings

ROOMS = (
    sections_testing,
    sections_comparison,
    sections_robustness,
    sections_dataset,
    sections_cases,
    sections_annexes,
)
# Where the reason for an empty heading depends on the record, and not on the table of headings alone.
WHY: Mapping[str, Callable[[Paper], str]] = MappingProxyType(
    {
        "comparison": sections_comparison.why_no_comparison,
        "robustness": sections_robustness.why_not_robust,
        "stress": sections_robustness.why_no_stress,
    }
)


def compose(
    record: ReportRecord,
    lang: Lang,
    edition: Edition,
    excerpts: Mapping[str, bytes] | None = None,
) -> Document:
    """The report in one language and edition.

    Parameters
    ----------
    excerpts : mapping
        The scorer's excerpts by digest; only the auditor's edition shows them.

    Raises
    ------
    EvidenceBroken
        When an excerpt is not the one that was scored.
    """
    paper = Paper(lang, record, edition, excerpts or {})
    return Document(
        lang=lang,
        title=paper.say("title"),
        number=record.number,
        digest=record.digest,
        dated=_dated(record),
        contents_title=paper.say("contents"),
        page_of=paper.say("page_of", page="{page}", pages="{pages}"),
        cover=cover_of(paper),
        sections=tuple(_sections(paper)),
    )


def _dated(record: ReportRecord) -> datetime:
    """When the test labels were opened; without a ledger line, a day that is plainly none."""
    unsealed = record.given.ledger.unsealed
    return datetime.fromisoformat(unsealed.time) if unsealed else UNDATED


def content_of(heading: Heading) -> Content | None:
    """Who writes this heading: the function of its name; None where nobody does yet."""
    for room in ROOMS:
        found: Content | None = getattr(room, heading.id, None)
        if found is not None and found.__module__ == room.__name__:
            return found
    return None


def _sections(paper: Paper) -> Iterator[Section]:
    empty: list[tuple[str, str]] = []
    written = [(heading, number, _blocks(paper, heading)) for heading, number in numbered(paper)]
    for heading, number, blocks in written:
        if not blocks and not _has_parts(heading):
            empty.append((f"{number} {_title(heading, paper.lang)}", _why(paper, heading)))
    for heading, number, blocks in written:
        if heading.id == "not_evaluated":
            blocks = [_not_evaluated(paper, empty)]
        elif not blocks and not _has_parts(heading):
            blocks = [Text(paper.say("not_performed", why=_why(paper, heading)), "missing")]
        yield Section(heading.id, number, _title(heading, paper.lang), heading.level, tuple(blocks))


def _why(paper: Paper, heading: Heading) -> str:
    asked = WHY.get(heading.id)
    return paper.say(asked(paper) if asked else heading.why_empty)


def numbered(paper: Paper) -> Iterator[tuple[Heading, str]]:
    """1, 1.1, 2 ... and the annexes A, B ..."""
    main = part = annex = 0
    for heading in headings():
        if heading.annex:
            annex += 1
            yield heading, paper.say("annex_number", letter=string.ascii_uppercase[annex - 1])
        elif heading.level == 1:
            main, part = main + 1, 0
            yield heading, str(main)
        else:
            part += 1
            yield heading, f"{main}.{part}"


def _blocks(paper: Paper, heading: Heading) -> list[Block]:
    write = content_of(heading)
    written: Iterable[Block] = write(paper) if write else ()
    return list(written)


def _has_parts(heading: Heading) -> bool:
    """A heading of level 1 that only gathers those of level 2 below it, or writes itself last."""
    order = headings()
    after = order.index(heading) + 1
    gathers = heading.level == 1 and after < len(order) and order[after].level == 2
    return gathers or heading.id == "not_evaluated"


def _title(heading: Heading, lang: Lang) -> str:
    return heading.zh if lang == "zh" else heading.en


def _not_evaluated(paper: Paper, empty: list[tuple[str, str]]) -> Block:
    return table(
        paper.say("not_evaluated_caption"),
        [Column(paper.say("item")), Column(paper.say("why"))],
        [list(row) for row in empty],
    )
