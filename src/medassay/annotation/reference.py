"""One sample's reference: its labels opened, compared, merged or arbitrated, checked and sealed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from medassay.annotation.agreement import Compared, ReadDigest, figures_of
from medassay.annotation.spec import AnnotationSpec, ReferenceRule
from medassay.core.errors import NothingReadable, WrongUse
from medassay.core.findings import Finding, Reason, Severity
from medassay.datasets.sample import is_label
from medassay.trust.sealing import sample_key, seal, unseal

REFERENCE = "reference"
READ = "read:"
UNDECLARED = "undeclared"  # a reader whom the spec does not name; a folder's name may be a person's

Get = Callable[[str], bytes]
Put = Callable[[bytes], str]
Method = Literal["agreed", "arbitrated", "published", "computed"]
Row = dict[str, Any]


class Consensus(Protocol):
    """See the package `medassay.annotation.consensus`; `compute` only where a task has it."""

    def agreement(
        self, first: bytes, second: bytes, samples: Mapping[str, bytes], options: Mapping[str, Any]
    ) -> dict[str, float]: ...

    def figures(self, statistics: Mapping[str, float]) -> dict[str, float | None]: ...

    def merge(
        self, first: bytes, second: bytes, samples: Mapping[str, bytes], options: Mapping[str, Any]
    ) -> bytes: ...

    def check(
        self, reference: bytes, samples: Mapping[str, bytes], options: Mapping[str, Any]
    ) -> list[Finding]: ...

    def compute(self, samples: Mapping[str, bytes], options: Mapping[str, Any]) -> bytes: ...


@dataclass(frozen=True)
class SampleReference:
    """What became of one sample: a sealed reference, or the finding that keeps it out."""

    sample: str
    method: Method | None = None
    digest: str | None = None
    check: str = ""
    findings: tuple[Finding, ...] = ()
    compared: Compared | None = None
    reads: tuple[ReadDigest, ...] = ()

    @property
    def excluding(self) -> Finding | None:
        """The first finding that keeps the sample out."""
        return next((f for f in self.findings if f.severity in (Severity.EXCLUDE, Severity.REFUSE)), None)


class _Unusable(Exception):
    """A sample that ends here, with its check and finding; caught by `Bench.result` and counted."""

    def __init__(self, check: str, finding: Finding, compared: Compared | None = None) -> None:
        self.check, self.finding, self.compared = check, finding, compared
        super().__init__(check)


@dataclass(frozen=True)
class Bench:
    """What one sample's labels are handled with."""

    spec: AnnotationSpec
    rule: ReferenceRule
    task: Consensus
    objects: Mapping[str, Sequence[Row]]
    get: Get
    put: Put
    label_key: bytes

    def result(self, sample: str, subject: str) -> SampleReference:
        """One sample from its labels to its sealed reference; a bad one never costs its neighbours."""
        rows = self.objects.get(sample, ())
        reads = self._reads(sample, rows)
        try:
            public = self._public(rows)
            label, method, compared = self._label(sample, subject, rows, public)
        except _Unusable as end:
            return SampleReference(
                sample, check=end.check, findings=(end.finding,), compared=end.compared, reads=reads
            )
        try:
            found = self.task.check(label, public, self.spec.options)
        except (WrongUse, NothingReadable) as error:
            found = [_unreadable(sample, "the reference", error)]
        findings = tuple(finding.model_copy(update={"sample": sample}) for finding in found)
        result = SampleReference(sample, method, None, "label_check", findings, compared, reads)
        if result.excluding:
            return result
        sealed = seal(label, key=sample_key(self.label_key, sample), sample=sample, role=REFERENCE)
        return SampleReference(sample, method, self.put(sealed), "", findings, compared, reads)

    def _reads(self, sample: str, rows: Sequence[Row]) -> tuple[ReadDigest, ...]:
        declared = {*self.rule.readers, self.rule.arbitrator}
        named = [(row["role"].removeprefix(READ), row) for row in rows if row["role"].startswith(READ)]
        return tuple(
            ReadDigest(sample=sample, reader=name if name in declared else UNDECLARED, digest=row["digest"])
            for name, row in named
        )

    def _public(self, rows: Sequence[Row]) -> dict[str, bytes]:
        named = [row for row in rows if not is_label(row["role"])]
        twice = [name for name, count in Counter(row["name"] for row in named).items() if count > 1]
        if twice:
            raise WrongUse(
                found=f"{len(twice)} object names that stand twice in one sample",
                wanted="each object of a sample under a name of its own",
                remedy="Ingest again; names are given by the intake of the kind.",
                where=f"sample {named[0]['sample_id']}",
            )
        return {row["name"]: self.get(row["digest"]) for row in named}

    def _label(
        self, sample: str, subject: str, rows: Sequence[Row], public: Mapping[str, bytes]
    ) -> tuple[bytes, Method, Compared | None]:
        if self.rule.method == "computed":
            try:
                return self.task.compute(public, self.spec.options), "computed", None
            except (WrongUse, NothingReadable) as error:
                raise _Unusable("compute", _unreadable(sample, "the signal", error)) from error
        if self.rule.method == "published":
            return self._open(sample, REFERENCE, rows, "reference_missing"), "published", None
        first, second = (self._open(sample, READ + name, rows, "read_missing") for name in self.rule.readers)
        compared = self._compare(sample, subject, first, second, public)
        if not compared.below:
            try:
                return self.task.merge(first, second, public, self.spec.options), "agreed", compared
            except (WrongUse, NothingReadable) as error:
                raise _Unusable("merge", _unreadable(sample, "two reads", error), compared) from error
        return self._arbitrated(sample, rows, compared), "arbitrated", compared

    def _arbitrated(self, sample: str, rows: Sequence[Row], compared: Compared) -> bytes:
        role = f"{READ}{self.rule.arbitrator}"
        if self.rule.arbitrator and any(row["role"] == role for row in rows):
            return self._open(sample, role, rows, "read_missing")
        finding = Finding(
            reason=Reason.REFERENCE_MISSING,
            severity=Severity.EXCLUDE,
            sample=sample,
            found=f"two reads that disagree ({', '.join(compared.below)}) and no arbitration",
            wanted="agreement within the limits, or the arbitrator's read",
            remedy="Have the sample arbitrated and ingest the arbitrator's file.",
        )
        raise _Unusable("disagreement", finding, compared)

    def _open(self, sample: str, role: str, rows: Sequence[Row], check: str) -> bytes:
        """The one label of a role, unsealed."""
        labels = [row for row in rows if row["role"] == role]
        if len(labels) != 1:
            finding = Finding(
                reason=Reason.REFERENCE_INVALID if labels else Reason.REFERENCE_MISSING,
                severity=Severity.EXCLUDE,
                sample=sample,
                found=f"{len(labels)} labels of role {role}",
                wanted="exactly one",
                remedy="Hand in the missing file." if not labels else "Keep the file that is valid.",
            )
            raise _Unusable(check, finding)
        key = sample_key(self.label_key, sample)
        return unseal(self.get(labels[0]["digest"]), key=key, sample=sample, role=role)

    def _compare(
        self, sample: str, subject: str, first: bytes, second: bytes, public: Mapping[str, bytes]
    ) -> Compared:
        limits = self.spec.agreement_limits
        statistics = self._agreement(sample, first, second, public)
        figures = figures_of(self.task.figures, statistics)
        _require_figures(limits, figures)
        exchanged: Mapping[str, float | None] = {}
        if any(figures[name] is None for name in limits):
            other_way = self._agreement(sample, second, first, public)
            exchanged = figures_of(self.task.figures, other_way)
        below = tuple(name for name, least in limits.items() if _falls_short(name, least, figures, exchanged))
        return Compared(sample, subject, statistics, figures, below)

    def _agreement(
        self, sample: str, first: bytes, second: bytes, public: Mapping[str, bytes]
    ) -> dict[str, float]:
        try:
            return self.task.agreement(first, second, public, self.spec.options)
        except (WrongUse, NothingReadable) as error:
            raise _Unusable("read_unreadable", _unreadable(sample, "a read", error)) from error


def _falls_short(
    name: str, least: float, figures: Mapping[str, float | None], exchanged: Mapping[str, float | None]
) -> bool:
    figure = exchanged[name] if figures[name] is None else figures[name]
    return figure is not None and figure < least


def _require_figures(limits: Mapping[str, float], figures: Mapping[str, float | None]) -> None:
    for name in limits:
        if name not in figures:
            raise WrongUse(
                found=f"a limit for '{name}'",
                wanted=f"one of {', '.join(sorted(figures))}",
                remedy="Name a figure of the task.",
                where="agreement_limits",
            )


def _unreadable(sample: str, what: str, error: WrongUse | NothingReadable) -> Finding:
    return Finding(
        reason=Reason.REFERENCE_INVALID,
        severity=Severity.EXCLUDE,
        sample=sample,
        found=f"{what} with {error.found}",
        wanted=error.wanted,
        remedy=error.remedy,
    )
