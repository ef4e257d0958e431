"""Keywords of an FCS file's TEXT segment as they may leave: a list, each with the form of its value.

Operators, samples, files, projects, instruments and whatever a maker's software adds stand on no list. A name of a
channel is held to words of the field; where it falls, the channel keeps a number, also in the matrix of spill-over.

References
----------
Data File Standard for Flow Cytometry, FCS 3.1 (Spidlen 2010), 3.2 (TEXT), 3.2.18 to 3.2.20; FCS 3.2 (2021).
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping, Sequence

from medassay.datasets.deidentify.channel_names import is_channel_name
from medassay.datasets.deidentify.facts import Facts, folded_birth, folded_sex
from medassay.datasets.deidentify.free_text import find
from medassay.datasets.deidentify.outgoing import Actions
from medassay.datasets.deidentify.profile import Profile
from medassay.datasets.sample import Names

DELIMITER = "|"
NUMBER = r"-?(\d{1,7}(\.\d{1,8})?|\.\d{1,8})([eE][-+]?\d{1,2})?"
UPPER = ("$DATATYPE", "$MODE")  # letters that some writers write small
_FORMS: Mapping[str, str] = {  # of the whole set
    "$BYTEORD": r"[1-8](,[1-8]){1,7}",
    "$DATATYPE": "[IFD]",
    "$MODE": "L",
    "$PAR": r"\d{1,4}",
    "$TOT": r"\d{1,9}",
    "$ABRT": r"\d{1,7}",
    "$LOST": r"\d{1,7}",
    "$TIMESTEP": NUMBER,
    "$VOL": NUMBER,
    "$BTIM": r"([01]\d|2[0-3]):[0-5]\d:[0-5]\d([.:]\d{1,3})?",
    "$ETIM": r"([01]\d|2[0-3]):[0-5]\d:[0-5]\d([.:]\d{1,3})?",
    "$ORIGINALITY": "Original|NonDataModified|Appended|DataModified",
    "$CYT": (
        r"(BD )?(FACS)?(Calibur|Canto( ?II)?|Aria( ?I{1,3}|-3)?( \(FACSAriaIII\))?|LSR ?II|LSRFortessa( X-20)?|"
        r"Symphony|Lyric|Via|Scan|Sort|Celesta|Melody|Verse)|BD Accuri C6( Plus)?|Attune( NxT)?|"
        r"CytoFLEX( (S|LX|SRT))?|Navios( EX)?|Gallios|FC ?500|EPICS XL|"
        r"MACSQuant( (VYB|X|16|10|Analyzer( (10|16))?|Tyto))?|CyFlow( Cube)?|Cube_\d{1,2}|"
        r"Aurora|Northern Lights|ZE5|Guava|BriCyte E6|DxFLEX|NovoCyte"
    ),
}
_CHANNEL_FORMS: Mapping[str, str] = {  # of one channel: $P, its number, and this letter
    "B": r"8|16|32|64",
    "E": r"\d(\.\d{1,6})?,\d(\.\d{1,6})?",
    "R": r"\d{1,7}(\.0{1,3})?",
    "G": NUMBER,
    "V": r"\d{1,4}(\.\d{1,4})?",
    "L": r"\d{3,4}( ?nm)?(,\d{3,4}){0,4}",
    "O": r"\d{1,4}(\.\d)?( ?mW)?",
    "F": r"\d{3}(/{1,2}\d{1,3})?( ?(nm|LP|SP|BP))?",
    "D": rf"(Linear|Logarithmic),{NUMBER},{NUMBER}",
    "P": r"\d{1,3}(\.\d{1,2})?",
    "DATATYPE": "[IFD]",
}
FORMS = {name: re.compile(form) for name, form in _FORMS.items()}
CHANNEL_FORMS = {name: re.compile(form) for name, form in _CHANNEL_FORMS.items()}
CHANNEL = re.compile(r"\$P(?P<number>[1-9]\d{0,3})(?P<letter>[A-Z]{1,8})")
SPILL = ("$SPILLOVER", "SPILL", "$COMP")
STANDARD = re.compile(r"\$[A-Z]{2,16}\d{0,4}[A-Z]{0,10}|[A-Z]{4,12}")
MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
DAY = re.compile(
    r"(?P<d>\d{1,2})-(?P<m>[A-Za-z]{3})-(?P<y>\d{4}|\d{2})|(?P<y2>\d{4})-(?P<m2>[A-Za-z]{3}|\d{2})-(?P<d2>\d{2})"
)
WRITTEN_DAY = re.compile(rf"\d\d-({'|'.join(MONTHS)})-\d{{4}}")
MOMENT = re.compile(
    r"(?P<day>\d{4}-\d\d-\d\d)(?P<rest>T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,6})?(Z|[+-][01]\d:[0-5]\d)?)"
)
MOMENTS = ("$BEGINDATETIME", "$ENDDATETIME")
FIRST_YEAR = 84  # of two digits: the standard is of 1984
PEOPLE = {  # keywords that makers and laboratories write a person under, in capitals without marks
    "id": ("PATIENTID", "PATID", "MRN", "PATIENTNUMBER", "PATIENTNO", "SUBJECTID", "病历号", "住院号", "门诊号",
           "身份证号", "患者编号"),
    "name": ("PATIENTNAME", "PATIENT", "NAME", "SUBJECTNAME", "姓名", "患者姓名"),
    "birth": ("DOB", "BIRTHDATE", "DATEOFBIRTH", "PATIENTDOB", "PATIENTBIRTHDATE", "出生日期"),
    "sex": ("SEX", "GENDER", "PATIENTSEX", "性别"),
}  # fmt: skip


def pairs_of(segment: bytes) -> dict[str, str]:
    """Keywords, in capitals, and values of a TEXT segment; the first byte parts them, twice it stands for itself.

    Examples
    --------
    >>> pairs_of(b"/$par/2/$P1F/561//10 nm/")
    {'$PAR': '2', '$P1F': '561/10 nm'}
    """
    text = _decoded(segment)
    delimiter = text[:1]
    if not delimiter or delimiter.isalnum():
        return {}
    doubled = text[1:].rstrip("\x00 \r\n").replace(delimiter * 2, "\x00")
    parts = [part.replace("\x00", delimiter) for part in doubled.removesuffix(delimiter).split(delimiter)]
    return {key.strip().upper(): value.strip() for key, value in zip(parts[::2], parts[1::2], strict=False)}


def facts_of(pairs: Mapping[str, str]) -> Facts:
    """Who the keywords of laboratories name; the source of the specimen where it is somebody's name."""
    plain = {re.sub(r"[^\w]|_", "", key).upper(): value for key, value in pairs.items() if value}
    told = {kind: [plain[key] for key in keys if key in plain] for kind, keys in PEOPLE.items()}
    source = pairs.get("$SRC", "")
    if any(mark.kind == "name" for mark in find(source, running=False)):
        told["name"].append(source)
    births = [day for day in map(folded_birth, told["birth"]) if day]
    sexes = [sex for sex in map(folded_sex, told["sex"]) if sex]
    return Facts(
        tuple(dict.fromkeys(told["id"])),
        tuple(dict.fromkeys(told["name"])),
        (births or [""])[0],
        (sexes or [""])[0],
    )


