"""Where the device was wrong: sums, statuses and the worst samples, with pictures for the auditor alone."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from medassay.core.canonical import digest_bytes
from medassay.core.errors import EvidenceBroken
from medassay.core.rooms import module_of
from medassay.reports import numbers
from medassay.reports.document import Block, Code, Column, Picture, Text, table
from medassay.reports.paper import Paper, counts
from medassay.room.record import CaseRow

WORST = 12
STATUSES = ("ok", "failed", "abstained", "unreadable")


def errors(paper: Paper) -> Iterable[Block]:
    run = paper.given.run
    yield table(
        paper.say("errors_caption"),
        [Column(paper.say("statistic"), weight=2), Column(paper.say("sum"), "right")],
        [[Code(name), numbers.count(value)] for name, value in paper.asked(paper.record.sums).items()],
    )
    statuses: Counter[str] = Counter(case.status for case in run.cases)
    yield table(
        paper.say("status_caption"),
        [Column(paper.say("case_status"), weight=2), Column(paper.say("samples"), "right")],
        [[paper.say(f"case:{status}"), numbers.count(statuses[status])] for status in STATUSES],
    )
    worst = worst_cases(paper)
    yield table(
        paper.say("worst_caption", count=len(worst)),
        [
            Column(paper.say("case_id"), weight=1.3),
            Column(paper.say("case_status"), weight=0.5),
            Column(paper.say("badness"), "right", weight=0.55),
            Column(paper.say("values"), weight=2.4),
        ],
        [
            [
                Code(case.sample),
                paper.say(f"case:{case.status}"),
                numbers.count(case.badness),
                counts(paper.asked(case.statistics)),
            ]
            for case in worst
        ],
    )
    yield Text(paper.say("zeros_note"), "note")
    if paper.edition == "maker":
        yield Text(paper.say("pictures_maker"), "note")
    else:
        yield from _pictures(paper, worst)
    yield Text(paper.say("risk_note"), "note")


def worst_cases(paper: Paper) -> list[CaseRow]:
    """The worst first; samples without any error are none of them."""
    ordered = sorted(paper.given.run.cases, key=lambda case: (-case.badness, case.sample))
    return [case for case in ordered if case.badness > 0][:WORST]


def _pictures(paper: Paper, worst: list[CaseRow]) -> Iterator[Block]:
    pictured = [(case, case.excerpt) for case in worst if case.excerpt is not None]
    for case, digest in pictured:
        content = paper.excerpts.get(digest)
        if content is None:
            yield Text(paper.say("picture_absent", sample=case.sample), "missing")
            continue
        if digest_bytes(content) != digest:
            raise EvidenceBroken(
                found="an excerpt that is not the one scored",
                wanted=f"the excerpt {digest[:12]}…",
                remedy="Take the excerpts of this run from the store.",
                where=f"sample {case.sample}",
            )
        yield _picture(paper, case, json.loads(content))


def _picture(paper: Paper, case: CaseRow, excerpt: dict[str, Any]) -> Picture:
    task = module_of("medassay.reports.pictures", paper.given.run.task, what="pictures of task")
    status = paper.say(f"case:{case.status}")
    badness = numbers.count(case.badness)
    return Picture(
        task.draw(excerpt, paper.lang),
        alt=paper.say("picture_alt", sample=case.sample, badness=badness, status=status),
        caption=paper.say("picture_caption", sample=case.sample),
    )
