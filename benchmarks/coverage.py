"""Make the table of interval coverage that `medassay.statistics.coverage` answers from.

    python -P benchmarks/coverage.py [--methods NAME ...] [--studies N]

Every method in every scenario of the table: all outcomes enumerated where a person has one event, else simulated
studies of beta-binomial people. Rows of methods that are not asked for stay as they are. The bootstrap methods
take some minutes each; the same seed gives the same table.
"""

from __future__ import annotations

import argparse
import csv
import time
from io import StringIO
from pathlib import Path

import medassay.statistics.coverage as coverage

TABLE = Path(coverage.__file__).with_suffix(".csv")
COLUMNS = (
    *("method", "clusters", "size", "correlation", "proportion"),
    *("coverage", "width", "given", "standard_error"),
)
HEAD = (
    "# Made by benchmarks/coverage.py ({studies} studies a scenario): coverage of nominal 95 % intervals.\n"
)


def main() -> None:
    """Compute the rows of the methods asked for and write them beside the others."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--methods", nargs="+", choices=coverage.METHODS, default=list(coverage.METHODS))
    parser.add_argument("--studies", type=int, default=2000)
    given = parser.parse_args()
    kept = [row for row in _rows() if row["method"] not in given.methods]
    for method in given.methods:
        began = time.monotonic()
        made = [_row(method, scenario, given.studies) for scenario in coverage.scenarios()]
        kept += made
        low = sum(bool(row["coverage"]) and float(row["coverage"]) < coverage.LOWEST for row in made)
        print(
            f"{method:16s} {len(made)} scenarios, {low} below {coverage.LOWEST}, "
            f"{time.monotonic() - began:.0f} s"
        )
    order = {method: place for place, method in enumerate(coverage.METHODS)}
    kept.sort(key=lambda row: order[row["method"]])
    with StringIO() as text:
        text.write(HEAD.format(studies=given.studies))
        writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(kept)
        TABLE.write_text(text.getvalue(), encoding="utf-8")


def _rows() -> list[dict[str, str]]:
    if not TABLE.exists():
        return []
    lines = [line for line in TABLE.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    return list(csv.DictReader(lines))


def _row(method: str, scenario: coverage.Scenario, studies: int) -> dict[str, str]:
    found = coverage.simulated_coverage(method, scenario, studies=studies)
    return {
        "method": method,
        "clusters": str(scenario.clusters),
        "size": str(scenario.size),
        "correlation": f"{scenario.correlation:g}",
        "proportion": f"{scenario.proportion:g}",
        "coverage": "" if found.coverage is None else f"{found.coverage:.4f}",
        "width": "" if found.width is None else f"{found.width:.4f}",
        "given": f"{found.given:.4f}",
        "standard_error": f"{found.standard_error:.4f}",
    }


if __name__ == "__main__":
    main()
