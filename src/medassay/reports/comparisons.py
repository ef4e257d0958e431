"""The tested device beside others on the same cases: differences that follow from both runs' subjects."""

from __future__ import annotations

from pydantic import Field

from medassay.evaluation.comparison import Difference, compare
from medassay.reports.given import Compared, Given, Part


class Comparison(Part):
    """All endpoints against one other device or version, paired by subject."""

    run: str = Field(description="digest of the other's run record")
    differences: tuple[Difference, ...]


def comparisons_of(given: Given) -> tuple[Comparison, ...]:
    """Every comparison that the report was given, under its own protocol."""
    return tuple(
        Comparison(run=other.run, differences=differences_of(given, other)) for other in given.compared
    )


def differences_of(given: Given, other: Compared) -> tuple[Difference, ...]:
    """This report's device minus the other; a claim counts only where it was booked before the labels opened."""
    return compare(
        given.protocol,
        {name: metric.as_metric() for name, metric in given.metrics.items()},
        {row.subject: row.statistics for row in given.run.subjects},
        other.statistics,
        synthetic=given.run.source_class == "synthetic",
        booked=given.ledger.locked_first,
    )


def compared_of(number: str, run: str, given: Given) -> Compared:
    """What a comparison takes from another report.

    Parameters
    ----------
    number, run : of that report, and the digest of its run record.
    """
    return Compared(
        number=number,
        name=given.device.name,
        device=given.run.device,
        version=given.run.device_version,
        submission=given.run.submission,
        run=run,
        manifest=given.run.manifest,
        task=given.run.task,
        scorer_version=given.run.scorer_version,
        options=given.run.options,
        statistics={row.subject: row.statistics for row in given.run.subjects},
    )
