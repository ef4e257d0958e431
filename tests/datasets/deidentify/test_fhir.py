"""FHIR resources of a laboratory: listed elements leave in their forms, references still resolve, results stay."""

import json
from decimal import Decimal
from importlib import util
from pathlib import Path

import pytest

from medassay.core.findings import Reason
from medassay.datasets.deidentify import fhir, fhir_elements
from medassay.datasets.deidentify.outgoing import CannotClean
from medassay.datasets.deidentify.profile import PROFILES
from medassay.formats.ivd import fhir_bundle as reader
from medassay.formats.ivd.refusal import IvdRefused

place = util.spec_from_file_location("exports", Path(__file__).with_name("exports.py"))
exports = util.module_from_spec(place)
place.loader.exec_module(exports)

RESEARCH, BASIC = PROFILES["research"], PROFILES["basic"]
LOINC, UCUM = "http://loinc.org", "http://unitsofmeasure.org"
NAME, RESIDENT, MOBILE = "张伟明", "11010519491231002X", "13800138000"


def quantity(value, unit="mmol/L"):
    return {"value": value, "unit": unit, "system": UCUM, "code": unit}


def observation(number=1, **more):
    return {
        "resourceType": "Observation",
        "id": f"obs-{number}",
        "meta": {"lastUpdated": "2023-03-02T10:15:00Z", "source": "https://his.example.org/zhang"},
        "text": {"status": "generated", "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{NAME}</div>'},
        "extension": [{"url": "http://his.example.org/ward", "valueString": NAME}],
        "identifier": [{"system": "urn:his", "value": "L230302-0017"}],
        "status": "final",
        "code": {
            "coding": [
                {"system": LOINC, "code": "2345-7", "display": "Glucose"},
                {"system": "http://his.example.org/items", "code": "GLU", "display": f"血糖 {NAME}"},
            ],
            "text": "Glucose",
        },
        "subject": {"reference": "Patient/p-77", "display": NAME},
        "effectiveDateTime": "2023-03-02T08:00:00+08:00",
        "issued": "2023-03-02T10:15:00.250+08:00",
        "performer": [{"reference": "Practitioner/9", "display": "王医生"}],
        "note": [{"text": f"患者{NAME}, 电话{MOBILE}", "authorString": "李护士"}],
        "valueQuantity": quantity(Decimal("5.60")),
        "interpretation": [{"coding": [{"system": "http://hl7.org/fhir/v2/0078", "code": "H"}], "text": "High"}],
        "referenceRange": [{"low": quantity(3.9), "high": quantity(6.1), "text": "3.9-6.1"}],
        **more,
    }  # fmt: skip


PATIENT = {
    "resourceType": "Patient",
    "id": "p-77",
    "identifier": [{"system": "urn:id", "value": RESIDENT}, {"value": "MRN00731"}],
    "name": [{"text": NAME, "family": "张", "given": ["伟明"]}],
    "telecom": [{"system": "phone", "value": MOBILE}],
    "gender": "female",
    "birthDate": "1949-12-31",
    "address": [{"text": "杭州市西湖区文三路1号"}],
    "contact": [{"name": {"text": "张三丰"}}],
}


def bundle(*resources, **more):
    entries = [
        {"fullUrl": f"http://his.example.org/fhir/{one['resourceType']}/{one.get('id')}", "resource": one}
        for one in resources
    ]
    return {"resourceType": "Bundle", "id": "b1", "type": "collection", "entry": entries, **more}


def written(value):
    return json.dumps(value, ensure_ascii=False, default=float).encode()


def cleaned(value, profile=RESEARCH):
    content = value if isinstance(value, bytes) else written(value)
    out, known = exports.cleaned(fhir, content, profile)
    return out, known, json.loads(out.files[0][1], parse_float=Decimal)


def figures(content):
    return [
        (one.value, one.unit, one.flag, one.low, one.high, one.status, one.code)
        for one in reader.results(reader.open(content))
    ]


def test_results_are_the_same_and_nothing_of_the_person_is_left():
    content = written(bundle(PATIENT, observation(), timestamp="2023-03-02T11:00:00+08:00"))
    out, known, _ = cleaned(content)
    text = out.files[0][1].decode()
    assert figures(out.files[0][1]) == figures(content)
    assert fhir.prove(out.files[0][1], {}, known, RESEARCH) == []
    for secret in (
        NAME,
        "张",
        RESIDENT,
        MOBILE,
        "MRN00731",
        "王",
        "李",
        "文三路",
        "1949",
        "2023",
        "his.example",
        "p-77",
        "obs-1",
        "L230302",
    ):
        assert secret not in text
    assert '"gender":"female"' in text
    assert "2022-11-22T08:00:00+08:00" in text  # 100 days before


def test_references_resolve_to_the_resources_that_they_meant_however_they_are_written():
    report = {
        "resourceType": "DiagnosticReport",
        "id": "r",
        "status": "final",
        "code": {"coding": [{"system": LOINC, "code": "24331-1"}]},
        "subject": {"reference": "http://his.example.org/fhir/Patient/p-77/_history/3"},
        "result": [
            {"reference": "Observation/obs-1"},
            {"reference": "http://his.example.org/fhir/Observation/obs-1"},
            {"reference": "urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0"},
            {"reference": "#inner"},
            {"reference": "Practitioner/9"},
        ],
        "contained": [observation(id="inner")],
    }
    other = observation(2)
    value = bundle(PATIENT, observation(), report)
    value["entry"].append({"fullUrl": "urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0", "resource": other})
    out, known, read = cleaned(value)
    patient, first, told, second = (one["resource"] for one in read["entry"])
    assert [one["reference"] for one in told["result"]] == [
        f"Observation/{first['id']}",
        f"Observation/{first['id']}",
        f"Observation/{second['id']}",
        f"#{told['contained'][0]['id']}",
    ]
    assert told["subject"]["reference"] == f"Patient/{patient['id']}" == f"Patient/{exports.WHO.subject}"
    assert read["entry"][3]["fullUrl"].endswith(f"/Observation/{second['id']}")
    assert fhir.prove(out.files[0][1], {}, known, RESEARCH) == []


def test_each_patient_of_a_bundle_has_a_subject_and_a_shift_of_its_own():
    second = {**PATIENT, "id": "p-78", "identifier": [{"value": "MRN00732"}]}
    of_second = observation(2, subject={"reference": "Patient/p-78"})
    of_nobody = observation(3, subject={"reference": "Group/1"})
    _, _, read = cleaned(bundle(PATIENT, second, observation(), of_second, of_nobody))
    days = [one["resource"].get("effectiveDateTime", "")[:10] for one in read["entry"]]
    assert len(set(days[2:])) == 3
    assert len({one["resource"]["id"] for one in read["entry"]}) == 5
    assert "reference" not in read["entry"][4]["resource"].get("subject", {})


@pytest.mark.parametrize(
    "subject",
    [
        {"identifier": {"value": "MRN00731"}, "display": NAME},
        {"reference": "Patient?identifier=urn:id|MRN00731"},
    ],
)
def test_a_subject_told_by_an_identifier_alone_joins_by_it(subject):
    content = written(observation(subject=subject))
    assert "MRN00731" in fhir.facts_of(content)[0].ids
    _, _, read = cleaned(content)
    assert read["subject"] == {"reference": f"Patient/{exports.WHO.subject}"}


def test_a_resource_without_an_id_or_address_gets_none():
    first, second = observation(), observation(2)
    del first["id"], second["id"]
    assert "id" not in cleaned(first)[2]
    read = cleaned(
        {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": first}, {"resource": second}]}
    )[2]
    assert not any("id" in one["resource"] for one in read["entry"])


def test_an_id_of_a_server_is_no_number_that_other_forms_know_but_a_resident_number_is():
    assert fhir.facts_of(written(observation()))[0].ids == ("Patient/p-77",)
    told = fhir.facts_of(written(observation(subject={"reference": f"Patient/{RESIDENT}"})))[0]
    assert told.tokens(many_sites=True) == ("resident:11010519491231002",)


@pytest.mark.parametrize(
    ("value", "left"),
    [("5.60", "5.60"), ("1.0E-22", "1.0E-22"), ("8301234501", None), ("13800138000.0", None), ("19491231", None),
     ("0.13800138000", "0.13800138"), ("1000000000000000000", "1000000000000000000"), ("12500000", "12500000")],
)  # fmt: skip
def test_a_number_keeps_its_digits_unless_it_has_the_form_of_somebodys(value, left):
    unit = "/uL" if value == "12500000" else "mg/L"
    text = written(observation(valueQuantity=quantity(0, unit))).replace(
        b'"value": 0,', f'"value": {value},'.encode()
    )
    out, known, _ = cleaned(text)
    assert (f'"valueQuantity":{{"value":{left},' in out.files[0][1].decode()) is (left is not None)
    assert fhir.prove(out.files[0][1], {}, known, RESEARCH) == []


@pytest.mark.parametrize(("value", "unit"), [(93, "a"), (1117, "mo"), (34000, "d")])
def test_ages_over_89_are_90_in_any_unit(value, unit):
    read = cleaned(observation(valueQuantity=quantity(value, unit)))[2]
    years = {"a": 1, "mo": 12, "d": 365.25}[unit]
    assert round(float(read["valueQuantity"]["value"]) / years, 1) == 90
    assert cleaned(observation(valueQuantity=quantity(93, "A")))[2]["valueQuantity"]["value"] == 93


@pytest.mark.parametrize(
    ("code", "value"),
    [
        ("21112-8", {"valueDateTime": "1949-12-31"}),
        ("30525-0", {"valueInteger": 93}),
        ("30525-0", {"valueString": "93"}),
    ],
)
def test_a_birth_date_and_an_age_without_a_unit_do_not_leave_as_results(code, value):
    told = observation(code={"coding": [{"system": LOINC, "code": code}]}, **value)
    del told["valueQuantity"]
    assert not any(name.startswith("value") for name in cleaned(told)[2])


def places(node, path=()):
    """Every place of a resource that holds no object or list."""
    if isinstance(node, dict):
        for name, value in node.items():
            yield from places(value, (*path, name))
    elif isinstance(node, list):
        for number, value in enumerate(node):
            yield from places(value, (*path, number))
    else:
        yield path


def planted(node, path, mark):
    """A copy with a mark in one place."""
    copy = json.loads(json.dumps(node, default=float))
    inner = copy
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = mark
    return copy


SAMPLES = {"origin": {"value": 0}, "period": 1, "dimensions": 1, "data": " ".join(map(str, range(16)))}
SPECIMEN = {
    "resourceType": "Specimen",
    "id": "s",
    "status": "available",
    "type": {"text": "Blood"},
    "collection": {"collectedDateTime": "2023-03-02"},
    "container": [{"type": {"text": "x"}}],
}
DEVICE = {
    "resourceType": "Device",
    "id": "d",
    "type": {"text": "x"},
    "patient": {"reference": "Patient/p-77"},
}
WHOLE = bundle(
    PATIENT,
    observation(
        component=[{"code": {"text": "x"}, "valueString": "x"}],
        valueSampledData=SAMPLES,
        bodySite={"text": "x"},
        method={"coding": [{"code": "x", "display": "x"}]},
        device={"reference": "Device/1"},
        dataAbsentReason={"text": "x"},
    ),
    SPECIMEN,
    {**DEVICE, "serialNumber": "x"},
)


@pytest.mark.parametrize("mark", exports.STRANGERS)
def test_no_place_of_a_bundle_holds_a_mark_that_no_list_knows(mark):
    value = WHOLE
    for path in places(WHOLE):
        if path[-1] not in ("resourceType",):
            value = planted(value, path, mark)
    value["entry"][1][mark] = mark
    value["entry"][1]["resource"][mark] = {mark: mark}
    value["entry"][1]["resource"][f"_{mark}"] = [mark]
    out, known, _ = cleaned(value)
    assert exports.left(out, mark) == []
    assert fhir.prove(out.files[0][1], {}, known, RESEARCH) == []


@pytest.mark.parametrize("mark", ["Qurbanjan Ehmet", "http://his.example.org/13800138000"])
def test_the_proof_withholds_a_mark_in_any_place(mark):
    read = json.loads(cleaned(WHOLE)[0].files[0][1])
    for path in places(read):
        content = json.dumps(planted(read, path, mark), ensure_ascii=False, separators=(",", ":")).encode()
        assert fhir.prove(content, {}, [], RESEARCH), path


@pytest.mark.parametrize(
    ("before", "after"),
    [(b'"status":"final"', b'"status":"final","note":"x"'), (b'"status":"final"', b'"status":"final","status":"final"'),
     (b'"status":"final"', b'"status": "final"'), (b'"status":"final"', b'"status":"fin\\u0061l"'),
     (b"Observation/", b"Practitioner/"),
     (b"Patient/S-", b"Observation/S-"), (b"2022-11-22T08", b"2022-11-22 08"), (b"}]}]}", b"}]}]} ")],
)  # fmt: skip
def test_the_proof_withholds_whatever_is_not_as_the_writer_writes(before, after):
    report = {
        "resourceType": "DiagnosticReport",
        "status": "final",
        "result": [{"reference": "Observation/obs-1"}],
    }
    content = cleaned(
        bundle(PATIENT, observation(), {**report, "category": [{"coding": [{"code": "CBC"}]}]})
    )[0].files[0][1]
    content = content if before in content else content + b"}]}]}"
    assert fhir.prove(content.replace(before, after), {}, [], RESEARCH)


def test_what_is_twice_or_too_deep_or_of_another_type_goes_and_is_counted():
    deep = observation()
    for _ in range(8):
        deep = bundle(deep)
    out, _, read = cleaned(bundle(observation(), {"resourceType": "Encounter", "id": NAME}, deep))
    assert out.actions["resource of another type", "removed"] == 2
    assert NAME not in json.dumps(read, ensure_ascii=False, default=str)
    twice = written(observation()).replace(b'"status": "final"', '"status": "张", "status": "final"'.encode())
    assert "张" not in cleaned(twice)[0].files[0][1].decode()


def test_where_dates_and_characteristics_do_not_leave_none_stand():
    out, known, read = cleaned(bundle(PATIENT, observation()), BASIC)
    assert "gender" not in read["entry"][0]["resource"]
    assert "effectiveDateTime" not in read["entry"][1]["resource"]
    assert fhir.prove(out.files[0][1], {}, known, BASIC) == []
    moved = cleaned(bundle(PATIENT, observation()))[0].files[0][1]
    assert fhir.prove(moved, {}, known, BASIC)


def test_xml_leaves_as_json_with_the_same_results():
    content = (
        '<Observation xmlns="http://hl7.org/fhir"><id value="张"/><status value="final"/><code><coding><system '
        'value="http://loinc.org"/><code value="2345-7"/></coding></code><valueQuantity><value value="5.60"/><unit '
        'value="mmol/L"/></valueQuantity></Observation>'
    ).encode()
    out, _, _ = cleaned(content)
    assert b'"value":5.60' in out.files[0][1]
    assert figures(out.files[0][1]) == figures(content)


def test_forms_that_no_list_holds_are_refused_with_a_reason():
    for value in (
        {"resourceType": "OperationOutcome", "issue": []},
        bundle({"resourceType": "Encounter", "id": "1"}),
    ):
        with pytest.raises(CannotClean) as refused:
            cleaned(value)
        assert refused.value.finding.reason is Reason.UNSUPPORTED_FORM
    with pytest.raises(IvdRefused):
        cleaned(written(observation()) + b"\n" + written(observation()))  # one resource a line


def test_every_listed_element_has_a_form_that_the_cleaner_knows():
    made_anew = {"id", "url", "request", "reference", "moment", "number", "text", "flag", "count", "bundle"}
    made_anew |= {"system", "code", "words", "unit", "range", "samples"}

    def forms(table):
        for rule in table.values():
            yield from [rule] if isinstance(rule, str) else forms(rule)

    every = {
        form
        for table in (*fhir_elements.RESOURCES.values(), fhir_elements.BUNDLE, fhir_elements.ENTRY)
        for form in forms(table)
    }
    assert every <= made_anew | set(fhir_elements.CODES)
