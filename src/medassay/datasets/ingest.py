"""Ingest: every file of a source ends in one sample, or is refused with a reason; nothing is lost on the way.

1. List the folder, open its files and archives, look at each, group them into drafts: or remember how that ended.
2. Name every draft: whose it is over the whole source, which sample.
3. Take each draft, or remember what became of it. Objects become durable in groups, and only then does anyone hear
   of their fates: neither the memory of this source nor a table can speak of an object that a kill may lose.
4. Keep of each fate its rows, as columns; refuse copies; sort; that is the tables.

Memory holds the listing, the drafts that wait, and columns: some 2 kB a sample of small files.
"""

from __future__ import annotations

import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

from medassay.core.findings import Finding, Reason, Severity
from medassay.core.rooms import module_of
from medassay.datasets import persons
from medassay.datasets.harvest import Harvest
from medassay.datasets.look import Look, assemble_all, look_at
from medassay.datasets.memo import Memo
from medassay.datasets.offer import Offer
from medassay.datasets.roll import Part, Roll, enrolled
from medassay.datasets.sample import Assembly, Intake, OfferedFile
from medassay.datasets.spec import DatasetSpec, Source
from medassay.datasets.spread import Crew, Spread, bytes_of
from medassay.datasets.take import Fate, Keys, Put, Settle, take
from medassay.datasets.walk import Walk, listed, opened

if TYPE_CHECKING:
    import pyarrow as pa

GROUP_SAMPLES, GROUP_S = 2000, 2.0  # taken in this process before their objects are made durable together

Progress = Callable[[int, int], None]


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

    @property
    def tables(self) -> dict[str, pa.Table]:
        """What the store may hold, by role: every table but the key side."""
        return {
            "offered": self.offered,
            "catalogue": self.catalogue,
            "objects": self.objects,
            "measurements": self.measurements,
            "actions": self.actions,
            "sketches": self.sketches,
        }


