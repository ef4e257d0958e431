"""Ingest: every file of a source ends in one sample, or is refused with a reason; nothing is lost on the way."""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from medassay.core.findings import Finding, Reason, Severity
from medassay.core.rooms import module_of
from medassay.datasets import duplicates, persons
from medassay.datasets.catalogue import age_facts, measurement_table, table_of
from medassay.datasets.identity import date_shift_days, pseudonym
from medassay.datasets.memo import Memo
from medassay.datasets.sample import Assembly, Draft, Intake, Names, OfferedFile, Unassigned
from medassay.datasets.spec import DatasetSpec, Source
from medassay.datasets.spread import Spread
from medassay.datasets.take import Case, Fate, Keys, Named, Put, assemble_all, take
from medassay.datasets.walk import Walk, walk

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Ingested:
    """The tables of one source, each sorted by its ids, and what was found on the way.

    `key_side` (file id to path) identifies: it stays with the keys.
    """

    offered: pa.Table
    catalogue: pa.Table
    objects: pa.Table
    measurements: pa.Table
    actions: pa.Table
    sketches: pa.Table
    key_side: pa.Table
    counts: dict[str, int]
    findings: tuple[Finding, ...]


def ingest(
    stem: str,
    spec: DatasetSpec,
    source: Source,
    folder: Path,
    keys: Keys,
    put: Put,
    progress: Callable[[int, int], None] | None = None,
    *,
    spread: Spread | None = None,
    memo: Memo | None = None,
    withdrawn: Mapping[str, str] | None = None,
    scratch: Path | None = None,
) -> Ingested:
    """Read a source once, de-identify, prove, store, measure and catalogue it.

    The same files and keys give the same tables, to the byte, in whatever order the files are found, however many
    processes share the work, and whatever is remembered of earlier runs. A run that was killed leaves nothing but
    objects under their digests; run again, it ends in the same tables.

    Parameters
    ----------
    stem : str
        Name of the database; a sample's id is of its source in this database.
    put : callable
        Keeps bytes and gives their digest.
    progress : callable
        Told how many samples are done, of how many.
    spread : Spread, optional
        Other processes that may take samples; default: this one takes them all.
    memo : Memo, optional
        What earlier runs made of files that have not changed.
    withdrawn : mapping, optional
        Subject to the reason for which it withdrew: its files are refused unread.
    scratch : Path, optional
        Where members of archives lie while they are read; they identify. Default: the system's place for it.

    Raises
    ------
    NothingReadable
        When the folder is missing or holds no file.
    """
    with tempfile.TemporaryDirectory(prefix="medassay-", dir=scratch) as unpacked:
        walked = walk(folder, Path(unpacked))
        return _ingested(stem, spec, source, walked, keys, put, progress, spread, memo, withdrawn)


def _ingested(
    stem: str,
    spec: DatasetSpec,
    source: Source,
    walked: Walk,
    keys: Keys,
    put: Put,
    progress: Callable[[int, int], None] | None,
    spread: Spread | None,
    memo: Memo | None,
    withdrawn: Mapping[str, str] | None,
) -> Ingested:
    intake = cast(Intake, module_of("medassay.datasets.intake", spec.kind, what="kind of data"))
    assembly = memo.assembly(walked.readable) if memo else None
    if assembly is None:
        assembly = assemble_all(intake, walked.readable, source)
        if memo:
            memo.keep_assembly(walked.readable, assembly)
    named = _named(stem, source, assembly.drafts, keys.pseudonym)

    def taken(todo: Sequence[Named]) -> Iterator[tuple[int, Fate]]:
        away = {number for number, one in enumerate(todo) if spread and spread.reaches(one)}
        if spread and spread.is_worth([todo[number] for number in sorted(away)]):
            numbers = sorted(away)
            for place, fate in spread.fates(spec.kind, source, put, [todo[number] for number in numbers]):
                yield numbers[place], fate
        else:
            away = set()
        for number, one in enumerate(todo):
            if number not in away:
                yield number, take(intake, one, source, keys, put).fate

    cases = _without_withdrawn(named, withdrawn or {}, lambda live: _all_taken(live, taken, memo, progress))
    _refuse_copies(cases)
    unassigned = (*walked.barred, *assembly.unassigned, *_unaccounted(walked.readable, assembly))
    findings = [
        *walked.closed_folders,
        *persons.unmatched(assembly.drafts, source),
        *persons.under_several_ids(
            [one.draft for one in named],
            source,
            [one.names.sample for one in named],
            [one.names.subject for one in named],
        ),
        *(finding for case in cases for finding in case.findings),
        *(item.finding for item in unassigned),
    ]
    files = {item.relative: item for item in walked.readable} | {
        b.file.relative: b.file for b in walked.barred
    }
    file_ids = {
        relative: pseudonym(keys.pseudonym, "F", f"{stem}\x00{source.name}\x00{relative}")
        for relative in files
    }
    offered = _offered_rows(files, file_ids, cases, unassigned)
    catalogue = [_catalogue_row(case, spec, source) for case in cases]
    accepted = [case for case in cases if case.ended is None]
    return Ingested(
        offered=table_of("offered", offered, order=("file_id",)),
        catalogue=table_of("catalogue", catalogue, order=("sample_id",)),
        objects=table_of(
            "objects", (row for case in accepted for row in case.objects), order=("sample_id", "role", "name")
        ),
        measurements=measurement_table(
            intake.COLUMNS, {case.sample: case.taken.measurements for case in accepted if case.taken}
        ),
        actions=table_of("actions", _action_rows(accepted), order=("element", "action")),
        sketches=table_of(
            "sketches",
            (
                {"sample_id": case.sample, "sketch": case.taken.sketch}
                for case in accepted
                if case.taken and case.taken.sketch
            ),
            order=("sample_id",),
        ),
        key_side=table_of(
            "key_side",
            ({"file_id": file_ids[r], "path": os.fsencode(item.path)} for r, item in files.items()),
            order=("file_id",),
        ),
        counts=_counts(offered, catalogue),
        findings=_in_order(findings),
    )


