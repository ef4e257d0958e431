"""The gate: accepted samples held to the quality spec, row by row, and the dataset to its limits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from medassay.core.errors import WrongUse
from medassay.core.findings import Finding, Reason, Severity
from medassay.quality.expectations import Held, hold
from medassay.quality.spec import Limits, QualitySpec
from medassay.trust.evidence import Outcome

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

_FAILURES = ("sample_id", "check", "column", "found", "reason")
_EXCLUSIONS = ("sample_id", "stage", "check", "reason")

Row = dict[str, Any]


@dataclass(frozen=True)
class Gated:
    """What the gate found. `failures` holds a row a failed check and sample, warnings included."""

    failures: pa.Table
    exclusions: pa.Table
    outcome: Outcome
    counts: dict[str, int]
    findings: tuple[Finding, ...]


def gate(spec: QualitySpec, source: str, catalogue: pa.Table, measurements: pa.Table) -> Gated:
    """Hold the accepted samples of one source to its checks and limits.

    A failed row of a check with severity `exclude` takes its sample out; a failed row of a `warn` check is
    stated only. A missing value fails its row (see `medassay.quality.expectations`), so a sample without a
    measurement never passes for a good one. Beyond the limits the gate fails, and says by how much.

    Parameters
    ----------
    source : str
        Name of the source; checks that are declared for other sources are left out.
    catalogue, measurements : pyarrow.Table
        As ingest gives them, joined by `sample_id`.

    Returns
    -------
    Gated
        `not_assessed` when there is no accepted sample or no check for this source. Counts: samples and
        subjects `assessed`, `excluded`, `kept` (a subject is kept with any sample), `subjects_touched` that
        lost at least one; by check `applied:<id>`, `failed:<id>` rows and `unmet:<id>` (1: not met); by
        limit `least_kept:<column>`, the samples left in the smallest stratum.

    Raises
    ------
    WrongUse
        When the tables do not fit together, or a check or limit does not fit the tables.
    """
    samples = [row for row in catalogue.to_pylist() if row["status"] == "accepted"]
    frame = _joined(samples, catalogue, measurements)
    _require_once([check.id for check in spec.checks])
    _require_columns(spec.limits, catalogue.column_names)
    checks = [check for check in spec.checks if not check.sources or source in check.sources]
    if not samples or not checks:
        lacking = "accepted sample" if not samples else f"check for source '{source}'"
        return _not_assessed(lacking, len(samples))
    held = hold(checks, frame)
    ids = [str(row["sample_id"]) for row in samples]
    failures = [row for one in held for row in _failures(one, ids)]
    excluding = {check.id for check in checks if check.severity == "exclude"}
    exclusions = [
        {"sample_id": row["sample_id"], "stage": "gate", "check": row["check"], "reason": row["reason"]}
        for row in failures
        if row["check"] in excluding
    ]
    gone = {row["sample_id"] for row in exclusions}
    beyond = _beyond(spec.limits, samples, gone)
    refusing = any(finding.severity == Severity.REFUSE for finding in beyond)
    return Gated(
        failures=_table(failures, _FAILURES),
        exclusions=_table(exclusions, _EXCLUSIONS),
        outcome=Outcome.FAILED if refusing else Outcome.PASSED,
        counts=_counts(spec.limits, samples, gone, held),
        findings=(*(finding for one in held for finding in _finding(one)), *beyond),
    )


def _joined(samples: Sequence[Row], catalogue: pa.Table, measurements: pa.Table) -> pd.DataFrame:
    """Accepted samples in the catalogue's order; one without a measurement row has only missing values."""
    shared = sorted(set(catalogue.column_names) & set(measurements.column_names) - {"sample_id"})
    if shared:
        raise _unfit(f"column {', '.join(shared)} in both tables", "each column in one table")
    known, measured = catalogue["sample_id"].to_pylist(), measurements["sample_id"].to_pylist()
    for name, ids in (("catalogue", known), ("measurements", measured)):
        twice = sum(count > 1 for count in Counter(ids).values())
        if twice:
            raise _unfit(f"{twice} sample ids that stand twice in {name}", "one row a sample")
    strangers = len(set(measured) - set(known))
    if strangers:
        raise _unfit(f"{strangers} measured samples that the catalogue does not know", "tables of one ingest")
    accepted = [str(row["sample_id"]) for row in samples]
    left = catalogue.to_pandas().set_index("sample_id", drop=False).loc[accepted].reset_index(drop=True)
    right = measurements.to_pandas().set_index("sample_id").reindex(accepted).reset_index(drop=True)
    frame: pd.DataFrame = left.join(right)
    return frame


def _unfit(found: str, wanted: str) -> WrongUse:
    return WrongUse(
        found=found, wanted=wanted, remedy="Run ingest again and gate its tables.", where="gate tables"
    )


def _require_once(ids: Sequence[str]) -> None:
    twice = sorted(name for name, count in Counter(ids).items() if count > 1)
    if twice:
        raise WrongUse(
            found=f"check {', '.join(twice)} twice",
            wanted="each check under an id of its own",
            remedy="Rename one: counts and failures are told apart by the id.",
            where="checks",
        )


