"""How often an interval holds the true proportion: by simulation, by method and planned scenario.

A 95 % interval that holds the truth in 64 % of studies is no 95 % interval, and which one fails depends on the
number of people, on the proportion, and on how alike the events of one person are. `simulated_coverage` finds out
for any scenario; `coverage_of`, `judge` and `method_for` answer from a table that was made with it
(`benchmarks/coverage.py`), so that a protocol can be refused while it is written.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from itertools import product
from math import sqrt
from typing import Literal

import numpy as np

from medassay.core.errors import WrongUse
from medassay.core.estimate import Estimate
from medassay.core.method import method
from medassay.statistics.korn_graubard import korn_graubard, korn_graubard_bounded
from medassay.statistics.proportion import ProportionInterval, proportion
from medassay.statistics.rao_scott import clustered_proportion
from medassay.statistics.ratio import ratio
from medassay.statistics.resampling import FloatArray, percentile_interval, resampling_weights

LOWEST = 0.93  # of a nominal 0.95
CONSERVATIVE = 0.97
SMALLEST_SHARE_GIVEN = 0.95  # of studies that must get an interval at all
SEED, REPLICATES = 1, 2000

CLUSTERS = (12, 20, 30, 50, 100, 200)
PROPORTIONS = (0.5, 0.7, 0.8, 0.9, 0.95, 0.98)
SIZES = (5, 20)
CORRELATIONS = (0.1, 0.4)

Interval = Callable[[FloatArray, FloatArray], Estimate]
Verdict = Literal["fit", "conservative", "below", "unknown"]


@dataclass(frozen=True)
class Scenario:
    """What a study plans for.

    Attributes
    ----------
    clusters : people
    proportion : expected share of events that are successes
    size : events a person (1: one yes or no a person)
    correlation : of the events of one person, 0 to below 1 (beta-binomial)
    """

    clusters: int
    proportion: float
    size: int = 1
    correlation: float = 0.0

    def __post_init__(self) -> None:
        fits = self.clusters >= 2 and self.size >= 1
        if not (fits and 0 < self.proportion < 1 and 0 <= self.correlation < 1):
            raise WrongUse(
                found=f"{self.clusters} people, proportion {self.proportion:g}, {self.size} events a person, "
                f"correlation {self.correlation:g}",
                wanted="at least 2 people and 1 event, a proportion in (0, 1), a correlation in [0, 1)",
                remedy="Describe the study as planned.",
            )

    @property
    def clustered(self) -> bool:
        """Whether events of a person depend on each other."""
        return self.size > 1 and self.correlation > 0


@dataclass(frozen=True)
class Coverage:
    """How a method fares; `coverage` None says why in `undefined`.

    Attributes
    ----------
    coverage : share of the studies with an interval whose interval holds the truth
    width : mean width
    given : share of studies that get an interval at all
    standard_error : of `coverage`, from the number of studies; 0 where every outcome was enumerated
    """

    method: str
    coverage: float | None
    width: float | None = None
    given: float = 0.0
    standard_error: float = 0.0
    undefined: str = ""


@dataclass(frozen=True)
class Judgement:
    """Whether a protocol may name a method for its scenario, and the better one where not."""

    method: str
    verdict: Verdict
    coverage: float | None
    better: str | None
    sentence: str


def _of_trials(name: ProportionInterval) -> Interval:
    """Events as independent trials, whoever they belong to."""

    @lru_cache(maxsize=8192)
    def of_counts(successes: int, events: int) -> Estimate:
        return proportion(successes, events, method=name)

    def interval(successes: FloatArray, events: FloatArray) -> Estimate:
        return of_counts(int(successes.sum()), int(events.sum()))

    return interval


def _percentile(successes: FloatArray, events: FloatArray) -> Estimate:
    return ratio(successes, events, undefined="-", seed=SEED, replicates=REPLICATES, proportion=True)


def _bca(successes: FloatArray, events: FloatArray) -> Estimate:
    return ratio(
        successes, events, undefined="-", seed=SEED, replicates=REPLICATES, interval="bca", proportion=True
    )


def _percentile_bare(successes: FloatArray, events: FloatArray) -> Estimate:
    """The textbook's percentile interval, of no width where all people are alike."""
    weights = resampling_weights(len(successes), REPLICATES, SEED)
    lower, upper = percentile_interval(weights @ successes / (weights @ events), 0.95)
    return Estimate(
        value=float(successes.sum() / events.sum()),
        lower=lower,
        upper=upper,
        confidence=0.95,
        method="percentile_bare",
        n_subjects=len(successes),
    )


METHODS: dict[str, Interval] = {
    "wilson": _of_trials("wilson"),
    "clopper_pearson": _of_trials("clopper_pearson"),
    "jeffreys": _of_trials("jeffreys"),
    "logit": _of_trials("logit"),
    "wald": _of_trials("wald"),
    "percentile": _percentile,
    "bca": _bca,
    "percentile_bare": _percentile_bare,
    "rao_scott": clustered_proportion,
    "korn_graubard": korn_graubard,
    "korn_graubard_bounded": korn_graubard_bounded,
}
NOT_TO_BE_NAMED = ("wald", "percentile_bare")  # shown for comparison, never recommended


