"""Classification, intervals, agreement and calibration beside R and Python packages, by kind of case.

Where tools disagree the convention is a parameter of ours, named in the call. A figure that a tool only gives
to a looser tolerance (an iterated root, printed decimals) has that tolerance, with the reason in its source.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from medassay.core.estimate import Estimate
from medassay.statistics import (
    agreement,
    calibration,
    confusion,
    decision_curve,
    delong,
    intraclass,
    logistic_calibration,
    multiclass,
    multiclass_auc,
    multirater_kappa,
    paired_proportions,
    precision_recall,
    probability_scores,
    proportion,
    proportion_difference,
    roc,
)
from medassay.statistics.intervals import normal_quantile

from . import Case

Figures = Iterator[tuple[str, float | None, float | None, float]]
Given = Mapping[str, Any]
WEIGHTS = ("unweighted", "linear", "quadratic")
PRINTED = 6e-4  # of figures that the tool prints to three decimals


def cases(folder: Path) -> Iterator[Case]:
    """Every figure of every classification case."""
    place = folder / "classification"
    for case in json.loads((place / "cases.json").read_text()):
        figures = _figures_of(case["id"])
        source = f"{case['tool']}: {case['convention']}"
        for name, ours, theirs, tolerance in figures(place, case["input"], case["expected"], case["tol"]):
            yield Case("classification", case["id"], name, ours, theirs, tolerance, source)


def _figures_of(name: str) -> Callable[[Path, Given, Given, float], Figures]:
    for start, figures in KINDS.items():
        if name.startswith(start):
            return figures
    raise LookupError(f"no comparison for case {name}")


def _columns(path: Path) -> dict[str, list[str]]:
    with path.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    return {name: [row[name] for row in rows] for name in rows[0]}


def _numbers(column: list[str]) -> np.ndarray:
    return np.array([float(value) for value in column])


def _scored(folder: Path, given: Given, score: str) -> tuple[np.ndarray, np.ndarray]:
    columns = _columns(folder / given["file"].split(" ")[0])
    wanted = "wfns" if score == "wfns_n" else score
    return _numbers(columns[given["truth"]]), _numbers(columns[wanted])


def _ends(name: str, estimate: Estimate, theirs: list[float], tolerance: float) -> Figures:
    yield f"{name} lower", estimate.lower, theirs[0], tolerance
    yield f"{name} upper", estimate.upper, theirs[1], tolerance


def _area(folder: Path, given: Given, theirs: Given, tolerance: float) -> Figures:
    labels, scores = _scored(folder, given, given["score"])
    estimate = delong.auc(labels, scores)
    found = delong.area_variance(labels, scores)
    assert found is not None
    yield "auc", estimate.value, theirs["auc"], tolerance
    yield "delong variance", found.variance, theirs["delong_var"], tolerance
    yield from _ends("delong", estimate, theirs["delong_ci95"], tolerance)
    binormal = roc.binormal_auc(labels, scores)
    assert binormal.lower is not None
    assert binormal.value is not None
    spread = ((binormal.value - binormal.lower) / normal_quantile(0.95)) ** 2
    yield "binormal variance", spread, theirs["obuchowski_var"], tolerance
    for axis, lowest, key in (("specificity", 0.9, "spec_1_to_0.9"), ("sensitivity", 0.8, "sens_1_to_0.8")):
        for corrected, end in ((False, ""), (True, "_corrected")):
            part = roc.partial_auc(labels, scores, axis=axis, lowest=lowest, corrected=corrected)
            yield f"partial area {key}{end}", part.value, theirs[f"pauc_{key}{end}"], tolerance
    curve = roc.roc_curve(labels, scores)
    assert curve is not None
    points = roc.youden_best(curve)
    yield "best thresholds", float(len(points)), float(len(theirs["youden_best"])), 0
    for ours, point in zip(points, theirs["youden_best"], strict=True):
        yield "best threshold", ours.threshold, point["threshold"], tolerance
        yield "its sensitivity", ours.sensitivity, point["sensitivity"], tolerance
        yield "its specificity", ours.specificity, point["specificity"], tolerance
    yield "sensitivity at 0.90", roc.sensitivity_at(curve, 0.9), theirs["sens_at_spec_0.90"], tolerance


def _paired_areas(folder: Path, given: Given, theirs: Given, tolerance: float) -> Figures:
    labels, first = _scored(folder, given, given["scores"][0])
    _, second = _scored(folder, given, given["scores"][1])
    ours = delong.auc_difference(labels, first, second)
    yield "first area", ours.first, theirs["auc1"], tolerance
    yield "second area", ours.second, theirs["auc2"], tolerance
    yield "Z", ours.statistic, theirs["Z"], tolerance
    yield "p", ours.p_value, theirs["p"], tolerance
    yield "covariance", ours.covariance, theirs["cov"], tolerance
    yield from _ends("difference", ours.difference, theirs["diff_ci95"], tolerance)


def _unpaired_areas(folder: Path, given: Given, theirs: Given, tolerance: float) -> Figures:
    labels, scores = _scored(folder, given, given["score"])
    column, first, _, second = given["groups"].split()
    group = np.array(_columns(folder / given["file"])[column])
    ours = delong.auc_difference_unpaired(
        (labels[group == first], scores[group == first]),
        (labels[group == second], scores[group == second]),
        reference="welch_t",
    )
    yield "first area", ours.first, theirs["auc1"], tolerance
    yield "second area", ours.second, theirs["auc2"], tolerance
    yield "D", ours.statistic, theirs["D"], tolerance
    yield "df", ours.degrees_of_freedom, theirs["df"], tolerance * theirs["df"]
    yield "p", ours.p_value, theirs["p"], tolerance


def _ordered(folder: Path, given: Given, theirs: Given, tolerance: float) -> Figures:
    columns = _columns(folder / given["file"])
    names, classes = np.unique(_numbers(columns[given["classes"]]), return_inverse=True)
    assert len(names) > 2
    ours = multiclass_auc.ordered_area(
        classes, _numbers(columns[given["score"]]), pairs="classes", direction="by_median"
    )
    yield "auc", ours.value, theirs["auc"], tolerance


PROPORTIONS = {
    "wilson": "wilson",
    "wilson_cc": "wilson_cc",
    "clopper_pearson": "clopper_pearson",
    "beta": "clopper_pearson",
    "mid_p": "mid_p",
    "wald": "wald_unclipped",
    "normal": "wald",
    "agresti_coull_unclipped": "agresti_coull_unclipped",
    "agresti_coull": "agresti_coull",
    "jeffreys": "jeffreys",
    "binom_test": "minlike",
}
# exact2x2's root is found to about 1e-4 of p; at 0 of 20 the closed form is 1 - 0.05^(1/20) = 0.139108.
ITERATED = {"mid_p": 5e-5}


def _proportion(_folder: Path, given: Given, theirs: Given, tolerance: float) -> Figures:
    for name, value in theirs.items():
        if name == "estimate":
            estimate = proportion.proportion(given["x"], given["n"])
            yield "estimate", estimate.value, value, tolerance
        elif value is not None:  # the tool leaves Jeffreys' interval out at 0 and n
            kind = PROPORTIONS[name]
            estimate = proportion.proportion(given["x"], given["n"], method=kind, confidence=given["level"])
            yield from _ends(name, estimate, value, ITERATED.get(name, tolerance))


DIFFERENCES = {
    "newcombe_hybrid_score": "newcombe",
    "newcomb": "newcombe",
    "mee_score_no_bias_correction": "mee",
    "agresti_caffo": "agresti_caffo",
    "agresti-caffo": "agresti_caffo",
    "wald": "wald",
}


def _difference(_folder: Path, given: Given, theirs: Given, tolerance: float) -> Figures:
    groups = (given["x1"], given["n1"]), (given["x2"], given["n2"])
    for name, value in theirs.items():
        if name == "estimate":
            yield name, proportion_difference.proportion_difference(*groups).value, value, tolerance
        else:
            estimate = proportion_difference.proportion_difference(*groups, interval=DIFFERENCES[name])
            yield from _ends(name, estimate, value, tolerance)


MCNEMAR = {"exact": "exact", "midp": "mid_p", "chi2": "chi2", "cc": "chi2_corrected"}


def _paired(_folder: Path, given: Given, theirs: Given, tolerance: float) -> Figures:
    table = (given["a"], given["b"], given["c"], given["d"])
    yield "difference", paired_proportions.paired_difference(table).value, theirs["diff"], tolerance
    for name in ("exact_p", "midp", "chi2", "chi2_p", "cc_chi2", "cc_p"):
        version = MCNEMAR[name.split("_")[0]]
        test = paired_proportions.mcnemar(table, version=version)
        ours = test.statistic if name.endswith("chi2") else test.p_value
        yield f"mcnemar {name}", ours, theirs[f"mcnemar_{name}"], tolerance
    # ratesci 1.0.0 adds up the ends of Jeffreys' prior here, whatever the figures are called.
    for name, interval in (
        ("tango_score_ci95_of_b_minus_c", "tango"),
        ("agresti_min_ci95_of_b_minus_c", "agresti_min"),
        ("mover_wilson_ci95", "mover"),
        ("newcombe_paired_method10_ci95", "newcombe"),
    ):
        estimate = paired_proportions.paired_difference(table, interval=interval, base="jeffreys")
        yield from _ends(name, estimate, theirs[name], min(tolerance, 1e-5))


def _paired_statsmodels(_folder: Path, given: Given, theirs: Given, tolerance: float) -> Figures:
    (a, b), (c, d) = given["table"]
    for name, value in theirs.items():
        version = "exact" if name == "exact_p" else "chi2_corrected" if "cc" in name else "chi2"
        test = paired_proportions.mcnemar((a, b, c, d), version=version, when_equal="corrected")
        yield name, test.statistic if name.endswith("chi2") else test.p_value, value, tolerance


EPIR = {
    "ap": "apparent_prevalence",
    "tp": "prevalence",
    "se": "sensitivity",
    "sp": "specificity",
    "diag.ac": "accuracy",
    "pv.pos": "positive_predictive_value",
    "pv.neg": "negative_predictive_value",
    "p.rout": "ruled_out",
    "p.rin": "apparent_prevalence",
    "p.tpdn": "false_positive_rate",
    "p.tndp": "miss_rate",
    "p.dntp": "false_discovery_rate",
    "p.dptn": "false_omission_rate",
}


def _two_by_two(_folder: Path, given: Given, theirs: Given, tolerance: float) -> Figures:
    counts = (given["tp"], given["fp"], given["fn"], given["tn"])
    sums = {"interval": "ends_added", "ends": "clopper_pearson"}
    ours = {
        name: confusion.diagnostic_proportion(figure, counts, interval="clopper_pearson")
        for name, figure in EPIR.items()
    } | {
        "diag.or": confusion.diagnostic_odds_ratio(counts),
        "youden": confusion.youden_index(counts, **sums),
        "nndx": confusion.number_needed_to_diagnose(counts, **sums),
        "lr.pos": confusion.likelihood_ratio(counts, result="positive"),
        "lr.neg": confusion.likelihood_ratio(counts, result="negative"),
    }
    for name, (value, lower, upper) in theirs.items():
        scale = max(1.0, abs(upper))
        yield name, ours[name].value, value, tolerance * scale
        yield from _ends(name, ours[name], [lower, upper], tolerance * scale)


def _fleiss(folder: Path, given: Given, theirs: Given, tolerance: float) -> Figures:
    columns = list(_columns(folder / given["file"]).values())[1:]
    names = sorted({name for column in columns for name in column})
    codes = np.array([[names.index(name) for name in column] for column in columns]).T
    counts = np.stack([(codes == own).sum(axis=1) for own in range(len(names))], axis=1)
    kappa, ac1 = agreement.fleiss_kappa(counts), agreement.gwet_ac1(counts)
    alpha = multirater_kappa.alpha_linearised(codes, classes=len(names))
    exact = multirater_kappa.conger_kappa(codes, classes=len(names))
    yield "fleiss", kappa.value, theirs["fleiss"], tolerance
    yield "fleiss z", multirater_kappa.fleiss_null_test(counts).statistic, theirs["fleiss_z"], tolerance
    yield "conger exact", exact.value, theirs["conger_exact"], tolerance
    for name, ours in (("fleiss_cac", kappa), ("gwet_ac1", ac1), ("kripp_nominal_cac", alpha)):
        yield f"{name} estimate", ours.value, theirs[name]["est"], tolerance
        yield f"{name} error", _t_error(ours), theirs[name]["se"], tolerance
        if "ci" in theirs[name]:
            yield from _ends(name, ours, theirs[name]["ci"], PRINTED)


def _t_error(estimate: Estimate) -> float:
    """The standard error that a Student's t interval was made of."""
    from scipy import stats

    assert estimate.lower is not None
    assert estimate.value is not None
    return float((estimate.value - estimate.lower) / stats.t.ppf(0.975, estimate.n_subjects - 1))


