"""Sub-databases: for one intended use, people drawn from a sealed master so that they look like its population.

1. The declared cohort rules leave the master's subjects that the use is for.
2. Raking (iterative proportional fitting; Deming and Stephan, Ann Math Stat 1940) turns the declared shares of
   single columns into a share for every cell that the master has people in.
3. Each cell gets its number of people by largest remainders, never more than it has; what a cell lacks is shared
   out among the others and told.
4. Within a cell, people are drawn in seeded order.
5. Whether the people drawn represent the declared population is tested: chi-square goodness of fit on subjects,
   and the standardised difference of each share (Austin, Stat Med 2009).

People keep the part of the split that they have in the master: who is in test there is in test here.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import sqrt
from typing import Any, Literal

import numpy as np
from pydantic import Field

from medassay.core.errors import WrongUse
from medassay.core.record import Record
from medassay.datasets.cohort import apply, column, text_of
from medassay.datasets.flow import Funnel
from medassay.datasets.manifest import Manifest
from medassay.datasets.spec import SubDatabase

ROUNDS, CLOSE = 1000, 1e-10
LEAST_EXPECTED = 5.0  # Cochran: below it, chi-square's distribution does not hold

Cell = tuple[str, ...]


class Share(Record):
    """One value of one column: people wanted and drawn."""

    value: str
    declared: float
    drawn: int = Field(ge=0)
    observed: float
    difference: float = Field(description="standardised difference (observed - declared) / pooled deviation")


class Compared(Record):
    """How one column's shares among the people drawn stand to the declared ones."""

    column: str
    subjects: int
    shares: tuple[Share, ...]
    chi_square: float | None
    degrees_of_freedom: int
    p_value: float | None
    not_assessed: str = Field(default="", description="why there is no chi-square test")
    representative: bool


class Cut(Record):
    """What a cut came to."""

    schema_id: Literal["medassay.sub-database/1"] = "medassay.sub-database/1"
    name: str
    master: str = Field(pattern=r"^[0-9a-f]{64}$")
    wanted: int
    eligible: int = Field(
        description="subjects of the master whom the rules leave and whose facts are stated"
    )
    drawn: int
    funnel: tuple[Funnel, ...]
    not_stated: int = Field(
        description="subjects left out because a fact of the shares is not stated of them"
    )
    beyond_shares: int = Field(description="subjects left out because no share is declared for their group")
    unfilled: dict[str, int] = Field(description="cell to the people that it lacked")
    tests: tuple[Compared, ...]
    representative: bool


@dataclass(frozen=True)
class SubVersion:
    """A sub-database: its own manifest under its own digest, and the record of the cut."""

    manifest: Manifest | None  # None: nobody could be drawn
    cut: Cut


def cut(spec: SubDatabase, master: Manifest, facts: Mapping[str, Mapping[str, Any]]) -> SubVersion:
    """Draw one sub-database.

    Parameters
    ----------
    facts : mapping
        Sample id to its columns of catalogue and measurements, of every sample of the master.

    Raises
    ------
    WrongUse
        When shares name a column that does not exist, or the master is itself a sub-database.
    """
    if master.master is not None:
        raise WrongUse(
            found="a version that was cut already",
            wanted="a master",
            remedy="Cut every sub-database from the master; a cut of a cut has no declared population.",
        )
    of_master = {sample: facts[sample] for sample in master.samples()}
    meets = apply(spec.cohort, of_master)
    cells, unstated, beyond = _cells(spec, {sample: of_master[sample] for sample in meets.inside})
    people = _drawn(spec, cells)
    inside = set(meets.inside)
    rows = tuple(row for row in master.rows if row.subject in people and row.sample in inside)
    manifest = (
        Manifest.model_validate(
            master.model_dump()
            | {"rows": rows, "seed": spec.seed, "master": master.digest, "sub_database": spec.name}
        )
        if rows
        else None
    )
    tests = tuple(_tested(spec, place, name, cells, people) for place, name in enumerate(spec.shares))
    record = Cut(
        name=spec.name,
        master=master.digest,
        wanted=spec.subjects,
        eligible=len(cells),
        drawn=len(people),
        funnel=tuple(Funnel(**vars(step)) for step in meets.funnel),
        not_stated=unstated,
        beyond_shares=beyond,
        unfilled=_unfilled(spec, cells),
        tests=tests,
        representative=bool(people) and all(test.representative for test in tests),
    )
    return SubVersion(manifest, record)


def _cells(spec: SubDatabase, facts: Mapping[str, Mapping[str, Any]]) -> tuple[dict[str, Cell], int, int]:
    """The cell of each subject. One whose samples differ in a fact has that of its first sample."""
    of_subject: dict[str, Mapping[str, Any]] = {}
    for _, row in sorted(facts.items()):
        of_subject.setdefault(row["subject_id"], row)
    cells: dict[str, Cell] = {}
    unstated = beyond = 0
    for subject, row in of_subject.items():
        values = [column(name, row, asked_by=f"shares of sub-database '{spec.name}'") for name in spec.shares]
        if any(value is None for value in values):
            unstated += 1
            continue
        cell = tuple(text_of(value) for value in values)
        if any(value not in shares for value, shares in zip(cell, spec.shares.values(), strict=True)):
            beyond += 1
            continue
        cells[subject] = cell
    return cells, unstated, beyond


