"""Every file below a folder, in one order on every machine; what cannot be read is said, never skipped.

A walk is two steps. `listed` costs a stat a file and opens none. `opened` tries each file and takes archives apart;
a run that remembers the outcome of an equal listing has no need of it.
"""

from __future__ import annotations

import os
import stat
import struct
from collections.abc import Container, Iterator
from dataclasses import dataclass
from pathlib import Path

from medassay.core.errors import NothingReadable
from medassay.core.findings import Finding, Reason, Severity
from medassay.datasets.sample import OfferedFile, Unassigned
from medassay.formats import archive

_SEEN = struct.Struct("<qqQ")


@dataclass(frozen=True)
class Listing:
    """What a folder holds, by names and facts alone: `regular` files may turn out closed, or be archives."""

    regular: tuple[OfferedFile, ...]
    barred: tuple[Unassigned, ...]
    closed_folders: tuple[Finding, ...]


@dataclass(frozen=True)
class Walk:
    """What a folder holds. `readable` and `barred` together are every file that was offered.

    An archive that was opened is offered as its members, and stands in `archives` itself.
    """

    readable: tuple[OfferedFile, ...]
    barred: tuple[Unassigned, ...]
    closed_folders: tuple[Finding, ...]
    archives: tuple[OpenedArchive, ...] = ()


@dataclass(frozen=True)
class OpenedArchive:
    """An archive in place of which its members are offered, as `archive.zip/member`."""

    file: OfferedFile
    taken: int
    refused: int


def walk(folder: Path, unpack_to: Path | None = None) -> Walk:
    """List the files below `folder`, sorted by the bytes of their relative path, and try each.

    Links are not followed: their target may lie outside the source, or be counted twice.

    Parameters
    ----------
    unpack_to : an empty folder of the caller's that lives as long as the files are read
        With it, archives (zip, tar, gzip, Zstandard) are opened; without, they are files like others.

    Raises
    ------
    NothingReadable
        When there is no such folder, or no file in it.
    """
    return opened(listed(folder), unpack_to)


def listed(folder: Path) -> Listing:
    """The files below `folder` with their facts, sorted by the bytes of their relative path; none is opened.

    Raises
    ------
    NothingReadable
        When there is no such folder, or no file in it.
    """
    if not folder.is_dir():
        raise _nothing(folder, "no such folder")
    closed: list[Finding] = []
    regular, barred = [], []
    for offered, finding in sorted(_entries(folder, closed), key=lambda entry: _order(entry[0])):
        if finding is None:
            regular.append(offered)
        else:
            barred.append(Unassigned(offered, finding))
    if not regular and not barred:
        raise _nothing(folder, "no file")
    return Listing(tuple(regular), tuple(barred), tuple(closed))


def opened(
    listing: Listing, unpack_to: Path | None = None, *, plain: Container[str] = frozenset[str]()
) -> Walk:
    """The listing with every file tried: one that cannot be opened is barred, an archive becomes its members.

    Parameters
    ----------
    plain : container of relative paths
        Files of which it is known that they can be opened and are no archives: they are not tried.
    """
    readable, barred = [], list(listing.barred)
    for item in listing.regular:
        finding = None if item.relative in plain else _closed(item)
        if finding is None:
            readable.append(item)
        else:
            barred.append(Unassigned(item, finding))
    found = Walk(tuple(readable), _sorted(barred), listing.closed_folders)
    return found if unpack_to is None else with_members(found, unpack_to, plain=plain)


def unopened(listing: Listing) -> Walk:
    """The walk that `opened` gives of files that all can be read, none of them an archive."""
    return Walk(listing.regular, listing.barred, listing.closed_folders)