@method(
    id="interval-coverage",
    task="any",
    zh="置信区间覆盖率模拟",
    en="coverage of an interval by simulation",
    formula="share of simulated (size 1: enumerated) studies whose 95 % interval holds the true proportion",
    source="Brown, Cai and DasGupta, Stat Sci 16:101-133, 2001; Morris et al., Stat Med 38:2074-2102, 2019",
    check="exact binomial sums: Clopper-Pearson .988 at n = 50 and percentile bootstrap .635 at n = 50, p = .98",
)
def simulated_coverage(
    method: str, scenario: Scenario, *, studies: int = 2000, seed: int = 20_260_101
) -> Coverage:
    """How often the method's 95 % interval holds the proportion of the scenario.

    Parameters
    ----------
    method : str
        A name in `METHODS`.
    studies : int
        Simulated ones; where every person has one event all outcomes are enumerated instead.

    Returns
    -------
    Coverage
        Among the studies that get an interval; None where none does.

    Raises
    ------
    WrongUse
        An unknown method, or no studies.

    Examples
    --------
    >>> round(simulated_coverage("clopper_pearson", Scenario(50, 0.9)).coverage, 3)
    0.97
    """
    interval = _interval(method)
    if studies < 1:
        raise WrongUse(found=f"{studies} studies", wanted="at least 1", remedy="Use 2000.")
    events = np.full(scenario.clusters, float(scenario.size))
    covered = widths = given = 0.0
    for weight, successes in _outcomes(scenario, studies, seed):
        found = interval(successes, events)
        if found.lower is None or found.upper is None:
            continue
        given += weight
        widths += weight * (found.upper - found.lower)
        covered += weight * (found.lower <= scenario.proportion <= found.upper)
    if given == 0:
        return Coverage(method, None, undefined="no study gets an interval")
    share = min(covered / given, 1.0)
    error = 0.0 if scenario.size == 1 else sqrt(share * (1 - share) / (studies * given))
    return Coverage(method, share, widths / given, min(given, 1.0), error)


def coverage_of(method: str, scenario: Scenario) -> Coverage:
    """The lowest coverage among the table's scenarios around this one.

    Proportions below 0.5 count as their complement; more than 200 people as 200, more than 20 events a
    person as 20, correlations above 0.4 as 0.4.

    Raises
    ------
    WrongUse
        An unknown method.

    Examples
    --------
    >>> coverage_of("wald", Scenario(30, 0.95)).coverage < 0.93
    True
    """
    _interval(method)
    cells = _cells(scenario)
    if not cells:
        return Coverage(
            method,
            None,
            undefined=f"fewer than {CLUSTERS[0]} people, or a proportion beyond {PROPORTIONS[-1]}, is outside "
            "the table; simulate the scenario",
        )
    known_rows = table()
    rows = [known_rows[method, cell] for cell in cells]
    known = [row for row in rows if row.coverage is not None]
    if len(known) < len(rows):
        return Coverage(method, None, undefined="in a neighbouring scenario no study gets an interval")
    worst = min(known, key=lambda row: row.coverage or 0.0)
    return Coverage(
        method,
        worst.coverage,
        max(row.width or 0.0 for row in known),
        min(row.given for row in known),
        worst.standard_error,
    )


def method_for(scenario: Scenario, among: Iterable[str] | None = None) -> str | None:
    """The narrowest method that keeps 93 % in this scenario and gives nearly every study an interval.

    Returns
    -------
    str or None
        None: none does, or the scenario is outside the table.

    Examples
    --------
    >>> method_for(Scenario(30, 0.95, size=20, correlation=0.4))
    'korn_graubard_bounded'
    """
    fitting = [found for found in _candidates(scenario, among) if _keeps(found)]
    return min(fitting, key=lambda found: found.width or 0.0).method if fitting else None


def judge(method: str, scenario: Scenario, among: Iterable[str] | None = None) -> Judgement:
    """Whether the method may be named for the scenario.

    Parameters
    ----------
    among : names, optional
        Which methods may be proposed in its place.

    Returns
    -------
    Judgement
        "below" is to be refused, with the better method where there is one; "conservative" is said and
        stands; "unknown" where the table does not reach.

    Examples
    --------
    >>> judge("wilson", Scenario(50, 0.9, size=20, correlation=0.4)).verdict
    'below'
    """
    found = coverage_of(method, scenario)
    if found.coverage is None:
        return Judgement(method, "unknown", None, None, f"{method}: {found.undefined}")
    said = f"{method} holds the truth in {found.coverage:.1%} of studies like this one"
    if found.given < SMALLEST_SHARE_GIVEN:
        said += f", and gives {1 - found.given:.1%} of them no interval"
    if not _keeps(found):
        better = method_for(scenario, among)
        instead = f"; {better} keeps {LOWEST:.0%}" if better else _closest(scenario, among)
        return Judgement(method, "below", found.coverage, better, said + instead)
    if found.coverage > CONSERVATIVE:
        return Judgement(method, "conservative", found.coverage, None, f"{said}: wider than it need be")
    return Judgement(method, "fit", found.coverage, None, said)


