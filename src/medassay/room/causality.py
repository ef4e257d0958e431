"""The causality audit: the device answers truncated copies apart, and must say up to the cut what it said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from medassay.core.canonical import digest_bytes
from medassay.core.errors import WrongUse
from medassay.core.specs import Spec
from medassay.datasets.manifest import Manifest
from medassay.datasets.sample import is_label
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
    files: dict[str, dict[str, bytes]] = {}
    roles: dict[str, str] = {}
    for sample, rows in manifest.samples("test").items():
        if answers[sample].prediction is None:
            continue
        for number, copy in enumerate(scorer.audit_copies(public_files(rows, get), options)):
            alias = _alias(manifest.digest, sample, number)
            copies[alias] = (sample, copy)
            files[alias] = {_renamed(name, sample, alias): part for name, part in copy.files.items()}
            roles |= {_renamed(row.name, sample, alias): row.role for row in rows if not is_label(row.role)}
    if not copies:
        return Causality(copies=0, differing=())
    stage_copies(files, roles, workdir / "copies")
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
        for alias, (sample, copy) in copies.items()
        if _differs(scorer, options, answers[sample], again[alias], copy.cut)
    }
    return Causality(copies=len(copies), differing=tuple(sorted(differing)))


def _differs(scorer: CausalScorer, options: Spec, whole: Answer, copy: Answer, cut: float) -> bool:
    if whole.prediction is None or copy.prediction is None:
        return True
    try:
        return scorer.looked_ahead(whole.prediction, copy.prediction, cut, options) > 0
    except WrongUse:
        return True


def _alias(version: str, sample: str, number: int) -> str:
    """An id of the same form and length as the sample's own."""
    return sample[0] + digest_bytes(f"{version}|{sample}|{number}".encode())[: max(len(sample) - 1, 12)]


def _renamed(name: str, sample: str, alias: str) -> str:
    return name.replace(sample, alias) if sample in name else f"{alias}/{name}"
