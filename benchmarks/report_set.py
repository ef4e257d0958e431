"""All intervals of a whole report in one pass, against an analysis that resamples every figure by itself.

    python -P benchmarks/report_set.py [--cases 100000] [--peer-figures 2]

Ten metrics over all subjects and over 12 subgroups (four axes of three levels), 2,000 replicates, one case a
subject: the hardest case, since subjects are what is resampled. The peer is scipy.stats.bootstrap on one figure;
its time is that of a few figures, multiplied.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
from scipy.stats import bootstrap

from medassay.evaluation.analysis import analyse
from medassay.evaluation.protocol import Endpoint, Protocol
from medassay.evaluation.scorer import Metric

METRICS, AXES, LEVELS, REPLICATES, GOAL_S = 10, 4, 3, 2000, 15.0
TEXT = {"zh": "-", "en": "-"}
PEER_REPLICATES = 100


def study(cases: int, seed: int) -> tuple[list[str], list[dict[str, float]], list[dict[str, str | None]]]:
    """Names, statistics and strata of as many people."""
    generator = np.random.default_rng(seed)
    right = generator.random((cases, METRICS)) < np.linspace(0.6, 0.95, METRICS)
    levels = generator.integers(0, LEVELS, (cases, AXES))
    statistics = [
        {f"tp{m}": float(row[m]) for m in range(METRICS)}
        | {f"fn{m}": float(not row[m]) for m in range(METRICS)}
        for row in right
    ]
    strata: list[dict[str, str | None]] = [
        {f"axis{a}": f"level{row[a]}" for a in range(AXES)} for row in levels
    ]
    return [f"s{n:07d}" for n in range(cases)], statistics, strata


def plan() -> Protocol:
    """A protocol of ten proportions, which only the analysis reads."""
    return Protocol.model_construct(
        version="1",
        task="benchmark",
        options={},
        endpoints=tuple(
            Endpoint.model_validate({"id": f"e{m}", "title": TEXT, "metric": f"m{m}"}) for m in range(METRICS)
        ),
        primary="e0",
        comparator=None,
        alpha=0.025,
        confidence=0.95,
        multiplicity="single_primary",
        tested=("e0",),
        replicates=REPLICATES,
        sample_size={},
        interval="percentile",
        seed=1,
        unit_of_analysis="subject",
        clusters="subject",
        minimum_subjects=10,
        missing_prediction="worst",
        unusable_prediction="worst",
        empties="not_counted",
        subgroups=tuple(f"axis{a}" for a in range(AXES)),
        factors=(),
        minimum_cell=10,
        stress=None,
        looks_before={},
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=100_000)
    parser.add_argument("--peer-figures", type=int, choices=range(1, METRICS + 1), default=2)
    given = parser.parse_args()
    names, statistics, strata = study(given.cases, seed=1)
    metrics = {
        f"m{m}": Metric({f"tp{m}": 1}, {f"tp{m}": 1, f"fn{m}": 1}, "1", "higher", "none")
        for m in range(METRICS)
    }
    start, worked = time.perf_counter(), time.process_time()
    found = analyse(plan(), metrics, names, statistics, strata, "none", synthetic=False)
    ours, worked = time.perf_counter() - start, time.process_time() - worked
    shown = sum(len(cell.estimates) for axis in found.subgroups for cell in axis.cells)
    print(
        f"report set, {given.cases} cases: {METRICS} + {shown} figures of {REPLICATES} replicates in {ours:.1f} s"
        f" ({worked:.1f} s of processor)"
    )
    print(f"goal {GOAL_S:g} s: {'kept' if ours < GOAL_S else 'missed'}")
    peer = 0.0
    for m in range(given.peer_figures):
        column = np.array([row[f"tp{m}"] for row in statistics])
        start = time.perf_counter()
        bootstrap((column,), np.mean, n_resamples=PEER_REPLICATES, method="percentile", batch=10, rng=1)
        peer += (time.perf_counter() - start) * REPLICATES / PEER_REPLICATES
    # Subgroups of one axis hold all cases between them, so that an axis costs as much as all cases once.
    whole = peer / given.peer_figures * METRICS * (1 + AXES)
    print(f"scipy.stats.bootstrap figure by figure: {whole:.1f} s, {whole / ours:.1f} times as long")


if __name__ == "__main__":
    main()
