"""Flow cytometry standard files (FCS 2.0 to 3.2), described through FlowIO; every tolerance is told.

FlowIO refuses a file whose header and text segments disagree, or whose data are off by one byte. Such files are
read with the one tolerance that they need, and that it was needed is a finding.
"""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from medassay.core.findings import Finding, Reason, Severity
from medassay.formats.examined import Fact
from medassay.formats.ivd.refusal import IvdRefused, names_a_person, said

LARGEST = 1 << 30
MOST_SETS = 64
_VERSION = re.compile(rb"FCS[2-3]\.\d")
_PERSON = ("patient", "patient name", "src", "patientid", "patient id", "sample id", "smno", "name", "mrn")

# The tolerances in the order in which they are tried, and what each says of the file.
TOLERANCES: tuple[tuple[dict[str, bool], str], ...] = (
    ({}, ""),
    ({"ignore_offset_error": True}, "data that begin or end one byte from where the offsets say"),
    ({"ignore_offset_discrepancy": True}, "header and text segments that disagree on where the data lie"),
    (
        {"ignore_offset_discrepancy": True, "ignore_offset_error": True},
        "header and text segments that disagree on where the data lie, and data beside both",
    ),
)


@dataclass(frozen=True)
class DataSet:
    version: str
    events: int
    channels: int
    duplicate_names: int
    tolerance: str
    names_a_person: bool


def recognises(head: bytes) -> bool:
    """The version at the start: FCS2.0, FCS3.0, FCS3.1, FCS3.2.

    Examples
    --------
    >>> recognises(b"FCS3.1    "), recognises(b"FCS file")
    (True, False)
    """
    return bool(_VERSION.match(head))


def open(source: Path | bytes) -> tuple[DataSet, ...]:
    """Every data set of a file.

    Raises
    ------
    IvdRefused
        When a data set is cut off or its segments cannot be found, with any tolerance.
    """
    content = source if isinstance(source, bytes) else _read(source)
    if len(content) < 58:
        raise IvdRefused(
            Reason.TRUNCATED, found=f"{len(content)} bytes", wanted="a header of 58 bytes", where="HEADER"
        )
    found: list[DataSet] = []
    at = 0
    while True:
        one, following = _data_set(content[at:] if at else content)
        found.append(one)
        at += following
        if not following:
            return tuple(found)
        if following < 0 or at + 58 > len(content) or len(found) >= MOST_SETS:
            raise IvdRefused(
                Reason.TRUNCATED,
                found=f"a further data set said to be at byte {at} of {len(content)}",
                wanted="the whole file",
                where="$NEXTDATA",
            )


def describe(sets: tuple[DataSet, ...]) -> dict[str, Fact]:
    return {
        "data_sets": len(sets),
        "version": ", ".join(dict.fromkeys(one.version for one in sets)),
        "events": sum(one.events for one in sets),
        "channels": max(one.channels for one in sets),
    }


def examine(sets: tuple[DataSet, ...]) -> Iterator[Finding]:
    for number, one in enumerate(sets, 1):
        where = f"data set {number}" if len(sets) > 1 else ""
        if one.tolerance:
            yield said(
                Reason.HEADER_INVALID,
                Severity.WARN,
                one.tolerance,
                "offsets that agree with the file",
                where=where,
                source="FCS 3.1, HEADER segment",
            )
        if one.duplicate_names:
            yield said(
                Reason.HEADER_INVALID,
                Severity.WARN,
                f"{one.duplicate_names} channels with a name that another has",
                "a name each",
                where=where or "$PnN or $PnS",
                source="FCS 3.1, $PnN: no two parameters of one name",
            )
        if not one.events:
            yield said(Reason.EMPTY_FILE, Severity.REFUSE, "no events", "at least one", where=where)
    if any(one.names_a_person for one in sets):
        yield names_a_person()


def _data_set(content: bytes) -> tuple[DataSet, int]:
    """The first data set of the bytes, and how far on the next begins (0: there is none)."""
    _require_data(content)
    with warnings.catch_warnings(action="ignore"):  # what the library warns of is told as a finding
        return _tried(content)


def _tried(content: bytes) -> tuple[DataSet, int]:
    import flowio

    for options, said_of in TOLERANCES:
        try:
            read = flowio.FlowData(io.BytesIO(content), **options)
        except flowio.exceptions.MultipleDataSetsError:
            try:
                read = flowio.FlowData(io.BytesIO(content), nextdata_offset=0, **options)
            except Exception:  # noqa: BLE001 - the next tolerance is tried
                continue
        except Exception:  # noqa: BLE001 - FlowIO raises whatever its parsing meets
            continue
        return _described(read, said_of)
    raise IvdRefused(
        Reason.HEADER_INVALID,
        found="segments that cannot be read from where the header says they lie",
        wanted="offsets of text and data that fit the file",
        where="HEADER",
    )


def _described(read: Any, tolerance: str) -> tuple[DataSet, int]:
    text = {str(key).strip().lower().lstrip("$"): str(value).strip() for key, value in read.text.items()}
    # The library gives channels of one name numbers of its own: the file's names stand in its text.
    names = [value for key, value in text.items() if re.fullmatch(r"p\d+n", key)]
    labels = [value for key, value in text.items() if re.fullmatch(r"p\d+s", key) and value]
    following = text.get("nextdata", "0")
    named = any(text.get(key) for key in _PERSON)
    one = DataSet(
        str(read.version),
        int(read.event_count),
        int(read.channel_count),
        max(len(every) - len(set(every)) for every in (names, labels)),
        tolerance,
        named,
    )
    return one, int(following) if re.fullmatch(r"\d{1,12}", following) else 0


def _require_data(content: bytes) -> None:
    """The header's offsets against the bytes that are there, before a library asks for memory by them."""
    places = [content[at : at + 8].strip() for at in range(10, 58, 8)]
    if any(place and not place.isdigit() for place in places):
        raise IvdRefused(
            Reason.HEADER_INVALID, found="offsets that are no numbers", wanted="six offsets", where="HEADER"
        )
    text_start, text_end, data_start, data_end = (int(place or 0) for place in places[:4])
    if not data_start and not data_end and b"$BEGINDATA" not in content[text_start : text_end + 1].upper():
        raise IvdRefused(
            Reason.HEADER_INVALID,
            found="no offsets of the data",
            wanted="them in HEADER or TEXT",
            where="HEADER",
        )
    # From version 3.0 on the text segment says where the data end; before, the header alone does.
    said_in_text = re.search(rb"\$ENDDATA.\s*(\d{1,12})", content[text_start : text_end + 1], re.IGNORECASE)
    furthest = max(text_end, int(said_in_text[1]) if said_in_text else data_end)
    if furthest > len(content) + 1:  # one byte beyond is a known slip, and told as such
        raise IvdRefused(
            Reason.TRUNCATED,
            found=f"{len(content)} bytes of {furthest + 1}",
            wanted="the whole file",
            where="HEADER",
        )


def _read(path: Path) -> bytes:
    size = path.stat().st_size
    if size > LARGEST:
        raise IvdRefused(Reason.LIMIT_EXCEEDED, found=f"{size} bytes", wanted="at most 1 GiB")
    return path.read_bytes()
