"""Annotated ECGs (HL7 aECG): listed elements leave in their forms, digits as they are, nobody stands in them."""

from importlib import util
from pathlib import Path
from xml.etree.ElementTree import fromstring, tostring

import pytest

from medassay.core.findings import Reason
from medassay.datasets.deidentify import aecg, aecg_elements
from medassay.datasets.deidentify.outgoing import CannotClean
from medassay.datasets.deidentify.profile import PROFILES
from medassay.formats.waveform import aecg as reader

place = util.spec_from_file_location("exports", Path(__file__).with_name("exports.py"))
exports = util.module_from_spec(place)
place.loader.exec_module(exports)

RESEARCH, BASIC = PROFILES["research"], PROFILES["basic"]
MDC, ACT = aecg_elements.MDC, "2.16.840.1.113883.5.4"
TRUE = f"""<?xml version="1.0" encoding="UTF-8"?><!-- 张伟明 -->
<AnnotatedECG xmlns="urn:hl7-org:v3" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
  xsi:schemaLocation="urn:hl7-org:v3 C:/zhang/schema.xsd" type="Observation"><?print 13800138000?>
 <id root="61d1a24f-b47e-41aa-ae95-f8ac302f4eeb" extension="张伟明_0"/>
 <code code="93000" codeSystem="2.16.840.1.113883.6.12" displayName="王医生"/>
 <effectiveTime><low value="20230302101500.000"/><high value="20230302101510.000+0800"/></effectiveTime>
 <componentOf><timepointEvent><code code="ZHANG" codeSystem="1.2.3"/>
  <performer><studyEventPerformer><assignedPerson><name>李技师</name></assignedPerson></studyEventPerformer></performer>
  <componentOf><subjectAssignment>
   <subject><trialSubject><id root="1.2.3" extension="11010519491231002X"/>
    <subjectDemographicPerson><name><family>张</family><given>伟明</given></name>
     <administrativeGenderCode code="F"/><birthTime value="19491231"/>
    </subjectDemographicPerson></trialSubject></subject>
   <componentOf><clinicalTrial><id root="1.2.3" extension="T1"/><title>张伟明试验</title></clinicalTrial></componentOf>
  </subjectAssignment></componentOf></timepointEvent></componentOf>
 <controlVariable><relatedObservation><code code="21612-7" codeSystem="{aecg_elements.LOINC}"/>
  <value xsi:type="PQ" value="93" unit="a"/></relatedObservation></controlVariable>
 <component><series><id root="1.2.3"/><code code="RHYTHM" codeSystem="{ACT}"/>
  <effectiveTime><low value="20230302101500" inclusive="true"/></effectiveTime>
  <author><seriesAuthor><manufacturedSeriesDevice><id extension="SN83012"/></manufacturedSeriesDevice>
  </seriesAuthor></author>
  <component><sequenceSet>
   <component><sequence><code code="TIME_ABSOLUTE" codeSystem="{ACT}"/><value xsi:type="GLIST_TS">
    <head value="20230302101500"/><increment value="0.002" unit="s"/></value></sequence></component>
   <component><sequence classCode="OBS"><code code="MDC_ECG_LEAD_II" codeSystem="{MDC}"/><value xsi:type="SLIST_PQ">
    <origin value="0" unit="uV"/><scale value="2.5" unit="uV"/><digits>-2 -2
 13 -5 </digits></value></sequence></component></sequenceSet></component>
  <subjectOf><annotationSet><activityTime value="20230302101530"/>
   <component><annotation><code code="MDC_ECG_TIME_PD_QT" codeSystem="{MDC}"/>
    <value xsi:type="PQ" value="420" unit="ms"/></annotation></component>
   <component><annotation><code code="MDC_ECG_INTERPRETATION_STATEMENT" codeSystem="{MDC}"/>
    <value xsi:type="ST">窦性心律 张伟明</value></annotation></component></annotationSet></subjectOf>
 </series></component>
</AnnotatedECG>""".encode()


def cleaned(content, profile=RESEARCH):
    return exports.cleaned(aecg, content, profile)


def test_leads_are_the_same_and_nothing_of_the_person_is_left():
    out, known = cleaned(TRUE)
    text = out.files[0][1].decode()
    assert reader.open(out.files[0][1]).sets == reader.open(TRUE).sets
    assert "<digits>-2 -2\n 13 -5 </digits>" in text
    secrets = [
        "张",
        "伟明",
        "110105",
        "138001",
        "王",
        "李",
        "ZHANG",
        "zhang",
        "SN830",
        "1949",
        "2023",
        "1.2.3",
        "T1",
    ]
    assert [secret for secret in secrets if secret in text] == []
    assert aecg.prove(out.files[0][1], out.bulk, known, RESEARCH) == []
    assert f'extension="{exports.WHO.subject}"' in text
    assert 'administrativeGenderCode code="F"' in text
    assert 'code="MDC_ECG_TIME_PD_QT"' in text


