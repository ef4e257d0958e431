"""SCP-ECG records: sections of samples leave byte for byte, tags of a list in their forms, all else goes."""

import binascii
import struct
from importlib import util
from pathlib import Path

import numpy as np
import pytest

from medassay.core.findings import Reason
from medassay.datasets.deidentify import scp_ecg
from medassay.datasets.deidentify.outgoing import CannotClean
from medassay.datasets.deidentify.profile import PROFILES
from medassay.formats.waveform import scp_ecg as reader
from medassay.formats.waveform.scp_huffman import EcgUnreadable

place = util.spec_from_file_location("exports", Path(__file__).with_name("exports.py"))
exports = util.module_from_spec(place)
place.loader.exec_module(exports)

RESEARCH, BASIC = PROFILES["research"], PROFILES["basic"]
NAME = "张伟明"
LEADS = np.array([[100, -200, 300, 7], [5, 6, -7, 8]], "<i2")


def tag(number, value):
    return bytes((number,)) + len(value).to_bytes(2, "little") + value


def tags(**more):
    device = bytes(6) + b"\0\xffELI250\x0d\xa0\0\xf0\1" + bytes(16) + b"\5SN77\0Wang\0v1\0scp\0Mortara\0"
    told = {
        0: NAME.encode("gbk") + b"\0",
        1: b"Weiming\0",
        2: b"11010519491231002X\0",
        4: struct.pack("<HB", 93, 1),
        5: struct.pack("<HBB", 1949, 12, 31),
        6: struct.pack("<HB", 165, 1),
        7: struct.pack("<HB", 60, 1),
        8: b"\2",
        9: b"\1",
        10: b"aspirin",
        11: struct.pack("<H", 140),
        13: NAME.encode(),
        14: device,
        16: "第一医院".encode() + b"\0",
        20: "王医生".encode("gbk") + b"\0",
        25: struct.pack("<HBB", 2023, 3, 2),
        26: b"\x0a\x0f\x1e",
        27: struct.pack("<H", 5),
        28: struct.pack("<H", 150),
        29: b"\1",
        30: b"13800138000\0",
        31: b"SEQ77\0",
        34: struct.pack("<hH", 480, 3) + b"Shanghai\0",
        35: NAME.encode(),
        200: NAME.encode("utf-16-le"),
    }
    told.update({int(name[1:]): value for name, value in more.items()})
    return b"".join(tag(number, value) for number, value in told.items()) + b"\xff\0\0"


def record(first=None, behind=b"", lead_tail=b"", reserved=bytes(6), **sections):
    """A record of two leads in 16 bits, with texts in every section that may hold one."""
    sizes = [len(lead.tobytes()) + len(lead_tail) for lead in LEADS]
    coded = struct.pack("<HHBB2H", 1000, 2000, 0, 0, *sizes) + b"".join(
        one.tobytes() + lead_tail for one in LEADS
    )
    data = {
        1: tags() if first is None else first,
        3: b"\x02\x04" + b"".join(struct.pack("<IIB", 1, 4, code) for code in (1, 2)) + behind,
        6: coded + behind,
        7: b"Zhang",
        8: NAME.encode(),
        11: NAME.encode("gbk"),
        201: b"Zhang Weiming",
        **{int(name[1:]): value for name, value in sections.items()},
    }
    return assembled(data, reserved)


def assembled(data, reserved=bytes(6)):
    numbers, at, places = sorted(data), 6 + 16 + 10 * (len(data) + 1), {}
    for number in numbers:
        size = 16 + len(data[number]) + len(data[number]) % 2
        places[number] = (at, size)
        at += size
    table = struct.pack("<HII", 0, 16 + 10 * (len(data) + 1), 7)
    table += b"".join(
        struct.pack("<HII", number, places[number][1], places[number][0] + 1) for number in numbers
    )
    body = part(0, table, b"SCPECG") + b"".join(
        part(n, data[n] + bytes(len(data[n]) % 2), reserved) for n in numbers
    )
    whole = (len(body) + 6).to_bytes(4, "little") + body
    return binascii.crc_hqx(whole, 0xFFFF).to_bytes(2, "little") + whole


