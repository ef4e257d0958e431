"""Elements, attributes and codes of an annotated ECG (HL7 aECG) that may leave.

Text stands nowhere but in the digits of a sequence. What is not listed, with all that it holds, goes: the trial, its
sponsor, sites, investigators, technicians, devices, comments and what an annotation says in words.

References
----------
HL7 V3 Annotated ECG R1 (PORT_MT020001); ISO/IEEE 11073-10101 for codes that begin with MDC.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from medassay.formats.ivd.hl7_v2 import is_loinc

ROOT, DIGITS = "AnnotatedECG", "digits"
_TIME = ("effectiveTime", "activityTime")
_SERIES = ("id", "code", *_TIME, "component", "derivation", "support", "subjectOf", "controlVariable")
_VALUE = ("low", "high", "center", "head", "increment", "origin", "scale", DIGITS)
_ANNOTATED = ("code", *_TIME, "value", "component", "support", "subjectOf", "controlVariable")
CHILDREN: Mapping[str, tuple[str, ...]] = {
    ROOT: ("id", "code", *_TIME, "componentOf", "component", "controlVariable"),
    "effectiveTime": ("low", "high", "center"),
    "activityTime": ("low", "high", "center"),
    "componentOf": ("timepointEvent", "subjectAssignment", "clinicalTrial"),
    "timepointEvent": (*_TIME, "componentOf"),
    "subjectAssignment": ("subject", "componentOf"),
    "subject": ("trialSubject",),
    "trialSubject": ("id", "subjectDemographicPerson"),
    "subjectDemographicPerson": ("administrativeGenderCode",),
    "clinicalTrial": ("id",),
    "controlVariable": ("relatedObservation", "controlVariable", "component", "code", "value"),
    "relatedObservation": ("code", "value"),
    "component": ("series", "sequenceSet", "sequence", "annotation", "boundary", "controlVariable"),
    "series": _SERIES,
    "derivation": ("derivedSeries",),
    "derivedSeries": _SERIES,
    "sequenceSet": ("component",),
    "sequence": ("code", "value"),
    "value": _VALUE,
    "subjectOf": ("annotationSet",),
    "annotationSet": ("code", *_TIME, "component", "support"),
    "annotation": _ANNOTATED,
    "support": ("supportingROI",),
    "supportingROI": ("code", "component"),
    "boundary": ("code", "value"),
}
MOMENTS = ("low", "high", "center", "head")  # whose value is a moment where no unit stands beside it
FIXED: Mapping[str, re.Pattern[str]] = {
    "type": re.compile(
        "Observation|PQ|CE|CD|TS|IVL_TS|IVL_PQ|GLIST_TS|GLIST_PQ|SLIST_PQ|SLIST_INT|INT|REAL|BL"
    ),
    "classCode": re.compile("OBS|OBSSER|OBSCOR|ROIBND|ROIOVL|BOUND|SUBJ|CTTEVENT|CLNTRL|ACT|PSN|RESBJ"),
    "moodCode": re.compile("EVN|DEF|EVN.CRT|PRMS"),
    "typeCode": re.compile("COMP|SUBJ|SPRT|DRIV|DRV|CTRLV|PART|PERT"),
    "contextConductionInd": re.compile("true|false"),
    "inclusive": re.compile("true|false"),
    "nullFlavor": re.compile("NI|NA|UNK|ASKU|NASK|OTH"),
}
_UNITS_TEXT = (
    "s ms us V mV uV nV deg bpm /min 1/min 1 % Hz mm mm/s mm/mV mm/s2 a mo wk d h min kg g cm m mV.s uV.s uV.ms "
    "mm[Hg] "
)
UNITS = frozenset(_UNITS_TEXT.split())
YEARS: Mapping[str, float] = {"a": 1.0, "mo": 1 / 12, "wk": 7 / 365.25, "d": 1 / 365.25}
NUMBER = re.compile(r"[-+]?(\d{1,7}(\.\d{0,9})?|\.\d{1,9})([eE][-+]?\d{1,2})?")
SAMPLE = re.compile(r"[-+]?(\d{1,7}(\.\d{0,6})?|\.\d{1,6})")
MDC, LOINC, GENDER = "2.16.840.1.113883.6.24", "2.16.840.1.113883.6.1", "2.16.840.1.113883.5.1"
SYSTEMS = frozenset((MDC, LOINC, GENDER, "2.16.840.1.113883.5.4", "2.16.840.1.113883.6.12"))
UID_ROOT = "2.25."

# Words that codes of waves, leads, beats and measurements are made of, behind MDC.
_CODES_TEXT = (
    "ECG LEAD TIME PD ANGLE AMPL MAG CHAN CTL VBL ATTR FILTER LOW HIGH PASS NOTCH CUTOFF FREQ BAND WAVC "
    "WAVP WAVPN WAVT PQ PR PP QRS QT QTC QTU QTCB QTCF BAZETT FRIDERICIA FRAM HODGES ST RR SS RATE HEART "
    "BEAT RHY RHYTHM SEG SEGMENT COMPLEX ONSET OFFSET PEAK TERM FRONT FRONTAL HORIZ SAGITTAL AXIS MEAN "
    "MEDIAN MIN MAX GLB GLOBAL NORMAL SINUS ARTIFACT NOISE PACED PACE SPIKE VENT VENTRICULAR ATR ATRIAL "
    "SV SVT VT VF AF PAC PVC PVCS AVR AVL AVF AV BBB RBBB LBBB DELTA QS INTERVAL DUR DURATION AREA J "
    "JPOINT PVAT VAT ISO LVH RVH RATECORR MAINS TYPE DESCRIPTION NEHB CONFIG RESP SAMPLE DERIVED HEXAXIAL "
    "CORR PERIOD EVENT POINT REF INTRINSICOID STJ T U P Q R S "
)
_CODES = frozenset(_CODES_TEXT.split())
_LEAD = re.compile(r"I{1,3}|V\d{1,2}[RML]?|[XYZ]|(CC|CM|CH|CS|CB|ML|MCL)\d?|[A-Z]\d{1,2}|[PQRSTU]{1,4}WAVE")
_PLAIN = re.compile(r"93000|[MF]|UN|RHYTHM|REPRESENTATIVE_BEAT|TIME_(ABSOLUTE|RELATIVE)|ROI(PS|FS|BND|OL)")
LONGEST_CODE = 60


def is_wave_code(code: str, system: str = "") -> bool:
    """Whether a code may stand: of LOINC, of HL7's own for an ECG, or MDC's, made of words of the field.

    Examples
    --------
    >>> codes = ("MDC_ECG_LEAD_AVR", "MDC_ECG_TIME_PD_QTc", "TIME_ABSOLUTE", "MDC_ECG_ZHANGWEI", "Predose")
    >>> [is_wave_code(code) for code in codes]
    [True, True, True, False, False]
    """
    if system == LOINC:
        return is_loinc(code)
    first, *parts = code.upper().split("_")
    if _PLAIN.fullmatch(code):
        return True
    listed = all(part in _CODES or _LEAD.fullmatch(part) for part in parts)
    return first == "MDC" and bool(parts) and listed and len(code) <= LONGEST_CODE


_NAMES_TEXT = (
    "name addr author performer title text pertainsTo subjectFindingComment definition location testingSite "
    "responsibleParty secondaryPerformer confidentialityCode reasonCode birthTime raceCode treatmentGroupAssignment "
    "clinicalTrialProtocol trialSite telecom interpretationCode id code value author manufacturedSeriesDevice"
)
NAMES = (
    frozenset(_NAMES_TEXT.split()) | CHILDREN.keys() | {name for names in CHILDREN.values() for name in names}
)