def test_moments_move_by_one_number_of_days_and_ages_over_89_are_90():
    text = cleaned(TRUE)[0].files[0][1].decode()
    assert '<low value="20221122101500.000"/><high value="20221122101510.000+0800"/>' in text
    assert '<head value="20221122101500"/>' in text
    assert 'value="90" unit="a"' in text


def test_the_person_is_told_by_id_name_birth_and_sex():
    told = aecg.facts_of(TRUE)[0]
    assert (told.ids, told.names, told.birth, told.sex) == (
        ("11010519491231002X",),
        ("张 伟明",),
        "1949-12-31",
        "F",
    )


def test_where_dates_and_characteristics_do_not_leave_none_stand():
    out, known = cleaned(TRUE, BASIC)
    text = out.files[0][1].decode()
    assert not any(one in text for one in ("2022", "2023", 'code="F"', 'unit="a"'))
    assert aecg.prove(out.files[0][1], out.bulk, known, BASIC) == []


@pytest.mark.parametrize("mark", exports.STRANGERS)
def test_no_attribute_or_text_holds_a_mark_that_no_list_knows(mark):
    root = fromstring(TRUE)
    for node in list(root.iter()):
        for key in node.attrib:
            if not key.endswith("type"):
                node.set(key, mark)
        if not node.tag.endswith("digits"):
            node.text, node.tail = mark, None if node is root else mark
        node.set("x" if not mark.isalpha() else mark, mark)
    out, known = cleaned(tostring(root, encoding="utf-8"))
    assert exports.left(out, mark) == []
    assert aecg.prove(out.files[0][1], out.bulk, known, RESEARCH) == []


@pytest.mark.parametrize("mark", ["Zhang", "19491231", "MDC_ECG_ZHANG", "13800138000"])
def test_the_proof_withholds_a_mark_in_any_attribute_or_text(mark):
    out, _ = cleaned(TRUE)
    root = fromstring(out.files[0][1])
    for node in list(root.iter()):
        for key, before in list(node.attrib.items()):
            if mark == "19491231" and aecg._is_moment(node):
                continue  # a moved moment has this form too
            node.set(key, mark)
            assert aecg.prove(aecg._written(root).encode(), out.bulk, [], RESEARCH), (node.tag, key)
            node.set(key, before)
        before, node.text = node.text, mark
        assert aecg.prove(aecg._written(root).encode(), out.bulk, [], RESEARCH), node.tag
        node.text = before


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"<component>", b"<component><!-- x -->"),
        (b"<component>", b"<component><?x y?>"),
        (b"<component>", b"<component> "),
        (b"<AnnotatedECG", b"<!DOCTYPE AnnotatedECG>\n<AnnotatedECG"),
        (b"</AnnotatedECG>", b"<name>x</name></AnnotatedECG>"),
        (b"-2 -2", b"-2 -3"),
        (b"</AnnotatedECG>\n", b"</AnnotatedECG>\n\n"),
        (b"2.25.", b"2.26."),
    ],
)
def test_the_proof_withholds_whatever_is_not_as_the_writer_writes(before, after):
    out, _ = cleaned(TRUE)
    changed = out.files[0][1].replace(before, after)
    assert changed != out.files[0][1]
    assert aecg.prove(changed, out.bulk, [], RESEARCH)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (TRUE.replace(b"13 -5", "张".encode()), Reason.VALUE_IMPLAUSIBLE),
        (TRUE.replace(b"-5 <", b"13800138000 <"), Reason.VALUE_IMPLAUSIBLE),
        (b"<AnnotatedECG/>", Reason.CHANNEL_MISSING),
    ],
)
def test_digits_that_are_no_samples_and_documents_without_a_lead_are_refused(content, reason):
    with pytest.raises(CannotClean) as refused:
        cleaned(content)
    assert refused.value.finding.reason is reason


@pytest.mark.parametrize(
    "content",
    [
        TRUE[:900],
        TRUE.replace(b"<AnnotatedECG", b'<!DOCTYPE a [<!ENTITY x "y">]><AnnotatedECG', 1),
        b"<AnnotatedECG>",
    ],
)
def test_documents_cut_off_or_with_entities_are_refused(content):
    with pytest.raises((CannotClean, reader.DocumentUnreadable)):
        cleaned(content)


def test_an_element_of_no_name_is_counted_without_it():
    out, _ = cleaned(TRUE.replace(b"<title>", "<张伟明/><title>".encode()))
    assert out.actions["clinicalTrial/another element", "removed"] == 1
