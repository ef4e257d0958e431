"""Places that hold a name where a form expects a code: what no list knows does not leave, in any form."""

import io
import zipfile
from collections import Counter
from dataclasses import replace
from importlib import util
from pathlib import Path

import numpy as np
import pytest

from medassay.core.findings import Reason
from medassay.datasets.deidentify import allowed, hl7, tables, vocabulary, wfdb, wfdb_signals
from medassay.datasets.deidentify.column_roles import role_of
from medassay.datasets.deidentify.outgoing import CannotClean
from medassay.datasets.deidentify.profile import PROFILES, Profile
from medassay.datasets.deidentify.signal_names import is_signal_name, is_unit
from medassay.datasets.sample import Names
from medassay.formats.waveform.wfdb_annotation import plain_annotations, write_annotations
from medassay.verbs import deidentify

place = util.spec_from_file_location("planted", Path(__file__).with_name("planted.py"))
planted = util.module_from_spec(place)
place.loader.exec_module(planted)

RESEARCH = PROFILES["research"]
WHO = Names("R-0123456789abcdef", "S-0123456789abcdef", 100, b"k" * 32)
STRANGERS = (  # no list of names holds them
    "阿依努尔·艾合买提", "次仁卓嘎", "Aynur Ehmet", "Qurbanjan", "Màimaití Tǔ'ěrxùn", "8679 3042", "(0571)8795-1234",
    "6222-0212-0300-8471", "C08127364(5)", "浙A·8K3F2", "wx_sima_1987", "03/02/56", "那日图嘎查",
)  # fmt: skip
SIGNAL = np.arange(400, dtype="<i2").tobytes()


def run(folder, out):
    deidentify.run(folder, out)
    return {p.relative_to(out).as_posix(): p.read_bytes() for p in out.rglob("*") if p.is_file()}


def left(files, mark):
    forms = {mark.encode(codec, "ignore") for codec in ("utf-8", "gb18030", "utf-16-le")}
    return [name for name, content in files.items() if mark in name or any(one in content for one in forms)]


@pytest.mark.parametrize("mark", STRANGERS)
def test_a_first_row_of_data_is_no_row_of_names_of_columns(tmp_path, mark):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.csv").write_bytes(f'"{mark}",5.6,3.1\n"{mark}",4.4,2.2\n'.encode())
    assert left(run(tmp_path / "in", tmp_path / "out"), mark) == []


@pytest.mark.parametrize("mark", STRANGERS)
def test_the_name_of_a_column_an_item_a_unit_or_a_method_stays_only_where_a_list_holds_it(tmp_path, mark):
    (tmp_path / "in").mkdir()
    text = f'检验项目,结果,单位,方法,"{mark}"\n白细胞,5.6,10^9/L,"{mark}",1\n"{mark}",4.4,"{mark}",酶法,2\n'
    (tmp_path / "in" / "a.csv").write_bytes(text.encode())
    files = run(tmp_path / "in", tmp_path / "out")
    assert left(files, mark) == []
    table = next(content for name, content in files.items() if name.endswith("table.csv")).decode()
    assert "白细胞,5.6,10^9/L,," in table
    assert ",酶法,2" in table


@pytest.mark.parametrize(
    "name",
    ["抗缪勒管激素", "γ-谷氨酰转移酶", "CA19-9", "HbA1c (mmol/mol)", "25-OH-VitD", "×10⁹/L", "μmol/L", "anti-HBs",
     "Total Cholesterol (mmol/L)", "NT-proBNP", "中性粒细胞百分比", "葡萄糖（氧化酶法）", "Glucose [Mass/volume]"],
)  # fmt: skip
def test_names_of_items_and_units_of_the_field_stay(name):
    assert vocabulary.is_item(name)


def test_a_hospital_may_add_words_of_its_own_items():
    book = tables.read("检验项目,结果\nXylotest,5.6\n".encode())
    plain = tables.clean(book, [WHO], [], RESEARCH).files[0][1]
    own = Profile(name="own", item_words=("Xylotest",))
    more = tables.clean(book, [WHO], [], own).files[0][1]
    assert b"Xylotest" not in plain
    assert b"Xylotest" in more
    assert tables.prove(more, [], own) == []
    assert tables.prove(more, [], RESEARCH) != []


