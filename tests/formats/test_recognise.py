"""One door: whatever a file is, it gets a kind and what is wrong with it, by its content."""

import io
import zipfile

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from medassay.core.findings import Reason
from medassay.formats.recognise import examine_file

kinds = {
    "HL7 v2": b"MSH|^~\\&|||||||ORU^R01|1|P|2.5\rPID|1||X\rOBR|1\rOBX|1|NM|718-7^Hb^LN||96|g/L|||||F\r",
    "ASTM E1394": b"H|\\^&\rP|1\rR|1|^^^A|5|g/L\rL|1|N\r",
    "FHIR Observation": b'{"resourceType": "Observation", "status": "final", "code": {"text": "a"}}',
    "Pascal VOC boxes": b"<annotation><filename>a.jpg</filename></annotation>",
    "COCO boxes": b'{"images": [], "annotations": [], "categories": []}',
    "POCT1-A": b'<HEL.R01><HDR><HDR.message_type V="HEL.R01"/></HDR></HEL.R01>',
    "PDF": b"%PDF-1.7\n",
    "glucose trace": b"Date,CGM (mmol/L)\n2021-05-04 10:33,5.6\n2021-05-04 10:48,5.8\n",
    "analyser panel": "检验项目,结果,单位\n血红蛋白,96,g/L\n白细胞,5,10^9/L\n".encode("gbk"),
    "delimited text": b"a,b\n1,2\n3,4\n",
    "WFDB header": b"a 1 100 10\na.dat 16 200\n",
    "WFDB annotations": b"\x04\x04" * 9 + b"\x00\x00",
    "PNG": b"\x89PNG\r\n\x1a\n",
    "gzip archive": b"\x1f\x8b\x08\x00",
    "JSON": b'{"a": 1}',
    "XML": b"<a/>",
    "text": b"A note.\n",
    "unknown": bytes(range(256)),
}


@pytest.mark.parametrize(("kind", "content"), kinds.items(), ids=kinds)
def test_content_decides_and_no_ending_does(tmp_path, kind, content):
    path = tmp_path / "a.xyz"
    path.write_bytes(content)
    examined = examine_file(path)
    assert examined.kind == kind
    assert examined.facts["bytes"] == len(content)


@pytest.mark.parametrize("name", ["a.hl7", "a.fcs", "a.csv"])
def test_a_name_that_promises_a_form_makes_the_content_answer_for_it(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(b"A note.\n")
    assert [f.reason for f in examine_file(path).findings] == [Reason.UNKNOWN_FORMAT]
    assert examine_file(path).refused


def test_a_workbook_of_several_tables_is_described_and_asks_which_is_meant(tmp_path):
    book = openpyxl.Workbook()
    book.active.append(["a", "b"])
    book.create_sheet().append(["c", "d"])
    book.save(tmp_path / "a.bin")
    examined = examine_file(tmp_path / "a.bin")
    assert (examined.kind, examined.facts["sheets"], examined.refused) == ("xlsx", 2, False)
    assert [f.reason for f in examined.findings] == [Reason.UNSUPPORTED_FORM]


def test_a_zip_that_begins_with_the_mark_of_a_split_one_is_opened(tmp_path):
    stream = io.BytesIO(b"PK\x07\x08")
    stream.seek(4)
    with zipfile.ZipFile(stream, "a") as container:
        container.writestr("rdml.xml", "<rdml><react><adp><fluor>1</fluor></adp></react></rdml>")
    (tmp_path / "a").write_bytes(stream.getvalue())
    assert examine_file(tmp_path / "a").kind == "RDML"


def test_an_empty_file_and_a_missing_one_are_findings(tmp_path):
    (tmp_path / "a").write_bytes(b"")
    assert examine_file(tmp_path / "a").findings[0].reason is Reason.EMPTY_FILE
    assert examine_file(tmp_path / "b").findings[0].reason is Reason.UNKNOWN_FORMAT


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(start=st.sampled_from([b"", *kinds.values()]), rest=st.binary(max_size=120))
def test_nothing_that_a_file_holds_raises(tmp_path, start, rest):
    path = tmp_path / "a"
    path.write_bytes(start + rest)
    examined = examine_file(path)
    assert examined.kind
    assert not any("stopped at" in finding.found for finding in examined.findings)
