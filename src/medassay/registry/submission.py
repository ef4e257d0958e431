"""A submission: device folder and trained model in one package under one digest, and safe to open."""

from __future__ import annotations

import io
import json
import os
import stat
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Literal

from pydantic import Field, ValidationError

from medassay.core.canonical import canonical_json, digest_bytes
from medassay.core.errors import EvidenceBroken, WrongUse
from medassay.core.specs import Spec

RECORD = "submission.json"
MODEL = "model"
FIXED_TIME = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip can hold: a rerun gives the same bytes
MOST_FILES = 10_000
LARGEST_BYTES = 4 * 1024**3


class SubmissionRecord(Spec):
    """What the package says of itself. No time, host or path of the machine that made it."""

    schema_id: Literal["medassay.submission/1"] = "medassay.submission/1"
    device: str
    device_version: str
    trained_on: str = Field(description="digest of the manifest whose train and tune splits were used")
    parameters: dict[str, int | float | str | bool]
    files: dict[str, str] = Field(description="path below the device's folder to SHA-256")


@dataclass(frozen=True)
class Submission:
    """A package whose every byte was checked."""

    digest: str
    record: SubmissionRecord
    files: Mapping[str, bytes] = field(repr=False)

    def unpack(self, folder: Path) -> None:
        """Write the device's folder; `folder` must be new or empty."""
        write_files(self.files, folder)


def device_files(folder: Path) -> dict[str, bytes]:
    """The device's own files: what `model/`, caches and hidden files are not.

    Raises
    ------
    WrongUse
        When something in the folder is no plain file (a link may lead anywhere), or it is too large.
    """
    return {
        name: content for name, content in read_tree(folder).items() if not _is_left_out(PurePosixPath(name))
    }


def read_tree(folder: Path) -> dict[str, bytes]:
    """All plain files below a folder, by posix path, sorted; links and special files are refused."""
    files: dict[str, bytes] = {}
    total = 0
    for path in _walk(folder):
        name = path.relative_to(folder).as_posix()
        content = read_plain(path, LARGEST_BYTES - total)
        total += len(content)
        files[name] = content
        if len(files) > MOST_FILES:
            raise _refused(f"more than {MOST_FILES} files", f"at most {MOST_FILES}", folder.name)
    return dict(sorted(files.items()))


def read_plain(path: Path, limit: int) -> bytes:
    """The bytes of a plain file of at most `limit` bytes, never of what a link points to.

    Raises
    ------
    WrongUse
        When the file is a link, a pipe or a device, or is too large: whoever wrote it chose the name.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise _refused("a file that cannot be opened as it is", "a plain file", path.name) from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise _refused("something that is no plain file", "a plain file", path.name)
    with os.fdopen(descriptor, "rb") as stream:
        content = stream.read(limit + 1)
    if len(content) > limit:
        raise _refused("a file that is too large", f"at most {limit} bytes in all", path.name)
    return content


def write_files(files: Mapping[str, bytes], folder: Path) -> None:
    """Write files below a folder; every name was checked to stay below it."""
    for name, content in files.items():
        path = folder / _below(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def package(
    files: Mapping[str, bytes],
    *,
    device: str,
    device_version: str,
    trained_on: str,
    parameters: Mapping[str, int | float | str | bool],
) -> bytes:
    """One zip of the device's files and its model; the same files give the same bytes.

    Nothing is compressed: what a compressor writes differs between its versions, and a package that cannot
    swell is safe to open.
    """
    record = SubmissionRecord(
        device=device,
        device_version=device_version,
        trained_on=trained_on,
        parameters=dict(parameters),
        files={name: digest_bytes(content) for name, content in files.items()},
    )
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED) as archive:
        _add(archive, RECORD, canonical_json(record.model_dump(mode="json")))
        for name in sorted(files):
            _below(name)
            _add(archive, name, files[name])
    return sink.getvalue()


def open_submission(content: bytes) -> Submission:
    """Check a package whole before anything of it is used.

    Raises
    ------
    EvidenceBroken
        When it is no such package, holds a path that leaves its folder, a file twice, one that its record
        does not name, or bytes that do not have their digest.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            _require_harmless(archive.infolist())
            found = {info.filename: archive.read(info) for info in archive.infolist()}
        record = SubmissionRecord.model_validate(json.loads(found.pop(RECORD)))
    except (zipfile.BadZipFile, KeyError, ValueError, ValidationError, NotImplementedError) as error:
        raise _broken("no readable package") from error
    if {name: digest_bytes(part) for name, part in found.items()} != record.files:
        raise _broken("files that differ from those of its record")
    return Submission(digest_bytes(content), record, found)


def _require_harmless(entries: list[zipfile.ZipInfo]) -> None:
    names = [entry.filename for entry in entries]
    if len(set(names)) != len(names) or len(names) > MOST_FILES + 1:
        raise _broken("a file twice, or too many files")
    if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries):
        raise _broken("a compressed file")
    if sum(entry.file_size for entry in entries) > LARGEST_BYTES:
        raise _broken("more bytes than a package may hold")
    for name in names:
        _below(name)


def _walk(folder: Path) -> Iterator[Path]:
    for root, folders, names in os.walk(folder, followlinks=False):
        for name in folders:
            if Path(root, name).is_symlink():
                raise _refused("a link to a folder", "a plain folder", name)
        folders[:] = sorted(name for name in folders if name != "__pycache__")
        yield from (Path(root, name) for name in sorted(names))


def _is_left_out(path: PurePosixPath) -> bool:
    return path.parts[0] == MODEL or any(part.startswith(".") for part in path.parts) or path.suffix == ".pyc"


def _below(name: str) -> PurePosixPath:
    path = PurePosixPath(name)
    plain = name == path.as_posix() and "\\" not in name and "\0" not in name
    if not plain or path.is_absolute() or ".." in path.parts or not path.parts:
        raise _broken("a path that leaves its folder")
    return path


def _add(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    entry = zipfile.ZipInfo(name, FIXED_TIME)
    entry.external_attr = 0o100644 << 16
    entry.create_system = 3  # Unix, whatever wrote it
    archive.writestr(entry, content)


def _refused(found: str, wanted: str, where: str) -> WrongUse:
    return WrongUse(
        found=found,
        wanted=wanted,
        remedy="Put plain files of a moderate size into the device's folder.",
        where=where,
    )


def _broken(found: str) -> EvidenceBroken:
    return EvidenceBroken(
        found=found,
        wanted="a package as `medassay train` or `medassay submit` writes it",
        remedy="Restore the submission from a copy, or submit the device again.",
        where="submission",
    )
