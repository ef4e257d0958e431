"""Reader studies from plain tables or iMRMC files: every reader's figures, and the treatments compared.

    reference     case,truth                                 or an iMRMC file
    predictions   reader,treatment,case,rating               or the same iMRMC file, whose truth lines are held
                                                             against the reference

A reading that was not made is a row that is not there; the design is told from what is there, and one that
Obuchowski-Rockette cannot take is left to the U-statistics. scikit-learn computes each reader's area again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from pydantic import Field

from medassay.core.errors import WrongUse, located
from medassay.core.estimate import Estimate
from medassay.evaluation.table_scorer import (
    Again,
    CaseOutcome,
    Status,
    Tabled,
    TableOptions,
    again,
    flawed_reference,
    require_once,
    unknown_rows,
)
from medassay.formats import imrmc
from medassay.formats.predictions.table import case_ids, numbers, one_table
from medassay.statistics.mrmc_ustatistics import UStatisticsAnalysis, mrmc_ustatistics
from medassay.statistics.obuchowski_rockette import ReaderStudyAnalysis, obuchowski_rockette
from medassay.statistics.reader_study import ReaderStudy, design_of, reader_study
from medassay.statistics.reader_table import ReaderRow
from medassay.statistics.significance import Significance

VERSION = "1.0"


class Options(TableOptions):
    """The declared conventions of a reader study."""

    figure: Literal["auc", "sensitivity", "specificity"] = Field(
        default="auc", description="of each reader; the last two need ratings of 0 and 1"
    )
    covariance: Literal["jackknife", "delong", "unbiased"] = "jackknife"
    readers: Literal["random", "fixed"] = "random"
    cases: Literal["random", "fixed"] = "random"
    missing: Literal["left_out", "wrong"] = Field(
        default="left_out",
        description="a case that a reader did not rate: not part of the design; or rated as wrongly as can be",
    )


@dataclass(frozen=True)
class _Readings:
    """Rows that count, and what became of the others."""

    reader: tuple[str, ...]
    treatment: tuple[str, ...]
    case: tuple[str, ...]
    rating: tuple[float, ...]
    flawed: Mapping[str, str]  # case to what is wrong with a reading of it
    left_out: int


def score(reference: Mapping[str, bytes], predictions: Mapping[str, bytes], options: Options) -> Tabled:
    """Score a reader study.

    Raises
    ------
    WrongUse
        As every `TableScorer`; for a case read twice by one reader with one treatment; and for a design that
        neither analysis can take.
    """
    truth = _truth(reference, options)
    made = _readings(predictions, truth, options)
    study = reader_study(
        reader=made.reader,
        treatment=made.treatment,
        case=made.case,
        positive=[int(truth[case]) for case in made.case],
        rating=made.rating,
    )
    if options.missing == "wrong":
        study = _with_all_cases(study, truth, options)
    crossed, refused = _crossed(study, options)
    by_u, refused_u = _by_u_statistics(study, options)
    if crossed is None and by_u is None:
        raise WrongUse(
            found=refused, wanted="a design that can be analysed", remedy=refused_u, where="prediction"
        )
    table = crossed.reader_table if crossed else by_u.reader_table if by_u else ()
    figures = {f"{options.figure}[{row.treatment}][{row.reader}]": row.figure for row in table}
    tests: dict[str, Significance] = {}
    remarks = [f"design: {design_of(study).replace('_', ' ')}"]
    if crossed:
        _take_crossed(crossed, options, figures, tests, remarks)
    else:
        remarks.append(f"no Obuchowski-Rockette analysis: found {refused}")
    if by_u:
        _take_u_statistics(by_u, options, figures, tests, remarks)
    else:
        remarks.append(f"no U-statistics: found {refused_u}")
    return Tabled(
        figures=figures,
        cases=_outcomes(truth, made),
        again=tuple(_cells_again(study, table, options) + _means_again(crossed, table, options)),
        unit_of_analysis="reader_and_case",
        tests=tests,
        left_out=made.left_out,
        remarks=tuple(remarks),
    )


def _truth(files: Mapping[str, bytes], options: Options) -> dict[str, bool]:
    """Whether each case has the condition."""
    file = _imrmc(files)
    if file is not None:
        if not file.positive:
            raise flawed_reference("no line of truth", "")
        return dict(file.positive)
    table = one_table(files, "reference")
    cases = case_ids(table, options.reference_columns.get("case", "case"))
    name = options.reference_columns.get("truth", "truth")
    found = numbers(table.column(name))
    truth: dict[str, bool] = {}
    for row, case in enumerate(cases):
        if found.values[row] not in (0.0, 1.0):
            raise flawed_reference("a truth other than 0 and 1", f"line {table.line[row]}, column '{name}'")
        positive = bool(found.values[row])
        if truth.setdefault(case, positive) != positive:
            raise flawed_reference("a case with two truths", f"line {table.line[row]}")
    if not _long(table.columns, options):
        require_once(cases, "reference")
    return truth


def _long(columns: Mapping[str, object], options: Options) -> bool:
    """A long table of readings, whose rows repeat a case's truth."""
    return options.prediction_columns.get("reader", "reader") in columns


