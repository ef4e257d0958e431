"""Fields of HL7 messages that expect a code, a flag, a figure or a text: what is none of them does not leave."""

import pytest

from medassay.datasets.deidentify import hl7
from medassay.datasets.deidentify.profile import PROFILES
from medassay.datasets.sample import Names

RESEARCH, SCRUBBED = PROFILES["research"], PROFILES["scrubbed-text"]
WHO = Names("R-0123456789abcdef", "S-0123456789abcdef", 100, b"k" * 32)
OTHER = Names("R-0123456789abcdef", "S-fedcba9876543210", 200, b"k" * 32)
MSH = "MSH|^~\\&|A|B|C|D|20230302101500||ORU^R01|M1|P|2.4"


def left(*lines, head=MSH, profile=RESEARCH):
    """The lines that leave, behind those of the message and its person."""
    content = "\r".join((head, "PID|1||P7||Test^Person", *lines, "")).encode()
    out = hl7.clean(content, [WHO for _ in hl7.facts_of(content)], [], profile)
    assert hl7.prove(out.files[0][1], [], profile) == []
    return out.files[0][1].decode().split("\r")[2:-1], out.actions


@pytest.mark.parametrize("name", ["LIU", "LI^NA", "ZHU~BO"])
@pytest.mark.parametrize(
    "line",
    ["OBX|1|NM|A1^WBC^L||5.6|g/L|3-5|{}|||F", "OBX|1|NM|A1^WBC^L||5.6|g/L|3-5|H|||{}", "PV1|1|{}", "ORC|{}|O1",
     "ORC|RE|O1|||{}", "NTE|1|{}|normal", "OBR|1|O1|F1|A1^WBC^L||||||||||||||||||||{}"],
)  # fmt: skip
def test_a_flag_or_state_is_one_of_its_table_and_no_three_letters(name, line):
    assert name not in left(line.format(name))[0][0]


def test_flags_and_states_of_the_tables_stay():
    line = "OBX|1|NM|A1^WBC^L||5.6|g/L|3-5|HH~A|||F"
    assert left(line)[0] == [line]


@pytest.mark.parametrize("code", ["LIU", "WANG", "LINA"])
def test_a_local_code_of_letters_alone_stays_only_where_a_list_holds_it(code):
    lines, _ = left(
        f"OBX|1|CE|{code}^WBC^L||{code}^^L", "OBX|2|NM|WBC^WBC^L||5.6", "OBX|3|CE|K17^WBC^L||A4^^99LAB"
    )
    assert not any(code in line for line in lines)
    assert lines[1:] == ["OBX|2|NM|WBC^WBC^L||5.6", "OBX|3|CE|K17^WBC^L||A4^^99LAB"]


def test_a_scheme_of_a_hospitals_own_is_not_called_like_somebody():
    assert "LIU" not in left("OBX|1|NM|A1^WBC^99LIU||5.6")[0][0]


@pytest.mark.parametrize(
    "value",
    ["8679-3042", "1391-2345678", "139.12345678", "1.39123456E+10", "3.30106195E+17", ">^60371825^-^5"],
)
def test_a_figure_that_is_a_telephone_or_a_number_of_somebody_in_parts_goes(value):
    assert value not in left(f"OBX|1|SN|A1^WBC^L||{value}|mmol/L")[0][0]


@pytest.mark.parametrize(
    "value", ["5.6", "^1^:^12800", "3500-9500", ">^100", "120/80", "1.2 x10^5", "^150000^-^350000"]
)
def test_figures_ratios_and_ranges_stay(value):
    assert f"||{value}" in left(f"OBX|1|SN|A1^WBC^L||{value}")[0][0]


@pytest.mark.parametrize("value", ["860.371.825", "56.03.02", "1956.3.2"])
@pytest.mark.parametrize("line", ["OBX|1|NM|A1^WBC^L|{}|5.6", "NTE|{}|L|normal", "OBX|{}|NM|A1^WBC^L||5.6"])
def test_the_number_of_a_row_is_no_day_and_no_number_of_somebody(value, line):
    assert value not in left(line.format(value))[0][0]


