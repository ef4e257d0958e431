"""Elements of FHIR R4 resources that may leave, and the form that each of their values is held to.

A table is a mapping of an element's name to its form, a word, or to the table of its own elements; whether an element
repeats is nothing that identifies, so that lists are looked through. Narrative, extensions, identifiers, notes,
performers and whatever else R4 has or a server adds stand in no table.

References
----------
HL7 FHIR R4 (4.0.1): the resources' pages, 2.24.0 (datatypes), 2.3 (references).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

Table = Mapping[str, Any]  # name to form, or to a table

CODING: Table = {"system": "system", "code": "code", "display": "words"}
CONCEPT: Table = {"coding": CODING, "text": "words"}
QUANTITY: Table = {
    "value": "number",
    "comparator": "comparator",
    "unit": "unit",
    "system": "system",
    "code": "unit",
}
PERIOD: Table = {"start": "moment", "end": "moment"}
RANGE: Table = {"low": QUANTITY, "high": QUANTITY}
RATIO: Table = {"numerator": QUANTITY, "denominator": QUANTITY}
REFERENCE: Table = {"reference": "reference", "type": "kind"}
SAMPLED: Table = {
    "origin": QUANTITY,
    "period": "number",
    "factor": "number",
    "lowerLimit": "number",
    "upperLimit": "number",
    "dimensions": "count",
    "data": "samples",
}
_VALUE: Table = {
    "valueQuantity": QUANTITY,
    "valueCodeableConcept": CONCEPT,
    "valueString": "text",
    "valueBoolean": "flag",
    "valueInteger": "count",
    "valueRange": RANGE,
    "valueRatio": RATIO,
    "valueSampledData": SAMPLED,
    "valueDateTime": "moment",
    "valuePeriod": PERIOD,
    "dataAbsentReason": CONCEPT,
    "interpretation": CONCEPT,
    "referenceRange": {
        **RANGE,
        "type": CONCEPT,
        "appliesTo": CONCEPT,
        "age": RANGE,
        "text": "range",
    },
}
RESOURCES: Mapping[str, Table] = {
    "Observation": {
        "resourceType": "kind",
        "id": "id",
        "status": "status",
        "category": CONCEPT,
        "code": CONCEPT,
        "subject": REFERENCE,
        "encounter": REFERENCE,
        "context": REFERENCE,  # of STU3
        "basedOn": REFERENCE,
        "specimen": REFERENCE,
        "device": REFERENCE,
        "hasMember": REFERENCE,
        "derivedFrom": REFERENCE,
        "effectiveDateTime": "moment",
        "effectiveInstant": "moment",
        "effectivePeriod": PERIOD,
        "issued": "moment",
        "bodySite": CONCEPT,
        "method": CONCEPT,
        **_VALUE,
        "component": {"code": CONCEPT, **_VALUE},
    },
    "Patient": {"resourceType": "kind", "id": "id", "gender": "sex"},
    "Specimen": {
        "resourceType": "kind",
        "id": "id",
        "status": "status",
        "type": CONCEPT,
        "subject": REFERENCE,
        "receivedTime": "moment",
        "parent": REFERENCE,
        "request": REFERENCE,
        "condition": CONCEPT,
        "collection": {
            "collectedDateTime": "moment",
            "collectedPeriod": PERIOD,
            "quantity": QUANTITY,
            "method": CONCEPT,
            "bodySite": CONCEPT,
            "fastingStatusCodeableConcept": CONCEPT,
        },
        "container": {"type": CONCEPT, "capacity": QUANTITY, "specimenQuantity": QUANTITY},
    },
    "DiagnosticReport": {
        "resourceType": "kind",
        "id": "id",
        "status": "status",
        "category": CONCEPT,
        "code": CONCEPT,
        "subject": REFERENCE,
        "encounter": REFERENCE,
        "basedOn": REFERENCE,
        "effectiveDateTime": "moment",
        "effectivePeriod": PERIOD,
        "issued": "moment",
        "specimen": REFERENCE,
        "result": REFERENCE,
        "conclusionCode": CONCEPT,
    },
    "ServiceRequest": {
        "resourceType": "kind",
        "id": "id",
        "status": "status",
        "intent": "intent",
        "code": CONCEPT,
        "subject": REFERENCE,
        "encounter": REFERENCE,
        "specimen": REFERENCE,
        "authoredOn": "moment",
    },
    "Device": {
        "resourceType": "kind",
        "id": "id",
        "status": "status",
        "type": CONCEPT,
        "patient": REFERENCE,
    },
}
ENTRY: Table = {
    "fullUrl": "url",
    "search": {"mode": "mode"},
    "request": {"method": "method", "url": "request"},
    "response": {"status": "answer"},
}  # and its resource
BUNDLE: Table = {
    "resourceType": "kind",
    "id": "id",
    "type": "bundle",
    "timestamp": "moment",
    "total": "count",
}  # and its entries
REFERRED = frozenset({*RESOURCES, "Encounter"})  # types that a reference may name
OWNERS = ("subject", "patient")  # the elements that say whose a resource is

CODES: Mapping[str, re.Pattern[str]] = {  # forms that are codes of the standard's own
    "kind": re.compile("Bundle|" + "|".join(sorted(REFERRED))),
    "status": re.compile(
        "registered|preliminary|final|amended|corrected|cancelled|entered-in-error|unknown|partial|appended|"
        "available|unavailable|unsatisfactory|active|inactive|draft|on-hold|revoked|completed"
    ),
    "intent": re.compile("(original-|reflex-|filler-|instance-)?order|proposal|plan|directive|option"),
    "comparator": re.compile("<|<=|>=|>"),
    "sex": re.compile("male|female|other|unknown"),
    "mode": re.compile("match|include|outcome"),
    "method": re.compile("GET|HEAD|POST|PUT|DELETE|PATCH"),
    "answer": re.compile(r"[1-5]\d\d( (OK|Created|Accepted|No Content|Not Found|Conflict))?"),
}
SAMPLE = re.compile(r"[-+]?\d{1,7}(\.\d{1,6})?|E|U|L")

_NAMES_TEXT = (
    "id meta implicitRules language text contained extension modifierExtension identifier basedOn partOf note "
    "performer focus resultsInterpreter media conclusion presentedForm imagingStudy name telecom address "
    "birthDate deceasedBoolean deceasedDateTime maritalStatus multipleBirthBoolean multipleBirthInteger photo "
    "contact communication generalPractitioner managingOrganization link active accessionIdentifier processing "
    "container collector description additiveReference owner location url udiCarrier manufacturer modelNumber "
    "serialNumber lotNumber deviceName manufactureDate expirationDate distinctIdentifier version signature "
    "userSelected display assigner valueTime valueAttachment valueInteger valueString valueQuantity valueDateTime "
    "effectiveTiming duration related"
)
_NAMES = frozenset(_NAMES_TEXT.split())

# Code systems by their addresses, to what the house calls them; "" where it has codes of its own and no form.
SYSTEMS: Mapping[str, str] = {
    "http://loinc.org": "LN",
    "http://snomed.info/sct": "SCT",
    "http://unitsofmeasure.org": "UCUM",
}
_OWN = "|".join(
    (
        r"v2[/-]\d{4}",
        r"v3[/-](ObservationInterpretation|ActCode|NullFlavor)",
        "observation-category",
        "observation-interpretation",
        "data-absent-reason",
        "referencerange-meaning",
        "diagnostic-service-sections",
        "observation-status",
        "specimen-status",
    )
)
_SECTIONS_TEXT = (
    "AU BG BLB CG CH CP CT CTH CUS EC EN GE HM ICU IMG IMM LAB MB MCB MYC NMS NMR NRS OSL OTH OUS PAR PAT "
    "PF PHR PHY RAD RC RT RUS SP SR TX URN VR VUS XRC "
)  # v2-0074
_OWN_CODES_TEXT = (
    "L H LL HH N A AA U D B W S R I MS VS HX LX POS NEG IND DET ND NR RR WR EX E CAR HU LU SDD SYN NS IE "
    "NCL NV LNA LNV NI NA UNK ASKU NASK OTH NINF PINF INV MSK QS TRC Y "
)  # v2-0078 and v3-ObservationInterpretation, v2-0488 of blood, v3-NullFlavor, v2-0136
OWN_CODES = frozenset((_SECTIONS_TEXT + _OWN_CODES_TEXT).split())
OF_HL7 = re.compile(rf"http://(terminology\.hl7\.org/CodeSystem|hl7\.org/fhir)/({_OWN})")


def is_system(text: str) -> bool:
    """Whether the address of a code system may stand: of a vocabulary that is everybody's.

    Examples
    --------
    >>> is_system("http://loinc.org"), is_system("http://hl7.org/fhir/v2/0078"), is_system("http://gulbahar.example/x")
    (True, True, False)
    """
    return text in SYSTEMS or bool(OF_HL7.fullmatch(text))


def told(name: str) -> str:
    """The name of an element that goes, where it is one of the standard's: others may hold anything.

    Examples
    --------
    >>> told("_note"), told("张伟")
    ('_note', 'another element')
    """
    return name if name.removeprefix("_") in _NAMES else "another element"