@pytest.mark.parametrize(
    ("header", "role"),
    [("Patient_last_name", "name"), ("Ordering_provider_first_name", "staff"), ("Patient_DOB", "birth"),
     ("Patient_zip_code", "contact"), ("Testing_lab_phone_number", "contact"), ("Instrument SN", "index"),
     ("护照号码", "index"), ("母亲姓名", "name"), ("Glucose (mmol/L)", ""), ("Number of subtractions", "")],
)  # fmt: skip
def test_a_column_whose_name_says_person_place_or_number_is_treated_as_one(header, role):
    assert role_of(header) == role


def message(*lines):
    return "\r".join(("MSH|^~\\&|A|B|C|D|20230302101500||ORU^R01|M1|P|2.4", "PID|1||P7", *lines, "")).encode()


@pytest.mark.parametrize("mark", STRANGERS)
@pytest.mark.parametrize(
    "line",
    ["OBX|1|NM|6690-2^{}^LN^L1^{}^99LAB||5.6|10*9/L^^{}|{}|{}|||F", "OBX|1|TM|A^B^L||{}", "OBX|1|SN|A^B^L||{}",
     "OBX|1|CWE|A^B^L||K1^{}^L^^^^1^2^{}", "OBR|1|||57021-8^{}^{}|||||||||||{}|||||||||{}|{}", "SPM|1|||BLD^{}^{}",
     "NTE|{}|{}|", "PV1|{}|{}", "ORC|{}||||{}", "OBX|{}|ST|{}|{}|", "MSH|^~\\&|||||||{}||{}|{}"],
)  # fmt: skip
def test_no_field_of_a_message_holds_words_that_no_list_knows(mark, line):
    text = message(line.replace("{}", mark))
    out = hl7.clean(text, hl7_people(text), [], RESEARCH)
    assert mark not in out.files[0][1].decode()
    assert hl7.prove(out.files[0][1], [], RESEARCH) == []


def hl7_people(text):
    return [WHO for _ in hl7.facts_of(text)]


def test_codes_units_and_ranges_of_a_message_stay():
    line = "OBX|1|NM|6690-2^WBC^LN||11.2|10*9/L|3.5-9.5|H|||F|||20230302"
    out = hl7.clean(message(line), [WHO], [], RESEARCH).files[0][1].decode()
    assert "OBX|1|NM|6690-2^WBC^LN||11.2|10*9/L|3.5-9.5|H|||F|||2022" in out


@pytest.mark.parametrize("mark", ["欧阳靖雯", "Qurbanjan", "H60371825"])
def test_a_line_that_a_broken_text_left_is_not_named_in_the_report(mark):
    out = hl7.clean(message("NTE|1||please call", mark, f"{mark}|x"), [WHO], [], RESEARCH)
    assert not any(mark in element for element, _ in out.actions)
    assert out.actions["segment of no name", "removed"] == 2


def record(name, line, signal, **beside):
    header = f"{name} 1 250 400\n{line}\n".encode()
    return wfdb.clean(header, {f"{name}.dat": signal, **beside}, WHO, [], RESEARCH, {})


def test_bytes_around_the_samples_of_a_record_do_not_leave_and_the_samples_do():
    prolog = "Gulbahar 次仁卓嘎".encode("gbk").ljust(512, b"\0")
    out = record("r", "r.dat 16+512 200/mV 16 0 0 0 0 II", prolog + SIGNAL + SIGNAL + b"Gulbahar")
    content = dict(out.files)[f"{WHO.sample}.dat"]
    assert content[:512] == bytes(512)
    assert content[512:] == SIGNAL
    assert wfdb.prove(dict(out.files), out.bulk, []) == []


def test_the_proof_withholds_a_record_with_bytes_around_its_samples():
    out = record("r", "r.dat 16 200/mV 16 0 0 0 0 II", SIGNAL[:800])
    files = dict(out.files)
    files[f"{WHO.sample}.dat"] += b"Gulbahar"
    told = {name: wfdb.digest_bytes(files[name]) for name in out.bulk}
    assert [one.where for one in wfdb.prove(files, told, [])] == ["signal file"]


def test_the_head_of_a_challenge_matrix_stays():
    head = np.array([30, 1, 400, 0, 4], "<i4").tobytes() + b"val\0"
    layout = wfdb_signals.layout_of(["16+24"], 400)
    actions = Counter()
    assert wfdb_signals.cleaned(head + SIGNAL, layout, actions) == head + SIGNAL
    assert not actions