def _imrmc(files: Mapping[str, bytes]) -> imrmc.ReaderStudyFile | None:
    if len(files) != 1:
        return None
    ((name, content),) = files.items()
    if not imrmc.recognises(content):
        return None
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise WrongUse(
            found=f"bytes that are not UTF-8 at offset {error.start}",
            wanted="an iMRMC file in UTF-8",
            remedy="Save it as UTF-8.",
            where=name,
        ) from error
    file, findings = imrmc.read_imrmc(text)
    excluded = [finding for finding in findings if finding.severity.value == "exclude"]
    if excluded:
        first = excluded[0]
        raise WrongUse(
            found=first.found, wanted=first.wanted, remedy=first.remedy, where=f"{name}: {first.where}"
        )
    return file


def _readings(files: Mapping[str, bytes], truth: Mapping[str, bool], options: Options) -> _Readings:
    with located("prediction"):
        file = _imrmc(files)
    if file is not None:
        _require_same_truth(file.positive, truth)
        rows = [(r.reader, r.modality, r.case, r.score, "") for r in file.readings]
    else:
        rows = _table_rows(files, options)
    left_out = unknown_rows(truth, [row[2] for row in rows], options)
    known = [row for row in rows if row[2] in truth]
    kept = [row for row in known if not row[4]]
    if not kept:
        raise WrongUse(
            found="no usable reading",
            wanted="ratings of readers",
            remedy="Give reader, treatment, case and rating of each reading.",
            where="prediction",
        )
    reader, treatment, case, rating, _ = zip(*kept, strict=True)
    return _Readings(reader, treatment, case, rating, {row[2]: row[4] for row in known if row[4]}, left_out)


def _table_rows(files: Mapping[str, bytes], options: Options) -> list[tuple[str, str, str, float, str]]:
    with located("prediction"):
        table = one_table(files, "prediction")
        named = options.prediction_columns
        cases = case_ids(table, named.get("case", "case"))
        readers, treatments = (case_ids(table, named.get(name, name)) for name in ("reader", "treatment"))
        found = numbers(table.column(named.get("rating", "rating")))
        rows = []
        for row, key in enumerate(zip(readers, treatments, cases, strict=True)):
            value = float(found.values[row])
            wrong = found.flawed.get(row) or ("" if np.isfinite(value) else "a rating that is not finite")
            rows.append((*key, value, wrong))
        keys = ["\x1f".join(row[:3]) for row in rows]
        require_once(keys, "rating by one reader with one treatment")
    return rows


def _require_same_truth(stated: Mapping[str, bool], truth: Mapping[str, bool]) -> None:
    differing = sum(case in truth and truth[case] != positive for case, positive in stated.items())
    if differing:
        raise WrongUse(
            found=f"{differing} cases whose truth differs between the two files",
            wanted="the reference's truth, or none",
            remedy="Score against the file whose truth is the reference standard.",
            where="prediction",
        )


def _with_all_cases(study: ReaderStudy, truth: Mapping[str, bool], options: Options) -> ReaderStudy:
    """Every reader rates every case with every treatment that the reader has; what is not there is wrong."""
    cases = tuple(sorted(truth))
    positive = np.array([truth[case] for case in cases])
    ratings = np.full((*study.ratings.shape[:2], len(cases)), np.nan)
    ratings[:, :, [cases.index(case) for case in study.cases]] = study.ratings
    low, high = (0.0, 1.0) if options.figure != "auc" else (np.nanmin(ratings) - 1, np.nanmax(ratings) + 1)
    reads = np.asarray(study.read.any(axis=2))[:, :, None]
    return ReaderStudy(
        study.treatments,
        study.readers,
        cases,
        positive,
        np.where(np.isnan(ratings) & reads, np.where(positive, low, high), ratings),
    )


