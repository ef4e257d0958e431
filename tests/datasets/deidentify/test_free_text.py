"""Identifiers in running text: single rules by hand, and recall and precision on planted corpora."""

import importlib.util
import re
import sys
from pathlib import Path

import pytest

from medassay.datasets.deidentify import resident_id
from medassay.datasets.deidentify.free_text import find, folded, scrub
from medassay.datasets.deidentify.likeliest_names import likeliest_names

place = importlib.util.spec_from_file_location("deidentify_corpus", Path(__file__).with_name("corpus.py"))
corpus = importlib.util.module_from_spec(place)
sys.modules[place.name] = corpus
place.loader.exec_module(corpus)


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("身份证号11010519491231002X", ["resident_id"]),
        ("身份证号110105194912310021", ["resident_id"]),  # a slip in the check digit still tells the person
        ("证号１１０１０５１９４９１２３１００２Ｘ。", ["resident_id"]),
        ("老号110105491231002", ["resident_id"]),
        ("手机138-0013-8000", ["telephone"]),
        ("＋８６ １３８００１３８０００", ["telephone"]),
        ("010-62345678转123", ["telephone"]),
        ("住院号：0012345", ["number"]),
        ("医保卡号 330100123456", ["number"]),
        ("MRN: A0012345", ["number"]),
        ("家住浙江省杭州市西湖区文三路12号3栋502室", ["address"]),
        ("邮箱zhang.wei@example.com", ["contact"]),
        ("患者张伟，", ["name"]),
        ("ZHANG^WEI", ["name"]),
        ("ZhangWei 男", ["name"]),
        ("患者" + "张伟".encode("gbk").decode("latin-1") + "复查", ["name"]),
        ("患者" + "王建国".encode().decode("gbk", "ignore") + "复查", ["name"]),
        ("97岁", ["age"]),
        ("昨日龚永良诉头晕", ["name"]),  # nothing but its likelihood tells this name
        ("甲：王 国 庆", ["name"]),
        ("Called Zhang Wei again", ["name"]),
        ("Zhang An", ["name"]),  # a syllable that is a word too, behind a surname that is none
        ("龚永良、焦点", ["name", "name"]),  # a word among names
        ("说明 330100123456", ["number"]),
    ],
)
def test_each_kind_of_identifier_is_found_by_its_form_or_label(text, kinds):
    assert [mark.kind for mark in find(text)] == kinds


@pytest.mark.parametrize(
    "text",
    [
        "血压130/80mmHg，心率78次/分，白细胞11.2×10^9/L",
        "张口受限，黄疸，马尾神经，高血压，石灰样钙化，常规平扫",
        "T2 FLAIR hyperintensity, PAN CT, long segment, Br40d",
        "右肺上叶见12×9mm结节，管腔狭窄率30%",
        "89岁",
        "HBV DNA 12000000 IU/mL，RBC 4520000 个/mL，焦点清晰，心情高兴",
        "Long segment, Pan CT",
        "",
    ],
)
def test_medical_prose_and_figures_are_no_identifiers(text):
    assert find(text) == []


def test_a_check_digit_is_held_to_the_published_rule():
    assert resident_id.is_resident_id("11010519491231002X")  # GB 11643-1999, the standard's own example
    assert resident_id.is_resident_id("440524188001010014")  # likewise
    assert not resident_id.is_resident_id("440524188001010015")
    assert not resident_id.is_resident_id("110105194913310021")  # a 13th month
    assert resident_id.sex("11010519491231002X") == "F"


def test_whole_dates_move_and_births_go():
    text = "出生日期：1950-06-15，2023年3月2日就诊，20230303出院，3月5日复查"
    expected = "出生日期：[date]，2023年3月1日就诊，20230302出院，[date]复查"
    assert scrub(text, shift_days=1).text == expected


def test_what_is_not_marked_leaves_as_it_came():
    text = "ＷＢＣ　１１．２×10⁹/L（↑）"
    assert scrub(text).text == text
    assert len(folded(text)) == len(text)


def test_known_names_are_found_in_any_spelling_and_order():
    known = ("MUELLER^ANNA", "张^小萌萌")
    for text in ("seen by Anna Mueller", "anna_mueller", "MUELLER, ANNA", "复查：张小萌萌好", "张 小 萌萌"):
        assert find(text, known), text
    assert find("an annamueller", known) != []


def test_eponyms_are_no_persons_where_words_stand_without_a_text_around_them():
    for item in ("抗缪勒管激素", "高敏肌钙蛋白T", "头孢曲松", "柯萨奇病毒", "利伐沙班", "解脲支原体"):
        assert find(item, running=False) == [], item
    assert find("报告者张伟", running=False) != []


