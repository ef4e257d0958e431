"""`medassay score TASK REFERENCE PREDICTIONS`: a table with intervals from plain files, without a workspace."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from medassay.core.errors import NothingReadable, WrongUse, located
from medassay.core.estimate import Estimate
from medassay.core.rooms import module_of
from medassay.core.specs import load_spec

SEED = 1
REPLICATES = 2000


class Case(BaseModel):
    """One scored file; statistics are what every figure is a ratio of."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    case: str
    status: Literal["scored", "missing", "unreadable"]
    reason: str = ""
    statistics: dict[str, float]


class ScoreTable(BaseModel):
    """What `medassay score --json` prints, for every task alike."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_id: Literal["medassay.score/1"] = "medassay.score/1"
    task: str
    scorer_version: str
    options: dict[str, Any]
    unit_of_analysis: Literal["file"] = "file"
    figures: dict[str, Estimate]
    cases: tuple[Case, ...]


def run(
    task: str, reference: Path, predictions: Path, *, samples: Path | None = None, options: Path | None = None
) -> ScoreTable:
    """Score each reference file against the prediction of the same stem; a missing one counts as all wrong.

    Every file stands for one subject: intervals are too narrow where several files are of one person.

    Raises
    ------
    WrongUse
        For an unknown task, or a prediction for which there is no reference.
    NothingReadable
        When there is no reference at all.
    """
    scorer = module_of("medassay.evaluation.scoring", task, what="task")
    declared = load_spec(options, scorer.Options) if options else scorer.Options()
    labels, made = _files(reference), _files(predictions)
    if reference.is_file() and predictions.is_file():
        made = {stem: made.popitem()[1] for stem in labels}
    _require_known(labels, made, predictions)
    public = _files_by_case(samples, labels) if samples else {}
    cases = tuple(
        _scored(scorer, case, path, made.get(case), public.get(case, {}), declared)
        for case, path in labels.items()
    )
    return ScoreTable(
        task=task,
        scorer_version=scorer.VERSION,
        options=declared.model_dump(mode="json"),
        figures=_figures(scorer.metrics(declared), cases),
        cases=cases,
    )


def _scored(
    scorer: Any,
    case: str,
    reference: Path,
    prediction: Path | None,
    public: Mapping[str, bytes],
    options: Any,
) -> Case:
    content = prediction.read_bytes() if prediction else None
    with located(str(reference)):
        label = reference.read_bytes()
        try:
            score = scorer.score(label, content, public, options)
            status: Literal["scored", "missing", "unreadable"] = "scored" if prediction else "missing"
            reason = ""
        except WrongUse as error:
            if content is None:
                raise
            score = scorer.score(label, None, public, options)
            status, reason = "unreadable", f"found {error.found}; wanted {error.wanted}"
    return Case(case=case, status=status, reason=reason, statistics=dict(score.statistics))


def _figures(metrics: Mapping[str, Any], cases: tuple[Case, ...]) -> dict[str, Estimate]:
    import numpy as np

    from medassay.statistics.ratio import ratio

    def sums(parts: Mapping[str, float]) -> np.ndarray[Any, np.dtype[np.float64]]:
        return np.array(
            [sum(w * case.statistics.get(name, 0.0) for name, w in parts.items()) for case in cases]
        )

    return {
        name: ratio(
            sums(metric.numerator),
            sums(metric.denominator),
            undefined=metric.undefined,
            seed=SEED,
            replicates=REPLICATES,
            unit=metric.unit,
        )
        for name, metric in metrics.items()
    }


def _files(place: Path) -> dict[str, Path]:
    """Files by stem, in order of name; hidden ones are left out."""
    found = [place] if place.is_file() else sorted(place.iterdir()) if place.is_dir() else []
    files = [path for path in found if path.is_file() and not path.name.startswith(".")]
    if not files:
        raise NothingReadable(
            found="no file" if place.exists() else "no such file or folder",
            wanted="a file, or a folder of files",
            remedy="Correct the path.",
            where=str(place),
        )
    by_stem: dict[str, Path] = {}
    for path in files:
        if path.stem in by_stem:
            raise WrongUse(
                found=f"'{by_stem[path.stem].name}' and '{path.name}'",
                wanted="one file a case",
                remedy="Keep labels, predictions and signals in folders of their own.",
                where=str(place),
            )
        by_stem[path.stem] = path
    return by_stem


def _files_by_case(folder: Path, labels: Mapping[str, Path]) -> dict[str, dict[str, bytes]]:
    """Signals and images that belong to each case: files whose stem, or folder, is the case's name."""
    found: dict[str, dict[str, bytes]] = {case: {} for case in labels}
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder)
        case = relative.parts[0] if len(relative.parts) > 1 else path.name.split(".")[0]
        if path.is_file() and case in found:
            found[case][relative.as_posix()] = path.read_bytes()
    return found


def _require_known(labels: Mapping[str, Path], made: Mapping[str, Path], where: Path) -> None:
    unknown = sorted(set(made) - set(labels))
    if unknown:
        raise WrongUse(
            found=f"a prediction for '{unknown[0]}'"
            + (f" and {len(unknown) - 1} more" if len(unknown) > 1 else ""),
            wanted="predictions of cases that have a reference",
            remedy="Remove it, or add its reference; files are paired by the name before the last dot.",
            where=str(where),
        )
