"""Method comparison, repeated Bland-Altman, precision, linearity, error grids, MARD and Arms.

Where a tool's own stopping rule or a border of measure zero decides, the tolerance or the case says so.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from medassay.core.estimate import Estimate
from medassay.statistics.bland_altman import bland_altman, concordance_correlation
from medassay.statistics.bland_altman_repeated import bland_altman_exchangeable, bland_altman_linked
from medassay.statistics.deming import deming, weighted_deming
from medassay.statistics.error_grid import clarke_zones, parkes_zones
from medassay.statistics.glucose_criteria import mard
from medassay.statistics.least_squares import least_squares
from medassay.statistics.line import Line
from medassay.statistics.linearity import polynomial_linearity
from medassay.statistics.oximetry import arms
from medassay.statistics.passing_bablok import passing_bablok
from medassay.statistics.variance_components import nested_variance_components
from reference_cases import Case

TOPIC = "measurement"
OPTIMISER = 2e-5  # R deming minimises numerically and stops at a relative 1e-4 of the slope's bracket
PRINTED = 5e-4  # figures that a tool prints with three decimals

Table = dict[str, list[str]]
Figure = tuple[str, float | None, float | None, float]


def cases(folder: Path) -> Iterator[Case]:
    """Every case of the topic, a figure each."""
    home = folder / TOPIC
    for case in json.loads((home / "cases.json").read_text()):
        kind = next(name for name in KINDS if case["id"].startswith(name))
        for name, ours, theirs, tolerance in KINDS[kind](case, home):
            yield Case(TOPIC, case["id"], name, ours, theirs, tolerance, case["tool"])
    yield from _grids(home)


def _line(case: dict[str, Any], home: Path) -> Iterator[Figure]:
    """mcr's regressions."""
    x, y = _xy(case, home)
    args = case["input"]["args"]
    regression, interval = args["method.reg"], args["method.ci"]
    if regression in ("LinReg", "WLinReg"):
        line = least_squares(x, y, weights="equal" if regression == "LinReg" else "inverse_square")
    elif regression == "PaBa":
        line = passing_bablok(x, y, average=args.get("slope.measure", "radian"))
    elif regression == "Deming":
        line = deming(x, y, error_ratio=args["error.ratio"], interval=interval)
    else:
        line = weighted_deming(x, y, error_ratio=args["error.ratio"], interval=interval)
    yield from _of_line(line, case["expected"], case["tol"])


def _of_line(line: Line, theirs: dict[str, Any], tolerance: float) -> Iterator[Figure]:
    for name, estimate, error in (
        ("slope", line.slope, line.slope_error),
        ("intercept", line.intercept, line.intercept_error),
    ):
        yield name, estimate.value, theirs[name], tolerance
        yield f"{name} SE", error, theirs[f"{name}_se"], tolerance
        yield from _ends(name, estimate, theirs[f"{name}_ci95"], tolerance)


def _deming_package(case: dict[str, Any], home: Path) -> Iterator[Figure]:
    theirs = case["expected"]
    line = deming(*_xy(case, home), interval="jackknife_changes")
    for name, estimate in (("slope", line.slope), ("intercept", line.intercept)):
        yield name, estimate.value, theirs[name], OPTIMISER
        yield from _ends(name, estimate, theirs[f"ci_{name}"], OPTIMISER)


def _pbreg(case: dict[str, Any], home: Path) -> Iterator[Figure]:
    theirs, tolerance = case["expected"], case["tol"]
    line = passing_bablok(
        *_xy(case, home), interval="theil_sen", ties="standard_deviation", rounding=np.finfo(float).eps ** 0.5
    )
    for place, (name, estimate) in enumerate((("intercept", line.intercept), ("slope", line.slope))):
        yield name, estimate.value, theirs["coef"][place], tolerance
        yield from _ends(name, estimate, theirs[f"ci_{name}"], tolerance)


