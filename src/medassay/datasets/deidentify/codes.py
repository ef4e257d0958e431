"""Codes of the schemes that DICOM uses, held to the form that each scheme gives to its codes.

A private scheme may code a person, and a number that is said to be a code may be somebody's: where a scheme has check
digits they are computed, where its codes are words they are listed.

References
----------
DICOM PS3.16, 8 and annex D; SNOMED CT release file specification, 6 (identifiers); LOINC users' guide, appendix
(check digit); UCUM, 12 (annotations).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from medassay.datasets.deidentify import vocabulary

# Schemes of PS3.16 whose codes are checked by their form; others may be a hospital's own.
SCHEMES: Mapping[str, re.Pattern[str]] = {
    "DCM": re.compile(r"1[0-3]\d{4}|[A-Z][A-Za-z0-9]{0,10}"),
    "SCT": re.compile(r"[1-9]\d{5,17}"),
    "SRT": re.compile(r"[A-Z]{1,2}-[0-9A-F]{4,5}"),
    "SNM3": re.compile(r"[A-Z]{1,2}-[0-9A-F]{4,5}"),
    "99SDM": re.compile(r"[A-Z]{1,2}-[0-9A-F]{4,5}"),
    "LN": re.compile(r"\d{1,6}-\d"),
    "FMA": re.compile(r"\d{1,6}"),
    "RADLEX": re.compile(r"RID\d{1,6}"),
    "UMLS": re.compile(r"C\d{7}"),
    "NCIt": re.compile(r"C\d{1,6}"),
    "UCUM": re.compile(
        r"(?:(?:[kcmunpMGd]?(?:m|g|s|L|l|V|A|Hz|Bq|Sv|Gy|Pa|W|J|mol|eq|h|min|d|wk|mo|a|deg|rad|K|Cel|%|1|10\*\d+)"
        r"|mm\[Hg\]|cm\[H2O\]|\[hnsf'U\]|\{[a-zA-Z:]{1,12}\}|no units|dB|Ci|mCi|kVp|mAs)[0-9]?[./]?){1,4}"
    ),
}
# Codes of DCM that are words: PS3.16, annex D (modalities, availability, media, parts of a waveform, types of plans).
_DCM = (
    "ANN AR ARCHIVE AS ASMT AU BDUS BI BMD CAD CAPTURE CD CF CFM COMP CP CR CS CT CTPROTOCOL DD DF DG DM DMS DOC DOCD "
    "DS DSS DX EC ECG EEG EMG EOG EPS ES F FA FC FID FILMD FP FS GM H HC HD IO IOL IVOCT IVUS KER KO LEN LOG LP LS M "
    "M3D MA MC MCD MEDIM MG MP MR MS Margin NEARLINE NM OAM OCT OFFLINE ONLINE OP OPM OPR OPT OPTBSV OPTENF OPV OSS OT "
    "PA PLAN POS PR PRINT PT PX REG RESP RF RG RT RTDOSE RTIMAGE RTPLAN RTRECORD RTSTRUCT RWV SEG SM SMR SR SRF ST "
    "STAIN TEXTUREMAP TG U UNAVAILABLE US VA VF VIDD WSD XA XC"
)
DCM_WORDS = frozenset(_DCM.split())
ANNOTATION = re.compile(r"\{([a-zA-Z:]+)\}")
ANNOTATIONS = frozenset(
    ("bau", "suvbw", "suvlbm", "suvbsa", "suvibw", "hu", "ratio", "counts")
)  # PS3.16, CID 82 to 84


def are_codes(code: str, long_code: str, scheme: str) -> bool:
    """Whether an item has a code, short or long, and each that it has is one of its scheme."""
    given = [one for one in (code, long_code) if one]
    return bool(given) and all(is_code(one, scheme) for one in given)


def is_code(code: str, scheme: str) -> bool:
    """Whether a code has the form that its scheme gives to codes.

    Examples
    --------
    >>> is_code("80891009", "SCT"), is_code("80891008", "SCT"), is_code("ZHANG", "99HOSPITAL")
    (True, False, False)
    >>> is_code("13800138014", "SCT"), is_code("8867-4", "LN"), is_code("8867-3", "LN"), is_code("LIWEI", "DCM")
    (False, True, False, False)
    """
    code, scheme = code.strip(), scheme.strip()
    form = SCHEMES.get(scheme)
    if form is None or not form.fullmatch(code):
        return False
    match scheme:
        case "DCM":
            return code.isdigit() or code in DCM_WORDS
        case "SCT":
            return _is_concept(code) and _verhoeff(code)
        case "LN":
            return _luhn(code.replace("-", ""))
        case "UCUM":
            return all(_names_a_unit(word) for word in ANNOTATION.findall(code))
    return True


def _names_a_unit(word: str) -> bool:
    return word.casefold() in ANNOTATIONS or (len(word) > 1 and vocabulary.is_known(word.replace(":", " ")))


def _is_concept(digits: str) -> bool:
    """Before the check digit stand two that say what is identified: a concept, of the core or of an extension."""
    partition = digits[-3:-1]
    return partition == "00" or (partition == "10" and len(digits) > 10)


def _luhn(digits: str) -> bool:
    doubled = [int(digit) * (1 + at % 2) for at, digit in enumerate(reversed(digits))]
    return sum(one // 10 + one % 10 for one in doubled) % 10 == 0


_TIMES = (
    (0, 1, 2, 3, 4, 5, 6, 7, 8, 9), (1, 2, 3, 4, 0, 6, 7, 8, 9, 5), (2, 3, 4, 0, 1, 7, 8, 9, 5, 6),
    (3, 4, 0, 1, 2, 8, 9, 5, 6, 7), (4, 0, 1, 2, 3, 9, 5, 6, 7, 8), (5, 9, 8, 7, 6, 0, 4, 3, 2, 1),
    (6, 5, 9, 8, 7, 1, 0, 4, 3, 2), (7, 6, 5, 9, 8, 2, 1, 0, 4, 3), (8, 7, 6, 5, 9, 3, 2, 1, 0, 4),
    (9, 8, 7, 6, 5, 4, 3, 2, 1, 0),
)  # fmt: skip
_FIRST_TURN = (1, 5, 7, 6, 2, 8, 3, 0, 9, 4)


def _verhoeff(digits: str) -> bool:
    """The check digit of SNOMED CT identifiers (Verhoeff's dihedral code)."""
    turn: tuple[int, ...] = tuple(range(10))
    check = 0
    for digit in reversed(digits):
        check = _TIMES[check][turn[int(digit)]]
        turn = tuple(_FIRST_TURN[place] for place in turn)
    return check == 0