def _without_withdrawn(
    named: Sequence[Named], withdrawn: Mapping[str, str], cases: Callable[[Sequence[Named]], Sequence[Case]]
) -> list[Case]:
    """The cases of all drafts; those of subjects who withdrew are refused unread."""
    gone = [Case(one) for one in named if one.names.subject in withdrawn]
    for case in gone:
        case.end(
            Finding(
                reason=Reason.SUBJECT_WITHDREW,
                severity=Severity.REFUSE,
                found=f"files of a subject who withdrew ({withdrawn[case.named.names.subject]})",
                wanted="files of people who have not",
                remedy="Remove them from the source's folder; they were not read.",
                sample=case.sample,
            )
        )
    live = [one for one in named if one.names.subject not in withdrawn]
    return sorted([*cases(live), *gone], key=lambda case: case.sample)


def _all_taken(
    named: Sequence[Named],
    taken: Callable[[Sequence[Named]], Iterable[tuple[int, Fate]]],
    memo: Memo | None,
    progress: Callable[[int, int], None] | None,
) -> list[Case]:
    """A case a draft, in their order: remembered, or taken now and remembered for the next run."""
    fates: list[Fate | None] = [memo.fate(one) if memo else None for one in named]
    todo = [number for number, fate in enumerate(fates) if fate is None]
    done = len(named) - len(todo)
    for place, fate in taken([named[number] for number in todo]):
        fates[todo[place]] = fate
        done += 1
        if memo:
            memo.keep_fate(named[todo[place]], fate)
        if progress:
            progress(done, len(named))
    if memo:
        memo.forget_unused()
    return [Case.of(one, fate) for one, fate in zip(named, fates, strict=True) if fate is not None]


def _named(stem: str, source: Source, drafts: Sequence[Draft], key: bytes) -> list[Named]:
    """Every draft under its pseudonyms, in the order of sample ids."""
    drafts = sorted(drafts, key=lambda draft: (draft.key, [item.relative for _, item in draft.files]))
    seen: Counter[str] = Counter()
    named = []
    people, sides = persons.persons_of(drafts, source), persons.sides_of(drafts, source)
    for draft, person, side in zip(drafts, people, sides, strict=True):
        seen[draft.key] += 1
        again = f"\x00{seen[draft.key]}" if seen[draft.key] > 1 else ""
        sample = pseudonym(key, "R", f"{stem}\x00{source.name}\x00{draft.key}{again}")
        subject = pseudonym(key, "S", person if person is not None else f"\x00{sample}")
        names = Names(sample, subject, date_shift_days(key, subject), key)
        named.append(Named(draft, names, person is not None, side, bool(again)))
    return sorted(named, key=lambda one: one.names.sample)


def _refuse_copies(cases: Sequence[Case]) -> None:
    by_sample = {case.sample: case for case in cases}
    prints = {case.sample: case.taken.fingerprint for case in cases if case.taken and case.ended is None}
    found = duplicates.copies(prints)
    subjects = {case.sample: case.named.names.subject for case in cases}
    for finding in duplicates.findings(found, subjects):
        by_sample[str(finding.sample)].end(finding)


