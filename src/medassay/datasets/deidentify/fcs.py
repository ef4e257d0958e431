"""Flow cytometry files (FCS 2.0 to 3.2): TEXT anew of listed keywords, DATA byte for byte, no other segment.

Offsets are written anew, so that a file whose header and text disagree leaves in order. Supplemental TEXT is read for
listed keywords; ANALYSIS, OTHER and bytes between the segments go.

References
----------
FCS 3.1 (Spidlen 2010), 3.1 (HEADER), 3.2 (TEXT), 3.3 (DATA), 3.6 (CRC).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from medassay.core.canonical import digest_bytes
from medassay.core.findings import Finding, Reason
from medassay.datasets.deidentify import fcs_keywords
from medassay.datasets.deidentify.facts import Facts, joined
from medassay.datasets.deidentify.outgoing import Actions, CannotClean, Outgoing, left
from medassay.datasets.deidentify.profile import Profile
from medassay.datasets.sample import Names
from medassay.formats.ivd import fcs
from medassay.formats.ivd.refusal import IvdRefused

HEADER = 58
FARTHEST = 99_999_999  # byte that a header of eight digits can tell
WIDTH = 12  # digits of an offset in TEXT
NO_CHECK = b"00000000"  # of FCS 3: a check that is not made
VERSIONS = (b"FCS2.0", b"FCS3.0", b"FCS3.1", b"FCS3.2")
SAMPLES = "samples"
NEEDED = frozenset(("$BYTEORD", "$DATATYPE", "$PAR", "$TOT"))  # no reader finds the events without them
BYTES = {"F": 4, "D": 8}  # of a number, by the type of the data
WIDTHS = ("8", "16", "32")  # bits of a whole number


@dataclass(frozen=True)
class _Set:
    """One data set of a file."""

    version: bytes
    pairs: Mapping[str, str]  # of TEXT, and of supplemental TEXT where TEXT lacks them
    data: bytes
    rest: bool  # bytes beside header, TEXT and DATA


def recognises(head: bytes) -> bool:
    """The version at the start."""
    return fcs.recognises(head)


def facts_of(content: bytes) -> list[Facts]:
    """Who the keywords name."""
    return [joined(fcs_keywords.facts_of(one.pairs) for one in _sets(content))]


def clean(content: bytes, who: Sequence[Names], known: Sequence[str], profile: Profile) -> Outgoing:
    """The file with nobody in it.

    Raises
    ------
    CannotClean, IvdRefused
        When a data set is cut off, or of a type whose end cannot be told.
    """
    actions: Actions = Counter()
    sets, out = _sets(content), b""
    for number, one in enumerate(sets, 1):
        pairs = fcs_keywords.clean(one.pairs, who[0], known, profile, actions)
        if NEEDED - pairs.keys():
            raise CannotClean(
                Reason.HEADER_INVALID, "a required keyword in no form of its own", "all", "TEXT"
            )
        actions["segments beside TEXT and DATA", "removed"] += one.rest
        actions["DATA", "kept"] += 1
        out += _written(one.version, pairs, one.data, last=number == len(sets))
    return Outgoing((("events.fcs", out),), +actions, {SAMPLES: _digest([one.data for one in sets])})


def prove(content: bytes, bulk: Mapping[str, str], known: Sequence[str], profile: Profile) -> list[Finding]:
    """Read header, keywords and offsets again; nothing stands between segments, and DATA are those that were read."""
    found, data, at = [], [], 0
    try:
        while at < len(content):
            problems, events, length = _read_again(content[at:], known, profile)
            found += problems
            data.append(events)
            at += length
        sets = fcs.open(content)
    except (IvdRefused, CannotClean, ValueError, KeyError, IndexError) as error:
        return [left("segments", f"bytes that cannot be followed ({type(error).__name__})")]
    if len(sets) != len(data) or any(one.tolerance for one in sets):
        found.append("offsets")
    if _digest(data) != bulk.get(SAMPLES):
        found.append("DATA")
    return [left(place, "something that the allow-list does not hold") for place in dict.fromkeys(found)]


def searched(content: bytes) -> bytes:
    """What is searched for names: header and TEXT of each data set."""
    return b"\n".join(content[at : at + end + 1] for at, end in _texts(content))


def _texts(content: bytes) -> Iterator[tuple[int, int]]:
    """Where each data set of an output begins, and where in it its TEXT ends."""
    at = 0
    while at < len(content):
        end = int(content[at + 18 : at + 26])
        yield at, end
        following = int(fcs_keywords.pairs_of(content[at + HEADER : at + end + 1])["$NEXTDATA"])
        at = at + following if following else len(content)


def _sets(content: bytes) -> list[_Set]:
    """The data sets, as the reader takes them."""
    found, at = [], 0
    for told in fcs.open(content):
        one = _set(content[at:])
        if (one.pairs.get("$PAR"), one.pairs.get("$TOT")) != (str(told.channels), str(told.events)):
            raise _refused("keywords that can be read in two ways", "one number of channels and of events")
        found.append(one)
        at += _whole(one.pairs.get("$NEXTDATA", ""))
    return found


def _whole(text: str) -> int:
    """A number of TEXT; none is 0."""
    if not re.fullmatch(r"\d{0,12}", text):
        raise CannotClean(Reason.HEADER_INVALID, "an offset or count that is no number", "digits", "TEXT")
    return int(text or 0)


def _set(content: bytes) -> _Set:
    text_start, text_end, data_start, data_end = (
        int(content[at : at + 8].strip() or 0) for at in range(10, 42, 8)
    )
    pairs = fcs_keywords.pairs_of(content[text_start : text_end + 1])
    if content[:6] not in VERSIONS:
        raise _refused("another version", ", ".join(map(bytes.decode, VERSIONS)))
    if content[:6] != VERSIONS[0]:  # from 3.0 on the text says where data lie
        data_start, data_end = (_whole(pairs.get(f"${side}DATA", "")) for side in ("BEGIN", "END"))
        first, last = (_whole(pairs.get(f"${side}STEXT", "")) for side in ("BEGIN", "END"))
        if 0 < first < last <= len(content):
            pairs = {**fcs_keywords.pairs_of(content[first : last + 1]), **pairs}
    numbers = {key: pairs[key].lstrip("0") or "0" for key in ("$PAR", "$TOT") if pairs.get(key, "").isdigit()}
    pairs = {**pairs, **numbers}
    size = _event_bytes(pairs) * _whole(pairs.get("$TOT", ""))
    data = content[data_start : data_start + size]
    if len(data) < size or data_end + 1 < data_start + size:
        raise CannotClean(Reason.TRUNCATED, "fewer bytes of data than events", "the whole file", "DATA")
    following = _whole(pairs.get("$NEXTDATA", ""))
    whole = following or len(content)
    return _Set(content[:6], pairs, data, whole > HEADER + (text_end + 1 - text_start) + size + len(NO_CHECK))


def _event_bytes(pairs: Mapping[str, str]) -> int:
    """Bytes of one event."""
    kind, channels = pairs.get("$DATATYPE", "").upper(), _whole(pairs.get("$PAR", ""))
    if pairs.get("$MODE", "L").upper() != "L" or kind not in ("I", *BYTES) or not channels:
        raise _refused("data that are no list of events in numbers", "list mode, of type I, F or D")
    if kind in BYTES:
        return BYTES[kind] * channels
    bits = [pairs.get(f"$P{number}B", "") for number in range(1, channels + 1)]
    if not set(bits) <= set(WIDTHS):
        raise _refused("whole numbers of another width", "8, 16 or 32 bits")
    return sum(int(width) // 8 for width in bits)


def _written(version: bytes, pairs: Mapping[str, str], data: bytes, *, last: bool) -> bytes:
    """A data set: header, TEXT and DATA one behind the other."""
    check = b"" if version == VERSIONS[0] else NO_CHECK
    begin = HEADER + len(_text(version, pairs, 0, 0, 0))
    end = begin + len(data) - 1
    length = end + 1 + len(check)
    text = _text(version, pairs, begin, end, 0 if last else length)
    far = end > FARTHEST
    if far and not check:
        raise _refused(f"{len(data)} bytes of data in a file of version 2.0", f"at most {FARTHEST}")
    return _header(version, begin, 0 if far else begin, 0 if far else end) + text + data + check


def _header(version: bytes, text_end: int, data_start: int, data_end: int) -> bytes:
    places = (HEADER, text_end - 1, data_start, data_end, 0, 0)
    return version + b"    " + b"".join(b"%8d" % place for place in places)


def _text(version: bytes, pairs: Mapping[str, str], begin: int, end: int, following: int) -> bytes:
    offsets = {"$NEXTDATA": following}
    if version != VERSIONS[0]:
        offsets |= dict.fromkeys(sorted(fcs_keywords.OFFSETS - {"$NEXTDATA"}), 0)
        offsets |= {"$BEGINDATA": begin, "$ENDDATA": end}
    every = {**{key: f"{place:0{WIDTH}d}" for key, place in offsets.items()}, **pairs}
    mark = fcs_keywords.DELIMITER
    return (mark + mark.join(f"{key}{mark}{value}" for key, value in every.items()) + mark).encode("ascii")


def _read_again(content: bytes, known: Sequence[str], profile: Profile) -> tuple[list[str], bytes, int]:
    """Problems of the first data set, its data, and how long it is."""
    found = []
    version = content[:6]
    places = [int(content[at : at + 8]) for at in range(10, HEADER, 8)]
    segment = content[places[0] : places[1] + 1]
    pairs = fcs_keywords.pairs_of(segment)
    names = [value for key, value in pairs.items() if re.fullmatch(r"\$P\d{1,4}N", key)]
    for key, value in pairs.items():
        if key in fcs_keywords.OFFSETS:
            if not re.fullmatch(rf"\d{{{WIDTH}}}", value):
                found.append(f"TEXT {key}")
        elif not fcs_keywords.stands(key, value, names, known, profile):
            found.append(f"TEXT {fcs_keywords.told(key)}")
    size = _event_bytes(pairs) * int(pairs["$TOT"])
    begin, check = places[1] + 1, b"" if version == VERSIONS[0] else NO_CHECK
    end = begin + size - 1
    length = end + 1 + len(check)
    following = int(pairs["$NEXTDATA"])
    others = {key: value for key, value in pairs.items() if key not in fcs_keywords.OFFSETS}
    far = end > FARTHEST
    head = _header(version, begin, 0 if far else begin, 0 if far else end)
    if version not in VERSIONS or content[:HEADER] != head or content[end + 1 : length] != check:
        found.append("HEADER")
    if segment != _text(version, others, begin, end, following) or following not in (0, length):
        found.append("TEXT")
    if not following and length != len(content):
        found.append("bytes behind the last segment")
    return found, content[begin : end + 1], length


def _digest(data: Sequence[bytes]) -> str:
    """SHA-256 over the events of all data sets."""
    return digest_bytes(b"".join(len(one).to_bytes(8, "big") + one for one in data))


def _refused(found: str, wanted: str) -> CannotClean:
    return CannotClean(Reason.UNSUPPORTED_FORM, found, wanted, "TEXT")
