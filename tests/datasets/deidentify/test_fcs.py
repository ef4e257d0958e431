"""Flow cytometry files (FCS): listed keywords leave in their forms, events byte for byte, no other segment."""

import io
import struct
import warnings
from importlib import util
from pathlib import Path

import numpy as np
import pytest

from medassay.datasets.deidentify import fcs, fcs_keywords
from medassay.datasets.deidentify.channel_names import is_channel_name
from medassay.datasets.deidentify.outgoing import CannotClean
from medassay.datasets.deidentify.profile import PROFILES
from medassay.formats.ivd import fcs as reader
from medassay.formats.ivd.refusal import IvdRefused

place = util.spec_from_file_location("exports", Path(__file__).with_name("exports.py"))
exports = util.module_from_spec(place)
place.loader.exec_module(exports)

RESEARCH, BASIC = PROFILES["research"], PROFILES["basic"]
NAME = "张伟明"
EVENTS = np.arange(12, dtype="<f4").reshape(4, 3)
CHANNELS = {
    "$P1N": "FSC-A", "$P1B": "32", "$P1E": "0,0", "$P1R": "262144",
    "$P2N": "Qurbanjan", "$P2S": "CD3 FITC", "$P2B": "32", "$P2E": "0,0", "$P2R": "13800138000",
    "$P3N": "APC-A", "$P3S": NAME, "$P3B": "32", "$P3E": "0,0", "$P3R": "262144", "$P3V": "450", "$P3G": "1.0",
}  # fmt: skip
TEXT = {
    "$BYTEORD": "1,2,3,4", "$DATATYPE": "F", "$MODE": "L", "$PAR": "3", "$TOT": "4", **CHANNELS,
    "$OP": "李护士", "$INST": "第一医院", "$SMNO": "B2303020017", "$SRC": NAME, "$FIL": f"{NAME}.fcs",
    "$SYS": "Windows", "$EXP": "王医生", "$COM": "电话13800138000", "$CELLS": "PBMC", "$PROJ": "Zhang",
    "$CYT": "FACSCanto II", "$CYTSN": "SN83012", "$DATE": "02-MAR-2023", "$BTIM": "10:15:00", "$ETIM": "10:15:30.50",
    "$TIMESTEP": "0.01", "$TR": "FSC-A,5000", "PATIENT ID": "11010519491231002X", "PATIENT NAME": NAME,
    "DOB": "1949-12-31", "SEX": "女", "TUBE NAME": "Zhang Weiming", "EXPORT USER NAME": "Administrator",
    "GUID": "61d1a24f-b47e-41aa-ae95-f8ac302f4eeb", NAME: NAME,
    "$SPILLOVER": "2,Qurbanjan,APC-A,1,0.05082635623959459,0.001,1",
}  # fmt: skip


def data_set(
    text=None,
    data=None,
    version="3.1",
    mark="/",
    following=0,
    between=b"",
    behind=b"",
    stext=None,
    shift=0,
    **more,
):
    """A data set as a maker's software may write it: text at 256, bytes between the segments, analysis behind."""
    data = EVENTS.tobytes() if data is None else data
    told = {**(TEXT if text is None else text), **more}
    codec = "utf-8"

    def encoded(pairs):
        return (
            mark + "".join(f"{k}{mark}{v.replace(mark, mark * 2)}{mark}" for k, v in pairs.items())
        ).encode(codec)

    def whole(begin, end, first, last):
        offsets = {"$BEGINDATA": begin, "$ENDDATA": end, "$BEGINSTEXT": first, "$ENDSTEXT": last}
        offsets |= {"$BEGINANALYSIS": 0, "$ENDANALYSIS": 0, "$NEXTDATA": following}
        return encoded({**{k: f"{v:8d}" for k, v in offsets.items()}, **told})

    size = len(whole(0, 0, 0, 0))
    begin = 256 + size + len(between)
    end = begin + len(data) - 1
    more_text = encoded(stext) if stext else b""
    first = end + 1 + len(behind) if stext else 0
    text_bytes = whole(begin, end + shift, first, first + len(more_text) - 1 if stext else 0)
    places = [256, 256 + size - 1, begin, end + shift, 0, 0]
    head = f"FCS{version}    ".encode() + b"".join(b"%8d" % one for one in places)
    return head.ljust(256, b"Z") + text_bytes + between + data + behind + more_text