def _bland_altman(case: dict[str, Any], home: Path) -> Iterator[Figure]:
    theirs, tolerance = case["expected"], case["tol"]
    if "x" in case["input"] and isinstance(case["input"]["x"], list):
        found = bland_altman(case["input"]["x"], case["input"]["y"], multiplier=2.0)
        yield "bias", found.bias.value, theirs["bias"], tolerance
        yield "SD", found.sd.value, theirs["sd"], tolerance
        yield "lower limit", found.lower_limit.value, theirs["loa_2sd"][0], tolerance
        yield "upper limit", found.upper_limit.value, theirs["loa_2sd"][1], tolerance
        return
    found = bland_altman(*_xy(case, home))
    yield "bias", found.bias.value, theirs["bias"], tolerance
    yield from _ends("bias", found.bias, theirs["bias_ci95"], tolerance)
    yield "SD", found.sd.value, theirs["sd"], tolerance
    for name, limit in (("lower", found.lower_limit), ("upper", found.upper_limit)):
        yield f"{name} limit", limit.value, theirs[f"loa_{name}"], tolerance
        yield from _ends(f"{name} limit", limit, theirs[f"loa_{name}_ci95"], tolerance)
    assert found.trend is not None
    trend = theirs["reg_proportional"]
    yield "trend slope", found.trend.slope.value, trend["slope"], PRINTED
    yield "trend intercept", found.trend.intercept.value, trend["intercept"], PRINTED


def _concordance(case: dict[str, Any], home: Path) -> Iterator[Figure]:
    theirs, tolerance = case["expected"], case["tol"]
    found = concordance_correlation(*_xy(case, home))
    yield "CCC", found.coefficient.value, theirs["ccc"], tolerance
    yield from _ends("CCC", found.coefficient, theirs["ci95_z"], tolerance)
    yield "location shift", found.location_shift, theirs["location_shift"], tolerance
    yield "scale shift", found.scale_shift, theirs["scale_shift"], tolerance
    yield "C_b", found.accuracy, theirs["C_b"], tolerance


def _repeated(case: dict[str, Any], home: Path) -> Iterator[Figure]:
    theirs, tolerance = case["expected"], case["tol"]
    table = _read(home / case["input"]["file"])
    first, second = theirs["comparison"].split(" - ")
    long = list(zip(table["meth"], table["item"], table["repl"], map(float, table["y"]), strict=True))
    if case["input"]["linked"]:
        sides = [{(i, r): y for m, i, r, y in long if m == name} for name in (first, second)]
        both = sorted(sides[0].keys() & sides[1].keys())
        found = bland_altman_linked(
            *([side[key] for key in both] for side in sides), [item for item, _ in both], multiplier=2.0
        )
    else:
        values = [[y for m, _, _, y in long if m == name] for name in (first, second)]
        items = [[i for m, i, _, _ in long if m == name] for name in (first, second)]
        found = bland_altman_exchangeable(values[0], items[0], values[1], items[1], multiplier=2.0)
    yield "bias", found.bias.value, theirs["mean"], tolerance
    yield "SD of a new difference", found.sd.value, theirs["sd_pred"], tolerance
    yield "lower limit", found.lower_limit.value, theirs["loa_lower"], tolerance
    yield "upper limit", found.upper_limit.value, theirs["loa_upper"], tolerance
    assert found.sd_residual is not None
    assert found.repeatability is not None
    for place, name in enumerate((first, second)):
        components = theirs["varcomp_sd"][name]
        yield f"{name} method x item", found.sd_subject_by_method, components["MxI"], tolerance
        yield f"{name} item x replicate", found.sd_subject_by_replicate or 0.0, components["IxR"], tolerance
        yield f"{name} residual", found.sd_residual[place], components["res"], tolerance
        coefficient = theirs["repeatability_coef"][name]
        yield f"{name} repeatability", found.repeatability[place], coefficient, tolerance


