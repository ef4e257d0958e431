"""The tested device beside another device or version: paired on the same test cases, or why there is none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from medassay.core.estimate import Estimate
from medassay.evaluation.comparison import Difference
from medassay.reports import numbers
from medassay.reports.comparisons import Comparison
from medassay.reports.document import Block, Cell, Code, Column, Text, facts, table
from medassay.reports.given import Compared
from medassay.reports.paper import Paper

LEFT = ("figure_id", "endpoint", "claim")
WIDTHS = {
    "figure_id": 0.4,
    "endpoint": 1.5,
    "this_device": 0.9,
    "other_device": 0.9,
    "difference": 0.9,
    "ci": 1.2,
    "mcnemar": 0.8,
    "claim": 1.3,
}


def comparison(paper: Paper) -> Iterable[Block]:
    number = 0
    for other, found in zip(paper.given.compared, paper.record.comparisons, strict=True):
        yield from _comparison(paper, other, found, number)
        number += len(found.differences)
    if paper.given.compared:
        yield Text(
            paper.say("comparison_note", subjects=numbers.count(paper.record.results.subjects)), "note"
        )


def why_no_comparison(paper: Paper) -> str:
    """A comparator that the protocol names and nobody compared with is missing in another way than none."""
    return "comparator_not_compared" if paper.given.protocol.comparator else "no_comparison"


def _comparison(paper: Paper, other: Compared, found: Comparison, before: int) -> Iterator[Block]:
    yield facts(
        (paper.say("other_device"), f"{paper.of(other.name)} {other.version}"),
        (paper.say("report_number"), Code(other.number)),
        (paper.say("submission_digest"), Code(other.submission)),
        (paper.say("run_digest"), Code(other.run)),
    )
    columns = [
        Column(paper.say(key), "left" if key in LEFT else "right", weight) for key, weight in WIDTHS.items()
    ]
    rows = [_row(paper, n, one) for n, one in enumerate(found.differences, before + 1)]
    confidence = numbers.percent(paper.given.protocol.confidence)
    yield table(paper.say("comparison_caption", confidence=confidence), columns, rows)
    methods = sorted({one.difference.method for one in found.differences if one.difference.method})
    if methods:
        yield facts((paper.say("interval_method"), Code("; ".join(methods))))


def _row(paper: Paper, number: int, found: Difference) -> list[Cell]:
    title = paper.of(paper.given.protocol.of(found.endpoint).title)
    return [
        f"C{number}",
        title,
        numbers.point(found.new, paper.lang),
        numbers.point(found.earlier, paper.lang),
        _signed(paper, found.difference),
        numbers.interval(found.difference, paper.lang, against=0),
        paper.say("dash") if found.mcnemar_p is None else f"{found.mcnemar_p:.3f}",
        _claim(paper, found),
    ]


def _signed(paper: Paper, difference: Estimate) -> str:
    text = numbers.point(difference, paper.lang, against=0)
    return f"+{text}" if difference.value is not None and difference.value > 0 else text


def _claim(paper: Paper, found: Difference) -> str:
    """What the protocol claimed and what came of it; a difference that nobody claimed is exploratory."""
    if found.claim is None:
        return paper.say("standing:exploratory")
    claimed = paper.say(f"claim:{found.claim.claim}")
    outcome = paper.say(f"claim_outcome:{found.claim.outcome}")
    return paper.say("claim_line", claim=claimed, margin=f"{found.claim.margin:g}", outcome=outcome)
