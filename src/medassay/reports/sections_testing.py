"""What was asked, of which product, how, and what came out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from medassay.core.estimate import Estimate
from medassay.reports import numbers, plots
from medassay.reports.cover import disease, locked, sealed, size_of, verdict_of
from medassay.reports.document import Block, Cell, Code, Column, Picture, Text, facts, table
from medassay.reports.figures import Figure
from medassay.reports.paper import Paper, settings


def conclusion(paper: Paper) -> Iterable[Block]:
    shown, record = verdict_of(paper), paper.record
    yield facts(
        (shown.label, shown.word),
        (paper.say("endpoint"), shown.endpoint),
        (paper.say("result"), shown.figure),
    )
    yield Text(paper.say(f"conclusion_{record.verdict}", **size_of(paper)))
    yield Text(paper.say("verdict_rule"), "note")
    yield table(
        paper.say("limits_caption"),
        [Column("#", weight=0.06), Column(paper.say("limits_caption"))],
        [[str(n), paper.remark(limit)] for n, limit in enumerate(record.limits, 1)],
    )
    if not record.deviations:
        yield Text(paper.say("deviations_none"))
        return
    yield table(
        paper.say("deviations_caption"),
        [Column("#", weight=0.06), Column(paper.say("deviation"))],
        [[str(n), paper.remark(deviation)] for n, deviation in enumerate(record.deviations, 1)],
    )


def product(paper: Paper) -> Iterable[Block]:
    device, run = paper.given.device, paper.given.run
    yield facts(
        (paper.say("product"), paper.of(device.name)),
        (paper.say("full_version"), Code(device.version)),
        (paper.say("client"), paper.of(device.client)),
        (paper.say("intended_use"), paper.of(device.intended_use)),
        (paper.say("disease"), disease(paper)),
        (paper.say("device_parameters"), settings(device.parameters)),
        (paper.say("device_packages"), Code(", ".join(device.packages))),
        (paper.say("received"), paper.say("received_line")),
        (paper.say("submission_digest"), Code(run.submission)),
    )
    yield Text(paper.say("version_naming"), "note")


def requirements(paper: Paper) -> Iterable[Block]:
    given, source = paper.given, paper.given.dataset.source.name
    rows: list[list[Cell]] = []
    for endpoint in given.protocol.endpoints:
        figure = paper.record.figure(endpoint.id)
        unit = figure.estimate.unit if figure.estimate else "1"
        goal = endpoint.goals.get(source)
        role = paper.record.results.of(endpoint.id).standing
        rows.append(
            [
                paper.of(endpoint.title),
                Code(endpoint.metric if endpoint.of is None else f"{endpoint.metric}[{endpoint.of}]"),
                paper.say(f"role:{role}"),
                numbers.goal(goal.direction, goal.limit, unit, paper.lang)
                if goal
                else paper.say("goal_none"),
            ]
        )
    columns = [
        Column(paper.say("endpoint"), weight=1.5),
        Column(paper.say("metric"), weight=1.3),
        Column(paper.say("role"), weight=0.7),
        Column(paper.say("goal"), "right", weight=1.1),
    ]
    yield table(paper.say("requirements_caption"), columns, rows)
    yield facts(
        (paper.say("protocol_version"), given.protocol.version),
        (paper.say("minimum_subjects"), numbers.count(given.protocol.minimum_subjects)),
        (paper.say("protocol_digest"), Code(given.protocol.digest)),
        (paper.say("locked_unsealed"), locked(paper)),
        (paper.say("comparator"), _comparator(paper)),
    )
    yield from _plan(paper)


def _comparator(paper: Paper) -> str:
    found = paper.given.protocol.comparator
    if found is None:
        return paper.say("comparator_none")
    return paper.say(
        "comparator_line",
        title=paper.of(found.title),
        endpoint=paper.of(paper.given.protocol.of(found.endpoint).title),
        claim=paper.say(f"claim:{found.claim}"),
        margin=f"{found.margin:g}",
        reason=paper.of(found.reason),
    )


# What a plan's power rests on beside subjects and assumed figure: all that a reader needs to compute it again.
PLANNED_BY = {
    "proportion": ("per_subject", "correlation"),
    "mean": ("spread",),
    "rate": ("per_subject", "correlation"),
    "area": ("positives", "per_subject", "correlation"),
}


def _plan(paper: Paper) -> Iterable[Block]:
    """What the number of subjects was planned with, and the power that it buys."""
    plan = paper.given.protocol.sample_size.get(paper.given.dataset.source.name)
    if plan is None:
        yield Text(paper.say("size_none"))
        return
    keys = ["subjects", "assumed", *PLANNED_BY[plan.measure]]
    shown = {key: f"{getattr(plan, key):g}" for key in (*keys, "aim")} | {"power": f"{plan.power:.3f}"}
    keys += ["power", "aim"]
    yield table(
        paper.say("size_caption"),
        [Column(paper.say(f"size_{key}"), "right") for key in keys],
        [[shown[key] for key in keys]],
    )
    yield Text(paper.say(f"size_test:{plan.measure}"), "note")
    yield Text(paper.say("size_reason", reason=paper.of(plan.reason)), "note")
    if plan.shortfall:
        yield Text(paper.say("size_shortfall", reason=paper.of(plan.shortfall)))


def method(paper: Paper) -> Iterable[Block]:
    protocol, run = paper.given.protocol, paper.given.run

    def how(named: str) -> str:
        return paper.say(f"interval:{named}", replicates=protocol.replicates, seed=protocol.seed)

    yield facts(
        (paper.say("unit_of_analysis"), paper.say("unit_subject")),
        (paper.say("confidence"), numbers.percent(protocol.confidence)),
        (paper.say("intervals"), how(protocol.interval)),
        *(
            (paper.say("interval_of", endpoint=paper.of(one.title)), how(one.interval))
            for one in protocol.endpoints
            if one.interval is not None
        ),
        (paper.say("alpha"), f"{protocol.alpha:g}"),
        (paper.say("multiplicity"), _multiplicity(paper)),
        (paper.say("clusters"), paper.say("unit_subject")),
        (paper.say("empties"), paper.say(f"empties:{protocol.empties}")),
        (paper.say("missing_rule"), paper.say("missing_worst")),
        (paper.say("minimum_subjects"), numbers.count(protocol.minimum_subjects)),
        (paper.say("minimum_cell"), numbers.count(protocol.minimum_cell)),
        (paper.say("scorer_version"), f"{run.task} {run.scorer_version}"),
        (paper.say("scoring_options"), settings(run.options)),
        (paper.say("sealed"), sealed(paper)),
        (paper.say("room"), paper.means(run.sealing.means)),
        (paper.say("room_network"), paper.say(f"network:{run.sealing.network}")),
        (paper.say("room_labels"), paper.say(f"labels:{run.sealing.labels}")),
        (paper.say("earlier_looks"), paper.say("earlier_looks_line", looks=run.earlier_looks)),
    )
    if run.causality is not None:
        answer = paper.say("causality_held" if run.causality.held else "causality_not_held")
        yield facts(
            (
                paper.say("causality"),
                paper.say(
                    "causality_line",
                    copies=numbers.count(run.causality.copies),
                    differing=numbers.count(len(run.causality.differing)),
                    answer=answer,
                ),
            )
        )
    yield Text(paper.say("intervals_note"))
    yield Text(paper.say("sample_size_note"))


def _multiplicity(paper: Paper) -> str:
    protocol = paper.given.protocol
    if protocol.multiplicity == "single_primary":
        return paper.say("multiplicity:single_primary")
    tested = " → " if protocol.multiplicity == "fixed_sequence" else "; "
    return paper.say(
        f"multiplicity:{protocol.multiplicity}",
        tested=tested.join(paper.of(protocol.of(name).title) for name in protocol.tested),
    )


def results(paper: Paper) -> Iterable[Block]:
    main = [f for f in paper.record.figures if f.axis is None and f.choice is None]
    columns = [
        Column(paper.say("figure_id"), weight=0.4),
        Column(paper.say("endpoint"), weight=1.5),
        Column(paper.say("standing"), weight=0.8),
        Column(paper.say("estimate"), "right", weight=0.9),
        Column(paper.say("ci"), "right", weight=1.3),
        Column(paper.say("goal"), "right", weight=1),
        Column(paper.say("cleared"), weight=0.8),
        Column(paper.say("subjects"), "right", weight=0.6),
    ]
    caption = paper.say("results_caption", confidence=numbers.percent(paper.given.protocol.confidence))
    rows = [[f.id, paper.endpoint(f), _standing(paper, f), *_shown(paper, f)] for f in main]
    yield table(caption, columns, rows)
    run = paper.given.run
    yield Text(paper.say("results_note", scorer=f"{run.task} {run.scorer_version}"), "note")
    booked = paper.given.ledger.locked_first
    yield Text(paper.say("standing_note" if booked else "standing_none"), "note" if booked else "warning")
    yield from _family(paper, main)
    yield from _rescored(paper, main)
    yield from _over_readers(paper, main)
    yield from _forest(paper, main)
    choices = [f for f in paper.record.figures if f.choice is not None]
    if choices:
        yield table(
            paper.say("sensitivity_caption", endpoint=paper.endpoint(paper.record.primary)),
            [columns[0], Column(paper.say("choice"), weight=1.6), *columns[2:]],
            [
                [f.id, paper.say(f"choice:{f.choice}"), _standing(paper, f), *_shown(paper, f)]
                for f in choices
            ],
        )
        yield Text(paper.say("sensitivity_note"), "note")


def _standing(paper: Paper, figure: Figure) -> str:
    return paper.say(f"standing:{figure.standing}")


def _family(paper: Paper, main: list[Figure]) -> Iterator[Block]:
    """What came of each tested endpoint where several are."""
    if len(paper.given.protocol.tested) == 1:
        return
    rows: list[list[Cell]] = []
    for figure in main:
        result = paper.record.results.of(figure.endpoint)
        if result.standing == "descriptive" or result.verdict is None:
            continue
        word = paper.say(f"verdict:{result.verdict}")
        if result.decided_at is not None:
            word = paper.say("decided_at", verdict=word, confidence=numbers.percent(result.decided_at))
        rows.append([figure.id, paper.endpoint(figure), word])
    columns = [Column(paper.say(key)) for key in ("figure_id", "endpoint", "decided")]
    yield table(_multiplicity(paper), columns, rows)


def _rescored(paper: Paper, main: list[Figure]) -> Iterator[Block]:
    """Both figures of a re-score: the same predictions under two scorers."""
    old = paper.given.run.supersedes
    if old is None:
        return
    yield Text(
        paper.say("rescored_line", run=old.run, old=old.scorer_version, new=paper.given.run.scorer_version)
    )
    rows: list[list[Cell]] = [
        [
            figure.id,
            paper.endpoint(figure),
            numbers.full(old.figures[figure.endpoint], paper.lang)
            if figure.endpoint in old.figures
            else paper.say("dash"),
            numbers.full(figure.estimate, paper.lang) if figure.estimate else paper.say("dash"),
        ]
        for figure in main
    ]
    columns = [Column(paper.say(key)) for key in ("figure_id", "endpoint", "rescored_old", "rescored_new")]
    yield table(paper.say("rescored_caption"), columns, rows)


def _over_readers(paper: Paper, main: list[Figure]) -> Iterator[Block]:
    """What each reader's reference, and all of theirs, make of the same predictions."""
    found = {result.endpoint: result for result in paper.record.results.over_readers}
    if not found:
        return
    readers = range(max(result.readers for result in found.values()))
    rows: list[list[Cell]] = []
    for figure in main:
        result = found[figure.endpoint]
        estimates = (result.reference_standard, result.over_readers, *result.each_reader)
        wider = paper.say("dash") if result.widening is None else f"{result.widening:.2f}"
        rows.append(
            [
                figure.id,
                paper.endpoint(figure),
                *(numbers.full(one, paper.lang) for one in estimates[:2]),
                wider,
                *(numbers.full(one, paper.lang) for one in estimates[2:]),
            ]
        )
    columns = [
        Column(paper.say("figure_id"), weight=0.4),
        Column(paper.say("endpoint"), weight=1.2),
        Column(paper.say("readers_standard"), "right"),
        Column(paper.say("readers_over"), "right"),
        Column(paper.say("readers_wider"), "right", weight=0.5),
        *(Column(paper.say("reader_number", number=place + 1), "right") for place in readers),
    ]
    yield table(paper.say("readers_caption"), columns, rows)
    yield Text(paper.say("readers_note", readers=len(readers)), "note")


