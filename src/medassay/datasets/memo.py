"""What an earlier run made of files that have not changed since: a stat a file, and none of them is opened.

A file is taken for unchanged while path, size, time of content, time of inode and inode number stay. Files that
changed within the last seconds before they were listed are read again next time, since a clock's tick may hide a
second change. What is kept lies on the key side, under the pseudonym key's authentication, and is dropped whole
when code, packages, spec or keys are others. It is a memory and no record: without it a run ends in the same
tables, only later.
"""

from __future__ import annotations

import hashlib
import hmac
import io
import os
import pickle
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from medassay.core.findings import Finding
from medassay.datasets.look import Look, packed, unpacked
from medassay.datasets.sample import Assembly, Draft, OfferedFile
from medassay.datasets.take import Fate, Named
from medassay.datasets.walk import Listing, Walk, last_change_ns, seen, unopened

SETTLED_NS = 2_000_000_000  # two seconds: the coarsest clock among file systems in use (FAT)
COMMIT_EVERY_S = 1.0
TOGETHER = 1000  # drafts that are kept as one value
TABLES = ("kept", "looks")  # fates and groupings; what single files were found to be
_TAG_BYTES = _KEY_BYTES = 32


@dataclass
class Memo:
    """An open memory of one source. Use `remembering`."""

    database: sqlite3.Connection
    key: bytes = field(repr=False)
    has: Callable[[str], bool]  # whether the store still holds an object
    began_ns: int
    used: bytearray = field(default_factory=bytearray)  # keys of `kept` that this run had use for, in a row
    committed: float = field(default_factory=time.monotonic)

    def grouped(self, listing: Listing) -> tuple[Walk, Assembly] | None:
        """How exactly these files were grouped before; all of them could be opened then, and none is an archive."""
        self._forget("looks", len(listing.regular), map(_look_key, listing.regular))
        key = _files_key(listing)
        head = self._recall("kept", key)
        if not isinstance(head, tuple):
            return None
        number, unassigned = head
        given = partial(unpacked, files=listing.regular)
        drafts: list[Draft] = []
        for part in range(number):
            some = self._recall("kept", key + part.to_bytes(4), given)
            if not isinstance(some, list):
                return None
            drafts += some
        return unopened(listing), Assembly(tuple(drafts), given(unassigned))

    def keep_grouped(self, listing: Listing, walked: Walk, assembly: Assembly) -> None:
        """Remember how the files of a listing were grouped, where no file was barred or opened on the way."""
        if (
            walked.archives
            or len(walked.readable) < len(listing.regular)
            or not self._settled(listing.regular)
        ):
            return
        key, drafts = _files_key(listing), assembly.drafts
        numbers = {item.relative: number for number, item in enumerate(listing.regular)}
        parts = range(0, len(drafts), TOGETHER)
        for part, start in enumerate(parts):
            self._keep(
                "kept", key + part.to_bytes(4), packed(list(drafts[start : start + TOGETHER]), numbers)
            )
        self._keep("kept", key, pickle.dumps((len(parts), packed(assembly.unassigned, numbers))))

    def look(self, file: OfferedFile) -> Look | None:
        """What the file was found to be before; it could be opened then, and is no archive."""
        content = self._recall("looks", _look_key(file), bytes) if file.seen else None
        return None if content is None else Look(content)

    def keep_look(self, file: OfferedFile, look: Look) -> None:
        """A file at which its reader stopped is looked at again: the disk may have been at fault."""
        if look.stopped is None and self._settled([file]):
            self._keep("looks", _look_key(file), look.packed)

    def fate(self, named: Named) -> Fate | None:
        """What became of this draft before; None when a file of it changed, or an object of it is gone."""
        found = self._recall("kept", _draft_key(named))
        if not isinstance(found, Fate) or not all(self.has(row["digest"]) for row in found.objects):
            return None
        return found

    def keep_fate(self, named: Named, fate: Fate) -> None:
        if self._settled([item for _, item in named.draft.files]):
            self._keep("kept", _draft_key(named), pickle.dumps(fate, protocol=5))

    def forget_unused(self) -> None:
        """Drop fates and groupings that this run had no use for, once they are the larger part."""
        places = range(0, len(self.used), _KEY_BYTES)
        self._forget("kept", len(places), (bytes(self.used[at : at + _KEY_BYTES]) for at in places))

    def _forget(self, table: str, number: int, used: Iterable[bytes]) -> None:
        with suppress(sqlite3.Error):
            ((rows,),) = self.database.execute(f"SELECT count(*) FROM {table}")
            if rows > 2 * number:
                self.database.execute("CREATE TEMP TABLE used (key BLOB PRIMARY KEY)")
                self.database.executemany("INSERT OR IGNORE INTO used VALUES (?)", ((key,) for key in used))
                # The parts of a grouping stand under its key and their number.
                self.database.execute(
                    f"DELETE FROM {table} WHERE substr(key, 1, ?) NOT IN (SELECT key FROM used)",
                    (_KEY_BYTES,),
                )
                self.database.execute("DROP TABLE used")

    def _settled(self, files: Iterable[OfferedFile]) -> bool:
        """Whether the files lay still before they were listed, and still do."""
        latest = self.began_ns - SETTLED_NS
        return all(item.seen and last_change_ns(item.seen) <= latest and _unchanged(item) for item in files)

    def _recall(self, table: str, key: bytes, loads: Callable[[bytes], Any] = pickle.loads) -> Any:
        try:
            row = self.database.execute(f"SELECT value FROM {table} WHERE key = ?", (key,)).fetchone()
        except sqlite3.Error:
            return None
        if row is None or not hmac.compare_digest(row[0][:_TAG_BYTES], self._tag(key, row[0][_TAG_BYTES:])):
            return None
        if table == "kept":
            self.used += key[:_KEY_BYTES]
        return loads(row[0][_TAG_BYTES:])

    def _keep(self, table: str, key: bytes, content: bytes) -> None:
        with suppress(sqlite3.Error):  # a full disk costs the memory, not the run
            self.database.execute(
                f"INSERT OR REPLACE INTO {table} VALUES (?, ?)", (key, self._tag(key, content) + content)
            )
            if table == "kept":
                self.used += key[:_KEY_BYTES]
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
        for table in TABLES:
            database.execute(f"CREATE TABLE IF NOT EXISTS {table} (key BLOB PRIMARY KEY, value BLOB)")
        if database.execute("SELECT value FROM about").fetchall() != [(about,)]:
            for table in ("about", *TABLES):
                database.execute(f"DELETE FROM {table}")
            database.execute("INSERT INTO about VALUES (?)", (about,))
        database.commit()
    except sqlite3.Error:
        database.close()
        raise
    return database


