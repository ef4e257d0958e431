"""Files that are whole or absent, and one writer a store."""

from __future__ import annotations

import errno
import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from medassay.core.errors import EnvironmentLacking


def write_atomic(path: Path, content: bytes, *, mode: int = 0o644) -> None:
    """Write under a temporary name beside `path`, fsync, rename, fsync the folder.

    Killed at any moment, `path` holds either its old bytes or all the new ones.

    Raises
    ------
    EnvironmentLacking
        When the disk is full or the folder cannot be written; `path` is as it was.
    """
    try:
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
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        raise EnvironmentLacking(
            found="no space left on the disk" if full else f"{error.strerror or error}",
            wanted=f"{len(content)} bytes written",
            remedy="Free space and run again; nothing half-written was kept."
            if full
            else "Give write permission to the folder and run again.",
            where=str(path),
        ) from error


@contextmanager
def exclusive_lock(path: Path) -> Iterator[None]:
    """Hold the one lock of a store; a second run is told so at once instead of waiting.

    The lock is the kernel's (flock): it ends with its process, so a killed run never leaves it behind.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+b") as stream:
        try:
            fcntl.flock(stream.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise EnvironmentLacking(
                found="another run that is writing to this store",
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
