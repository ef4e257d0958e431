"""A WFDB record as it lies in a folder: which files and segments belong to it, and where each begins.

References
----------
WFDB Applications Guide, header(5).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from medassay.core.errors import WrongUse
from medassay.formats.waveform import wfdb_formats
from medassay.formats.waveform.wfdb_record import BYTE_ORDER_MARK, Header, Lead, read_header

LARGEST_HEADER = 1 << 20
GAP = "~"


@dataclass(frozen=True)
class Group:
    """The signals of one file of a segment, by their places in the segment's header."""

    path: Path = field(repr=False)
    places: tuple[int, ...]


@dataclass(frozen=True)
class Segment:
    """A piece of a record. `header` is None where its header is not there or cannot be read."""

    header: Header | None
    first: int  # frame of the record at which it begins
    length: int  # frames
    gap: bool
    folder: Path = field(repr=False)

    @cached_property
    def groups(self) -> tuple[Group, ...]:
        """Signals by file, in order; a name that leads out of the folder is not followed."""
        names = list(dict.fromkeys(lead.file for lead in self.header.leads)) if self.header else []
        return tuple(
            Group(self.folder / Path(name).name, tuple(self._places(name))) for name in names if name != GAP
        )

    def _places(self, name: str) -> Iterator[int]:
        assert self.header is not None
        return (place for place, lead in enumerate(self.header.leads) if lead.file == name)

    def leads_of(self, group: Group) -> list[Lead]:
        assert self.header is not None
        return [self.header.leads[place] for place in group.places]


@dataclass(frozen=True)
class Opened:
    """A record whose headers were read. `leads` are those of the whole record; `length` is in frames."""

    header: Header
    leads: tuple[Lead, ...]
    segments: tuple[Segment, ...]
    length: int
    names: frozenset[str] = field(repr=False)  # of all files that belong to it
    marked: bool = False  # the header begins with a byte-order mark

    @property
    def sampling_hz(self) -> float:
        return self.header.sampling_hz or 0.0

    def rate_hz(self, lead: Lead) -> float:
        return self.sampling_hz * lead.frame


def open(path: Path) -> Opened:
    """Read a record's header and, of a record in segments, the headers of these.

    Raises
    ------
    WrongUse
        When the record's own header has not the form of one.
    """
    content = _content(path)
    header, folder = read_header(content), path.parent
    if header.parts:
        segments, leads = _segments(header, folder)
    else:
        length = header.length or _length_of_files(Segment(header, 0, 0, False, folder))
        segments, leads = (Segment(header, 0, length, False, folder),), header.leads
    names = {group.path.name for segment in segments for group in segment.groups}
    names |= {f"{part.name}.hea" for part in header.parts if part.name != GAP}
    last = segments[-1] if segments else None
    return Opened(
        header=header,
        leads=leads,
        segments=segments,
        length=last.first + last.length if last else 0,
        names=frozenset(names),
        marked=content.startswith(BYTE_ORDER_MARK),
    )


def place_of(opened: Opened, segment: Segment, number: int) -> int | None:
    """Where a signal of the record stands in a segment: by its name, or by its place where all have the same."""
    if segment.header is None:
        return None
    if not opened.header.parts:
        return number
    names = [lead.name for lead in segment.header.leads]
    wanted = [lead.name for lead in opened.leads]
    if names == wanted:
        return number
    name = wanted[number]
    return names.index(name) if wanted.count(name) == 1 and names.count(name) == 1 else None


def _content(path: Path) -> bytes:
    size = path.stat().st_size
    if size > LARGEST_HEADER:
        raise WrongUse(
            found=f"a header of {size} bytes",
            wanted=f"at most {LARGEST_HEADER} bytes",
            remedy="Export the record again.",
        )
    return path.read_bytes()


def _segments(header: Header, folder: Path) -> tuple[tuple[Segment, ...], tuple[Lead, ...]]:
    """Pieces in order; the leads are those of the layout, which comes first with no length, or of a segment."""
    read = {part.name: _segment_header(folder, part.name) for part in header.parts if part.name != GAP}
    layout = read.get(header.parts[0].name) if not header.parts[0].length else None
    pieces, at = [], 0
    for part in header.parts[1:] if layout is not None else header.parts:
        gap = part.name == GAP
        pieces.append(Segment(None if gap else read[part.name], at, part.length, gap, folder))
        at += part.length
    first = layout or next((piece.header for piece in pieces if piece.header), None)
    return tuple(pieces), first.leads if first else ()


def _segment_header(folder: Path, name: str) -> Header | None:
    path = folder / f"{name}.hea"
    try:
        found = read_header(_content(path)) if path.is_file() else None
    except WrongUse:
        return None
    return None if found is None or found.parts else found  # segments are not nested


def _length_of_files(segment: Segment) -> int:
    """Frames that the shortest signal file holds, for a header that does not say."""
    lengths = [_length_of(segment, group) for group in segment.groups]
    return min(lengths, default=0)


def _length_of(segment: Segment, group: Group) -> int:
    leads = segment.leads_of(group)
    form, frame = leads[0].form, sum(lead.frame for lead in leads)
    if not group.path.is_file() or not wfdb_formats.known(form) or not frame:
        return 0
    if form in wfdb_formats.FLAC:
        stream = wfdb_formats.stream_of(head_of(group.path))
        return (stream.samples - leads[0].offset) // leads[0].frame if stream else 0
    return wfdb_formats.samples_in(form, max(group.path.stat().st_size - leads[0].offset, 0)) // frame


def head_of(path: Path) -> bytes:
    """First bytes of a signal file."""
    with path.open("rb") as stream:
        return stream.read(128)
