"""Clustered AUC with 2,000 replicates against a loop of scikit-learn calls, in one run.

    python -P benchmarks/auc.py [--cases 10000 100000] [--replicates 2000] [--peer-replicates 40]

The loop resamples subjects and calls roc_auc_score once a replicate, as scripts in the field do, on the gathered
cases or on all cases with sample weights. Its time is that of a few replicates, multiplied: the loop is linear
in them. All give the area of the same resamples; a difference beyond rounding ends the run.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator

import numpy as np
from sklearn.metrics import roc_auc_score

from medassay.statistics.clustered_roc import clustered_auc, replicated_areas, sort_cases
from medassay.statistics.delong import auc
from medassay.statistics.resampling import resampling_blocks

CASES_A_SUBJECT = 4
GOAL = 30.0
SAME = 1e-9


def sample(cases: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Cases of subjects with something in common, a fifth of them positive, scores to three decimals (ties)."""
    rng = np.random.default_rng(seed)
    subjects = cases // CASES_A_SUBJECT
    owner = np.repeat(np.arange(subjects), CASES_A_SUBJECT)
    labels = rng.uniform(size=len(owner)) < 0.2
    scores = labels + rng.normal(size=subjects)[owner] + rng.normal(size=len(owner))
    return labels, np.round(scores, 3), owner


def resamples(subjects: int, replicates: int, seed: int) -> Iterator[np.ndarray]:
    """How often each subject is drawn, a replicate at a time: the draw that our intervals use."""
    return (counts for block in resampling_blocks(subjects, replicates, seed) for counts in block)


def loop(labels: np.ndarray, scores: np.ndarray, owner: np.ndarray, replicates: int, seed: int) -> np.ndarray:
    """One call of roc_auc_score a resample of subjects, on the cases repeated as often as drawn."""
    subjects = int(owner.max()) + 1
    own_cases = np.split(np.arange(len(owner)), np.flatnonzero(np.diff(owner)) + 1)
    starts = np.array([cases[0] for cases in own_cases])
    sizes = np.array([len(cases) for cases in own_cases])
    figures = []
    for counts in resamples(subjects, replicates, seed):
        drawn = np.repeat(np.arange(subjects), counts.astype(np.int64))
        within = np.arange(sizes[drawn].sum()) - np.repeat(
            np.cumsum(sizes[drawn]) - sizes[drawn], sizes[drawn]
        )
        rows = np.repeat(starts[drawn], sizes[drawn]) + within
        figures.append(roc_auc_score(labels[rows], scores[rows]))
    return np.array(figures)


def weighted_loop(
    labels: np.ndarray, scores: np.ndarray, owner: np.ndarray, replicates: int, seed: int
) -> np.ndarray:
    """The same with how often a case's subject was drawn as its sample weight, which spares the gathering."""
    subjects = int(owner.max()) + 1
    return np.array(
        [
            roc_auc_score(labels, scores, sample_weight=counts[owner])
            for counts in resamples(subjects, replicates, seed)
        ]
    )


def timed(call: Callable[[], object], repeats: int) -> float:
    """Seconds of the fastest of several calls."""
    best = float("inf")
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        best = min(best, time.perf_counter() - start)
    return best


def main() -> None:
    """Print one comparison for each size."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--replicates", type=int, default=2000)
    parser.add_argument("--peer-replicates", type=int, default=40)
    options = parser.parse_args()
    for cases in options.cases:
        compare(cases, options.replicates, options.peer_replicates)


def compare(cases: int, replicates: int, few: int) -> None:
    """One line: our seconds, the loop's, their ratio."""
    labels, scores, owner = sample(cases, seed=1)
    subjects = int(owner.max()) + 1
    ours = replicated_areas([sort_cases(labels, scores, owner, subjects)], replicates=few, seed=2)[:, 0]
    for peer in (loop, weighted_loop):
        apart = float(np.abs(ours - peer(labels, scores, owner, few, 2)).max())
        if apart > SAME:
            raise SystemExit(f"the resampled areas differ by {apart:g}")

    def clustered() -> object:
        return clustered_auc(labels, scores, owner, interval="percentile", seed=2, replicates=replicates)

    gathered = timed(lambda: loop(labels, scores, owner, few, 2), 2) * replicates / few
    weighted = timed(lambda: weighted_loop(labels, scores, owner, few, 2), 2) * replicates / few
    own = timed(clustered, 2)
    delong = timed(lambda: auc(labels, scores), 3)
    print(
        f"n = {cases}, {subjects} subjects, {replicates} replicates: medassay {own:.2f} s; scikit-learn loop"
        f" (from {few} replicates) {gathered:.1f} s over gathered cases, ratio {gathered / own:.0f}, and"
        f" {weighted:.1f} s over sample weights, ratio {weighted / own:.0f} (goal {GOAL:.0f});"
        f" DeLong {delong:.3f} s"
    )


if __name__ == "__main__":
    main()
