"""`verify`: recompute a report from what it was given, and name the first thing that differs.

1. The file is the record's canonical JSON, and its seal fits.
2. Run and protocol have the digests that the report names.
3. The formulas are those of the installed scorer, where it is the same version.
4. Every figure, the verdict, the limits and all else follow from the subjects' statistics.
5. With a store: the Evidence of each step, the run record as it was kept, and the ledger's chain.

Without a store a report can be shown to be consistent, not to be the one that was made: whoever rewrites
statistics, figures and seal together is found by the digest on paper, or by the store.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

from pydantic import ValidationError

from medassay.core.canonical import digest_of
from medassay.core.errors import MedassayError, NothingReadable
from medassay.core.rooms import module_of
from medassay.core.specs import parameters_of
from medassay.evaluation.scorer import Scorer
from medassay.reports.given import Given, MetricFacts
from medassay.reports.history import ledger_facts
from medassay.reports.record import ReportRecord, derive, seal_of
from medassay.room.record import RunRecord
from medassay.trust import ledger
from medassay.trust.evidence import Evidence, Outcome, code_identity

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

SAME_FIGURE = 1e-9  # relative: another machine adds in another order; the seal finds smaller changes
DERIVED = (
    "number",
    "verdict",
    "comparisons",
    "scope",
    "observed",
    "sums",
    "limits",
    "deviations",
    "digests",
    "results",
)


@dataclass(frozen=True)
class Check:
    """One thing that was held against its recomputation."""

    name: str
    outcome: Outcome
    found: str = ""
    wanted: str = ""
    where: str = ""


@dataclass(frozen=True)
class Store:
    """What verify may read of a store: by digest, and nothing else of it."""

    get: Callable[[str], bytes]
    evidence: Callable[[str], Evidence]
    ledger: Path
    key: Ed25519PublicKey
    expect_head: str | None = None  # kept outside the store


@dataclass(frozen=True)
class Verified:
    """All checks, and how far they reached."""

    level: Literal["record", "store"]
    digest: str  # of the record: compare it with the one on paper
    checks: tuple[Check, ...]

    @property
    def passed(self) -> bool:
        return not any(check.outcome == Outcome.FAILED for check in self.checks)

    @property
    def first_difference(self) -> Check | None:
        return next((check for check in self.checks if check.outcome == Outcome.FAILED), None)


def verify(path: Path, store: Store | None = None, *, expect_digest: str | None = None) -> Verified:
    """Hold a report's JSON record against its own recomputation and, where there is one, against the store.

    Parameters
    ----------
    expect_digest : str
        The SHA-256 on the paper's first page.

    Raises
    ------
    NothingReadable
        When there is no such file.
    """
    if not path.is_file():
        raise NothingReadable(
            found="no file",
            wanted="the JSON record of a report",
            remedy="Name the .json file that `medassay report` wrote.",
            where=str(path),
        )
    content = path.read_bytes()
    try:
        record = ReportRecord.model_validate_json(content)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(step) for step in first["loc"])
        return Verified(
            "record", "", (Check("record", Outcome.FAILED, first["msg"], "a report's record", where),)
        )
    checks = [*_of_record(record, content), *_of_formulas(record.given), *_of_figures(record)]
    if expect_digest is not None:
        checks.append(_equal("digest on paper", record.digest, expect_digest))
    if store is not None:
        checks += _of_store(record, store)
    return Verified("store" if store else "record", record.digest, tuple(checks))


def _of_record(record: ReportRecord, content: bytes) -> Iterator[Check]:
    yield _check("file", content == record.to_json(), "other bytes", "the record's canonical JSON")
    yield _equal("seal", record.seal, seal_of(record))
    yield _equal("run digest", record.digests["run"], digest_of(record.given.run.model_dump(mode="json")))
    yield _equal("protocol digest", record.digests["protocol"], record.given.protocol.digest)
    code = record.given.code == code_identity()
    yield Check(
        "code",
        Outcome.PASSED if code else Outcome.NOT_ASSESSED,
        "" if code else "a report of another version; the figures are recomputed by this one",
    )


def _of_formulas(given: Given) -> Iterator[Check]:
    """The formulas that a report carries are the scorer's: else it could define its own sensitivity."""
    try:
        scorer = cast(Scorer, module_of("medassay.evaluation.scoring", given.run.task, what="task"))
        if given.run.scorer_version != scorer.VERSION:
            found = f"scorer {given.run.scorer_version}; this one is {scorer.VERSION}"
            yield Check("formulas", Outcome.NOT_ASSESSED, found)
            return
        options = parameters_of(scorer.Options, given.run.options, where="run: options")
        own = {name: MetricFacts.of(metric) for name, metric in scorer.metrics(options).items()}
    except MedassayError as error:
        yield Check("formulas", Outcome.NOT_ASSESSED, error.found, error.wanted, error.where)
        return
    differing = sorted(name for name in {*own, *given.metrics} if own.get(name) != given.metrics.get(name))
    yield _check("formulas", not differing, ", ".join(differing[:3]), "the scorer's own formulas")