def test_what_was_scrubbed_holds_no_mark_any_more():
    for one in corpus.texts(5, 6, corpus.BLIND):
        left = find(scrub(one.text).text)
        assert [mark for mark in left if mark.kind not in ("date", "age")] == [], one.text


def test_the_cheapest_cut_decides_between_words_and_names():
    def names(text):
        return [text[start:end] for start, end in likeliest_names(text)]

    assert names("高血压病史十年") == []
    assert names("高海波病史十年") == ["高海波"]
    assert names("由欧阳志远转来") == ["欧阳志远"]
    assert names("王") == names("") == names("abc") == []


def test_an_age_over_89_is_stated_as_90():
    assert scrub("97岁，89岁").text == "90岁，89岁"


def test_a_hostile_text_ends_soon():
    repeated = (
        ("张", 9000), ("1", 9000), ("Zhang ", 3000), ("路", 3000), ("\x00", 1000), ("住院号", 2000), ("Ab Cd, ", 2000),
        ("A.", 3000), ("阿布都", 2000),
    )  # fmt: skip
    for text, times in repeated:
        find(text * times)


LIMITS = {  # recall, precision: below the figures in docs/deidentification.md by one percent
    "WORKED": (0.99, 0.99),
    "HELD_OUT": (0.98, 0.99),
    "FRESH": (0.98, 0.95),
    "UNSEEN": (0.98, 0.99),
    "LAST": (0.98, 0.99),
    "BLIND": (0.95, 0.99),
    "STRANGER": (0.97, 0.99),
    "AFTERWARDS": (0.93, 0.87),
}


@pytest.mark.parametrize("name", LIMITS)
def test_recall_and_precision_on_planted_reports_are_what_the_documentation_states(name):
    result = corpus.score(corpus.texts(2, 8, getattr(corpus, name)), find)
    assert result.planted > 150
    assert (result.recall >= LIMITS[name][0], result.precision >= LIMITS[name][1]) == (True, True), result


def test_names_that_the_header_gives_are_found_wherever_they_stand():
    missed = planted = 0
    for one in corpus.texts(3, 12, corpus.BLIND):
        names = [value for kind, value in one.planted if kind.startswith(("name", "pinyin"))]
        result = corpus.score([one], lambda text, names=names: find(text, names))
        planted += result.planted
        missed += result.planted - result.found
    assert planted > 300
    assert missed == 0


@pytest.mark.parametrize("before", ["患者{}，今日复查。", "{}", "Seen today: {}."])
@pytest.mark.parametrize(
    "value",
    ["买买提·吐尔逊江", "艾力·玉素甫", "Ōuyáng Jìngwén", "Màimaití Tǔ'ěrxùn", "H60371825", "EA3928471", "A123456(7)",
     "010-62753108", "(0571)8795-1234", "0991 2847 391", "021.5408.2277", "8679 3042", "+853 2833 1908", "4001-820-930",
     "wx_sima_1987", "weibo:@阿依努尔艾", "6222 0212 0300 8471 926", "6217-0038-1029-4475", "4392268390127746",
     "浙A·8K3F2", "粤BD92841", "一九五六年三月初二", "丙申年二月廿一",
     "03/02/56", "the third of March nineteen fifty-six"],
)  # fmt: skip
def test_what_tells_itself_by_its_form_goes_without_a_label_and_before_any_mark(before, value):
    out = scrub(before.format(value)).text
    longest = max(re.split(r"[ ·@_()-]", value), key=len)
    assert longest not in out


@pytest.mark.parametrize(
    "text",
    [
        "白细胞 3500-9500",
        "血压120/80 mmHg",
        "TE 30/60",
        "Ménière disease",
        "HbA1c 5.6, LDL 2.1",
        "三月龄",
        "10/20系统",
    ],
)
def test_ranges_pressures_and_accents_tell_nobody(text):
    assert find(text, running=False) == []


@pytest.mark.parametrize(
    ("text", "out"),
    [
        ("住18/F Tower B, Soho Shangdu", "住[address]"),
        ("Rm 1203, Blk 5, Mei Foo Sun Chuen", "[address]"),
        ("lives at 281 South Jiefang Road, Hangzhou, with fever", "lives at [address], with fever"),
        ("at Wensan Lu No. 12.", "at [address]."),
        ("朝阳区望京西园四区414楼2108", "[address]"),
        ("天山区解放南路281号金汇苑3-1-502", "[address]"),
        ("正蓝旗那日图嘎查", "[address]"),
        ("Patient Aynur Ehmet was seen by Dr Qurbanjan.", "Patient [name] was seen by Dr [name]."),
        ("patient Tsering Drolkar, 45", "patient [name], 45"),
        ("Mother: Gulbahar", "Mother: [name]"),
        ("seen with Ahmad bin Yusuf Ali", "seen with [name]"),
        ("家属：库尔班江，已告知", "家属：[name]，已告知"),
        ("患者库尔班江，男，55岁", "患者[name]，男，55岁"),
        ("，巴特尔医生会诊", "，[name]医生会诊"),
    ],
)
def test_addresses_by_their_chain_and_names_behind_a_word_for_a_person_go(text, out):
    assert scrub(text).text == out


