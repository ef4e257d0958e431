"""`medassay receive INBOX`: a DICOM storage SCP whose inbox is a folder for `ingest`."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from medassay.datasets.receive import Receiver, receiving

COUNTS = (
    "objects_received",
    "objects_there_already",
    "objects_refused",
    "echoes",
    "associations",
    "associations_rejected",
    "associations_dropped",
)


def run(
    inbox: Path,
    *,
    host: str = "127.0.0.1",
    port: int = 11112,
    ae_title: str = "MEDASSAY",
    callers: Sequence[str] = (),
    until_idle_s: float | None = None,
    listening: Callable[[Receiver], None] | None = None,
) -> dict[str, int]:
    """Receive until the process is told to stop (SIGINT, SIGTERM), or nobody has connected for a while.

    Parameters
    ----------
    until_idle_s : float, optional
        Seconds without any connection after which it ends by itself.
    listening : callable, optional
        Told once that senders can connect.

    Returns
    -------
    dict
        How many objects and associations there were, by what became of them.
    """
    with (
        _told_to_stop() as stop,
        receiving(inbox, host=host, port=port, ae_title=ae_title, callers=callers) as receiver,
    ):
        if listening:
            listening(receiver)
        while not stop.wait(0.1):
            if until_idle_s is not None and receiver.idle_s >= until_idle_s:
                break
    return {name: receiver.counts[name] for name in COUNTS}


@contextmanager
def _told_to_stop() -> Iterator[threading.Event]:
    """An event that the usual signals set; where this is no main thread, signals go their own way."""
    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    before = {
        number: signal.signal(number, lambda *_: stop.set()) for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