def _kappa(folder: Path, given: Given, theirs: Given, tolerance: float) -> Figures:
    if "file" in given:
        columns = _columns(folder / given["file"])
        first, second = ([int(value) for value in columns[name]] for name in given["columns"])
        levels = sorted(set(first) | set(second))
        table = agreement.cross_table(first, second, categories=levels)
    else:
        table = np.array(given["table"], dtype=np.float64)
    k = len(table)
    items = [[i, j] for i in range(k) for j in range(k) for _ in range(int(table[i, j]))]
    counts = np.array([np.bincount(item, minlength=k) for item in items])
    for weights in WEIGHTS:
        yield weights, agreement.cohen_kappa(table, weights=weights).value, theirs[weights], tolerance
        test = multirater_kappa.kappa_null_test(table, weights=weights)
        yield f"{weights} z", test.statistic, theirs[f"{weights}_z"], tolerance
    plain = agreement.cohen_kappa(table)
    yield from _ends("psych unweighted", plain, theirs["psych_unweighted_ci95"], tolerance)
    assert plain.lower is not None
    assert plain.value is not None
    variance = ((plain.value - plain.lower) / normal_quantile(0.95)) ** 2
    yield "psych variance", variance, theirs["psych_var_unweighted"], tolerance
    for name, ours in (
        ("ac1", agreement.gwet_ac1(counts)),
        ("ac2_linear", agreement.gwet_ac2(counts, weights="linear")),
        ("kappa_cac_quadratic", multirater_kappa.conger_kappa(items, classes=k, weights="quadratic")),
    ):
        yield f"{name} estimate", ours.value, theirs[name]["coeff.val"], tolerance
        yield f"{name} error", _t_error(ours), theirs[name]["coeff.se"], tolerance
        if "conf.int" in theirs[name]:
            yield from _ends(name, ours, theirs[name]["conf.int"], PRINTED)