def _nested(case: dict[str, Any], home: Path) -> Iterator[Figure]:
    theirs = case["expected"]
    table = _read(home / case["input"]["file"])
    result, levels = case["input"]["formula"].split(" ~ ")
    found = nested_variance_components(
        [float(value) for value in table[result]], {level: table[level] for level in levels.split("/")}
    )
    assert not isinstance(found, Estimate)
    relative = case["tol"]
    yield "mean", found.mean, theirs["mean"], relative * theirs["mean"]
    names = [name for name in theirs["rows"] if name != "total"]
    for name, component in zip(names, found.components, strict=True):
        row = theirs["rows"][name]
        for label, ours in (
            ("DF", component.degrees),
            ("SS", component.sum_of_squares),
            ("MS", component.mean_square),
            ("VC", component.variance.value),
            ("SD", component.sd),
            ("CV[%]", component.cv_percent),
        ):
            yield f"{name} {label}", ours, row[label], relative * max(1.0, row[label])
        if name == "error":
            error = found.summed("repeatability", ["error"])
            yield from _ends("error SD", error.sd, theirs["sd_ci95"][name], relative * 10)
            yield from _ends("error CV", error.cv_percent, theirs["cv_ci95"][name], relative * 10)
    total = found.total
    row = theirs["rows"]["total"]
    yield "total DF", total.degrees, row["DF"], relative * row["DF"]
    yield "total VC", total.variance, row["VC"], relative * row["VC"]
    yield "total SD", total.sd.value, row["SD"], relative * row["SD"]
    yield "total CV[%]", total.cv_percent.value, row["CV[%]"], relative * row["CV[%]"]
    yield from _ends("total SD", total.sd, theirs["sd_ci95"]["total"], relative * 10)
    yield from _ends("total CV", total.cv_percent, theirs["cv_ci95"]["total"], relative * 10)


def _linearity(case: dict[str, Any], home: Path) -> Iterator[Figure]:
    theirs, tolerance = case["expected"], case["tol"]
    table = _read(home / case["input"]["file"])
    found = polynomial_linearity([float(v) for v in table["level"]], [float(v) for v in table["y"]])
    assert not isinstance(found, Estimate)
    for order, polynomial in enumerate(found.polynomials, start=1):
        fit = theirs[f"order{order}"]
        for power, coefficient in enumerate(polynomial.coefficients):
            error, p = polynomial.errors[power], polynomial.p[power]
            yield f"order {order} coefficient {power}", coefficient.value, fit["coef"][power], tolerance
            yield f"order {order} SE {power}", error, fit["se"][power], tolerance
            ratio = None if coefficient.value is None else coefficient.value / error
            yield f"order {order} t {power}", ratio, fit["t"][power], tolerance * 100
            yield f"order {order} p {power}", p, fit["p"][power], tolerance
        yield f"order {order} sigma", polynomial.sigma, fit["sigma"], tolerance
        for place, fitted in enumerate(theirs["fitted_at_levels"][order - 1]):
            yield f"order {order} fitted {place}", polynomial.fitted[place], fitted, tolerance
    for order in (2, 3):
        deviations = theirs[f"deviation_order{order}_minus_order1"]
        for place, deviation in enumerate(deviations):
            yield f"deviation {order} {place}", found.deviation[order][place], deviation, tolerance
    yield "pooled SD", found.repeatability.value, theirs["pooled_repeat_sd"], tolerance


def _mard(case: dict[str, Any], home: Path) -> Iterator[Figure]:
    theirs, tolerance = case["expected"], case["tol"]
    table = _read(home / case["input"]["file"])
    found = mard(
        [float(v) for v in table["ref"]],
        [float(v) for v in table["test"]],
        table["id"],
        seed=1,
        replicates=50,
    )
    yield "MARD", found.mard.value, theirs["mard_pct"], tolerance
    yield "median ARD", found.median_ard.value, theirs["median_abs_rel_diff_pct"], tolerance
    yield "RMSE", found.rmse.value, theirs["rmse"], tolerance
    yield "MAE", found.mae.value, theirs["mae"], tolerance
    yield "bias", found.mean_bias.value, theirs["bias"], tolerance


