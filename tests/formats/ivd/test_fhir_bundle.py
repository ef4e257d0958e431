"""FHIR R4: Observations held to their model, and to what the model leaves open."""

import json

import pytest

from medassay.core.findings import Reason, Severity
from medassay.formats.ivd import fhir_bundle
from medassay.formats.ivd.refusal import IvdRefused

GLUCOSE = {
    "resourceType": "Observation",
    "status": "final",
    "code": {"coding": [{"system": "http://loinc.org", "code": "15074-8"}]},
    "valueQuantity": {
        "value": 6.3,
        "unit": "mmol/l",
        "system": "http://unitsofmeasure.org",
        "code": "mmol/L",
    },
    "referenceRange": [{"low": {"value": 3.1}, "high": {"value": 6.2}}],
    "interpretation": [{"coding": [{"code": "H"}]}],
}
XML = b"""<?xml version="1.0"?><!-- a note --><Observation xmlns="http://hl7.org/fhir"><status value="final"/>
<category><coding><code value="laboratory"/></coding></category>
<code><coding><system value="http://loinc.org"/><code value="15074-8"/></coding></code>
<valueQuantity><value value="6.3"/><unit value="mmol/l"/><system value="http://unitsofmeasure.org"/>
<code value="mmol/L"/></valueQuantity></Observation>"""


def encoded(**changes):
    return json.dumps(
        {key: value for key, value in (GLUCOSE | changes).items() if value is not None}
    ).encode()


def bundle(*resources, kind="collection"):
    entries = [{"resource": one} for one in resources]
    return json.dumps({"resourceType": "Bundle", "type": kind, "entry": entries}).encode()


def findings(content, severity=Severity.REFUSE):
    return {f.reason for f in fhir_bundle.examine(fhir_bundle.open(content)) if f.severity is severity}


@pytest.mark.parametrize("content", [encoded(), b"\xef\xbb\xbf" + encoded(), XML, bundle(GLUCOSE)])
def test_an_observation_is_one_result_in_every_form(content):
    assert fhir_bundle.recognises(content[:4096])
    (one,) = fhir_bundle.results(fhir_bundle.open(content))
    assert (one.code, one.system, one.value.number, one.unit, one.status) == (
        "15074-8",
        "LN",
        6.3,
        "mmol/L",
        "final",
    )
    assert findings(content) == set()


def test_range_and_flag_are_taken():
    (one,) = fhir_bundle.results(fhir_bundle.open(encoded()))
    assert (one.low, one.high, one.flag) == (3.1, 6.2, "H")


def test_components_and_contained_observations_are_results_too():
    parts = [{"code": GLUCOSE["code"], "valueQuantity": GLUCOSE["valueQuantity"]}] * 2
    content = encoded(valueQuantity=None, component=parts, contained=[GLUCOSE | {"id": "a"}])
    assert len(fhir_bundle.results(fhir_bundle.open(content))) == 3


def test_a_comparator_stays():
    content = encoded(valueQuantity=GLUCOSE["valueQuantity"] | {"comparator": "<"})
    (one,) = fhir_bundle.results(fhir_bundle.open(content))
    assert (one.value.comparator, one.value.measured) == ("<", False)


@pytest.mark.parametrize("status", ["cancelled", "entered-in-error", "preliminary", "registered", "unknown"])
def test_what_is_not_final_is_set_aside(status):
    (one,) = fhir_bundle.results(fhir_bundle.open(encoded(status=status)))
    assert not one.usable


faults = {
    "no code": encoded(code=None),
    "status of no value set": encoded(status="done"),
    "interpretation of an older version": encoded(interpretation={"coding": [{"code": "H"}]}),
    "unknown element": encoded(zorkmid=1),
    "bundle of no type": bundle(GLUCOSE, kind="invalid-type"),
    "request for no resource": json.dumps(
        {
            "resourceType": "Bundle",
            "type": "transaction",
            "entry": [{"resource": GLUCOSE, "request": {"method": "POST", "url": "Observatoin"}}],
        }
    ).encode(),
}


@pytest.mark.parametrize("content", faults.values(), ids=faults)
def test_what_r4_does_not_allow_refuses(content):
    assert Reason.HEADER_INVALID in findings(content)


def test_an_entry_of_no_type_is_a_fault_and_ends_nothing():
    opened = fhir_bundle.open(bundle(GLUCOSE, {"a": 1}))
    assert fhir_bundle.describe(opened)["kinds"] == "Observation 1"
    assert Reason.HEADER_INVALID in findings(bundle(GLUCOSE, {"a": 1}))


def test_more_digits_than_r4_carries_refuse():
    content = encoded().replace(b"6.3", b"1234567890123456789.0123456789")
    assert Reason.VALUE_IMPLAUSIBLE in findings(content)
    assert findings(encoded().replace(b"6.3", b"6.30000000000000000000")) == set()


unreadable = {
    "a dot without a digit": encoded().replace(b"6.3", b"6."),
    "NaN": encoded().replace(b"6.3", b"NaN"),
    "cut": encoded()[:-1],
    "no UTF-8": encoded().replace(b"mmol/l", b"mmol/\xff"),
    "no resource of R4": encoded(resourceType="Zorkmid"),
    "deep": b'{"resourceType": "Observation", "a": ' + b"[" * 200_000,
    "entities": b'<!DOCTYPE a [<!ENTITY b "c">]>' + XML[21:],
}


@pytest.mark.parametrize("content", unreadable.values(), ids=unreadable)
def test_what_cannot_be_read_is_refused(content):
    with pytest.raises(IvdRefused):
        fhir_bundle.open(content)


def test_a_named_person_is_said_and_no_fault_repeats_a_value():
    patient = {"resourceType": "Patient", "name": [{"family": "Doe"}], "birthDate": "not-a-date-Doe"}
    found = list(fhir_bundle.examine(fhir_bundle.open(bundle(patient, GLUCOSE))))
    assert {Reason.IDENTITY_LEFT, Reason.HEADER_INVALID} <= {f.reason for f in found}
    assert "Doe" not in "".join(f.model_dump_json() for f in found)