def _raked(spec: SubDatabase, present: Sequence[Cell]) -> dict[Cell, float]:
    """Shares of the cells that have people, with the declared margins as far as those cells allow them."""
    columns = [list(shares) for shares in spec.shares.values()]
    margins = [np.array(list(shares.values())) for shares in spec.shares.values()]
    table = np.array([float(cell in set(present)) for cell in product(*columns)])
    table = table.reshape([len(values) for values in columns])
    for _ in range(ROUNDS):
        before = table.copy()
        for axis, margin in enumerate(margins):
            others = tuple(other for other in range(table.ndim) if other != axis)
            sums = table.sum(axis=others)
            factor = np.divide(margin, sums, out=np.zeros_like(margin), where=sums > 0)
            table = table * factor.reshape([-1 if other == axis else 1 for other in range(table.ndim)])
        if np.abs(table - before).max() < CLOSE:
            break
    table /= table.sum() if table.sum() > 0 else 1
    return dict(zip(product(*columns), table.ravel().tolist(), strict=True))


def _allotted(spec: SubDatabase, cells: Mapping[str, Cell]) -> dict[Cell, int]:
    """People a cell: largest remainders, no more than there are; what one lacks goes to the others by share."""
    there = Counter(cells.values())
    shares = {cell: share for cell, share in _raked(spec, sorted(there)).items() if there[cell]}
    given: Counter[Cell] = Counter()
    while given.total() < min(spec.subjects, there.total()):
        open_cells = {
            cell: share for cell, share in shares.items() if given[cell] < there[cell] and share > 0
        }
        if not open_cells:
            break
        left, whole = spec.subjects - given.total(), sum(open_cells.values())
        due = {cell: left * share / whole for cell, share in open_cells.items()}
        full = {cell: min(int(amount), there[cell] - given[cell]) for cell, amount in due.items()}
        given.update(full)
        if not any(full.values()):
            order = sorted(due, key=lambda cell: (-due[cell], cell))
            given.update(dict.fromkeys(order[:left], 1))
    return dict(given)


def _drawn(spec: SubDatabase, cells: Mapping[str, Cell]) -> set[str]:
    members: defaultdict[Cell, list[str]] = defaultdict(list)
    for subject, cell in cells.items():
        members[cell].append(subject)
    people: set[str] = set()
    for cell, number in _allotted(spec, cells).items():
        order = sorted(members[cell], key=lambda subject: _lot(spec, subject))
        people |= set(order[:number])
    return people


def _lot(spec: SubDatabase, subject: str) -> bytes:
    return hashlib.sha256(f"{spec.name}|{spec.seed}|{subject}".encode()).digest()


def _unfilled(spec: SubDatabase, cells: Mapping[str, Cell]) -> dict[str, int]:
    """What each declared value lacks: people wanted by its share, less those whom the master has."""
    lacking: dict[str, int] = {}
    for place, (name, shares) in enumerate(spec.shares.items()):
        there = Counter(cell[place] for cell in cells.values())
        for value, share in shares.items():
            missing = int(np.floor(spec.subjects * share)) - there[value]
            if missing > 0:
                lacking[f"{name}={value}"] = missing
    return lacking


def _tested(
    spec: SubDatabase, place: int, name: str, cells: Mapping[str, Cell], people: set[str]
) -> Compared:
    from scipy.stats import chisquare

    drawn = Counter(cells[subject][place] for subject in people)
    total = drawn.total()
    shares = tuple(_share(value, share, drawn[value], total) for value, share in spec.shares[name].items())
    expected = [share.declared * total for share in shares]
    small = not total or min(expected) < LEAST_EXPECTED
    statistic = None if small else chisquare([share.drawn for share in shares], expected)
    p_value = None if statistic is None else float(statistic.pvalue)
    near = bool(total) and all(abs(share.difference) <= spec.largest_difference for share in shares)
    return Compared(
        column=name,
        subjects=total,
        shares=shares,
        chi_square=None if statistic is None else float(statistic.statistic),
        degrees_of_freedom=len(shares) - 1,
        p_value=p_value,
        not_assessed=f"an expected number of subjects below {LEAST_EXPECTED:g}" if small else "",
        representative=near and (p_value is None or p_value >= spec.alpha),
    )


def _share(value: str, declared: float, drawn: int, total: int) -> Share:
    observed = drawn / total if total else 0.0
    pooled = sqrt((declared * (1 - declared) + observed * (1 - observed)) / 2)
    return Share(
        value=value,
        declared=declared,
        drawn=drawn,
        observed=observed,
        difference=(observed - declared) / pooled,
    )