@pytest.mark.parametrize("profile", [RESEARCH, SCRUBBED])
@pytest.mark.parametrize(
    "text",
    [r"\X57616E67205869616F6D696E67\ reviewed", r"seen by Wang\.br\Xiaoming", r"\XE5BCA0E4BC9FE6988E\复查",
     r"Dr \H\Wang Xiaoming\N\ ok"],
)  # fmt: skip
def test_a_name_in_escape_sequences_is_read_as_it_is_meant(profile, text):
    (line,), _ = left(f"NTE|1|L|{text}", profile=profile)
    for told in ("Xiaoming", "57616E67", "E5BCA0E4", "张伟明"):
        assert told not in line


def test_lines_of_a_text_stay_one_by_one_and_marks_in_it_stay_escaped():
    (line,), _ = left(r"NTE|1|L|normal\.br\Gulnar Memet agrees\.br\chest \T\ abdomen")
    assert line == r"NTE|1|L|normal\.br\\.br\chest \T\ abdomen"


def test_a_message_with_marks_of_its_own_keeps_its_codes_and_loses_its_names():
    head = MSH.replace("^~\\&", "@~\\&", 1).replace("ORU^R01", "ORU@R01")
    lines, _ = left("OBX|1|CE|6690-2@WBC@LN||A1@Gulnar Memet@L", head=head)
    assert lines == ["OBX|1|CE|6690-2^WBC^LN||A1^^L"]


def test_the_person_of_a_message_with_marks_of_its_own_has_the_id_that_stands_in_it():
    found = hl7.facts_of(b"MSH!@~\\&!A\rPID!1!!P7@@@H!!Memet@Gulnar!!19560302!F\r")
    assert (found[0].ids, found[0].names[0], found[0].sex) == (("P7",), "Memet Gulnar", "F")


def test_two_persons_in_one_message_are_not_joined():
    text = f"{MSH}\rPID|1||P7\rOBX|1|NM|A1^WBC^L||5.6\rPID|2||P8\rOBX|1|NM|A1^WBC^L||4.4|||||||||20230302\r".encode()
    assert [one.ids for one in hl7.facts_of(text)] == [("P7",), ("P8",)]
    out = hl7.clean(text, [WHO, OTHER], [], RESEARCH).files[0][1].decode()
    assert out.index(WHO.subject) < out.index("5.6") < out.index(OTHER.subject) < out.index("4.4")
    assert out.endswith("|20220814\r")


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("OBX|1|NM|30525-0^Age^LN||93|a", "||90|a"),
        ("OBX|1|NM|X1^年龄^L||93|岁", "||90|"),
        ("OBX|1|NM|30525-0^Age^LN||93|mo", "||93"),
        ("OBX|1|NM|30525-0^Age^LN||45|a", "||45|a"),
    ],
)
def test_an_age_over_89_among_the_results_is_stated_as_90(line, told):
    assert told in left(line)[0][0]


@pytest.mark.parametrize("item", ["21112-8^Birth date^LN", "X1^出生日期^L", "X1^DOB^L"])
def test_a_day_of_birth_among_the_results_goes(item):
    assert left(f"OBX|1|DT|{item}||19560302")[0][0].count("19") == 0


@pytest.mark.parametrize("moment", ["33010619560302", "19560302999999", "1956030213912345"])
def test_a_moment_has_a_year_and_a_clock(moment):
    assert left(f"OBR|1|O1|F1|A1^WBC^L|||{moment}")[0][0].rstrip("|").endswith("A1^WBC^L")


@pytest.mark.parametrize("line", ["LIU", "ZHU|1", "WANG XIAO"])
def test_a_line_that_begins_like_somebody_is_no_segment_of_the_report(line):
    _, actions = left(line)
    assert actions["segment of no name", "removed"] == 1
    assert not any(line[:3] in element for element, _ in actions)
