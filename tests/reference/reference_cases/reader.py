"""Reader studies: R MRMCaov 0.3.0, RJafroc 2.1.2 and pROC 1.18.0 on the VanDyke, Franken and Kundel data.

Conventions: differences are first minus second; with readers fixed the tests are chi-square and normal; ends of
means are cut at 0 and 1. RJafroc prints cases - 1 as degrees of freedom of its normal intervals. What a tool
refuses is refused by us. The clustered curves of this topic are compared elsewhere.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from medassay.core.errors import WrongUse
from medassay.statistics.obuchowski_rockette import ReaderStudyAnalysis, obuchowski_rockette
from medassay.statistics.reader_covariance import case_covariance, cell_figures
from medassay.statistics.reader_study import ReaderStudy, reader_study
from reference_cases import Case

TOPIC = "reader"
FACTORS = {
    "rrrc": {},
    "frrc": {"readers": "fixed"},
    "rrfc": {"cases": "fixed"},
}
COVARIANCES = {"DeLong": "delong", "jackknife": "jackknife", "unbiased": "unbiased"}


def cases(folder: Path) -> Iterator[Case]:
    """Every figure of every case but the clustered ones."""
    for case in json.loads((folder / TOPIC / "cases.json").read_text()):
        if "cluster" in case["input"]:
            continue
        try:
            ours: Any = _ours(case, folder / TOPIC)
        except WrongUse:
            ours = "refused"
        yield from _compared(case, ours, case["expected"], "")


def _ours(case: dict[str, Any], folder: Path) -> Any:
    given = case["input"]
    study = _study(folder / given["file"])
    if "keys" in given:
        figures = cell_figures(study, "auc")
        return {
            f"{reader}.{treatment}": figures[t, r]
            for t, treatment in enumerate(study.treatments)
            for r, reader in enumerate(study.readers)
        }
    make: Callable[..., ReaderStudyAnalysis] = obuchowski_rockette
    covariance = COVARIANCES[given["covariance"]]
    if given.get("method") == "OR":
        return _rjafroc(study, {key: make(study, covariance=covariance, **FACTORS[key]) for key in FACTORS})
    return _mrmcaov(make(study, covariance=covariance, **FACTORS[given["analysis"]]), study)


def _study(path: Path) -> ReaderStudy:
    with path.open() as file:
        rows = list(csv.DictReader(file))
    return reader_study(
        reader=[int(row["reader"]) for row in rows],
        treatment=[int(row["treatment"]) for row in rows],
        case=[int(row["case"]) for row in rows],
        positive=[int(row["truth"]) for row in rows],
        rating=[float(row["rating"]) for row in rows],
    )


def _mrmcaov(found: ReaderStudyAnalysis, study: ReaderStudy) -> dict[str, Any]:
    """The tables of summary() by their columns; a table that the analysis does not have is None."""
    squares, parts = found.mean_squares, found.components
    equality: dict[str, Any] = {"MS(T)": squares.treatment, "MS(T:R)": squares.treatment_reader}
    if parts is not None:
        equality |= {"Cov1": parts.cov1, "Cov2": parts.cov2, "Cov3": parts.cov3}
    if found.equality is not None:
        equality |= {
            "Denominator": found.equality.denominator,
            "F": found.equality.statistic,
            "X2": found.equality.statistic,
            "df1": found.equality.df1,
            "df": found.equality.df1,
            "df2": found.equality.df2,
            "p-value": found.equality.p_value,
        }
    fixed = found.readers == "fixed"
    return {
        "vcov_comps": None if parts is None else _components(parts),
        "test_equality": equality,
        "test_diffs": _columns([_difference(row) for row in found.differences]),
        "test_means": _columns([_mean(row) for row in found.means]),
        "reader_test_diffs": _columns([_difference(row) for row in found.reader_differences])
        if fixed
        else None,
        "reader_means": _reader_means(found, study) if fixed else None,
    }


def _components(parts: Any) -> dict[str, list[float | None]]:
    estimate = [parts.reader, parts.treatment_reader, parts.error, parts.cov1, parts.cov2, parts.cov3]
    shared = [cov / parts.error for cov in estimate[3:]]
    return {"Estimate": estimate, "Correlation": [None, None, None, *shared]}


def _difference(row: Any) -> dict[str, float | None]:
    statistic = row.difference.value / row.standard_error
    return {
        "Estimate": row.difference.value,
        "StdErr": row.standard_error,
        "df": getattr(row, "df", None),
        "t": statistic,
        "z": statistic,
        "p-value": row.p_value,
        "PrGTt": row.p_value,
        "PrGTz": row.p_value,
        "CI_lower": row.difference.lower,
        "CI_upper": row.difference.upper,
    }


def _mean(row: Any) -> dict[str, float | None]:
    return {
        "Estimate": row.mean.value,
        "MS(R)": row.reader_variance,
        "Var(Error)": row.error,
        "Cov2": row.cov2,
        "StdErr": row.standard_error,
        "df": row.df,
        "CI_lower": row.mean.lower,
        "CI_upper": row.mean.upper,
    }


def _reader_means(found: ReaderStudyAnalysis, study: ReaderStudy) -> dict[str, Any]:
    errors = np.sqrt(np.diag(case_covariance(study, "auc", found.covariance or "jackknife")))
    return {
        "empirical_auc": [row.figure.value for row in found.reader_table],
        "StdErr": list(errors),
        "CI_lower": [row.figure.lower for row in found.reader_table],
        "CI_upper": [row.figure.upper for row in found.reader_table],
    }


def _columns(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Columns of a table; a table of one row is written without lists."""
    if len(rows) == 1:
        return rows[0]
    return {key: [row[key] for row in rows] for key in rows[0]}


