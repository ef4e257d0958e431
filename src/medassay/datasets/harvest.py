"""What the samples of one source came to: fates go in one at a time, the declared tables come out."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from medassay.core.findings import Finding, Reason
from medassay.datasets import duplicates
from medassay.datasets.catalogue import age_facts, measurement_table, table_of, with_rows
from medassay.datasets.roll import Roll
from medassay.datasets.rows import Measured, Rows, load_arrow
from medassay.datasets.sample import Taken
from medassay.datasets.spec import DatasetSpec, Source
from medassay.datasets.take import Fate

if TYPE_CHECKING:
    import pyarrow as pa

FACTS: Mapping[str, str] = {  # of an accepted sample
    "site": "string",
    "device": "string",
    "sex": "string",
    "age_years": "float64",
    "age_band": "string",
    "data_type": "string",
    "modality": "string",
    "acquired_year": "int64",
}
OBJECTS = {"role": "string", "name": "string", "digest": "string", "sealed": "bool", "bytes": "int64"}
REASONS = tuple(Reason)  # a sample's reason is kept as its place here, from 1


class Harvest:
    """Fates of the samples of a roll, as columns. `add` each once, in any order, then `refuse_copies`.

    After that the tables are asked for, each once: a table's rows are given away with it.
    """

    def __init__(self, roll: Roll, columns: Mapping[str, tuple[str, str]]) -> None:
        self.findings: list[Finding] = []
        self.ended = bytearray(len(roll))  # 0: accepted; else the place of its reason in REASONS, from 1
        self._begun = False
        self._roll = roll
        self._columns = columns
        self._facts = Rows(FACTS)
        self._fingerprints = Rows({"fingerprint": "string"})
        self._marked: tuple[NDArray[np.int64], pa.Array] | None = (
            None  # fingerprints, once copies are refused
        )
        self._objects = Rows(OBJECTS)
        self._sketches = Rows({"sketch": "binary"})
        self._measured = Measured(tuple(columns))
        self._elements: dict[tuple[str, str], int] = {}
        self._patterns: dict[bytes, int] = {}  # samples of one scanner and protocol share theirs
        self._pattern_of = array("q", [-1]) * len(roll)

    def add(self, number: int, fate: Fate) -> None:
        """What became of one sample."""
        if not self._begun:
            load_arrow()  # half a second, in which other processes are at work
            self._begun = True
        self.findings += fate.findings
        if fate.ended is not None:
            self.ended[number] = _code(fate.ended)
        taken = fate.taken
        if taken is None:
            return
        age, band = age_facts(taken.age_years)
        facts = (taken.site, taken.device, taken.sex, age, band)
        self._facts.add(number, (*facts, taken.data_type, taken.modality, taken.acquired_year))
        self._fingerprints.add(number, (taken.fingerprint,))
        for row in sorted(fate.objects, key=lambda row: (row["role"], row["name"])):
            self._objects.add(number, tuple(row[column] for column in OBJECTS))
        self._measured.add(number, taken.measurements)
        if taken.sketch:
            self._sketches.add(number, (taken.sketch,))
        self._pattern_of[number] = self._pattern(taken)

    def refuse_copies(self) -> None:
        """Of samples with equal content the first stays; each other is refused, and a finding says so."""
        from pyarrow import compute

        every = np.ones(len(self._roll), dtype=bool)
        numbers, columns = self._fingerprints.ordered(every)
        marks = columns["fingerprint"]
        counted = compute.value_counts(marks)
        several = counted.field("values").filter(compute.greater(counted.field("counts"), 1))
        places = np.flatnonzero(np.asarray(compute.is_in(marks, several)))
        alike = {
            self._roll.samples[numbers[place]]: (int(numbers[place]), marks[place].as_py())
            for place in places
        }
        copies = duplicates.copies({sample: mark for sample, (_, mark) in alike.items()})
        subjects = {sample: self._roll.subjects[number] for sample, (number, _) in alike.items()}
        for finding in duplicates.findings(copies, subjects):
            self.ended[alike[str(finding.sample)][0]] = _code(finding)
            self.findings.append(finding)
        self._marked = numbers, marks

    @property
    def accepted(self) -> NDArray[np.bool_]:
        """Whether each sample of the roll stands."""
        return np.equal(np.frombuffer(self.ended, dtype=np.uint8), 0, dtype=bool)

    def catalogue(self, spec: DatasetSpec, source: Source) -> pa.Table:
        """A row a sample; one that was refused has no facts but its reason, and a copy its fingerprint."""
        import pyarrow as pa

        roll, size = self._roll, len(self._roll)
        if self._marked is None:
            raise LookupError("the catalogue of samples among which copies have not been looked for")
        marked, marks = self._marked
        numbers, facts = self._facts.ordered(self.accepted)
        reasons = pa.array([None, *(reason.value for reason in REASONS)], pa.string())
        codes = np.frombuffer(self.ended, dtype=np.uint8)
        columns = {
            "sample_id": pa.array(roll.samples, pa.string()),
            "subject_id": pa.array(roll.subjects, pa.string()),
            "subject_known": pa.array(np.frombuffer(roll.known, dtype=np.uint8) > 0),
            "source_class": pa.repeat(source.source_class.value, size),
            "kind": pa.repeat(spec.kind, size),
            "fingerprint": _at(marks, marked, size),
            "status": pa.array(["accepted", "refused"]).take(pa.array((codes > 0).astype(np.int8))),
            "reason": reasons.take(pa.array(codes)),
            "division": pa.array(roll.sides, pa.string()),
        }
        return with_rows(
            "catalogue", columns | {name: _at(one, numbers, size) for name, one in facts.items()}
        )

    def objects(self) -> pa.Table:
        """The objects of accepted samples, by sample, role and name."""
        numbers, columns = self._objects.ordered(self.accepted)
        return with_rows("objects", columns | {"sample_id": self._samples(numbers)})

    def measurements(self) -> pa.Table:
        """The measurements of accepted samples."""
        numbers, values = self._measured.ordered(self.accepted)
        return measurement_table(self._columns, self._samples(numbers), values)

    def sketches(self) -> pa.Table:
        """What near copies of accepted samples are known by."""
        numbers, columns = self._sketches.ordered(self.accepted)
        return with_rows("sketches", columns | {"sample_id": self._samples(numbers)})

    def actions(self) -> pa.Table:
        """What de-identification did over all accepted samples, by element."""
        patterns = np.array(self._pattern_of, dtype=np.int64)[self.accepted]
        times = np.bincount(patterns[patterns >= 0], minlength=len(self._patterns))
        total: Counter[int] = Counter()
        for pattern, number in zip(self._patterns, times.tolist(), strict=True):
            if number:
                pairs = np.frombuffer(pattern, dtype=np.int64).reshape(-1, 2)
                for element, count in pairs.tolist():
                    total[element] += count * number
        named = list(self._elements)
        rows = (
            {"element": named[element][0], "action": named[element][1], "count": count}
            for element, count in total.items()
        )
        return table_of("actions", rows, order=("element", "action"))

    def _pattern(self, taken: Taken) -> int:
        """The number of this sample's actions among those that differ."""
        pairs = array("q")
        for action in taken.actions:
            pairs.append(self._elements.setdefault((action.element, action.action), len(self._elements)))
            pairs.append(action.count)
        return self._patterns.setdefault(pairs.tobytes(), len(self._patterns))

    def _samples(self, numbers: NDArray[np.int64]) -> pa.Array:
        import pyarrow as pa

        if len(numbers) == len(self._roll) and (np.diff(numbers) == 1).all():
            return pa.array(self._roll.samples, pa.string())
        return pa.array(self._roll.samples, pa.string()).take(pa.array(numbers))


def _code(finding: Finding) -> int:
    return 1 + REASONS.index(finding.reason)


def _at(values: pa.Array, numbers: NDArray[np.int64], size: int) -> pa.Array:
    """The values spread over a column of this size, each at its number; empty elsewhere."""
    import pyarrow as pa

    if len(numbers) == size:
        return values
    places = np.full(size, -1, dtype=np.int64)
    places[numbers] = np.arange(len(numbers))
    return values.take(pa.array(places, mask=places < 0))