def _require_columns(limits: Limits, columns: Sequence[str]) -> None:
    for column in limits.least_samples_per:
        if column not in columns:
            raise WrongUse(
                found=f"column '{column}'",
                wanted=f"one of {', '.join(columns)}",
                remedy="Name a column of the catalogue.",
                where="limits.least_samples_per",
            )


def _failures(held: Held, ids: Sequence[str]) -> list[Row]:
    columns = ", ".join(held.columns)
    return [
        {
            "sample_id": ids[row],
            "check": held.check.id,
            "column": columns,
            "found": found,
            "reason": held.check.reason.value,
        }
        for row, found in held.failed.items()
    ]


def _finding(held: Held) -> list[Finding]:
    """One finding a failed check; its samples stand in the failures table."""
    check = held.check
    if not held.unmet:
        return []
    found = (
        f"{len(held.failed)} of {held.applied} samples that fail"
        if held.observed is None
        else f"{held.observed} over {held.applied} samples"
    )
    return [
        Finding(
            reason=check.reason,
            severity=Severity(check.severity),
            found=found,
            wanted=check.title.en,
            remedy=check.remedy.en,
            where=f"check {check.id}: {', '.join(held.columns)}",
            source=check.source if isinstance(check.source, str) else check.source.en,
        )
    ]


def _beyond(limits: Limits, samples: Sequence[Row], gone: set[str]) -> list[Finding]:
    """What exceeds the limits of the dataset."""
    findings = []
    share = len(gone) / len(samples)
    if share > limits.largest_excluded_share:
        findings.append(
            _limit(
                found=f"{len(gone)} of {len(samples)} samples excluded ({share:.1%})",
                wanted=f"at most {limits.largest_excluded_share:.1%}",
                where="limits.largest_excluded_share",
            )
        )
    for column, least in limits.least_samples_per.items():
        findings.extend(_strata(column, least, samples, gone))
    return findings


def _strata(column: str, least: int, samples: Sequence[Row], gone: set[str]) -> list[Finding]:
    """Strata with too few samples left; one that the gate emptied counts as zero, not as absent."""
    where = f"limits.least_samples_per.{column}"
    kept = _kept(column, samples, gone)
    unstated = sum(row[column] is None for row in samples)
    wanted = f"at least {least} samples in each"
    if not kept:
        return [_limit(found=f"no sample that states its {column}", wanted=wanted, where=where)]
    findings = [
        _limit(found=f"{count} samples with {column} {value}", wanted=wanted, where=where)
        for value, count in sorted(kept.items(), key=lambda item: str(item[0]))
        if count < least
    ]
    if unstated:
        found = f"{unstated} samples that do not state their {column}"
        findings.append(_limit(found=found, wanted=wanted, where=where, severity=Severity.WARN))
    return findings


def _kept(column: str, samples: Sequence[Row], gone: set[str]) -> Counter[Any]:
    """Samples left in each stratum that any sample states."""
    kept: Counter[Any] = Counter({row[column]: 0 for row in samples})
    kept.update(row[column] for row in samples if row["sample_id"] not in gone)
    del kept[None]
    return kept


def _limit(*, found: str, wanted: str, where: str, severity: Severity = Severity.REFUSE) -> Finding:
    return Finding(
        reason=Reason.LIMIT_EXCEEDED,
        severity=severity,
        found=found,
        wanted=wanted,
        remedy="Mend the export or collect more; a limit is changed only in the spec, with its reason.",
        where=where,
    )


def _counts(limits: Limits, samples: Sequence[Row], gone: set[str], held: Sequence[Held]) -> dict[str, int]:
    subjects = {row["subject_id"] for row in samples}
    kept = {row["subject_id"] for row in samples if row["sample_id"] not in gone}
    counts = {
        "samples_assessed": len(samples),
        "samples_excluded": len(gone),
        "samples_kept": len(samples) - len(gone),
        "subjects_assessed": len(subjects),
        "subjects_excluded": len(subjects - kept),
        "subjects_kept": len(kept),
        "subjects_touched": len({row["subject_id"] for row in samples if row["sample_id"] in gone}),
    }
    for column in limits.least_samples_per:
        counts[f"least_kept:{column}"] = min(_kept(column, samples, gone).values(), default=0)
    for one in held:
        counts[f"applied:{one.check.id}"] = one.applied
        counts[f"failed:{one.check.id}"] = len(one.failed)
        counts[f"unmet:{one.check.id}"] = int(one.unmet)
    return counts


def _not_assessed(lacking: str, kept: int) -> Gated:
    finding = Finding(
        reason=Reason.STEP_BEFORE_FAILED,
        severity=Severity.WARN,
        found=f"no {lacking}",
        wanted="at least one accepted sample and one check",
        remedy="See the refusals of ingest, and the checks of the quality spec.",
    )
    counts = {"samples_assessed": 0, "samples_excluded": 0, "samples_kept": kept}
    return Gated(_table([], _FAILURES), _table([], _EXCLUSIONS), Outcome.NOT_ASSESSED, counts, (finding,))


def _table(rows: Sequence[Mapping[str, str]], columns: Sequence[str]) -> pa.Table:
    import pyarrow as pa

    return pa.Table.from_pylist(list(rows), schema=pa.schema([(name, pa.string()) for name in columns]))