def with_members(found: Walk, unpack_to: Path, *, plain: Container[str] = frozenset[str]()) -> Walk:
    """Each archive among the readable files replaced by its members; what cannot be taken out is barred."""
    readable: list[OfferedFile] = []
    barred = list(found.barred)
    archives: list[OpenedArchive] = []
    for item in found.readable:
        if item.relative in plain or not archive.is_archive(item.path):
            readable.append(item)
            continue
        taken = refused = 0
        for member in archive.unpack(item.path, unpack_to / f"{len(archives):06d}"):
            relative = f"{item.relative}/{member.name}"
            if member.path is not None:
                readable.append(OfferedFile(member.path, relative, member.size))
                taken += 1
            elif member.finding is not None:
                barred.append(Unassigned(OfferedFile(item.place, relative, 0), member.finding))
                refused += 1
        archives.append(OpenedArchive(item, taken, refused))
    return Walk(tuple(sorted(readable, key=_order)), _sorted(barred), found.closed_folders, tuple(archives))


def seen(facts: os.stat_result) -> bytes:
    """What changes when a file's bytes do: its time of change and inode too, since a copy may keep the time."""
    return _SEEN.pack(facts.st_mtime_ns, facts.st_ctime_ns, facts.st_ino)


def last_change_ns(seen: bytes) -> int:
    """The later of the times of content and of inode that `seen` packed, in ns since 1970."""
    changed, changed_inode, _ = _SEEN.unpack(seen)
    return int(max(changed, changed_inode))


def _order(item: OfferedFile) -> bytes:
    return os.fsencode(item.relative)


def _sorted(barred: list[Unassigned]) -> tuple[Unassigned, ...]:
    return tuple(sorted(barred, key=lambda one: _order(one.file)))


def _entries(top: Path, closed: list[Finding]) -> Iterator[tuple[OfferedFile, Finding | None]]:
    waiting, below = [str(top)], len(os.path.join(top, ""))
    while waiting:  # a stack of our own: folders may lie deeper than calls may
        folder = waiting.pop()
        try:
            with os.scandir(folder) as listing:
                entries = list(listing)
        except OSError as error:
            closed.append(_barred(Reason.UNKNOWN_FORMAT, f"a closed folder ({_cause(error)})", "its files"))
            continue
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                waiting.append(entry.path)
            else:
                yield _offered(entry, entry.path[below:])


def _offered(entry: os.DirEntry[str], relative: str) -> tuple[OfferedFile, Finding | None]:
    try:
        facts = entry.stat(follow_symlinks=False)
    except OSError as error:
        return OfferedFile(entry.path, relative, 0), _unreadable(error)
    offered = OfferedFile(entry.path, relative, facts.st_size, seen(facts))
    if stat.S_ISREG(facts.st_mode):
        return offered, None
    if stat.S_ISLNK(facts.st_mode):
        return offered, _barred(Reason.UNSUPPORTED_FORM, "a symbolic link", "the file itself")
    return offered, _barred(Reason.UNSUPPORTED_FORM, "a socket, pipe or device", "a regular file")


def _closed(item: OfferedFile) -> Finding | None:
    """Why a file cannot be opened."""
    try:
        os.close(os.open(item.place, os.O_RDONLY | os.O_NOFOLLOW))
    except OSError as error:
        return _unreadable(error)
    return None


def _unreadable(error: OSError) -> Finding:
    return _barred(
        Reason.UNKNOWN_FORMAT, f"a file that cannot be opened ({_cause(error)})", "read permission"
    )


def _cause(error: OSError) -> str:
    """The system's words for the error alone: its full text would hold the path."""
    return os.strerror(error.errno).lower() if error.errno else "input or output error"


def _barred(reason: Reason, found: str, wanted: str) -> Finding:
    return Finding(
        reason=reason,
        severity=Severity.REFUSE,
        found=found,
        wanted=wanted,
        remedy="Put a readable copy into the source's folder and ingest again.",
    )


def _nothing(folder: Path, found: str) -> NothingReadable:
    return NothingReadable(
        found=found,
        wanted="a folder with the source's files",
        remedy="Name the folder that holds the export.",
        where=str(folder),
    )
