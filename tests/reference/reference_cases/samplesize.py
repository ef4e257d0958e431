"""Sample size: R pROC 1.18.0, pwr 1.3.0, stats 4.2.2, epiR 2.0.57 and kappaSize 1.2.

Conventions: pROC and the two-sample formulas are two-sided and not rounded; exact binomial tests are named with each
figure; kappaSize clears the critical value of an interval by 0.001 and starts at 11 subjects.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from medassay.core.errors import WrongUse
from medassay.statistics.sample_size.agreement import kappa_interval_sample_size, kappa_sample_size
from medassay.statistics.sample_size.precision import diagnostic_precision, wald_precision
from medassay.statistics.sample_size.proportion import arcsine_sample_size, binomial_power
from medassay.statistics.sample_size.roc_area import (
    area_variances,
    auc_difference_sample_size,
    auc_sample_size,
)
from medassay.statistics.sample_size.two_proportions import two_proportion_sample_size
from reference_cases import Case

TOPIC = "samplesize"
TESTS = {
    "one_sided_0.025": (0.025, "one_sided"),
    "cp95_lower_limit_above_p0": (0.025, "one_sided"),
    "one_sided_0.05": (0.05, "one_sided"),
    "two_sided_0.05_R_minlike": (0.05, "two_sided_minimum_likelihood"),
}


def cases(folder: Path) -> Iterator[Case]:
    """Every figure of every case."""
    for case in json.loads((folder / TOPIC / "cases.json").read_text()):
        try:
            ours: dict[str, Any] = _ours(case["input"], folder)
        except WrongUse:
            ours = {}
        for figure, theirs in _flat(case["expected"]):
            refused = theirs is None or isinstance(theirs, str)
            yield Case(
                topic=TOPIC,
                case=case["id"],
                figure=figure,
                ours=ours.get(figure),
                theirs=None if refused else theirs,
                tolerance=case["tol"] * max(1.0, 0.0 if refused else abs(theirs)),
                source=case["tool"],
            )


def _ours(given: dict[str, Any], folder: Path) -> dict[str, Any]:
    if "auc" in given:
        plan = auc_sample_size(
            given["auc"],
            null=given["null"],
            alpha=given["sig.level"],
            power=given["power"],
            negatives_per_positive=given["kappa_ncontrols_per_case"],
        )
        return {"ncases": plan.positives, "ncontrols": plan.negatives}
    if "roc1" in given:
        return _two_areas(given, folder)
    if "p0" in given:
        return _binomial(given)
    if "raters" in given:
        return {"n": _kappa(given)}
    if "half_width" in given:
        return {"n": wald_precision(given["expected"], given["half_width"], confidence=given["conf"])}
    if "prevalence" in given:
        return {
            f"n_total_for_{of}": diagnostic_precision(
                given["test"], given["epsilon"], given["prevalence"], of=of
            )
            for of in ("sensitivity", "specificity")
        }
    p1, p2, levels = given["p1"], given["p2"], {"alpha": given["alpha"], "power": given["power"]}
    return {
        "two_sample_arcsine_n_per_group": arcsine_sample_size(p1, p2, samples=2, **levels),
        "one_sample_arcsine_n": arcsine_sample_size(p1, p2, **levels),
        "two_sample_normal_n_per_group": two_proportion_sample_size(p1, p2, **levels).formula,
    }


def _two_areas(given: dict[str, Any], folder: Path) -> dict[str, float]:
    path = given["data"].split("(")[1].rstrip(")")
    with (folder / path).open() as file:
        rows = list(csv.DictReader(file))
    poor = [int(row["outcome01"]) for row in rows]
    scores = [[float(row[given[name]]) for row in rows] for name in ("roc1", "roc2")]
    plan = auc_difference_sample_size(
        area_variances(poor, *scores), alpha=given["sig.level"], power=given["power"]
    )
    return {"ncases": plan.positives, "ncontrols": plan.negatives}


def _binomial(given: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, (alpha, test) in TESTS.items():
        power = binomial_power(given["n"], given["p0"], given["p1"], alpha=alpha, test=test)
        found |= {
            f"{name} critical_x": power.critical_high if given["p1"] > given["p0"] else power.critical_low,
            f"{name} power": power.power,
            f"{name} actual_alpha": power.level,
        }
    return found


def _kappa(given: dict[str, Any]) -> float:
    if "kappa1" in given:
        return kappa_sample_size(
            given["kappa0"],
            given["kappa1"],
            given["props"],
            raters=given["raters"],
            alpha=given["alpha"],
            power=given["power"],
        ).subjects
    plan = kappa_interval_sample_size(
        given["kappa0"],
        given["kappaL"],
        given["props"],
        upper=given.get("kappaU"),
        raters=given["raters"],
        alpha=given["alpha"],
        excess=0.001,
    )
    return max(plan.n, 11)


def _flat(expected: dict[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in expected.items():
        name = f"{before} {key}".strip()
        if isinstance(value, dict):
            yield from _flat(value, name)
        else:
            yield name, value
