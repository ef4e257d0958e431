"""HL7 v2: every line end, batches counted, character sets held to what is declared, withdrawn results set aside."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medassay.core.findings import Reason, Severity
from medassay.formats.ivd import hl7_v2
from medassay.formats.ivd.hl7_messages import Message, get
from medassay.formats.ivd.hl7_v2 import is_loinc
from medassay.formats.ivd.refusal import IvdRefused

HEADER = r"MSH|^~\&|LAB|A|LIS|B|20250101||ORU^R01|1|P|2.4||||||UNICODE UTF-8"
PERSON = "PID|1||X1^^^^MR||Doe^Jane"
ORDER = "OBR|1|||CBC|||||||||||||||||||||F"
WBC = "OBX|1|NM|6690-2^白细胞计数^LN||11.8|10*9/L|3.5-9.5|H|||F"


def message(*segments, header=HEADER, end="\r", encoding="utf-8"):
    return (end.join([header, PERSON, ORDER, *segments]) + end).encode(encoding)


def findings(content, severity=Severity.WARN):
    rank = list(Severity).index(severity)
    return {
        f.reason for f in hl7_v2.examine(hl7_v2.open(content)) if list(Severity).index(f.severity) >= rank
    }


def first(content):
    return hl7_v2.results(hl7_v2.open(content).messages[0])[0]


@pytest.mark.parametrize("end", ["\r", "\n", "\r\n", "\r\r\n"])
@pytest.mark.parametrize("before", [b"", b"\xef\xbb\xbf", b"\x0b", b"\r\n"])
def test_line_ends_and_marks_do_not_matter(end, before):
    opened = hl7_v2.open(before + message(WBC, end=end))
    (one,) = hl7_v2.results(opened.messages[0])
    assert (one.code, one.system, one.value.number, one.unit) == ("6690-2", "LN", 11.8, "10*9/L")
    assert (one.low, one.high, one.flag, one.status) == (3.5, 9.5, "H", "final")


def test_other_delimiters_are_those_of_the_header():
    content = message(WBC).replace(b"^", b"@").replace(b"|", b"$")
    assert first(content).code == "6690-2"


values = {
    ("NM", "41"): (41.0, "", ""),
    ("SN", "<^0.5"): (0.5, "<", ""),
    ("SN", "^0.5"): (0.5, "", ""),
    ("SN", "=^7"): (7.0, "", ""),
    ("SN", "^1^:^160"): (160.0, "", "titre"),
    ("SN", "^10^-^20"): (None, "", ""),
    ("ST", "＜0.1"): (0.1, "<", ""),
    ("ST", "阴性"): (None, "", "negative"),
    ("CWE", "260415000^Not detected^SCT"): (None, "", "negative"),
    ("ED", "A^B^C^Base64^AAAA"): (None, "", ""),
}


@pytest.mark.parametrize(("typed", "told"), values.items(), ids=str)
def test_a_value_is_read_by_its_type(typed, told):
    one = first(message(f"OBX|1|{typed[0]}|718-7^Hb^LN||{typed[1]}|g/L||||| F".replace(" F", "F")))
    assert (one.value.number, one.value.comparator, one.value.grade) == told


statuses = {"F": True, "C": True, "P": False, "X": False, "W": False, "D": False, "": True}


@pytest.mark.parametrize(("status", "usable"), statuses.items())
def test_only_final_results_are_taken(status, usable):
    assert first(message(WBC[:-1] + status)).usable is usable


def test_a_cancelled_order_takes_its_results_with_it():
    content = message(WBC).replace(b"|F\rOBX", b"|X\rOBX")
    assert first(content).status == "cancelled"


def test_a_chinese_message_is_read_in_the_character_set_that_it_declares():
    header = HEADER.replace("UNICODE UTF-8", "GB 18030-2000")
    assert hl7_v2.open(message(WBC, header=header, encoding="gb18030")).encoding == "gb18030"


@pytest.mark.parametrize("declared", ["UNICODE UTF-8", "ASCII"])
def test_bytes_in_another_character_set_than_declared_are_refused(declared):
    with pytest.raises(IvdRefused) as caught:
        hl7_v2.open(message(WBC, header=HEADER.replace("UNICODE UTF-8", declared), encoding="gb18030"))
    assert caught.value.reason is Reason.CHARACTER_SET


def test_an_undeclared_character_set_is_decided_and_said():
    content = message(WBC, header=HEADER.replace("|UNICODE UTF-8", "|"), encoding="gbk")
    assert hl7_v2.open(content).encoding == "gb18030"
    assert Reason.CHARACTER_SET in findings(content, Severity.NOTE)


def batch(stated=2, met=2, trailer=True):
    lines = ["FHS|^~\\&|A", "BHS|^~\\&|A", *[message(WBC).decode().rstrip("\r")] * met]
    return "\r".join([*lines, *([f"BTS|{stated}", "FTS|1"] if trailer else [])]).encode()


def test_a_batch_is_split_and_its_count_compared():
    assert len(hl7_v2.open(batch()).messages) == 2
    assert Reason.TRUNCATED not in findings(batch())
    assert Reason.TRUNCATED in findings(batch(stated=3), Severity.REFUSE)
    assert Reason.TRUNCATED in findings(batch(trailer=False), Severity.REFUSE)


faults = {
    "no results in the type": (
        message(WBC).replace(b"ORU^R01", b"ADT^A01"),
        Reason.UNSUPPORTED_FORM,
        Severity.REFUSE,
    ),
    "no OBX": (message(), Reason.REFERENCE_MISSING, Severity.REFUSE),
    "no person and no processing id": (
        message(WBC).replace(b"|P|2.4", b"||2.4").replace(PERSON.encode(), b"PID|1"),
        Reason.HEADER_INVALID,
        Severity.REFUSE,
    ),
    "no LOINC": (message(WBC.replace("6690-2", "xx625-4")), Reason.REFERENCE_INVALID, Severity.WARN),
    "wrong check digit": (message(WBC.replace("6690-2", "6690-3")), Reason.REFERENCE_INVALID, Severity.WARN),
    "unit unknown": (message(WBC.replace("10*9/L", "zorkmid")), Reason.UNIT_UNKNOWN, Severity.WARN),
    "picture": (message("OBX|1|ED|1-8^a^LN||x^y^z^Base64^AA||||||F"), Reason.UNSUPPORTED_FORM, Severity.WARN),
    "person": (message(WBC), Reason.IDENTITY_LEFT, Severity.WARN),
}


@pytest.mark.parametrize(("content", "reason", "severity"), faults.values(), ids=faults)
def test_what_is_wrong_is_said(content, reason, severity):
    assert reason in findings(content, severity)


def test_no_finding_repeats_a_name_or_number_of_a_person():
    told = "".join(f.model_dump_json() for f in hl7_v2.examine(hl7_v2.open(message(WBC))))
    assert not any(word in told for word in ("Doe", "Jane", "X1"))


escapes = {
    r"a\T\b": "a&b",
    r"\F\ \S\ \R\ \E\ ".strip(): r"| ^ ~ " + "\\",
    r"\X41\\X0D\b": "A\rb",
    r"\.br\x": "\nx",
    r"a\b": r"a\b",
}


@pytest.mark.parametrize(("text", "plain"), escapes.items())
def test_escapes_stand_for_what_they_mean(text, plain):
    assert Message(()).unescaped(text) == plain


@pytest.mark.parametrize("code", ["718-7", "6690-2", "777-3", "1988-5", "2345-7", "4548-4"])
def test_loinc_codes_end_in_their_check_digit(code):  # codes as published by Regenstrief
    assert is_loinc(code)
    assert not is_loinc(code[:-1] + str((int(code[-1]) + 1) % 10))


TEXT = st.text(
    st.characters(blacklist_categories=["Cc", "Cs"], blacklist_characters="|^~\\&\x1c\ufeff"), min_size=1
)


@given(st.lists(st.lists(TEXT, min_size=1, max_size=5), max_size=5), st.sampled_from(["\r", "\n", "\r\n"]))
def test_segments_that_are_written_are_read_again(rows, end):
    lines = ["|".join(["ZZZ", *row]) for row in rows]
    opened = hl7_v2.open((end.join([HEADER, *lines]) + end).encode())
    read = opened.messages[0].segments[1:]
    assert [segment[0] for segment in read] == ["ZZZ"] * len(rows)
    assert [get(segment, 1) for segment in read] == [row[0] for row in rows]


@given(st.binary(max_size=300))
def test_any_bytes_after_a_header_are_read_or_refused(content):
    with contextlib.suppress(IvdRefused):
        opened = hl7_v2.open(HEADER.encode() + b"\r" + content)
        assert hl7_v2.describe(opened)["messages"] == len(opened.messages)
        assert all(finding.found for finding in hl7_v2.examine(opened))