def part(number, data, reserved):
    rest = struct.pack("<HIBB6s", number, 16 + len(data), 13, 13, reserved) + data
    return binascii.crc_hqx(rest, 0xFFFF).to_bytes(2, "little") + rest


def cleaned(content, profile=RESEARCH):
    out, known = exports.cleaned(scp_ecg, content, profile)
    return out, known, reader.open(out.files[0][1])


def told(opened):
    return dict(reader.tags(opened.data(1)))


def test_leads_are_the_same_and_nothing_of_the_person_is_left():
    out, known, opened = cleaned(record(reserved=b"Zhang\0", behind=NAME.encode()))
    content = out.files[0][1]
    for number in range(2):
        assert reader.samples(opened, number).values.tolist() == (LEADS[number] / 1000).tolist()
    secrets = [NAME.encode(codec) for codec in ("utf-8", "gbk", "utf-16-le")]
    secrets += [
        b"Weiming",
        b"Zhang",
        b"110105",
        b"138001",
        b"SN77",
        b"Wang",
        b"ELI",
        b"Mortara",
        b"Shanghai",
        b"SEQ",
        b"aspirin",
    ]
    assert [secret for secret in (*secrets, "王".encode("gbk"), "医院".encode()) if secret in content] == []
    assert list(reader.examine(opened)) == []
    assert scp_ecg.prove(content, out.bulk, known, RESEARCH) == []


def test_tags_of_the_list_keep_sex_body_day_and_filters():
    values = told(cleaned(record())[2])
    assert values[2] == exports.WHO.subject.encode() + b"\0"
    assert (values[6], values[7], values[8]) == (struct.pack("<HB", 165, 1), struct.pack("<HB", 60, 1), b"\2")
    assert values[4] == struct.pack("<HB", 90, 1)
    assert values[25] == struct.pack("<HBB", 2022, 11, 22)
    assert values[26] == b"\x0a\x0f\x1e"
    assert values[34] == struct.pack("<hH", 480, 0) + b"\0"
    assert sorted(values) == [2, 4, 6, 7, 8, 11, 14, 25, 26, 27, 28, 29, 34]


def test_the_person_is_told_by_id_name_birth_and_sex():
    told_of = scp_ecg.facts_of(record())[0]
    assert told_of.ids == ("11010519491231002X",)
    assert f"{NAME} Weiming" in told_of.names
    assert (told_of.birth, told_of.sex) == ("1949-12-31", "F")


def test_where_dates_and_characteristics_do_not_leave_none_stand():
    out, known, opened = cleaned(record(), BASIC)
    assert not told(opened).keys() & {4, 6, 7, 8, 25}
    assert scp_ecg.prove(out.files[0][1], out.bulk, known, BASIC) == []


@pytest.mark.parametrize("number", [*range(41), 100, 200, 254])
def test_no_tag_holds_a_text(number):
    for mark in (NAME.encode("gbk"), b"Zhang Weiming 13800138000", b"ZW1", b"Zh", b"\x7a\x68\x61\x6e\x67"):
        first = (
            tag(number, mark) + tag(2, b"x\0") + b"\xff\0\0" if number != 2 else tag(2, mark) + b"\xff\0\0"
        )
        out, _, opened = cleaned(record(first=first))
        assert mark not in opened.data(1)
        assert scp_ecg.prove(out.files[0][1], out.bulk, [], RESEARCH) == []


def test_bytes_behind_a_leads_samples_go_and_are_counted():
    out, _, opened = cleaned(record(lead_tail=NAME.encode("gbk")))
    assert NAME.encode("gbk") not in out.files[0][1]
    assert out.actions["section 6", "changed"] == 1
    assert reader.samples(opened, 1).values.tolist() == (LEADS[1] / 1000).tolist()


def test_codes_and_places_of_leads_hold_no_letters():
    named = b"\x02\x04" + b"".join(struct.pack("<IIB", 1, 4, code) for code in b"Zh")
    out, _, opened = cleaned(record(_3=named))
    assert [lead.code for lead in opened.leads] == [0, 0]
    assert out.actions["section 3", "changed"] == 1
    first = int.from_bytes(b"Zhan", "little")
    far = b"\x02\x04" + b"".join(struct.pack("<IIB", first, first + 3, code) for code in (1, 2))
    beats = struct.pack("<HHH", 4, 1, 1) + struct.pack("<HIII", 0, first, first, first)
    for broken in (record(_3=far), record(_4=beats)):
        with pytest.raises(CannotClean):
            cleaned(broken)


