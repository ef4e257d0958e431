"""EDF, EDF+ and BDF: the header by its fields, annotations by their words, samples byte for byte.

Dates keep EDF's own rules: a start date from 1985 to 2084 in two digits, "yy" beyond them, and the full year in
"Startdate" of EDF+. What a field may hold is told by `FIELDS`; everything else of a header is blank afterwards.
"""

from __future__ import annotations

import datetime
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from medassay.core.canonical import digest_bytes
from medassay.core.errors import WrongUse
from medassay.core.findings import Finding, Reason
from medassay.datasets.deidentify import vocabulary
from medassay.datasets.deidentify.closed_text import is_closed, is_worded
from medassay.datasets.deidentify.facts import Facts
from medassay.datasets.deidentify.free_text import find, scrub
from medassay.datasets.deidentify.outgoing import Actions, CannotClean, Outgoing, left
from medassay.datasets.deidentify.person_names import identifying_words
from medassay.datasets.deidentify.profile import Profile
from medassay.datasets.deidentify.signal_names import is_signal_name, is_unit
from medassay.datasets.sample import Names
from medassay.formats.waveform import edf_fields
from medassay.formats.waveform.edf_person import person_of

EDF_MARK, BDF_MARK = b"0       ", b"\xffBIOSEMI"
ANNOTATIONS = (b"EDF Annotations", b"BDF Annotations")
FIRST, LAST = datetime.date(1985, 1, 1), datetime.date(2084, 12, 31)
PLUS = re.compile(rb"(EDF|BDF)\+[CD]")
KINDS = re.compile(rb"(EDF\+[CD]|BDF\+[CD]|24BIT|)")
CLOCK = re.compile(rb"([01]\d|2[0-3])\.[0-5]\d\.[0-5]\d")
NUMBER = re.compile(rb"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
FILTER = re.compile(r"((HP|LP|N|BP|DC|NF):? ?\d{1,5}(\.\d{1,6})?( ?[mk]?Hz| ?s)?[ ,;]*){1,6}", re.IGNORECASE)
NUMERIC = ("physical_min", "physical_max", "digital_min", "digital_max", "per_record")
LONG = re.compile(rb"[+-]?(?!0|\d{5}0{3})\d{8}")  # a physical limit that is round is no number of somebody
LONGEST_RECORD_S = 86400
OLDEST_STATED = 89
# When an annotation begins and how long it lasts: seconds of eleven days at most, as nobody's number is.
ONSET = re.compile(rb"(?P<onset>[+-]\d{1,6}(\.\d+)?)(?P<lasts>\x15\d{1,6}(\.\d+)?)?")
OUR_ONSET = re.compile(rb"[+-]\d{1,6}(\.\d{1,6})?(\x15\d{1,6}(\.\d{1,6})?)?")
LIST = re.compile(rb"[+-]\d+(\.\d*)?(\x15\d+(\.\d*)?)?\x14")  # what a block of annotations begins with


@dataclass(frozen=True)
class _Shape:
    """Where things lie in a file."""

    count: int
    header: int
    width: int  # bytes of a sample
    record: int  # bytes of a data record
    blocks: tuple[tuple[int, int, bool], ...]  # offset and length in a record, and whether annotations


def recognises(head: bytes) -> bool:
    """By the first field."""
    return head[:8] in (EDF_MARK, BDF_MARK) and len(head) >= edf_fields.FIXED


def facts_of(content: bytes) -> Facts:
    """What the patient field says; a field outside the EDF+ form is taken as a name."""
    field = content[8:88].rstrip(b" \x00")
    person = person_of(field)
    if person.structured:
        return Facts(
            ids=(person.code,) if person.code else (),
            names=(person.name,) if person.name else (),
            birth=person.birthdate.isoformat() if person.birthdate else "",
            sex=person.sex or "",
        )
    return Facts(names=(field.decode(person.encoding, "replace"),))


def clean(content: bytes, names: Names, known: Sequence[str], profile: Profile) -> Outgoing:
    """The same file with nobody in it.

    Raises
    ------
    CannotClean
        When the header cannot be followed, or the file is shorter than it says.
    """
    shape = _shape(content)
    actions: Actions = Counter()
    out = bytearray(content[: shape.header + _records(content, shape) * shape.record])
    if len(content) > len(out):
        actions["bytes after the last data record", "removed"] += 1
    _clean_fixed(out, content, names, profile, actions)
    _clean_signals(out, shape, known, actions, b"BDF" if content.startswith(BDF_MARK) else b"EDF")
    for start, size in _annotation_blocks(shape, len(out)):
        out[start : start + size] = _clean_block(
            bytes(out[start : start + size]), names, known, profile, actions
        )
    suffix = "bdf" if content.startswith(BDF_MARK) else "edf"
    return Outgoing(
        ((f"recording.{suffix}", bytes(out)),), actions, {"samples": samples_digest(content, shape)}
    )


def prove(content: bytes, bulk: str, known: Sequence[str], profile: Profile) -> list[Finding]:
    """Walk the widths of the standard again; every text must be one that names nobody."""
    try:
        shape = _shape(content)
    except CannotClean as error:
        return [error.finding]
    found = list(_fixed_strangers(content)) + list(_signal_strangers(content, shape))
    if len(content) != shape.header + _records(content, shape) * shape.record:
        found.append("length of the file")
    if samples_digest(content, shape) != bulk:
        found.append("samples")
    for start, size in _annotation_blocks(shape, len(content)):
        for text in _texts(content[start : start + size]):
            if text is None or not _annotation_may_stand(text, known, profile):
                found.append("annotation")
    return [left(place, "something that the allow-list does not hold") for place in dict.fromkeys(found)]


def samples_digest(content: bytes, shape: _Shape | None = None) -> str:
    """SHA-256 over all signals but annotations, in file order."""
    shape = shape or _shape(content)
    kept = bytearray()
    for start in range(
        shape.header, shape.header + _records(content, shape) * shape.record, shape.record or 1
    ):
        for offset, size, notes in shape.blocks:
            if not notes:
                kept += content[start + offset : start + offset + size]
    return digest_bytes(bytes(kept))


def _shape(content: bytes) -> _Shape:
    try:
        count = edf_fields.whole_of(content[252:256], "signals", least=1)
        header = edf_fields.FIXED * (count + 1)
        if len(content) < header:
            raise CannotClean(Reason.TRUNCATED, "a header that breaks off", f"{header} bytes of header")
        fields = edf_fields.fields_of(content, edf_fields.FIXED, edf_fields.SIGNAL_FIELDS, count)
        each = [edf_fields.whole_of(raw, "samples in a record", least=0) for raw in fields["per_record"]]
        records = edf_fields.whole_of(content[236:244], "data records", least=-1)
    except WrongUse as error:
        raise CannotClean(Reason.HEADER_INVALID, error.found, error.wanted, error.where) from error
    width = 3 if content.startswith(BDF_MARK) else 2
    record = width * sum(each)
    if not record or not records:  # its numbers say nothing of the file, so they may be anybody's
        raise CannotClean(Reason.EMPTY_FILE, "no data record, or records without a sample", "a recording")
    if records > 0 and len(content) < header + records * record:
        raise CannotClean(Reason.TRUNCATED, "fewer data records than the header says", "the whole file")
    _require_limits(content, fields, width)
    blocks, at = [], 0
    for label, number in zip(fields["label"], each, strict=True):
        size = number * width
        notes = label.rstrip(b" \x00") in ANNOTATIONS or _holds_lists(content, header + at, size, record)
        blocks.append((at, size, notes))
        at += size
    return _Shape(count, header, width, at, tuple(blocks))


def _require_limits(content: bytes, fields: dict[str, list[bytes]], width: int) -> None:
    """Calibration and duration of a size that such numbers have; another may be somebody's number."""
    sizes = [abs(edf_fields.whole_of(raw, "digital limits", least=-(10**8))) for raw in
             (*fields["digital_min"], *fields["digital_max"])]  # fmt: skip
    physical = (raw.strip(b" \x00") for raw in (*fields["physical_min"], *fields["physical_max"]))
    if max(sizes, default=0) > 1 << 8 * width or any(map(LONG.fullmatch, physical)):
        raise CannotClean(Reason.HEADER_INVALID, "limits that no sample reaches", "a calibration", "signals")
    if edf_fields.decimal_of(content[244:252], "duration") > LONGEST_RECORD_S:
        raise CannotClean(
            Reason.HEADER_INVALID, "a data record of more than a day", "its seconds", "duration"
        )


def _holds_lists(content: bytes, start: int, size: int, record: int) -> bool:
    """Whether a signal holds annotations, whatever it is called: its first block with anything in it begins a list."""
    for at in range(start, len(content), record):
        block = content[at : at + size]
        if any(block):
            return LIST.match(block) is not None
    return False


def _records(content: bytes, shape: _Shape) -> int:
    """Data records; -1 in a header means that they were not counted when it was written."""
    stated = edf_fields.whole_of(content[236:244], "data records", least=-1)
    there = (len(content) - shape.header) // shape.record if shape.record else 0
    return there if stated < 0 else stated


def _clean_fixed(out: bytearray, content: bytes, names: Names, profile: Profile, actions: Actions) -> None:
    person, plus = person_of(content[8:88].rstrip(b" \x00")), bool(PLUS.match(content[192:236]))
    sex = person.sex if profile.characteristics and person.sex else "X"
    day, told = _start(content, plus), _stated_start(content)
    age = _age(person.birthdate, day) if profile.characteristics else ""
    out[8:88] = edf_fields.padded(f"{names.subject} {sex} X X{age}".encode(), 80)
    actions["patient age", "kept"] += bool(age)
    actions["patient code", "changed"] += 1
    actions["patient name and birth date", "removed"] += 1
    actions["patient sex", "kept"] += sex != "X"
    moved = (
        day - datetime.timedelta(days=names.date_shift_days) if day and profile.dates == "shifted" else None
    )
    month = edf_fields.MONTHS[moved.month - 1] if moved else ""
    start = f"Startdate {moved.day:02d}-{month}-{moved.year} X X X" if moved else "Startdate X X X X"
    out[88:168] = edf_fields.padded(start.encode(), 80)
    out[168:176] = _short(moved, plus)
    actions["recording administration, technician and equipment", "removed"] += 1
    actions["start date", "changed" if moved else "removed"] += bool(day or told)
    out[176:184] = content[176:184] if CLOCK.fullmatch(content[176:184]) else b"00.00.00"
    actions["start time", "kept"] += 1
    reserved = content[192:236].rstrip(b" \x00")
    kept = reserved if KINDS.fullmatch(reserved) else (PLUS.match(reserved) or [b""])[0]
    out[192:236] = edf_fields.padded(kept, 44)
    actions["reserved", "kept" if kept == reserved else "changed"] += 1
    out[184:192] = edf_fields.padded(str(edf_fields.FIXED * (1 + int(content[252:256]))).encode(), 8)
    for start_at, end in ((236, 244), (244, 252), (252, 256)):
        out[start_at:end] = edf_fields.padded(content[start_at:end].strip(b" \x00"), end - start_at)
    actions += Counter()


def _age(birth: datetime.date | None, day: datetime.date | None) -> str:
    """Full years on the day of the recording as a subfield of its own behind the name; over 89 all are 90."""
    if birth is None or day is None or birth > day:
        return ""
    years = day.year - birth.year - ((day.month, day.day) < (birth.month, birth.day))
    return f" Age_{min(years, OLDEST_STATED + 1)}"


def _start(content: bytes, plus: bool) -> datetime.date | None:
    """The recording's day: of EDF+'s own field where there is one, else of the short date by its window."""
    return (_stated_start(content) if plus else None) or _windowed(content[168:176])


def _stated_start(content: bytes) -> datetime.date | None:
    parts = content[88:168].split()
    return edf_fields.edfplus_date(parts[1]) if len(parts) > 1 and parts[0] == b"Startdate" else None


def _windowed(field: bytes) -> datetime.date | None:
    match = re.fullmatch(rb"(\d\d)[./-](\d\d)[./-](\d\d)", field)
    if match is None:
        return None
    year = int(match[3])
    return edf_fields.date_of(1900 + year if year >= 85 else 2000 + year, int(match[2]), int(match[1]))


def _short(day: datetime.date | None, plus: bool) -> bytes:
    """The eight bytes of the start date. A day that they cannot tell: "yy" in EDF+, the first day in EDF."""
    if day is not None and FIRST <= day <= LAST:
        return day.strftime("%d.%m.%y").encode()
    if day is not None and plus:
        return day.strftime("%d.%m.").encode() + b"yy"
    return b"01.01.85"


def _clean_signals(
    out: bytearray, shape: _Shape, known: Sequence[str], actions: Actions, form: bytes
) -> None:
    at = edf_fields.FIXED
    for name, width in edf_fields.SIGNAL_FIELDS:
        for number in range(shape.count):
            place = slice(at + width * number, at + width * (number + 1))
            before = bytes(out[place])
            notes = name == "label" and shape.blocks[number][2]
            cleaned = form + b" Annotations" if notes else _signal_field(name, before, number, known)
            after = edf_fields.padded(cleaned, width)
            out[place] = after
            same = after.rstrip() == before.rstrip(b" \x00")
            if before.strip(b" \x00"):
                gone = not after.strip()
                actions[f"signal {name}", "kept" if same else "removed" if gone else "changed"] += 1
        at += width * shape.count


def _signal_field(name: str, raw: bytes, number: int, known: Sequence[str]) -> bytes:
    """What may stand in one field of one signal."""
    text = _decoded(raw)
    if name == "label":
        return text.encode() if is_signal_name(text, known) else f"Signal {number + 1}".encode()
    if name in NUMERIC:
        return raw.strip(b" \x00")
    if name == "unit":
        unit = text.replace("µ", "u").replace("μ", "u")
        return unit.encode() if unit.isascii() and is_unit(unit) else b""
    if name in ("transducer", "prefilter"):
        return text.encode() if _is_description(text) and not find(text, known) else b""
    return b""


def _is_description(text: str) -> bool:
    return text.isascii() and (is_worded(text) or bool(FILTER.fullmatch(text)))


def _decoded(raw: bytes) -> str:
    text = raw.rstrip(b" \x00")
    for codec in ("ascii", "utf-8", "gb18030"):
        try:
            return text.decode(codec)
        except UnicodeDecodeError:
            continue
    return text.decode("latin-1")


def _annotation_blocks(shape: _Shape, length: int) -> Iterator[tuple[int, int]]:
    if not shape.record:
        return
    for start in range(shape.header, length, shape.record):
        for offset, size, notes in shape.blocks:
            if notes:
                yield start + offset, size


def _clean_block(
    block: bytes, names: Names, known: Sequence[str], profile: Profile, actions: Actions
) -> bytes:
    """The lists of one block, each text clean; zeros fill what became shorter."""
    lists = []
    for raw in block.split(b"\x00"):
        if not raw:
            continue
        onset, *texts = raw.split(b"\x14")
        when = ONSET.fullmatch(onset)
        if when is None or not texts:
            actions["annotation list", "removed"] += 1
            continue
        onset = _to_microseconds(when["onset"]) + _to_microseconds(when["lasts"] or b"")
        clean_texts = [_clean_text(text, names, known, profile, actions) for text in texts]
        lists.append(b"\x14".join([onset, *clean_texts]))
    joined = b"\x00".join(lists)
    return joined.ljust(len(block), b"\x00") if len(joined) <= len(block) else bytes(len(block))


def _to_microseconds(seconds: bytes) -> bytes:
    """A number of seconds without what no clock tells: more decimals may be somebody's number."""
    whole, point, decimals = seconds.partition(b".")
    return whole + point + decimals[:6]


def _clean_text(raw: bytes, names: Names, known: Sequence[str], profile: Profile, actions: Actions) -> bytes:
    """A text that fits where the old one stood: as it was, scrubbed, its known words, or nothing."""
    if not raw:
        return raw
    text = _decoded(raw)
    if profile.free_text == "removed":
        cleaned = _closed_words(text, known)
    else:
        shift = names.date_shift_days if profile.dates == "shifted" else None
        cleaned = scrub(text, known, shift_days=shift).text
    if len(cleaned.encode()) > len(raw):
        cleaned = _closed_words(cleaned, known)
    fits = cleaned.encode() if len(cleaned.encode()) <= len(raw) else b""
    actions["annotation", "kept" if fits.decode() == text else "changed" if fits else "removed"] += 1
    return fits


def _closed_words(text: str, known: Sequence[str]) -> str:
    """What of an annotation a closed list holds, if it names nobody."""
    kept = vocabulary.known_words(text, identifying_words(known))
    return kept if is_closed(kept, known) else ""


def _annotation_may_stand(text: str, known: Sequence[str], profile: Profile) -> bool:
    if profile.free_text == "removed":
        return is_closed(text, known)
    return vocabulary.is_known(text) or not find(text, known)


def _texts(block: bytes) -> Iterator[str | None]:
    for raw in filter(None, block.split(b"\x00")):
        onset, *texts = raw.split(b"\x14")
        if not texts or not OUR_ONSET.fullmatch(onset):
            yield None
        for text in texts:
            try:
                yield text.decode("utf-8")
            except UnicodeDecodeError:
                yield None


def _fixed_strangers(content: bytes) -> Iterator[str]:
    for name, start, end, form in (
        ("patient", 8, 88, rb"[A-Za-z]-[0-9a-f]{16} [FMX] X X( Age_([0-8]?\d|90))? *"),
        ("recording", 88, 168, rb"Startdate (X|\d\d-[A-Z]{3}-\d{4}) X X X *"),
        ("start date", 168, 176, rb"\d\d\.\d\d\.(\d\d|yy)"),
        ("start time", 176, 184, CLOCK.pattern),
        ("bytes in header", 184, 192, str(edf_fields.FIXED * (1 + int(content[252:256]))).encode() + rb" *"),
        # Some recorders fill a number with zeros or blanks before it, though the format says behind.
        ("reserved", 192, 236, KINDS.pattern + rb" *"),
        ("data records", 236, 244, rb" *-?0*\d{1,7} *"),
        ("duration", 244, 252, rb" *" + NUMBER.pattern + rb" *"),
        ("signals", 252, 256, rb" *\d{1,4} *"),
    ):
        if not re.fullmatch(form, content[start:end]):
            yield f"header field {name}"


def _signal_strangers(content: bytes, shape: _Shape) -> Iterator[str]:
    fields = edf_fields.fields_of(content, edf_fields.FIXED, edf_fields.SIGNAL_FIELDS, shape.count)
    for name, values in fields.items():
        for raw in values:
            if not raw.isascii() or not _may_stand(name, raw.decode("ascii").rstrip()):
                yield f"signal {name}"


def _may_stand(name: str, text: str) -> bool:
    if name == "label":
        return is_signal_name(text) or bool(re.fullmatch(r"Signal \d{1,4}|(EDF|BDF) Annotations", text))
    if name in NUMERIC:
        return bool(NUMBER.fullmatch(text.lstrip().encode()))
    if name == "unit":
        return is_unit(text)
    return _is_description(text) if name in ("transducer", "prefilter") else text == ""
