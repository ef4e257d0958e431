"""Files that are whole or absent, one by one or many together, and locks that end with their process."""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_hex

from medassay.core.errors import EnvironmentLacking


def write_atomic(path: Path, content: bytes, *, mode: int = 0o644) -> None:
    """Write under a temporary name beside `path`, fsync, rename, fsync the folder.

    Killed at any moment, `path` holds either its old bytes or all the new ones.

    Raises
    ------
    EnvironmentLacking
        When the disk is full or the folder cannot be written; `path` is as it was.
    """
    with _writing(path, len(content)):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())
            os.chmod(temporary, mode)
            os.replace(temporary, path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
        fsync_folder(path.parent)


@dataclass
class Together:
    """Files that are made durable in one go: a disk takes as long for a thousand as for one.

    1. `write` puts the bytes under a temporary name beside `path`.
    2. `settle` has the bytes of all reach the disk (one `syncfs`; an fsync each for a few), and only then
    3. gives each its name, and has the names reach the disk in the same way.

    Whoever speaks of a file does so after `settle`. Killed before, there are only temporary names, which `sweep`
    of the store removes; killed within, some files have their names, all of them whole; the rest is written again.
    Sent to another process, it arrives empty: what is written aside belongs to whoever wrote it.
    """

    aside: dict[str, str] = field(default_factory=dict)  # place to the temporary name beside it
    folders: set[str] = field(default_factory=set)  # in which names changed
    there: set[str] = field(default_factory=set)  # folders that need not be made
    mark: str = field(default_factory=lambda: token_hex(8))  # no other writer's temporary names have it

    def __reduce__(self) -> tuple[type[Together], tuple[()]]:
        return Together, ()

    def __contains__(self, place: str) -> bool:
        return place in self.aside

    def write(self, place: str, content: bytes, *, mode: int = 0o644) -> None:
        """Put the bytes beside `place`.

        Raises
        ------
        EnvironmentLacking
            When the disk is full or the folder cannot be written.
        """
        folder, name = os.path.split(place)
        with _writing(place, len(content)):
            if folder not in self.there:
                self._make(folder)
            temporary = os.path.join(folder, f".{name}.{self.mark}.part")
            self.aside[place] = temporary
            with open(os.open(temporary, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, mode), "wb") as stream:
                os.fchmod(stream.fileno(), mode)
                stream.write(content)

    def settle(self) -> None:
        """Make what was written durable, under its names.

        Raises
        ------
        EnvironmentLacking
            When the disk is full or fails; what has no name yet is written again by the next run.
        """
        if not self.aside:
            return
        with _writing(next(iter(self.aside)), 0):
            _reach_the_disk(list(self.aside.values()))
            for place, temporary in self.aside.items():
                os.replace(temporary, place)
                self.folders.add(os.path.dirname(place))
            _reach_the_disk(sorted(self.folders))
        self.aside.clear()
        self.folders.clear()

    def _make(self, folder: str) -> None:
        if not os.path.isdir(folder):
            os.makedirs(folder, exist_ok=True)
            self.folders.add(os.path.dirname(folder))
        self.there.add(folder)


FEW = 4  # so many are synced one by one, rather than with all that others wrote to the file system


def _reach_the_disk(places: list[str]) -> None:
    """Have the bytes of files, or the names in folders, reach the disk; all lie on one file system."""
    syncfs = getattr(ctypes.CDLL(None, use_errno=True), "syncfs", None) if len(places) > FEW else None
    for name in places[:1] if syncfs else places:
        descriptor = os.open(name, os.O_RDONLY)
        try:
            if syncfs is None:
                os.fsync(descriptor)
            elif syncfs(descriptor) != 0:
                raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
        finally:
            os.close(descriptor)


@contextmanager
def _writing(path: str | Path, size: int) -> Iterator[None]:
    """What the system answers, said as what the environment lacks."""
    try:
        yield
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        raise EnvironmentLacking(
            found="no space left on the disk" if full else f"{error.strerror or error}",
            wanted=f"{size} bytes written" if size else "files written",
            remedy="Free space and run again; nothing half-written was kept."
            if full
            else "Give write permission to the folder and run again.",
            where=str(path),
        ) from error


@contextmanager
def lock(path: Path, *, shared: bool = False, wait: bool = False) -> Iterator[None]:
    """Hold a lock; who cannot have it is told so at once.

    The lock is the kernel's (flock): it ends with its process, so a killed run never leaves it behind.

    Parameters
    ----------
    shared : bool
        Beside others who share it; nobody holds it alone then.
    wait : bool
        Wait for it: for what is held for moments only.

    Raises
    ------
    EnvironmentLacking
        When another run holds it, unless told to wait; when its folder cannot be written.
    """
    kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    with _writing(path, 0):
        path.parent.mkdir(parents=True, exist_ok=True)
        opened = path.open("a+b")
    with opened as stream:
        try:
            fcntl.flock(stream.fileno(), kind if wait else kind | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise EnvironmentLacking(
                found="another run that is writing to the same place",
                wanted="one writer at a time",
                remedy="Wait until it has ended, then run again.",
                where=str(path),
            ) from error
        yield


def fsync_folder(folder: Path) -> None:
    """Make names that were added, changed or removed in the folder last."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
