"""Worker processes that start while this one goes on with its work: local ones, or those of a Dask cluster.

Local workers are forked from a server process that has loaded their libraries once, so each starts in a tenth of a
second instead of loading them anew; the server loads while this process loads Dask, and looks at files.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import TYPE_CHECKING

from medassay.core.errors import EnvironmentLacking

if TYPE_CHECKING:
    from distributed import Client

CONNECT_S = 15.0
ONE_THREAD = {f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL")}
QUIET = {
    "distributed.worker.multiprocessing-method": "forkserver",
    "distributed.worker.memory.target": False,  # nothing of a hospital is spilled to disk
    "distributed.worker.memory.spill": False,
    "distributed.worker.memory.pause": False,
    "distributed.worker.memory.terminate": False,
    "distributed.comm.timeouts.connect": "60s",
    # Nobody looks at how a worker fares; looking took it an eighth of its time.
    "distributed.worker.profile.enabled": False,
    "distributed.admin.tick.interval": "1s",
    "distributed.admin.system-monitor.interval": "10s",
}


class Processes:
    """Use as a context; `begin` returns at once, `client` waits for the workers.

    Parameters
    ----------
    scheduler : str, optional
        Address of a Dask scheduler; then its workers, whatever their number.
    libraries : sequence
        Modules that local workers need.
    """

    def __init__(self, scheduler: str | None, libraries: Sequence[str]) -> None:
        self._scheduler, self._libraries = scheduler, libraries
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="worker processes")
        self._held = ExitStack()
        self._client: Future[Client] | None = None

    def __enter__(self) -> Processes:
        return self

    def __exit__(self, *_: object) -> None:
        self.dismiss()
        self._thread.shutdown()

    def begin(self, number: int) -> None:
        """Have so many local workers started, or the scheduler asked, once."""
        if self._client is None:
            if self._scheduler is None:
                _load_once(self._libraries)
            self._client = self._thread.submit(self._opened, number)

    def dismiss(self) -> None:
        """Have the workers ended, whatever they do, and the connection closed."""
        self._thread.submit(self._held.close)

    @property
    def have_begun(self) -> bool:
        return self._client is not None

    @property
    def are_there(self) -> bool:
        """Whether `client` would not wait."""
        return self._client is not None and self._client.done()

    def client(self) -> Client:
        """The connection to the workers.

        Raises
        ------
        EnvironmentLacking
            When the scheduler cannot be reached.
        """
        if self._client is None:
            raise LookupError("processes that have not begun")
        return self._client.result()

    def _opened(self, number: int) -> Client:
        found = _local(number) if self._scheduler is None else _connected(self._scheduler)
        return self._held.enter_context(found)


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0))


def unreachable(found: str) -> EnvironmentLacking:
    """What to say of a cluster that does not answer."""
    return EnvironmentLacking(
        found=found,
        wanted="a Dask scheduler that answers, with workers",
        remedy="Start `dask scheduler` and `dask worker`, or leave --scheduler out. A rerun carries on.",
        where="--scheduler",
    )


@contextmanager
def _connected(scheduler: str) -> Iterator[Client]:
    from distributed import Client

    try:
        client = Client(scheduler, timeout=CONNECT_S, set_as_default=False)
    except (OSError, ValueError, TimeoutError) as error:
        raise unreachable(type(error).__name__) from error
    with client:
        yield client


@contextmanager
def _local(number: int) -> Iterator[Client]:
    import dask
    from distributed import Client, LocalCluster, utils

    # Dask would load pandas into this process to have it loaded for a server of its own; ours runs already.
    utils._forkserver_preload_set = True
    with (
        tempfile.TemporaryDirectory(prefix="medassay-spread-") as scratch,
        dask.config.set(QUIET),
        LocalCluster(
            n_workers=number,
            threads_per_worker=2,  # one waits for the disk while the other reads
            processes=True,
            host="127.0.0.1",
            security=True,  # other users of this machine reach the port, but have no certificate
            dashboard_address=None,
            local_directory=scratch,
            silence_logs=50,
        ) as cluster,
        Client(cluster, set_as_default=False) as client,
    ):
        # The process that workers are forked from may be older than a setting.
        client.register_worker_callbacks(partial(_adopt, dict(os.environ)))
        yield client


def _adopt(environment: Mapping[str, str]) -> None:
    os.environ.clear()
    os.environ.update(environment)


def _load_once(libraries: Sequence[str]) -> None:
    """Start the process that workers are forked from; one that runs already goes on with what it has loaded."""
    from multiprocessing import forkserver

    forkserver.set_forkserver_preload([*libraries, "distributed.nanny"])
    with _environment(ONE_THREAD):  # as many workers as cores: none needs threads of its own
        forkserver.ensure_running()


@contextmanager
def _environment(settings: Mapping[str, str]) -> Iterator[None]:
    """Settings for a process that is started within; it can be given none of its own."""
    before = {name: os.environ.get(name) for name in settings}
    os.environ.update(settings)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
