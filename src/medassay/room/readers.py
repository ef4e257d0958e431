"""A device's answers against what each single reader of the reference standard read, after the labels are open."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from medassay.core.errors import WrongUse
from medassay.core.specs import Spec
from medassay.datasets.manifest import Row
from medassay.evaluation.scorer import Scorer
from medassay.evaluation.sufficient import Statistics, summed
from medassay.room.record import ReaderRow
from medassay.room.staging import Get, open_read, public_files
from medassay.trust.sealing import sample_key

Reads = Mapping[str, Mapping[str, str]]  # reader to sample to digest of the sealed read


@dataclass(frozen=True)
class AnsweredSample:
    """One test sample, and what the device said of it: None where that counts as missing."""

    sample: str
    subject: str
    prediction: bytes | None = field(repr=False)
    rows: Sequence[Row] = field(repr=False)


def against_readers(
    answered: Sequence[AnsweredSample],
    scorer: Scorer,
    options: Spec,
    reads: Reads,
    get: Get,
    label_key: bytes,
) -> tuple[ReaderRow, ...]:
    """The same answers against each reader in turn, summed by subject.

    A read that the scorer cannot score is as one that was not made: how many samples there are of a subject is told.

    Raises
    ------
    EvidenceBroken
        When a read does not open.
    """
    sums: dict[int, dict[str, list[Statistics]]] = {place: {} for place in range(1, len(reads) + 1)}
    for one in answered:
        files = public_files(one.rows, get)
        for place, (reader, read_of) in enumerate(reads.items(), 1):
            if one.sample not in read_of:
                continue
            key = sample_key(label_key, one.sample)
            read = open_read(read_of[one.sample], one.sample, reader, get, key)
            try:
                score = scorer.score(read, one.prediction, files, options)
            except WrongUse:
                continue
            sums[place].setdefault(one.subject, []).append(score.statistics)
    return tuple(
        ReaderRow(reader=place, subject=subject, samples=len(group), statistics=summed(group))
        for place, by_subject in sums.items()
        for subject, group in sorted(by_subject.items())
    )
