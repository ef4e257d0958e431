"""The sealed room: a command that sees its own folders and nothing else, with no network.

A command runs under bubblewrap where the machine has it and permits it. Elsewhere it runs as a plain process
with a cleaned environment, and the result says so: such a run is never called sealed.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread
from typing import IO

import medassay

PROGRAM = "bwrap"
LOG_BYTES = 64 * 1024  # what is kept of each stream: its end, where errors stand
LARGEST_FILE_BLOCKS = 8 * 1024 * 1024  # of 512 bytes: no file of a device's grows beyond 4 GB
LARGEST_OUTPUT = 16 * 1024**3  # of all files that a command leaves, so that it cannot fill the disk
WATCH_SECONDS = 1.0
SCRATCH_BYTES = 2 * 1024**3  # of /tmp inside, which is memory
PROBE_SECONDS = 20
ENVIRONMENT = {
    "HOME": "/tmp",
    "LANG": "C.UTF-8",
    "LOGNAME": "device",
    "OMP_NUM_THREADS": "2",
    "OMP_WAIT_POLICY": "PASSIVE",  # threads that spin while they wait take what another step needs: four times the time
    "PATH": "/usr/bin:/bin",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONHASHSEED": "0",
    "TMPDIR": "/tmp",
    "USER": "device",
}


@dataclass(frozen=True)
class Mount:
    """A host path and where the command finds it; read-only unless said otherwise."""

    host: Path
    inside: str
    writable: bool = False


@dataclass(frozen=True)
class Ended:
    """How one command ended. Logs are bounded and may repeat what the command read: for its maker only."""

    code: int | None  # None: ended by us
    sealed: bool
    means: str
    seconds: float
    stdout: bytes = field(repr=False)
    stderr: bytes = field(repr=False)
    overflow: bool = False  # ended by us for what it wrote, not for its time

    @property
    def how(self) -> str:
        """One phrase without a word of the command's own."""
        if self.code is None:
            return "ended for writing too much" if self.overflow else "ended after its time"
        return "ended by itself" if self.code == 0 else f"ended with code {self.code}"


def python_command(script: str, *arguments: str) -> list[str]:
    """This environment's Python on a script of the folder that the command starts in."""
    return [sys.executable, "-s", script, *arguments]


def run(
    command: Sequence[str],
    *,
    mounts: Sequence[Mount],
    folder: str,
    seconds: float,
    absent: Sequence[Path] = (),
) -> Ended:
    """Run `command` in `folder` with the mounts alone; its whole process tree ends with it.

    Parameters
    ----------
    command : sequence of str
        Paths are those inside; without a sandbox each is replaced by the host's.
    absent : sequence of Path
        What the command must not see (store, keys, labels). Where one of them lies under a folder that has
        to be visible, the room is not sealed.
    """
    reason = _why_not_sealed(mounts, absent)
    outputs = [mount.host for mount in mounts if mount.writable]
    if reason is None:
        full = [*_bubblewrap(mounts, folder), *command]
        return _supervised(full, None, outputs, seconds, sealed=True, means=_version())
    to_host = {mount.inside: str(mount.host) for mount in mounts}
    plain = [_on_host(part, to_host) for part in command]
    return _supervised(plain, _on_host(folder, to_host), outputs, seconds, sealed=False, means=reason)


def _why_not_sealed(mounts: Sequence[Mount], absent: Sequence[Path]) -> str | None:
    program = shutil.which(PROGRAM)
    if program is None:
        return "not sealed: bubblewrap is not installed"
    visible = [*_system_folders(), *(mount.host.resolve() for mount in mounts)]
    if any(_lies_in(path.resolve(), folder) for path in absent for folder in visible):
        return "not sealed: the store or the keys lie in a folder that the device has to see"
    probe = subprocess.run(
        [*_bubblewrap((), "/"), "/usr/bin/true"],
        check=False,
        capture_output=True,
        timeout=PROBE_SECONDS,
        env=ENVIRONMENT,
    )
    return None if probe.returncode == 0 else "not sealed: this machine does not permit bubblewrap"