def test_bits_and_bytes_behind_the_codes_of_a_lead_are_zero():
    lead = bytes((0b10010111, 0x5A, 0x5A, 0x5A))  # 1, -1 and 0 in the standard's own table, and what is none
    coded = struct.pack("<HHBB2H", 1000, 2000, 0, 0, 4, 4) + lead + lead
    three = b"\x02\x04" + b"".join(struct.pack("<IIB", 1, 2, code) for code in (1, 2))
    out, known, opened = cleaned(record(_2=(19999).to_bytes(2, "little"), _3=three, _6=coded))
    assert opened.rhythm.leads == (b"\x94\x00",) * 2
    assert reader.samples(opened, 1).values.tolist() == [0.001, -0.001]
    assert scp_ecg.prove(out.files[0][1], out.bulk, known, RESEARCH) == []


@pytest.mark.parametrize("number", [0, 1, 3, 6])
def test_the_proof_withholds_any_byte_that_is_not_as_the_writer_writes(number):
    out, known, opened = cleaned(record())
    content = out.files[0][1]
    begin, length = opened.sections[number]
    for at in range(begin + 2, begin + length):
        changed = bytearray(content)
        changed[at] ^= 0x55
        changed = repaired(changed, begin, length)
        if number == 1 and scp_ecg.prove(changed, out.bulk, known, RESEARCH) == []:
            assert is_another_number(
                content, begin, at
            )  # a day, an age or a filter that is as good as the one before
        else:
            assert scp_ecg.prove(changed, out.bulk, known, RESEARCH), (number, at - begin)


def is_another_number(content, begin, at):
    """Whether a byte lies in the value of a tag that holds a number and no text, or in the subject's digits."""
    place = begin + 16
    while place < at and content[place] != 255:
        size = int.from_bytes(content[place + 1 : place + 3], "little")
        if place + 3 <= at < place + 3 + size:
            return content[place] in (2, 4, 6, 7, 8, 11, 14, 25, 26, 27, 28, 29, 34)
        place += 3 + size
    return False


def repaired(content, begin, length):
    """Checks anew, so that only the proof can tell."""
    content[begin : begin + 2] = binascii.crc_hqx(
        bytes(content[begin + 2 : begin + length]), 0xFFFF
    ).to_bytes(2, "little")
    content[:2] = binascii.crc_hqx(bytes(content[2:]), 0xFFFF).to_bytes(2, "little")
    return bytes(content)


def test_the_proof_withholds_bytes_between_and_behind_sections():
    out, known, _ = cleaned(record())
    content = out.files[0][1]
    longer = bytearray(content + b"Zhang ")
    longer[2:6] = len(longer).to_bytes(4, "little")
    longer[:2] = binascii.crc_hqx(bytes(longer[2:]), 0xFFFF).to_bytes(2, "little")
    assert scp_ecg.prove(bytes(longer), out.bulk, known, RESEARCH)
    assert scp_ecg.prove(record(), out.bulk, known, RESEARCH)


def test_damaged_records_are_refused_and_not_made_whole():
    content = bytearray(record())
    content[-30] ^= 1
    with pytest.raises(CannotClean) as refused:
        cleaned(bytes(content))
    assert refused.value.finding.reason is Reason.CHECKSUM_WRONG
    for broken in (record()[:200], record(_3=b"\0\0")):
        with pytest.raises((CannotClean, EcgUnreadable)):
            cleaned(broken)


@pytest.mark.shared
@pytest.mark.parametrize("name", ["wfdb_test.scp"])
def test_compressed_leads_with_a_reference_beat_stay_as_they_are(name):
    path = Path(__file__).parents[4] / "shared" / "data" / "signal-formats" / name
    if not path.exists():
        pytest.skip(f"no {path.name} beside the repository")
    before = reader.open(path)
    out, known, after = cleaned(path.read_bytes())
    assert scp_ecg.prove(out.files[0][1], out.bulk, known, RESEARCH) == []
    for number in range(len(before.leads)):
        same = np.array_equal(reader.samples(before, number).values, reader.samples(after, number).values)
        assert same, number