def cleaned(content, profile=RESEARCH):
    out, known = exports.cleaned(fcs, content, profile)
    return out, known, out.files[0][1]


def events(content):
    import flowio

    with warnings.catch_warnings(action="ignore"):
        return np.array(flowio.FlowData(io.BytesIO(content), nextdata_offset=0).events)


def text_of(content):
    return fcs_keywords.pairs_of(fcs.searched(content)[58:])


def test_events_are_the_same_and_nothing_of_the_person_is_left():
    source = data_set(between=NAME.encode("gbk"), behind=b"/ANALYSIS/Zhang/" + NAME.encode())
    out, known, content = cleaned(source)
    assert events(content).tolist() == events(source).tolist() == EVENTS.ravel().tolist()
    assert reader.open(content)[0].tolerance == ""
    secrets = [NAME.encode(codec) for codec in ("utf-8", "gbk")]
    secrets += [
        b"Zhang",
        b"Qurbanjan",
        b"110105",
        b"138001",
        b"SN83",
        b"B23030",
        b"Windows",
        b"Admin",
        b"61d1a24f",
        b"2023",
        b"ZZ",
    ]
    assert [secret for secret in (*secrets, "李".encode(), "王".encode()) if secret in content] == []
    assert fcs.prove(content, out.bulk, known, RESEARCH) == []


def test_listed_keywords_stay_in_their_forms():
    told = text_of(cleaned(data_set())[2])
    assert (told["$P1N"], told["$P2N"], told["$P2S"], told["$P3N"]) == ("FSC-A", "P2", "CD3 FITC", "APC-A")
    assert "$P3S" not in told
    assert told["$P2R"] == str(1 << 34)
    assert told["$SPILLOVER"] == "2,P2,APC-A,1,0.050826356,0.001,1"
    assert told["$DATE"] == "22-NOV-2022"
    assert (told["$CYT"], told["$TR"], told["$ETIM"]) == ("FACSCanto II", "FSC-A,5000", "10:15:30.50")
    assert not told.keys() & {
        "$OP",
        "$INST",
        "$SMNO",
        "$SRC",
        "$FIL",
        "$SYS",
        "$COM",
        "$CELLS",
        "$CYTSN",
        "GUID",
    }


def test_the_person_is_told_by_what_laboratories_call_it():
    told = fcs.facts_of(data_set())[0]
    assert (told.ids, told.names, told.birth, told.sex) == (
        ("11010519491231002X",),
        (NAME,),
        "1949-12-31",
        "F",
    )
    assert fcs.facts_of(data_set(text={**TEXT, "PATIENT NAME": "", "$SRC": "PBMC"}))[0].names == ()


@pytest.mark.parametrize(
    ("day", "left"),
    [("02-MAR-2023", "22-NOV-2022"), ("2-Mar-23", "22-NOV-2022"), ("2023-Mar-02", "22-NOV-2022"),
     ("2023-03-02", "22-NOV-2022"), ("02-MAR-95", "22-NOV-1994"), ("31-FEB-2023", None), ("yesterday", None),
     ("02-XXX-2023", None)],
)  # fmt: skip
def test_days_move_by_the_subjects_shift_in_whatever_form_they_come(day, left):
    assert text_of(cleaned(data_set(**{"$DATE": day}))[2]).get("$DATE") == left


def test_where_dates_do_not_leave_none_stands():
    out, known, content = cleaned(data_set(**{"$BEGINDATETIME": "2023-03-02T10:15:00Z"}), BASIC)
    assert not text_of(content).keys() & {"$DATE", "$BEGINDATETIME"}
    assert fcs.prove(content, out.bulk, known, BASIC) == []
    moved = text_of(cleaned(data_set(**{"$BEGINDATETIME": "2023-03-02T10:15:00Z"}))[2])
    assert moved["$BEGINDATETIME"] == "2022-11-22T10:15:00Z"


@pytest.mark.parametrize("mark", exports.STRANGERS)
def test_no_keyword_holds_a_mark_that_no_list_knows(mark):
    needed = {"$BYTEORD", "$DATATYPE", "$MODE", "$PAR", "$TOT", "$P3G"}
    needed |= {f"$P{number}{letter}" for number in (1, 2, 3) for letter in "BRE"}
    listed = [f"$P{n}{letter}" for n in (1, 2, 3) for letter in "NSTVLOFDP"]
    keys = {
        *TEXT,
        *fcs_keywords.FORMS,
        *fcs_keywords.MOMENTS,
        *fcs_keywords.SPILL,
        *listed,
        mark.replace("/", ""),
    } - needed
    told = {**{key: TEXT[key] for key in needed}, **dict.fromkeys(keys, mark)}
    source = data_set(
        text=told,
        stext={"$P3S": mark, "$P1D": mark, mark.replace("/", ""): mark},
        behind=mark.encode("gb18030"),
    )
    out, known, content = cleaned(source)
    assert exports.left(out, mark) == []
    assert events(content).tolist() == EVENTS.ravel().tolist()
    assert fcs.prove(content, out.bulk, known, RESEARCH) == []