def _rjafroc(study: ReaderStudy, found: dict[str, ReaderStudyAnalysis]) -> dict[str, Any]:
    figures = cell_figures(study, "auc")
    tables = {
        key.upper(): {
            "FTests": _f_tests(analysis),
            "ciDiffTrt": _renamed(
                {"df": analysis.equality.df2 if analysis.equality else None}
                | _columns([_difference(row) for row in analysis.differences])
            ),
            "ciAvgRdrEachTrt": _renamed(_columns([_mean(row) for row in analysis.means])),
        }
        for key, analysis in found.items()
    }
    tables["FRRC"]["ciAvgRdrEachTrt"]["DF"] = [len(study.cases) - 1] * len(study.treatments)
    tables["FRRC"]["ciDiffTrtEachRdr"] = _renamed(
        _columns([_difference(row) for row in found["frrc"].reader_differences])
    )
    tables["FRRC"]["IndividualRdrVarCov1"] = _variances(study)
    means = [row.mean.value for row in found["rrrc"].means]
    return {
        "FOMs": {
            "foms": {f"rdr{r}": list(figures[:, r]) for r in range(len(study.readers))},
            "trtMeans": {"Estimate": means},
            "trtMeanDiffs": {"Estimate": found["rrrc"].differences[0].difference.value},
        },
        **tables,
    }


def _f_tests(found: ReaderStudyAnalysis) -> dict[str, list[float | None]]:
    test, squares = found.equality, found.mean_squares
    assert test is not None
    return {
        "DF": [test.df1, test.df2],
        "MS": [squares.treatment, test.denominator],
        "FStat": [test.statistic, None],
        "F": [test.statistic, None],
        "Chisq": [test.statistic, None],
        "p": [test.p_value, None],
    }


def _variances(study: ReaderStudy) -> dict[str, list[float]]:
    """Each reader's variance, averaged over treatments, and covariance of the two treatments."""
    matrix, readers = case_covariance(study, "auc", "jackknife"), len(study.readers)
    return {
        "varEachRdr": [(matrix[r, r] + matrix[r + readers, r + readers]) / 2 for r in range(readers)],
        "cov1EachRdr": [matrix[r, r + readers] for r in range(readers)],
    }


def _renamed(columns: dict[str, Any]) -> dict[str, Any]:
    names = {"df": "DF", "CI_lower": "CILower", "CI_upper": "CIUpper"}
    return {names.get(key, key): value for key, value in columns.items()}


def _compared(case: dict[str, Any], ours: Any, theirs: Any, figure: str) -> Iterator[Case]:
    """Every number of theirs beside ours; names are no figures."""
    if isinstance(theirs, dict):
        for key, value in theirs.items():
            if key in (".rows", "Comparison", "Reader", "treatment", "reader"):
                continue
            mine = ours if ours == "refused" else (ours or {}).get(key)
            yield from _compared(case, mine, value, f"{figure} {key}".strip())
    elif isinstance(theirs, list):
        for place, value in enumerate(theirs):
            mine = ours if ours == "refused" else ours[place] if ours is not None else None
            yield from _compared(case, mine, value, f"{figure}[{place}]")
    else:
        refused = isinstance(theirs, str) and theirs.startswith("error")
        theirs = None if isinstance(theirs, str) else theirs
        yield Case(
            topic=TOPIC,
            case=case["id"],
            figure=("refused: " if refused else "") + (figure or "all"),
            ours=_number(ours, refused),
            theirs=theirs,
            tolerance=case["tol"] * max(1.0, abs(theirs or 0.0)),
            source=case["tool"],
        )


def _number(ours: Any, refused: bool) -> float | None:
    """None where we refuse; where they refuse and we do not, a number, which then disagrees."""
    if ours == "refused" or ours is None:
        return None
    if refused:
        return 1.0
    # A table that they do not print is no disagreement; a number beside their None is.
    return None if isinstance(ours, dict) else float(ours)
