"""What a signal may be called and measured in: names of electrodes, leads and quantities, and nobody's."""

from __future__ import annotations

import re
from collections.abc import Sequence

from medassay.datasets.deidentify import vocabulary
from medassay.datasets.deidentify.closed_text import tells
from medassay.datasets.deidentify.free_text import find

# Beside the words of the standard and of imaging: how recorders and public databases shorten names of signals.
_WORDS_TEXT = (
    "ml mli mlii mliii cl cli clii cliii mcl nasa pleth plethysmogram ppg bvp resp respiration airflow "
    "aflow flow nasal thor thorax abdo abdomen abd chest chin snore sound pcg phono abp nibp ibp art aobp "
    "bp pap cvp icp sao spo etco temp rectal skin oral event events marker status trigger trig stim "
    "stimulus stm annotations ekg ecg eeg emg eog meg ecog seeg erg gsr eda scr acc accel gyro mag pulse "
    "pulserate hr photic light osat position pos body leg legs submental horizontal vertical left right "
    "fhr uterine uc direct maternal toco sum ref avg ave gnd pol lead chan channel misc aux "
    "accelerometer gyroscope magnetometer veog heog dtrig dig counter "
    "battery sensor "
)
_WORDS = frozenset(_WORDS_TEXT.split())
# Letters of electrodes and leads that stand without a number.
_LEADS_TEXT = (
    "i ii iii iv avr avl avf vr vl vf cr mv5 fpz afz fz fcz cz cpz pz poz oz iz nz loc roc lmc rmc lat rat la ra ll rl "
    "ch ic nac gnd bip ref dc ac in out fp af ft tp cp po fc cb mk sd hrv imp dev oro "
)
_LEADS = frozenset(_LEADS_TEXT.split())
_PART = re.compile(r"[A-Za-z]'?|[A-Za-z]{1,3}'?\d{1,3}'?|[A-Za-z]{1,3}\d{1,2}[A-Za-z]?|\d{1,3}")
_SPELT = re.compile(r"(?P<word>[A-Za-z]{4,})\d{0,3}|(?P<short>[A-Za-z]{2,3})")
_SEPARATORS = re.compile(r"[-:/ _+.$#()%]+")
LONGEST = 40
DIGITS, NUMBERS = 6, 2  # more digits, or numbers that stand alone, are somebody's
_UNITS_TEXT = (
    "uv mv v nv pv kv % %% mmhg kpa pa cmh2o mbar bpm /min 1/min min-1 spm c degc °c k f degf l l/min l/s "
    "ml ml/s ml/min ohm kohm us ms s min h hz khz lx lux lumen db g mg m/s2 m/s^2 m/ss mm cm m mm/s cm/s "
    "nu n/a na nd bool boolean adu au a.u. arb 1 deg rad deg/s rad/s ppm t ft ft/cm t/m fmol mmol/l mg/dl "
    "units unit counts count uvrms uv^2 uv2 mv/s w j n nm a ma ua x - '' "
)
UNITS = frozenset(_UNITS_TEXT.split())


def is_signal_name(text: str, known: Sequence[str] = ()) -> bool:
    """Whether a signal's name may stand.

    Examples
    --------
    >>> [is_signal_name(name) for name in ("MLII", "EEG Fp1-Ref", "Resp oro-nasal", "Direct_1", "POL $LTG12", "F7.")]
    [True, True, True, True, True, True]
    >>> [is_signal_name(name) for name in ("Gulbahar", "Aynu", "EEG Memet", "Li-Na", "Eva Kim", "860-371-825", "")]
    [False, False, False, False, False, False, False]
    """
    if not text.isascii() or not 0 < len(text) <= LONGEST or find(text, known, running=False):
        return False
    parts = [part for part in _SEPARATORS.split(text) if part]
    if sum(map(str.isdigit, text)) > DIGITS or sum(map(str.isdigit, parts)) > NUMBERS:
        return False
    return bool(parts) and not tells(text) and all(_is_part(part) for part in parts)


def is_unit(text: str) -> bool:
    """Whether a unit of a signal may stand.

    Examples
    --------
    >>> is_unit("uV"), is_unit("mmHg"), is_unit(""), is_unit("Gulbahar")
    (True, True, True, False)
    """
    return not text or text.replace(" ", "").casefold() in UNITS


def _is_part(part: str) -> bool:
    spelt = _SPELT.fullmatch(part)
    if spelt:
        word = (spelt["word"] or spelt["short"]).casefold()
        return word in _WORDS or word in _LEADS or word in vocabulary.words()
    return bool(_PART.fullmatch(part))
