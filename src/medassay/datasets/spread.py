"""Drafts taken by several processes: local ones, or a Dask cluster named by its scheduler's address.

Nothing but time depends on the plan. Fates come back by number, every worker runs the same code (or is refused),
and bytes lie under their digest whoever wrote them, so one process, two, and a cluster end in the same tables. A
batch's bytes are durable before its fates are sent back.
worker that dies costs nothing: its drafts go to another. A draft that ends one worker after the other is refused
alone, with a finding.

Keys do not travel: a worker reads the key ring at its own path. Paths and person tokens do; a hospital's are
sent to other machines under TLS only.
"""

from __future__ import annotations

import ipaddress
import os
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from medassay.core.errors import EnvironmentLacking, WrongUse
from medassay.core.findings import Finding, Reason, Severity
from medassay.core.rooms import module_of
from medassay.datasets.sample import Intake
from medassay.datasets.spec import Source, SourceClass
from medassay.datasets.take import Fate, Keys, Named, Put, Settle, take
from medassay.trust.evidence import code_identity

if TYPE_CHECKING:
    from distributed import Client, Future

WORTH_SAMPLES = 2_000  # below both, starting processes costs more than they save
WORTH_BYTES = 200_000_000
BATCH_SAMPLES = 32
BATCH_BYTES = 64_000_000
AHEAD = 3  # batches a worker has waiting, so that it never idles and the scheduler stays small
PATIENCE_S = 60.0  # how long a cluster may be without any worker
CONNECT_S = 15.0
_ONE_DRAFT = threading.Lock()  # reading silences logs and warnings, which belong to the whole process


@dataclass(frozen=True)
class Job:
    """What a worker needs besides the drafts."""

    kind: str
    source: Source
    keys: Callable[[], Keys]
    put: Put
    settle: Settle
    code: dict[str, str]


@dataclass(frozen=True)
class Stopped:
    """What the machine of a worker lacks; it ends the run."""

    found: str
    wanted: str
    remedy: str
    where: str


@dataclass(frozen=True)
class Spread:
    """How the work is to be shared out.

    Parameters
    ----------
    keys : callable
        Gives the key ring in whichever process calls it; can be pickled.
    workers : int, optional
        Local processes. Default: one, or one a core where the source is large enough to gain by it.
    scheduler : str, optional
        Address of a Dask scheduler, like `tcp://127.0.0.1:8786` or `tls://10.0.0.7:8786`. Its workers see the
        source's folder, the key ring and the store under the same paths.
    """

    keys: Callable[[], Keys]
    workers: int | None = None
    scheduler: str | None = None

    def is_worth(self, todo: Sequence[Named]) -> bool:
        """Whether these drafts are to be taken by other processes than this one."""
        if self.scheduler is not None:
            return bool(todo)
        if self.workers is not None:
            return self.workers > 1 and len(todo) > 1
        large = len(todo) >= WORTH_SAMPLES or sum(map(_bytes_of, todo)) >= WORTH_BYTES
        return large and len(todo) > 1 and cores() > 1

    def reaches(self, named: Named) -> bool:
        """Whether other processes see the draft's files: members of archives lie on this machine alone."""
        return self.scheduler is None or all(item.seen for _, item in named.draft.files)

    def fates(
        self, kind: str, source: Source, put: Put, settle: Settle, todo: Sequence[Named]
    ) -> Iterator[tuple[int, Fate]]:
        """The number of each draft and what became of it, in the order in which they are done.

        Raises
        ------
        EnvironmentLacking
            When the scheduler cannot be reached, all workers stay away, or a worker lacks what it needs.
        WrongUse
            When a hospital's source would be sent over a network in the clear.
        """
        self._require_private(source)
        job = Job(kind, source, self.keys, put, settle, code_identity())
        with self._client(todo) as client:
            yield from _gathered(client, job, todo)

    def _require_private(self, source: Source) -> None:
        if self.scheduler is None or source.source_class != SourceClass.REAL or _is_private(self.scheduler):
            return
        raise WrongUse(
            found="a scheduler on another machine, reached in the clear",
            wanted="tls://, or a scheduler on this machine: names of files and persons are sent to it",
            remedy="Set the cluster up with TLS (distributed.comm.tls) and name it as tls://HOST:PORT.",
            where=f"source '{source.name}'",
        )

    @contextmanager
    def _client(self, todo: Sequence[Named]) -> Iterator[Client]:
        import dask
        from distributed import Client, LocalCluster

        if self.scheduler is not None:
            try:
                client = Client(self.scheduler, timeout=CONNECT_S, set_as_default=False)
            except (OSError, ValueError, TimeoutError) as error:
                raise _unreachable(type(error).__name__) from error
            with client:
                yield client
            return
        number = min(self.workers or cores(), len(todo))
        quiet = {
            "distributed.worker.memory.target": False,  # nothing of a hospital is spilled to disk
            "distributed.worker.memory.spill": False,
            "distributed.worker.memory.pause": False,
            "distributed.worker.memory.terminate": False,
            "distributed.comm.timeouts.connect": "60s",
        }
        with (
            tempfile.TemporaryDirectory(prefix="medassay-spread-") as scratch,
            dask.config.set(quiet),
            LocalCluster(
                n_workers=number,
                threads_per_worker=1,
                processes=True,
                host="127.0.0.1",
                security=True,  # other users of this machine reach the port, but have no certificate
                dashboard_address=None,
                local_directory=scratch,
                silence_logs=50,
            ) as cluster,
            Client(cluster, set_as_default=False) as client,
        ):
            yield client


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0))