def subgroups(paper: Paper) -> Iterable[Block]:
    protocol = paper.given.protocol
    if not protocol.axes:
        return
    primary = [f for f in paper.record.figures if f.endpoint == protocol.primary and f.choice is None]
    lines = _lines(paper, primary)
    if len(lines) > 1:
        yield Picture(
            plots.forest([lines], limit=_limit(paper), labels=_labels(paper)),
            alt=paper.say("forest_alt", lines="; ".join(line.text for line in lines)),
            caption=paper.say("subgroup_forest_caption", endpoint=paper.endpoint(paper.record.primary)),
        )
    standing = "descriptive" if paper.given.ledger.locked_first else "exploratory"
    yield Text(paper.say("subgroups_note", standing=paper.say(f"standing:{standing}")), "note")
    for group in paper.record.results.subgroups:
        if not group.available:
            yield Text(paper.say("axis_not_available", axis=paper.axis(group.axis)), "missing")
        else:
            yield _subgroup(paper, group.axis)
    yield from _heterogeneity(paper)


def _heterogeneity(paper: Paper) -> Iterator[Block]:
    """The test of each axis, and what the worst subgroup comes to."""
    tested = [(g.axis, g.heterogeneity) for g in paper.record.results.subgroups if g.heterogeneity]
    if not tested:
        return
    rows: list[list[Cell]] = [
        [
            paper.axis(axis),
            numbers.count(found.groups),
            numbers.count(found.subjects),
            f"{found.p_value:.3f}"
            if found.p_value is not None
            else numbers.reason(found.undefined, paper.lang),
        ]
        for axis, found in tested
    ]
    keys = ("stratum", "groups", "subjects", "p_value")
    yield table(
        paper.say("heterogeneity_caption", endpoint=paper.endpoint(paper.record.primary)),
        [Column(paper.say(key), "left" if key == "stratum" else "right") for key in keys],
        rows,
    )
    worst = paper.record.results.worst_subgroup
    if worst is not None:
        yield Text(
            paper.say(
                "worst_subgroup",
                axis=paper.axis(worst.axis),
                level=paper.level(worst.axis, worst.level),
                subjects=numbers.count(worst.subjects),
                contributing=numbers.count(worst.estimate.n_subjects),
                figure=numbers.full(worst.estimate, paper.lang, against=_limit(paper)),
                verdict=paper.say(f"verdict:{worst.verdict or 'no_goal'}"),
            )
        )


