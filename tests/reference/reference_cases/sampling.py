"""Attribute sampling: R AQLSchemes 1.7-2 (tables of ANSI/ASQ Z1.4) and AcceptanceSampling 1.0.11.

Plans of the tables are counted by inspection and level: as many must be alike as there are. Arrows are followed to the
letter where they lead.
"""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from medassay.quality.sampling import acceptance_probability
from medassay.statistics.attribute_sampling import (
    LETTERS,
    SIZES,
    aql_plan,
    code_letter,
    operating_characteristic,
    two_point_plan,
)
from reference_cases import Case

TOPIC = "sampling"
TABLES = "R AQLSchemes 1.7-2"


def cases(folder: Path) -> Iterator[Case]:
    """Every figure of every case, every code letter and every plan of the tables."""
    for case in json.loads((folder / TOPIC / "cases.json").read_text()):
        for figure, ours, theirs in _curve(case) if "n" in case["input"] else _plan(case):
            yield Case(TOPIC, case["id"], figure, ours, theirs, case["tol"], case["tool"])
    yield from _letters(json.loads((folder / TOPIC / "code_letters.json").read_text()))
    yield from _plans(folder / TOPIC / "aql_single_plans.csv")


def _plans(path):
    """Plans of a level that are theirs in sample size, acceptance and rejection number."""
    same, all_ = Counter(), Counter()
    with path.open() as file:
        for row in csv.DictReader(file):
            ours = aql_plan(
                int(row["lot_size"].split("-")[0]),
                float(row["aql_percent"]),
                level=row["level"],
                inspection=row["inspection"],
            )
            kind = row["inspection"], row["level"]
            theirs = tuple(int(row[key]) for key in ("n", "ac", "re"))
            all_[kind] += 1
            same[kind] += theirs == (ours.sample_size, ours.acceptance_number, ours.rejection_number)
    for kind, plans in all_.items():
        yield Case(TOPIC, f"aql_single_plans {' '.join(kind)}", "plans alike", same[kind], plans, 0, TABLES)


def _curve(case):
    given, expected = case["input"], case["expected"]
    n, ac = given["n"], given["ac"]
    for name in ("binomial", "poisson"):
        ours = operating_characteristic(n, ac, given["p"], distribution=name)
        for place, theirs in enumerate(expected[name]):
            yield f"{name}[{place}]", float(ours[place]), theirs
    lot, defective = given["N_hypergeom"], given["D_hypergeom"]
    finite = operating_characteristic(n, ac, defective, distribution="hypergeometric", lot_size=lot)
    for place, theirs in enumerate(expected["hypergeometric"]):
        yield f"hypergeometric[{place}]", float(finite[place]), theirs
        other = acceptance_probability(
            lot_size=lot, defectives=defective[place], sample_size=n, acceptance_number=ac
        )
        yield f"hypergeometric[{place}] of an isolated lot", other, theirs


def _plan(case):
    given, expected = case["input"], case["expected"]
    size, number = two_point_plan(tuple(given["producer_point"]), tuple(given["consumer_point"]))
    yield "n", size, expected["n"]
    yield "c", number, expected["c"]
    yield "r", number + 1, expected["r"]


def _letters(shared):
    """Code letters, at both ends of each range of lot sizes, that lead to their sample size."""
    for level in ("S-1", "S-2", "S-3", "S-4", "I", "II", "III"):
        ends = [
            (row[end], shared["sample_size_by_letter"][row[level]])
            for row in shared["code_letters"]
            for end in ("lot_min", "lot_max")
            if row[end] is not None
        ]
        same = sum(SIZES[LETTERS.index(code_letter(lot, level))] == size for lot, size in ends)
        yield Case(TOPIC, f"code_letters {level}", "letters alike", same, len(ends), 0, TABLES)