def flac(**tags):
    soundfile = pytest.importorskip("soundfile")
    sink = io.BytesIO()
    with soundfile.SoundFile(
        sink, "w", samplerate=250, channels=1, format="FLAC", subtype="PCM_16"
    ) as stream:
        for key, value in tags.items():
            setattr(stream, key, value)
        stream.write(np.arange(400, dtype="int16"))
    return sink.getvalue()


def test_comments_of_a_flac_file_do_not_leave_and_its_samples_do():
    soundfile = pytest.importorskip("soundfile")
    content = flac(artist="Tsering Drolkar", title="次仁卓嘎")
    assert b"Tsering" in content
    cleaned = wfdb_signals.cleaned(content, wfdb_signals.layout_of(["516"], 400), Counter())
    assert b"Tsering" not in cleaned
    assert np.array_equal(soundfile.read(io.BytesIO(cleaned), dtype="int16")[0], np.arange(400))


def test_a_flac_file_with_something_behind_its_frames_is_refused():
    with pytest.raises(CannotClean) as caught:
        wfdb_signals.cleaned(flac() + b"TAGGulbahar", wfdb_signals.layout_of(["516"], 400), Counter())
    assert caught.value.finding.reason is Reason.HEADER_INVALID


def test_names_of_annotators_and_texts_that_are_no_rhythm_do_not_leave():
    notes = replace(plain_annotations([10, 20, 30], ["N", "N", "+"]), aux=(b"", b"(AYNUR", b"(AFIB"))
    other = write_annotations(replace(notes, aux=(b"", b"", b"(N")))
    out = record(
        "r", "r.dat 16 200/mV 16 0 0 0 0 II", SIGNAL[:800],
        **{"r.qurbanja": write_annotations(notes), "r.atr": other, "r.memet": other},
    )  # fmt: skip
    names = sorted(name.rpartition(".")[2] for name, _ in out.files)
    assert names == ["ann1", "ann2", "atr", "dat", "hea"]
    assert not any(b"AYNUR" in content for _, content in out.files)
    assert any(b"(AFIB" in content for _, content in out.files)


@pytest.mark.parametrize(
    "line", ["200/Gulbahar 16 0 0 0 0 II", "200/mV 16 0 0 0 0 Qurbanj", "200/mV 16 0 0 0 0 Li-Na"]
)
def test_neither_the_unit_nor_the_name_of_a_signal_is_a_persons(line):
    out = record("r", f"r.dat 16 {line}", SIGNAL[:800])
    header = out.files[0][1]
    assert not any(word in header for word in (b"Gulbahar", b"Qurbanj", b"Li-Na"))
    assert wfdb.prove(dict(out.files), out.bulk, []) == []


@pytest.mark.parametrize(
    "name",
    ["MLII", "aVR", "V6", "EEG Fp1-Ref", "T8-P8-0", "Resp oro-nasal", "EMG submental", "SpO2", "ABP", "POL $LTG12",
     "Fc5.", "LOC-ROC", "Event marker", "EKG1-EKG2", "PLETH", "Direct_1", "Temp rectal", "EEG A'12", "Status"],
)  # fmt: skip
def test_names_of_signals_of_the_field_stay(name):
    assert is_signal_name(name)


def test_units_of_signals_are_of_a_list():
    assert all(map(is_unit, ("uV", "mV", "mmHg", "%", "cmH2O", "NU", "")))
    assert not any(map(is_unit, ("Gulbahar", "Memet", "13912345")))


@pytest.mark.parametrize("mark", [mark for mark in STRANGERS if mark.isascii()])
def test_texts_of_makers_hold_no_person_and_no_number_of_one(mark):
    content = planted.planted_ct(
        Manufacturer=mark, ManufacturerModelName=f"SOMATOM {mark}", SoftwareVersions=mark
    )[0]
    assert not allowed.is_product(mark)
    from medassay.datasets.deidentify import dicom

    out = dicom.clean(planted.opened(content), WHO, words=()).dataset
    assert mark not in str(out)


def test_days_and_telephones_are_no_words_of_a_description():
    for text in ("Chest 03/02/56", "DOB 2 Mar 56", "2.3.1956", "617-555-0123", "139 123 456"):
        assert not any(part in vocabulary.known_words(text) for part in ("56", "555", "123"))
        assert not vocabulary.is_known(text)
    assert vocabulary.known_words("T2 TSE 3.0mm 30/60") == "T2 TSE 3.0mm 30/60"


