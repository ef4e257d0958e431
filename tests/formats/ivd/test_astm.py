"""ASTM E1394: frames joined, check sums held, the header's own delimiters taken."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medassay.core.findings import Reason, Severity
from medassay.formats.ivd import astm
from medassay.formats.ivd.astm import ETB, ETX, STX, checksum
from medassay.formats.ivd.refusal import IvdRefused

RECORDS = [
    b"H|\\^&|||Analyser",
    b"P|1",
    b"O|1|S1||^^^CRP",
    b"R|1|^^^CRP|<0.5|mg/L|0-10|N||F",
    b"R|2|^^^WBC|11.8|10*3/uL|3.5 to 9.5|H||F",
    b"L|1|N",
]


def framed(records, *, end=ETX, first=1):
    out = b""
    for number, record in enumerate(records, first):
        digit, text = str(number % 8).encode(), record + b"\r"
        out += STX + digit + text + end + checksum(digit, text, end).encode() + b"\r\n"
    return out


def findings(content, severity=Severity.REFUSE):
    return {f.reason for f in astm.examine(astm.open(content)) if f.severity is severity}


@pytest.mark.parametrize("content", [b"\r".join(RECORDS) + b"\r", framed(RECORDS), b"\x05" + framed(RECORDS)])
def test_bare_and_framed_records_say_the_same(content):
    sent = astm.open(content)
    first, second = astm.results(sent.messages[0])
    assert (first.code, first.value.number, first.value.comparator, first.unit) == ("CRP", 0.5, "<", "mg/L")
    assert (second.code, second.value.number, second.unit, second.flag) == ("WBC", 11.8, "10*3/uL", "H")
    assert list(astm.examine(sent)) == []


def test_a_record_that_is_split_over_frames_is_joined():
    text = b"\r".join(RECORDS) + b"\r"
    parts = [text[at : at + 20] for at in range(0, len(text), 20)]
    content = b""
    for number, part in enumerate(parts, 1):
        end = ETX if number == len(parts) else ETB
        digit = str(number % 8).encode()
        content += STX + digit + part + end + checksum(digit, part, end).encode() + b"\r\n"
    assert astm.open(content).messages == astm.open(text).messages
    assert findings(content) == set()


def test_delimiters_are_those_of_the_header():
    plain = b"\r".join(RECORDS)
    table = bytes.maketrans(b"|\\^", b"!~$")
    assert [one.code for one in astm.results(astm.open(plain.translate(table)).messages[0])] == ["CRP", "WBC"]


def test_messages_one_after_another_are_parted():
    assert len(astm.open(framed(RECORDS) + framed(RECORDS)).messages) == 2
    assert findings(framed(RECORDS) + framed(RECORDS)) == set()


faults = {
    "check sum": (
        framed(RECORDS).replace(b"11.8", b"18.1").replace(b"11.8", b"91.8").replace(b"CRP|<", b"CRP|>"),
        Reason.CHECKSUM_WRONG,
    ),
    "frame lost": (framed(RECORDS[:3]) + framed(RECORDS[4:], first=5), Reason.RECORDING_GAP),
    "cut": (framed(RECORDS[:-1]), Reason.TRUNCATED),
    "no result": (framed([RECORDS[0], RECORDS[-1]]), Reason.REFERENCE_MISSING),
}


@pytest.mark.parametrize(("content", "reason"), faults.values(), ids=faults)
def test_what_is_wrong_refuses(content, reason):
    assert reason in findings(content)


def test_a_backslash_written_twice_in_the_header_is_said():
    content = framed([b"H|\\\\^&|||A", *RECORDS[1:]])
    assert Reason.HEADER_INVALID in findings(content, Severity.WARN)
    assert [one.code for one in astm.results(astm.open(content).messages[0])] == ["CRP", "WBC"]


@pytest.mark.parametrize("content", [b"\x02mtrsl|pi", b"Hello", b"", b"H", b"HL7|^"])
def test_what_is_no_header_is_refused(content):
    assert not astm.recognises(content)
    with pytest.raises(IvdRefused):
        astm.open(content)


@given(st.lists(st.binary(min_size=1, max_size=60).map(lambda b: bytes(c for c in b if c > 31)), max_size=9))
def test_frames_that_are_written_are_read_again(texts):
    records = [RECORDS[0], *[b"M|" + text for text in texts], RECORDS[-1]]
    try:
        b"".join(texts).decode("utf-8")
    except UnicodeDecodeError:
        return  # which character set such bytes are in is another test's matter
    sent = astm.open(framed(records))
    assert (sent.sums_wrong, sent.out_of_order, sent.frames) == (0, 0, len(records))
