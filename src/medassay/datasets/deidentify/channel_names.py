"""What a channel of a flow cytometer may be called: detectors, dyes, antigens and filters, and nobody's name."""

from __future__ import annotations

import re
from collections.abc import Sequence

from medassay.datasets.deidentify import vocabulary
from medassay.datasets.deidentify.free_text import find

_WORDS_TEXT = (
    "fsc ssc fs ss fl time width height area log lin logh loga logw linh lina linw peak tof event index "
    "comp ratio fitc pe percp apc pc ecd krome orange pacific blue bv buv bb bp pb amcyan dapi hoechst pi "
    "propidium iodide texas red tr txred cy pecy apccy percpcy pecf pefire apcfire apch apcr alexa fluor "
    "af qdot qd gfp egfp yfp eyfp cfp ecfp rfp mcherry tdtomato dsred venus cerulean zombie aqua nir uv "
    "violet yellow green far live dead viability aad cfse celltrace vioblue viogreen viobright vio ef "
    "efluor super bright spark kiravia fire dye dump nm lp sp hdr ce se doublet singlet channel detector "
    "laser beads blank unstained dna rna fluo fura indo sytox sytoxblue draq pyronin tcr bcr igg igm iga "
    "igd ige igk igl kappa lambda hla dr dq dp abc ki foxp gata tbet ccr cxcr cx nk nkg nkp lag tim pd "
    "ctla icos ox gitr kir klrg il ifn tnf tgf granzyme perforin annexin lineage mpo tdt glya gpa flaer "
    "ter sca kit flt thy gr ly mac siglec fcr epcam vimentin keratin cytokeratin her egfr psa afp bcl "
    "cyclin cleaved caspase phospho total stat erk akt mapk histone ve h a w yg rl bl vl uvl "
)
_WORDS = frozenset(_WORDS_TEXT.split())
_MARKS = re.compile(r"[-_ /.:;,()@+*#<>&%\[\]]+")
_CLUSTER = re.compile(r"CD\d{1,3}[A-Za-z]{0,2}", re.IGNORECASE)
_MIXED = re.compile(r"(?P<front>[A-Za-z]{0,8}?)(?P<number>\d{1,4})(?P<behind>[A-Za-z]{0,6})")
LONGEST, MOST_DIGITS, MOST_NUMBERS = 60, 14, 6
SHORT_NUMBER = 3  # digits on their own: a wavelength, a filter, a place in a row


def is_channel_name(text: str, known: Sequence[str] = ()) -> bool:
    """Whether the name of a channel, or what it was stained with, may stand.

    Examples
    --------
    >>> names = ("FSC-A", "PerCP-Cy5-5-A", "488/552nm PECy5.5 (710/40) LogH", "CD21;FITC;530/30@488/B", "BV421-A", "t")
    >>> [is_channel_name(name) for name in names]
    [True, True, True, True, True, True]
    >>> names = ("Qurbanjan", "Li-Na", "8679 3042", "CD3 Zhang", "", "138-0013-8000")
    >>> [is_channel_name(name) for name in names]
    [False, False, False, False, False, False]
    """
    parts = [part for part in _MARKS.split(text) if part]
    numbers = [part for part in parts if part.isdigit()]
    if not parts or not text.isascii() or len(text) > LONGEST or vocabulary.TELLING.search(text):
        return False
    if sum(map(str.isdigit, text)) > MOST_DIGITS or len(numbers) > MOST_NUMBERS:
        return False
    return all(map(_is_part, parts)) and not find(text, known, running=False)


def _is_part(part: str) -> bool:
    if part.isdigit():
        return len(part) <= SHORT_NUMBER
    if part.isalpha():
        return len(part) == 1 or _is_word(part)
    mixed = _MIXED.fullmatch(part)
    if mixed is None:
        return bool(_CLUSTER.fullmatch(part))
    sides = (mixed["front"], mixed["behind"])
    return bool(_CLUSTER.fullmatch(part)) or all(len(side) <= 2 or _is_word(side) for side in sides)


def _is_word(word: str) -> bool:
    return word.casefold() in _WORDS or word.casefold() in vocabulary.item_words()
