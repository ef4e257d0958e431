"""Readers' disagreement in the device's interval: each endpoint against every single reader, and over all of them.

The verdict follows the reference standard. Beside it stands what other readers' references would have made of the same
predictions: readers and subjects are both drawn again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pydantic import Field

from medassay.core.estimate import Estimate
from medassay.core.record import Record
from medassay.evaluation.figure import Asked
from medassay.evaluation.scorer import Metric
from medassay.evaluation.subject_table import SubjectTable
from medassay.evaluation.sufficient import Statistics


class ReadersResult(Record):
    """One endpoint over the readers' references, beside the same kind of interval against the reference standard."""

    endpoint: str
    readers: int = Field(ge=2)
    reference_standard: Estimate = Field(description="resampled over subjects alone")
    over_readers: Estimate = Field(description="resampled over readers and subjects")
    each_reader: tuple[Estimate, ...] = Field(description="in the order in which the readers are declared")
    widening: float | None = Field(description="width of the second interval over that of the first")
    remarks: tuple[str, ...] = ()


def readers_results(
    formulas: Mapping[str, Metric],
    table: SubjectTable,
    readers: Sequence[Sequence[Statistics]],
    asked: Asked,
) -> tuple[ReadersResult, ...]:
    """Every endpoint over two or more readers; nothing where fewer read the test samples.

    Parameters
    ----------
    formulas : endpoint to metric
    table : SubjectTable
        The subjects against the reference standard.
    readers : sequences of rows in the table's order of subjects
        The same predictions against each reader; a subject whom a reader did not read has an empty row.
    asked : Asked
        Seed, replicates and confidence; the intervals are percentiles, since no other form knows of readers.
    """
    if len(readers) < 2:
        return ()
    tables = [SubjectTable(table.subjects, rows, uncounted="zero") for rows in readers]
    percentiles = asked.by(interval="percentile")
    found = []
    for endpoint, metric in formulas.items():
        result = table.figure(metric).over_readers([one.figure(metric) for one in tables], percentiles)
        found.append(
            ReadersResult(
                endpoint=endpoint,
                readers=len(readers),
                reference_standard=result.consensus,
                over_readers=result.over_readers,
                each_reader=result.each_reader,
                widening=result.widening,
                remarks=result.remarks,
            )
        )
    return tuple(found)