def test_members_of_an_archive_are_de_identified_like_files(tmp_path):
    (tmp_path / "in").mkdir()
    with zipfile.ZipFile(tmp_path / "in" / "a.zip", "w") as archive:
        archive.writestr("次仁卓嘎/Aynur Ehmet.csv", "检验项目,结果\n白细胞,5.6\n")
        archive.comment = b"Qurbanjan"
    files = run(tmp_path / "in", tmp_path / "out")
    assert any(content.endswith("白细胞,5.6\n".encode()) for content in files.values())
    assert [left(files, mark) for mark in ("次仁卓嘎", "Aynur Ehmet", "Qurbanjan")] == [[], [], []]


def test_a_signal_without_a_file_stays_without_one():
    header = b"layout 2 250 0\n~ 0 200/mV 16 0 0 0 0 II\n~ 0 200/mmHg 16 0 0 0 0 ABP\n"
    assert wfdb.recognises(header)
    out = wfdb.clean(header, {}, WHO, [], RESEARCH, {})
    assert out.files[0][1].count(b"\n~ 0 200/") == 2
    assert wfdb.prove(dict(out.files), out.bulk, []) == []


@pytest.mark.parametrize("text", [b"1700   5\n1701  11\n1702  16\n", b"a 1 250\nb 999 3\n", b"one 2\n"])
def test_a_table_of_numbers_is_no_header_of_a_record(text):
    assert not wfdb.recognises(text)


def test_the_creator_of_safe_private_elements_is_counted_as_kept_with_them():
    from medassay.datasets.deidentify import conformance, dicom, explicit_walk, proof, quick

    content, _ = planted.planted_ct()
    slow = dicom.clean(planted.opened(content), WHO, words=())
    fast = quick.cleaned(explicit_walk.opened(content), WHO, words=())
    assert slow.actions["(00E1,0010) private or unknown", "kept"] == 1
    assert +slow.actions == fast.actions
    standing = proof.walk(dicom.encoded(slow.dataset)).standing
    told = Counter({f"({tag >> 16:04X},{tag & 0xFFFF:04X})": n for tag, n in standing.items()})
    assert conformance.contradictions(conformance.rows({"DICOM": slow.actions}, told)) == []


def test_a_form_without_a_cleaner_is_refused_by_its_name(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.xml").write_text(
        '<OBS.R01><HDR><HDR.message_type V="OBS.R01"/></HDR>Aynur</OBS.R01>'
    )
    (tmp_path / "in" / "b.bin").write_bytes(bytes([0, 255, 254, 1]) * 9)
    (tmp_path / "in" / "c.csv").write_text("检验项目,结果\n白细胞,5.6\n")
    proof = deidentify.run(tmp_path / "in", tmp_path / "out")
    told = {one["found"] for one in proof["findings"]}
    assert "a form that is not known" in told
    assert any("POCT1-A" in found and "without a cleaner" in found for found in told)
    assert "Aynur" not in str(proof)


@pytest.mark.parametrize("profile", ["research", "scrubbed-text"])
def test_records_of_an_analyser_are_no_running_text(tmp_path, profile):
    (tmp_path / "in").mkdir()
    record = "\x02mtrsl|pi|pnQurbanjan Memet|si|ci7|rtGLU|qn5.6|]b0\r\n"
    (tmp_path / "in" / "a.txt").write_bytes(record.encode())
    (tmp_path / "in" / "c.csv").write_text("检验项目,结果\n白细胞,5.6\n")
    proof = deidentify.run(tmp_path / "in", tmp_path / "out", profile=profile)
    assert proof["counts"]["files_refused"] == 1
    assert not any(b"Qurbanjan" in p.read_bytes() for p in (tmp_path / "out").rglob("*") if p.is_file())


@pytest.mark.parametrize("before", [b"record.atr", b"record.dat", b"record.mat", b"record.q1c"])
def test_signal_and_annotation_files_join_their_header_in_whatever_order_their_names_stand(tmp_path, before):
    (tmp_path / "in").mkdir()
    name = before.decode()
    signal = name if name.endswith(("dat", "mat")) else "record.dat"
    marks = write_annotations(plain_annotations([10, 20, 300], ["N", "N", "V"]))
    (tmp_path / "in" / "record.hea").write_text(f"record 1 250 400\n{signal} 16 200 16 0 0 0 0 II\n")
    (tmp_path / "in" / signal).write_bytes(SIGNAL)
    (tmp_path / "in" / name).write_bytes(SIGNAL if name == signal else marks)
    files = run(tmp_path / "in", tmp_path / "out")
    assert SIGNAL in files.values()
    assert name == signal or any(content == marks for content in files.values())