def _arms(case: dict[str, Any], home: Path) -> Iterator[Figure]:
    theirs, tolerance = case["expected"], case["tol"]
    table = _read(home / case["input"]["file"])
    found = arms(
        [float(v) for v in table["sao2"]],
        [float(v) for v in table["spo2"]],
        table["id"],
        seed=1,
        replicates=50,
    )
    yield "Arms", found.arms.value, theirs["arms"], tolerance
    yield "bias", found.bias.value, theirs["bias"], tolerance
    for part, name in zip(found.ranges, ("arms_70_80", "arms_80_90", "arms_90_100"), strict=True):
        yield name, part.arms.value, theirs[name], tolerance


def _grids(home: Path) -> Iterator[Case]:
    """Pairs in another zone than the tools', border by border: 0 each."""
    table = _read(home / "error_grid_mgdl.csv")
    x, y = (np.array(table[name], dtype=float) for name in ("ref", "test"))
    on_border = {diabetes: _on_parkes_border(x, y, diabetes) for diabetes in ("type_1", "type_2")}
    # On Parkes borders the two tools go by the rounding of a polygon's edge, each in its own way.
    columns = [
        ("clarke_ega", clarke_zones(x, y, corners="ega"), np.zeros(len(x), bool)),
        ("clarke_methcomp", clarke_zones(x, y, corners="methcomp"), np.zeros(len(x), bool)),
        ("clarke_expected", clarke_zones(x, y), np.zeros(len(x), bool)),
    ]
    for number, diabetes in (("1", "type_1"), ("2", "type_2")):
        ours = parkes_zones(x, y, diabetes=diabetes, borders="ega")
        for tool in ("ega", "methcomp", "expected"):
            columns.append((f"parkes{number}_{tool}", ours, on_border[diabetes]))
    for name, ours, left_out in columns:
        theirs = np.array(table[name])
        compared = (theirs != "") & ~left_out
        assert compared.sum() > 700
        differ = float((ours != theirs)[compared].sum())
        yield Case(TOPIC, "error_grid_mgdl", name, differ, 0.0, 0.0, "ega 2.0.0, methcomp 1.0.0")


def _on_parkes_border(x: Any, y: Any, diabetes: Any) -> Any:
    """Whether a hair's breadth up, down, left or right changes the zone."""
    zones = [
        parkes_zones(x + dx, y + dy, diabetes=diabetes, borders="ega")
        for dx, dy in ((1e-6, 0), (-1e-6, 0), (0, 1e-6), (0, -1e-6))
    ]
    return np.any([zone != zones[0] for zone in zones[1:]], axis=0)


def _ends(name: str, estimate: Estimate, theirs: list[float], tolerance: float) -> Iterator[Figure]:
    yield f"{name} lower", estimate.lower, theirs[0], tolerance
    yield f"{name} upper", estimate.upper, theirs[1], tolerance


def _xy(case: dict[str, Any], home: Path) -> tuple[list[float], list[float]]:
    table = _read(home / case["input"]["file"])
    return [float(v) for v in table["x"]], [float(v) for v in table["y"]]


def _read(path: Path) -> Table:
    with path.open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    return {name: [row[name] for row in rows] for name in rows[0]}


# By the beginning of the case's id, longer ones first.
KINDS: dict[str, Callable[[dict[str, Any], Path], Iterator[Figure]]] = {
    "paba_demingpkg": _pbreg,
    "deming_demingpkg": _deming_package,
    "ols": _line,
    "wls": _line,
    "deming": _line,
    "wdeming": _line,
    "paba": _line,
    "bland_altman": _bland_altman,
    "lin_ccc": _concordance,
    "ba_repeated": _repeated,
    "ep05": _nested,
    "ep15": _nested,
    "ep06": _linearity,
    "mard": _mard,
    "spo2": _arms,
}