def traceability(paper: Paper) -> Iterable[Block]:
    run = paper.given.run
    rows = []
    for endpoint in paper.given.protocol.endpoints:
        figure = paper.record.figure(endpoint.id)
        name = endpoint.metric if endpoint.of is None else f"{endpoint.metric}[{endpoint.of}]"
        estimate, _, goal, cleared, _ = _shown(paper, figure)
        rows.append(
            [
                f"{paper.of(endpoint.title)} {goal}",
                paper.say("test_case_line", metric=name, samples=numbers.count(len(run.cases))),
                figure.id,
                estimate,
                cleared,
            ]
        )
    columns = [
        Column(paper.say("requirement"), weight=1.5),
        Column(paper.say("test_case"), weight=1.7),
        Column(paper.say("figure_id"), weight=0.4),
        Column(paper.say("result"), "right", weight=0.9),
        Column(paper.say("cleared"), weight=0.8),
    ]
    yield table(paper.say("trace_caption"), columns, rows)
    yield facts(
        (paper.say("dataset_digest"), Code(run.manifest)),
        (paper.say("submission_digest"), Code(run.submission)),
        (paper.say("protocol_digest"), Code(run.protocol)),
        (paper.say("run_digest"), Code(paper.record.digests["run"])),
        (paper.say("code_digest"), Code(paper.given.code["source"])),
        (paper.say("ledger_head"), Code(paper.given.ledger.head)),
        (paper.say("ledger_entries"), numbers.count(paper.given.ledger.entries)),
        (paper.say("public_key"), Code(paper.given.ledger.key)),
    )


