"""Page 1: what was tested on what, what came out, and what a reader must know before he believes it."""

from __future__ import annotations

import io

from medassay.core.errors import EnvironmentLacking
from medassay.core.terms import Lang
from medassay.datasets.flow import Flow
from medassay.reports import numbers
from medassay.reports.document import Cell, Code, Column, Cover, Signature, Table, Tone, Verdict, table
from medassay.reports.given import PARTS, UNITS
from medassay.reports.limits import Remark
from medassay.reports.paper import Paper, Words, time
from medassay.reports.record import ReportRecord

TONES: dict[str, Tone] = {
    "met": "good",
    "not_met": "bad",
    "insufficient": "open",
    "exploratory": "open",
    "demonstration_only": "open",
    "no_goal": "open",
}
SHOWN_LIMITS = 3
LONGEST_ON_COVER = 320


def cover_of(paper: Paper) -> Cover:
    """The first page of a report."""
    issue = paper.given.issue
    other: Lang = "en" if paper.lang == "zh" else "zh"
    statement = [paper.say(f"statement_{lang}") for lang in (paper.lang, other)]
    head: list[tuple[str, Cell]] = [
        (paper.say("report_number"), Code(paper.record.number)),
        (paper.say("status"), paper.say(f"status:{issue.status}")),
        (paper.say("bundle"), paper.say(f"bundle:{paper.edition}")),
    ]
    for key, number in (("replaces", issue.replaces), ("replaced_by", issue.replaced_by)):
        if number:
            head.append((paper.say(key), Code(number)))
    key = "signatures_demo_key" if paper.given.ledger.demo_key else "signatures_unsigned"
    return Cover(
        title=paper.say("title"),
        title_second=Words(other).say("title"),
        head=tuple(head),
        statement=tuple(statement),
        verdict=verdict_of(paper),
        groups=(
            (paper.say("group_evidence"), _evidence(paper)),
            (paper.say("group_product"), _product(paper)),
            (paper.say("group_protocol"), _protocol(paper)),
        ),
        flow=flow_table(paper, paper.given.flow),
        flow_note=scored_line(paper),
        limits_title=paper.say("main_limits"),
        limits=tuple(paper.remark(limit) for limit in main_limits(paper.record)),
        signatures=tuple(Signature(paper.say(role)) for role in ("prepared", "reviewed", "approved")),
        signatures_note=paper.say(key),
        qr_svg=qr(paper.record.digest),
        qr_caption=paper.say("qr_caption"),
        digest=paper.record.digest,
    )


def main_limits(record: ReportRecord) -> tuple[Remark, ...]:
    """The three gravest, and what the test set says of difficult and rare cases."""
    first = record.limits[:SHOWN_LIMITS]
    return (
        *first,
        *(one for one in record.limits[SHOWN_LIMITS:] if one.key == "limit:difficult_or_rare"),
    )


def verdict_of(paper: Paper) -> Verdict:
    record, primary = paper.record, paper.record.primary
    if primary.estimate is None:  # never for an endpoint over all subjects; the model allows it for subgroups
        raise EnvironmentLacking(
            found="a primary endpoint without a result",
            wanted="an estimate or the reason why there is none",
            remedy="Build the record again.",
        )
    limit = primary.goal.limit if primary.goal else None
    goal = (
        numbers.goal(primary.goal.direction, primary.goal.limit, primary.estimate.unit, paper.lang)
        if primary.goal
        else paper.say("no_goal_declared")
    )
    return Verdict(
        label=paper.say("verdict"),
        word=paper.say(f"verdict:{record.verdict}"),
        tone=TONES[record.verdict],
        endpoint=paper.say("primary_line", title=paper.endpoint(primary)),
        figure=paper.say(
            "primary_figures", figure=numbers.full(primary.estimate, paper.lang, against=limit), goal=goal
        ),
        size=paper.say(
            "primary_size",
            subjects=numbers.count(record.results.subjects),
            contributing=numbers.count(primary.n_subjects),
            samples=numbers.count(len(paper.given.run.cases)),
        ),
    )


def size_of(paper: Paper) -> dict[str, str]:
    """How many subjects the primary endpoint rests on, and how many the protocol asks for."""
    return {
        "subjects": numbers.count(paper.record.primary.n_subjects),
        "minimum": numbers.count(paper.given.protocol.minimum_subjects),
    }


def flow_table(paper: Words, flow: Flow) -> Table:
    """The case flow in files, samples and subjects: each line adds up."""
    columns = [Column(paper.say("flow_unit"), weight=1.2)]
    columns += [Column(paper.say(f"flow:{part}"), "right") for part in ("offered", *PARTS)]
    rows = [
        [
            paper.say(unit),
            *(numbers.count(getattr(getattr(flow, unit), part)) for part in ("offered", *PARTS)),
        ]
        for unit in UNITS
    ]
    return table(paper.say("flow_caption"), columns, rows)


