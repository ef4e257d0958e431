"""Which data: sources, lawful basis, quality, reference standard, construction, and what the device learned on."""

from __future__ import annotations

from collections.abc import Iterable

from medassay.datasets.spec import CohortRule, SourceClass
from medassay.reports import numbers, plots
from medassay.reports.cover import disease, flow_table, inspected, scored_line
from medassay.reports.document import Block, Cell, Code, Column, Picture, Text, facts, table
from medassay.reports.inspected import agreement_tables, attached_table, cause_table, gate_tables
from medassay.reports.paper import Paper, settings

COHORT = ("before", "outside", "not_stated", "after")


def dataset(paper: Paper) -> Iterable[Block]:
    declared = paper.given.dataset
    yield facts(
        (paper.say("dataset"), paper.of(declared.title)),
        (
            paper.say("dataset_id"),
            paper.say(
                "dataset_line", stem=declared.stem, source=declared.source.name, version=declared.version
            ),
        ),
        (paper.say("disease"), disease(paper)),
        (paper.say("dataset_digest"), Code(paper.given.run.manifest)),
        (paper.say("inspection"), inspected(paper)),
    )


def dataset_sources(paper: Paper) -> Iterable[Block]:
    declared, source = paper.given.dataset, paper.given.dataset.source
    yield facts(
        (paper.say("source"), source.name),
        (paper.say("source_class"), paper.say(f"class:{source.source_class.value}")),
        (paper.say("kind"), f"{declared.kind} · {declared.task}"),
        (paper.say("form"), source.form),
        (paper.say("citation"), paper.stated(source.citation)),
        (paper.say("target_population"), paper.of(declared.target_population)),
        (paper.say("population_matches"), paper.say(f"population:{paper.record.scope.population}")),
    )
    if declared.cohort:
        yield _cohort(paper)
    if paper.record.observed:
        yield table(
            paper.say("observed_caption"),
            [
                Column(paper.say("stratum")),
                Column(paper.say("group"), weight=1.6),
                Column(paper.say("subjects"), "right", weight=0.7),
                Column(paper.say("samples"), "right", weight=0.7),
            ],
            [
                [
                    paper.axis(group.axis),
                    paper.level(group.axis, group.level),
                    numbers.count(group.subjects),
                    numbers.count(group.samples),
                ]
                for group in paper.record.observed
            ],
        )


def _cohort(paper: Paper) -> Block:
    """Inclusion rules and what each took out, among the samples still in."""
    funnel = {step.rule: step for step in paper.given.flow.cohort}
    rows: list[list[Cell]] = []
    for rule in paper.given.dataset.cohort:
        step = funnel.get(rule.id)
        counts = (step.before, step.outside, step.not_stated, step.after) if step else ()
        shown = [numbers.count(n) for n in counts] or [paper.say("dash")] * 4
        rows.append([paper.of(rule.title), Code(rule.column), _condition(paper, rule), *shown])
    columns = [
        Column(paper.say("rule"), weight=1.5),
        Column(paper.say("rule_column"), weight=1.1),
        Column(paper.say("condition"), weight=1.1),
        *(Column(paper.say(f"cohort:{name}"), "right", weight=0.7) for name in COHORT),
    ]
    return table(paper.say("cohort_caption"), columns, rows)


def lawful_basis(paper: Paper) -> Iterable[Block]:
    basis = paper.given.dataset.source.lawful_basis
    rows: list[tuple[str, Cell]] = [(paper.say("licence"), basis.licence)]
    if paper.given.dataset.source.source_class == SourceClass.REAL:
        consent = paper.say(f"consent:{basis.consent}") if basis.consent else paper.say("not_stated")
        rows += [
            (paper.say("ethics_approval"), paper.stated(basis.ethics_approval)),
            (paper.say("ethics_scope"), paper.stated(basis.ethics_scope)),
            (paper.say("ethics_expires"), paper.stated(basis.ethics_expires)),
            (paper.say("consent"), consent),
            (paper.say("data_level"), paper.stated(basis.data_level)),
            (paper.say("site_agreement"), paper.stated(basis.site_agreement)),
            (paper.say("genetic_resources"), paper.stated(basis.genetic_resources)),
        ]
    yield facts(*rows)
    if paper.given.dataset.source.source_class != SourceClass.REAL:
        yield Text(paper.say("licence_only"), "note")