def clean(
    pairs: Mapping[str, str], names: Names, known: Sequence[str], profile: Profile, actions: Actions
) -> dict[str, str]:
    """The keywords that stay, in their forms."""
    pairs = {key: _plain(key, value) for key, value in pairs.items()}
    called = channel_names(pairs, known)
    out = {}
    for key, value in pairs.items():
        if key in OFFSETS or not value:
            continue
        after = _after(key, value, called, names, known, profile)
        actions[told(key), "kept" if after == value else "changed" if after else "removed"] += 1
        if after:
            out[key] = after
    return out


def _plain(key: str, value: str) -> str:
    """A value without the marks that makers put behind a dye's name."""
    return value.upper() if key in UPPER else value.replace("\u2122", "").replace("\u00ae", "")


OFFSETS = frozenset(
    f"${side}{name}" for side in ("BEGIN", "END") for name in ("ANALYSIS", "STEXT", "DATA")
) | {"$NEXTDATA"}


def told(key: str) -> str:
    """A keyword as the report names it: a hospital's own may hold anything.

    Examples
    --------
    >>> told("$P12S"), told("$SMNO"), told("张伟")
    ('$PnS', '$SMNO', 'another keyword')
    """
    match = CHANNEL.fullmatch(key)
    if match:
        return (
            f"$Pn{match['letter']}"
            if match["letter"] in (*CHANNEL_FORMS, "N", "S", "T", "DET")
            else "another keyword"
        )
    return key if key in FORMS or key in _KNOWN else "another keyword"


_KNOWN_TEXT = (
    "$OP $INST $SMNO $SRC $FIL $SYS $CELLS $COM $EXP $PROJ $CYTSN $TR $DATE $BEGINDATETIME $ENDDATETIME "
    "$SPILLOVER $COMP SPILL $PLATEID $PLATENAME $WELLID $LAST_MODIFIED $LAST_MODIFIER $GATE $GATING "
    "$UNICODE $CARRIERID $CARRIERTYPE $LOCATIONID $SPECIMEN $UNSTAINEDCENTERS $UNSTAINEDINFO $FLOWRATE "
    "$CSMODE $CSVBITS $CSTOT "
)
_KNOWN = frozenset(_KNOWN_TEXT.split())


def channel_names(pairs: Mapping[str, str], known: Sequence[str]) -> dict[str, str]:
    """Names of channels, by those of the source: as they are, or a number."""
    found: dict[str, str] = {}
    for key, value in pairs.items():
        match = CHANNEL.fullmatch(key)
        if match and match["letter"] == "N":
            number = f"P{match['number']}"
            found.setdefault(value, value if is_channel_name(value, known) and "," not in value else number)
    return found


