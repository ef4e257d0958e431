"""Records of an analyser (ASTM E1394): listed fields leave in their forms, nobody stands in them, results stay."""

from importlib import util
from pathlib import Path

import pytest

from medassay.core.findings import Reason
from medassay.datasets.deidentify import astm
from medassay.datasets.deidentify.outgoing import CannotClean
from medassay.datasets.deidentify.profile import PROFILES
from medassay.formats.ivd import astm as reader

place = util.spec_from_file_location("exports", Path(__file__).with_name("exports.py"))
exports = util.module_from_spec(place)
place.loader.exec_module(exports)

RESEARCH, BASIC = PROFILES["research"], PROFILES["basic"]
RECORDS = (
    r"H|\^&|M77|pw|XN-550^00-24|||||||P|E1394-97|20230302101500",
    "P|1||11010519491231002X||张^伟明||19491231|F|||||王医生",
    "C|1|P|患者张伟明 电话13800138000|G",
    "O|1|B2303020017||^^^WBC\\^^^PLT|R|20230302090000|20230302083000|||护士李|N||发热|20230302091500|Blood||||||||||F",
    "R|1|^^^WBC|11.2|10*3/uL|3.5-9.5|H||F||王小明||20230302101000|SN83012345",
    "R|2|^^^PLT|<5|10*3/uL||L||P||||20230302101000",
    "R|3|^^^HBsAg|NEGATIVE|||||F",
    "M|1|张伟明",
    "L|1|N",
)
TRUE = "\r".join(RECORDS).encode() + b"\r"


def figures(content):
    return [
        (one.value, one.unit, one.flag, one.low, one.high, one.status, one.code)
        for message in reader.open(content).messages
        for one in reader.results(message)
    ]


def cleaned(content, profile=RESEARCH):
    return exports.cleaned(astm, content, profile)


def test_results_are_the_same_and_nothing_of_the_person_is_left():
    out, known = cleaned(TRUE)
    text = out.files[0][1].decode()
    assert figures(out.files[0][1]) == figures(TRUE)
    assert astm.prove(out.files[0][1], {}, known, RESEARCH) == []
    for secret in (
        "张",
        "伟",
        "110105",
        "1380013",
        "王",
        "李",
        "发热",
        "B23030",
        "SN8301",
        "M77",
        "pw",
        "XN-550",
        "2023",
    ):
        assert secret not in text
    assert f"P|1|{exports.WHO.subject}||||||F" in text


def test_dates_move_by_one_number_of_days_and_keep_their_times():
    text = cleaned(TRUE)[0].files[0][1].decode()
    assert "|20221122090000|20221122083000|" in text  # 100 days before the source's
    assert text.splitlines()[0].endswith("|20221122101500")


def test_where_dates_and_characteristics_do_not_leave_none_stand():
    out, known = cleaned(TRUE, BASIC)
    assert b"2022" not in out.files[0][1]
    assert b"|F\r" not in out.files[0][1].split(b"\rO|")[0]
    assert astm.prove(out.files[0][1], {}, known, BASIC) == []


@pytest.mark.parametrize("mark", exports.STRANGERS)
def test_no_field_of_any_record_holds_a_mark_that_no_list_knows(mark):
    marked = [r"H|\^&|" + "|".join([mark] * 12)]
    marked += [
        f"{letter}|" + "|".join([mark, f"^{mark}", f"{mark}\\{mark}", f"1^{mark}"] * 9)
        for letter in "POCRQSML"
    ]
    marked += [f"{mark}|{mark}", f"R|1|^^^WBC|5.6 {mark}|{mark}|{mark}", "L|1|N"]
    for codec in ("utf-8", "gb18030"):
        content = ("\r".join(marked) + "\r").encode(codec)
        out, known = cleaned(content)
        assert exports.left(out, mark) == []
        assert astm.prove(out.files[0][1], {}, known, RESEARCH) == []


@pytest.mark.parametrize("record", [one for one in RECORDS if one[0] not in "MH"])
@pytest.mark.parametrize("mark", ["张伟明", "20230302", "8301234501", "O'Brien"])
def test_the_proof_withholds_a_mark_in_any_field(record, mark):
    fields = record.split("|")
    for number in range(1, len(fields)):
        text = "|".join([*fields[:number], mark, *fields[number + 1 :]])
        content = f"{astm.HEADER}\r{text}\rL|1|N\r".encode()
        if mark == "20230302" and astm.FIELDS[fields[0]].get(number + 1) == "d":
            continue  # a moved date has this form too
        assert astm.prove(content, {}, [], RESEARCH), (record, number + 1)


def test_each_patient_of_a_message_is_a_subject_of_its_own_and_the_messages_time_is_nobodys():
    content = b"H|\\^&|||||||||||1|20230302101500\rP|1|A1\rO|1|S1\rR|1|^^^WBC|5|\rP|2|A2\rO|1|S2\rL|1|N\r"
    assert [one.ids for one in astm.facts_of(content)] == [("A1",), ("A2",)]
    out, _ = cleaned(content)
    text = out.files[0][1].decode()
    assert text.splitlines()[0] == "H|\\^&|||||||||||1"
    assert len({line.split("|")[2] for line in text.splitlines() if line[0] == "P"}) == 2


def test_frames_come_off_whole_and_damaged_ones_are_refused():
    frames = b""
    for number, record in enumerate(RECORDS, 1):
        text = record.encode() + b"\r"
        digit = str(number % 8).encode()
        frames += b"\x02" + digit + text + b"\x03" + reader.checksum(digit, text, b"\x03").encode() + b"\r\n"
    assert figures(cleaned(frames)[0].files[0][1]) == figures(TRUE)
    with pytest.raises(CannotClean) as refused:
        cleaned(frames.replace(b"11.2", b"11.3"))
    assert refused.value.finding.reason is Reason.CHECKSUM_WRONG


def test_other_delimiters_of_the_source_become_those_of_the_standard():
    content = b"H|@^\\|\rP|1\rO|1|S1||^^^WBC@^^^RBC\rR|1|^^^WBC|^5.6|10*3/uL\rL|1|N\r"
    out, known = cleaned(content)
    assert b"^^^WBC\\^^^RBC" in out.files[0][1]
    assert figures(out.files[0][1]) == figures(content)
    assert astm.prove(out.files[0][1], {}, known, RESEARCH) == []


def test_a_result_that_is_not_final_stays_so_whatever_stands_behind_its_status():
    content = b"H|\\^&\rP|1\rR|1|^^^WBC|5.6|10*3/uL||||Preliminary by Li\rL|1|N\r"
    assert figures(cleaned(content)[0].files[0][1])[0][5] == "preliminary"