def _unaccounted(files: Sequence[OfferedFile], assembly: Assembly) -> list[Unassigned]:
    """Files that the intake put into no draft and did not speak of either."""
    spoken_of = {item.relative for draft in assembly.drafts for _, item in draft.files}
    spoken_of |= {item.file.relative for item in assembly.unassigned}
    finding = Finding(
        reason=Reason.UNKNOWN_FORMAT,
        severity=Severity.REFUSE,
        found="a file that no reader of this kind of data knows",
        wanted="files of the source's form",
        remedy="Remove it from the source's folder, or name the form that it has.",
    )
    return [Unassigned(item, finding) for item in files if item.relative not in spoken_of]


def _offered_rows(
    files: dict[str, OfferedFile],
    file_ids: dict[str, str],
    cases: Sequence[Case],
    unassigned: Sequence[Unassigned],
) -> list[dict[str, Any]]:
    """One row a file. A file that several samples use counts once, with the first accepted of them."""
    fate: dict[str, tuple[str, str | None, str | None]] = {}
    for case in sorted(cases, key=lambda case: (case.ended is not None, case.sample)):
        outcome, reason = ("refused", case.ended.reason.value) if case.ended else ("sample", None)
        for _, item in case.named.draft.files:
            fate.setdefault(item.relative, (outcome, case.sample, reason))
    for barred in unassigned:
        fate.setdefault(barred.file.relative, ("unassigned", None, barred.finding.reason.value))
    return [
        {
            "file_id": file_ids[relative],
            "bytes": item.size,
            "outcome": fate[relative][0],
            "sample_id": fate[relative][1],
            "reason": fate[relative][2],
        }
        for relative, item in files.items()
    ]


def _catalogue_row(case: Case, spec: DatasetSpec, source: Source) -> dict[str, Any]:
    taken = case.taken if case.ended is None else None
    age, band = age_facts(taken.age_years if taken else None)
    return {
        "sample_id": case.sample,
        "subject_id": case.named.names.subject,
        "subject_known": case.named.known,
        "site": taken.site if taken else None,
        "device": taken.device if taken else None,
        "sex": taken.sex if taken else None,
        "age_years": age,
        "age_band": band,
        "source_class": source.source_class.value,
        "kind": spec.kind,
        "fingerprint": case.taken.fingerprint if case.taken else None,
        "status": "refused" if case.ended else "accepted",
        "reason": case.ended.reason.value if case.ended else None,
        "division": case.named.side,
        "data_type": taken.data_type if taken else None,
        "modality": taken.modality if taken else None,
        "acquired_year": taken.acquired_year if taken else None,
    }


def _action_rows(cases: Sequence[Case]) -> list[dict[str, Any]]:
    total: Counter[tuple[str, str]] = Counter()
    for case in cases:
        for action in case.taken.actions if case.taken else ():
            total[action.element, action.action] += action.count
    return [{"element": e, "action": a, "count": count} for (e, a), count in total.items()]


def _counts(offered: Sequence[dict[str, Any]], catalogue: Sequence[dict[str, Any]]) -> dict[str, int]:
    files = Counter(row["outcome"] for row in offered)
    samples = Counter(row["status"] for row in catalogue)
    reasons = Counter(row["reason"] for row in catalogue if row["reason"])
    unassigned = Counter(row["reason"] for row in offered if row["outcome"] == "unassigned")
    return {
        "files_offered": len(offered),
        "files_in_samples": files["sample"],
        "files_in_refused_samples": files["refused"],
        "files_unassigned": files["unassigned"],
        "bytes_offered": sum(row["bytes"] for row in offered),
        "samples_offered": len(catalogue),
        "samples_accepted": samples["accepted"],
        "samples_refused": samples["refused"],
        "subjects_offered": len({row["subject_id"] for row in catalogue}),
        "subjects_accepted": len({row["subject_id"] for row in catalogue if row["status"] == "accepted"}),
        **{f"samples_refused:{reason}": count for reason, count in sorted(reasons.items())},
        **{f"files_unassigned:{reason}": count for reason, count in sorted(unassigned.items())},
    }


def _in_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Sorted; equal ones that name no sample stand once with their number."""
    number = Counter(findings)
    told = [
        finding.model_copy(update={"found": f"{finding.found} ({count} times)"})
        if count > 1 and finding.sample is None
        else finding
        for finding, count in number.items()
    ]
    return tuple(sorted(told, key=lambda finding: finding.model_dump_json()))