def stands(key: str, value: str, names: Sequence[str], known: Sequence[str], profile: Profile) -> bool:
    """Whether a keyword of the output may stand with its value.

    Parameters
    ----------
    names : sequence of str
        Of the channels, as the output has them.
    """
    if not value or not value.isascii() or DELIMITER in value:
        return False
    match = CHANNEL.fullmatch(key)
    if match:
        return _channel_stands(match["letter"], match["number"], value, known)
    if key == "$DATE":
        return bool(WRITTEN_DAY.fullmatch(value)) and profile.dates == "shifted"
    if key in MOMENTS:
        return bool(MOMENT.fullmatch(value)) and profile.dates == "shifted"
    if key == "$TR":
        return value.rpartition(",")[0] in names and bool(re.fullmatch(NUMBER, value.rpartition(",")[2]))
    if key in SPILL:
        return _spilled(value, {name: name for name in names}) == value
    return key in FORMS and bool(FORMS[key].fullmatch(value))


def _channel_stands(letter: str, number: str, value: str, known: Sequence[str]) -> bool:
    if letter in ("N", "S"):
        return (letter == "N" and value == f"P{number}") or is_channel_name(value, known)
    if letter == "R" and value.isdigit() and _is_power(int(value)):
        return True
    return letter in CHANNEL_FORMS and bool(CHANNEL_FORMS[letter].fullmatch(value))


def _after(
    key: str, value: str, called: Mapping[str, str], names: Names, known: Sequence[str], profile: Profile
) -> str:
    match = CHANNEL.fullmatch(key)
    if match and match["letter"] == "N":
        return called[value]
    if match and match["letter"] == "R" and not _channel_stands("R", "", value, known):
        # Readers mask whole numbers by the next power of two, so that this one reads the same.
        return str(1 << int(value).bit_length()) if value.isdigit() and len(value) < 21 else ""
    if key == "$DATE":
        return _moved_day(value, names, profile)
    if key in MOMENTS:
        return _moved_moment(value, names, profile)
    if key == "$TR":
        name, _, level = value.rpartition(",")
        value = f"{called.get(name.strip(), '')},{level.strip()}"
    if key in SPILL:
        return _spilled(value, called)
    return value if stands(key, value, list(called.values()), known, profile) else ""


def _is_power(number: int) -> bool:
    """Whether a range is a power of two, or the number below it."""
    return number.bit_count() == 1 or (number + 1).bit_count() == 1


def _moved_day(value: str, names: Names, profile: Profile) -> str:
    match = DAY.fullmatch(value)
    if match is None or profile.dates != "shifted":
        return ""
    year, month = match["y"] or match["y2"], (match["m"] or match["m2"]).upper()
    if len(year) == 2:
        year = f"19{year}" if int(year) >= FIRST_YEAR else f"20{year}"
    number = int(month) if month.isdigit() else MONTHS.index(month) + 1 if month in MONTHS else 0
    moved = _back(int(year), number, int(match["d"] or match["d2"]), names)
    return f"{moved.day:02d}-{MONTHS[moved.month - 1]}-{moved.year:04d}" if moved else ""


def _moved_moment(value: str, names: Names, profile: Profile) -> str:
    match = MOMENT.fullmatch(value)
    if match is None or profile.dates != "shifted":
        return ""
    year, month, day = map(int, match["day"].split("-"))
    moved = _back(year, month, day, names)
    return f"{moved.isoformat()}{match['rest']}" if moved else ""


def _back(year: int, month: int, day: int, names: Names) -> datetime.date | None:
    try:
        return datetime.date(year, month, day) - datetime.timedelta(days=names.date_shift_days)
    except (ValueError, OverflowError):
        return None


def _spilled(value: str, called: Mapping[str, str]) -> str:
    """A matrix of spill-over with the names that channels have now, its numbers to eight digits; empty: it is none."""
    parts = [part.strip() for part in value.split(",")]
    count = int(parts[0]) if re.fullmatch(r"\d{1,3}", parts[0]) else 0
    if not count or len(parts) != 1 + count + count * count or not set(parts[1 : 1 + count]) <= called.keys():
        return ""
    numbers = parts[1 + count :]
    if not all(re.fullmatch(r"-?\d{1,4}(\.\d{0,20})?([eE][-+]?\d{1,2})?", number) for number in numbers):
        return ""
    return ",".join(
        [str(count), *(called[name] for name in parts[1 : 1 + count]), *(f"{float(n):.8g}" for n in numbers)]
    )


def _decoded(segment: bytes) -> str:
    for codec in ("utf-8", "gb18030"):
        try:
            return segment.decode(codec)
        except UnicodeDecodeError:
            continue
    return segment.decode("latin-1")
