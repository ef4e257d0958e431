"""Electrode names on the scalp as recorders write them, and the channels of a montage found among them.

References
----------
International 10-20 and 10-10 systems (Acharya et al., J Clin Neurophysiol 33:308-311, 2016): T3, T4, T5, T6
of the older naming are T7, T8, P7, P8.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from medassay.core.errors import WrongUse

# The 19 scalp electrodes of the 10-20 system, front to back and left to right.
TEN_TWENTY = (
    *("Fp1", "Fp2", "F7", "F3", "Fz", "F4", "F8", "T7", "C3", "Cz"),
    *("C4", "T8", "P7", "P3", "Pz", "P4", "P8", "O1", "O2"),
)
OLDER_NAMES = {"T3": "T7", "T4": "T8", "T5": "P7", "T6": "P8"}
REFERENCES = {"REF", "AVG", "AV", "LE", "A1", "A2", "M1", "M2", "A1A2", "A1+A2"}

_SITE = re.compile(r"(FP|AF|FT|FC|TP|CP|PO|F|T|C|P|O|I)(Z|\d{1,2})")
_CASE = {"FP": "Fp"}


@dataclass(frozen=True)
class Lead:
    """What one signal's label says: an electrode against a reference, or against another electrode."""

    electrode: str
    against: str  # a reference, another electrode, or empty where the label does not say
    bipolar: bool


@dataclass(frozen=True)
class Channel:
    """One channel of a montage and the signals it is made of: the first, or the first minus the second."""

    name: str
    first: int
    second: int | None = None


def lead_of(label: str) -> Lead | None:
    """Read a label; None where it names no scalp electrode.

    Examples
    --------
    >>> lead_of("EEG T3-Ref")
    Lead(electrode='T7', against='REF', bipolar=False)
    >>> lead_of("FP1-F7")
    Lead(electrode='Fp1', against='F7', bipolar=True)
    >>> lead_of("ECG ECG") is None
    True
    """
    text = label.upper().removeprefix("EEG ").replace(".", "").strip()
    first, _, rest = text.partition("-")
    electrode = _site(first)
    if electrode is None:
        return None
    against = rest.strip()
    other = _site(against)
    if other is not None:
        return Lead(electrode, other, True)
    return Lead(electrode, against, False) if not against or against in REFERENCES else None


def find(labels: Sequence[str], wanted: Sequence[str]) -> tuple[list[Channel], list[str], list[str]]:
    """Find the channels of a montage among the signals of a recording.

    Parameters
    ----------
    labels : sequence of str
        As they stand in the header.
    wanted : sequence of str
        "Fp1" is an electrode against the recording's reference, "Fp1-F7" a difference of two electrodes: a
        signal of that name, or the difference of two that share a reference.

    Returns
    -------
    found, missing, doubtful : channels in the order wanted; names without, and with several signals
    """
    leads = [lead_of(label) for label in labels]
    found: list[Channel] = []
    missing: list[str] = []
    doubtful: list[str] = []

    def signals(electrode: str, against: str | None) -> list[int]:
        return [
            i
            for i, lead in enumerate(leads)
            if lead
            and lead.electrode == electrode
            and (lead.against == against if against else not lead.bipolar)
        ]

    for name in wanted:
        electrode, _, other = name.partition("-")
        own = signals(electrode, other or None)
        pairs: list[tuple[int, int | None]] = [(i, None) for i in own] or (
            [(i, j) for i in signals(electrode, None) for j in signals(other, None)] if other else []
        )
        if len(pairs) == 1:
            found.append(Channel(name, *pairs[0]))
        else:
            (doubtful if pairs else missing).append(name)
    return found, missing, doubtful


def reference_of(labels: Sequence[str]) -> str:
    """What these signals are recorded against, as one word; electrodes on both ears are one reference.

    Examples
    --------
    >>> reference_of(["Fp1-A1", "Fp2-A2"]), reference_of(["EEG F3"]), reference_of(["F3-F7"])
    ('A1A2', 'unstated', 'bipolar')
    """
    leads = [lead for lead in map(lead_of, labels) if lead]
    told = {"bipolar" if lead.bipolar else lead.against or "unstated" for lead in leads}
    if told <= {"A1", "A2", "A1A2", "A1+A2"} and len(told) > 1:
        return "A1A2"
    return "+".join(sorted(told))


def require_names(wanted: Sequence[str]) -> None:
    """Refuse a montage that names something else than electrodes, or a channel twice."""
    bad = [name for name in wanted if any(_site(part.upper()) != part for part in name.split("-"))]
    twice = sorted({name for name in wanted if list(wanted).count(name) > 1})
    if bad or twice or not wanted:
        raise WrongUse(
            found=f"channels {', '.join(bad or twice) or 'none'}",
            wanted="electrodes of the 10-10 system (Fp1, T7), or differences of two (Fp1-F7), each once",
            remedy="Correct `channels` in the source's options.",
        )


def _site(text: str) -> str | None:
    match = _SITE.fullmatch(text.strip())
    if not match:
        return None
    name = _CASE.get(match[1], match[1]) + match[2].lower()
    return OLDER_NAMES.get(name, name)
