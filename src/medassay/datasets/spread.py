"""Files looked at and drafts taken by several processes: local ones, or a Dask cluster named by its address.

Nothing but time depends on the plan. What is made comes back by number, every worker runs the same code (or is
refused), and bytes lie under their digest whoever wrote them, so one process, two, and a cluster end in the same
tables. A batch's bytes are durable before its fates are sent back. A worker that dies costs nothing: its part goes to
another. A file or draft that ends one worker after the other is refused alone, with a finding.

Keys do not travel: a worker reads the key ring at its own path. Paths and person tokens do; a hospital's are
sent to other machines under TLS only.
"""

from __future__ import annotations

import ipaddress
import math
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar, cast
from urllib.parse import urlsplit

from medassay.core.errors import EnvironmentLacking, WrongUse
from medassay.core.findings import Finding, Reason, Severity
from medassay.core.rooms import module_of
from medassay.datasets.look import Look, look_at
from medassay.datasets.processes import Processes, cores, unreachable
from medassay.datasets.sample import Intake, OfferedFile
from medassay.datasets.spec import Source, SourceClass
from medassay.datasets.take import Fate, Keys, Named, Put, Settle, take
from medassay.trust.evidence import code_identity

if TYPE_CHECKING:
    from distributed import Client, Future

ROOM = "medassay.datasets.intake"
WORTH_NUMBER = 2_000  # files or samples; below both, starting processes costs more than they save
WORTH_BYTES = 200_000_000
BATCH_SAMPLES = 256
BATCH_BYTES = 64_000_000
LEAST_SAMPLES, LEAST_BYTES = 8, 4_000_000  # below both, a batch is worth no message
AHEAD = 3  # batches that a worker has: one at work, one on its way to the disk, one that waits
PATIENCE_S = 60.0  # how long a cluster may be without any worker
_ONE_AT_A_TIME = threading.Lock()  # reading silences logs and warnings, which belong to the whole process
T = TypeVar("T")


@dataclass(frozen=True)
class Job:
    """What a worker needs besides its part of the work."""

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

    def is_worth(self, sizes: Sequence[int]) -> bool:
        """Whether files or drafts of these sizes in bytes are to be worked on by other processes than this one."""
        if self.scheduler is not None:
            return bool(sizes)
        if self.workers is not None:
            return self.workers > 1 and len(sizes) > 1
        large = len(sizes) >= WORTH_NUMBER or sum(sizes) >= WORTH_BYTES
        return large and len(sizes) > 1 and cores() > 1

    @contextmanager
    def crew(self, kind: str, source: Source, put: Put, settle: Settle) -> Iterator[Crew]:
        """Other processes for one run; they start when they are first of use."""
        intake = cast(Intake, module_of(ROOM, kind, what="kind of data"))
        libraries = ("medassay.datasets.spread", f"{ROOM}.{kind}", *intake.LIBRARIES)
        with Processes(self.scheduler, libraries) as processes:
            yield Crew(self, processes, Job(kind, source, self.keys, put, settle, code_identity()))


@dataclass(frozen=True)
class Crew:
    """The processes of one run and what they work on. Errors:

    EnvironmentLacking
        When the scheduler cannot be reached, all workers stay away, or a worker lacks what it needs.
    WrongUse
        When a hospital's source would be sent over a network in the clear.
    """

    spread: Spread
    processes: Processes
    job: Job

    def call(self, sizes: Sequence[int]) -> bool:
        """Have the processes started where files or drafts of these sizes are worth it; says whether they work."""
        if self.processes.have_begun:
            return bool(sizes)
        if not self.spread.is_worth(sizes):
            return False
        _require_private(self.spread.scheduler, self.job.source)
        self.processes.begin(min(self.spread.workers or cores(), len(sizes)))
        return True

    def is_there(self) -> bool:
        """Whether the processes can work at once."""
        return self.processes.are_there

    def dismiss(self) -> None:
        """All work is done: the processes end while this one goes on."""
        self.processes.dismiss()

    def reaches(self, files: Sequence[OfferedFile]) -> bool:
        """Whether other processes see these files: members of archives lie on this machine alone."""
        return self.spread.scheduler is None or all(item.seen for item in files)

    def looks(self, files: Sequence[OfferedFile]) -> Iterator[tuple[int, Look]]:
        """The number of each file and what it was found to be, in the order in which they are done."""

        def part(numbers: Sequence[int]) -> list[OfferedFile]:
            return [files[number] for number in numbers]

        yield from _gathered(
            self.processes.client(),
            partial(look_batch, self.job),
            part,
            [item.size for item in files],
            lambda _: Look(b"", _ended_worker()),
        )

    def fates(self, todo: Sequence[Named]) -> Iterator[tuple[int, Fate]]:
        """The number of each draft and what became of it, in the order in which they are done."""

        def part(numbers: Sequence[int]) -> list[Named]:
            drafts = [todo[number] for number in numbers]
            return [replace(named, names=replace(named.names, key=b"")) for named in drafts]

        yield from _gathered(
            self.processes.client(),
            partial(take_batch, self.job),
            part,
            [bytes_of(named) for named in todo],
            lambda number: _refused(_ended_worker(todo[number].names.sample)),
        )


def look_batch(job: Job, files: Sequence[OfferedFile]) -> list[Look] | Stopped:
    """Runs in a worker: look at the files one by one."""
    return _worked(job, lambda intake: [look_at(intake, file, job.source) for file in files], lambda: None)