def _crossed(study: ReaderStudy, options: Options) -> tuple[ReaderStudyAnalysis | None, str]:
    try:
        found = obuchowski_rockette(
            study,
            figure=options.figure,
            covariance=options.covariance,
            readers=options.readers,
            cases=options.cases,
            confidence=options.confidence,
        )
    except WrongUse as error:
        return None, error.found
    return found, ""


def _by_u_statistics(study: ReaderStudy, options: Options) -> tuple[UStatisticsAnalysis | None, str]:
    if options.readers == "fixed" or options.cases == "fixed":
        return None, "readers or cases that are fixed"
    try:
        return mrmc_ustatistics(study, figure=options.figure, confidence=options.confidence), ""
    except WrongUse as error:
        return None, error.found


def _take_crossed(
    found: ReaderStudyAnalysis,
    options: Options,
    figures: dict[str, Estimate],
    tests: dict[str, Significance],
    remarks: list[str],
) -> None:
    name = options.figure
    for mean in found.means:
        figures[f"mean_{name}[{mean.treatment}]"] = mean.mean
    for pair in found.differences:
        figures[f"difference_{name}[{pair.first} - {pair.second}]"] = pair.difference
        tests[f"difference[{pair.first} - {pair.second}]"] = Significance(
            pair.p_value,
            None,
            "Obuchowski-Rockette, Hillis df",
            pair.df,
            "" if pair.p_value else "no variance",
        )
    for row in found.reader_differences:
        figures[f"difference_{name}[{row.first} - {row.second}][{row.reader}]"] = row.difference
    if found.equality is not None:
        tests["equality"] = Significance(
            found.equality.p_value,
            found.equality.statistic,
            "Obuchowski-Rockette F, Hillis df",
            found.equality.df2,
        )
    remarks += found.remarks


def _take_u_statistics(
    found: UStatisticsAnalysis,
    options: Options,
    figures: dict[str, Estimate],
    tests: dict[str, Significance],
    remarks: list[str],
) -> None:
    for shot in (*found.treatments, *found.differences):
        of = shot.first if shot.second is None else f"{shot.first} - {shot.second}"
        figures[f"u_statistics_{options.figure}[{of}]"] = shot.unbiased.figure
        if shot.second is not None:
            p_value = shot.unbiased.p_value
            reason = "" if p_value is not None else "the unbiased variance is not positive"
            tests[f"u_statistics[{of}]"] = Significance(
                p_value, None, "U-statistics, unbiased variance", shot.unbiased.df, reason
            )
    remarks += [text for text in found.remarks if text not in remarks]


def _cells_again(study: ReaderStudy, table: tuple[ReaderRow, ...], options: Options) -> list[Again]:
    """Each reader's figure by scikit-learn."""
    from sklearn.metrics import recall_score, roc_auc_score

    entries: list[Again] = []
    for row in table:
        ratings = study.ratings[study.treatments.index(row.treatment), study.readers.index(row.reader)]
        there = ~np.isnan(ratings)
        truth, given = study.positive[there], ratings[there]
        if options.figure == "auc":
            second = float(roc_auc_score(truth, given)) if len(set(truth.tolist())) == 2 else None
            by = "scikit-learn roc_auc_score"
        else:
            second = float(recall_score(truth, given > 0, pos_label=options.figure == "sensitivity"))
            by = "scikit-learn recall_score"
        entries += again(f"{options.figure}[{row.treatment}][{row.reader}]", row.figure, second, by)
    return entries


def _means_again(
    found: ReaderStudyAnalysis | None, table: tuple[ReaderRow, ...], options: Options
) -> list[Again]:
    """The average of each treatment over its readers, and the F ratio's treatment mean square."""
    if found is None:
        return []
    means: dict[str, list[float]] = {}
    for row in table:
        if row.figure.value is not None:
            means.setdefault(row.treatment, []).append(row.figure.value)
    entries: list[Again] = []
    for mean in found.means:
        second = float(np.mean(means[mean.treatment])) if mean.treatment in means else None
        entries += again(
            f"mean_{options.figure}[{mean.treatment}]", mean.mean, second, "numpy mean over readers"
        )
    return entries


def _outcomes(truth: Mapping[str, bool], made: _Readings) -> tuple[CaseOutcome, ...]:
    count = Counter(made.case)
    outcomes = []
    for case, positive in truth.items():
        status: Status = "scored" if case in count else "missing"
        reason = "" if case in count else "nobody read this case"
        if case in made.flawed:
            status, reason = "unusable", f"a reading does not count: {made.flawed[case]}"
        outcomes.append(
            CaseOutcome(case, status, {"positive": float(positive), "readings": float(count[case])}, reason)
        )
    return tuple(outcomes)
