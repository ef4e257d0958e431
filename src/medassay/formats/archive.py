"""Archives as hospitals send them: zip, tar, gzip and Zstandard, opened member by member under limits.

Names in a zip without the UTF-8 flag are read as UTF-8 or GB18030, which Chinese Windows writes, before the code
page 437 that the format means. Bombs, paths that lead out, links and devices are refused, each for itself: one bad
member costs no other. Members are written to a folder of the caller's, under their own names where these fit.
"""

from __future__ import annotations

import bz2
import gzip
import hashlib
import lzma
import os
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO, Any, Literal

from medassay.core.findings import Finding, Reason, Severity
from medassay.formats.examined import Examined, Fact

Form = Literal["zip", "tar", "gzip", "zst"]

ZIP = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")  # the last: was to be split over disks, and was not
GZIP, ZST, BZIP2, XZ = b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"BZh", b"\xfd7zXZ\x00"
TAR_MARK = slice(257, 262)
# Containers that are documents of their own, told by a member that they always have.
DOCUMENTS = ("[Content_Types].xml", "mimetype", "META-INF/MANIFEST.MF", "rdml_data.xml")
SIDES = ("__MACOSX/", ".DS_Store")

MOST_MEMBERS = 1_000_000
MOST_BYTES = 1 << 40
MOST_RATIO = 1000  # zlib reaches 1,032 on zeros alone; pixel and sample data stay below 100
SMALL = 64 << 20  # below it no ratio is held against a member: constant images compress without limit
DEEPEST = 4  # archives within archives
LONGEST_NAME = 255  # bytes of one name on the usual file systems
BLOCK = 1 << 20


@dataclass(frozen=True)
class Limits:
    """What may come out of one archive, with those inside it."""

    members: int = MOST_MEMBERS
    bytes: int = MOST_BYTES
    ratio: int = MOST_RATIO
    small: int = SMALL


@dataclass(frozen=True)
class Member:
    """One file of an archive: its name there, and where it was written; None: refused, for the finding's reason."""

    name: str
    path: Path | None
    size: int
    finding: Finding | None = None


class _Bomb(Exception):
    """More comes out than the limits allow."""


@dataclass
class _Budget:
    limits: Limits
    members: int = 0
    bytes: int = 0
    taken: set[str] = field(default_factory=set)


def form_of(source: Path | bytes) -> Form | None:
    """The archive's form by its content; None: it is none, or a document in a container (a workbook).

    Examples
    --------
    >>> form_of(b"PK\\x05\\x06" + bytes(18)), form_of(b"a,b\\n")
    ('zip', None)
    """
    head = source[:512] if isinstance(source, bytes) else _head(source)
    if head.startswith(ZIP):
        return None if isinstance(source, Path) and _is_document(source) else "zip"
    if head[TAR_MARK] == b"ustar" or (len(head) == 512 and _is_old_tar(head)):
        return "tar"
    if head.startswith((GZIP, BZIP2, XZ)):
        return "gzip"
    return "zst" if head.startswith(ZST) else None


def examine(path: Path, form: Form) -> Examined:
    """What an archive holds, by its directory where it has one; nothing is written."""
    facts: dict[str, Fact] = {}
    findings: list[Finding] = []
    if form == "zip":
        try:
            with zipfile.ZipFile(path) as container:
                infos = [info for info in container.infolist() if not info.filename.endswith("/")]
                facts = {"members": len(infos), "bytes_inside": sum(info.file_size for info in infos)}
                encrypted = sum(info.flag_bits & 1 for info in infos)
                if encrypted:
                    findings.append(_said(Reason.UNSUPPORTED_FORM, f"{encrypted} members under a password"))
        except _DAMAGE:
            findings.append(_said(Reason.TRUNCATED, "a zip whose directory cannot be read"))
    return Examined(f"{form} archive", facts, tuple(findings))


def unpack(path: Path, folder: Path, limits: Limits | None = None) -> Iterator[Member]:
    """Every member of an archive, and of archives within it, written below `folder`.

    Members come in the order of the archive. Whatever cannot be taken comes as a member without a path.
    """
    yield from _unpacked(path, folder, "", _Budget(limits or Limits()), 1)


