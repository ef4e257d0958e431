"""Seizure lists as text: the summaries of CHB-MIT and the lists of Siena, brought to seconds of each recording.

References
----------
CHB-MIT Scalp EEG Database and Siena Scalp EEG Database, PhysioNet: `chbNN-summary.txt`, `Seizures-list-PNNN.txt`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from medassay.core.errors import WrongUse
from medassay.core.findings import Finding, Reason, Severity
from medassay.formats.waveform.content import FileBytes, Source, content_of
from medassay.formats.waveform.wfdb_annotation import Annotations

LARGEST = 1 << 22
DAY_S = 86_400
LONGEST_SEIZURE_S = 1_800.0  # thirty minutes: beyond, a slip of the pen is likelier than status epilepticus
_SUMMARY = re.compile(r"(?im)^\s*File Name\s*:\s*\S+\.edf")
_LIST = re.compile(r"(?im)^\s*Registration start time\s*:")
_FIELD = re.compile(r"(?P<name>[A-Za-z][A-Za-z0-9 ]*?)\s*:\s*(?P<value>.*)")
_CLOCK = re.compile(r"(\d{1,2})\s*[:.]\s*(\d{1,2})\s*[:.]\s*(\d{1,2})")
_RATE = re.compile(r"(?i)(?:data )?sampling rate\s*:\s*(\d+(?:\.\d+)?)\s*hz")


@dataclass(frozen=True)
class Seizure:
    """Seconds from the start of its recording; None where the text does not give a time."""

    onset_s: float | None
    end_s: float | None


@dataclass(frozen=True)
class Listed:
    """What a list says of one recording."""

    file: str = field(repr=False)
    duration_s: float | None
    seizures: tuple[Seizure, ...]
    stated: int | None  # number of seizures that the list announces


@dataclass(frozen=True)
class Opened:
    """A list, in order of the text."""

    form: str
    recordings: tuple[Listed, ...]
    sampling_hz: float | None


def recognises(head: bytes) -> bool:
    """Whether these first bytes are those of a summary of CHB-MIT or a list of Siena."""
    text = _text(head)
    return text is not None and bool(_SUMMARY.search(text) or _LIST.search(text))


def open(source: Source | FileBytes) -> Opened:
    """Read the list; it is small and read whole.

    Raises
    ------
    WrongUse
        When it is no such text.
    """
    content = content_of(source)
    text = _text(content[:]) if len(content) <= LARGEST else None
    if text is None or not (_SUMMARY.search(text) or _LIST.search(text)):
        raise WrongUse(
            found="another text",
            wanted="a summary of CHB-MIT or a seizure list of Siena",
            remedy="Give the list as it was published.",
        )
    rate = _RATE.search(text)
    form, read = ("Siena seizure list", _siena) if _LIST.search(text) else ("CHB-MIT summary", _chb)
    return Opened(form, tuple(read(_fields(text))), float(rate[1]) if rate else None)


def marked(found: Annotations, sampling_hz: float) -> tuple[Seizure, ...]:
    """Seizures that a WFDB annotation file marks with "[" at their start and "]" at their end.

    Parameters
    ----------
    sampling_hz : float
        Of the recording; the file's own clock goes before it.
    """
    rate = found.clock_hz or sampling_hz
    seizures: list[Seizure] = []
    for sample, symbol in zip(found.samples.tolist(), found.symbols, strict=True):
        if symbol == "[":
            seizures.append(Seizure(sample / rate, None))
        elif symbol == "]" and seizures and seizures[-1].end_s is None:
            seizures[-1] = replace(seizures[-1], end_s=sample / rate)
        elif symbol == "]":
            seizures.append(Seizure(None, sample / rate))
    return tuple(seizures)


def examine(opened: Opened) -> Iterator[Finding]:
    """Seizures whose times cannot be right; each is told by its place in the list."""
    for number, one in enumerate(opened.recordings, 1):
        where = f"recording {number}"
        if one.stated is not None and one.stated != len(one.seizures):
            found = f"{one.stated} seizures announced, {len(one.seizures)} listed"
            yield _say(Severity.EXCLUDE, found, "as many as announced", where)
        for place, seizure in enumerate(one.seizures, 1):
            found = _fault(seizure, one.duration_s)
            if found:
                wanted = "onset before end, both within the recording"
                yield _say(Severity.EXCLUDE, found, wanted, f"{where}, seizure {place}")


def describe(opened: Opened) -> dict[str, Any]:
    """What a catalogue may say of a list; nothing that identifies."""
    return {
        "form": opened.form,
        "recordings": len(opened.recordings),
        "seizures": sum(len(one.seizures) for one in opened.recordings),
        "recordings_with_seizures": sum(bool(one.seizures) for one in opened.recordings),
    }


def _fault(seizure: Seizure, duration_s: float | None) -> str:
    if seizure.onset_s is None or seizure.end_s is None:
        return "a seizure without onset or end"
    if seizure.end_s <= seizure.onset_s:
        return "a seizure that ends before it begins"
    if duration_s is not None and seizure.end_s > duration_s:
        return f"a seizure that ends {seizure.end_s - duration_s:g} s after its recording"
    if seizure.end_s - seizure.onset_s > LONGEST_SEIZURE_S:
        return f"a seizure of {seizure.end_s - seizure.onset_s:g} s"
    return ""


def _chb(fields: list[tuple[str, str]]) -> Iterator[Listed]:
    """Blocks that begin with the name of a file; times of seizures are seconds of it."""
    for block in _blocks(fields, ("file name",)):
        told = dict(reversed(block))
        onsets = [value for name, value in block if name.startswith("seizure") and "start" in name]
        ends = [value for name, value in block if name.startswith("seizure") and "end" in name]
        count = re.match(r"\d+", told.get("number of seizures in file", ""))
        yield Listed(
            file=block[0][1],
            duration_s=_between(_clock(told.get("file start time")), _clock(told.get("file end time"))),
            seizures=tuple(_paired([_number(value) for value in onsets], [_number(value) for value in ends])),
            stated=int(count[0]) if count else None,
        )


def _siena(fields: list[tuple[str, str]]) -> Iterator[Listed]:
    """Each seizure repeats its recording; all times are of the clock. One recording may hold several."""
    found: dict[tuple[str, float | None, float | None], Listed] = {}
    for block in _blocks(fields, ("file name",)):
        told = dict(reversed(block))
        start, end = _clock(told.get("registration start time")), _clock(told.get("registration end time"))
        name = block[0][1]
        one = found.setdefault((name, start, end), Listed(name, _between(start, end), (), None))
        onset = next((value for key, value in block if _is(key, "start")), None)
        stop = next((value for key, value in block if _is(key, "end")), None)
        if onset is None and stop is None:
            continue
        seizure = Seizure(_between(start, _clock(onset)), _between(start, _clock(stop)))
        found[name, start, end] = replace(one, seizures=(*one.seizures, seizure))
    yield from found.values()


def _is(key: str, which: str) -> bool:
    return key.startswith(which) or ("seizure" in key and which in key)


def _blocks(fields: list[tuple[str, str]], first: tuple[str, ...]) -> Iterator[list[tuple[str, str]]]:
    block: list[tuple[str, str]] = []
    for name, value in fields:
        if name in first and block:
            yield block
            block = []
        if name in first or block:
            block.append((name, value))
    if block:
        yield block


def _fields(text: str) -> list[tuple[str, str]]:
    found = (_FIELD.match(line.strip()) for line in text.splitlines())
    return [(" ".join(one["name"].lower().split()), one["value"].strip()) for one in found if one]


def _paired(onsets: list[float | None], ends: list[float | None]) -> Iterator[Seizure]:
    for place in range(max(len(onsets), len(ends))):
        onset = onsets[place] if place < len(onsets) else None
        yield Seizure(onset, ends[place] if place < len(ends) else None)


def _number(text: str) -> float | None:
    found = re.match(r"\d{1,9}(?:\.\d+)?", text)
    return float(found[0]) if found else None


def _clock(text: str | None) -> float | None:
    """Seconds since midnight; hours above 23 are hours after it, as CHB-MIT writes them."""
    found = _CLOCK.search(text or "")
    if not found:
        return None
    hour, minute, second = (int(part) for part in found.groups())
    return float(hour * 3600 + minute * 60 + second) if minute < 60 and second < 60 else None


def _between(start: float | None, end: float | None) -> float | None:
    """From one clock time to the next other one, over midnight where it must be."""
    if start is None or end is None:
        return None
    return end - start if end >= start else (end - start) % DAY_S


def _text(content: bytes) -> str | None:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None if b"\x00" in content else content.decode("latin-1")


def _say(severity: Severity, found: str, wanted: str, where: str) -> Finding:
    return Finding(
        reason=Reason.REFERENCE_INVALID,
        severity=severity,
        found=found,
        wanted=wanted,
        remedy="Leave the seizure's recording out, or have a reader correct the list.",
        where=where,
    )
