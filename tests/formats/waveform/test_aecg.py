import pytest

from medassay.core.errors import WrongUse
from medassay.core.findings import Reason, Severity
from medassay.formats.waveform import aecg

LEAD = """<component><sequence><code code="MDC_ECG_LEAD_{name}"/><value xsi:type="SLIST_PQ">
<origin value="{origin}" unit="{unit}"/><scale value="{scale}" unit="uV"/><digits>{digits}</digits>
</value></sequence></component>"""
DOCUMENT = """<?xml version="1.0" encoding="UTF-8"?>
<!-- a comment that goes before -->
<AnnotatedECG xmlns="urn:hl7-org:v3" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
<id root="61d1a24f-b47e-41aa-ae95-f8ac302f4eeb"/>{time}{person}
<component><series><code code="RHYTHM"/><component><sequenceSet>
<component><sequence><code code="TIME_ABSOLUTE"/><value xsi:type="GLIST_TS">
<head value="20210302101500"/><increment value="{increment}" unit="{seconds}"/></value></sequence></component>
{leads}
</sequenceSet></component></series></component></AnnotatedECG>"""
TIME = '<effectiveTime><low value="20210302101500"/><high value="20210302101510"/></effectiveTime>'


def document(
    *, leads=(("I", "1 -2 3"), ("II", "4 5 6")), time=TIME, person="", increment=2, seconds="ms", **more
):
    fields = {"origin": "10", "scale": "2.5", "unit": "uV"} | more
    body = "".join(LEAD.format(name=name, digits=digits, **fields) for name, digits in leads)
    return DOCUMENT.format(
        leads=body, time=time, person=person, increment=increment, seconds=seconds
    ).encode()


def reasons(content):
    return [finding.reason for finding in aecg.examine(aecg.open(content))]


def test_digits_become_values_by_origin_and_scale_in_their_own_unit():
    content = document()
    assert aecg.recognises(content[:512])
    opened = aecg.open(content)
    assert list(aecg.examine(opened)) == []
    whole = aecg.samples(opened, 0)
    assert (whole.label, whole.unit, whole.rate_hz) == ("I", "uV", 500)
    assert whole.values.tolist() == [12.5, 5.0, 17.5]
    assert aecg.samples(opened, 1, 0.002, 0.004).values.tolist() == [22.5]
    facts = aecg.describe(opened)
    assert (facts["signals"], facts["sampling_hz"], facts["effective_time"]) == (2, "500", "high low")


@pytest.mark.parametrize("part", ["low", "high", "center"])
def test_one_part_of_the_effective_time_is_enough(part):
    opened = aecg.open(document(time=f'<effectiveTime><{part} value="2021"/></effectiveTime>'))
    assert list(aecg.examine(opened)) == []
    assert aecg.describe(opened)["effective_time"] == part


def test_no_time_and_no_identifier_are_said():
    bare = document(time="").replace(b'<id root="61d1a24f-b47e-41aa-ae95-f8ac302f4eeb"/>', b"<id/>")
    assert [finding.severity for finding in aecg.examine(aecg.open(bare))] == [Severity.NOTE] * 2


BAD = {
    "empty": (b'<AnnotatedECG xmlns="urn:hl7-org:v3"/>', Reason.CHANNEL_MISSING),
    "no digits": (document(leads=[("I", " ")]), Reason.VALUE_IMPLAUSIBLE),
    "no numbers": (document(leads=[("I", "1 x 2")]), Reason.VALUE_IMPLAUSIBLE),
    "two lengths": (document(leads=[("I", "1 2"), ("II", "1")]), Reason.TRUNCATED),
    "no increment": (document(increment=0), Reason.HEADER_INVALID),
    "increment in hours": (document(seconds="h"), Reason.HEADER_INVALID),
    "two units": (document(unit="mV"), Reason.UNIT_UNKNOWN),
    "scale of 0": (document(scale="0"), Reason.CALIBRATION_IMPOSSIBLE),
    "one lead twice": (document(leads=[("I", "1"), ("I", "1")]), Reason.DUPLICATE),
}


@pytest.mark.parametrize("fault", BAD)
def test_what_cannot_be_right_is_said_with_the_reason(fault):
    content, reason = BAD[fault]
    assert set(reasons(content)) == {reason}
    if reason is not Reason.CHANNEL_MISSING and reason not in (Reason.DUPLICATE, Reason.TRUNCATED):
        with pytest.raises(WrongUse):
            aecg.samples(aecg.open(content), 0)


ENTITIES = (
    b"""<!DOCTYPE a [<!ENTITY x "xxxxxxxxxx"><!ENTITY y "&x;&x;&x;&x;">]><AnnotatedECG>&y;</AnnotatedECG>"""
)
OUTSIDE = b"""<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/hostname">]><AnnotatedECG>&x;</AnnotatedECG>"""


@pytest.mark.parametrize("content", [ENTITIES, OUTSIDE, document()[:-20], b"", b"<a/>"])
def test_entities_broken_text_and_other_documents_are_refused(content):
    with pytest.raises(aecg.DocumentUnreadable):
        aecg.open(content)


def test_a_name_in_the_document_is_told_and_not_quoted():
    person = (
        "<componentOf><timepointEvent><componentOf><subjectAssignment><subject><trialSubject>"
        "<subjectDemographicPerson><name>Jane</name></subjectDemographicPerson></trialSubject></subject>"
        "</subjectAssignment></componentOf></timepointEvent></componentOf>"
    )
    opened = aecg.open(document(person=person))
    assert opened.names_a_person
    assert "Jane" not in repr(aecg.describe(opened))
    assert not aecg.open(document()).names_a_person


def test_chinese_documents_in_utf_16_are_recognised_and_read():
    content = document().decode().replace("UTF-8", "UTF-16").replace("a comment", "心电图").encode("utf-16")
    assert aecg.recognises(content[:1024])
    assert list(aecg.examine(aecg.open(content))) == []
