"""What became of the device beside the plain run: again, disturbed, and in how much time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from medassay.core.estimate import Estimate
from medassay.evaluation.robustness import Point, Robustness
from medassay.reports import numbers
from medassay.reports.document import Block, Cell, Code, Column, Text, facts, table
from medassay.reports.paper import Paper


def repeat_runs(paper: Paper) -> Iterable[Block]:
    found = paper.given.run.repeat
    if found is None:
        return
    same = found.samples - len(found.differing)
    yield Text(
        paper.say(
            "repeat_line",
            samples=numbers.count(found.samples),
            same=numbers.count(same),
            identical=numbers.count(same - len(found.other_bytes)),
            differing=numbers.count(len(found.differing)),
        )
    )
    for key, samples in (("repeat_differing", found.differing), ("repeat_other_bytes", found.other_bytes)):
        if samples:
            yield facts((paper.say(key), Code(", ".join(samples))))
    yield Text(paper.say("reproducibility_note"), "note")


def robustness(paper: Paper) -> Iterable[Block]:
    tested = paper.record.results.robustness
    if not tested:
        return
    run, endpoint = paper.given.run, paper.endpoint(paper.record.primary)
    yield Text(
        paper.say(
            "robustness_note",
            samples=numbers.count(tested[0].samples),
            subjects=numbers.count(tested[0].subjects),
            endpoint=endpoint,
            scorer=f"{run.task} {run.scorer_version}",
        )
    )
    rows = [row for one in tested for row in _rows(paper, one, one.points)]
    yield table(paper.say("robustness_caption", endpoint=endpoint), _columns(paper), rows)
    columns = [Column(paper.say("disturbance"), weight=1.6)]
    columns += [Column(paper.say(key), "right") for key in ("hold_to", "lost_at")]
    columns += [Column(paper.say("goal_holds"))]
    yield table(
        paper.say("robustness_limits_caption"),
        columns,
        [
            [
                title_of(paper, one),
                f"{one.hold_to:g}",
                paper.say("lost_nowhere") if one.lost_at is None else f"{one.lost_at:g}",
                _word(paper, one.held),
            ]
            for one in tested
        ],
    )


def stress(paper: Paper) -> Iterable[Block]:
    """The ends of the suite: what lies beyond the strength that has to hold."""
    beyond = [one for one in paper.record.results.robustness if one.points[-1].strength > one.hold_to]
    if not beyond:
        return
    yield Text(paper.say("stress_note"))
    rows = [row for one in beyond for row in _rows(paper, one, one.points[-1:])]
    caption = paper.say("robustness_caption", endpoint=paper.endpoint(paper.record.primary))
    yield table(caption, _columns(paper), rows)


def why_not_robust(paper: Paper) -> str:
    """A re-score has no answers to disturbed copies: they were not kept."""
    return "not_kept_for_rescore" if paper.given.run.supersedes and _asked(paper) else "no_perturbation"


def why_no_stress(paper: Paper) -> str:
    return "not_kept_for_rescore" if paper.given.run.supersedes and _asked(paper) else "no_stress"


def _asked(paper: Paper) -> bool:
    return paper.given.protocol.stress is not None and bool(paper.given.protocol.stress.conditions)


def timing(paper: Paper) -> Iterable[Block]:
    found = paper.given.timing
    if found is None:
        return
    slowest = paper.say("dash") if found.slowest_s is None else _seconds(paper, found.slowest_s)
    yield facts(
        (paper.say("timing_cases"), numbers.count(found.cases)),
        (paper.say("timing_total"), _seconds(paper, found.total_s)),
        (paper.say("timing_per_case"), numbers.point(found.per_case, paper.lang)),
        (paper.say("timing_median"), numbers.full(found.median, paper.lang)),
        (paper.say("timing_slowest"), slowest),
    )
    yield Text(paper.say("timing_note"), "note")


def title_of(paper: Paper, found: Robustness) -> str:
    """A condition by the protocol's own title."""
    asked = paper.given.protocol.stress
    titles = {one.id: one.title for one in asked.conditions} if asked else {}
    return paper.of(titles[found.condition])


def _columns(paper: Paper) -> list[Column]:
    # A reason why there is no interval is a sentence: it needs more room than an interval does.
    weights = {
        "strength": 0.9,
        "estimate": 0.8,
        "ci": 2.0,
        "change": 0.8,
        "change_ci": 1.7,
        "unanswered": 0.9,
    }
    columns = [Column(paper.say("disturbance"), weight=1.2)]
    columns += [Column(paper.say(key), "right", weight) for key, weight in weights.items()]
    return [*columns, Column(paper.say("goal_holds"), weight=0.7)]


def _rows(paper: Paper, found: Robustness, points: Iterable[Point]) -> Iterator[list[Cell]]:
    yield [
        title_of(paper, found),
        paper.say("strength_none"),
        *_figure(paper, found.undisturbed),
        *[paper.say("dash")] * 4,
    ]
    for point in points:
        yield [
            title_of(paper, found),
            f"{point.strength:g}",
            *_figure(paper, point.estimate),
            *_figure(paper, point.change),
            numbers.count(point.unanswered),
            _word(paper, point.goal_holds),
        ]


def _figure(paper: Paper, estimate: Estimate) -> tuple[str, str]:
    return numbers.point(estimate, paper.lang), numbers.interval(estimate, paper.lang)


def _word(paper: Paper, holds: bool | None) -> str:
    if holds is None:
        return paper.say("cleared_open")
    return paper.say("holds" if holds else "holds_not")


def _seconds(paper: Paper, value: float) -> str:
    return numbers.with_unit(numbers.number(value, "s"), "s", paper.lang)
