"""A reader study as one table: who read which case with which aid, and which cases are diseased.

Every reader-study statistic starts here. The long list of readings becomes a dense table once, is checked
once, and its design is read off the table: what is crossed with what decides which covariances exist.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from medassay.core.errors import WrongUse

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
IntArray = NDArray[np.int64]

Figure = Literal["auc", "sensitivity", "specificity"]
Design = Literal[
    "factorial",  # every reader reads every case with every treatment
    "cases_in_readers",  # each case belongs to one reader
    "cases_in_treatments",  # each case is read with one treatment
    "readers_in_treatments",  # each reader reads with one treatment, all of its cases
    "unbalanced",  # every reader has every treatment, but not every case
    "unsupported",  # some readers have some treatments only
]


@dataclass(frozen=True)
class ReaderStudy:
    """Readings as a table.

    Attributes
    ----------
    treatments, readers, cases : names, sorted
        A treatment is what the readers compare: a modality, or reading with and without a device.
    positive : shape (n_cases,)
        The reference standard: True where the case has the target condition.
    ratings : shape (n_treatments, n_readers, n_cases)
        Higher means more certain of the condition; NaN where this reader did not read this case.
    """

    treatments: tuple[str, ...]
    readers: tuple[str, ...]
    cases: tuple[str, ...]
    positive: BoolArray
    ratings: FloatArray

    @property
    def read(self) -> BoolArray:
        """Which readings exist, shape of `ratings`."""
        there: BoolArray = ~np.isnan(self.ratings)
        return there


def reader_study(
    *, reader: ArrayLike, treatment: ArrayLike, case: ArrayLike, positive: ArrayLike, rating: ArrayLike
) -> ReaderStudy:
    """Collect readings, one a row, into a `ReaderStudy`.

    Parameters
    ----------
    reader, treatment, case : shape (n_readings,)
        Names or numbers; a case keeps its name across readers and treatments.
    positive : shape (n_readings,), 0 or 1
        The reference standard of the row's case, the same in all rows of a case.
    rating : shape (n_readings,), finite
        A reading that was not made is a row that is not there, never NaN.

    Raises
    ------
    WrongUse
        Columns of different length, a rating that is not finite, a case with two truths, a case read twice
        by one reader with one treatment.

    Examples
    --------
    >>> study = reader_study(reader=[1, 1], treatment=[1, 1], case=[1, 2], positive=[0, 1], rating=[1, 4])
    >>> study.ratings.tolist(), study.positive.tolist()
    ([[[1.0, 4.0]]], [False, True])
    """
    names = {"reader": reader, "treatment": treatment, "case": case}
    columns = {key: _names_of(key, values) for key, values in names.items()}
    values = np.asarray(rating, dtype=np.float64)
    truth = np.asarray(positive)
    lengths = {len(column) for column in columns.values()} | {values.size, truth.size}
    if len(lengths) != 1 or values.ndim != 1 or truth.ndim != 1 or lengths == {0}:
        raise WrongUse(
            found=f"columns of {', '.join(str(length) for length in sorted(lengths))} rows",
            wanted="one row a reading in every column, and at least one",
            remedy="Give reader, treatment, case, truth and rating of each reading.",
        )
    _require_ratings(values, truth)
    (treatments, t), (readers, r), (cases, c) = (
        np.unique(columns[key], return_inverse=True) for key in ("treatment", "reader", "case")
    )
    return ReaderStudy(
        treatments=tuple(str(name) for name in treatments),
        readers=tuple(str(name) for name in readers),
        cases=tuple(str(name) for name in cases),
        positive=_truth_of_cases(c, truth.astype(np.bool_), len(cases)),
        ratings=_table((len(treatments), len(readers), len(cases)), (t, r, c), values),
    )


def design_of(study: ReaderStudy) -> Design:
    """What is crossed with what and what is nested in what.

    The names follow Hillis, Stat Med 33:330-360, 2014: a case that one reader alone has read makes the
    readers independent, a case read with one treatment alone makes the treatments independent.
    """
    read = study.read
    cells = read.any(axis=2)
    if cells.all():
        if read.all():
            return "factorial"
        if len(study.readers) > 1 and (read.any(axis=0).sum(axis=0) == 1).all():
            return "cases_in_readers"
        if len(study.treatments) > 1 and (read.any(axis=1).sum(axis=0) == 1).all():
            return "cases_in_treatments"
        return "unbalanced"
    return "readers_in_treatments" if (cells.sum(axis=0) == 1).all() else "unsupported"


def cases_of_figure(study: ReaderStudy, figure: Figure) -> ReaderStudy:
    """The study with the cases that the figure is about: sensitivity knows diseased cases only."""
    if figure == "auc":
        return study
    _require_binary(study.ratings, figure)
    kept = study.positive if figure == "sensitivity" else ~study.positive
    return ReaderStudy(
        treatments=study.treatments,
        readers=study.readers,
        cases=tuple(name for name, keep in zip(study.cases, kept, strict=True) if keep),
        positive=study.positive[kept],
        ratings=study.ratings[:, :, kept],
    )


def require_two_cases(study: ReaderStudy, figure: Figure) -> None:
    """Every reader needs two cases of each class that the figure counts, or no variance exists.

    Raises
    ------
    WrongUse
        Where a reader has fewer; its place, not its name, is said.
    """
    cells = study.read.any(axis=2)
    classes = {"auc": (True, False), "sensitivity": (True,), "specificity": (False,)}[figure]
    for wanted in classes:
        counts = study.read[:, :, study.positive == wanted].sum(axis=2)
        if (counts[cells] < 2).any():
            raise WrongUse(
                found=f"a reader with {int(counts[cells].min())} "
                f"{'positive' if wanted else 'negative'} cases in a treatment",
                wanted="at least 2 cases of each class for every reader and treatment",
                remedy="Leave such a reader out, or report the other readers' figures alone.",
            )


def cell_names(study: ReaderStudy) -> list[tuple[int, int]]:
    """Treatment and reader, as places, of every cell that has readings, treatments slow and readers fast."""
    return [(int(t), int(r)) for t, r in np.argwhere(study.read.any(axis=2))]


def _names_of(key: str, values: ArrayLike) -> NDArray[np.generic]:
    names = np.asarray(values)
    if names.dtype.kind == "O":
        missing = sum(name is None or name != name for name in names.flat)  # NaN is not itself
        names = names.astype(str)
    else:
        missing = int((~np.isfinite(names)).sum()) if names.dtype.kind == "f" else 0
    missing += int((names == "").sum()) if names.dtype.kind == "U" else 0
    if names.ndim != 1 or missing:
        raise WrongUse(
            found=f"{key} of shape {names.shape}, {missing} of them not named",
            wanted="one name a reading",
            remedy=f"Name the {key} of each reading.",
        )
    return names


def _require_ratings(values: FloatArray, truth: NDArray[np.generic]) -> None:
    if truth.dtype.kind not in "biuf" or not np.isin(truth, (0, 1)).all():
        raise WrongUse(
            found=f"a reference standard of type {truth.dtype} with values other than 0 and 1",
            wanted="1 for a case with the condition, 0 for one without",
            remedy="Say which class is the positive one and turn it into 1.",
        )
    if not np.isfinite(values).all():
        raise WrongUse(
            found=f"{int((~np.isfinite(values)).sum())} ratings that are not finite",
            wanted="a number for each reading",
            remedy="Leave out the row of a reading that was not made; the design follows from the rows.",
        )


def _truth_of_cases(case: IntArray, truth: BoolArray, cases: int) -> BoolArray:
    rows = np.bincount(case, minlength=cases)
    positive = np.bincount(case, weights=truth, minlength=cases)
    torn = (positive > 0) & (positive < rows)
    if torn.any():
        raise WrongUse(
            found=f"{int(torn.sum())} cases that are positive in one row and negative in another",
            wanted="one truth a case",
            remedy="Take the truth from the reference standard, not from the readers.",
        )
    found: BoolArray = positive > 0
    return found


def _table(
    shape: tuple[int, int, int], place: tuple[IntArray, IntArray, IntArray], values: FloatArray
) -> FloatArray:
    flat = np.ravel_multi_index(place, shape)
    repeated = len(flat) - len(np.unique(flat))
    if repeated:
        raise WrongUse(
            found=f"{repeated} readings of a case that this reader has already read with this treatment",
            wanted="one reading for each reader, treatment and case",
            remedy="Keep the reading that the protocol names; a second reading is a treatment of its own.",
        )
    table = np.full(shape, np.nan)
    table.flat[flat] = values
    return table


def _require_binary(ratings: FloatArray, figure: Figure) -> None:
    given = ratings[~np.isnan(ratings)]
    if not np.isin(given, (0, 1)).all():
        raise WrongUse(
            found=f"ratings other than 0 and 1, from {given.min():g} to {given.max():g}",
            wanted=f"a decision for each reading, 0 or 1, to count a {figure}",
            remedy="Apply the threshold that the protocol names before counting.",
        )