def _unpacked(path: Path, folder: Path, prefix: str, budget: _Budget, depth: int) -> Iterator[Member]:
    form = form_of(path)
    if form is None or depth > DEEPEST:
        found = f"archives within archives, more than {DEEPEST} deep" if form else "no archive"
        yield Member(
            prefix or ".", None, 0, _said(Reason.LIMIT_EXCEEDED if form else Reason.UNKNOWN_FORMAT, found)
        )
        return
    walk: Callable[[Path], Iterator[_Entry]] = {"zip": _zip, "tar": _tar, "gzip": _stream, "zst": _stream}[
        form
    ]
    packed = max(path.stat().st_size, 1)
    came_out = 0
    try:
        for entry in walk(path):
            budget.members += 1
            if budget.members > budget.limits.members:
                yield Member(
                    prefix + ".", None, 0, _said(Reason.LIMIT_EXCEEDED, "more members than are allowed")
                )
                return
            member, written = _taken(entry, folder, prefix, budget, packed, came_out)
            came_out += written
            inner = member.path is not None and is_archive(member.path)
            if inner and member.path is not None:
                yield from _unpacked(member.path, folder, member.name + "/", budget, depth + 1)
                member.path.unlink(missing_ok=True)
            else:
                yield member
    except _Bomb:
        yield Member(
            prefix + ".", None, 0, _said(Reason.LIMIT_EXCEEDED, "more bytes than are allowed come out")
        )
    except _DAMAGE as error:
        found = f"an archive that cannot be read to its end ({type(error).__name__})"
        yield Member(prefix + ".", None, 0, _said(Reason.TRUNCATED, found))


@dataclass(frozen=True)
class _Entry:
    name: str
    open: Callable[[], AbstractContextManager[IO[bytes]]] | None  # None: refused
    finding: Finding | None = None
    packed: int | None = None  # bytes that this one takes in the archive


def _taken(
    entry: _Entry, folder: Path, prefix: str, budget: _Budget, packed: int, came_out: int
) -> tuple[Member, int]:
    name = prefix + entry.name
    if entry.open is None:
        return Member(name, None, 0, entry.finding), 0
    parts = PurePosixPath(entry.name.replace("\\", "/")).parts
    if (
        not parts
        or entry.name.startswith(("/", "\\"))
        or ".." in parts
        or ":" in parts[0]
        or "\x00" in entry.name
    ):
        return Member(name, None, 0, _said(Reason.HEADER_INVALID, "a path that leads out of the archive")), 0
    target = _place(folder, name, budget)
    written = 0
    allowed = max(budget.limits.small, budget.limits.ratio * (entry.packed or packed))
    all_allowed = max(budget.limits.small, budget.limits.ratio * packed)
    try:
        with entry.open() as source, target.open("wb") as out:
            while block := source.read(BLOCK):
                written += len(block)
                budget.bytes += len(block)
                if (
                    budget.bytes > budget.limits.bytes
                    or came_out + written > all_allowed
                    or written > allowed
                ):
                    raise _Bomb
                out.write(block)
    except _Bomb:
        target.unlink(missing_ok=True)
        if budget.bytes > budget.limits.bytes:
            raise
        out_of = (written, entry.packed or packed) if written > allowed else (came_out + written, packed)
        found = "more than {} bytes from {}".format(*out_of)
        return Member(name, None, 0, _said(Reason.LIMIT_EXCEEDED, found)), 0  # nothing of it stays
    except _DAMAGE as error:
        target.unlink(missing_ok=True)
        found = f"a member that cannot be read to its end ({type(error).__name__})"
        return Member(name, None, 0, _said(Reason.TRUNCATED, found)), written
    return Member(name, target, written), written


_DAMAGE = (
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    OSError,
    ValueError,
    NotImplementedError,
    RuntimeError,
    LookupError,
    struct.error,
)


def _place(folder: Path, name: str, budget: _Budget) -> Path:
    """Where a member is written: its own name where the file system takes it and it is free, else a number."""
    parts = [part for part in name.replace("\\", "/").split("/") if part not in ("", ".")]
    fits = all(0 < len(os.fsencode(part)) <= LONGEST_NAME for part in parts) and len(os.fsencode(name)) < 2000
    key = "/".join(parts).casefold()
    if fits and key not in budget.taken:
        budget.taken.add(key)
        target = folder.joinpath(*parts)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            if not target.exists():
                return target
        except OSError:  # a file stands where a folder is wanted
            pass
    number = hashlib.sha256(f"{budget.members}\x00{name}".encode("utf-8", "surrogateescape")).hexdigest()[:24]
    suffix = PurePosixPath(parts[-1]).suffix if parts else ""
    target = folder / ".renamed" / (number + (suffix if 0 < len(os.fsencode(suffix)) < 20 else ""))
    target.parent.mkdir(parents=True, exist_ok=True)
    return target


def _zip(path: Path) -> Iterator[_Entry]:
    with zipfile.ZipFile(path) as container:
        infos = [info for info in container.infolist() if not info.filename.endswith("/")]
        for info in infos:
            name = _zip_name(info)
            if name.startswith(SIDES[0]) or name.endswith(SIDES[1]):
                continue
            if info.flag_bits & 1:
                yield _Entry(name, None, _said(Reason.UNSUPPORTED_FORM, "a member under a password"))
            elif stat.S_ISLNK(info.external_attr >> 16):
                yield _Entry(name, None, _said(Reason.UNSUPPORTED_FORM, "a symbolic link"))
            else:
                yield _Entry(name, _zip_opener(container, info), packed=max(info.compress_size, 1))