def _unchanged(item: OfferedFile) -> bool:
    try:
        facts = os.lstat(item.place)
    except OSError:
        return False
    return (facts.st_size, seen(facts)) == (item.size, item.seen)


def _files_key(listing: Listing) -> bytes:
    """Everything that a grouping depends on."""
    state = hashlib.sha256(b"files")
    for item in (*listing.regular, *(one.file for one in listing.barred)):
        state.update(_facts_of(item))
    return state.digest()


def _look_key(file: OfferedFile) -> bytes:
    """Everything that a look depends on and that differs between files."""
    return hashlib.sha256(b"look" + _facts_of(file)).digest()


def _facts_of(file: OfferedFile) -> bytes:
    place = os.fsencode(file.place) + b"\x00" + os.fsencode(file.relative)
    return b"%s\x00%d\x00%b\n" % (place, file.size, file.seen)


def _draft_key(named: Named) -> bytes:
    """Everything that a fate depends on and that differs between drafts."""
    names, state = named.names, _Canonical(sink := io.BytesIO(), protocol=5)
    state.dump((named.draft, named.repeated, names.sample, names.subject, names.date_shift_days))
    return hashlib.sha256(b"draft" + sink.getvalue()).digest()


class _Canonical(pickle.Pickler):
    """Equal values give equal bytes, whether or not their parts are one object, in any process."""

    def __init__(self, sink: io.BytesIO, protocol: int) -> None:
        super().__init__(sink, protocol)
        self.fast = True  # no references back to parts that were met before

    def persistent_id(self, value: Any) -> Any:
        if isinstance(value, OfferedFile):
            return os.fspath(value.place), value.relative, value.size, value.seen
        return value.model_dump_json() if isinstance(value, Finding) else None
