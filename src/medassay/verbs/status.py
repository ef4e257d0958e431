"""`medassay status`: what stands in a workspace, what it came to, and the next command."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from medassay.annotation.spec import AnnotationSpec
from medassay.core.specs import load_spec
from medassay.core.workspace import Workspace
from medassay.registry.device import DeviceSpec
from medassay.verbs.stage import ORDER, Place

PER_DEVICE = ORDER[ORDER.index("train") :]


@dataclass(frozen=True)
class Row:
    """One source of one database with one device, as far as it has come."""

    dataset: str
    source: str
    disease: str
    quality: str
    device: str
    primary: str
    goal: str
    verdict: str
    report: str
    next: str


@dataclass(frozen=True)
class PublicSet:
    """A source that a user has to get himself."""

    dataset: str
    source: str
    folder: str
    present: bool
    obtain: str


@dataclass(frozen=True)
class Status:
    rows: tuple[Row, ...]
    public_sets: tuple[PublicSet, ...]


def run(workspace: Workspace, *, data: Path | None = None) -> Status:
    """Read pointers and records; nothing is computed and nothing written."""
    devices = _devices_by_dataset(workspace)
    rows, sets = [], []
    for stem in workspace.stems():
        spec = Place(workspace, stem, "").spec
        for source in spec.sources:
            place = Place(workspace, stem, source.name)
            rows += [_row(place, device) for device in (devices.get(stem) or [""])]
            if source.folder is not None:
                sets.append(_public_set(place, data))
    return Status(tuple(rows), tuple(sets))


def _devices_by_dataset(workspace: Workspace) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name in workspace.devices():
        device = load_spec(workspace.device(name) / "device.yaml", DeviceSpec)
        found.setdefault(device.dataset, []).append(name)
    return found


def _row(place: Place, device: str) -> Row:
    done = dict(_outcomes(place, device))
    result = _result(place, device) if device and "validate" in done else {}
    if not _has_reference(place):
        result = {"verdict": "demonstration_only: this source has no reference standard to be scored against"}
    paper = place.workspace.reports(place.dataset, place.source_name) / f"{device}.zh.pdf"
    return Row(
        dataset=place.dataset,
        source=place.source_name,
        disease=place.spec.disease.name.en,
        quality=done.get("certify") or done.get("gate") or "",
        device=device,
        primary=result.get("primary", ""),
        goal=result.get("goal", ""),
        verdict=result.get("verdict", ""),
        report=_short(paper, place.workspace.root) if "report" in done and paper.exists() else "",
        next=_next(place, device, done) if _has_reference(place) or "gate" not in done else "",
    )


def _has_reference(place: Place) -> bool:
    """Whether the annotation spec says how this source's reference standard comes about."""
    spec = load_spec(place.workspace.spec("annotation", place.dataset), AnnotationSpec)
    return place.source_name in spec.references


def _outcomes(place: Place, device: str) -> Iterator[tuple[str, str]]:
    for kind in ORDER:
        ended = place.ended(kind, device if kind in PER_DEVICE else None)
        if ended is not None:
            yield kind, ended["outcome"]


def _next(place: Place, device: str, done: dict[str, str]) -> str:
    for kind in ORDER:
        if kind in PER_DEVICE and not device:
            break
        words = [
            "medassay",
            kind,
            place.dataset,
            place.source_name,
            *([device] if kind in PER_DEVICE else []),
        ]
        if kind not in done:
            return " ".join(words)
        if done[kind] in ("failed", "refused"):
            return f"mend what {kind} found, then: {' '.join(words)}"
    return ""


def _result(place: Place, device: str) -> dict[str, str]:
    evidence = place.evidence("validate", device)
    if not any(link.role == "results" for link in evidence.outputs):
        return {"verdict": evidence.outcome.value}
    headline: dict[str, Any] = place.record(evidence, "headline")
    return {name: str(headline[name]) for name in ("primary", "goal", "verdict")}


def _public_set(place: Place, data: Path | None) -> PublicSet:
    root = data or (Path(os.environ["MEDASSAY_DATA"]) if "MEDASSAY_DATA" in os.environ else None)
    source = place.source
    return PublicSet(
        dataset=place.dataset,
        source=source.name,
        folder=str(source.folder),
        present=root is not None and (root / str(source.folder)).is_dir(),
        obtain=source.obtain.en if source.obtain else "",
    )


def _short(path: Path, root: Path) -> str:
    return str(path.relative_to(root)) if path.is_relative_to(root) else str(path)