def _kappa_statsmodels(_folder: Path, given: Given, theirs: Given, tolerance: float) -> Figures:
    for weights in WEIGHTS:
        ours, value = agreement.cohen_kappa(given["table"], weights=weights), theirs[weights]
        test = multirater_kappa.kappa_null_test(given["table"], weights=weights)
        assert ours.value is not None
        assert ours.lower is not None
        assert test.statistic is not None
        yield f"{weights} kappa", ours.value, value["kappa"], tolerance
        error = (ours.value - ours.lower) / normal_quantile(0.95)
        yield f"{weights} error", error, value["se"], tolerance
        yield from _ends(weights, ours, value["ci95"], tolerance)
        yield f"{weights} null error", ours.value / test.statistic, value["se_null"], tolerance
        yield f"{weights} z", test.statistic, value["z"], tolerance
        yield f"{weights} p", test.p_value, value["p_two_sided"], tolerance


def _krippendorff(_folder: Path, given: Given, theirs: Given, tolerance: float) -> Figures:
    ratings = np.array(given["ratings_raters_by_units"], dtype=np.float64).T  # null becomes NaN
    for level, value in theirs.items():
        ours = agreement.krippendorff_alpha(ratings, level=level, seed=1, replicates=20)
        yield level, ours.value, value, min(tolerance, 1e-9)


