"""What an earlier run made of files that have not changed since: a stat a file instead of reading it again.

A file is taken for unchanged while path, size, time of content, time of inode and inode number stay. Files that
changed within the last seconds before they were listed are read again next time, since a clock's tick may hide a
second change. What is kept lies on the key side, under the pseudonym key's authentication, and is dropped whole
when code, packages, spec or keys are others. It is a memory and no record: without it a run ends in the same
tables, only later.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import pickle
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from medassay.datasets.sample import Assembly, OfferedFile
from medassay.datasets.take import Fate, Named
from medassay.datasets.walk import seen

SETTLED_NS = 2_000_000_000  # two seconds: the coarsest clock among file systems in use (FAT)
COMMIT_EVERY_S = 1.0
_TAG_BYTES = 32


@dataclass
class Memo:
    """An open memory of one source. Use `remembering`."""

    database: sqlite3.Connection
    key: bytes = field(repr=False)
    has: Callable[[str], bool]  # whether the store still holds an object
    began_ns: int
    used: set[bytes] = field(default_factory=set)
    committed: float = field(default_factory=time.monotonic)

    def assembly(self, files: Sequence[OfferedFile]) -> Assembly | None:
        """How exactly these files were grouped before."""
        found = self._recall(_files_key(files))
        return found if isinstance(found, Assembly) else None

    def keep_assembly(self, files: Sequence[OfferedFile], assembly: Assembly) -> None:
        if self._settled(files):
            self._keep(_files_key(files), assembly)

    def fate(self, named: Named) -> Fate | None:
        """What became of this draft before; None when a file of it changed, or an object of it is gone."""
        found = self._recall(_draft_key(named))
        if not isinstance(found, Fate) or not all(self.has(row["digest"]) for row in found.objects):
            return None
        return found

    def keep_fate(self, named: Named, fate: Fate) -> None:
        if self._settled([item for _, item in named.draft.files]):
            self._keep(_draft_key(named), fate)

    def forget_unused(self) -> None:
        """Drop what this run had no use for, once it is the larger part."""
        with suppress(sqlite3.Error):
            ((rows,),) = self.database.execute("SELECT count(*) FROM kept")
            if rows > 2 * len(self.used):
                self.database.execute("CREATE TEMP TABLE used (key BLOB PRIMARY KEY)")
                self.database.executemany("INSERT INTO used VALUES (?)", ((key,) for key in self.used))
                self.database.execute("DELETE FROM kept WHERE key NOT IN (SELECT key FROM used)")

    def _settled(self, files: Iterable[OfferedFile]) -> bool:
        """Whether the files lay still before they were listed, and still do."""
        return all(
            max(item.seen[:2], default=self.began_ns) + SETTLED_NS <= self.began_ns and _unchanged(item)
            for item in files
        )

    def _recall(self, key: bytes) -> Any:
        try:
            row = self.database.execute("SELECT value FROM kept WHERE key = ?", (key,)).fetchone()
        except sqlite3.Error:
            return None
        if row is None or not hmac.compare_digest(row[0][:_TAG_BYTES], self._tag(key, row[0][_TAG_BYTES:])):
            return None
        self.used.add(key)
        return pickle.loads(row[0][_TAG_BYTES:])

    def _keep(self, key: bytes, value: object) -> None:
        content = pickle.dumps(value, protocol=5)
        with suppress(sqlite3.Error):  # a full disk costs the memory, not the run
            self.database.execute(
                "INSERT OR REPLACE INTO kept VALUES (?, ?)", (key, self._tag(key, content) + content)
            )
            self.used.add(key)
            if time.monotonic() - self.committed > COMMIT_EVERY_S:
                self.database.commit()
                self.committed = time.monotonic()

    def _tag(self, key: bytes, content: bytes) -> bytes:
        return hmac.digest(self.key, b"medassay.memo/1" + key + content, "sha256")


@contextmanager
def remembering(path: Path, about: str, key: bytes, has: Callable[[str], bool]) -> Iterator[Memo]:
    """Open the memory at `path`; one that is damaged, or is about something else, begins anew.

    Parameters
    ----------
    path : Path
        On the key side: what is kept names the hospital's files.
    about : str
        Digest of all that a fate depends on besides the files: code, packages, spec.
    key : bytes
        Pseudonym key. Nothing is read back that was not written under it.
    has : callable
        Whether the store holds an object of this digest.

    A run that is killed keeps what was committed, at most `COMMIT_EVERY_S` behind.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    began_ns = time.time_ns()
    with closing(_opened(path, about)) as database:
        memo = Memo(database, key, has, began_ns)
        try:
            yield memo
        finally:
            with suppress(sqlite3.Error):
                database.commit()


def _opened(path: Path, about: str) -> sqlite3.Connection:
    try:
        return _connected(path, about)
    except sqlite3.DatabaseError:
        for suffix in ("", "-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        return _connected(path, about)


def _connected(path: Path, about: str) -> sqlite3.Connection:
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    database = sqlite3.connect(path)
    try:
        database.execute("PRAGMA journal_mode = WAL")  # what was committed outlives a kill
        database.execute("PRAGMA synchronous = NORMAL")
        database.execute("CREATE TABLE IF NOT EXISTS about (value TEXT)")
        database.execute("CREATE TABLE IF NOT EXISTS kept (key BLOB PRIMARY KEY, value BLOB)")
        if database.execute("SELECT value FROM about").fetchall() != [(about,)]:
            database.execute("DELETE FROM about")
            database.execute("DELETE FROM kept")
            database.execute("INSERT INTO about VALUES (?)", (about,))
        database.commit()
    except sqlite3.Error:
        database.close()
        raise
    return database


def _unchanged(item: OfferedFile) -> bool:
    try:
        facts = item.path.lstat()
    except OSError:
        return False
    return (facts.st_size, seen(facts)) == (item.size, item.seen)


def _files_key(files: Sequence[OfferedFile]) -> bytes:
    state = hashlib.sha256(b"files")
    for item in files:
        facts = "\x00".join(map(str, (item.size, *item.seen)))
        state.update(os.fsencode(item.path) + b"\x00" + os.fsencode(item.relative) + b"\x00")
        state.update(facts.encode() + b"\n")
    return state.digest()


def _draft_key(named: Named) -> bytes:
    """Everything that a fate depends on and that differs between drafts."""
    names = named.names
    whole = (named.draft, named.repeated, names.sample, names.subject, names.date_shift_days)
    return hashlib.sha256(b"draft" + pickle.dumps(whole, protocol=5)).digest()
