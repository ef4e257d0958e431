"""Tables of an inspection that the report and the inspection record both show."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from medassay.datasets.flow import Flow
from medassay.quality.certificate import Attachment, GateResult
from medassay.reports import numbers
from medassay.reports.document import Block, Cell, Code, Column, Text, table
from medassay.reports.given import Agreement
from medassay.reports.paper import Words
from medassay.reports.sentences import sentences


def gate_tables(words: Words, gate: GateResult) -> Iterator[Block]:
    """Checks with the document that asks for each, and limits of the dataset as a whole."""
    if gate.checks:
        yield table(
            words.say("checks_caption"),
            [
                Column(words.say("check"), weight=1.7),
                Column(words.say("severity"), weight=0.6),
                Column(words.say("checked"), "right", weight=0.6),
                Column(words.say("failed"), "right", weight=0.7),
                Column(words.say("check_source"), weight=1.8),
            ],
            [
                [
                    words.of(check.title),
                    words.say(f"severity:{check.severity}"),
                    words.say("not_for_source") if check.applied is None else numbers.count(check.applied),
                    words.say("dash") if check.failed is None else numbers.count(check.failed),
                    words.of(check.source),
                ]
                for check in gate.checks
            ],
        )
    if gate.limits:
        yield table(
            words.say("limits_of_set_caption"),
            [
                Column(words.say("limit"), weight=2.2),
                Column(words.say("limit_declared"), "right"),
                Column(words.say("limit_found"), "right"),
                Column(words.say("limit_kept"), weight=0.6),
            ],
            [
                [
                    words.say(f"set_limit:{one.id}")
                    if one.column is None
                    else words.say(
                        f"set_limit:{one.id}", column=words.word(f"stratum:{one.column}", one.column)
                    ),
                    f"{one.limit:g}",
                    f"{one.found:.4g}",
                    words.yes_no(one.kept),
                ]
                for one in gate.limits
            ],
        )


def attached_table(words: Words, documents: Sequence[Attachment]) -> Iterator[Block]:
    """Third parties' documents on this version, each by what its issuer answers for."""
    if documents:
        yield table(
            words.say("attached_caption"),
            [
                Column(words.say("issuer"), weight=1.6),
                Column(words.say("attached_act"), weight=0.8),
                Column(words.say("inspection_number"), weight=0.8),
                Column("SHA-256", weight=2.4),
            ],
            [
                [one.issuer.name, words.say(f"act:{one.act}"), one.issuer.number, Code(one.document)]
                for one in documents
            ],
        )


def cause_table(words: Words, flow: Flow) -> Iterator[Block]:
    """Why samples left, each at the first check that it failed."""
    causes = [*flow.refused, *flow.excluded]
    if causes:
        yield table(
            words.say("causes_caption"),
            [
                Column(words.say("step"), weight=0.6),
                Column(words.say("check"), weight=1.4),
                Column(words.say("reason"), weight=1.4),
                Column(words.say("samples"), "right", weight=0.5),
            ],
            [
                [
                    Code(one.stage),
                    Code(one.check),
                    words.word(f"reason:{one.reason}", one.reason),
                    numbers.count(one.samples),
                ]
                for one in causes
            ],
        )


def agreement_tables(words: Words, agreement: Agreement) -> Iterable[Block]:
    """How labels came about, and how far two readers agreed before arbitration."""
    if agreement.not_performed:
        yield Text(words.say("agreement_not_performed", reason=_why(words, agreement)), "missing")
        return
    yield table(
        words.say("how_caption"),
        [Column(words.say("how")), Column(words.say("samples"), "right")],
        [
            [words.say(f"how:{how}"), numbers.count(getattr(agreement, how))]
            for how in ("agreed", "arbitrated", "unresolved")
        ],
    )
    yield table(
        words.say("agreement_caption", samples=agreement.samples, subjects=agreement.subjects),
        [
            Column(words.say("figure"), weight=1.6),
            Column(words.say("value"), "right", weight=0.8),
            Column(words.say("ci"), "right", weight=1.5),
            Column(words.say("limit"), "right", weight=0.6),
            Column(words.say("below"), "right", weight=0.8),
        ],
        [
            [
                agreement_name(words, one.name),
                numbers.point(one.estimate, words.lang, against=one.limit),
                numbers.interval(one.estimate, words.lang, against=one.limit),
                words.say("dash") if one.limit is None else f"≥ {one.limit:g}",
                numbers.count(one.below),
            ]
            for one in agreement.figures
        ],
    )


def agreement_name(words: Words, name: str) -> Cell:
    """A measure of agreement by its term, with the class it is of; one without a term by its own name."""
    measure, _, of = name.removesuffix("]").partition("[")
    if f"agreement:{measure}" not in sentences():
        return Code(name)
    title = words.say(f"agreement:{measure}")
    return f"{title} · {of}" if of else title


def _why(words: Words, agreement: Agreement) -> str:
    """The reason in the reader's language where the way itself is the reason; else as it was recorded."""
    if agreement.method == "reads":
        return agreement.not_performed
    return words.say(f"method:{agreement.method}")