def take_batch(job: Job, batch: Sequence[Named]) -> list[Fate] | Stopped:
    """Runs in a worker: take the drafts one by one."""
    if code_identity() != job.code:
        return Stopped(
            found="a worker with another version of medassay",
            wanted=f"{job.code['medassay']}, source {job.code['source'][:12]}…",
            remedy="Install one version on all machines of the cluster.",
            where="",
        )
    with _ONE_DRAFT:
        try:
            keys = job.keys()
            intake = cast(Intake, module_of("medassay.datasets.intake", job.kind, what="kind of data"))
            fates = [
                take(
                    intake,
                    replace(named, names=replace(named.names, key=keys.pseudonym)),
                    job.source,
                    keys,
                    job.put,
                ).fate
                for named in batch
            ]
            job.settle()
            return fates
        except EnvironmentLacking as error:
            return Stopped(error.found, error.wanted, error.remedy, error.where)


def batches(todo: Sequence[Named]) -> list[range]:
    """Runs of neighbouring drafts, each of a size that is worth a message.

    Examples
    --------
    >>> batches([])
    []
    """
    runs, start, size = [], 0, 0
    for number, named in enumerate(todo):
        if number > start and (number - start >= BATCH_SAMPLES or size + _bytes_of(named) > BATCH_BYTES):
            runs.append(range(start, number))
            start, size = number, 0
        size += _bytes_of(named)
    return [*runs, range(start, len(todo))] if todo else []


def _gathered(client: Client, job: Job, todo: Sequence[Named]) -> Iterator[tuple[int, Fate]]:
    """Keep every worker supplied; a batch that ended its workers is tried again draft by draft, alone."""
    from distributed import KilledWorker

    waiting = batches(todo)[::-1]
    pending: dict[Future, range] = {}
    alone: list[int] = []
    try:
        while waiting or pending:
            while waiting and len(pending) < AHEAD * max(1, _workers(client)):
                run = waiting.pop()
                pending[_submitted(client, job, [todo[number] for number in run])] = run
            for future in _finished(client, list(pending)):
                run = pending.pop(future)
                fates = _result(future)
                if isinstance(fates, KilledWorker):
                    alone += run
                else:
                    yield from zip(run, fates, strict=True)
        for number in alone:
            future = _submitted(client, job, [todo[number]])
            pending[future] = range(number, number + 1)
            while not _finished(client, [future]):
                continue
            del pending[future]
            fates = _result(future)
            died = isinstance(fates, KilledWorker)
            yield number, _ended_worker(todo[number].names.sample) if died else fates[0]
    finally:
        client.cancel(list(pending), force=True)


def _submitted(client: Client, job: Job, drafts: Sequence[Named]) -> Future:
    bare = [replace(named, names=replace(named.names, key=b"")) for named in drafts]
    return client.submit(take_batch, job, bare, pure=False)


def _finished(client: Client, futures: list[Future]) -> list[Future]:
    """Those that are done, waited for as long as there is any worker."""
    from distributed import TimeoutError as NotYet
    from distributed import wait

    waited = 0.0
    while True:
        try:
            with client.as_current():
                return list(wait(futures, timeout=5, return_when="FIRST_COMPLETED").done)
        except NotYet:
            waited = 0.0 if _workers(client) else waited + 5
        except (OSError, RuntimeError, CancelledError) as error:
            raise _unreachable(type(error).__name__) from error
        if client.status != "running":
            raise _unreachable("a scheduler that has gone")
        if waited >= PATIENCE_S:
            raise _unreachable("no worker")


def _result(future: Future) -> Any:
    """The fates of a batch, or the error that says that its workers died."""
    from distributed import KilledWorker

    if future.status == "cancelled":
        raise _unreachable("work that the scheduler has lost")
    error = future.exception()
    if isinstance(error, KilledWorker):
        return error
    if error is not None:
        raise error
    result = future.result()
    if isinstance(result, Stopped):
        raise EnvironmentLacking(
            found=result.found, wanted=result.wanted, remedy=result.remedy, where=result.where
        )
    return result


def _workers(client: Client) -> int:
    return len(client.scheduler_info(n_workers=-1)["workers"])


def _bytes_of(named: Named) -> int:
    return sum(item.size for _, item in named.draft.files)


def _is_private(address: str) -> bool:
    """Whether nobody between here and the scheduler can listen.

    Examples
    --------
    >>> [_is_private(a) for a in ("tcp://127.0.0.1:8786", "tls://10.0.0.7:8786", "tcp://10.0.0.7:8786")]
    [True, True, False]
    """
    parts = urlsplit(address)
    if parts.scheme in ("tls", "wss", "inproc"):
        return True
    try:
        return ipaddress.ip_address(parts.hostname or "").is_loopback
    except ValueError:
        return parts.hostname == "localhost"


def _ended_worker(sample: str) -> Fate:
    finding = Finding(
        reason=Reason.HEADER_INVALID,
        severity=Severity.REFUSE,
        sample=sample,
        found="content that ended the process of its reader each time",
        wanted="a file that can be read in the memory there is",
        remedy="Export the file again; if it opens elsewhere, report the format to the maintainers.",
    )
    return Fate(None, (), (finding,), finding)


def _unreachable(found: str) -> EnvironmentLacking:
    return EnvironmentLacking(
        found=found,
        wanted="a Dask scheduler that answers, with workers",
        remedy="Start `dask scheduler` and `dask worker`, or leave --scheduler out. A rerun carries on.",
        where="--scheduler",
    )
