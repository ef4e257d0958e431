"""`medassay compare NEW EARLIER`: two reports of one test version, paired by subject. Needs no workspace.

In the workspace that holds the new report's validation the comparison is kept and booked, so that the next
`medassay report` of that device shows it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from medassay.core.errors import WrongUse
from medassay.core.workspace import Workspace
from medassay.trust.evidence import Outcome
from medassay.verbs.stage import Place

if TYPE_CHECKING:
    from medassay.evaluation.comparison import Difference
    from medassay.reports.given import Compared
    from medassay.reports.record import ReportRecord


def run(new: Path, earlier: Path, *, workspace: Path | None = None) -> tuple[Difference, ...]:
    """Differences under the new report's protocol; the claim is judged only where that protocol names one.

    Parameters
    ----------
    workspace : Path, optional
        Folder of the workspace; default: the one around here, and without one nothing is kept.

    Raises
    ------
    WrongUse
        When a file is no report, both are of one run, or the two differ in test version, scorer or conventions:
        their figures would then differ by more than the device.
    """
    from medassay.reports.comparisons import compared_of, differences_of

    first, second = _read(new), _read(earlier)
    if first.digests["run"] == second.digests["run"]:
        raise WrongUse(
            found="two reports of one run",
            wanted="two devices or versions",
            remedy="Name the report of another validation on the same test version.",
            where=str(earlier),
        )
    _require_one_test(first, second, earlier)
    other = compared_of(second.number, second.digests["run"], second.given)
    differences = differences_of(first.given, other)
    place = _place_of(first, workspace)
    if place is not None:
        _keep(place, first, other)
    return differences


def _require_one_test(first: ReportRecord, second: ReportRecord, where: Path) -> None:
    for what, one, other in (
        ("dataset version", first.given.run.manifest, second.given.run.manifest),
        ("task", first.given.run.task, second.given.run.task),
        ("scorer version", first.given.run.scorer_version, second.given.run.scorer_version),
        ("scoring conventions", first.given.run.options, second.given.run.options),
    ):
        if one != other:
            raise WrongUse(
                found=f"{what} {str(other)[:64]}",
                wanted=f"{str(one)[:64]}, as in the other report",
                remedy="Validate both on one test version; `medassay validate --rescore` scores old predictions "
                "with the scorer of today.",
                where=str(where),
            )


def _place_of(record: ReportRecord, folder: Path | None) -> Place | None:
    """Where the report's validation was made, when that is the workspace at hand."""
    try:
        workspace = Workspace.find(folder)
    except WrongUse:
        if folder is None:
            return None
        raise
    run = record.given.run
    place = Place(workspace, run.dataset, run.source)
    if not workspace.pointer(run.dataset, run.source, place.stage_name("validate", run.device)).exists():
        return None
    validated = place.evidence("validate", run.device)
    made = {link.digest for link in validated.outputs if link.role == "run"}
    return place if record.digests["run"] in made else None


def _keep(place: Place, new: ReportRecord, other: Compared) -> None:
    """One more comparison of the same run; another with the same device takes the place of the one before."""
    device = new.given.run.device
    with place.writing():
        before = [one for one in kept(place, device, new.digests["run"]) if one.run != other.run]
        place.finish(
            "compare",
            inputs={"run": new.digests["run"]}
            | {f"compared:{one.run[:12]}": one.run for one in (*before, other)},
            records={"compared": [one.model_dump(mode="json") for one in (*before, other)]},
            outcome=Outcome.PASSED,
            counts={"comparisons": len(before) + 1, "subjects": len(other.statistics)},
            packages=("numpy", "scipy"),
            device=device,
        )


def kept(place: Place, device: str, run_digest: str) -> tuple[Compared, ...]:
    """The comparisons that were kept of one run; those of an earlier run of the device are not its."""
    from medassay.reports.given import Compared

    path = place.workspace.pointer(place.dataset, place.source_name, place.stage_name("compare", device))
    if not path.exists():
        return ()
    evidence = place.evidence("compare", device)
    if run_digest not in {link.digest for link in evidence.inputs if link.role == "run"}:
        return ()
    return tuple(Compared.model_validate(one) for one in place.record(evidence, "compared"))


def _read(path: Path) -> ReportRecord:
    from medassay.reports.record import ReportRecord

    try:
        return ReportRecord.model_validate(json.loads(path.read_bytes()))
    except (OSError, ValueError, ValidationError):
        raise WrongUse(
            found="a file that is no report",
            wanted="the JSON record that `medassay report` wrote",
            remedy="Name reports/DATASET/SOURCE/DEVICE.json.",
            where=str(path),
        ) from None
