"""The inspection record of a dataset (数据集质量自检报告) as HTML and PDF in both languages.

An inspection is measured; the paper speaks of nothing else. Its words for title, statement and aspects come
from the record itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from medassay.annotation.agreement import AgreementRecord
from medassay.core.canonical import digest_of
from medassay.core.terms import Lang
from medassay.quality.certificate import Certificate
from medassay.reports import numbers
from medassay.reports.cover import SHOWN_LIMITS, flow_table, qr
from medassay.reports.document import (
    UNDATED,
    Block,
    Cell,
    Code,
    Column,
    Cover,
    Document,
    Section,
    Signature,
    Text,
    Tone,
    Verdict,
    facts,
    table,
)
from medassay.reports.given import Agreement
from medassay.reports.html import html_of
from medassay.reports.inspected import agreement_tables, cause_table, gate_tables
from medassay.reports.paper import Words
from medassay.reports.pdf import pdf_of
from medassay.reports.sentences import headings, of
from medassay.trust.evidence import Outcome

TONES: dict[Outcome, Tone] = {Outcome.PASSED: "good", Outcome.FAILED: "bad", Outcome.REFUSED: "bad"}


def render_certificate_html(certificate: Certificate, lang: Lang) -> bytes:
    """The inspection record as one HTML file."""
    return html_of(compose_certificate(certificate, lang))


def render_certificate_pdf(certificate: Certificate, lang: Lang) -> bytes:
    """The inspection record as PDF/A-2b."""
    return pdf_of(compose_certificate(certificate, lang))


def compose_certificate(certificate: Certificate, lang: Lang) -> Document:
    """The inspection record in one language."""
    words = Words(lang)
    digest = digest_of(certificate.model_dump(mode="json"))
    return Document(
        lang=lang,
        title=words.of(certificate.title),
        number=certificate.issuer.number,
        digest=digest,
        dated=UNDATED,
        contents_title=words.say("contents"),
        page_of=words.say("page_of", page="{page}", pages="{pages}"),
        cover=_cover(words, certificate, digest),
        sections=tuple(_sections(words, certificate)),
    )


def _cover(words: Words, record: Certificate, digest: str) -> Cover:
    other: Lang = "en" if words.lang == "zh" else "zh"
    left_out = [aspect for aspect in record.aspects if not aspect.performed]
    own = record.issuer.kind == "self"
    issuer = record.issuer.name or words.say(f"issuer_kind:{record.issuer.kind}")
    return Cover(
        title=words.of(record.title),
        title_second=of(record.title, other),
        head=(
            (words.say("inspection_number"), Code(record.issuer.number)),
            (words.say("issuer"), issuer),
        ),
        statement=(words.of(record.statement), of(record.statement, other)),
        verdict=Verdict(
            label=words.say("inspection_outcome"),
            word=words.say(f"outcome:{record.outcome.value}"),
            tone=TONES.get(record.outcome, "open"),
            endpoint=words.say("inspection_meaning"),
            figure=words.say(
                "inspection_performed", performed=len(record.aspects) - len(left_out), open=len(left_out)
            ),
            size=f"{words.say('subjects')} {record.subjects} · {words.say('samples')} {record.samples}",
        ),
        groups=(
            (words.say("inspection_group"), _dataset(words, record)),
            (words.say("inspection_basis"), _basis(words, record)),
        ),
        flow=flow_table(words, record.flow),
        flow_note="",
        limits_title=words.say("not_assessed_title"),
        limits=tuple(
            f"{words.of(aspect.title)} · {words.of(aspect.how)}" for aspect in left_out[:SHOWN_LIMITS]
        )
        or (words.say("nothing_left_out"),),
        signatures=tuple(Signature(words.say(role)) for role in ("prepared", "reviewed", "approved")),
        signatures_note=words.say("signatures_inspection_self" if own else "signatures_inspection"),
        qr_svg=qr(digest),
        qr_caption=words.say("qr_caption"),
        digest=digest,
    )


def _dataset(words: Words, record: Certificate) -> tuple[tuple[str, Cell], ...]:
    return (
        (words.say("dataset"), record.dataset),
        (words.say("source"), f"{record.source} · {words.say(f'class:{record.source_class}')}"),
        (words.say("dataset_spec_version"), record.spec_version),
        (words.say("dataset_digest"), Code(record.manifest)),
        (words.say("subjects_disjoint"), words.say(f"disjoint:{record.disjointness}")),
    )


def _basis(words: Words, record: Certificate) -> tuple[tuple[str, Cell], ...]:
    return (
        (words.say("quality_spec_version"), record.quality_spec_version),
        (words.say("gate_evidence"), Code(record.gate.evidence)),
        (words.say("annotation_evidence"), Code(record.annotation.evidence)),
    )


def _sections(words: Words, record: Certificate) -> Iterator[Section]:
    written: dict[str, Callable[[], Iterable[Block]]] = {
        "subject_of_inspection": lambda: _subject(words, record),
        "sampling": lambda: _audit(words, record),
        "checks": lambda: _checks(words, record),
        "agreement": lambda: _agreement(words, record),
        "flow": lambda: [flow_table(words, record.flow), *cause_table(words, record.flow)],
        "not_assessed": lambda: _aspects(words, record),
    }
    for number, heading in enumerate(headings("inspection"), 1):
        write = written.get(heading.id)
        blocks = list(write()) if write else []
        if not blocks:
            why = words.say(heading.why_empty)
            blocks = [Text(words.say("not_performed", why=why), "missing")]
        title = heading.zh if words.lang == "zh" else heading.en
        yield Section(heading.id, str(number), title, heading.level, tuple(blocks))


def _subject(words: Words, record: Certificate) -> Iterable[Block]:
    yield facts(
        *_dataset(words, record),
        (words.say("subjects"), numbers.count(record.subjects)),
        (words.say("samples"), numbers.count(record.samples)),
        *_basis(words, record),
    )


def _audit(words: Words, record: Certificate) -> Iterable[Block]:
    audit = record.label_audit
    if audit.not_performed is not None:
        yield Text(words.of(audit.not_performed), "missing")
    if audit.plan is None:
        return
    plan = audit.plan
    yield Text(words.say("plan_caption"))
    yield facts(
        (words.say("plan_lot"), numbers.count(plan.lot_size)),
        (words.say("plan_sample"), numbers.count(plan.sample_size)),
        (words.say("plan_acceptance"), numbers.count(plan.acceptance_number)),
        (
            words.say("plan_quality"),
            words.say(
                "plan_quality_line",
                share=numbers.percent(plan.limiting_quality),
                defectives=numbers.count(plan.limiting_defectives),
            ),
        ),
        (
            words.say("plan_risk"),
            words.say(
                "plan_risk_line",
                declared=numbers.percent(plan.consumers_risk),
                found=f"{100 * plan.risk_of_plan:.3g}%",
            ),
        ),
        (words.say("plan_source"), words.stated(audit.source)),
    )
    if audit.wrong is not None and audit.accepted is not None:
        most = numbers.count(audit.most_wrong) if audit.most_wrong is not None else words.say("dash")
        yield facts(
            (words.say("audit_wrong"), numbers.count(audit.wrong)),
            (words.say("audit_accepted"), words.yes_no(audit.accepted)),
            (words.say("audit_most"), most),
        )
    yield table(
        words.say("drawn_caption"),
        [Column("#", weight=0.1), Column(words.say("case_id"))],
        [[str(number), Code(sample)] for number, sample in enumerate(audit.drawn, 1)],
    )


def _checks(words: Words, record: Certificate) -> Iterable[Block]:
    gate = record.gate
    yield facts(
        (words.say("inspection_outcome"), words.say(f"outcome:{gate.outcome.value}")),
        (words.say("checked"), numbers.count(gate.samples_assessed)),
        (words.say("excluded_share"), numbers.full(gate.excluded_samples, words.lang)),
        (words.say("touched_share"), numbers.full(gate.touched_subjects, words.lang)),
    )
    yield from gate_tables(words, gate)


def _agreement(words: Words, record: Certificate) -> Iterable[Block]:
    agreement = Agreement.of(AgreementRecord.model_validate(record.annotation.agreement))
    yield facts(
        (words.say("inspection_outcome"), words.say(f"outcome:{record.annotation.outcome.value}")),
        (words.say("reference_method"), words.say(f"method:{agreement.method}")),
    )
    yield from agreement_tables(words, agreement)


def _aspects(words: Words, record: Certificate) -> Iterable[Block]:
    yield table(
        words.say("aspects_caption"),
        [
            Column(words.say("aspect"), weight=1.3),
            Column(words.say("aspect_performed"), weight=0.4),
            Column(words.say("aspect_how"), weight=2),
        ],
        [
            [words.of(aspect.title), words.yes_no(aspect.performed), words.of(aspect.how)]
            for aspect in record.aspects
        ],
    )