@pytest.mark.parametrize("blanks", [b"", b" "])
def test_an_object_without_preamble_or_length_of_its_meta_information_leaves(tmp_path, blanks):
    from medassay.datasets.deidentify import series

    content, marks = planted.planted_ct()
    assert content[132:136] == b"\x02\x00\x00\x00"
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.dcm").write_bytes(
        blanks + content[144:]
    )  # from the version of the meta information on
    assert series.recognises(blanks + content[144:])
    files = run(tmp_path / "in", tmp_path / "out")
    (out,) = (one for name, one in files.items() if name.endswith(".dcm"))
    assert not [mark for mark in marks if mark.encode() in out]


def proved(dataset):
    """An object through the writer and the proof; what the proof finds, and the object as read again."""
    from medassay.datasets.deidentify import dicom, proof

    content = dicom.encoded(dicom.clean(dataset, WHO, words=()).dataset)
    return proof.walk(content).findings, planted.opened(content)


@pytest.mark.parametrize(
    ("stated", "out"),
    [("000000056675", 56675), ("0000007", 7), ("12", 12), ("8301234501", None), ("-3", None)],
)
def test_a_number_of_an_instance_with_zeros_before_it_costs_no_file_and_a_number_of_somebody_goes(
    stated, out
):
    dataset = planted.opened(planted.planted_ct()[0])
    dataset.InstanceNumber = stated
    found, again = proved(dataset)
    assert found == []
    assert again.get("InstanceNumber") == out


@pytest.mark.parametrize("keyword", ["NumericValue", "FloatingPointValue", "RescaleIntercept"])
@pytest.mark.parametrize("number", ["8301234501", "123456789", "000123456789", "123456789.0"])
def test_a_whole_number_of_nine_digits_is_no_measurement(keyword, number):
    from medassay.datasets.deidentify import allowed

    rule = next(one for one in allowed.rules().values() if one.keyword == keyword)
    value = float(number) if rule.vr == "FD" else number
    assert not rule.permits(value)
    for measured in ("12345678", "123456789.25", "1.2E+08", "-1024", "0.125"):
        assert rule.permits(float(measured) if rule.vr == "FD" and "E" not in measured else measured)


def test_a_number_of_somebody_in_a_measurement_is_removed_and_counted_and_a_measurement_stays():
    import pydicom
    from pydicom.data import get_testdata_file

    from medassay.datasets.deidentify import dicom, proof

    report = pydicom.dcmread(get_testdata_file("test-SR.dcm"))
    measured = [one for one in report.iterall() if one.keyword == "NumericValue"]
    assert len(measured) > 1
    measured[0].value, measured[1].value = "8301234501", "12.5"
    cleaned = dicom.clean(report, WHO, words=())
    content = dicom.encoded(cleaned.dataset)
    assert proof.walk(content).findings == []
    assert b"8301234501" not in content
    assert cleaned.actions["(0040,A30A) NumericValue", "removed"] == 1
    assert "12.5" in [str(one.value) for one in cleaned.dataset.iterall() if one.keyword == "NumericValue"]


@pytest.mark.parametrize(
    ("value", "unit", "stays"),
    [
        ("4520000", "/uL", True),  # a count: the unit says so
        ("12345678", "IU/mL", True),
        ("12345678", "[IU]/mL", True),
        ("4520000", "mmol/L", False),
        ("987654321", "IU/mL", False),  # nine digits are somebody's number, whatever the unit
        ("19560302", "IU/mL", False),  # a day
        ("5.6", "", True),
        ("00011.2", "g/L", True),
    ],
)
def test_a_long_number_of_a_message_stays_only_as_a_count_of_at_most_eight_digits(value, unit, stays):
    text = message(f"OBX|1|NM|6690-2^WBC^LN||{value}|{unit}|||||F")
    out = hl7.clean(text, [WHO], [], RESEARCH)
    told = out.files[0][1].decode()
    assert (f"|{value}|{unit}" in told) is stays
    assert (value in told) is stays
    assert hl7.prove(out.files[0][1], [], RESEARCH) == []
    assert stays or out.actions["OBX-5", "removed"] == 1