ICC_FORMS = {"ICC1": "1,1", "ICC2": "2,1", "ICC3": "3,1", "ICC1k": "1,k", "ICC2k": "2,k", "ICC3k": "3,k"}
IRR_FORMS = {"irr_A1": "2,1", "irr_C1": "3,1", "irr_oneway": "1,1"}


def _icc(_folder: Path, given: Given, theirs: Given, tolerance: float) -> Figures:
    ratings = given["ratings_subjects_by_raters"]
    for name, form in (ICC_FORMS | IRR_FORMS).items():
        ours, value = intraclass.icc(ratings, form=form), theirs[name]
        yield f"{name} value", ours.value, value["icc"], tolerance
        yield from _ends(name, ours, value["ci95"], tolerance)
        if "F" in value:
            test = intraclass.icc_test(ratings, model=form[0])
            yield f"{name} F", test.statistic, value["F"], tolerance * value["F"]
            yield f"{name} df", test.degrees_of_freedom, value["df2"], 0
            yield f"{name} p", test.p_value, value["p"], tolerance


def _calibration(folder: Path, given: Given, theirs: Given, tolerance: float) -> Figures:
    columns = _columns(folder / given["file"])
    labels, values = _numbers(columns[given["truth"]]), _numbers(columns[given["prob"]])
    fit = logistic_calibration.logistic_calibration(labels, values)
    indexes = logistic_calibration.likelihood_indexes(fit)
    test = logistic_calibration.calibration_test(fit)
    spread = probability_scores.spiegelhalter(labels, values)
    smooth = calibration.smoothed_error(labels, values)
    assert indexes is not None
    assert smooth is not None
    # rms bins probabilities to 1/5000 before it counts concordant pairs.
    binned = delong.auc(labels, np.floor(values * 5000)).value
    assert binned is not None
    brier = probability_scores.brier_score(labels, values, sum_over="positive")
    rms = {
        "Dxy": 2 * binned - 1,
        "C (ROC)": binned,
        "R2": indexes.nagelkerke_r2,
        "D": indexes.discrimination,
        "D:Chi-sq": indexes.discrimination_statistic,
        "D:p": None,
        "U": indexes.unreliability,
        "U:Chi-sq": test.statistic,
        "U:p": test.p_value,
        "Q": indexes.quality,
        "Brier": brier.value,
        "Intercept": fit.intercept.value,
        "Slope": fit.slope.value,
        "Emax": smooth.largest,
        "E90": smooth.ninetieth_percentile,
        "Eavg": smooth.mean,
        "S:z": spread.statistic,
        "S:p": spread.p_value,
    }
    for name, value in theirs["val_prob"].items():
        yield f"val.prob {name}", rms[name], value, tolerance
    yield "slope", fit.slope.value, theirs["slope"], tolerance
    yield "slope error", fit.slope_error, theirs["slope_se"], tolerance
    yield "joint intercept", fit.intercept.value, theirs["intercept_joint"], tolerance
    yield "joint intercept error", fit.intercept_error, theirs["intercept_joint_se"], tolerance
    yield "in the large", fit.in_the_large.value, theirs["calibration_in_the_large"], tolerance
    yield "in the large error", fit.in_the_large_error, theirs["citl_se"], tolerance
    yield "brier", brier.value, theirs["brier"], tolerance
    ratio = calibration.observed_expected_ratio(labels, values)
    yield "o/e", ratio.value, theirs["o_e_ratio"], tolerance