def _of_figures(record: ReportRecord) -> Iterator[Check]:
    try:
        again = derive(record.given)
    except MedassayError as error:
        yield Check("recomputation", Outcome.FAILED, error.found, error.wanted, error.where)
        return
    yield _check(
        "number of figures",
        len(record.figures) == len(again.figures),
        str(len(record.figures)),
        str(len(again.figures)),
    )
    for found, wanted in zip(record.figures, again.figures, strict=False):
        yield _same(f"figure {wanted.id}", found.model_dump(mode="json"), wanted.model_dump(mode="json"))
    shown, recomputed = record.model_dump(mode="json"), again.model_dump(mode="json")
    for name in DERIVED:
        yield _same(name, shown[name], recomputed[name])


def _of_store(record: ReportRecord, store: Store) -> Iterator[Check]:
    given = record.given
    steps: dict[str, Evidence] = {}
    for step in given.chain:
        try:
            evidence = store.evidence(step.digest)
        except (MedassayError, OSError) as error:
            yield Check(f"evidence of {step.kind}", Outcome.FAILED, _told(error), step.digest)
            continue
        steps[step.kind] = evidence
        told = (evidence.kind, evidence.outcome, len(evidence.findings))
        yield _equal(f"evidence of {step.kind}", str(told), str((step.kind, step.outcome, step.findings)))
    yield from _of_validation(record, steps.get("validate"), store)
    yield from _of_comparisons(given, store)
    yield from _of_ledger(record, store)


def _of_validation(record: ReportRecord, validated: Evidence | None, store: Store) -> Iterator[Check]:
    """The run as it was kept, of this version and this submission."""
    if validated is None:
        yield Check("stored run", Outcome.FAILED, "no evidence of validate", "the chain names it")
        return
    try:
        digest = validated.output("run")
        store.get(digest)  # recomputes it on the way out
    except (MedassayError, OSError) as error:
        yield Check("stored run", Outcome.FAILED, _told(error), record.digests["run"])
        return
    yield _equal("stored run", digest, record.digests["run"])
    inputs = {link.digest for link in validated.inputs}
    run = record.given.run
    for name, wanted in (("dataset version", run.manifest), ("submission", run.submission)):
        yield _check(name, wanted in inputs, "not an input of validate", wanted)


def _of_comparisons(given: Given, store: Store) -> Iterator[Check]:
    """The other runs as they were kept; one that was validated in another store cannot be looked up in this."""
    for other in given.compared:
        name = f"compared run {other.run[:12]}"
        try:
            run = RunRecord.model_validate_json(store.get(other.run))
        except (MedassayError, OSError, ValidationError) as error:
            told = "no run record" if isinstance(error, ValidationError) else _told(error)
            yield Check(name, Outcome.NOT_ASSESSED, told, other.run)
            continue
        kept = {row.subject: row.statistics for row in run.subjects}
        yield _same(name, other.statistics, kept)


def _of_ledger(record: ReportRecord, store: Store) -> Iterator[Check]:
    try:
        ledger.verify(store.ledger, store.key, expect_head=store.expect_head)
        entries: Sequence[ledger.Entry] = ledger.read(store.ledger)
    except MedassayError as error:
        yield Check("ledger", Outcome.FAILED, error.found, error.wanted, error.where)
        return
    yield Check("ledger", Outcome.PASSED)
    told = record.given.ledger
    steps = {step.kind: step.digest for step in record.given.chain}
    facts = ledger_facts(
        entries,
        record.given.run,
        validated=steps.get("validate", ""),
        inspected=steps.get("certify", ""),
        key=store.key.public_bytes_raw().hex(),
        demo_key=told.demo_key,
    )
    yield _same("ledger facts", told.model_dump(mode="json"), facts.model_dump(mode="json"))


def _same(name: str, found: Any, wanted: Any) -> Check:
    where = _first_difference(found, wanted, "")
    if where is None:
        return Check(name, Outcome.PASSED)
    place, one, other = where
    return Check(name, Outcome.FAILED, _short(one), _short(other), place.lstrip("."))


def _first_difference(found: Any, wanted: Any, place: str) -> tuple[str, Any, Any] | None:
    """Where two plain values first differ, and how."""
    if isinstance(found, dict) and isinstance(wanted, dict):
        for key in sorted({*found, *wanted}):
            if key not in found or key not in wanted:
                return f"{place}.{key}", found.get(key, "nothing"), wanted.get(key, "nothing")
            deeper = _first_difference(found[key], wanted[key], f"{place}.{key}")
            if deeper:
                return deeper
        return None
    if isinstance(found, list) and isinstance(wanted, list):
        for index, (one, other) in enumerate(zip(found, wanted, strict=False)):
            deeper = _first_difference(one, other, f"{place}[{index}]")
            if deeper:
                return deeper
        return None if len(found) == len(wanted) else (place, f"{len(found)} rows", f"{len(wanted)} rows")
    return None if _as_good_as(found, wanted) else (place, found, wanted)


def _as_good_as(found: Any, wanted: Any) -> bool:
    if isinstance(found, float) and isinstance(wanted, float):
        return math.isclose(found, wanted, rel_tol=SAME_FIGURE, abs_tol=1e-15)
    return bool(found == wanted) and isinstance(found, bool) == isinstance(wanted, bool)


def _equal(name: str, found: str, wanted: str) -> Check:
    return _check(name, found == wanted, found, wanted)


def _check(name: str, holds: bool, found: str, wanted: str) -> Check:
    return Check(name, Outcome.PASSED) if holds else Check(name, Outcome.FAILED, found, wanted)


def _told(error: MedassayError | OSError) -> str:
    """What a store answered; never its path, which may name people."""
    return error.found if isinstance(error, MedassayError) else "nothing that can be read"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:79]}…"
