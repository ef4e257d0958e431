"""A DICOM storage SCP: what scanners and archives send ends as whole files in an inbox that ingest reads.

An object counts as received once its bytes are on the disk under their digest; only then is the sender told
success. So an association that is dropped, and a receiver that is killed, lose nothing that was acknowledged, and
leave nothing half-written in the inbox: a sender that sends again meets its own bytes. The data set is kept as it
was sent, in the transfer syntax it came in; nothing is decoded here.

`Inbox` is the door for other ways in (a query and retrieve from an archive): whoever brings bytes gives them to
`keep`.
"""

from __future__ import annotations

import errno
import os
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medassay.core.atomic import fsync_folder, lock, write_atomic
from medassay.core.canonical import digest_bytes
from medassay.core.errors import EnvironmentLacking, WrongUse
from medassay.datasets.store import sweep

if TYPE_CHECKING:
    from pynetdicom.events import Event

ASSOCIATIONS = 4  # at once; a fifth is told to come back (PS3.8 9.3.4: local limit exceeded, transient)
PDU_BYTES = 1 << 18
NETWORK_TIMEOUT_S = 60.0  # an association that says nothing for so long is given up
# DIMSE statuses of C-STORE (PS3.4 B.2.3).
SUCCESS, OUT_OF_RESOURCES, CANNOT_UNDERSTAND = 0x0000, 0xA700, 0xC000


@dataclass(frozen=True)
class Inbox:
    """A folder of received files, each under its digest: `ab/cdef….dcm`.

    What is still being written lies beside the folder, never in it: ingest reads whole files alone.
    """

    folder: Path

    @property
    def incoming(self) -> Path:
        return self.folder.with_name(f".{self.folder.name}.incoming")

    def keep(self, content: bytes) -> bool:
        """Put one whole file into the inbox; False when it lay there already.

        Raises
        ------
        EnvironmentLacking
            When the disk is full or may not be written; then nothing of it is there.
        """
        digest = digest_bytes(content)
        path = self.folder / digest[:2] / f"{digest[2:]}.dcm"
        if path.exists():
            return False
        arrived = self.incoming / f"{digest}.{threading.get_ident()}"
        write_atomic(arrived, content, mode=0o600)
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            os.replace(arrived, path)
            for folder in (path.parent, self.folder):
                fsync_folder(folder)
        except OSError as error:
            arrived.unlink(missing_ok=True)
            raise EnvironmentLacking(
                found=error.strerror or "an inbox that cannot be written",
                wanted="a received file in the inbox",
                remedy="Free space or give write permission; the sender will send again.",
                where=str(self.folder),
            ) from error
        return True


@dataclass
class Receiver:
    """A storage SCP at work."""

    inbox: Inbox
    host: str
    port: int
    counts: Counter[str] = field(default_factory=Counter)
    open_now: int = 0
    last: float = field(default_factory=time.monotonic)  # when something was last heard
    _one: threading.Lock = field(default_factory=threading.Lock)

    @property
    def idle_s(self) -> float:
        """How long nobody has been connected."""
        return 0.0 if self.open_now else time.monotonic() - self.last

    def _heard(self, what: str, opened: int = 0) -> None:
        with self._one:
            self.counts[what] += 1
            self.open_now += opened
            self.last = time.monotonic()

    def _store(self, event: Event) -> int:
        """One C-STORE: acknowledged when its bytes are on the disk."""
        try:
            if event.request.DataSet is None:
                raise ValueError
            content = event.encoded_dataset()
        except (ValueError, AttributeError):
            self._heard("objects_refused")
            return CANNOT_UNDERSTAND
        try:
            new = self.inbox.keep(content)
        except EnvironmentLacking:
            self._heard("objects_refused")
            return OUT_OF_RESOURCES
        self._heard("objects_received" if new else "objects_there_already")
        return SUCCESS

    def _echo(self, _: Event) -> int:
        self._heard("echoes")
        return SUCCESS

    def handlers(self) -> list[tuple[Any, Any]]:
        """What is done at each event of the association."""
        from pynetdicom import evt

        return [
            (evt.EVT_C_STORE, self._store),
            (evt.EVT_C_ECHO, self._echo),
            (evt.EVT_ACCEPTED, lambda _: self._heard("associations")),
            (evt.EVT_REJECTED, lambda _: self._heard("associations_rejected")),
            (evt.EVT_ABORTED, lambda _: self._heard("associations_dropped")),
            (evt.EVT_CONN_OPEN, lambda _: self._heard("connections", +1)),
            (evt.EVT_CONN_CLOSE, lambda _: self._heard("connections_closed", -1)),
        ]


@contextmanager
def receiving(
    folder: Path,
    *,
    host: str = "127.0.0.1",
    port: int = 11112,
    ae_title: str = "MEDASSAY",
    callers: Sequence[str] = (),
) -> Iterator[Receiver]:
    """Listen until the block ends; every SOP class of storage, every transfer syntax.

    Parameters
    ----------
    folder : Path
        The inbox: for the owner alone, since what arrives identifies.
    host : str
        Address to listen at; the default is heard on this machine only.
    port : int
        0: any that is free.
    callers : sequence of str
        AE titles that may connect; none: any.

    Raises
    ------
    EnvironmentLacking
        When the port is taken, or another receiver writes to this inbox.
    WrongUse
        For an AE title that DICOM does not allow.
    """
    from pynetdicom import AE, ALL_TRANSFER_SYNTAXES, AllStoragePresentationContexts, build_context
    from pynetdicom.sop_class import Verification

    inbox = Inbox(folder)
    try:
        entity = AE(ae_title=ae_title)
        entity.require_calling_aet = list(callers)
    except (ValueError, TypeError) as error:
        raise WrongUse(
            found="an AE title that is none",
            wanted="1 to 16 letters, digits, spaces or signs of ASCII, without a backslash",
            remedy="Correct the AE title.",
        ) from error
    entity.supported_contexts = [
        build_context(one.abstract_syntax, ALL_TRANSFER_SYNTAXES) for one in AllStoragePresentationContexts
    ]
    entity.add_supported_context(Verification)
    entity.maximum_associations = ASSOCIATIONS
    entity.maximum_pdu_size = PDU_BYTES
    entity.network_timeout = entity.dimse_timeout = NETWORK_TIMEOUT_S
    for made in (inbox.folder, inbox.incoming):
        made.mkdir(parents=True, exist_ok=True, mode=0o700)
    with lock(inbox.incoming / "lock"):
        _clear(inbox.incoming)
        receiver = Receiver(inbox, host, port)
        server = _started(entity, receiver)
        receiver.port = server.server_address[1]
        try:
            yield receiver
        finally:
            server.shutdown()
            entity.shutdown()


def _started(entity: Any, receiver: Receiver) -> Any:
    try:
        return entity.start_server(
            (receiver.host, receiver.port), block=False, evt_handlers=receiver.handlers()
        )
    except OSError as error:
        raise EnvironmentLacking(
            found="an address that is taken"
            if error.errno == errno.EADDRINUSE
            else (error.strerror or "no address"),
            wanted="an address and port to listen at",
            remedy="Name another with --host and --port; ports below 1024 need a privilege.",
            where=f"{receiver.host}:{receiver.port}",
        ) from error


def _clear(incoming: Path) -> None:
    """What a killed receiver was still writing was never acknowledged: its sender sends it again."""
    sweep(incoming)
    for left in incoming.iterdir():
        if left.name != "lock":
            left.unlink()
