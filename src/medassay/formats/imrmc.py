"""Reader-study files in the text form of iMRMC: a free header, `BEGIN DATA:`, then one reading a line.

    any text, with the sizes of the study if the writer knew them
    N0: 2
    N1: 2
    NR: 1
    NM: 1
    BEGIN DATA:
    truth,case1,truth,0          reader `truth` (or -1): whether the case has the condition
    truth,case2,truth,1
    reader1,case1,modality1,2.5  reader, case, modality, score

Fields are separated by commas; spaces inside or around them do not count, so a name has none.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from math import isfinite

from medassay.core.errors import WrongUse
from medassay.core.findings import Finding, Reason, Severity

BEGIN = "BEGIN DATA:"
TRUTH = ("truth", "-1")
FIELDS = ("readerID", "caseID", "modalityID", "score")
SIZES = {"N0": "negative cases", "N1": "positive cases", "NR": "readers", "NM": "modalities"}
SOURCE = "iMRMC user manual, 4.1 reader study data"
_SIZE = re.compile(r"^\s*(N0|N1|NR|NM)\s*:\s*(.*?)[\s,]*$", re.IGNORECASE)


@dataclass(frozen=True)
class Reading:
    """One score of one reader for one case with one modality."""

    reader: str
    case: str
    modality: str
    score: float


@dataclass(frozen=True)
class ReaderStudyFile:
    """What a file holds; lines that could not be read are findings, not readings.

    Attributes
    ----------
    header : the lines before the data, without the declared sizes
    positive : whether each case has the condition, in the order of the file
    readings : in the order of the file, of cases whose truth is known
    """

    header: tuple[str, ...]
    positive: dict[str, bool]
    readings: tuple[Reading, ...]

    def columns(self) -> dict[str, list[str] | list[bool] | list[float]]:
        """Columns as reader-study statistics take them: reader, treatment, case, positive, rating."""
        return {
            "reader": [reading.reader for reading in self.readings],
            "treatment": [reading.modality for reading in self.readings],
            "case": [reading.case for reading in self.readings],
            "positive": [self.positive[reading.case] for reading in self.readings],
            "rating": [reading.score for reading in self.readings],
        }


@dataclass
class _Open:
    """What has been read so far."""

    sizes: dict[str, str] = field(default_factory=dict)
    header: list[str] = field(default_factory=list)
    positive: dict[str, bool] = field(default_factory=dict)
    torn: set[str] = field(default_factory=set)
    rows: list[tuple[int, Reading]] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    def finds(self, reason: Reason, found: str, wanted: str, remedy: str, line: int | None = None) -> None:
        self.findings.append(
            Finding(
                reason=reason,
                severity=Severity.EXCLUDE if line is not None else Severity.WARN,
                found=found,
                wanted=wanted,
                remedy=remedy,
                where="" if line is None else f"line {line}",
                source=SOURCE,
            )
        )


def recognises(head: bytes) -> bool:
    """Whether the first bytes of a file are of this form: a line that begins the data.

    Examples
    --------
    >>> recognises(b"a study\\nBEGIN DATA:\\n"), recognises(b"reader,case\\n")
    (True, False)
    """
    return any(line.strip().upper().startswith(BEGIN.encode()) for line in head.splitlines())


def read_imrmc(text: str) -> tuple[ReaderStudyFile, tuple[Finding, ...]]:
    """Read a file; every line that is not a reading is said and costs no other line.

    Parameters
    ----------
    text : str
        The whole file; a byte order mark and any line ends are taken.

    Returns
    -------
    file, findings
        A case named twice with one truth is kept; with two truths it is left out with its readings. A
        second reading of a case by one reader with one modality is left out, the first is kept.

    Raises
    ------
    WrongUse
        When no line begins the data.

    Examples
    --------
    >>> file, findings = read_imrmc("BEGIN DATA:\\n-1,a,0,1\\nr1,a,CT,3.5\\nr1,b,CT,2\\n")
    >>> file.readings, [f.reason.value for f in findings]
    ((Reading(reader='r1', case='a', modality='CT', score=3.5),), ['reference_missing'])
    """
    lines = text.lstrip("\ufeff").splitlines()
    begin = next((n for n, line in enumerate(lines) if line.strip().upper().startswith(BEGIN)), None)
    if begin is None:
        raise WrongUse(
            found=f"{len(lines)} lines, none of which begins the data",
            wanted=f'a line "{BEGIN}" before the readings',
            remedy="Write the line before the first reading.",
        )
    state = _Open()
    for line in lines[:begin]:
        _header_line(state, line)
    for number, line in enumerate(lines[begin + 1 :], begin + 2):
        _data_line(state, line, number)
    readings = _kept(state)
    _compare_sizes(state, readings)
    positive = {case: truth for case, truth in state.positive.items() if case not in state.torn}
    return ReaderStudyFile(tuple(state.header), positive, readings), tuple(state.findings)


def write_imrmc(file: ReaderStudyFile) -> str:
    """The file as text that `read_imrmc` and iMRMC read; scores keep every digit.

    Raises
    ------
    WrongUse
        A name that is empty, holds a comma or a space, or is that of the truth; a score that is not finite;
        a reading of a case without truth; a header line that would be read as a size or as the beginning of the
        data.

    Examples
    --------
    >>> print(write_imrmc(ReaderStudyFile(("a study",), {"a": True}, (Reading("r1", "a", "CT", 3.5),))))
    a study
    N0: 0
    N1: 1
    NR: 1
    NM: 1
    BEGIN DATA:
    truth,a,truth,1
    r1,a,CT,3.5
    <BLANKLINE>
    """
    _require_writable(file)
    sizes = _sizes(file.positive, file.readings)
    return "\n".join(
        [
            *file.header,
            *(f"{key}: {size}" for key, size in sizes.items()),
            BEGIN,
            *(f"{TRUTH[0]},{case},{TRUTH[0]},{int(truth)}" for case, truth in file.positive.items()),
            *(f"{r.reader},{r.case},{r.modality},{_number(r.score)}" for r in file.readings),
            "",
        ]
    )


def _header_line(state: _Open, line: str) -> None:
    declared = _SIZE.match(line)
    if declared is None:
        state.header.append(line.rstrip())
    else:
        state.sizes[declared[1].upper()] = declared[2]


def _data_line(state: _Open, line: str, number: int) -> None:
    if not line.strip(" \t,"):
        return
    fields = ["".join(part.split()) for part in line.split(",")]
    while len(fields) > len(FIELDS) and not fields[-1]:
        fields.pop()  # a spreadsheet fills short rows with empty cells
    if len(fields) != len(FIELDS) or not all(fields):
        state.finds(
            Reason.TRUNCATED if len(fields) < len(FIELDS) else Reason.UNSUPPORTED_FORM,
            f"{len([part for part in fields if part])} filled fields of {len(fields)}",
            f"four fields: {', '.join(FIELDS)}",
            "Separate reader, case, modality and score by commas.",
            number,
        )
        return
    reader, case, modality, score = fields
    if reader.lower() in TRUTH:
        _truth_line(state, case, score, number)
        return
    value = _finite(score)
    if value is None:
        state.finds(
            Reason.VALUE_IMPLAUSIBLE,
            "a score that is not a finite number",
            "a number with a decimal point",
            "Leave out the line of a reading that was not made.",
            number,
        )
        return
    state.rows.append((number, Reading(reader, case, modality, value)))


def _truth_line(state: _Open, case: str, score: str, number: int) -> None:
    value = _finite(score)
    if value not in (0.0, 1.0):
        state.finds(
            Reason.REFERENCE_INVALID,
            "a truth other than 0 and 1",
            "0 without the condition, 1 with it",
            "Say the case's truth as 0 or 1.",
            number,
        )
        return
    truth = value == 1.0
    known = state.positive.setdefault(case, truth)
    if known != truth and case not in state.torn:
        state.torn.add(case)
        state.finds(
            Reason.REFERENCE_INVALID,
            "a case with two truths",
            "one truth a case",
            "Keep the truth that the reference standard has; the case and its readings are left out.",
            number,
        )


def _kept(state: _Open) -> tuple[Reading, ...]:
    """Readings of cases whose truth is known, each reader, case and modality once."""
    kept: dict[tuple[str, str, str], Reading] = {}
    for number, reading in state.rows:
        key = (reading.reader, reading.case, reading.modality)
        if reading.case in state.torn:
            continue
        if reading.case not in state.positive:
            state.finds(
                Reason.REFERENCE_MISSING,
                "a reading of a case without truth",
                "a truth line for every case that was read",
                f"Add a line {TRUTH[0]},case,{TRUTH[0]},0 or 1.",
                number,
            )
        elif key in kept:
            state.finds(
                Reason.DUPLICATE,
                "a second reading of a case by this reader with this modality",
                "one reading for each reader, case and modality",
                "Keep the one that the protocol names; a second session is a modality of its own.",
                number,
            )
        else:
            kept[key] = reading
    return tuple(kept.values())


def _compare_sizes(state: _Open, readings: tuple[Reading, ...]) -> None:
    positive = {case: truth for case, truth in state.positive.items() if case not in state.torn}
    counted = _sizes(positive, readings)
    for key, declared in state.sizes.items():
        if declared != str(counted[key]):
            said = declared if declared.isdigit() else "no whole number"
            state.finds(
                Reason.HEADER_INVALID,
                f"{key} declared as {said}, counted {counted[key]} {SIZES[key]}",
                "the numbers of the lines that follow",
                "Correct the header, or find the lines that are missing; the lines are what counts.",
            )


def _sizes(positive: dict[str, bool], readings: Iterable[Reading]) -> dict[str, int]:
    classes = Counter(positive.values())
    there = list(readings)
    return {
        "N0": classes[False],
        "N1": classes[True],
        "NR": len({reading.reader for reading in there}),
        "NM": len({reading.modality for reading in there}),
    }


def _finite(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    # float() also reads digits with underscores, which no writer of numbers makes.
    return value if isfinite(value) and "_" not in text else None


def _number(score: float) -> str:
    return str(int(score)) if score.is_integer() and abs(score) < 1e15 else repr(score)


def _require_writable(file: ReaderStudyFile) -> None:
    names = {name for r in file.readings for name in (r.reader, r.case, r.modality)} | set(file.positive)
    wrong = [name for name in names if not name or name.strip().lower() in TRUTH or re.search(r"[\s,]", name)]
    lost = sum(reading.case not in file.positive for reading in file.readings)
    endless = sum(not isfinite(reading.score) for reading in file.readings)
    begun = any(
        line.strip().upper().startswith(BEGIN) or _SIZE.match(line) or len(line.splitlines()) > 1
        for line in file.header
    )
    if wrong or lost or endless or begun:
        raise WrongUse(
            found=f"{len(wrong)} names that are empty, reserved or hold a comma or a space, {lost} readings "
            f"without truth, {endless} scores that are not finite, "
            f"{'a' if begun else 'no'} header line that would be read as something else",
            wanted="names without commas and spaces, a truth for each case, finite scores, plain header lines",
            remedy="Rename, and leave out readings that were not made.",
        )
