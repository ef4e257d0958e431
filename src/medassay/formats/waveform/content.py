"""The bytes of a file by range: what is not asked for is not read."""

from __future__ import annotations

from pathlib import Path


class FileBytes:
    """Bytes of a file, with the two operations of `bytes` that readers need: length and slice."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._size = path.stat().st_size

    def __len__(self) -> int:
        return self._size

    def __getitem__(self, part: slice) -> bytes:
        start, stop, step = part.indices(self._size)
        with self._path.open("rb") as stream:
            stream.seek(start)
            return stream.read(max(stop - start, 0))[::step]


Content = bytes | FileBytes
Source = bytes | Path


def content_of(source: Source | FileBytes) -> Content:
    """The same bytes from memory or from a file.

    Examples
    --------
    >>> content_of(b"abc")[1:3]
    b'bc'
    """
    return FileBytes(source) if isinstance(source, Path) else source