def _subgroup(paper: Paper, axis: str) -> Block:
    """All endpoints of one axis, endpoint by endpoint; a group too small to be shown has one row for all of them."""
    columns = [
        Column(paper.say("figure_id"), weight=0.5),
        Column(paper.say("endpoint"), weight=1.5),
        Column(paper.axis(axis), weight=1),
        Column(paper.say("subjects_of_group"), "right", weight=0.8),
        Column(paper.say("estimate"), "right", weight=0.9),
        Column(paper.say("ci"), "right", weight=1.4),
    ]
    here = [
        figure
        for endpoint in paper.given.protocol.endpoints
        for figure in paper.record.figures
        if figure.axis == axis and figure.endpoint == endpoint.id
    ]
    withheld: dict[str | None, list[Figure]] = {}
    for figure in here:
        if figure.estimate is None:
            withheld.setdefault(figure.level, []).append(figure)
    rows = [_subgroup_row(paper, axis, [figure]) for figure in here if figure.estimate is not None]
    rows += [_subgroup_row(paper, axis, figures) for figures in withheld.values()]
    return table(paper.say("subgroups_caption", stratum=paper.axis(axis)), columns, rows)


def _subgroup_row(paper: Paper, axis: str, figures: Sequence[Figure]) -> list[Cell]:
    """One figure of a group; or several of one group that are withheld alike."""
    first, several = figures[0], len(figures) > 1
    return [
        f"{first.id}–{figures[-1].id}" if several else first.id,
        paper.say("all_endpoints") if several else paper.endpoint(first),
        paper.level(axis, first.level),
        numbers.count(first.n_subjects)
        if first.estimate is None
        else f"{numbers.count(first.estimate.n_subjects)} / {numbers.count(first.n_subjects)}",
        *_estimate(paper, first),
    ]