def ingest(
    stem: str,
    spec: DatasetSpec,
    source: Source,
    folder: Path,
    keys: Keys,
    put: Put,
    progress: Progress | None = None,
    *,
    settle: Settle = lambda: None,
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
    settle : callable
        Makes durable what was put; default: it was durable when `put` came back.
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
    intake = cast(Intake, module_of("medassay.datasets.intake", spec.kind, what="kind of data"))
    with (
        tempfile.TemporaryDirectory(prefix="medassay-", dir=scratch) as unpacked,
        spread.crew(spec.kind, source, put, settle) if spread else nullcontext() as crew,
    ):
        work = _Work(intake, source, keys, put, settle, crew, memo)
        walked, assembly = work.grouped(folder, Path(unpacked))
        roll = enrolled(stem, source, assembly.drafts, keys.pseudonym)
        offer = Offer(walked.readable, walked.barred, assembly.unassigned, roll.drafts)
        findings = [
            *walked.closed_folders,
            *persons.unmatched(assembly.drafts, source),
            *persons.under_several_ids(roll.waiting(), source, roll.samples, roll.subjects),
            *(one.finding for one in offer.unassigned),
        ]
        del walked, assembly  # a draft is let go of once it has been taken
        harvest = Harvest(roll, intake.COLUMNS)
        for done, (number, fate) in enumerate(work.fates(roll, withdrawn or {}), start=1):
            harvest.add(number, fate)
            roll.let_go(number)
            if progress:
                progress(done, len(roll))
        if crew:
            crew.dismiss()
        return _tables(stem, spec, source, keys, roll, offer, harvest, findings)


def _tables(
    stem: str,
    spec: DatasetSpec,
    source: Source,
    keys: Keys,
    roll: Roll,
    offer: Offer,
    harvest: Harvest,
    findings: Sequence[Finding],
) -> Ingested:
    """Refuse copies, then give each table; what it was made of is given away with it."""
    harvest.refuse_copies()
    catalogue = harvest.catalogue(spec, source)
    offered, key_side = offer.tables(stem, source.name, keys.pseudonym, roll.samples, harvest.ended)
    return Ingested(
        offered=offered,
        catalogue=catalogue,
        objects=harvest.objects(),
        measurements=harvest.measurements(),
        actions=harvest.actions(),
        sketches=harvest.sketches(),
        key_side=key_side,
        counts=_counts(offered, catalogue),
        findings=_in_order([*findings, *harvest.findings]),
    )


@dataclass(frozen=True)
class _Work:
    """All that it takes to make drafts of files, and to give each draft its fate."""

    intake: Intake
    source: Source
    keys: Keys
    put: Put
    settle: Settle
    crew: Crew | None
    memo: Memo | None

    def grouped(self, folder: Path, unpacked: Path) -> tuple[Walk, Assembly]:
        """What the folder holds and how it makes drafts.

        An unchanged folder costs a stat a file; in one that changed, the files that did are opened.
        """
        listing = listed(folder)
        if self.memo and (known := self.memo.grouped(listing)):
            return known
        looks = {
            item.relative: look for item in listing.regular if self.memo and (look := self.memo.look(item))
        }
        walked = opened(listing, unpacked, plain=looks)
        for item, look in self._looked([item for item in walked.readable if item.relative not in looks]):
            looks[item.relative] = look
            if self.memo:
                self.memo.keep_look(item, look)
        assembly = assemble_all(self.intake, walked.readable, self.source, looks)
        if self.memo:
            self.memo.keep_grouped(listing, walked, assembly)
        return walked, assembly

    def _looked(self, files: Sequence[OfferedFile]) -> Iterator[tuple[OfferedFile, Look]]:
        """By this process until others are there, where that is worth it, and then by them what they reach."""
        crew = self.crew
        away = [item for item in files if crew and crew.reaches([item])]
        if crew is None or not crew.call([item.size for item in away]):
            crew, away = None, []
        for item in files:
            if not (crew and crew.reaches([item])):
                yield item, look_at(self.intake, item, self.source)
        for place, item in enumerate(away):
            if crew and crew.is_there():
                rest = away[place:]
                yield from ((rest[number], look) for number, look in crew.looks(rest))
                return
            yield item, look_at(self.intake, item, self.source)

    def fates(self, roll: Roll, withdrawn: Mapping[str, str]) -> Iterator[tuple[int, Fate]]:
        """The fate of each sample by its number: refused unread, remembered, or taken now and remembered."""
        todo = []
        for number, subject in enumerate(roll.subjects):
            if subject in withdrawn:
                yield number, _withdrew(roll.samples[number], withdrawn[subject])
            elif self.memo and (known := self.memo.fate(roll.named(number))):
                yield number, known
            else:
                todo.append(number)
        for number, fate in self._taken(roll, todo):
            if self.memo:
                self.memo.keep_fate(roll.named(number), fate)
            yield number, fate
        if self.memo:
            self.memo.forget_unused()

    def _taken(self, roll: Roll, todo: list[int]) -> Iterator[tuple[int, Fate]]:
        """By other processes what they reach, where that is worth it, and the rest by this one."""
        if self.crew:
            away = Part(roll, [number for number in todo if self.crew.reaches(roll.files(number))])
            if self.crew.call([bytes_of(named) for named in away]):
                for place, fate in self.crew.fates(away):
                    yield away.numbers[place], fate
                todo = sorted(set(todo).difference(away.numbers))
        yield from self._taken_here(Part(roll, todo))

    def _taken_here(self, todo: Part) -> Iterator[tuple[int, Fate]]:
        group: list[tuple[int, Fate]] = []
        began = time.monotonic()
        for number, named in zip(todo.numbers, todo, strict=True):
            group.append((number, take(self.intake, named, self.source, self.keys, self.put).fate))
            if len(group) >= GROUP_SAMPLES or time.monotonic() - began > GROUP_S:
                self.settle()
                yield from group
                group.clear()
                began = time.monotonic()
        self.settle()
        yield from group


def _withdrew(sample: str, reason: str) -> Fate:
    finding = Finding(
        reason=Reason.SUBJECT_WITHDREW,
        severity=Severity.REFUSE,
        found=f"files of a subject who withdrew ({reason})",
        wanted="files of people who have not",
        remedy="Remove them from the source's folder; they were not read.",
        sample=sample,
    )
    return Fate(None, (), (finding,), finding)


def _counts(offered: pa.Table, catalogue: pa.Table) -> dict[str, int]:
    from pyarrow import compute

    files, samples = _tally(offered, "outcome"), _tally(catalogue, "status")
    accepted = catalogue.filter(compute.equal(catalogue["status"], "accepted"))
    unassigned = offered.filter(compute.equal(offered["outcome"], "unassigned"))
    reasons, why = _tally(catalogue, "reason"), _tally(unassigned, "reason")
    return {
        "files_offered": len(offered),
        "files_in_samples": files["sample"],
        "files_in_refused_samples": files["refused"],
        "files_unassigned": files["unassigned"],
        "bytes_offered": compute.sum(offered["bytes"], min_count=0).as_py(),
        "samples_offered": len(catalogue),
        "samples_accepted": samples["accepted"],
        "samples_refused": samples["refused"],
        "subjects_offered": compute.count_distinct(catalogue["subject_id"]).as_py(),
        "subjects_accepted": compute.count_distinct(accepted["subject_id"]).as_py(),
        **{f"samples_refused:{reason}": count for reason, count in sorted(reasons.items())},
        **{f"files_unassigned:{reason}": count for reason, count in sorted(why.items())},
    }


def _tally(table: pa.Table, column: str) -> Counter[str]:
    """How often each value stands in the column."""
    counted = table[column].drop_null().value_counts()
    return Counter(
        dict(zip(counted.field("values").to_pylist(), counted.field("counts").to_pylist(), strict=True))
    )


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
