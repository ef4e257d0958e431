"""Proof read of a de-identified ECG record, by WFDB's own library and byte by byte.

Nothing here is shared with the code that wrote the objects but the lists of what may be there.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from medassay.core.findings import Finding, Reason, Severity
from medassay.datasets.sample import NewObject

_LEADS = (
    "I II III aVR aVL aVF V1 V2 V3 V4 V5 V6 V7 V8 V9 V3R V4R MLI MLII MLIII MV1 MV2 MV5 MCL1 MCL6",
    "CM1 CM2 CM5 CC5 CS5 NASA X Y Z ECG ECG1 ECG2 ECG3",
)
LEAD_NAMES = frozenset(name for line in _LEADS for name in line.split())
# Rhythm codes and marks of the MIT-BIH databases; nothing else may stand as text in an annotation.
_TEXTS = (
    b"(AB (AFIB (AFL (B (BI (BII (HGEA (IVR (N (NOD (P (PM (PREX (SAB (SBR (SVTA (SVT (T (VER (VF (VFL (VT",
    b"MISSB PSE TS",
)
TEXTS = frozenset(text for line in _TEXTS for text in line.split())
_NAME = re.compile(r"^(?P<sample>[A-Za-z]{1,16}-[0-9a-f]{8,64})\.(?P<ending>hea|dat|(atr|r[1-9])(\.csv)?)$")
# Numbers are as long as their field can be: a longer one may be somebody's.
_RECORD_LINE = r"{sample} (?P<leads>[0-9]{{1,2}}) [0-9]{{1,6}}(\.[0-9]+)? [0-9]{{1,10}}"
_LEAD_LINE = (
    r"{sample}\.dat (212|16) [0-9]{{1,7}}(\.[0-9]+)?(e-?[0-9]{{1,3}})?\(-?[0-9]{{1,7}}\)/(nV|uV|mV|V)"
    r" [0-9]{{1,2}} -?[0-9]{{1,7}} -?[0-9]{{1,7}} -?[0-9]{{1,5}} 0 (?P<name>\S+)"
)
_LIBRARY_ERRORS = (ValueError, IndexError, KeyError, TypeError, AttributeError, OSError, AssertionError)


def known_text(text: bytes) -> bool:
    """Whether a text of an annotation is on the list; one zero byte may end it."""
    return text.removesuffix(b"\0") in TEXTS


def left_in(objects: Sequence[NewObject], classes: Sequence[str] = ()) -> list[Finding]:
    """A finding for everything that is not on the allow-list; an object that cannot be read is one too.

    Parameters
    ----------
    classes : codes
        Those that a label may be, where labels are classes of records.
    """
    names = [_NAME.match(item.name) for item in objects]
    samples = {name["sample"] for name in names if name}
    if None in names or len(samples) != 1:
        return [_left("object name", "a name that is not the sample's own")]
    sample = samples.pop()
    found = [finding for item in objects for finding in _object(item, sample, classes)]
    return found + _by_library(objects, sample)


def _object(item: NewObject, sample: str, classes: Sequence[str]) -> list[Finding]:
    if item.name.endswith(".csv"):
        known = item.content in [f"label\n{code}\n".encode() for code in classes]
        return [] if known else [_left(item.role, "a class that is not declared")]
    if item.name.endswith(".hea"):
        return _header(item.content, sample)
    if item.name.endswith(".dat"):
        return []  # its size is held against the header, its samples are numbers
    return _annotation_bytes(item)


def _header(content: bytes, sample: str) -> list[Finding]:
    """Every line has the one form that carries numbers and known names only."""
    try:
        lines = content.decode("ascii").split("\n")
    except UnicodeDecodeError:
        return [_left("header", "bytes that are no ASCII")]
    record = re.fullmatch(_RECORD_LINE.format(sample=re.escape(sample)), lines[0])
    if record is None or lines[-1] != "" or len(lines) != int(record["leads"]) + 2:
        return [_left("header", "a record line or a number of lines that is not expected")]
    leads = [re.fullmatch(_LEAD_LINE.format(sample=re.escape(sample)), line) for line in lines[1:-1]]
    if any(lead is None or lead["name"] not in LEAD_NAMES for lead in leads):
        return [_left("header", "a lead line that is not expected")]
    return []


def _annotation_bytes(item: NewObject) -> list[Finding]:
    """Walk the words: steps, symbols, noise bits and known texts, and nothing after the end mark."""
    words = memoryview(item.content)
    place, symbol = 0, 0
    while place + 2 <= len(words):
        word = words[place] | words[place + 1] << 8
        code, value = word >> 10, word & 0x3FF
        place += 2
        if word == 0:
            return [] if place == len(words) else [_left(item.role, "bytes after the end of the annotations")]
        if code == 59:
            place += 4
        elif code == 61:
            if symbol != 14 or value & ~0x33:
                return [_left(item.role, "a subtype that is no noise mark")]
        elif code == 63:
            if not known_text(bytes(words[place : place + value])):
                return [_left(item.role, "a text that is not on the list")]
            place += value + value % 2
        elif 1 <= code <= 49:
            symbol = code
        else:
            return [_left(item.role, "a word that is neither step, mark nor text")]
    return [_left(item.role, "annotations without an end mark")]


def _by_library(objects: Sequence[NewObject], sample: str) -> list[Finding]:
    import wfdb

    with tempfile.TemporaryDirectory(prefix="medassay-proof-") as folder:
        for item in objects:
            (Path(folder) / item.name).write_bytes(item.content)
        base = str(Path(folder) / sample)
        try:
            found = _record_by(wfdb, base, objects)
            for item in objects:
                if item.role not in ("header", "signal") and not item.name.endswith(".csv"):
                    read = wfdb.rdann(base, item.name.rpartition(".")[2])
                    found += _texts(read.aux_note, item.role)
        except _LIBRARY_ERRORS as error:
            # The library's own words may quote the file: only the kind of error is said.
            return [_left("record", f"objects that WFDB's library cannot read ({type(error).__name__})")]
    return found


def _record_by(wfdb: Any, base: str, objects: Sequence[NewObject]) -> list[Finding]:
    read = wfdb.rdrecord(base, physical=False)
    found = []
    if read.comments or read.base_time or read.base_date:
        found.append(_left("header", "a comment, time or date"))
    stated = [value % 65536 for value in read.checksum]
    if stated != list(read.calc_checksum()):
        found.append(_left("signal", "samples that do not add up to the header's checksum"))
    samples = read.sig_len * read.n_sig
    wanted = samples * 2 if read.fmt[0] == "16" else (samples * 3 + 1) // 2
    if [len(item.content) for item in objects if item.role == "signal"] != [wanted]:
        found.append(_left("signal", "more or fewer bytes than samples"))
    return found


def _texts(texts: Sequence[str], role: str) -> list[Finding]:
    bad = sum(bool(text) and not known_text(text.encode("utf-8", "replace")) for text in texts)
    return [_left(role, f"{bad} texts that are not on the list")] if bad else []


def _left(where: str, found: str) -> Finding:
    return Finding(
        reason=Reason.IDENTITY_LEFT,
        severity=Severity.REFUSE,
        found=found,
        wanted="only what the allow-list names",
        remedy="Report this: the recording was not stored.",
        where=where,
    )
