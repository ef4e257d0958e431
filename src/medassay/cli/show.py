"""Records as Rich tables on a terminal, or as JSON for machines."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

if TYPE_CHECKING:
    from medassay.core.estimate import Estimate
    from medassay.datasets.inspect import Inspected
    from medassay.datasets.versions import Dynamics
    from medassay.datasets.withdraw import HeldObjects
    from medassay.reports.verify import Verified
    from medassay.trust.evidence import Evidence
    from medassay.verbs.check import Checked
    from medassay.verbs.score import ScoreTable
    from medassay.verbs.status import Row, Status

MOST_FINDINGS = 12
WIDE = 120  # columns that the status table needs


def evidence(record: Evidence, as_json: bool) -> None:
    """Outcome, counts and findings of one step."""
    if as_json:
        print(record.model_dump_json())
        return
    console = Console()
    console.print(
        f"{record.kind} {record.target}: [bold]{record.outcome.value}[/]  evidence {record.digest[:12]}"
    )
    if record.counts:
        console.print("  " + " · ".join(f"{name} {count}" for name, count in record.counts.items()))
    by_reason: dict[tuple[str, str], int] = {}
    for finding in record.findings:
        by_reason[finding.severity, finding.reason] = by_reason.get((finding.severity, finding.reason), 0) + 1
    for (severity, reason), count in sorted(by_reason.items(), key=lambda item: -item[1])[:MOST_FINDINGS]:
        console.print(f"  {severity:8} {reason:24} {count}")
    for finding in record.findings if record.kind == "withdraw" else ():
        console.print(f"  still there: {escape(finding.found)}.\n    {escape(finding.remedy)}")


def table(rows: Sequence[dict[str, Any]], as_json: bool, *, title: str = "") -> None:
    """Rows with one set of columns."""
    if as_json:
        print(json.dumps(rows, ensure_ascii=False))
        return
    shown = Table(title=title or None, show_lines=False)
    for column in rows[0] if rows else ():
        shown.add_column(column, overflow="fold")
    for row in rows:
        shown.add_row(*("" if value is None else escape(str(value)) for value in row.values()))
    Console().print(shown)


def record(value: dict[str, Any], as_json: bool) -> None:
    """One flat record."""
    if as_json:
        print(json.dumps(value, ensure_ascii=False))
        return
    for name, item in value.items():
        print(f"{name:24} {item}")


def dynamics(found: Dynamics, as_json: bool) -> None:
    """How many samples came, went, moved and changed, then each that came or went with the reason."""
    if as_json:
        print(found.model_dump_json())
        return
    print(f"from {found.previous or 'nothing'}\nto   {found.version}")
    record(dict(found.counts), False)
    lines = [("added", one) for one in found.added] + [("withdrawn", one) for one in found.withdrawn]
    rows = [
        {"change": kind, "sample": one.sample, "subject": one.subject, "part": one.part, "why": one.why}
        for kind, one in lines
    ]
    rows += [
        {
            "change": "moved",
            "sample": one.sample,
            "subject": one.subject,
            "part": f"{one.before} > {one.after}",
            "why": "",
        }
        for one in found.moved
    ]
    if rows:
        table(rows, False)


def status(found: Status, as_json: bool, *, sets_only: bool = False) -> None:
    """A row for each source and device; the public sets with where to get them."""
    if as_json:
        print(json.dumps(asdict(found), ensure_ascii=False))
        return
    if not sets_only:
        _rows(found.rows)
    lacking = [public for public in found.public_sets if not public.present]
    for public in lacking if sets_only else ():
        print(f"missing: {public.folder} (source '{public.source}' of {public.dataset}). {public.obtain}")
    if sets_only and not lacking:
        print("all public sets are there")


def _rows(rows: Sequence[Row]) -> None:
    """A table, and a line a path below it, where the terminal is wide enough; else a block a row."""
    console = Console()
    if console.is_terminal and console.width >= WIDE:
        columns = ("disease", "quality", "primary", "goal", "verdict")
        table(
            [{"dataset": f"{r.dataset}\n{r.source}", **{c: getattr(r, c) for c in columns}} for r in rows],
            False,
        )
        for row in rows:
            told = f"report {row.report}" if row.report else f"next {row.next}" if row.next else row.verdict
            print(f"{row.dataset}/{row.source}  {row.device}  {told}")
        return
    for row in rows:
        console.print(f"[bold]{row.dataset}/{row.source}[/]", highlight=False)
        for name, value in _told(row).items():
            if value:
                print(f"  {name:9} {value}")


def _told(row: Row) -> dict[str, str]:
    return {name: value for name, value in asdict(row).items() if name not in ("dataset", "source")}


def score(found: ScoreTable, as_json: bool) -> None:
    """A row for each figure, then what became of the cases."""
    if as_json:
        print(found.model_dump_json())
        return
    rows = [
        {"figure": name, "value": _figure(estimate), "n": estimate.n_events}
        for name, estimate in found.figures.items()
    ]
    table(rows, False, title=f"{found.task}, scorer {found.scorer_version}")
    _tests_and_criteria(found)
    by_status: dict[str, int] = {}
    for case in found.cases:
        by_status[case.status] = by_status.get(case.status, 0) + 1
    print(" · ".join(f"{status} {count}" for status, count in by_status.items()), end="")
    print(f" · intervals over {found.unit_of_analysis.replace('_', ' ')}s", end="")
    print(f" · {len(found.double_entry)} figures entered twice, all alike")
    for remark in found.remarks:
        print(f"  {remark}")


def _tests_and_criteria(found: ScoreTable) -> None:
    for name, test in found.tests.items():
        p_value = test.undefined if test.p_value is None else f"p = {test.p_value:.4g}"
        print(f"{name}: {p_value} ({test.test})")
    for judged in found.criteria:
        print(
            f"{judged.verdict.replace('_', ' ')}: {judged.name}, {_figure(judged.value)}, "
            f"wanted {judged.relation} {judged.limit:g}, n {judged.n} of {judged.needed} ({judged.source})"
        )


def _figure(estimate: Estimate) -> str:
    if estimate.value is None:
        return f"not estimable: {estimate.undefined}"
    if estimate.lower is None or estimate.upper is None:
        return f"{estimate.value:.4f} ({estimate.undefined})"
    confidence = 100 * (estimate.confidence or 0)
    return f"{estimate.value:.4f} ({confidence:.0f}% CI {estimate.lower:.4f} to {estimate.upper:.4f})"


def inspection(found: Checked, as_json: bool) -> None:
    """A row a file, then what is wrong."""
    if as_json:
        files = [
            {
                "file": file.file,
                "form": file.form,
                "facts": dict(file.facts),
                "findings": [finding.model_dump(mode="json") for finding in file.findings],
            }
            for file in found.files
        ]
        findings = [finding.model_dump(mode="json") for finding in found.findings]
        print(json.dumps({"files": files, "findings": findings}, ensure_ascii=False))
        return
    by_form: dict[str, list[Inspected]] = {}
    for file in found.files:
        by_form.setdefault(file.form, []).append(file)
    rows = [
        {"form": form, "files": len(group), "refused": sum(file.refused for file in group)}
        for form, group in sorted(by_form.items())
    ]
    table(rows, False)
    console = Console()
    wrong = [(file.file, finding) for file in found.files for finding in file.findings]
    for where, finding in [*wrong, *(("", finding) for finding in found.findings)]:
        console.print(
            f"{where or 'as a whole'}: {finding.severity} {finding.reason}", highlight=False, markup=False
        )
        console.print(
            f"    found {finding.found}; wanted {finding.wanted}. {finding.remedy}",
            highlight=False,
            markup=False,
        )
    if not wrong and not found.findings:
        print("nothing wrong was found")


def held(target: str, digest: str, found: HeldObjects, as_json: bool) -> None:
    """How many objects of a version are there or were erased with their subject, and each that is lost."""
    if as_json:
        lost = [finding.model_dump(mode="json") for finding in found.findings]
        counts = {"present": found.present, "withdrawn": found.withdrawn, "lost": len(lost)}
        told = {"version": digest, "target": target, "passed": found.holds, **counts, "findings": lost}
        print(json.dumps(told, ensure_ascii=False))
        return
    for finding in found.findings:
        print(
            f"DIFFERS: {finding.where} of {finding.sample}\n  found   {finding.found}\n  wanted  {finding.wanted}"
        )
        print(f"  do      {finding.remedy}")
    print(f"version {digest} of {target}")
    print(
        f"objects: {found.present} there · {found.withdrawn} erased with their subject · {len(found.findings)} lost"
    )


def verified(found: Verified, as_json: bool) -> None:
    """The first difference before everything else, then how much was held against what."""
    if as_json:
        checks = [asdict(check) for check in found.checks]
        print(
            json.dumps(
                {"level": found.level, "digest": found.digest, "passed": found.passed, "checks": checks}
            )
        )
        return
    first = found.first_difference
    if first:
        print(f"DIFFERS: {first.name} {first.where}\n  found   {first.found}\n  wanted  {first.wanted}")
    by_outcome: dict[str, int] = {}
    for check in found.checks:
        by_outcome[check.outcome.value] = by_outcome.get(check.outcome.value, 0) + 1
    print(f"level: {found.level} · " + " · ".join(f"{name} {count}" for name, count in by_outcome.items()))
    for check in found.checks:
        if check.outcome.value == "not_assessed":
            print(f"  not assessed: {check.name}: {check.found}")
    print(f"SHA-256 of the record: {found.digest}")
