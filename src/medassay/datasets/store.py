"""The object store: bytes under their SHA-256, whole or absent, in a folder or wherever fsspec reaches.

A folder is the default. `MEDASSAY_OBJECTS` names another place, like `s3://bucket/prefix`; the protocol's own
settings (for S3: `AWS_ENDPOINT_URL`, credentials, region) come from the environment. Evidence, ledger and lock
stay in the workspace's store: they are small, and one machine writes them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from medassay.core.atomic import Together, fsync_folder, write_atomic
from medassay.core.canonical import canonical_json, digest_bytes
from medassay.core.errors import EnvironmentLacking, EvidenceBroken, WrongUse
from medassay.core.workspace import Workspace

# Protocols whose write of one object is whole or absent; elsewhere an object is written aside and renamed.
WHOLE_OR_ABSENT = frozenset({"s3", "s3a", "gs", "gcs", "abfs", "az", "memory"})


@dataclass(frozen=True)
class ObjectStore:
    """Objects of one workspace; the caller holds a lock of the store while it writes.

    Parameters
    ----------
    url : str, optional
        Where the objects lie when not in the workspace's store: a URL that fsspec knows.
    """

    workspace: Workspace
    url: str | None = None

    @property
    def folder(self) -> str:
        """Where objects lie that lie in the workspace: an object's place is this, two digits, a slash and the rest."""
        return os.path.join(self.workspace.store, "objects", "")

    @classmethod
    def of(cls, workspace: Workspace) -> ObjectStore:
        """The store that the environment names, or the workspace's own folder."""
        return cls(workspace, os.environ.get("MEDASSAY_OBJECTS") or None)

    def put(self, content: bytes) -> str:
        """Keep the bytes and give their digest.

        Bytes that are there already are not written again, and those that were erased when their subject withdrew
        are not brought back by another ingest of the same files.
        """
        digest = digest_bytes(content)
        if self.has(digest) or self.is_withdrawn(digest):
            return digest
        if self.url is None:
            write_atomic(self.workspace.object(digest), content)
            return digest
        system, root = _system(self.url)
        place = _place(root, digest)
        with _reaching(place):
            if set(_protocols(system)) & WHOLE_OR_ABSENT:
                system.pipe_file(place, content)
            else:
                system.makedirs(place.rpartition("/")[0], exist_ok=True)
                system.pipe_file(f"{place}.{os.getpid()}.part", content)
                system.mv(f"{place}.{os.getpid()}.part", place)
        return digest

    def has(self, digest: str) -> bool:
        """Whether there are bytes under this digest; `get` tells whether they are the right ones."""
        if self.url is None:
            return self.workspace.object(digest).exists()
        system, root = _system(self.url)
        with _reaching(_place(root, digest)):
            return bool(system.exists(_place(root, digest)))

    def erase(self, digest: str, subject: str) -> None:
        """Mark an object as withdrawn with its subject, then delete its bytes; `withdraw` alone does so.

        Killed in between, the mark stands and a rerun ends the same.
        """
        path = self.workspace.object(digest)
        mark = {"schema_id": "medassay.withdrawal/1", "digest": digest, "subject": subject}
        write_atomic(Path(withdrawal_mark(str(path))), canonical_json(mark))
        if self.url is None:
            path.unlink(missing_ok=True)
            fsync_folder(path.parent)
        elif self.has(digest):
            system, root = _system(self.url)
            with _reaching(_place(root, digest)):
                system.rm_file(_place(root, digest))

    def is_withdrawn(self, digest: str) -> bool:
        """Whether the bytes of this digest were erased with their subject."""
        return os.path.exists(withdrawal_mark(str(self.workspace.object(digest))))

    def get(self, digest: str) -> bytes:
        """The bytes of this digest, recomputed on the way out.

        Raises
        ------
        EvidenceBroken
            When they are missing or no longer the same.
        """
        where, content = self.read(digest)
        if content is None or digest_bytes(content) != digest:
            raise EvidenceBroken(
                found="altered bytes"
                if content is not None
                else "bytes that were erased when their subject withdrew"
                if self.is_withdrawn(digest)
                else "no bytes",
                wanted=f"the object {digest[:12]}…",
                remedy="Run ingest again: it leaves the subject out."
                if self.is_withdrawn(digest)
                else "Restore the object from a copy, or ingest its source again.",
                where=where,
            )
        return content

    def read(self, digest: str) -> tuple[str, bytes | None]:
        """Where the object lies, and its bytes as they are; None where there are none."""
        if self.url is None:
            path = self.workspace.object(digest)
            return str(path), path.read_bytes() if path.exists() else None
        system, root = _system(self.url)
        place = _place(root, digest)
        with _reaching(place):
            try:
                return place, bytes(system.cat_file(place))
            except FileNotFoundError:
                return place, None

    def sweep(self) -> None:
        """Remove what killed runs left half-written; the caller has made sure that nobody writes now."""
        sweep(self.workspace.store)


