"""Robustness and repeatability: disturbed copies of some test samples, and the same samples a second time.

Copies lie in a run of their own, under ids of their own, where the samples that they were made from are not to be
seen. They are made before any label opens; what became of them is scored afterwards, against the samples'
references.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import numpy as np

from medassay.core.canonical import digest_bytes
from medassay.core.errors import WrongUse
from medassay.core.rooms import module_of
from medassay.core.specs import Spec
from medassay.datasets.manifest import Manifest, Row
from medassay.datasets.sample import is_label
from medassay.evaluation.protocol import Condition, Stress
from medassay.evaluation.scorer import Scorer
from medassay.registry.device import DeviceSpec
from medassay.room.prediction import Answer, predict
from medassay.room.record import Repeat, StressRow
from medassay.room.staging import Get, public_files, stage_copies


@dataclass(frozen=True)
class StressCopy:
    """One disturbed copy, made again when it is scored: a suite of them would not fit in memory."""

    copy_id: str
    sample: str
    subject: str
    condition: Condition
    strength: float


@dataclass(frozen=True)
class Stressed:
    """What the device answered; `copies` and `answers` go by the copy's id."""

    repeat: Repeat | None
    copies: tuple[StressCopy, ...]
    answers: Mapping[str, Answer]


def stress(
    asked: Stress,
    scorer: Scorer,
    options: Spec,
    manifest: Manifest,
    device: DeviceSpec,
    answers: Mapping[str, Answer],
    *,
    get: Get,
    workdir: Path,
    absent: Sequence[Path],
) -> Stressed:
    """Answer the protocol's disturbed copies, and its samples again.

    Raises
    ------
    WrongUse
        When the kind of data has no suite, or no such perturbation.
    """
    samples = manifest.samples("test")
    chosen = drawn(asked, samples)
    suite = suite_of(manifest.kind, asked) if asked.conditions else None
    copies = tuple(_copies(asked, chosen, samples))
    found: dict[str, Answer] = {}
    if suite is not None:
        files = {copy.copy_id: copy_files(suite, asked, copy, samples[copy.sample], get) for copy in copies}
        roles = {
            row.name.replace(copy.sample, copy.copy_id): row.role
            for copy in copies
            for row in samples[copy.sample]
        }
        stage_copies(files, roles, workdir / "stress")
        del files
        found = _again(
            device, sorted(copy.copy_id for copy in copies), scorer.SUFFIX, workdir, "stress", absent
        )
    repeat = None
    if asked.repeat:
        plain = {sample: public_files(samples[sample], get) for sample in chosen}
        roles = {row.name: row.role for sample in chosen for row in samples[sample] if not is_label(row.role)}
        stage_copies(plain, roles, workdir / "repeat")
        again = _again(device, sorted(chosen), scorer.SUFFIX, workdir, "repeat", absent)
        repeat = repeated(
            {name: (answers[name], again[name]) for name in sorted(chosen)}, plain, scorer, options
        )
    return Stressed(repeat, copies, found)


def repeated(
    pairs: Mapping[str, tuple[Answer, Answer]],
    files: Mapping[str, Mapping[str, bytes]],
    scorer: Scorer,
    options: Spec,
) -> Repeat:
    """Two answers to each sample: the same in what the scorer reads from them, and the same in bytes.

    A date or an id that a device writes anew makes another file and no other answer, so the two are told apart.

    Parameters
    ----------
    pairs : sample to its first and its second answer.
    files : sample to its public files by name.
    """
    other = [
        name
        for name, (first, second) in pairs.items()
        if (first.status, first.prediction) != (second.status, second.prediction)
    ]
    differing = [
        name
        for name in other
        if not _same_answer(*(_read(answer, files[name], scorer, options) for answer in pairs[name]))
    ]
    return Repeat(
        samples=len(pairs),
        differing=tuple(differing),
        other_bytes=tuple(name for name in other if name not in differing),
    )


def _same_answer(first: bytes | None, second: bytes | None) -> bool:
    """What was not answered, or cannot be read, is not the same as anything."""
    return first is not None and first == second


def _read(answer: Answer, files: Mapping[str, bytes], scorer: Scorer, options: Spec) -> bytes | None:
    if answer.prediction is None:
        return None
    try:
        return scorer.decoded(answer.prediction, files, options)
    except WrongUse:
        return None


def drawn(asked: Stress, samples: Mapping[str, Sequence[Row]]) -> tuple[str, ...]:
    """The samples that are disturbed: by seed, and one of each subject before a second of any."""
    order = sorted(samples, key=lambda sample: digest_bytes(f"{asked.seed}|{sample}".encode()))
    turn: dict[str, int] = {}
    ranked: list[tuple[int, int, str]] = []
    for sample in order:
        subject = samples[sample][0].subject
        turn[subject] = turn.get(subject, 0) + 1
        ranked.append((turn[subject], len(ranked), sample))
    return tuple(sample for _, _, sample in sorted(ranked)[: asked.samples])


def suite_of(kind: str, asked: Stress) -> ModuleType:
    """The suite of a kind of data, when it has all that is asked for."""
    suite = module_of("medassay.evaluation.stressing", kind, what="stress suite of the kind")
    unknown = sorted({one.perturbation for one in asked.conditions} - set(suite.SUITE))
    if unknown:
        raise WrongUse(
            found=f"perturbation {', '.join(unknown)}",
            wanted=f"one of {', '.join(sorted(suite.SUITE))}",
            remedy="Correct the stress conditions in the protocol.",
        )
    return suite


def copy_files(
    suite: ModuleType, asked: Stress, copy: StressCopy, rows: Sequence[Row], get: Get
) -> dict[str, bytes]:
    """The copy's files; the same ones every time."""
    seed = int(digest_bytes(f"{asked.seed}|{copy.copy_id}".encode())[:16], 16)
    made: dict[str, bytes] = suite.disturbed(
        copy.sample,
        copy.copy_id,
        public_files(rows, get),
        suite.SUITE[copy.condition.perturbation],
        copy.strength,
        np.random.default_rng(seed),
    )
    return made


def rows_of(stressed: Stressed, score: Callable[[StressCopy, Answer], StressRow]) -> tuple[StressRow, ...]:
    """Every copy scored, in the order of conditions, strengths and samples."""
    return tuple(score(copy, stressed.answers[copy.copy_id]) for copy in stressed.copies)


def _copies(asked: Stress, chosen: Sequence[str], samples: Mapping[str, Sequence[Row]]) -> list[StressCopy]:
    return [
        StressCopy(
            f"R-{digest_bytes(f'{asked.seed}|{sample}|{condition.id}|{strength!r}'.encode())[:16]}",
            sample,
            samples[sample][0].subject,
            condition,
            strength,
        )
        for condition in asked.conditions
        for strength in condition.strengths
        for sample in sorted(chosen)
    ]


def _again(
    device: DeviceSpec, given: Sequence[str], suffix: str, workdir: Path, name: str, absent: Sequence[Path]
) -> dict[str, Answer]:
    _, answers = predict(
        workdir / "device",
        device,
        given,
        suffix,
        input_folder=workdir / name,
        output_folder=workdir / f"{name}-output",
        absent=absent,
    )
    return answers
