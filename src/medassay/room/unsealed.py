"""The scorer's side of the room: labels open, and what the device answered is held against them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TypedDict

from medassay.core.canonical import canonical_json, digest_bytes
from medassay.core.errors import WrongUse
from medassay.core.specs import Spec
from medassay.datasets.manifest import Manifest, Row
from medassay.evaluation.double_entry import enter_all_twice
from medassay.evaluation.protocol import Protocol
from medassay.evaluation.scorer import SampleScore, Scorer
from medassay.evaluation.strata import Strata, strata_of
from medassay.evaluation.sufficient import Statistics, summed
from medassay.room.prediction import Answer, plain_reason
from medassay.room.readers import AnsweredSample, Reads, against_readers
from medassay.room.record import CaseRow, ReaderRow, SecondEntry, StressRow, SubjectRow
from medassay.room.staging import Get, open_reference, public_files
from medassay.room.stress import StressCopy, Stressed, copy_files, rows_of, suite_of
from medassay.trust.sealing import sample_key


@dataclass(frozen=True)
class Scored:
    """One test sample, scored by both implementations."""

    sample: str
    subject: str
    answer: Answer
    score: SampleScore
    second: Statistics


class Rows(TypedDict):
    """What a run's record tells of samples and subjects."""

    subjects: tuple[SubjectRow, ...]
    cases: tuple[CaseRow, ...]
    readers: tuple[ReaderRow, ...]
    second_entry: tuple[SecondEntry, ...]


@dataclass(frozen=True)
class Unsealed:
    """A scorer with its conventions, the test version, and the key that opens its labels."""

    scorer: Scorer
    options: Spec
    manifest: Manifest
    get: Get
    label_key: bytes = field(repr=False)

    def scored(self, answers: Mapping[str, Answer]) -> list[Scored]:
        """Every test sample, whatever the device made of it."""
        return [self._score(rows, answers[sample]) for sample, rows in self.manifest.samples("test").items()]

    def rows(
        self,
        scored: Sequence[Scored],
        strata: Mapping[str, Strata],
        reads: Reads,
        excerpts: Mapping[str, bytes],
    ) -> Rows:
        """The record's rows; `excerpts` by sample, of those that have one."""
        return Rows(
            subjects=_subjects(scored, strata),
            cases=tuple(_case(one, excerpts) for one in scored),
            readers=self._readers(scored, reads),
            second_entry=self._second_entry(scored),
        )

    def stressed(self, protocol: Protocol, stressed: Stressed | None) -> tuple[StressRow, ...]:
        """The disturbed copies, each scored against the reference of the sample that it was made from."""
        asked, samples = protocol.stress, self.manifest.samples("test")
        if asked is None or stressed is None or not stressed.copies:
            return ()
        suite = suite_of(self.manifest.kind, asked)

        def scored(copy: StressCopy, answer: Answer) -> StressRow:
            rows = samples[copy.sample]
            files = copy_files(suite, asked, copy, rows, self.get)
            read, score = self._read(self._reference(rows), files, answer)
            return StressRow(
                condition=copy.condition.id,
                strength=copy.strength,
                sample=copy.sample,
                subject=copy.subject,
                status=read.status,
                statistics=dict(score.statistics),
            )

        return rows_of(stressed, scored)

    def _score(self, rows: Sequence[Row], answer: Answer) -> Scored:
        reference, files = self._reference(rows), public_files(rows, self.get)
        answer, score = self._read(reference, files, answer)
        second = self.scorer.second(reference, answer.prediction, files, self.options)
        return Scored(rows[0].sample, rows[0].subject, answer, score, second)

    def _read(
        self, reference: bytes, files: Mapping[str, bytes], answer: Answer
    ) -> tuple[Answer, SampleScore]:
        """The answer's score; one that the scorer cannot read counts as missing, and says so."""
        try:
            return answer, self.scorer.score(reference, answer.prediction, files, self.options)
        except WrongUse as error:
            if answer.prediction is None:
                raise
            reason = plain_reason(f"found {error.found}; wanted {error.wanted}")
            unreadable = Answer("unreadable", reason, None)
            return unreadable, self.scorer.score(reference, None, files, self.options)

    def _reference(self, rows: Sequence[Row]) -> bytes:
        return open_reference(rows, self.get, sample_key(self.label_key, rows[0].sample))

    def _readers(self, scored: Sequence[Scored], reads: Reads) -> tuple[ReaderRow, ...]:
        samples = self.manifest.samples("test")
        answered = [
            AnsweredSample(one.sample, one.subject, one.answer.prediction, samples[one.sample])
            for one in scored
        ]
        return against_readers(answered, self.scorer, self.options, reads, self.get, self.label_key)

    def _second_entry(self, scored: Sequence[Scored]) -> tuple[SecondEntry, ...]:
        pairs = [(one.score.statistics, one.second) for one in scored]
        entries = enter_all_twice(pairs, self.scorer, self.options)
        return tuple(SecondEntry.model_validate(asdict(entry)) for entry in entries)


def worst_excerpts(scored: Sequence[Scored], worst: int) -> dict[str, bytes]:
    """Sample to excerpt, for the worst cases that have one."""
    pictured = [one for one in scored if one.score.excerpt is not None]
    ordered = sorted(pictured, key=lambda one: (-one.score.badness, one.sample))
    return {one.sample: canonical_json(one.score.excerpt) for one in ordered[:worst]}


def _case(one: Scored, excerpts: Mapping[str, bytes]) -> CaseRow:
    return CaseRow(
        sample=one.sample,
        subject=one.subject,
        status=one.answer.status,
        reason=one.answer.reason,
        badness=one.score.badness,
        statistics=dict(one.score.statistics),
        excerpt=digest_bytes(excerpts[one.sample]) if one.sample in excerpts else None,
    )


def _subjects(scored: Sequence[Scored], strata: Mapping[str, Strata]) -> tuple[SubjectRow, ...]:
    by_subject: dict[str, list[Scored]] = {}
    for one in scored:
        by_subject.setdefault(one.subject, []).append(one)
    return tuple(
        SubjectRow(
            subject=subject,
            strata=strata_of(strata[one.sample] for one in group),
            samples=len(group),
            statistics=summed(one.score.statistics for one in group),
        )
        for subject, group in sorted(by_subject.items())
    )