def test_the_proof_withholds_a_message_with_nine_digits_as_a_result():
    text = b"MSH|^~\\&|||||||ORU^R01|||2.4||||||UNICODE UTF-8\rOBX|1|NM|6690-2^WBC^LN||{}|IU/mL\r"
    assert hl7.prove(text.replace(b"{}", b"12345678"), [], RESEARCH) == []
    assert hl7.prove(text.replace(b"{}", b"123456789"), [], RESEARCH) != []


@pytest.mark.parametrize(
    ("field", "before", "after"),
    [
        ("6", "ug/dL^micro-gram by Aynur^UCUM", "ug/dL^^UCUM"),  # a text never costs the code
        ("6", "{cells}/uL^cells per microliter^UCUM", "{cells}/uL^cells per microliter^UCUM"),
        ("6", "Qurbanjan^x^UCUM", "^x^UCUM"),
        ("6", "Qurbanjan^^UCUM", ""),
        ("7", "3500-9500", "3500-9500"),
        ("7", "150000 to 350000", "150000 to 350000"),
        ("7", "<1500", "<1500"),
        ("7", "2833-1908", ""),
        ("7", "9500-3500", ""),
        ("8", "N^Normal (applies to Aynur)^HL70078~H", "N~H"),
        ("8", "Aynur", ""),
    ],
)
def test_units_ranges_and_flags_stay_without_what_no_list_knows(field, before, after):
    fields = {"6": "", "7": "", "8": "", field: before}
    text = message(f"OBX|1|NM|6690-2^WBC^LN||5.6|{fields['6']}|{fields['7']}|{fields['8']}|||F")
    out = hl7.clean(text, [WHO], [], RESEARCH).files[0][1]
    line = next(one for one in out.decode().split("\r") if one.startswith("OBX")).split("|")
    assert line[int(field)] == after
    assert hl7.prove(out, [], RESEARCH) == []


@pytest.mark.parametrize(
    "text",
    ["Philips Medical Systems, Inc.", "Fuji Photo Film Co.,Ltd.", "MR Software release:DV26.0_R01_1725.a", "V3.51*P25"],
)  # fmt: skip
def test_makers_and_versions_as_makers_write_them_stay(text):
    assert allowed.is_product(text)


@pytest.mark.parametrize(
    "name",
    ["SARS-CoV-2 (COVID-19) Ag [Presence] in Respiratory specimen by Rapid immunoassay", "血常规（五分类）",
     "Klebsiella pneumoniae", "大肠埃希菌", "Glycine [Moles/volume] in Dried blood spot"],
)  # fmt: skip
def test_organisms_and_long_names_of_tests_stay(name):
    assert vocabulary.is_item(name)


def test_a_header_that_leaves_without_its_samples_is_said():
    header = b"r 2 250 400\nr.dat 16 200 16 0 0 0 0 II\ns.dat 16 200 16 0 0 0 0 V1\n"
    out = wfdb.clean(header, {"r.dat": SIGNAL}, WHO, [], RESEARCH, {})
    assert [one.reason for one in out.findings] == [Reason.SIGNAL_FILE_MISSING]
    assert wfdb.clean(header, {"r.dat": SIGNAL, "s.dat": SIGNAL}, WHO, [], RESEARCH, {}).findings == ()


def test_a_trace_of_numbers_leaves_as_it_is_and_a_text_beside_it_does_not(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "Z001.txt").write_bytes(b"12\r\n-22\r\n35.5\r\n" * 10)
    (tmp_path / "in" / "note.txt").write_bytes(b"12\n" * 30 + b"Aynur Ehmet\n")
    (tmp_path / "in" / "number.txt").write_bytes(b"8301\n23\n4501\n")
    files = run(tmp_path / "in", tmp_path / "out")
    (out,) = (content for name, content in files.items() if name.endswith(".txt"))
    assert out == b"12\n-22\n35.5\n" * 10


def test_the_proof_withholds_a_text_where_only_numbers_may_leave():
    from medassay.datasets.deidentify import plain_text

    assert plain_text.prove(b"12\n" * 16, [], RESEARCH) == []
    assert plain_text.prove(b"12\n" * 15 + b"x\n", [], RESEARCH) != []