def curation(paper: Paper) -> Iterable[Block]:
    yield Text(paper.say("curation_note"))
    if paper.given.inspection is not None:
        yield from gate_tables(paper, paper.given.inspection.gate)
        yield from attached_table(paper, paper.given.inspection.attached)
    yield table(
        paper.say("chain_caption"),
        [
            Column(paper.say("step"), weight=0.5),
            Column(paper.say("outcome"), weight=0.5),
            Column(paper.say("findings"), "right", weight=0.45),
            Column(paper.say("digest"), weight=3),
        ],
        [
            [
                Code(step.kind),
                paper.say(f"outcome:{step.outcome.value}"),
                numbers.count(step.findings),
                Code(step.digest),
            ]
            for step in paper.given.chain
        ],
    )
    yield from cause_table(paper, paper.given.flow)
    reasons = [(step.kind, reason, n) for step in paper.given.chain for reason, n in step.reasons.items()]
    if reasons:
        yield table(
            paper.say("reason_counts_caption"),
            [Column(paper.say("step")), Column(paper.say("reason")), Column(paper.say("count"), "right")],
            [
                [Code(kind), paper.word(f"reason:{reason}", reason), numbers.count(n)]
                for kind, reason, n in reasons
            ],
        )


def reference_standard(paper: Paper) -> Iterable[Block]:
    agreement, spec = paper.given.agreement, paper.given.annotation
    if agreement is None:
        return
    yield facts(
        (paper.say("reference_method"), paper.say(f"method:{agreement.method}")),
        (paper.say("annotation_version"), spec.version),
    )
    yield table(
        paper.say("classes_caption"),
        [
            Column(paper.say("code"), weight=0.4),
            Column(paper.say("label_class"), weight=0.9),
            Column(paper.say("definition"), weight=2.2),
        ],
        [[Code(one.code), paper.of(one.title), paper.of(one.definition)] for one in spec.classes],
    )
    yield from agreement_tables(paper, agreement)


def construction(paper: Paper) -> Iterable[Block]:
    declared = paper.given.dataset
    split = declared.split
    line = paper.say(
        "split_line",
        train=f"{split.train:g}",
        tune=f"{split.tune:g}",
        test=f"{split.test:g}",
        strata=", ".join(paper.axis(axis) for axis in split.stratify) or paper.say("dash"),
        seed=split.seed,
    )
    yield facts(
        (
            paper.say("split_rule"),
            paper.say("split_published") if declared.source.published_division else line,
        )
    )
    yield flow_table(paper, paper.given.flow)
    yield Text(scored_line(paper))


def disjointness(paper: Paper) -> Iterable[Block]:
    verdict = paper.record.scope.disjoint
    yield facts(
        (paper.say("subjects_disjoint"), paper.say(f"disjoint:{verdict}")),
        (
            paper.say("persons_joined"),
            numbers.count(paper.given.dataset.source.persons_joined_from_outside),
        ),
    )
    yield Text(paper.say(f"disjoint_{verdict}"), "plain" if verdict == "proven" else "warning")
    alike = sum(step.reasons.get("same_subject", 0) for step in paper.given.chain if step.kind == "freeze")
    if alike:
        yield Text(paper.say("near_copies", count=numbers.count(alike)), "warning")


def training(paper: Paper) -> Iterable[Block]:
    record, flow = paper.given.training, paper.given.flow
    if record is None:
        return
    counts = f"{numbers.count(flow.samples.train)} / {numbers.count(flow.samples.tune)}"
    yield facts(
        (paper.say("training_by"), paper.say(f"training:{record.by}")),
        (paper.say("training_counts"), counts),
        (
            paper.say("training_parameters"),
            settings(record.parameters) if record.parameters else paper.say("not_stated"),
        ),
        (paper.say("training_room"), paper.means(record.sandbox) or paper.say("not_stated")),
    )
    curves = {name: points for name, points in record.curves.items() if len(points) > 1}
    if curves:
        last = ", ".join(f"{name} {points[-1][1]:.4g}" for name, points in curves.items())
        steps = max(len(points) for points in curves.values())
        yield Picture(
            plots.curves(curves, step=paper.say("epoch")),
            alt=paper.say("training_curve_alt", epochs=steps, last=last),
            caption=paper.say("training_curve"),
        )


def _condition(paper: Paper, rule: CohortRule) -> str:
    if rule.among is not None:
        return paper.say("rule_among", values=", ".join(rule.among))
    if rule.minimum is not None and rule.maximum is not None:
        return paper.say("rule_bounds", lower=f"{rule.minimum:g}", upper=f"{rule.maximum:g}")
    if rule.minimum is not None:
        return paper.say("rule_at_least", lower=f"{rule.minimum:g}")
    return paper.say("rule_at_most", upper=f"{rule.maximum:g}")
