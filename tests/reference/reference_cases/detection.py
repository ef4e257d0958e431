"""FROC and CPM as the LUNA16 evaluation script gives them, and COCO's figures as pycocotools 2.0.11 does."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from medassay.statistics.average_precision import average_precision, mean_over, recall
from medassay.statistics.froc import (
    competition_performance_metric,
    froc_curve,
    froc_sensitivity,
    ranked_marks,
)
from medassay.tasks.boxes import COCO_AREAS, COCO_IOUS, BoxMatches, match_boxes
from medassay.tasks.detection import CaseMarks, rows_of_cases
from medassay.tasks.points import match_points
from reference_cases import Case

TOPIC = "detection"
Rows = list[dict[str, str]]
Figures = dict[str, float | None]


def cases(folder: Path) -> Iterator[Case]:
    """Every figure of both tools on every case."""
    for case in json.loads((folder / TOPIC / "cases.json").read_text()):
        given, expected = case["input"], case["expected"]
        if "dir" in given:
            ours = _luna(folder / TOPIC / given["dir"], expected["froc_thresholds"])
        else:
            ours = _coco(json.loads((folder / TOPIC / given["file"]).read_text()))
        theirs = _flat(expected)
        assert ours.keys() == theirs.keys(), f"{case['id']}: a figure is not compared"
        for figure, value in theirs.items():
            yield Case(TOPIC, case["id"], figure, ours[figure], _number(value), case["tol"], case["tool"])


def luna_marks(folder: Path, suffix: str = "") -> list[CaseMarks]:
    """The four files of LUNA16's evaluation, matched scan by scan."""
    scans = [row[0] for row in csv.reader((folder / f"seriesuids{suffix}.csv").open()) if row]
    findings, excluded, marks = (
        list(csv.DictReader((folder / name).open()))
        for name in (f"annotations{suffix}.csv", f"annotations_excluded{suffix}.csv", _candidates(folder))
    )
    tables = [
        rows_of_cases(scans, [row["seriesuid"] for row in table]) for table in (findings, excluded, marks)
    ]
    matched = []
    for own, other, offered in zip(*tables, strict=True):
        inside, outside, scored = (
            [table[i] for i in rows] for table, rows in ((findings, own), (excluded, other), (marks, offered))
        )
        matched.append(
            match_points(
                _at(inside),
                _radius(inside),
                _at(scored),
                [float(row["probability"]) for row in scored],
                excluded_centres_mm=_at(outside),
                excluded_radius_mm=_radius(outside),
            )
        )
    return matched


def _luna(folder: Path, thresholds: list[Any]) -> Figures:
    matched = luna_marks(folder)
    findings, hits = sum(m.findings for m in matched), sum(len(m.hit_scores) for m in matched)
    pooled = ranked_marks(
        [m.hit_scores for m in matched], [m.false_scores for m in matched], [m.findings for m in matched]
    )
    curve = froc_curve(pooled)
    assert curve is not None
    ours: Figures = {
        "counts True positives": hits,
        "counts False positives": sum(len(m.false_scores) for m in matched),
        "counts False negatives": sum(m.missed for m in matched),
        "counts True negatives": 0,  # a mark that nobody made is not counted by the script either
        "counts Total number of candidates": sum(m.marks for m in matched),
        "counts Total number of nodules": findings,
        "counts Ignored candidates on excluded nodules": sum(m.on_excluded for m in matched),
        "counts Ignored candidates which were double detections on a nodule": sum(m.surplus for m in matched),
        "counts Sensitivity": hits / findings,
        "counts Average number of candidates per scan": sum(m.marks for m in matched) / len(matched),
        "cpm": competition_performance_metric(pooled, seed=1, replicates=10).value,
    }
    for rate in ("0.125", "0.25", "0.5", "1", "2", "4", "8"):
        ours[f"sens_at {rate}"] = froc_sensitivity(pooled, float(rate), seed=1, replicates=10).value
    # The script leaves out points in the middle of straight stretches: each of its points is one of ours.
    for place, threshold in enumerate(thresholds):
        at = 0 if threshold == "Infinity" else int(np.flatnonzero(curve.thresholds == threshold)[0])
        ours[f"froc_fps_per_scan {place}"] = float(curve.false_per_case[at])
        ours[f"froc_sensitivity {place}"] = float(curve.sensitivity[at])
        ours[f"froc_thresholds {place}"] = None if at == 0 else float(curve.thresholds[at])
    return ours


