"""`verify`: recompute a report from what it was given, and name the first thing that differs.

1. The file is the record's canonical JSON, and its seal fits.
2. Run and protocol have the digests that the report names.
3. The formulas are those of the installed scorer, where it is the same version.
4. Every figure, the verdict, the limits and all else follow from the subjects' statistics.
5. With a store: the Evidence of each step and what the report took from it, the run record as it was kept, the
   ledger's chain, and the record itself with its papers, as they were booked.

Without a store a report can be shown to be consistent, not to be the one that was made: whoever rewrites it and
derives everything again is found by the digest on paper, or by the store.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, cast

from pydantic import ValidationError

from medassay.core.canonical import digest_of
from medassay.core.errors import MedassayError, NothingReadable
from medassay.core.rooms import module_of
from medassay.core.specs import parameters_of
from medassay.evaluation.scorer import Scorer
from medassay.reports import booked, taken, verify_certificate
from medassay.reports.checks import Check, Store, check, equal, same, told
from medassay.reports.given import Given, MetricFacts
from medassay.reports.history import ledger_facts, timing_digest
from medassay.reports.record import ReportRecord, derive, seal_of
from medassay.room.record import RunRecord
from medassay.room.timing import Timing
from medassay.trust import ledger
from medassay.trust.evidence import Evidence, Outcome, code_identity

STEPS = ("ingest", "gate", "annotate", "freeze", "certify", "train", "validate")
BY_RULE = ("limits", "deviations")  # sentences that follow from the rules of the version that wrote them
DEMO_KEY = "a demonstration key, which anyone may hold: its signatures prove nothing of who booked this"
NO_STORE = (
    "no workspace: case flow, specs, inspection, training and papers are as the record has them; compare its "
    "SHA-256 with a copy that you trust (--expect-digest)"
)
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
    _require_file(path)
    content = path.read_bytes()
    if _schema(content) == verify_certificate.SCHEMA:
        return _verified_certificate(content, path, store, expect_digest)
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
        checks.append(equal("digest on paper", record.digest, expect_digest))
    if store is None:
        checks.append(Check("store", Outcome.NOT_ASSESSED, NO_STORE))
    else:
        checks += _of_store(record, path, store)
        checks = _by_other_rules(checks)
    return Verified("store" if store else "record", record.digest, tuple(checks))


def _schema(content: bytes) -> str:
    """What a JSON file says that it is; empty: nothing."""
    try:
        return str(json.loads(content).get("schema_id", ""))
    except (ValueError, AttributeError):
        return ""


def _verified_certificate(
    content: bytes, path: Path, store: Store | None, expect_digest: str | None
) -> Verified:
    digest, record, checks = verify_certificate.checks_of(content, expect_digest)
    if store is None:
        checks.append(Check("store", Outcome.NOT_ASSESSED, verify_certificate.NO_STORE))
    elif record is not None:
        entries, said = _ledger(store)
        checks += said
        if entries is not None:
            checks += verify_certificate.of_store(record, digest, path, store, entries)
    return Verified("store" if store else "record", digest, tuple(checks))


def verify_paper(path: Path, store: Store, *, expect_digest: str | None = None) -> Verified:
    """Whether an HTML or PDF file is, byte for byte, one that the ledger tells of; no figure is computed again.

    Raises
    ------
    NothingReadable
        When there is no such file.
    """
    _require_file(path)
    entries, checks = _ledger(store)
    digest = ""
    if entries is not None:
        digest, found = booked.paper(path, store, entries)
        checks.append(found)
        if expect_digest is not None:
            checks.append(equal("digest on paper", digest, expect_digest))
    return Verified("store", digest, tuple(checks))


def _require_file(path: Path) -> None:
    if not path.is_file():
        raise NothingReadable(
            found="no file",
            wanted="the JSON record of a report",
            remedy="Name the .json file that `medassay report` wrote.",
            where=str(path),
        )


def _by_other_rules(checks: Sequence[Check]) -> list[Check]:
    """A booked record of another version is not false because this version words its limits otherwise."""
    outcomes = {one.name: one.outcome for one in checks}
    if outcomes["code"] == Outcome.PASSED or outcomes.get("booked record") != Outcome.PASSED:
        return list(checks)
    return [
        replace(one, outcome=Outcome.NOT_ASSESSED)
        if one.name in BY_RULE and one.outcome == Outcome.FAILED
        else one
        for one in checks
    ]


def _of_record(record: ReportRecord, content: bytes) -> Iterator[Check]:
    yield check("file", content == record.to_json(), "other bytes", "the record's canonical JSON")
    yield equal("seal", record.seal, seal_of(record))
    yield equal("run digest", record.digests["run"], digest_of(record.given.run.model_dump(mode="json")))
    yield equal("protocol digest", record.digests["protocol"], record.given.protocol.digest)
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
    yield check("formulas", not differing, ", ".join(differing[:3]), "the scorer's own formulas")


def _of_figures(record: ReportRecord) -> Iterator[Check]:
    try:
        again = derive(record.given)
    except MedassayError as error:
        yield Check("recomputation", Outcome.FAILED, error.found, error.wanted, error.where)
        return
    yield check(
        "number of figures",
        len(record.figures) == len(again.figures),
        str(len(record.figures)),
        str(len(again.figures)),
    )
    for found, wanted in zip(record.figures, again.figures, strict=False):
        yield same(f"figure {wanted.id}", found.model_dump(mode="json"), wanted.model_dump(mode="json"))
    shown, recomputed = record.model_dump(mode="json"), again.model_dump(mode="json")
    for name in DERIVED:
        yield same(name, shown[name], recomputed[name])


def _of_store(record: ReportRecord, path: Path, store: Store) -> Iterator[Check]:
    given = record.given
    steps: dict[str, Evidence] = {}
    yield equal("steps", ", ".join(step.kind for step in given.chain), ", ".join(STEPS))
    for step in given.chain:
        name = f"evidence of {step.kind}"
        try:
            evidence = store.evidence(step.digest)
        except (MedassayError, OSError) as error:
            yield Check(name, Outcome.FAILED, told(error), step.digest)
            continue
        steps[step.kind] = evidence
        place = "/".join(evidence.target.split("/")[:2])
        reasons = dict(Counter(finding.reason.value for finding in evidence.findings))
        yield same(
            name,
            [step.kind, f"{given.run.dataset}/{given.run.source}", step.outcome, step.findings, step.reasons],
            [evidence.kind, place, evidence.outcome, len(evidence.findings), reasons],
        )
    yield from _of_validation(record, steps.get("validate"), store)
    yield from taken.checks_of(given, steps, store)
    yield from _of_comparisons(given, store)
    yield from _of_ledger(record, path, store)


def _of_validation(record: ReportRecord, validated: Evidence | None, store: Store) -> Iterator[Check]:
    """The run as it was kept, of this version and this submission."""
    if validated is None:
        yield Check("stored run", Outcome.FAILED, "no evidence of validate", "the chain names it")
        return
    try:
        digest = validated.output("run")
        store.get(digest)  # recomputes it on the way out
    except (MedassayError, OSError) as error:
        yield Check("stored run", Outcome.FAILED, told(error), record.digests["run"])
        return
    yield equal("stored run", digest, record.digests["run"])
    inputs = {link.digest for link in validated.inputs}
    run = record.given.run
    for name, wanted in (("dataset version", run.manifest), ("submission", run.submission)):
        yield check(name, wanted in inputs, "not an input of validate", wanted)


def _of_comparisons(given: Given, store: Store) -> Iterator[Check]:
    """The other runs as they were kept; one that was validated in another store cannot be looked up in this."""
    for other in given.compared:
        name = f"compared run {other.run[:12]}"
        try:
            run = RunRecord.model_validate_json(store.get(other.run))
        except (MedassayError, OSError, ValidationError) as error:
            said = "no run record" if isinstance(error, ValidationError) else told(error)
            yield Check(name, Outcome.NOT_ASSESSED, said, other.run)
            continue
        kept = {row.subject: row.statistics for row in run.subjects}
        yield same(name, other.statistics, kept)


def _of_ledger(record: ReportRecord, path: Path, store: Store) -> Iterator[Check]:
    entries, checks = _ledger(store)
    yield from checks
    if entries is None:
        return
    run, said = record.given.run, record.given.ledger
    steps = {step.kind: step.digest for step in record.given.chain}
    lines = {entry.evidence for entry in entries}
    for kind, digest in steps.items():
        yield check(f"ledger line of {kind}", digest in lines, "no line of the ledger", digest)
    facts = ledger_facts(
        entries,
        run,
        validated=steps.get("validate", ""),
        inspected=steps.get("certify", ""),
        key=store.key.public_bytes_raw().hex(),
        demo_key=store.demo_key,
    )
    yield same("ledger facts", said.model_dump(mode="json"), facts.model_dump(mode="json"))
    yield _of_timing(record.given, timing_digest(entries, run, validated=steps.get("validate", "")), store)
    yield from booked.checks_of(record, path, store, entries)


def _ledger(store: Store) -> tuple[Sequence[ledger.Entry] | None, list[Check]]:
    """The ledger's lines where chain and signatures hold."""
    try:
        ledger.verify(store.ledger, store.key, expect_head=store.expect_head)
        checks = [Check("ledger", Outcome.PASSED)]
        if store.demo_key:
            checks.append(Check("signing key", Outcome.NOT_ASSESSED, DEMO_KEY))
        return ledger.read(store.ledger), checks
    except MedassayError as error:
        return None, [Check("ledger", Outcome.FAILED, error.found, error.wanted, error.where)]


def _of_timing(given: Given, digest: str | None, store: Store) -> Check:
    """Times are no part of the run; the ledger has their digest."""
    try:
        kept = Timing.model_validate_json(store.get(digest)) if digest else None
    except (MedassayError, OSError, ValueError) as error:
        said = "a record of another form" if isinstance(error, ValueError) else told(error)
        return Check("timing", Outcome.FAILED, said, digest or "")
    return same("timing", taken.plain(given.timing), taken.plain(kept))