def scenarios() -> list[Scenario]:
    """The scenarios of the table."""
    kinds = [(1, 0.0), *product(SIZES, CORRELATIONS)]
    return [
        Scenario(clusters, share, size, correlation)
        for (size, correlation), clusters, share in product(kinds, CLUSTERS, PROPORTIONS)
    ]


@lru_cache(maxsize=1)
def table() -> dict[tuple[str, Scenario], Coverage]:
    """Every row of the table, by method and scenario; made by `benchmarks/coverage.py`."""
    text = files("medassay.statistics").joinpath("coverage.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(line for line in text.splitlines() if not line.startswith("#"))
    return {
        (
            row["method"],
            Scenario(
                int(row["clusters"]), float(row["proportion"]), int(row["size"]), float(row["correlation"])
            ),
        ): Coverage(
            row["method"],
            float(row["coverage"]) if row["coverage"] else None,
            float(row["width"]) if row["width"] else None,
            float(row["given"]),
            float(row["standard_error"]),
            "" if row["coverage"] else "no study gets an interval",
        )
        for row in rows
    }


def _closest(scenario: Scenario, among: Iterable[str] | None) -> str:
    """What to say where no method is good enough."""
    known = [found for found in _candidates(scenario, among) if found.coverage is not None]
    said = f"; no method of the table keeps {LOWEST:.0%}"
    if not known:
        return said
    best = max(known, key=lambda found: found.coverage or 0.0)
    return f"{said}, {best.method} comes closest with {best.coverage:.1%}: plan more people"


def _candidates(scenario: Scenario, among: Iterable[str] | None) -> list[Coverage]:
    names = [name for name in METHODS if name not in NOT_TO_BE_NAMED] if among is None else list(among)
    return [coverage_of(name, scenario) for name in names]


def _keeps(found: Coverage) -> bool:
    enough = found.coverage is not None and found.coverage >= LOWEST
    return enough and found.given >= SMALLEST_SHARE_GIVEN


def _interval(method: str) -> Interval:
    if method not in METHODS:
        raise WrongUse(
            found=f"method '{method}'", wanted=f"one of {', '.join(METHODS)}", remedy="Name one of them."
        )
    return METHODS[method]


def _outcomes(scenario: Scenario, studies: int, seed: int) -> Iterable[tuple[float, FloatArray]]:
    """Weighted studies: every outcome where people have one event, else simulated ones, equal ones once."""
    n, p = scenario.clusters, scenario.proportion
    if scenario.size == 1:
        from scipy.stats import binom

        for successes, weight in enumerate(binom.pmf(np.arange(n + 1), n, p)):
            if weight > 1e-12:
                yield float(weight), np.repeat([1.0, 0.0], [successes, n - successes])
        return
    generator = np.random.default_rng(seed)
    if scenario.correlation > 0:
        # Beta-binomial: the intraclass correlation is 1 / (a + b + 1).
        total = 1 / scenario.correlation - 1
        shares = generator.beta(p * total, (1 - p) * total, (studies, n))
    else:
        shares = np.full((studies, n), p)
    drawn = np.sort(generator.binomial(scenario.size, shares), axis=1)
    unlike, counts = np.unique(drawn, axis=0, return_counts=True)
    for successes, count in zip(unlike, counts, strict=True):
        yield float(count) / studies, successes.astype(np.float64)


def _cells(scenario: Scenario) -> list[Scenario]:
    share = max(scenario.proportion, 1 - scenario.proportion)
    if scenario.clusters < CLUSTERS[0] or share > PROPORTIONS[-1]:
        return []
    clusters = _around(min(scenario.clusters, CLUSTERS[-1]), CLUSTERS)
    shares = _around(share, PROPORTIONS)
    kinds = {(1, 0.0)}
    if scenario.clustered:
        sizes = _around(min(scenario.size, SIZES[-1]), (1, *SIZES))
        correlations = _around(min(scenario.correlation, CORRELATIONS[-1]), (0.0, *CORRELATIONS))
        kinds = {
            (int(size), rho) if size > 1 and rho > 0 else (1, 0.0)
            for size, rho in product(sizes, correlations)
        }
    return [Scenario(int(n), p, size, rho) for n, p, (size, rho) in product(clusters, shares, sorted(kinds))]


def _around(value: float, grid: tuple[float, ...]) -> tuple[float, ...]:
    """The grid's values at or next to this one."""
    if value in grid:
        return (value,)
    above = next(place for place, step in enumerate(grid) if step > value)
    return grid[above - 1], grid[above]
