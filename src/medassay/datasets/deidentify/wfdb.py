"""WFDB records: the header's lines anew, annotations by their words, signal files byte for byte."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from medassay.core.canonical import digest_bytes
from medassay.core.errors import WrongUse
from medassay.core.findings import Finding, Reason, Severity
from medassay.datasets.deidentify import allowed, wfdb_signals
from medassay.datasets.deidentify.closed_text import tells
from medassay.datasets.deidentify.column_roles import role_of
from medassay.datasets.deidentify.dicom import shifted
from medassay.datasets.deidentify.facts import Facts, folded_birth, folded_sex
from medassay.datasets.deidentify.outgoing import Actions, CannotClean, Outgoing, left
from medassay.datasets.deidentify.profile import Profile
from medassay.datasets.deidentify.signal_names import is_signal_name, is_unit
from medassay.datasets.sample import Names
from medassay.formats.waveform import edf_fields, wfdb_formats
from medassay.formats.waveform.wfdb_annotation import plain_annotations, read_annotations, write_annotations

RECORD = re.compile(r"^(?P<name>[^\s/]+)(?P<parts>/\d{1,6})?(?P<rest>(?:\s+\S+)*)\s*$")
NO_FILE = "~"  # of a signal that has none, in the layout of a record of segments
# Fields of the record line by their place: signals, frequency with counter and its base, samples; then the time of day.
NUMBERS = (
    re.compile(r"\d{1,4}"),
    re.compile(r"\d{1,6}(\.\d{1,12})?(/\d{1,6}(\.\d{1,12})?(\(-?\d{1,6}(\.\d{1,6})?\))?)?"),
    re.compile(r"\d{1,10}"),
)
TIME = re.compile(r"\d{1,2}(:[0-5]?\d){1,2}(\.\d{1,6})?")
DATE = re.compile(r"(\d{1,2})[/-](\d{1,2}|[A-Z][a-z]{2})[/-](\d{4})")
# Fields of a signal line behind its format: gain with baseline and unit; resolution, zero and first value of the ADC,
# checksum, block size. A number longer than these is refused: it is no such field, and may be somebody's.
GAIN = re.compile(
    r"(?P<gain>[-+]?(\d{1,7}(\.\d{0,12})?|\.\d{1,12})(e[-+]?\d{1,3})?)(?P<base>\([-+]?\d{1,7}\))?(/(?P<unit>\S*))?"
)
SMALL = tuple(map(re.compile, (r"\d{1,2}", r"[-+]?\d{1,7}", r"[-+]?\d{1,7}", r"[-+]?\d{1,5}", r"\d{1,5}")))
WIDE = re.compile(r"[-+]?\d{1,10}")  # what a sample of 32 bits may be
WIDE_FORM = re.compile(r"(24|32|524)(?!\d)")
NUMERIC = re.compile(r"[-+]?\d[\d.]*(e[-+]?\d+)?(\(\S*\))?(/\S*)?")
LONG_NUMBER = 7
COMMENT = re.compile(r"# (Age: \d{1,3}|Sex: [FM]|Dx: \d{6,18}(,\d{6,18})*)")
CONCEPT = re.compile(
    r"[1-9]\d{2,14}[01]0\d"
)  # of SNOMED CT: the partition of concepts before the check digit
NAME_KEYS = ("姓名", "患者姓名", "name", "patient name", "patient")
ID_KEYS = ("病历号", "住院号", "门诊号", "患者编号", "身份证号", "身份证", "id", "patient id", "mrn")
# Rhythms and ST and T changes as PhysioNet's annotators write them.
RHYTHM = re.compile(
    rb"\((AB|AFIB|AF|AFL|ASYS|AVB|B|BI|BII|BIII|HGEA|IVR|N|NOD|NOISE|NR|NSR|P|PM|PREX|SAB|SBR|SBRAD|STACH|SVTA|SVT|SVTACH|"
    rb"T|VER|VF|VFIB|VFL|VT|VTACH|J|JR|MIS|XX|BBB|LBBB|RBBB|SINUS|U)"
    rb"|[(A)]{1,2}R?(ST|T|rtst|axis|cc|ctf)?\d?[-+]{0,2}\d{0,5}[-+]?\)?"
)
NOTES = (b"MISSB", b"PSE", b"TS", b"U", b"NOISE")  # notes of the MIT-BIH annotators that are codes
# Annotators of PhysioNet's databases and WFDB's programs.
_ANNOTATORS_TEXT = (
    "atr ari ecg qrs man st sta stb stc al alm apn xws aux res rsp pu pu0 pu1 pul q1c q2c q1t q2t qt1 qt2 "
    "not in0 ann wqrs gqrs sqrs wabp event seizures ab abp art ppg i ii iii avr avl avf v1 v2 v3 v4 v5 v6 "
    "marker 16a mit "
)
ANNOTATORS = frozenset(_ANNOTATORS_TEXT.split())


def recognises(content: bytes) -> bool:
    """A header by its first two lines: a record with the number of its signals, and a signal or a segment."""
    lines = [line.strip().decode("latin-1") for line in content[:4096].splitlines()]
    told = [line for line in lines if line and not line.startswith("#")][:2]
    match = RECORD.match(told[0]) if told else None
    if match is None or not re.match(r"\s+\d+(\s+[\d.]+|\s*$)", match["rest"]):
        return False
    words = told[1].split() if len(told) > 1 else []
    if match["parts"]:
        return len(words) == 2 and words[1].isdigit()
    signals = int(match["rest"].split()[0])
    form = wfdb_signals.FORM.fullmatch(words[1]) if len(words) > 1 else None
    # The form is a number like others: a table of numbers is no header, though its first lines may look like one.
    return not signals if form is None else wfdb_formats.known(form["form"]) or form["form"] == "0"


def facts_of(content: bytes) -> Facts:
    """What the comments say in keyed lines."""
    ids, names, birth, sex = [], [], "", ""
    for key, value in _keyed(content):
        if key in NAME_KEYS:
            names.append(value)
        elif key in ID_KEYS:
            ids.append(value)
        elif key in ("出生日期", "生日", "birthdate", "birth date", "dob", "date of birth"):
            birth = folded_birth(value)
        elif key in ("性别", "sex", "gender"):
            sex = folded_sex(value)
        elif role_of(key) in ("name", "subject"):
            (names if role_of(key) == "name" else ids).append(value)
    return Facts(tuple(ids), tuple(names), birth, sex)


def parts_of(content: bytes) -> tuple[list[str], list[str]]:
    """Signal files and segment records that a header names, in its order."""
    record, lines, _ = _lines(content)
    match = RECORD.match(record)
    if match is None:
        raise CannotClean(Reason.HEADER_INVALID, "a first line that is no record line", "a WFDB header")
    first = [line.split()[0] for line in lines if line.split()]
    if match["parts"]:
        return [], [name for name in first if name != "~"]
    return list(dict.fromkeys(first)), []


def clean(
    header: bytes,
    beside: Mapping[str, bytes],
    names: Names,
    known: Sequence[str],
    profile: Profile,
    records: Mapping[str, str],
) -> Outgoing:
    """One record under the name of its sample.

    Parameters
    ----------
    beside : mapping of str to bytes
        Its signal files by the names in the header, and annotation files by theirs.
    records : mapping of str to str
        Records of the same folder to their samples, for the segments of a longer record.
    """
    record, lines, comments = _lines(header)
    match = RECORD.match(record)
    if match is None:
        raise CannotClean(Reason.HEADER_INVALID, "a first line that is no record line", "a WFDB header")
    actions: Actions = Counter()
    there = [name for name in parts_of(header)[0] if name != NO_FILE]
    places = {name: f"{names.sample}{'' if n == 0 else f'_{n}'}.dat" for n, name in enumerate(there)}
    places[NO_FILE] = NO_FILE
    layouts = _layouts(match, lines)
    _require_sizes(match, lines, layouts, beside)
    out = [
        names.sample + (match["parts"] or "") + _record_facts(match["rest"].split(), names, profile, actions)
    ]
    for number, line in enumerate(lines, 1):
        out.append(
            _segment(line, records) if match["parts"] else _signal(line, places, number, known, actions)
        )
    out += _comments(header, len(comments), profile, actions)
    files = [(f"{names.sample}.hea", ("\n".join(out) + "\n").encode("ascii"))]
    bulk = {}
    for name, place in places.items():
        if name in beside:
            content = wfdb_signals.cleaned(beside[name], layouts[name], actions)
            files.append((place, content))
            bulk[place] = digest_bytes(content)
    taken: set[str] = set()
    for name, content in beside.items():
        if name not in places:
            suffix = name.rpartition(".")[2].lower()
            if suffix not in ANNOTATORS - taken:  # annotators call files by their own names
                suffix = f"ann{1 + sum(one.startswith('ann') and one != 'ann' for one in taken)}"
            taken.add(suffix)
            files.append((f"{names.sample}.{suffix}", _marks(content, actions)))
    missing = sum(name not in beside for name in there)
    return Outgoing(tuple(files), actions, bulk, (_without_samples(missing),) if missing else ())


def _without_samples(files: int) -> Finding:
    return Finding(
        reason=Reason.SIGNAL_FILE_MISSING,
        severity=Severity.WARN,
        found=f"a header that left without {files} of the signal files that it names",
        wanted="header and signal files in one folder",
        remedy="Put the signal files beside their header and run again.",
    )


def prove(files: Mapping[str, bytes], bulk: Mapping[str, str], known: Sequence[str]) -> list[Finding]:
    """Hold every line to its grammar; signal files must be the bytes that they were."""
    found = [
        left(f"samples of {n}", "other bytes") for n in bulk if digest_bytes(files.get(n, b"")) != bulk[n]
    ]
    found += [left("signal file", problem) for problem in _signal_strangers(files, bulk)]
    for name, content in files.items():
        if name.endswith(".hea"):
            found += [left("header", problem) for problem in _header_strangers(content, known)]
        elif name not in bulk:
            found += _mark_strangers(content)
    return found


def _require_sizes(
    match: re.Match[str],
    lines: Sequence[str],
    layouts: Mapping[str, wfdb_signals.Layout],
    beside: Mapping[str, bytes],
) -> None:
    """Numbers of samples that the files bear out: a long one that nothing bears out may be somebody's.

    Where samples end has to be told, or what stands behind them would leave as if it were samples.
    """
    rest = match["rest"].split()
    due = match["parts"].removeprefix("/") if match["parts"] else rest[0] if rest else ""
    if due != str(len(lines)):
        raise _invalid(
            "another number of signals or segments than it has lines", "a line a signal or segment"
        )
    stated = rest[2] if len(rest) > 2 and rest[2].isdigit() else ""
    for name, layout in layouts.items():
        if name not in beside:
            continue
        if layout.samples is None and layout.form not in wfdb_formats.FLAC:  # FLAC ends with its last frame
            raise _invalid("a record that does not say how many samples it has", "the number of its samples")
        if wfdb_signals.is_beyond(layout, beside[name]):
            raise _invalid("more samples than the signal file can hold", "the number of its samples")
    lengths = [line.split()[-1] for line in lines] if match["parts"] else []
    borne_out = lengths and int(stated or 0) == sum(int(one) for one in lengths if one.isdigit())
    if any(len(one) >= LONG_NUMBER for one in (stated, *lengths)) and not borne_out and not beside:
        raise _invalid(
            "a long number of samples that no segment and no file bears out", "the number of samples"
        )


def _invalid(found: str, wanted: str) -> CannotClean:
    return CannotClean(Reason.HEADER_INVALID, found, wanted, "a WFDB header")


def _lines(content: bytes) -> tuple[str, list[str], list[bytes]]:
    """Record line, other lines and comments."""
    raw = [line.strip() for line in content.removeprefix(b"\xef\xbb\xbf").splitlines() if line.strip()]
    plain = [line.decode("latin-1") for line in raw if not line.startswith(b"#")]
    if not plain:
        raise CannotClean(Reason.HEADER_INVALID, "no record line", "a WFDB header")
    return plain[0], plain[1:], [line for line in raw if line.startswith(b"#")]


def _keyed(content: bytes) -> Iterator[tuple[str, str]]:
    for line in content.splitlines():
        if not line.strip().startswith(b"#"):
            continue
        try:
            text = line.decode("utf-8")
        except UnicodeDecodeError:
            text = line.decode("gb18030", "replace")
        for key, value in re.findall(r"[#<\s]*([^:：<>#]+?)>?\s*[:：]\s*([^<]*)", text):
            yield re.sub(r"[\s_]+", " ", key).strip().casefold(), value.strip()


def _record_facts(rest: Sequence[str], names: Names, profile: Profile, actions: Actions) -> str:
    """Numbers as they are, the time of day, the date moved."""
    out = ""
    for place, word in enumerate(rest):
        day = DATE.fullmatch(word)
        if day:
            month = int(day[2]) if day[2].isdigit() else _month(day[2])
            moved = shifted(f"{day[3]}{month:02d}{int(day[1]):02d}", names.date_shift_days)
            if profile.dates == "shifted" and moved:
                out += f" {moved[6:]}/{moved[4:6]}/{moved[:4]}"
            actions["base date", "changed" if profile.dates == "shifted" and moved else "removed"] += 1
        elif place < len(NUMBERS) and word[0].isdigit() and ":" not in word:
            if not NUMBERS[place].fullmatch(word) or tells(word):
                raise _invalid("a number of a size that its field has not", "signals, frequency, samples")
            out += f" {word}"
            actions["record line: number or time", "kept"] += 1
        elif TIME.fullmatch(word):
            out += f" {word}"
            actions["record line: number or time", "kept"] += 1
        else:
            actions["record line: text", "removed"] += 1
    return out


def _month(word: str) -> int:
    """1 to 12 of a month in letters, as the headers of the CinC challenges write it; 0 for another word."""
    return edf_fields.MONTHS.index(word.upper()) + 1 if word.upper() in edf_fields.MONTHS else 0


def _segment(line: str, records: Mapping[str, str]) -> str:
    name, _, length = line.partition(" ")
    if not re.fullmatch(r"\d{1,10}", length.strip(), re.ASCII):
        raise CannotClean(Reason.HEADER_INVALID, "a segment line without its length", "a WFDB header")
    if name == "~":
        return f"~ {length.strip()}"
    if name not in records:
        raise CannotClean(Reason.IMAGE_MISSING, "a segment whose header is not here", "all segments")
    return f"{records[name]} {length.strip()}"


def _signal(line: str, places: Mapping[str, str], number: int, known: Sequence[str], actions: Actions) -> str:
    words = line.split()
    if len(words) < 2 or not _is_form(words[1]):
        raise _invalid("a signal line without its format", "a format of WFDB")
    facts, name = _fields_of(words)
    gain = GAIN.fullmatch(facts[0]) if facts else None
    if gain and not is_unit(gain["unit"] or ""):
        actions["signal unit", "removed"] += 1
        facts[0] = gain["gain"] + (gain["base"] or "")
    kept = is_signal_name(name, known)
    actions["signal name", "kept" if kept else "changed"] += 1
    return " ".join([places[words[0]], words[1], *facts, name if kept else f"ECG{number}"])


def _is_form(word: str) -> bool:
    """A storage format with frames, skew and offset of a size that they have; 0 of a signal without a file."""
    match = wfdb_signals.FORM.fullmatch(word)
    return match is not None and (match["form"] == "0" or wfdb_formats.known(match["form"]))


def _fields_of(words: Sequence[str]) -> tuple[list[str], str]:
    """The numbers of a signal line, by their place, and the signal's name behind them.

    Raises
    ------
    CannotClean
        When a number is none of its field.
    """
    facts: list[str] = []
    wide = WIDE_FORM.match(words[1])
    for place, word in enumerate(words[2:8]):
        if not NUMERIC.fullmatch(word):
            break
        form = GAIN if not place else WIDE if wide and place in (2, 3) else SMALL[place - 1]
        if not form.fullmatch(word) or tells(word):
            raise _invalid("a number that its field of a signal cannot hold", "gain, baseline, ADC, checksum")
        facts.append(word)
    return facts, " ".join(words[2 + len(facts) :])


def _comments(header: bytes, count: int, profile: Profile, actions: Actions) -> list[str]:
    """Age, sex and coded diagnoses; the rest of the comments goes."""
    kept = []
    for key, value in _keyed(header):
        age = re.match(r"(\d{1,3})(?!\d)", value)
        if not profile.characteristics:
            break
        if key in ("age", "年龄") and age and int(age[1]) <= 130:
            kept.append(f"# Age: {min(int(age[1]), 90)}")
        elif key in ("sex", "gender", "性别") and folded_sex(value):
            kept.append(f"# Sex: {folded_sex(value)}")
        elif key == "dx" and (codes := [one for one in re.split(r"[,\s]+", value) if _is_concept(one)]):
            kept.append(f"# Dx: {','.join(codes)}")
    actions["comment: age, sex, coded diagnosis", "kept"] += len(kept)
    actions["comment", "removed"] += max(count - len(kept), 0)
    actions += Counter()
    return kept


def _is_concept(code: str) -> bool:
    """Whether a number is a concept of SNOMED CT by its partition and check digit, and so no other's number."""
    return bool(CONCEPT.fullmatch(code)) and allowed.is_code(code, "SCT")