def test_supplemental_text_is_read_for_listed_keywords():
    told = text_of(cleaned(data_set(stext={"$P1S": "Forward Scatter", "$P1V": "300", "$OP": NAME}))[2])
    assert told["$P1V"] == "300"
    assert "$OP" not in told


def test_every_data_set_of_a_file_leaves_and_its_offsets_are_found():
    size = len(data_set())
    source = data_set(following=size) + data_set(version="3.0", data=(EVENTS + 50).tobytes())
    out, known, content = cleaned(source)
    assert len(reader.open(content)) == 2
    assert events(content).tolist() == EVENTS.ravel().tolist()
    second = int(text_of(content)["$NEXTDATA"])
    assert events(content[second:]).tolist() == (EVENTS + 50).ravel().tolist()
    assert fcs.prove(content, out.bulk, known, RESEARCH) == []


def test_whole_numbers_of_mixed_width_and_version_2_leave_as_they_are():
    data = struct.pack("<4B4H", 1, 2, 3, 4, 10, 20, 30, 40)[:6] + struct.pack("<BH", 9, 8)
    told = {
        **TEXT,
        "$DATATYPE": "i",
        "$PAR": "2",
        "$TOT": "3",
        "$P1B": "8",
        "$P2B": "16",
        "$P1R": "256",
        "$P2R": "1000",
    }
    told = {key: value for key, value in told.items() if not key.startswith("$P3")}
    for version in ("2.0", "3.0"):
        source = data_set(text=told, data=data, version=version)
        assert events(cleaned(source)[2]).tolist() == events(source).tolist()


@pytest.mark.parametrize("shift", [0, 1])
def test_data_said_to_end_one_byte_further_leave_in_order(shift):
    source = data_set(shift=shift, behind=b"\0\0")
    assert reader.open(cleaned(source)[2])[0].tolerance == ""


@pytest.mark.parametrize(
    "more",
    [
        {"$DATATYPE": "A"},
        {"$MODE": "C"},
        {"$TOT": "400"},
        {"$TOT": "0x4"},
        {"$PAR": "0"},
        {"version": "1.0"},
        {"$BYTEORD": "张"},
    ],
)
def test_what_cannot_be_told_from_text_is_refused_or_withheld(more):
    try:
        out, known, content = cleaned(data_set(**more))
    except (CannotClean, IvdRefused):
        return
    assert fcs.prove(content, out.bulk, known, RESEARCH)


def test_the_proof_withholds_any_byte_of_header_and_text_that_holds_a_text():
    out, known, content = cleaned(data_set())
    head = content[: int(content[18:26]) + 1]
    for at in range(len(head)):
        changed = head[:at] + "张".encode() + head[at + 3 :] + content[len(head) :]
        assert fcs.prove(changed, out.bulk, known, RESEARCH), at


@pytest.mark.parametrize(
    "change",
    [
        lambda one: one + b"Zhang",
        lambda one: one[:-9] + b"X" + one[-8:],
        lambda one: one[:-8] + b"ZhangWei",
        lambda one: one[:-1],
    ],
)
def test_the_proof_withholds_other_events_and_bytes_behind_them(change):
    out, known, content = cleaned(data_set())
    assert fcs.prove(change(content), out.bulk, known, RESEARCH)


@pytest.mark.parametrize(
    "name",
    ["FSC-H", "SSC LogH", "FL1-Height", "PE-Texas Red-A", "AmCyan-A", "Time (204.80 sec.)", "CD8 B PE", "BL 530/30-A",
     "viability;7-AAD;695/40@488/A", "CD138;PE;586/15@561/E", "405nm BV710 (710/40) LogH", "channel_A", "DOUBLET",
     "HDR-CE"],
)  # fmt: skip
def test_names_of_channels_of_the_field_stay(name):
    assert is_channel_name(name)