def take_batch(job: Job, batch: Sequence[Named]) -> list[Fate] | Stopped:
    """Runs in a worker: take the drafts one by one, and make what they came to durable."""

    def taken(intake: Intake) -> list[Fate]:
        keys = job.keys()
        fates = []
        for named in batch:
            own = replace(named, names=replace(named.names, key=keys.pseudonym))
            fates.append(take(intake, own, job.source, keys, job.put).fate)
        return fates

    return _worked(job, taken, job.settle)


def bytes_of(named: Named) -> int:
    """Size of a draft's files."""
    return sum(item.size for _, item in named.draft.files)


def batches(sizes: Sequence[int], workers: int) -> list[range]:
    """Runs of neighbours, each worth a message; towards the end ever smaller ones, so that all workers end together.

    A run takes at most what would leave each worker another one (guided self-scheduling; Polychronopoulos and Kuck,
    IEEE Trans Comput 1987;36:1425), by number and by bytes.

    Examples
    --------
    >>> [len(run) for run in batches([5_000_000] * 20, workers=2)]
    [5, 3, 3, 2, 1, 1, 1, 1, 1, 1, 1]
    >>> [len(run) for run in batches([1_000] * 200, workers=2)]
    [50, 38, 28, 21, 16, 12, 9, 8, 8, 8, 2]
    >>> batches([], workers=2)
    []
    """
    runs, start, left = [], 0, sum(sizes)
    while start < len(sizes):
        number = min(BATCH_SAMPLES, max(LEAST_SAMPLES, math.ceil((len(sizes) - start) / (2 * workers))))
        most = min(BATCH_BYTES, max(LEAST_BYTES, left / (2 * workers)))
        end, size = start + 1, sizes[start]
        while end - start < number and end < len(sizes) and size + sizes[end] <= most:
            size += sizes[end]
            end += 1
        runs.append(range(start, end))
        start, left = end, left - size
    return runs


def _worked(job: Job, work: Callable[[Intake], list[T]], settle: Settle) -> list[T] | Stopped:
    """One part of the work at a time; the disk may still be at the last one."""
    if code_identity() != job.code:
        return Stopped(
            found="a worker with another version of medassay",
            wanted=f"{job.code['medassay']}, source {job.code['source'][:12]}…",
            remedy="Install one version on all machines of the cluster.",
            where="",
        )
    try:
        with _ONE_AT_A_TIME:
            made = work(cast(Intake, module_of(ROOM, job.kind, what="kind of data")))
        settle()
    except EnvironmentLacking as error:
        return Stopped(error.found, error.wanted, error.remedy, error.where)
    return made


def _gathered(
    client: Client,
    work: Callable[[Any], list[T] | Stopped],
    part: Callable[[Sequence[int]], Any],
    sizes: Sequence[int],
    lost: Callable[[int], T],
) -> Iterator[tuple[int, T]]:
    """Keep every worker supplied; a batch that ended its workers is tried again one by one, alone.

    Parameters
    ----------
    work : callable
        Runs in a worker on what `part` gives of the numbers of a batch.
    lost : callable
        What comes of a number that ended every worker.
    """
    from distributed import KilledWorker

    waiting = batches(sizes, max(1, _workers(client)))[::-1]
    pending: dict[Future, Sequence[int]] = {}
    alone: list[int] = []
    try:
        while waiting or pending:
            most = AHEAD * max(1, _workers(client))
            while waiting and len(pending) < most:
                run = waiting.pop()
                pending[client.submit(work, part(run), pure=False)] = run
            for future in _finished(client, list(pending)):
                numbers, made = pending.pop(future), _result(future)
                if isinstance(made, KilledWorker):
                    alone += numbers
                else:
                    yield from zip(numbers, made, strict=True)
        for number in alone:
            future = client.submit(work, part([number]), pure=False)
            pending[future] = [number]
            while not _finished(client, [future]):
                continue
            del pending[future]
            made = _result(future)
            yield number, lost(number) if isinstance(made, KilledWorker) else made[0]
    finally:
        client.cancel(list(pending), force=True)


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
            raise unreachable(type(error).__name__) from error
        if client.status != "running":
            raise unreachable("a scheduler that has gone")
        if waited >= PATIENCE_S:
            raise unreachable("no worker")


def _result(future: Future) -> Any:
    """What a batch came to, or the error that says that its workers died."""
    from distributed import KilledWorker

    if future.status == "cancelled":
        raise unreachable("work that the scheduler has lost")
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


def _require_private(scheduler: str | None, source: Source) -> None:
    if scheduler is None or source.source_class != SourceClass.REAL or _is_private(scheduler):
        return
    raise WrongUse(
        found="a scheduler on another machine, reached in the clear",
        wanted="tls://, or a scheduler on this machine: names of files and persons are sent to it",
        remedy="Set the cluster up with TLS (distributed.comm.tls) and name it as tls://HOST:PORT.",
        where=f"source '{source.name}'",
    )


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


def _ended_worker(sample: str | None = None) -> Finding:
    return Finding(
        reason=Reason.HEADER_INVALID,
        severity=Severity.REFUSE,
        sample=sample,
        found="content that ended the process of its reader each time",
        wanted="a file that can be read in the memory there is",
        remedy="Export the file again; if it opens elsewhere, report the format to the maintainers.",
    )


def _refused(finding: Finding) -> Fate:
    return Fate(None, (), (finding,), finding)