def _marks(content: bytes, actions: Actions) -> bytes:
    """Annotations made anew: times, symbols and the words of rhythms."""
    try:
        found = read_annotations(content)
    except WrongUse as error:
        raise CannotClean(Reason.REFERENCE_INVALID, error.found, error.wanted, "annotation file") from error
    kept = tuple(text if _is_rhythm(text) else b"" for text in found.aux)
    actions["annotation: time and symbol", "kept"] += len(found)
    gone = sum(bool(a) for a in found.aux) - sum(bool(a) for a in kept)
    if gone:
        actions["annotation: free text", "removed"] += gone
    zeros = np.zeros(len(found), np.int64)
    out = write_annotations(replace(found, aux=kept, numbers=zeros, clock_hz=None))
    if found.clock_hz is None:
        return out
    clock = f"## time resolution: {found.clock_hz:.6g}".encode()  # times are read by it
    first = replace(plain_annotations([0], ['"']), aux=(clock,))
    return write_annotations(first)[:-2] + out


def _is_rhythm(text: bytes) -> bool:
    plain = text.rstrip(b"\x00")
    return not plain or plain in NOTES or bool(RHYTHM.fullmatch(plain))


def _mark_strangers(content: bytes) -> list[Finding]:
    try:
        texts = read_annotations(content).aux
    except WrongUse:
        return [left("annotations", "bytes that are no annotations")]
    return [left("annotations", "a text that is not on the list") for text in texts if not _is_rhythm(text)][
        :1
    ]