def _multiclass(folder: Path, given: Given, theirs: Given, tolerance: float) -> Figures:
    columns = _columns(folder / given["file"])
    labels = _numbers(columns[given["truth"]]).astype(np.int64)
    scores = np.column_stack([_numbers(columns[name]) for name in given["prob"]])
    k = scores.shape[1]
    top = scores.argmax(axis=1)
    table = multiclass.confusion_matrix(labels, top, classes=k)
    areas = multiclass_auc
    ours: dict[str, float | None] = {
        "hand_till_ovo_macro": areas.one_against_one(labels, scores).value,
        "ovo_weighted": areas.one_against_one(labels, scores, average="weighted").value,
        "ovr_macro": areas.one_against_rest(labels, scores).value,
        "ovr_weighted": areas.one_against_rest(labels, scores, average="weighted").value,
        "ovr_micro": areas.one_against_rest(labels, scores, average="micro").value,
        "accuracy": multiclass.accuracy(table).value,
        "balanced_accuracy": multiclass.class_average("recall", table).value,
        "mcc": float(multiclass.multiclass_matthews(table)),
        "kappa": agreement.cohen_kappa(table).value,
        "kappa_linear": agreement.cohen_kappa(table, weights="linear").value,
        "kappa_quadratic": agreement.cohen_kappa(table, weights="quadratic").value,
        "log_loss": probability_scores.log_loss(labels, scores).value,
        "average_precision_macro": areas.mean_average_precision(labels, scores).value,
        "top2_accuracy": multiclass.top_k_accuracy(labels, scores, k=2).value,
    }
    for name, value in ours.items():
        yield name, value, theirs[name], tolerance
    yield from _table("confusion", table, theirs["confusion"])
    for name in ("precision", "recall", "f1"):
        figures = multiclass.class_figures(name, table)
        for own in range(k):
            yield f"{name} {own}", float(figures[own]), theirs["per_class"][name][own], tolerance
    for own in range(k):
        yield f"support {own}", float(table[own].sum()), theirs["per_class"]["support"][own], 0
    for average in ("macro", "micro", "weighted"):
        for name, value in zip(("precision", "recall", "f1"), theirs[f"prf_{average}"], strict=True):
            mean = multiclass.class_average(name, table, average=average)
            yield f"{average} {name}", mean.value, value, tolerance
    best = scores.max(axis=1)
    yield from _calibration_errors("ece_top_label", top == labels, best, theirs, tolerance)


def _table(name: str, ours: np.ndarray, theirs: list[list[int]]) -> Figures:
    for i, row in enumerate(theirs):
        for j, value in enumerate(row):
            yield f"{name} {i},{j}", float(ours[i, j]), value, 0


