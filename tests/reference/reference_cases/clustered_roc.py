"""Clustered ROC areas beside the R function of Obuchowski's 1997 variance, and DeLong's that ignores clusters."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from medassay.statistics.clustered_roc import clustered_auc
from medassay.statistics.delong import area_variance, auc
from medassay.statistics.intervals import normal_quantile

from . import Case


def cases(folder: Path) -> Iterator[Case]:
    """Every figure of every clustered case."""
    place = folder / "reader"
    for case in json.loads((place / "cases.json").read_text()):
        if "cluster" not in case["input"]:
            continue
        given, theirs = case["input"], case["expected"]
        with (place / given["file"]).open(newline="") as stream:
            rows = list(csv.DictReader(stream))
        labels = np.array([int(row[given["truth"]]) for row in rows])
        scores = np.array([float(row[given["score"]]) for row in rows])
        subjects = np.array([row[given["cluster"]] for row in rows])
        ours = clustered_auc(labels, scores, subjects, interval="obuchowski")
        ignoring, variance = auc(labels, scores), area_variance(labels, scores)
        assert variance is not None
        assert ours.value is not None
        assert ours.lower is not None
        figures = {
            "auc": (ours.value, theirs["auc"]),
            "the tool's own area": (ours.value, theirs["tool_theta"]),
            "clustered variance": (
                ((ours.value - ours.lower) / normal_quantile(0.95)) ** 2,
                theirs["clustered_var"],
            ),
            "clustered lower": (ours.lower, theirs["clustered_ci95"][0]),
            "clustered upper": (ours.upper, theirs["clustered_ci95"][1]),
            "variance that ignores clusters": (variance.variance, theirs["delong_var_ignoring_clusters"]),
            "its lower": (ignoring.lower, theirs["delong_ci95_ignoring_clusters"][0]),
            "its upper": (ignoring.upper, theirs["delong_ci95_ignoring_clusters"][1]),
        }
        source = f"{case['tool']}: {case['convention']}"
        for name, (one, other) in figures.items():
            yield Case("clustered_roc", case["id"], name, one, other, case["tol"], source)