@dataclass(frozen=True)
class Batch:
    """Objects that are made durable together; nobody may speak of one before `settle`.

    Where the objects lie elsewhere than in a folder, each is whole and durable by itself.
    """

    store: ObjectStore
    together: Together = field(default_factory=Together)

    def put(self, content: bytes) -> str:
        """As the store's `put`, but durable only after `settle`."""
        if self.store.url is not None:
            return self.store.put(content)
        digest = digest_bytes(content)
        place = self.store.folder + f"{digest[:2]}/{digest[2:]}"
        if not (place in self.together or os.path.exists(place) or os.path.exists(withdrawal_mark(place))):
            self.together.write(place, content)
        return digest

    def settle(self) -> None:
        """Have all that was put reach the disk under its digest."""
        self.together.settle()


def sweep(folder: Path) -> None:
    """Remove half-written files below a folder: those that were never renamed to what they were to be."""
    for top, _, names in os.walk(folder):
        for name in names:
            if name.startswith(".") and name.endswith(".part"):
                Path(top, name).unlink(missing_ok=True)


def withdrawal_mark(place: str) -> str:
    """What stands beside an object whose subject withdrew: the bytes are gone for good, and that is no damage."""
    return f"{place}.withdrawn"


@cache
def _system(url: str) -> tuple[Any, str]:
    """The file system of a URL, and the place in it; other runs write there, so no listing is remembered."""
    import fsspec

    options = {"use_listings_cache": False} if "://" in url else {}
    try:
        system, root = fsspec.core.url_to_fs(url, **options)
    except (ValueError, ImportError) as error:
        raise WrongUse(
            found=f"a place for objects that fsspec does not know ({type(error).__name__})",
            wanted="a URL like s3://bucket/prefix, or none for the workspace's own folder",
            remedy="Correct MEDASSAY_OBJECTS; `python -c 'import fsspec; print(fsspec.available_protocols())'`"
            " lists what there is.",
        ) from error
    return system, root.rstrip("/")


def _protocols(system: Any) -> tuple[str, ...]:
    return (system.protocol,) if isinstance(system.protocol, str) else tuple(system.protocol)


def _place(root: str, digest: str) -> str:
    return f"{root}/{digest[:2]}/{digest[2:]}"


@contextmanager
def _reaching(place: str) -> Iterator[None]:
    """What a remote store answers is said as what the environment lacks."""
    try:
        yield
    except FileNotFoundError as error:
        raise _lacking("no such bucket or folder", place) from error
    except PermissionError as error:
        raise _lacking("no permission", place) from error
    except (OSError, RuntimeError) as error:
        raise _lacking(type(error).__name__, place) from error
    except Exception as error:
        # Drivers have error families of their own (botocore's is no OSError); none of them is a fault of ours.
        if type(error).__module__.partition(".")[0] in ("botocore", "aiobotocore", "aiohttp", "s3fs"):
            raise _lacking(type(error).__name__, place) from error
        raise


def _lacking(found: str, place: str) -> EnvironmentLacking:
    return EnvironmentLacking(
        found=f"a store of objects that answers with {found}",
        wanted="a place that can be read and written",
        remedy="See MEDASSAY_OBJECTS, credentials and endpoint, then run again; what was stored is kept.",
        where=place,
    )