def _calibration_errors(
    name: str, labels: np.ndarray, values: np.ndarray, theirs: Given, tolerance: float
) -> Figures:
    for count in (10, 15):
        rule = calibration.BinRule(count=count, bins="equal_width", edge="left_closed")
        bins = calibration.reliability_table(labels, values, rule=rule)
        for norm in ("l1", "l2", "max"):
            error = calibration.calibration_error(bins, norm=norm)
            yield f"{name} {count} {norm}", error.value, theirs[f"{name}_{count}bins_{norm}"], tolerance


def _binary(folder: Path, given: Given, theirs: Given, tolerance: float) -> Figures:
    labels, scores = _scored(folder, given, given["score"])
    step, trapezoid = (
        precision_recall.average_precision(labels, scores, area=area, replicates=0)
        for area in ("step", "trapezoid")
    )
    part = roc.partial_auc(labels, scores, lowest=0.9, corrected=True)
    yield "average precision", step.value, theirs["average_precision"], tolerance
    yield "trapezoid", trapezoid.value, theirs["pr_auc_trapezoid"], tolerance
    yield "auc", delong.auc(labels, scores).value, theirs["roc_auc"], tolerance
    yield "corrected partial area", part.value, theirs["roc_auc_max_fpr_0_1_mcclish"], tolerance
    if "brier" in theirs:
        yield from _of_probabilities(labels, scores, theirs, tolerance)


def _of_probabilities(labels: np.ndarray, values: np.ndarray, theirs: Given, tolerance: float) -> Figures:
    brier = probability_scores.brier_score(labels, values)
    yield "brier", brier.value, theirs["brier"], tolerance
    yield "log loss", probability_scores.log_loss(labels, values).value, theirs["log_loss"], tolerance
    table = multiclass.confusion_matrix(labels.astype(np.int64), (values >= 0.5).astype(np.int64), classes=2)
    yield from _table("confusion at 0.5", table, theirs["confusion_at_0_5"])
    counts = np.array([table[1, 1], table[0, 1], table[1, 0], table[0, 0]])
    yield "f1 at 0.5", confusion.f1_score(counts).value, theirs["f1_at_0_5"], tolerance
    yield "mcc at 0.5", float(confusion.matthews(counts)), theirs["mcc_at_0_5"], tolerance
    yield from _calibration_errors("ece_pos_prob", labels, values, theirs, tolerance)
    for bins, name in (("equal_width", "uniform"), ("equal_mass", "quantile")):
        rule = calibration.BinRule(count=10, bins=bins, edge="right_closed")
        curve = calibration.reliability_table(labels, values, rule=rule)
        expected = theirs[f"calibration_curve_{name}"]
        for place, (observed, predicted) in enumerate(
            zip(expected["fraction_positive"], expected["mean_predicted"], strict=True)
        ):
            yield f"{name} bin {place} observed", float(curve.observed[place]), observed, tolerance
            yield f"{name} bin {place} predicted", float(curve.mean_predicted[place]), predicted, tolerance
    benefits = theirs["decision_curve"]
    wanted = [float(threshold) for threshold in benefits["m"]]
    for at in decision_curve.decision_curve(labels, values, thresholds=wanted):
        key = f"{at.threshold:.2f}"
        yield f"net benefit {key}", at.model.value, benefits["m"][key], tolerance
        yield f"net benefit of all {key}", at.treat_all.value, benefits["all"][key], tolerance
        assert at.model.value is not None
        assert at.over_none.value is not None
        yield f"of none {key}", at.model.value - at.over_none.value, benefits["none"][key], tolerance


KINDS: Mapping[str, Callable[[Path, Given, Given, float], Figures]] = {
    "auc_": _area,
    "delong_unpaired": _unpaired_areas,
    "delong_": _paired_areas,
    "multiclass_auc": _ordered,
    "proportion_": _proportion,
    "sm_proportion": _proportion,
    "difference_": _difference,
    "sm_difference": _difference,
    "paired_": _paired,
    "sm_mcnemar": _paired_statsmodels,
    "diag2x2": _two_by_two,
    "fleiss_": _fleiss,
    "kappa_sm": _kappa_statsmodels,
    "kappa_": _kappa,
    "krippendorff": _krippendorff,
    "icc_": _icc,
    "calibration_": _calibration,
    "multiclass": _multiclass,
    "binary_": _binary,
}
