"""The causality audit: the device answers truncated copies apart, and must say up to the cut what it said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from medassay.core.specs import Spec
from medassay.datasets.manifest import Manifest
from medassay.evaluation.causality import CausalScorer, TruncatedCopy
from medassay.registry.device import DeviceSpec
from medassay.room.prediction import Answer, predict
from medassay.room.record import Causality
from medassay.room.staging import Get, public_files, stage_copies


def audit(
    scorer: CausalScorer,
    options: Spec,
    manifest: Manifest,
    device: DeviceSpec,
    answers: Mapping[str, Answer],
    *,
    get: Get,
    workdir: Path,
    absent: Sequence[Path],
) -> Causality:
    """Run the device on truncated copies of all test samples that it answered.

    The copies lie in a run of their own under ids of their own: beside the whole recordings a device could
    recognise them. A copy that comes back without an answer differs.
    """
    copies: dict[str, tuple[str, TruncatedCopy]] = {}
    roles: dict[str, str] = {}
    for sample, rows in manifest.samples("test").items():
        if answers[sample].prediction is None:
            continue
        for copy in scorer.audit_copies(sample, public_files(rows, get), options):
            copies[copy.copy_id] = (sample, copy)
            roles |= {row.name.replace(sample, copy.copy_id): row.role for row in rows}
    if not copies:
        return Causality(copies=0, differing=())
    stage_copies({name: copy.files for name, (_, copy) in copies.items()}, roles, workdir / "copies")
    _, again = predict(
        workdir / "device",
        device,
        sorted(copies),
        scorer.SUFFIX,
        input_folder=workdir / "copies",
        output_folder=workdir / "copies-output",
        absent=absent,
    )
    differing = {
        sample
        for name, (sample, copy) in copies.items()
        if _differs(scorer, answers[sample], again[name], copy)
    }
    return Causality(copies=len(copies), differing=tuple(sorted(differing)))


def _differs(scorer: CausalScorer, whole: Answer, copied: Answer, copy: TruncatedCopy) -> bool:
    return whole.prediction is None or bool(scorer.audit(whole.prediction, copied.prediction, copy))
