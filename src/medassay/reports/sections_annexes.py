"""What a reader needs to check the rest: index of figures, environment, double entry, steps of verification."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from medassay.core.terms import Lang, terms
from medassay.reports import numbers
from medassay.reports.cover import locked, size_of
from medassay.reports.document import Block, Cell, Code, Column, Text, facts, table
from medassay.reports.figures import Figure
from medassay.reports.paper import Paper, counts, formula

# The notions that this report itself uses; the table of terms holds more.
TERMS = (
    "intended_use",
    "test_set",
    "sealed_test_set",
    "tuning_set",
    "reference_standard",
    "annotation_agreement",
    "arbitration",
    "pass_criteria",
    "confidence_interval",
    "subgroup_analysis",
    "sensitivity",
    "positive_predictive_value",
    "false_negative",
    "false_positive",
    "traceability",
    "de_identification",
)


def signatures(paper: Paper) -> Iterable[Block]:
    yield Text(paper.say(f"conclusion_{paper.record.verdict}", **size_of(paper)))
    yield table(
        paper.say("signed_none"),
        [Column(paper.say("role_of_signature"), weight=0.5), Column(paper.say("sign_place"), weight=2)],
        [[paper.say(role), ""] for role in ("prepared", "reviewed", "approved")],
    )
    key = "signatures_demo_key" if paper.given.ledger.demo_key else "signatures_unsigned"
    yield Text(paper.say(key), "note")


def annex_terms(paper: Paper) -> Iterable[Block]:
    documents = sorted({paper.of(check.source) for check in paper.given.quality.checks if check.source})
    if documents:
        yield table(
            paper.say("standards_caption"),
            [Column("#", weight=0.06), Column(paper.say("check_source"))],
            [[str(n), name] for n, name in enumerate(documents, 1)],
        )
    known = terms()
    other: Lang = "en" if paper.lang == "zh" else "zh"
    yield table(
        paper.say("terms_caption"),
        [
            Column(paper.say("term")),
            Column(paper.say("term_other")),
            Column(paper.say("term_source"), weight=1.6),
        ],
        [
            [
                known[key].in_language(paper.lang),
                known[key].in_language(other),
                _source(paper, known[key].source, known[key].checked),
            ]
            for key in TERMS
        ],
    )


def annex_dataset_card(paper: Paper) -> Iterable[Block]:
    declared, flow = paper.given.dataset, paper.given.flow
    yield facts(
        (paper.say("card_title"), paper.of(declared.title)),
        (paper.say("version"), declared.version),
        (paper.say("dataset_digest"), Code(paper.given.run.manifest)),
        (paper.say("intended_use"), paper.of(declared.intended_use)),
        (paper.say("target_population"), paper.of(declared.target_population)),
        (paper.say("licence"), declared.source.lawful_basis.licence),
        (paper.say("citation"), paper.stated(declared.source.citation)),
        *(
            (
                paper.say(f"flow:{part}"),
                f"{numbers.count(getattr(flow.samples, part))} {paper.say('samples')} · "
                f"{numbers.count(getattr(flow.subjects, part))} {paper.say('subjects')}",
            )
            for part in ("train", "tune", "test")
        ),
    )


def annex_figures(paper: Paper) -> Iterable[Block]:
    """Three tables that each list every id once: its formula, its rows, and how its interval was made."""
    code = paper.given.code
    yield Text(paper.say("index_code", version=code["medassay"], source=code["source"][:16]))
    figures = paper.record.figures
    formulas = [(paper.endpoint(f), formula(f)) for f in figures]
    columns = [Column(paper.say("figure"), weight=1.3), Column(paper.say("formula"), weight=1.5)]
    ids = Column(paper.say("ids"), weight=1.6)
    yield table(paper.say("index_caption"), [*columns, ids], _listed(figures, formulas))
    rows = [(_rows(paper, figure),) for figure in figures]
    yield table(
        paper.say("index_rows_caption"), [Column(paper.say("rows"), weight=1.4), ids], _listed(figures, rows)
    )
    methods: list[tuple[Cell]] = [
        (Code(f.estimate.method),) if f.estimate and f.estimate.method else (paper.say("index_none"),)
        for f in figures
    ]
    yield table(
        paper.say("index_methods_caption"),
        [Column(paper.say("interval_method"), weight=1.4), ids],
        _listed(figures, methods),
    )


def _listed(figures: Sequence[Figure], keys: Sequence[tuple[Cell, ...]]) -> list[list[Cell]]:
    """Each key once, with the ids of its figures; consecutive ids as a range."""
    numbers_of: dict[tuple[Cell, ...], list[int]] = {}
    for figure, key in zip(figures, keys, strict=True):
        numbers_of.setdefault(key, []).append(int(figure.id[1:]))
    return [[*key, _ranges(found)] for key, found in numbers_of.items()]


def _ranges(found: Sequence[int]) -> str:
    runs: list[list[int]] = []
    for number in found:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ", ".join(f"F{run[0]}" if len(run) == 1 else f"F{run[0]}–F{run[-1]}" for run in runs)


def _rows(paper: Paper, figure: Figure) -> str:
    if figure.axis is not None:
        level = paper.level(figure.axis, figure.level)
        return paper.say("rows_of", axis=paper.axis(figure.axis), level=level)
    if figure.choice is None:
        return paper.say("rows_all")
    choice = paper.say(f"choice:{figure.choice}")
    if figure.left_out is None:
        return choice
    return paper.say("rows_left_out", choice=choice, subject=figure.left_out)


def annex_subjects(paper: Paper) -> Iterable[Block]:
    yield Text(paper.say("subjects_note"), "note")
    yield Text(paper.say("zeros_note"), "note")
    yield table(
        paper.say("subjects_caption"),
        [
            Column(paper.say("subject"), weight=0.9),
            Column(paper.say("group"), weight=1.1),
            Column(paper.say("samples"), "right", weight=0.4),
            Column(paper.say("values"), weight=2),
        ],
        [
            [
                Code(row.subject),
                "; ".join(
                    f"{paper.axis(axis)} {paper.level(axis, level)}"
                    for axis, level in sorted(row.strata.items())
                    if level
                )
                or paper.say("not_available"),
                numbers.count(row.samples),
                counts(paper.asked(row.statistics)),
            ]
            for row in paper.given.run.subjects
        ],
    )


def annex_environment(paper: Paper) -> Iterable[Block]:
    versions = {"medassay": paper.given.code["medassay"], **paper.given.environment}
    yield table(
        paper.say("environment_caption"),
        [Column(paper.say("package")), Column(paper.say("version"))],
        [[Code(name), Code(number)] for name, number in versions.items()],
    )
    yield facts((paper.say("code_digest"), Code(paper.given.code["source"])))


def annex_scoring(paper: Paper) -> Iterable[Block]:
    run = paper.given.run
    yield facts((paper.say("scorer_version"), f"{run.task} {run.scorer_version}"))
    if not run.second_entry:
        yield Text(paper.say("double_entry_none"), "missing")
        return
    yield table(
        paper.say("double_entry_caption"),
        [
            Column(paper.say("statistic"), weight=1.4),
            Column(paper.say("first"), "right"),
            Column(paper.say("second"), "right"),
            Column(paper.say("tolerance"), "right", weight=0.7),
            Column(paper.say("agrees"), weight=0.5),
        ],
        [
            [
                Code(entry.statistic),
                f"{entry.first:.10g}",
                f"{entry.second:.10g}",
                f"{entry.tolerance:g}",
                paper.yes_no(entry.agrees),
            ]
            for entry in run.second_entry
        ],
    )


def annex_staff(paper: Paper) -> Iterable[Block]:
    yield facts(
        (paper.say("dates_line"), locked(paper)),
        (paper.say("place_line"), paper.say("place_none")),
    )
    yield Text(paper.say("staff_line"))


def annex_issuer(paper: Paper) -> Iterable[Block]:
    issue = paper.given.issue
    yield facts((paper.say("issuer"), issue.issuer or paper.say(f"issuer_kind:{issue.issuer_kind}")))
    yield Text(paper.say(f"issuer_{issue.issuer_kind}"))


def annex_verify(paper: Paper) -> Iterable[Block]:
    for number in range(1, 5):
        yield Text(f"{number}. {paper.say(f'verify_{number}')}")
    yield facts((paper.say("qr_caption"), Code(paper.record.digest)))


def annex_copying(paper: Paper) -> Iterable[Block]:
    yield Text(paper.say("copying"))


def _source(paper: Paper, source: str, checked: str) -> str:
    if source == "usual":
        return paper.say("term_usual_bare")
    return source if checked == "read" else paper.say("term_usual", source=source)