def _bubblewrap(mounts: Sequence[Mount], folder: str) -> list[str]:
    """The sandbox's own command line: an empty root, made read-only at the end but for scratch and output."""
    arguments = [PROGRAM, "--unshare-all", "--die-with-parent", "--new-session", "--clearenv"]
    for name, value in ENVIRONMENT.items():
        arguments += ["--setenv", name, value]
    arguments += ["--ro-bind", "/usr", "/usr"]
    for link in ("bin", "lib", "lib64"):
        arguments += ["--symlink", f"usr/{link}", f"/{link}"]
    arguments += ["--ro-bind-try", "/etc/ld.so.cache", "/etc/ld.so.cache"]
    arguments += ["--proc", "/proc", "--dev", "/dev"]
    for scratch in (
        "/tmp",
        "/dev/shm",
    ):  # before the folders, since the environment itself may lie below /tmp
        arguments += ["--size", str(SCRATCH_BYTES), "--tmpfs", scratch]
    for path in _system_folders():
        if path != Path("/usr"):
            arguments += ["--ro-bind", str(path), str(path)]
    arguments += _without_engine()
    for mount in mounts:
        arguments += ["--bind" if mount.writable else "--ro-bind", str(mount.host.resolve()), mount.inside]
    return [*arguments, "--remount-ro", "/", "--chdir", folder, "--"]


def _system_folders() -> list[Path]:
    """What any Python program needs to see: the system's programs, the environment and its base Python."""
    folders = [Path("/usr")]
    for path in (Path(sys.prefix), Path(sys.base_prefix), Path(sys.executable).resolve().parents[1]):
        if not any(_lies_in(path, known) for known in folders):
            folders.append(path)
    return folders


def _without_engine() -> list[str]:
    """Cover the engine where it is installed in the environment: a device imports nothing of it."""
    engine = Path(medassay.__file__).resolve().parent
    inside = any(_lies_in(engine, folder) for folder in _system_folders())
    return ["--tmpfs", str(engine)] if inside else []


def _lies_in(path: Path, folder: Path) -> bool:
    return path == folder or folder in path.parents


def _version() -> str:
    shown = subprocess.run(
        [PROGRAM, "--version"], check=True, capture_output=True, timeout=PROBE_SECONDS, text=True
    )
    return f"{shown.stdout.strip()}: no network, own processes, read-only but for the output"


def _on_host(part: str, to_host: Mapping[str, str]) -> str:
    for inside, host in to_host.items():
        if part == inside or part.startswith(f"{inside}/"):
            return host + part[len(inside) :]
    return part


def _supervised(
    command: Sequence[str],
    folder: str | None,
    outputs: Sequence[Path],
    seconds: float,
    *,
    sealed: bool,
    means: str,
) -> Ended:
    limits = f'ulimit -c 0; ulimit -f {LARGEST_FILE_BLOCKS}; exec "$@"'
    started = time.monotonic()
    process = subprocess.Popen(
        ["/bin/sh", "-c", limits, "sh", *command],
        cwd=folder,
        env=ENVIRONMENT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    said, complained = _Tail(process.stdout), _Tail(process.stderr)
    try:
        code, overflow = _wait(process, outputs, seconds)
    finally:
        # The group outlives its leader where a child was left behind; inside bubblewrap the kernel ends
        # every process of the room with the first one.
        _end_group(process)
    taken = time.monotonic() - started
    return Ended(code, sealed, means, taken, said.finish(), complained.finish(), overflow)


def _wait(
    process: subprocess.Popen[bytes], outputs: Sequence[Path], seconds: float
) -> tuple[int | None, bool]:
    """The exit code, or None where the command has to be ended; and whether that is for what it wrote."""
    deadline = time.monotonic() + seconds
    while True:
        left = deadline - time.monotonic()
        try:
            return process.wait(max(0.0, min(left, WATCH_SECONDS))), False
        except subprocess.TimeoutExpired:
            if sum(map(_size, outputs)) > LARGEST_OUTPUT:
                return None, True
            if left <= 0:
                return None, False


def _size(folder: Path) -> int:
    """Bytes on disk below a folder; what goes while it is counted is not counted."""
    total = 0
    for root, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(os.path.join(root, name)).st_blocks * 512
            except FileNotFoundError:
                continue
    return total


def _end_group(process: subprocess.Popen[bytes]) -> None:
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    finally:
        process.wait()


class _Tail(Thread):
    """Drains a stream so that its writer never blocks, and keeps only the end of it."""

    def __init__(self, stream: IO[bytes]) -> None:
        super().__init__(daemon=True)
        self._stream = stream
        self._kept = bytearray()
        self.start()

    def run(self) -> None:
        while chunk := os.read(self._stream.fileno(), LOG_BYTES):
            self._kept += chunk
            del self._kept[:-LOG_BYTES]

    def finish(self) -> bytes:
        """The end of the stream; a process that escaped its group may hold it open, so waiting is bounded."""
        self.join(timeout=2)
        if not self.is_alive():
            self._stream.close()
        return bytes(self._kept)
