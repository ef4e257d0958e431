"""Decode compressed frames in a process that may die: the codecs are compiled code, and frames may be hostile.

One process serves all frames of its parent. Should it die, hang or ask for too much memory, that frame is
refused and the next one gets a new process. As a program, this file reads requests on standard input and gives
pixels on standard output; it needs pydicom and its plugins, nothing of this package.
"""

from __future__ import annotations

import atexit
import json
import os
import select
import struct
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from typing import IO, Any

MOST_BYTES = 4 << 30  # of address space
MOST_SECONDS = 60.0


class DecoderLost(Exception):
    """The process died or did not answer in time."""


class DecoderRefused(Exception):
    """No codec decodes the frame; the classes of their errors."""


@dataclass(frozen=True)
class Decoded:
    """One frame as it came out: native bytes, their type and shape, and what the colours are now."""

    content: bytes
    dtype: str
    shape: tuple[int, ...]
    photometric: str


class _Worker:
    """One child process, and the pipe to it."""

    def __init__(self) -> None:
        self.owner = os.getpid()
        self.child = subprocess.Popen(
            [sys.executable, "-I", __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # what codecs print may quote the frame
            env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        )

    def ask(self, options: dict[str, Any], frame: bytes, seconds: float) -> tuple[dict[str, Any], bytes]:
        to_child, from_child = self.child.stdin, self.child.stdout
        if to_child is None or from_child is None:
            raise DecoderLost
        try:
            _send(to_child, options, frame)
        except OSError as error:
            raise DecoderLost from error
        deadline = time.monotonic() + seconds
        head_length, body_length = struct.unpack("<QQ", self._take(from_child, 16, deadline))
        head = json.loads(self._take(from_child, head_length, deadline))
        return head, self._take(from_child, body_length, deadline)

    def _take(self, pipe: IO[bytes], count: int, deadline: float) -> bytes:
        parts, left, handle = [], count, pipe.fileno()
        while left:
            ready, _, _ = select.select([handle], [], [], max(deadline - time.monotonic(), 0))
            part = os.read(handle, min(left, 1 << 20)) if ready else b""
            if not part:
                raise DecoderLost
            parts.append(part)
            left -= len(part)
        return b"".join(parts)

    def end(self) -> None:
        if self.owner == os.getpid():
            self.child.kill()
            self.child.wait()
        for pipe in (self.child.stdin, self.child.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except OSError:  # what was still to be sent to a dead child
                    continue


_lock = threading.Lock()
_worker: _Worker | None = None


def decode(frame: bytes, options: dict[str, Any], *, seconds: float = MOST_SECONDS) -> Decoded:
    """Decode one frame by the first installed codec that can.

    Parameters
    ----------
    frame : the codestream, not encapsulated; or a whole picture file
    options : page (of a picture file, from 0), most_bytes (of its pixels), is_tiff; or those of a DICOM frame:
        transfer_syntax_uid, rows, columns, samples_per_pixel, bits_allocated, bits_stored,
        pixel_representation, photometric_interpretation, planar_configuration

    Raises
    ------
    DecoderRefused, DecoderLost
    """
    global _worker
    with _lock:
        if _worker is None or _worker.owner != os.getpid() or _worker.child.poll() is not None:
            _worker = _Worker()
        try:
            head, body = _worker.ask(options, frame, seconds)
        except (DecoderLost, ValueError, struct.error) as error:
            end()
            raise DecoderLost("the decoder died or did not end") from error
    if "error" in head:
        raise DecoderRefused(head["error"])
    return Decoded(body, head["dtype"], tuple(head["shape"]), head["photometric"])


@atexit.register
def end() -> None:
    """End the process; the next frame starts another."""
    global _worker
    if _worker is not None:
        _worker.end()
        _worker = None


def _send(pipe: IO[bytes], head: dict[str, Any], body: bytes) -> None:
    text = json.dumps(head).encode()
    pipe.write(struct.pack("<QQ", len(text), len(body)) + text)
    pipe.write(body)
    pipe.flush()


def _answer(options: dict[str, Any], frame: bytes) -> tuple[dict[str, Any], bytes]:
    import numpy as np

    try:
        array, colours = _picture(frame, **options) if "page" in options else _dicom_frame(frame, options)
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 - codecs raise anything; the parent is told the class only
        return {"error": type(error).__name__}, b""
    array = np.ascontiguousarray(array)
    head = {"dtype": array.dtype.str, "shape": array.shape, "photometric": colours}
    return head, array.tobytes()


def _dicom_frame(frame: bytes, options: dict[str, Any]) -> tuple[Any, str]:
    from pydicom.encaps import encapsulate
    from pydicom.pixels.decoders.base import get_decoder

    decoder = get_decoder(options.pop("transfer_syntax_uid"))
    options |= {"number_of_frames": 1, "pixel_keyword": "PixelData"}
    array, facts = decoder.as_array(encapsulate([frame], has_bot=False), index=0, **options)
    return array, str(facts.get("photometric_interpretation", ""))


def _picture(content: bytes, *, page: int, most_bytes: int, is_tiff: bool) -> tuple[Any, str]:
    """One page of a picture file; TIFF by tifffile, which knows depths that Pillow does not, where it can."""
    import io

    import numpy as np
    from PIL import Image

    if is_tiff:
        import tifffile

        try:
            with tifffile.TiffFile(io.BytesIO(content)) as book:
                leaf = book.pages[page]
                if leaf.nbytes > most_bytes:
                    raise MemoryError
                return leaf.asarray(), leaf.photometric.name
        except MemoryError:
            raise
        except Exception:  # noqa: BLE001 - a compression that tifffile lacks; Pillow has other ones
            pass
    Image.MAX_IMAGE_PIXELS = most_bytes
    with Image.open(io.BytesIO(content)) as picture:
        picture.seek(page)
        if picture.width * picture.height * len(picture.getbands()) > most_bytes:
            raise MemoryError
        picture.load()
        return np.asarray(picture), picture.mode


def main() -> None:
    """Answer requests until the parent closes the pipe."""
    import logging
    import resource
    import warnings

    resource.setrlimit(resource.RLIMIT_AS, (MOST_BYTES, MOST_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    source, sink = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # a codec that prints must not print into the answer
    while len(sizes := source.read(16)) == 16:
        head_length, body_length = struct.unpack("<QQ", sizes)
        options = json.loads(source.read(head_length))
        _send(sink, *_answer(options, source.read(body_length)))


if __name__ == "__main__":
    main()
