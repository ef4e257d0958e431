"""Look at every file of a folder of public data, and write the counted outcome per folder as a page.

Run: python -P benchmarks/real_files.py FOLDER PAGE [--only NAME ...]

Each folder below FOLDER is checked as `medassay check` does, in a process of its own. Nothing of a file's content or
name enters the page: forms, outcomes and reasons alone, with their counts.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

INTRO = """# Real files, and what became of each

Public files of hospitals, devices and test suites, several of them damaged by history or on purpose. Each was looked
at by content alone, as `medassay check FOLDER` does; the folders are public data that are not part of this repository.
A file is *described* (its form is known and it can be read; remarks may stand beside it) or *refused* (with the
reasons given). No file ended the process, and no bad file cost its neighbours.

Written by `python -P benchmarks/real_files.py FOLDER docs/real-files.md`.

| folder | files | described | without remark | refused | seconds |
|---|---|---|---|---|---|
"""


@dataclass(frozen=True)
class Outcome:
    folder: str
    files: int
    described: int
    plain: int
    refused: int
    seconds: float
    forms: Counter[tuple[str, str]]
    reasons: Counter[tuple[str, str]]
    whole: Counter[str]


def looked_at(folder: Path) -> Outcome:
    """Check one folder and count."""
    from medassay.core.findings import Severity
    from medassay.datasets.inspect import inspect

    started = time.monotonic()
    rows, findings = inspect(folder)
    forms: Counter[tuple[str, str]] = Counter()
    reasons: Counter[tuple[str, str]] = Counter()
    for row in rows:
        forms[row.form, "refused" if row.refused else "described"] += 1
        worst = Severity.REFUSE if row.refused else Severity.WARN
        reasons.update({(f.reason.value, f.severity.value) for f in row.findings if f.severity is worst})
    told = (Severity.WARN, Severity.EXCLUDE, Severity.REFUSE)
    return Outcome(
        folder.name,
        len(rows),
        sum(not row.refused for row in rows),
        sum(not any(f.severity in told for f in row.findings) for row in rows),
        sum(row.refused for row in rows),
        time.monotonic() - started,
        forms,
        reasons,
        Counter(finding.reason.value for finding in findings),
    )


def main() -> int:
    """Write the page; 1 if a folder ended its process."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("page", type=Path)
    parser.add_argument("--only", nargs="*", default=[])
    given = parser.parse_args()
    folders = sorted(path for path in given.folder.iterdir() if path.is_dir())
    folders = [path for path in folders if not given.only or path.name in given.only]
    outcomes, died = [], []
    for folder in folders:
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            try:
                outcomes.append(pool.submit(looked_at, folder).result())
            except Exception as error:  # noqa: BLE001 - what ended a folder is what this script looks for
                died.append(folder.name)
                print(f"{folder.name}: {type(error).__name__}", file=sys.stderr)
        print(f"{folder.name} done", file=sys.stderr)
    given.page.write_text(page(outcomes), encoding="utf-8")
    return 1 if died else 0


def page(outcomes: list[Outcome]) -> str:
    """The table of folders, then each folder's forms and reasons."""
    lines = [
        f"| {o.folder} | {o.files} | {o.described} | {o.plain} | {o.refused} | {o.seconds:.1f} |"
        for o in outcomes
    ]
    total = [sum(getattr(o, name) for o in outcomes) for name in ("files", "described", "plain", "refused")]
    lines.append(f"| **all** | {' | '.join(map(str, total))} | {sum(o.seconds for o in outcomes):.1f} |")
    parts = [section(outcome) for outcome in outcomes]
    return INTRO + "\n".join(lines) + "\n\n" + "\n".join(parts)


def section(outcome: Outcome) -> str:
    """One folder: forms with their outcomes, then reasons of refused and of described files."""
    names = sorted({form for form, _ in outcome.forms})
    forms = [
        f"| {name} | {outcome.forms[name, 'described'] or ''} | {outcome.forms[name, 'refused'] or ''} |"
        for name in names
    ]
    told = {
        severity: ", ".join(
            f"{reason} {n}" for (reason, s), n in sorted(outcome.reasons.items()) if s == severity
        )
        for severity in ("refuse", "warn")
    }
    text = [f"## {outcome.folder}", "", "| form | described | refused |", "|---|---|---|", *forms, ""]
    text += [f"Files refused for: {told['refuse']}.", ""] if told["refuse"] else []
    text += [f"Files described with remarks on: {told['warn']}.", ""] if told["warn"] else []
    whole = ", ".join(f"{reason} {count}" for reason, count in sorted(outcome.whole.items()))
    text += [f"Series and folders with remarks on: {whole}.", ""] if whole else []
    return "\n".join(text)


if __name__ == "__main__":
    sys.exit(main())