@pytest.mark.parametrize(
    "text",
    [
        "Patient Was Admitted With Fever",
        "Father Deceased Hypertension",
        "Mother: Hypertension",
        "Patient: None",
        "Patient ID Number",
        "65/F with cough",
        "CT Room 3, Unit 2",
        "5 Left Main St elevation",
        "IV 12 Lead St segment",
        "家属：拒绝签字。",
        "患者右肺结节，男，55岁",
        "患者胸闷气短，女，",
        "患者阿司匹林过敏，予布洛芬",
        "移行区可疑病灶2号，外周区结节3号12mm",
        "病区3号楼12床",
    ],
)
def test_prose_that_looks_like_an_address_or_a_person_stays(text):
    assert scrub(text).text == text


@pytest.mark.parametrize(
    ("text", "out"),
    [
        ("Seen with Margaret Whitcombe on the ward.", "Seen with [name] on the ward."),
        ("The scan was checked by Lindqvist before noon.", "The scan was checked by [name] before noon."),
        ("SEEN BY DECLAN O'BRIEN", "SEEN BY [name]"),
        ("Copy to Whitcombe, M. and ABERNATHY, Fiona", "Copy to [name] and [name]"),
        ("M.W.K. to arrange follow-up", "[name] to arrange follow-up"),
        ("LEUNG Ka Yan was called", "[name] was called"),
        ("we met Maria de la Cruz today", "we met [name] today"),
        ("The interpreter, Tashi Dhondup, waited", "The interpreter, [name], waited"),
        ("今送扎西顿珠至门诊", "今送[name]至门诊"),
        ("今日阿卜杜热合曼入院", "今日[name]入院"),
        ("姓名陳國鈞，主訴頭痛", "姓名[name]，主訴頭痛"),
        ("call +44 7700 900123 or 07700 900123", "call [telephone] or [telephone]"),
        ("bleep 20412, extension 71234", "[telephone], [telephone]"),
        ("lives at 12 Maple Grove Road, Leeds LS6 2AB, alone", "lives at [address], alone"),
        ("at 4 Kestrel Way, Springfield, IL 62704.", "at [address]."),
        ("來自香港軒尼詩道271號2樓B室", "[address]"),
        ("see www.example-clinic.example/p/12", "see [contact]"),
        ("born 3.4.56, term", "born [date], term"),
        ("于56.03.02出生", "于[date]出生"),
        ("生于三月初三", "生于[date]"),
        ("九十三岁，八十九岁", "90岁，八十九岁"),
        ("call 139.12345678 or 1391-2345678", "call [telephone] or [telephone]"),
        ("电联8679-3042", "电联[telephone]"),
        ("卡60,371,825和3.30106195E+17", "卡[number]和[number]"),
        ("一三九一二三四五六七八", "[number]"),
        ("见ZY123456", "见[number]"),
        ("per WangXM", "per [name]"),
        ("Dr.Li reviewed", "Dr.[name] reviewed"),
        ("Abdurehman", "[name]"),
        ("5.6 O'Brien", "5.6 [name]"),
        ("Ann Lee", "[name]"),
    ],
)
def test_names_in_sentences_numbers_and_addresses_abroad_go(text, out):
    assert scrub(text).text == out


@pytest.mark.parametrize(
    "text",
    [
        "Graves disease, Hashimoto thyroiditis and Wilson disease were excluded.",
        "Babinski sign negative, Glasgow Coma Scale 15, the Xanthos procedure was discussed.",
        "Siemens Somatom Force, Doppler of the Circle of Willis, Gram stain positive.",
        "Travel to Kenya in June. Follow-up on Monday with the Registrar.",
        "Given I.V. at 8 A.M., then P.O.",
        "LEFT LUNG CLEAR. NO EFFUSION. STEMI EXCLUDED.",
        "Typed reports are attached. Arranged for Thursday.",
        "服维拉帕米，巴利昔单抗诱导",
        "宫缩规律，宫口开3cm，包块活动可",
        "Positive",
        "ECG",
        "5.6 mmHg",
        "Ann Arbor stage II",
        "白细胞3500-9500，血小板 1,250,000/uL，12,500,000 IU/mL，1.25E+07",
        "一月一次，三月龄，十一月复查，血压120-80-60",
        "视力1.2.1版，孕20.5周",
    ],
)
def test_eponyms_makers_countries_and_medicines_in_sentences_stay(text):
    assert scrub(text).text == text
