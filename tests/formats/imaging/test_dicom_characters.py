"""Text is read in the character set that its bytes are in, and a wrong declaration is said."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medassay.core.findings import Reason
from medassay.formats.imaging import dicom_characters, dicom_file
from medassay.formats.imaging.dicom_characters import read_text

# Name, character set, bytes: the examples of PS3.5 annexes H to K, and one for each single-byte set.
STANDARD = {
    "H.3.1": (
        ["", "ISO 2022 IR 87"],
        "Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B=\x1b$B$d$^$@\x1b(B^\x1b$B$?$m$&\x1b(B".encode(
            "latin-1"
        ),
        "Yamada^Tarou=山田^太郎=やまだ^たろう",
    ),
    "I.2": (
        ["", "ISO 2022 IR 149"],
        b"Hong^Gildong=\x1b$)C\xfb\xf3^\x1b$)C\xd1\xce\xd4\xd7=\x1b$)C\xc8\xab^\x1b$)C\xb1\xe6\xb5\xbf",
        "Hong^Gildong=洪^吉洞=홍^길동",
    ),
    "J.3": (["ISO_IR 192"], "Wang^XiaoDong=王^小東=".encode(), "Wang^XiaoDong=王^小東="),
    "J.4": (["GB18030"], "Wang^XiaoDong=王^小东=".encode("gb18030"), "Wang^XiaoDong=王^小东="),
    "K.2": (
        ["", "ISO 2022 IR 58"],
        b"Zhang^XiaoDong=\x1b$)A\xd5\xc5^\x1b$)A\xd0\xa1\xb6\xab=",
        "Zhang^XiaoDong=张^小东=",
    ),
    "GBK": (["GBK"], "朱镕基".encode("gbk"), "朱镕基"),
    "Latin 1": (["ISO_IR 100"], b"Buc^J\xe9r\xf4me", "Buc^Jérôme"),
    "Latin 2": (["ISO_IR 101"], "Wałęsa".encode("iso8859_2"), "Wałęsa"),
    "Latin 9": (["ISO_IR 203"], "Œuvre €".encode("iso8859_15"), "Œuvre €"),
    "with a hyphen": (["ISO-IR 100"], b"J\xe9r", "Jér"),
    "Cyrillic": (["ISO_IR 144"], "Люкceмбypг".encode("iso8859_5"), "Люкceмбypг"),
    "Arabic": (["ISO_IR 127"], "قباني^لنزار".encode("iso8859_6"), "قباني^لنزار"),
    "Greek": (["ISO_IR 126"], "Διονυσιος".encode("iso8859_7"), "Διονυσιος"),
    "Hebrew": (["ISO_IR 138"], "שרון^דבורה".encode("iso8859_8"), "שרון^דבורה"),
    "Thai": (["ISO_IR 166"], "สมชาย".encode("tis-620"), "สมชาย"),
    "half-width Kana": (["ISO_IR 13"], "ﾔﾏﾀﾞ^ﾀﾛｳ".encode("shift_jis"), "ﾔﾏﾀﾞ^ﾀﾛｳ"),
}


@pytest.mark.parametrize(("declared", "raw", "text"), STANDARD.values(), ids=STANDARD)
def test_a_right_declaration_is_followed_and_nothing_is_said(declared, raw, text):
    assert read_text(raw, declared) == dicom_characters.Reading(text)


WRONG = {
    "GBK under nothing": ([], "王小明", "gbk"),
    "GBK under an empty tag": ([""], "王^小明", "gbk"),
    "GBK under Latin 1": (["ISO_IR 100"], "王小明", "gbk"),
    "one character of GBK under Latin 1": (["ISO_IR 100"], "王", "gbk"),
    "GBK beyond GB 2312 under Latin 1": (["ISO_IR 100"], "王喆", "gbk"),
    "GBK in a sentence under Latin 1": (["ISO_IR 100"], "头颅 CT 平扫，未见异常", "gbk"),
    "GBK that is UTF-8 by chance": (["ISO_IR 100"], "头颅", "gbk"),
    "GBK that is UTF-8 by chance, under nothing": ([], "头颅", "gbk"),
    "GBK under UTF-8": (["ISO_IR 192"], "李建国", "gbk"),
    "UTF-8 under nothing": ([], "李建国", "utf-8"),
    "UTF-8 under Latin 1": (["ISO_IR 100"], "李建国", "utf-8"),
    "accents in UTF-8 under Latin 1": (["ISO_IR 100"], "Müller^José", "utf-8"),
    "UTF-8 under GB18030": (["GB18030"], "李建国", "utf-8"),
    "UTF-8 under GB18030, even": (["GB18030"], "王明", "utf-8"),
    "GB18030 of four bytes under nothing": ([], "㐂𠀀", "gb18030"),
    "a set that does not exist": (["ISO_IR 999"], "王小明", "gbk"),
}


@pytest.mark.parametrize(("declared", "text", "codec"), WRONG.values(), ids=WRONG)
def test_a_wrong_or_missing_declaration_is_said_and_the_text_is_read(declared, text, codec):
    reading = read_text(text.encode(codec), declared)
    assert reading.text == text
    assert reading.problem


@pytest.mark.parametrize(
    "text", ["créée", "Müßler", "Désirée^Noëlle", "naïf, déjà vu", "Ångström", "El Niño", "Ä", "Füße", "Łódź"]
)
def test_accented_letters_are_never_taken_for_chinese(text):
    declared, codec = (["ISO_IR 101"], "iso8859_2") if text == "Łódź" else (["ISO_IR 100"], "latin-1")
    assert read_text(text.encode(codec), declared) == dicom_characters.Reading(text)


def test_the_declared_reading_is_kept_beside_the_one_that_stands():
    assert read_text("王".encode("gbk"), ["ISO_IR 100"]).others[0] == "Íõ"


@given(
    st.binary(max_size=40),
    st.sampled_from([[], ["ISO_IR 100"], ["ISO_IR 192"], ["GB18030"], ["", "ISO 2022 IR 87"]]),
)
def test_any_bytes_give_some_text(raw, declared):
    assert isinstance(read_text(raw, declared).text, str)


@given(st.text(alphabet=st.characters(min_codepoint=0x4E00, max_codepoint=0x9FA5), min_size=1, max_size=8))
def test_chinese_names_under_their_own_declaration_are_never_doubted(name):
    for declared, codec in ((["ISO_IR 192"], "utf-8"), (["GB18030"], "gb18030")):
        if declared == ["GB18030"] and dicom_characters.is_han(name.encode(codec).decode("utf-8", "replace")):
            continue  # bytes that are Chinese in both: nothing can tell
        assert read_text(name.encode(codec), declared) == dicom_characters.Reading(name)


def test_findings_count_values_by_fault_in_items_too_and_quote_none(make):
    made = make.image(
        PatientName="Zhang^San", RequestAttributesSequence=[make.item(ScheduledProcedureStepDescription="XX")]
    )
    raw = (
        make.encoded(made)
        .replace(b"Zhang^San", "王小明".encode("gbk") + b"^AB")
        .replace(b"XX", "胸".encode("gbk"))
    )
    (finding,) = dicom_characters.examine(dicom_file.open(raw).dataset)
    assert finding.reason is Reason.CHARACTER_SET
    assert finding.found == "no character set declared, read as GB18030: 2 values"


def test_an_item_is_read_by_its_own_declaration(make):
    name = make.item(SpecificCharacterSet="GB18030", PatientName="王小明")
    made = make.image(
        SpecificCharacterSet="ISO_IR 192", PatientComments="胸部", ReferencedPatientSequence=[name]
    )
    assert not list(dicom_characters.examine(dicom_file.open(make.encoded(made)).dataset))