def scored_line(paper: Paper) -> str:
    scope = paper.record.scope
    return paper.say(
        "scored_line",
        test=numbers.count(paper.given.flow.samples.test),
        by_prediction=numbers.count(scope.scored_by_prediction),
        by_rule=numbers.count(scope.scored_by_rule),
    )


def sealed(paper: Paper) -> str:
    sealing = paper.given.run.sealing
    if paper.record.scope.sealed:
        generated = paper.given.run.source_class == "synthetic"
        return paper.say("sealed_generated" if generated else "yes")
    why = paper.say("room_public") if sealing.public_data else paper.means(sealing.means)
    return paper.say("sealed_no_because", reason=why)


def locked(paper: Paper) -> str:
    """Whether the ledger proves that the protocol was fixed before labels opened."""
    facts = paper.given.ledger
    if facts.protocol_locked is None or facts.unsealed is None:
        return paper.say("locked_unknown")
    return paper.say(
        "locked_before" if facts.locked_first else "locked_after",
        locked=time(facts.protocol_locked.time),
        first=facts.protocol_locked.sequence,
        unsealed=time(facts.unsealed.time),
        second=facts.unsealed.sequence,
    )


def inspected(paper: Paper) -> str:
    record = paper.given.inspection
    if record is None:
        return paper.say("inspection_none")
    booked = paper.given.ledger.inspected
    issuer = record.issuer.name or paper.say(f"issuer_kind:{record.issuer.kind}")
    line = paper.say(
        "inspection_line",
        issuer=issuer,
        number=record.issuer.number,
        outcome=paper.say(f"outcome:{record.outcome.value}"),
        date=time(booked.time)[:10] if booked else paper.say("date_not_booked"),
    )
    return (
        paper.say("inspection_and_attached", line=line, count=len(record.attached))
        if record.attached
        else line
    )


def disease(paper: Paper) -> str:
    declared = paper.given.dataset.disease
    return paper.say("disease_line", name=paper.of(declared.name), codes=", ".join(declared.icd10))


def brief(paper: Paper, text: str) -> str:
    """A declared text for page 1; one that is too long stands there in part, and says where it is whole."""
    if width(text) <= LONGEST_ON_COVER:
        return text
    kept = ""
    for sign in text:
        if width(kept + sign) > LONGEST_ON_COVER:
            break
        kept += sign
    return paper.say("in_full_below", text=kept.rstrip())


def width(text: str) -> int:
    """In halves of a Chinese sign."""
    return sum(2 if ord(sign) > 0x2E80 else 1 for sign in text)


def qr(digest: str) -> bytes:
    """The digest as a QR code in SVG."""
    import segno

    sink = io.BytesIO()
    segno.make(digest, error="m", micro=False).save(
        sink, kind="svg", border=2, xmldecl=False, svgns=True, omitsize=True, dark="#000", light="#fff"
    )
    return sink.getvalue()


def _evidence(paper: Paper) -> tuple[tuple[str, Cell], ...]:
    scope = paper.record.scope
    counts = {name: numbers.count(n) for name, n in scope.subjects_by_class.items()}
    return (
        (paper.say("data_class"), paper.say("data_class_line", **counts)),
        (paper.say("sealed"), sealed(paper)),
        (paper.say("earlier_looks"), paper.say("earlier_looks_line", looks=scope.earlier_looks)),
        (paper.say("population_matches"), paper.say(f"population:{scope.population}")),
        (paper.say("subjects_disjoint"), paper.say(f"disjoint:{scope.disjoint}")),
    )


def _product(paper: Paper) -> tuple[tuple[str, Cell], ...]:
    given = paper.given
    return (
        (paper.say("product"), paper.of(given.device.name)),
        (paper.say("full_version"), Code(given.device.version)),
        (paper.say("submission_digest"), Code(given.run.submission)),
        (paper.say("client"), paper.of(given.device.client)),
        (paper.say("intended_use"), brief(paper, paper.of(given.device.intended_use))),
        (paper.say("disease"), disease(paper)),
        (
            paper.say("dataset"),
            paper.say(
                "dataset_line",
                stem=given.dataset.stem,
                source=given.dataset.source.name,
                version=given.dataset.version,
            ),
        ),
        (paper.say("dataset_digest"), Code(given.run.manifest)),
        (paper.say("inspection"), inspected(paper)),
    )


def _protocol(paper: Paper) -> tuple[tuple[str, Cell], ...]:
    return (
        (paper.say("protocol_digest"), Code(paper.record.digests["protocol"])),
        (paper.say("locked_unsealed"), locked(paper)),
        (paper.say("ledger_head"), Code(paper.given.ledger.head)),
    )