def _layouts(match: re.Match[str], lines: Sequence[str]) -> dict[str, wfdb_signals.Layout]:
    """Signal files to how their samples lie in them."""
    if match["parts"]:
        return {}
    rest = match["rest"].split()
    length = int(rest[2]) if len(rest) > 2 and rest[2].isdigit() else None
    forms: dict[str, list[str]] = {}
    for line in lines:
        words = line.split()
        if len(words) > 1 and words[0] != NO_FILE:
            forms.setdefault(words[0], []).append(words[1])
    return {name: wfdb_signals.layout_of(told, length) for name, told in forms.items()}


def _signal_strangers(files: Mapping[str, bytes], bulk: Mapping[str, str]) -> Iterator[str]:
    """Signal files that hold more than samples."""
    headers = [content for name, content in files.items() if name.endswith(".hea")]
    record, lines, _ = _lines(headers[0])
    match = RECORD.match(record)
    layouts = _layouts(match, lines) if match else {}
    for name in bulk:
        again: Actions = Counter()
        if name not in layouts or wfdb_signals.cleaned(files[name], layouts[name], again) != files[name]:
            yield "bytes that are no samples"


def _header_strangers(content: bytes, known: Sequence[str]) -> Iterator[str]:
    if not content.isascii():
        yield "bytes that are no ASCII"
        return
    sample = r"[A-Z]-[0-9a-f]{16}"
    first, *lines = content.decode("ascii").splitlines()
    head, *rest = first.split(" ")
    placed = [one for one in rest if not (TIME.fullmatch(one) or re.fullmatch(r"\d\d/\d\d/\d{4}", one))]
    told = len(placed) <= len(NUMBERS) and len(rest) <= len(NUMBERS) + 2
    if (
        not re.fullmatch(rf"{sample}(/\d{{1,6}})?", head)
        or not told
        or not all(form.fullmatch(one) for form, one in zip(NUMBERS, placed, strict=False))
    ):
        yield "a record line that is not expected"
    for line in lines:
        if line.startswith("#"):
            codes = line.removeprefix("# Dx: ").split(",") if line.startswith("# Dx") else []
            if not COMMENT.fullmatch(line) or not all(map(_is_concept, codes)):
                yield "a comment that is not expected"
            continue
        yield from _line_strangers(line.split(), known)


def _line_strangers(words: Sequence[str], known: Sequence[str]) -> Iterator[str]:
    """What a line of a signal or a segment holds beside numbers, a unit and a name of a signal."""
    sample = r"[A-Z]-[0-9a-f]{16}"
    if len(words) == 2 and re.fullmatch(rf"{sample}|~", words[0]) and re.fullmatch(r"\d{1,10}", words[1]):
        return
    if len(words) < 2 or not re.fullmatch(rf"{sample}(_\d+)?\.dat|~", words[0]) or not _is_form(words[1]):
        yield "a line that is not expected"
        return
    try:
        facts, name = _fields_of(words)
    except CannotClean:
        yield "a number that its field cannot hold"
        return
    gain = GAIN.fullmatch(facts[0]) if facts else None
    if name and not is_signal_name(name, known):
        yield "the name of a signal"
    elif gain and not is_unit(gain["unit"] or ""):
        yield "the unit of a signal"