def _coco(given: dict[str, Any]) -> Figures:
    truth, offered = given["gt"], given["dt"]
    images = sorted(image["id"] for image in truth["images"])
    categories = sorted(category["id"] for category in truth["categories"])

    def matches(category: int, area: str, most: int) -> list[BoxMatches]:
        found = []
        for image in images:
            own, marks = (
                [row for row in rows if (row["image_id"], row["category_id"]) == (image, category)]
                for rows in (truth["annotations"], offered)
            )
            found.append(
                match_boxes(
                    [row["bbox"] for row in own],
                    [row["bbox"] for row in marks],
                    [row["score"] for row in marks],
                    crowd=[row["iscrowd"] for row in own],
                    reference_area=[row["area"] for row in own],
                    area=COCO_AREAS[area],
                    most_marks=most,
                )
            )
        return found

    def precisions(category: int, area: str, ious: slice) -> list[Any]:
        of_images = matches(category, area, 100)
        joined = (np.concatenate([getattr(m, part) for m in of_images], axis=-1) for part in PARTS)
        scores, correct, ignored = joined
        count = sum(m.references for m in of_images)
        rows = range(len(COCO_IOUS))[ious]
        return [average_precision(scores, correct[i], count, ignored=ignored[i]) for i in rows]

    def mean_precision(area: str = "all", ious: slice = slice(None)) -> float | None:
        return mean_over([p for category in categories for p in precisions(category, area, ious)]).value

    def mean_recall(area: str = "all", most: int = 100) -> float | None:
        found = []
        for category in categories:
            of_images = matches(category, area, most)
            correct = np.concatenate([m.correct for m in of_images], axis=1)
            found += [recall(row, sum(m.references for m in of_images)) for row in correct]
        return mean_over(found).value

    at_50, at_75 = slice(0, 1), slice(5, 6)
    ours: Figures = {
        "AP": mean_precision(),
        "AP50": mean_precision(ious=at_50),
        "AP75": mean_precision(ious=at_75),
    }
    for area in ("small", "medium", "large"):
        ours |= {f"AP_{area}": mean_precision(area), f"AR_{area}": mean_recall(area)}
    ours |= {f"AR{most}": mean_recall(most=most) for most in (1, 10, 100)}
    for category in categories:
        ours[f"AP50_per_category {category}"] = precisions(category, "all", at_50)[0].value
    return ours


PARTS = ("scores", "correct", "ignored")


def _candidates(folder: Path) -> str:
    """Its name in the cases, or the one submission that lies there."""
    return next(p.name for p in sorted(folder.iterdir()) if p.name.startswith(("candidates", "submission")))


def _at(rows: Rows) -> list[list[float]]:
    return [[float(row[f"coord{axis}"]) for axis in "XYZ"] for row in rows]


def _radius(rows: Rows) -> list[float]:
    return [float(row["diameter_mm"]) / 2 for row in rows]


def _flat(figures: Any, name: str = "") -> dict[str, Any]:
    if isinstance(figures, dict | list):
        parts = figures.items() if isinstance(figures, dict) else enumerate(figures)
        return {k: v for key, value in parts for k, v in _flat(value, f"{name} {key}".strip()).items()}
    return {name: figures}


def _number(value: float | str | None) -> float | None:
    """pycocotools says -1 where nothing was there to find; JSON has no infinity."""
    if value is None or isinstance(value, str) or not math.isfinite(value) or value == -1:
        return None
    return float(value)