def _shown(paper: Paper, figure: Figure) -> tuple[str, str, str, str, str]:
    """Estimate, interval, goal, whether it is cleared, subjects."""
    estimate, ends = _estimate(paper, figure)
    unit = figure.estimate.unit if figure.estimate else "1"
    if figure.goal is None:
        goal, cleared = paper.say("goal_none"), paper.say("dash")
    else:
        goal = numbers.goal(figure.goal.direction, figure.goal.limit, unit, paper.lang)
        cleared = paper.say("cleared_open") if figure.cleared is None else paper.yes_no(figure.cleared)
    return estimate, ends, goal, cleared, numbers.count(figure.n_subjects)


def _estimate(paper: Paper, figure: Figure) -> tuple[str, str]:
    if figure.estimate is None:
        return paper.say("dash"), paper.say("withheld", minimum=paper.given.protocol.minimum_cell)
    limit = figure.goal.limit if figure.goal else None
    return (
        numbers.point(figure.estimate, paper.lang, against=limit),
        numbers.interval(figure.estimate, paper.lang, against=limit),
    )


def _forest(paper: Paper, figures: list[Figure]) -> Iterator[Block]:
    """Endpoints of one unit share an axis; each unit has a plot of its own."""
    units: dict[str, list[Figure]] = {}
    for figure in figures:
        units.setdefault(figure.estimate.unit if figure.estimate else "1", []).append(figure)
    groups = [lines for group in units.values() if (lines := _lines(paper, group))]
    if groups:
        text = "; ".join(line.text for group in groups for line in group)
        yield Picture(
            plots.forest(groups, labels=_labels(paper)),
            alt=paper.say("forest_alt", lines=text),
            caption=paper.say("forest_caption"),
        )


def _lines(paper: Paper, figures: list[Figure]) -> list[plots.Line]:
    """What can be drawn: a figure that is withheld or not estimable stands in the table alone."""
    return [
        _line(paper, figure, figure.estimate, figure.estimate.value)
        for figure in figures
        if figure.estimate is not None and figure.estimate.value is not None
    ]


def _line(paper: Paper, figure: Figure, estimate: Estimate, value: float) -> plots.Line:
    if figure.axis is None:
        name = paper.endpoint(figure) if figure.choice is None else paper.say(f"choice:{figure.choice}")
    else:
        name = f"{paper.axis(figure.axis)} · {paper.level(figure.axis, figure.level)}"
    limit = figure.goal.limit if figure.goal else None
    return plots.Line(
        name=name,
        value=value,
        lower=estimate.lower,
        upper=estimate.upper,
        goal=limit,
        subjects=estimate.n_subjects,  # those whom the figure rests on
        figure=numbers.point(estimate, paper.lang, against=limit),
        interval=numbers.interval(estimate, paper.lang, against=limit),
    )


def _limit(paper: Paper) -> float | None:
    goal = paper.record.primary.goal
    return goal.limit if goal else None


def _labels(paper: Paper) -> plots.Labels:
    return plots.Labels(goal=paper.say("forest_goal"), subjects=paper.say("subjects"))
