"""`medassay compare NEW EARLIER`: two reports of one test version, paired by subject. Needs no workspace."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from medassay.core.errors import WrongUse

if TYPE_CHECKING:
    from medassay.evaluation.comparison import Difference
    from medassay.reports.record import ReportRecord


def run(new: Path, earlier: Path) -> tuple[Difference, ...]:
    """Differences under the new report's protocol; the claim is judged only where that protocol names one.

    Raises
    ------
    WrongUse
        When a file is no report, or the two differ in test version, scorer or conventions: their figures would
        then differ by more than the device.
    """
    from medassay.evaluation.comparison import compare

    first, second = _read(new), _read(earlier)
    for what, one, other in (
        ("dataset version", first.given.run.manifest, second.given.run.manifest),
        ("task", first.given.run.task, second.given.run.task),
        ("scorer version", first.given.run.scorer_version, second.given.run.scorer_version),
        ("scoring conventions", first.given.run.options, second.given.run.options),
    ):
        if one != other:
            raise WrongUse(
                found=f"{what} {str(other)[:64]}",
                wanted=f"{str(one)[:64]}, as in the other report",
                remedy="Validate both on one test version; `medassay validate --rescore` scores old predictions "
                "with the scorer of today.",
                where=str(earlier),
            )
    metrics = {name: metric.as_metric() for name, metric in first.given.metrics.items()}
    sides = [{row.subject: row.statistics for row in record.given.run.subjects} for record in (first, second)]
    return compare(first.given.protocol, metrics, sides[0], sides[1])


def _read(path: Path) -> ReportRecord:
    from medassay.reports.record import ReportRecord

    try:
        return ReportRecord.model_validate(json.loads(path.read_bytes()))
    except (OSError, ValueError, ValidationError):
        raise WrongUse(
            found="a file that is no report",
            wanted="the JSON record that `medassay report` wrote",
            remedy="Name reports/DATASET/SOURCE/DEVICE.json.",
            where=str(path),
        ) from None
