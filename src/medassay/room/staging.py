"""What is laid before a device: `samples.jsonl` and de-identified files, with labels for training alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from pydantic import ValidationError

from medassay.annotation.reference import READ
from medassay.core.canonical import digest_bytes
from medassay.core.errors import EvidenceBroken
from medassay.datasets.manifest import REFERENCE, Manifest, Row
from medassay.datasets.sample import is_label
from medassay.datasets.split import Part
from medassay.registry.device import SampleRow
from medassay.trust.sealing import unseal

Get = Callable[[str], bytes]
SAMPLES = "samples.jsonl"


def public_files(rows: Iterable[Row], get: Get) -> dict[str, bytes]:
    """The bytes of a sample by name, without anything that is a label."""
    return {row.name: get(row.digest) for row in rows if not is_label(row.role)}


def open_reference(rows: Iterable[Row], get: Get, key: bytes) -> bytes:
    """The sample's one reference in the clear.

    Raises
    ------
    EvidenceBroken
        When the sample has none or several, or it does not open.
    """
    row = _one_reference(list(rows))
    return unseal(get(row.digest), key=key, sample=row.sample, role=REFERENCE)


def open_read(digest: str, sample: str, reader: str, get: Get, key: bytes) -> bytes:
    """One reader's read of a sample in the clear.

    Raises
    ------
    EvidenceBroken
        When it does not open.
    """
    return unseal(get(digest), key=key, sample=sample, role=f"{READ}{reader}")


def stage_training(
    manifest: Manifest, folder: Path, *, get: Get, released_keys: Mapping[str, bytes]
) -> list[SampleRow]:
    """Lay out train and tune samples with their references; other labels are never laid out.

    Raises
    ------
    EvidenceBroken
        When the key of a sample was not released: it must not be trained on.
    """
    staged = []
    for sample, rows in manifest.samples("train", "tune").items():
        if sample not in released_keys:
            raise EvidenceBroken(
                found="a sample without a released key",
                wanted="the keys of all train and tune samples, as freeze releases them",
                remedy="Run `medassay freeze` again.",
                where=f"sample {sample}",
            )
        reference = _one_reference(rows)
        files = {row.name: get(row.digest) for row in rows if not is_label(row.role)}
        files[reference.name] = open_reference(rows, get, released_keys[sample])
        kept = [*(row for row in rows if not is_label(row.role)), reference]
        staged.append(_stage(sample, rows[0].split, [(row.role, row.name) for row in kept], files, folder))
    return _finish(staged, folder)


def stage_test(manifest: Manifest, folder: Path, *, get: Get) -> list[SampleRow]:
    """Lay out the test samples without any label, in an order that tells nothing of site or time."""
    samples = manifest.samples("test")
    order = sorted(samples, key=lambda sample: digest_bytes(f"{manifest.digest}|{sample}".encode()))
    staged = [
        _stage(
            sample,
            "test",
            [(row.role, row.name) for row in samples[sample] if not is_label(row.role)],
            public_files(samples[sample], get),
            folder,
        )
        for sample in order
    ]
    return _finish(staged, folder)


def stage_copies(
    copies: Mapping[str, Mapping[str, bytes]], roles: Mapping[str, str], folder: Path
) -> list[SampleRow]:
    """Lay out altered copies of test samples, each under an id of its own, in the order of the ids.

    Parameters
    ----------
    copies : mapping
        Id of the copy to its files by name.
    roles : mapping
        Name of a copy's file to its role.
    """
    staged = [
        _stage(copy, "test", [(roles[name], name) for name in sorted(files)], files, folder)
        for copy, files in sorted(copies.items())
    ]
    return _finish(staged, folder)


def _stage(
    sample: str,
    split: Part,
    names: Sequence[tuple[str, str]],
    files: Mapping[str, bytes],
    folder: Path,
) -> SampleRow:
    by_role: dict[str, tuple[str, ...]] = {}
    for role, name in names:
        by_role[role] = (*by_role.get(role, ()), name)
    try:
        row = SampleRow(sample_id=sample, split=split, files=by_role)
    except ValidationError as error:
        raise _unfit("a file name that leaves the input folder", sample) from error
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() or name == SAMPLES:
            raise _unfit("two files of one name", sample)
        path.write_bytes(content)
    return row


def _finish(staged: list[SampleRow], folder: Path) -> list[SampleRow]:
    folder.mkdir(parents=True, exist_ok=True)
    lines = "".join(row.model_dump_json() + "\n" for row in staged)
    (folder / SAMPLES).write_text(lines, "utf-8")
    return staged


def _one_reference(rows: Sequence[Row]) -> Row:
    references = [row for row in rows if row.role == REFERENCE]
    if len(references) != 1:
        raise _unfit(f"{len(references)} references", rows[0].sample if rows else "none")
    return references[0]


def _unfit(found: str, sample: str) -> EvidenceBroken:
    return EvidenceBroken(
        found=found,
        wanted="a manifest as `medassay freeze` writes it",
        remedy="Run `medassay freeze` again.",
        where=f"sample {sample}",
    )
