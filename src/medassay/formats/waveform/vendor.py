"""Waveform files of recorders that have no reader here: known by name, so that whoever offers one knows what to do.

A form is told by its content. Only for a file whose bytes tell nothing does the ending of its name give a hint.

References
----------
Magic numbers as BioSig's file type detection, FieldTrip, MNE-Python, EDFbrowser and BRAVEHEART read them; ISHNE
Holter standard output file format (Badilini, 1998); ISO 22077-1 (MFER).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from medassay.core.findings import Finding, Reason, Severity
from medassay.formats.xml_root import root_of


@dataclass(frozen=True)
class Form:
    """A form by its name, and what its recorder or software can export instead."""

    name: str
    instead: str


ECG = "DICOM ECG, HL7 aECG, SCP-ECG or WFDB"
EEG = "EDF+ or BDF+"
HOLTER = "EDF+ or WFDB"

# The first pattern that fits the start of a file counts.
_MAGIC: tuple[tuple[re.Pattern[bytes], Form], ...] = tuple(
    (re.compile(pattern, re.DOTALL), Form(name, instead))
    for pattern, name, instead in (
        (rb"(\xef\xbb\xbf)?\s{0,16}%PDF-", "PDF pages: curves are drawn, not stored", ECG),
        (rb"(EEG-(1100|1200|2100|2110|9100|9200)|QI-403A|DAE-2100D).?\s", "Nihon Kohden EEG", EEG),
        (rb"@ {1,2}MFE?R ", "MFER (ISO 22077), as Nihon Kohden and Fukuda write it", ECG),
        (rb"ISHNE1\.0", "ISHNE Holter ECG", HOLTER),
        (rb"ANN  1\.0", "ISHNE Holter annotations", "WFDB annotations"),
        (rb"\* MICROMED  Brain-Quick file \*", "Micromed TRC", EEG),
        (rb"FileFormat = BNI-1-BALTIMORE", "Nicolet BNI", EEG),
        (rb"\[FileInformation\]", "Persyst layout", EEG),
        (rb"GALILEO EEG TRACE FILE", "EBNeuro Galileo", EEG),
        (rb"..COHERENCE", "Deltamed Coherence (Natus)", EEG),
        (rb"Embla data file", "Embla", EEG),
        (rb"ATES MEDICA SOFT\. EEG", "ATES Medica NeuroTravel", EEG),
        (rb"V3\.0 {12}.{16}\[PatInfo\]", "SIGMA PLpro", EEG),
        (rb".{34}BLSC", "Bio-Logic CEEGraph", EEG),
        (rb"POLY SAMPLE FILE", "TMSi Poly5", EEG),
        (rb"Version 3\.0", "Neuroscan CNT", EEG),
        (rb"(\xef\xbb\xbf)?Brain ?Vision (Data Exchange|V-Amp Data)", "BrainVision", EEG),
        (rb"GDF [12]\.", "GDF", EEG),
        (rb"EBS\x94\x0a\x13\x1a\x0d", "EBS", EEG),
        (rb"CEN(\x13\x10|\r\n)\x1a\x04\x84", "FEF (ENV 13734)", EEG),
        (rb"BCI2000V|HeaderLen=", "BCI2000", EEG),
        (rb"CFWB\x01\x00\x00\x00", "ADInstruments LabChart", HOLTER),
        (rb"NEURAL(CD|SG|EV)|BR(SMP|EVT)GRP|BREVENTS", "Blackrock", EEG),
    )
)
# Nicolet files have no magic number; their table of contents is text in UTF-16.
_NICOLET = tuple(name.encode("utf-16-le") for name in ("InfoGuids", "{A271CCCB-515D-4590-B6A1-DC170C8D6EE2}"))
_ROOTS = {
    "RestingECG": Form("GE MUSE XML", ECG),
    "CardiologyXML": Form("GE CardioSoft XML", ECG),
    "sapphire": Form("GE Sapphire XML", ECG),
    "restingecgdata": Form("Philips XML (Sierra ECG)", ECG),
    "restingECG": Form("Philips XML (Sierra ECG)", ECG),
    "examdescript": Form("Schiller XML", ECG),
    "IHEDocumentList": Form("IHE document list", ECG),
}
_SCHILLER = (b"<eventdata", b"<wavedata")
_ENDINGS = {
    **dict.fromkeys((".erd", ".ent", ".etc", ".snc", ".stc", ".vtc"), Form("Natus NeuroWorks (XLTEK)", EEG)),
    **dict.fromkeys((".pnt", ".21e", ".11d"), Form("Nihon Kohden EEG", EEG)),
    ".e": Form("Nicolet (Natus)", EEG),
    ".trc": Form("Micromed TRC", EEG),
    ".mff": Form("EGI", EEG),
}


def recognises(head: bytes) -> bool:
    """Whether these first bytes are those of a vendor's form."""
    return form_of(head) is not None


def form_of(head: bytes) -> Form | None:
    """The vendor's form that the first bytes of a file tell.

    Examples
    --------
    >>> form_of(b"EEG-1100C V01.00").name
    'Nihon Kohden EEG'
    >>> form_of(b'<?xml version="1.0"?><RestingECG>').name
    'GE MUSE XML'
    """
    for pattern, form in _MAGIC:
        if pattern.match(head):
            return form
    if any(name in head for name in _NICOLET):
        return Form("Nicolet (Natus)", EEG)
    root = root_of(head)
    if root is None:
        return None
    if root.name == "ECG" and ("ACQUISITION_TIME" in root.attributes or b"MORTARA" in head.upper()):
        return Form("Mortara ELI XML", ECG)
    if all(mark in head for mark in _SCHILLER):
        return Form("Schiller XML", ECG)
    return _ROOTS.get(root.name)


def hinted(ending: str) -> Form | None:
    """The vendor whose files end so, for bytes that tell nothing themselves."""
    return _ENDINGS.get(ending.lower())


def refusal(form: Form) -> Finding:
    """Why such a file is not read, and what to export instead."""
    return Finding(
        reason=Reason.VENDOR_FORM,
        severity=Severity.REFUSE,
        found=form.name,
        wanted=form.instead,
        remedy=f"Export from the recorder or its software as {form.instead}.",
    )