def _zip_opener(
    container: zipfile.ZipFile, info: zipfile.ZipInfo
) -> Callable[[], AbstractContextManager[IO[bytes]]]:
    return lambda: container.open(info)


def _zip_name(info: zipfile.ZipInfo) -> str:
    """The member's name; bytes that are not flagged as UTF-8 were decoded as code page 437, and are taken back."""
    if info.flag_bits & 0x800:
        return info.filename
    try:
        raw = info.orig_filename.split("\x00")[0].encode("cp437")
    except UnicodeEncodeError:
        return info.filename
    for encoding in ("utf-8", "gb18030"):
        try:
            return raw.decode(encoding).replace("\\", "/")
        except UnicodeDecodeError:
            continue
    return info.filename


def _tar(path: Path) -> Iterator[_Entry]:
    with tarfile.open(path, "r:", errors="surrogateescape") as container:
        yield from _tar_entries(container)


def _tar_entries(container: tarfile.TarFile) -> Iterator[_Entry]:
    for info in container:
        name = _tar_name(info.name)
        if info.isdir():
            continue
        if not info.isfile():
            yield _Entry(name, None, _said(Reason.UNSUPPORTED_FORM, "a link or a device"))
        else:
            yield _Entry(name, _tar_opener(container, info))


def _tar_opener(container: tarfile.TarFile, info: tarfile.TarInfo) -> Callable[[], Any]:
    def opened() -> Any:
        stream = container.extractfile(info)
        if stream is None:
            raise tarfile.ReadError("no content")
        return stream

    return opened


def _tar_name(name: str) -> str:
    """Bytes that are no UTF-8 are read as GB18030 where they are."""
    raw = name.encode("utf-8", "surrogateescape")
    for encoding in ("utf-8", "gb18030"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return name


def _stream(path: Path) -> Iterator[_Entry]:
    """One compressed stream: a tar inside gives its members, anything else is the one member."""
    with _decompressed(path) as stream:
        head = stream.read(512)
    if head[TAR_MARK] == b"ustar" or (len(head) == 512 and _is_old_tar(head)):
        with (
            _decompressed(path) as stream,
            tarfile.open(fileobj=stream, mode="r|", errors="surrogateescape") as container,
        ):
            yield from _tar_entries(container)
        return
    name = path.name
    for suffix in (".gz", ".zst", ".zstd", ".bz2", ".xz"):
        if name.lower().endswith(suffix):
            name = name[: -len(suffix)]
    yield _Entry(name or "content", lambda: _decompressed(path))


@contextmanager
def _decompressed(path: Path) -> Iterator[Any]:
    head = _head(path)
    if head.startswith(ZST):
        import pyarrow as pa

        with pa.OSFile(str(path), "rb") as raw, pa.CompressedInputStream(raw, "zstd") as stream:
            yield stream
        return
    openers: dict[bytes, Callable[[Path], Any]] = {GZIP: gzip.open, BZIP2: bz2.open, XZ: lzma.open}
    opener = next(opener for mark, opener in openers.items() if head.startswith(mark))
    with opener(path) as stream:
        yield stream


def is_archive(path: Path) -> bool:
    """Whether a file is an archive to be opened; a compressed image of NIfTI is none, nor is a workbook."""
    form = form_of(path)
    if form == "gzip":
        from medassay.formats.imaging import nifti

        return not nifti.recognises(_head(path))
    return form is not None


def _is_document(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as container:
            names = set(container.namelist()[:200])
    except _DAMAGE:
        return False
    if names & set(DOCUMENTS):
        return True
    from medassay.formats.ivd import rdml

    return len(names) < 50 and rdml.member_of(path) is not None


def _is_old_tar(block: bytes) -> bool:
    """A header of tar from before its mark: the sum of its bytes, the sum's own field counted as blanks."""
    stated = block[148:156].strip(b"\x00 ")
    try:
        return bool(block[0]) and int(stated, 8) == sum(block[:148]) + 8 * 32 + sum(block[156:])
    except ValueError:
        return False


def _head(path: Path) -> bytes:
    with path.open("rb") as stream:
        return stream.read(512)


def _said(reason: Reason, found: str) -> Finding:
    return Finding(
        reason=reason,
        severity=Severity.REFUSE,
        found=found,
        wanted="files that can be taken out whole, within the limits, below the archive's own folder",
        remedy="Unpack it where it was made, look at it, and hand over the files themselves.",
    )
