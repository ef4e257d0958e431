"""Validation: predictions made in the sealed room, labels opened afterwards, every test sample scored."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TypedDict, cast

from medassay.core.canonical import digest_bytes, digest_of
from medassay.core.errors import EvidenceBroken, WrongUse
from medassay.core.estimate import Estimate
from medassay.core.rooms import module_of
from medassay.core.specs import Spec, load_spec, parameters_of
from medassay.datasets.manifest import Manifest, Row
from medassay.datasets.spec import Source, SourceClass
from medassay.evaluation.causality import is_causal
from medassay.evaluation.formulas import formulas_of
from medassay.evaluation.protocol import Protocol
from medassay.evaluation.scorer import Scorer
from medassay.evaluation.strata import Strata
from medassay.registry.device import DeviceSpec
from medassay.registry.submission import Submission, open_submission
from medassay.room.causality import audit
from medassay.room.prediction import Answer, predict
from medassay.room.readers import Reads
from medassay.room.record import (
    Causality,
    RunRecord,
    Sealing,
    Superseded,
)
from medassay.room.sandbox import Ended
from medassay.room.staging import Get, stage_test
from medassay.room.stress import Stressed, stress
from medassay.room.timing import Timing, timing_of
from medassay.room.training import excerpt
from medassay.room.unsealed import Unsealed, worst_excerpts

Book = Callable[[str, str], None]


@dataclass(frozen=True)
class Validation:
    """The run, and what stands beside it under its own digests."""

    record: RunRecord
    excerpts: Mapping[str, bytes] = field(repr=False)  # digest to the scorer's excerpt: holds labels
    predictions: Mapping[str, bytes] = field(repr=False)  # sample to what the device handed back
    timing: Timing  # differs from run to run: it stands in no record that a rerun must repeat
    log: str = field(repr=False)  # the end of what the device said: for its maker
    ended: Ended


class _Room(TypedDict):
    """Where a device is run beside the plain test run."""

    get: Get
    workdir: Path
    absent: Sequence[Path]


@dataclass(frozen=True)
class Answered:
    """What the device handed back before any label opened."""

    ended: Ended
    answers: Mapping[str, Answer]
    timing: Timing
    causality: Causality | None
    stressed: Stressed | None

    @property
    def predictions(self) -> dict[str, bytes]:
        """Sample to its prediction, where there is one."""
        return {
            sample: answer.prediction
            for sample, answer in self.answers.items()
            if answer.prediction is not None
        }

    @property
    def digests(self) -> dict[str, str]:
        return {sample: digest_bytes(content) for sample, content in self.predictions.items()}


def validate(
    submission: bytes,
    manifest: Manifest,
    protocol: Protocol,
    get: Get,
    label_key: bytes,
    *,
    dataset: str,
    source: Source,
    strata: Mapping[str, Strata],
    workdir: Path,
    book: Book,
    earlier_looks: int,
    absent: Sequence[Path] = (),
    worst: int = 6,
    reads: Reads = MappingProxyType({}),
) -> Validation:
    """Run a submission on the test split and score every sample of it.

    Parameters
    ----------
    strata : mapping
        Test sample to its site, device, sex and age band, as the catalogue states them.
    workdir : Path
        New or empty; holds de-identified test files, so the caller removes it afterwards.
    book : callable
        Called with an event and a digest: `protocol_locked` before the device runs, `predictions_received`
        when they are digested, `labels_unsealed` before the first label opens. It must not return before
        the entry stands.
    earlier_looks : int
        Validations against this test split before this one.
    absent : sequence of Path
        Store and keys: what the device must not see.
    worst : int
        How many of the worst cases get an excerpt.
    reads : mapping
        What each reader of the reference standard read of each sample, in the order of the readers; none where
        the reference came about in another way.

    Returns
    -------
    Validation
        A device that fails, hangs or hands back nonsense is a result: its samples are scored as missing.

    Raises
    ------
    WrongUse, EvidenceBroken
        When submission, protocol, manifest or dataset do not fit together, or a label does not open.
    """
    scorer, options = _scorer(protocol)
    opened = open_submission(submission)
    _require_strata(manifest.samples("test"), strata)
    device = _unpack(opened, workdir / "device", dataset)
    book("protocol_locked", protocol.digest)
    answered = _answered(protocol, scorer, options, manifest, device, get=get, workdir=workdir, absent=absent)
    book("predictions_received", digest_of(answered.digests))
    book("labels_unsealed", manifest.digest)
    unsealed = Unsealed(scorer, options, manifest, get, label_key)
    scored = unsealed.scored(answered.answers)
    excerpts = worst_excerpts(scored, worst)
    record = RunRecord(
        dataset=dataset,
        source=source.name,
        source_class=source.source_class.value,
        manifest=manifest.digest,
        device=opened.record.device,
        device_version=device.version,
        submission=opened.digest,
        protocol=protocol.digest,
        task=protocol.task,
        scorer_version=scorer.VERSION,
        options=options.model_dump(mode="json"),
        sealing=_sealing(answered.ended, source),
        predictions=answered.digests,
        **unsealed.rows(scored, strata, reads, excerpts),
        causality=answered.causality,
        repeat=answered.stressed.repeat if answered.stressed else None,
        stress=unsealed.stressed(protocol, answered.stressed),
        earlier_looks=earlier_looks,
    )
    contents = {digest_bytes(content): content for content in excerpts.values()}
    return Validation(
        record, contents, answered.predictions, answered.timing, excerpt(answered.ended), answered.ended
    )


def _scorer(protocol: Protocol) -> tuple[Scorer, Spec]:
    """The task's scorer, and its conventions as the protocol has them.

    Raises
    ------
    WrongUse
        When the protocol asks for what the scorer does not give, or leaves a convention unsaid: told before the
        device runs and a label opens.
    """
    scorer = cast(Scorer, module_of("medassay.evaluation.scoring", protocol.task, what="task"))
    _require_said(protocol, scorer)
    options = parameters_of(scorer.Options, protocol.options, where="protocol: options")
    formulas_of(protocol, scorer.metrics(options))
    return scorer, options


def _require_said(protocol: Protocol, scorer: Scorer) -> None:
    """No convention that changes a figure is taken unsaid; what is off unless asked for needs no word."""
    unsaid = [
        name
        for name, one in scorer.Options.model_fields.items()
        if not (
            one.default is None or one.default is False or one.default_factory or name in protocol.options
        )
    ]
    if unsaid:
        raise WrongUse(
            found=f"no word on {', '.join(unsaid)}",
            wanted=f"every convention of the task '{protocol.task}'",
            remedy="State each of them: figures differ by them, and the protocol is booked before labels open.",
            where="protocol: options",
        )


def _answered(
    protocol: Protocol,
    scorer: Scorer,
    options: Spec,
    manifest: Manifest,
    device: DeviceSpec,
    *,
    get: Get,
    workdir: Path,
    absent: Sequence[Path],
) -> Answered:
    """All that the device is asked, in this order: the test samples, truncated copies, disturbed copies, and
    the same samples again. No label is open yet."""
    staged = stage_test(manifest, workdir / "input", get=get)
    ended, answers = predict(
        workdir / "device",
        device,
        [row.sample_id for row in staged],
        scorer.SUFFIX,
        input_folder=workdir / "input",
        output_folder=workdir / "output",
        absent=absent,
    )
    timing = timing_of(workdir / "output", list(manifest.samples("test")), scorer.SUFFIX, ended.seconds)
    room: _Room = {"get": get, "workdir": workdir, "absent": absent}
    causality = audit(scorer, options, manifest, device, answers, **room) if is_causal(scorer) else None
    stressed = (
        stress(protocol.stress, scorer, options, manifest, device, answers, **room)
        if protocol.stress
        else None
    )
    return Answered(ended, answers, timing, causality, stressed)


def rescore(
    old: RunRecord,
    manifest: Manifest,
    protocol: Protocol,
    get: Get,
    label_key: bytes,
    figures: Mapping[str, Estimate],
    book: Book,
    reads: Reads = MappingProxyType({}),
) -> RunRecord:
    """The same predictions under the scorer of today: a new record that names the one it supersedes.

    Parameters
    ----------
    figures : endpoint to estimate, as the old record had them.
    book : callable
        As for `validate`: called before a label opens, and not at all where there is nothing to score again.
    reads : mapping
        As for `validate`.

    Raises
    ------
    WrongUse
        When scorer and conventions are those of the old record, or the test version is another.
    EvidenceBroken
        When a prediction is not the one that was scored before.
    """
    scorer, options = _scorer(protocol)
    conventions = options.model_dump(mode="json")
    if old.manifest != manifest.digest:
        raise _no_rescore("predictions on another dataset version", "those of this one")
    if (scorer.VERSION, conventions) == (old.scorer_version, old.options):
        raise _no_rescore(
            f"the same scorer, version {scorer.VERSION}", "another version or other conventions"
        )
    answers = {
        case.sample: Answer(case.status, case.reason, _as_received(old, case.sample, get))
        for case in old.cases
    }
    book("protocol_locked", protocol.digest)
    book("labels_unsealed", manifest.digest)
    unsealed = Unsealed(scorer, options, manifest, get, label_key)
    scored = unsealed.scored(answers)
    by_subject = {row.subject: row.strata for row in old.subjects}
    strata = {one.sample: by_subject[one.subject] for one in scored}
    return old.model_copy(
        update={
            "protocol": protocol.digest,
            "scorer_version": scorer.VERSION,
            "options": conventions,
            **unsealed.rows(scored, strata, reads, {}),
            "stress": (),  # what the device made of disturbed copies was not kept
            "supersedes": Superseded(
                run=digest_of(old.model_dump(mode="json")),
                scorer_version=old.scorer_version,
                options=old.options,
                figures=dict(figures),
            ),
        }
    )


def _as_received(old: RunRecord, sample: str, get: Get) -> bytes | None:
    """The prediction that was scored before, recomputed whoever keeps it."""
    digest = old.predictions.get(sample)
    if digest is None:
        return None
    content = get(digest)
    if digest_bytes(content) != digest:
        raise EvidenceBroken(
            found="a prediction that is not the one received",
            wanted=f"the bytes with SHA-256 {digest[:12]}…",
            remedy="Restore it from a copy, or validate again.",
            where=f"sample {sample}",
        )
    return content


def _no_rescore(found: str, wanted: str) -> WrongUse:
    return WrongUse(found=found, wanted=wanted, remedy="There is nothing to score again; validate instead.")


def _unpack(submission: Submission, folder: Path, dataset: str) -> DeviceSpec:
    submission.unpack(folder)
    device = load_spec(folder / "device.yaml", DeviceSpec)
    if device.dataset != dataset:
        raise WrongUse(
            found=f"a device for '{device.dataset}'",
            wanted=f"a device for '{dataset}'",
            remedy="Validate it on the database that it is declared for.",
        )
    return device


def _require_strata(samples: Mapping[str, Sequence[Row]], strata: Mapping[str, Strata]) -> None:
    lacking = sorted(set(samples) - set(strata))
    if not samples or lacking:
        raise WrongUse(
            found=f"{len(lacking)} test samples without strata" if samples else "no test sample",
            wanted="test samples, each with its row of the catalogue",
            remedy="Run `medassay freeze` again.",
        )


def _sealing(ended: Ended, source: Source) -> Sealing:
    """Closed only when nothing could get in or out and nobody could have seen the labels before."""
    public = source.source_class is SourceClass.PUBLIC
    return Sealing(
        sealed=ended.sealed and not public,
        means=ended.means,
        network="none" if ended.sealed else "not_prevented",
        labels="absent" if ended.sealed else "not_prevented",
        public_data=public,
    )
