"""HTML and PDF say what the record says, in both languages, on any machine, and never leave the page."""

import io
import json
import re
import subprocess

import pytest

from medassay.core.canonical import canonical_json, digest_bytes
from medassay.core.errors import EvidenceBroken
from medassay.core.terms import LANGS
from medassay.reports import plots
from medassay.reports.composition import compose
from medassay.reports.document import EDITIONS, Picture, Table, Text
from medassay.reports.html import html_of
from medassay.reports.paper import Words, settings
from medassay.reports.pdf import TEMPLATE, pdf_of, sys_inputs, typst_fonts
from medassay.reports.record import reissued
from medassay.reports.sentences import headings, say, sentences

LONG = "极" * 400
ENDLESS = "W" * 300


@pytest.fixture(scope="module")
def record(records):
    return records.record()


@pytest.fixture(scope="module")
def extreme(records):
    """Whatever a spec may say at length: names without a space, texts of a page, figures of any size."""
    device = records.device_spec().model_dump(mode="json")
    device["name"] = records.pair("软" * 120, "N" * 120)
    device["version"] = "9." * 60 + "0"
    device["client"] = records.pair(LONG, ENDLESS)
    device["intended_use"] = records.pair(LONG * 4, ("use " * 40 + ENDLESS) * 6)
    protocol = records.protocol()
    titles = {"veb_se": records.pair("灵" * 90, ENDLESS)}
    endpoints = [
        endpoint.model_dump(mode="json") | ({"title": titles[endpoint.id]} if endpoint.id in titles else {})
        for endpoint in protocol.endpoints
    ]
    protocol = records.protocol(endpoints=endpoints)
    run = records.run_record(device_version=device["version"], protocol=protocol.digest)
    sealing = run.sealing.model_copy(update={"sealed": False, "means": ENDLESS, "labels": "not_prevented"})
    run = run.model_copy(update={"sealing": sealing, "earlier_looks": 10**9})
    record = records.record(
        device=type(records.device_spec()).model_validate(device),
        protocol=protocol,
        run=run,
        ledger=records.ledger(protocol_locked=None),
    )
    return reissued(record, status="superseded", replaced_by=record.number, replaces=record.number)


@pytest.fixture(scope="module")
def composed():
    """Papers of one record, composed once a language and edition: drawing them is most of what these tests do."""
    made = {}

    def of(record, lang, edition="maker"):
        key = (record.digest, lang, edition)
        if key not in made:
            made[key] = compose(record, lang, edition)
        return made[key]

    return of


def pages(document, ppi=40):
    import typst
    from PIL import Image

    images = typst.compile(
        TEMPLATE.read_bytes(),
        font_paths=typst_fonts(),
        sys_inputs=sys_inputs(document),
        format="png",
        ppi=ppi,
    )
    images = images if isinstance(images, list) else [images]
    return [Image.open(io.BytesIO(image)).convert("L") for image in images]


def last_page_of_cover(document):
    import typst

    found = typst.query(
        TEMPLATE.read_bytes(),
        "<end-of-cover>",
        field="value",
        font_paths=typst_fonts(),
        sys_inputs=sys_inputs(document),
    )
    return json.loads(found)[0]


@pytest.mark.parametrize(("lang", "edition"), list(zip(LANGS, EDITIONS, strict=True)))
def test_the_same_record_gives_the_same_bytes_in_both_views(record, lang, edition):
    first = compose(record, lang, edition)
    for kept in (plots._forest, plots._curves):
        kept.cache_clear()  # so that every plot is drawn twice
    again = compose(record, lang, edition)
    assert html_of(first) == html_of(again)
    pdf = pdf_of(first)
    assert pdf == pdf_of(again)
    assert pdf.startswith(b"%PDF-")
    assert b"pdfaid" in pdf


@pytest.mark.parametrize("lang", LANGS)
def test_every_heading_stands_in_the_html_in_its_order(record, lang, composed):
    html = html_of(composed(record, lang)).decode()
    found = re.findall(r'<section id="(\w+)">\s*<h[23]><span class="number">[^<]+</span>([^<]+)<', html)
    wanted = [(h.id, h.zh if lang == "zh" else h.en) for h in headings()]
    assert [(name, title.replace("&#39;", "'")) for name, title in found] == wanted


@pytest.mark.parametrize("lang", LANGS)
def test_no_heading_is_bare_and_an_empty_one_says_why(records, lang):
    record = records.record(training=None, agreement=None, inspection=None)
    sections = {section.id: section for section in compose(record, lang, "maker").sections}
    after = {h.id: following for h, following in zip(headings(), headings()[1:], strict=False)}
    for name, section in sections.items():
        assert section.blocks or after[name].level == 2, name
    for name in ("training", "external", "timing", "adversarial", "reference_standard"):
        [block] = sections[name].blocks
        assert isinstance(block, Text)
        assert block.text.startswith(say("not_performed", lang, why=""))
        assert len(block.text) > len(say("not_performed", lang, why=""))
    listed = sections["not_evaluated"].blocks[0]
    assert isinstance(listed, Table)
    assert len(listed.rows) >= 10


def test_a_heading_that_nobody_writes_yet_comes_out_as_not_performed(record, monkeypatch):
    from medassay.reports import composition
    from medassay.reports.sentences import Heading

    extra = (*headings(), Heading(id="large_models", zh="大模型", en="Large models"))
    monkeypatch.setattr(composition, "headings", lambda: extra)
    last = compose(record, "zh", "maker").sections[-1]
    assert (last.title, last.blocks[0].text) == ("大模型", "未进行：该标题尚无内容定义")


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("phantom", ("仅演示", "否（合成数据，无真实人群）", "真实 0 / 公开 0 / 合成 24")),
        ("open", ("未达到", "公开数据库，不具封闭性，不能支持注册结论", "否：公开数据")),
        ("stray", ("不可证明", "置信区间偏乐观")),
        ("ward", ("EC-2026-001", "人类遗传资源声明")),
    ],
)
def test_the_paper_says_what_its_data_allow(records, source, words):
    html = html_of(compose(records.record(source), "zh", "maker")).decode()
    assert [word for word in words if word not in html] == []


def test_unproven_disjointness_is_never_called_proven(records):
    html = html_of(compose(records.record("stray"), "zh", "maker")).decode()
    assert "已证明" not in html


@pytest.mark.parametrize("lang", LANGS)
def test_certification_is_named_in_the_statement_alone(record, lang, composed):
    html = html_of(composed(record, lang, "auditor")).decode()
    assert html.count("认证") == 1
    assert html.lower().count("certification") == 1


def test_the_html_asks_nobody_and_runs_nothing(record, composed):
    html = html_of(composed(record, "en", "auditor")).decode()
    assert not re.search(r"<script|javascript:|\son\w+=\"", html)
    assert not re.search(r'(?:src|href)="(?!data:|#)', html)
    assert "default-src 'none'" in html


def test_what_a_spec_says_is_text_and_never_markup(records):
    device = records.device_spec().model_dump(mode="json")
    device["client"] = records.pair("<b>甲</b>", '<img src="x" onerror="alert(1)"> #eval("1") *b*')
    record = records.record(device=type(records.device_spec()).model_validate(device))
    paper = compose(record, "en", "maker")
    html = html_of(paper).decode()
    assert "&lt;img src=&#34;x&#34;" in html
    assert '<img src="x"' not in html
    assert pdf_of(paper).startswith(b"%PDF-")


def test_every_picture_says_in_words_what_it_shows(record, composed):
    for section in composed(record, "en").sections:
        for block in section.blocks:
            if isinstance(block, Picture):
                assert len(block.alt) > 20
                assert block.caption


@pytest.mark.parametrize("lang", LANGS)
def test_page_1_is_one_page_whatever_it_says(record, extreme, lang, composed):
    assert last_page_of_cover(composed(record, lang)) == 1
    assert last_page_of_cover(composed(extreme, lang)) == 1


@pytest.mark.parametrize("lang", LANGS)
def test_nothing_leaves_the_page_however_long_it_is(extreme, lang, composed):
    drawn = pages(composed(extreme, lang))
    assert len(drawn) > 8
    for number, page in enumerate(drawn, 1):
        width, height = page.size
        margin = page.crop((int(width * 19.3 / 21), 0, width, height))
        assert margin.getextrema()[0] > 250, f"something stands in the margin of page {number}"


def test_the_maker_gets_no_picture_of_a_test_sample_and_the_auditor_does(records, monkeypatch):
    from medassay.reports import sections_cases

    class Drawer:
        @staticmethod
        def draw(excerpt, lang):
            return f'<svg xmlns="http://www.w3.org/2000/svg" id="{excerpt["n"]}{lang}"/>'.encode()

    monkeypatch.setattr(sections_cases, "module_of", lambda *_, **__: Drawer)
    run = records.run_record()
    excerpts = {digest_bytes(canonical_json({"n": n})): canonical_json({"n": n}) for n in range(2)}
    worst = sorted(run.cases, key=lambda case: -case.badness)[: len(excerpts)]
    shown = dict(zip((case.sample for case in worst), excerpts, strict=True))
    cases = tuple(case.model_copy(update={"excerpt": shown.get(case.sample)}) for case in run.cases)
    record = records.record(run=run.model_copy(update={"cases": cases}))

    def pictures(edition, given):
        sections = compose(record, "en", edition, given).sections
        errors = next(section for section in sections if section.id == "errors")
        return [block for block in errors.blocks if isinstance(block, Picture)]

    assert pictures("maker", excerpts) == []
    assert [b"0en" in picture.svg for picture in pictures("auditor", excerpts)] == [True, False]
    assert pictures("auditor", {}) == []
    with pytest.raises(EvidenceBroken, match="not the one scored"):
        pictures("auditor", dict.fromkeys(excerpts, b"{}"))


def section(document, name):
    return next(section for section in document.sections if section.id == name).blocks


@pytest.mark.parametrize("lang", LANGS)
def test_generated_data_are_sealed_as_far_as_the_room_goes_and_no_further(record, lang, composed):
    assert record.scope.sealed
    evidence = dict(composed(record, lang).cover.groups[0][1])
    assert evidence[say("sealed", lang)] == say("sealed_generated", lang)


def test_a_plan_shows_all_that_its_power_is_computed_from(records):
    plan = records.protocol().sample_size["phantom"].model_dump(mode="json")
    mean = plan | {"measure": "mean", "assumed": 0.9, "spread": 0.07, "per_subject": 1, "correlation": 0}
    shown = {}
    for name, one in (("proportion", plan), ("mean", mean)):
        sources = records.protocol().sample_size
        protocol = records.protocol(sample_size=dict.fromkeys(sources, one))
        run = records.run_record(protocol=protocol.digest)
        document = compose(records.record(protocol=protocol, run=run), "en", "maker")
        tables = [block for block in section(document, "requirements") if isinstance(block, Table)]
        texts = [block.text for block in section(document, "requirements") if isinstance(block, Text)]
        shown[name] = dict(zip((c.title for c in tables[1].columns), tables[1].rows[0], strict=True))
        assert say(f"size_test:{name}", "en") in texts
    assert shown["mean"][say("size_spread", "en")] == "0.07"
    assert say("size_per_subject", "en") not in shown["mean"]  # the power does not rest on it
    assert shown["proportion"][say("size_per_subject", "en")] == "100"


def test_conventions_that_are_not_set_are_not_printed_as_a_programs_words():
    shown = settings({"a": None, "b": True, "c": False, "d": {"e": None}})
    assert shown.text == "a = —, b = true, c = false, d = {e: —}"


@pytest.mark.parametrize("lang", LANGS)
def test_the_first_page_says_how_the_case_flow_adds_up_in_html_too(record, lang, composed):
    page = html_of(composed(record, lang)).decode()
    assert f"<h2>{say('flow_caption', lang)}</h2>" in page


@pytest.mark.parametrize("found", [0, 3])
def test_near_copies_of_different_subjects_are_said_where_disjointness_is_called_proven(records, found):
    chain = [
        step.model_copy(update={"reasons": {"same_subject": found}, "findings": found})
        if step.kind == "freeze" and found
        else step
        for step in records.chain()
    ]
    blocks = section(compose(records.record(chain=chain), "en", "maker"), "disjointness")
    texts = [block.text for block in blocks if isinstance(block, Text)]
    assert (say("near_copies", "en", count="3") in texts) == bool(found)


def test_a_subgroup_shows_how_many_of_it_its_figure_rests_on(record, composed):
    figures = [one for one in record.figures if one.axis and one.estimate is not None]
    shown = {f"{one.estimate.n_subjects} / {one.n_subjects}" for one in figures}
    title = say("subjects_of_group", "en")
    tables = [b for b in section(composed(record, "en"), "subgroups") if isinstance(b, Table)]
    cells = {
        row[[column.title for column in one.columns].index(title)]
        for one in tables
        for row in one.rows
        if title in [column.title for column in one.columns]
    }
    assert shown <= cells


def test_each_subjects_group_stands_with_its_factor(record, composed):
    table = next(b for b in section(composed(record, "en"), "annex_subjects") if isinstance(b, Table))
    row = record.given.run.subjects[0]
    paper = Words("en")
    factors = [paper.say(f"stratum:{axis}") for axis, level in sorted(row.strata.items()) if level]
    assert [part.rpartition(" ")[0] for part in table.rows[0][1].split("; ")] == factors


def test_the_document_is_dated_by_the_ledger_and_not_by_the_clock(record, composed):
    document = composed(record, "en")
    assert document.dated.isoformat().startswith("2026-11-20T02:14:07")
    assert b"D:20261120" in pdf_of(document)
    assert html_of(document).decode().count("2026-11-20 02:14:07") >= 2


def numbered(cells):
    """Numbers of the figures that ids and ranges of ids name, sorted."""
    found = []
    for part in ", ".join(cells).split(", "):
        first, _, last = part.partition("–")
        found += range(int(first[1:]), int((last or first)[1:]) + 1)
    return sorted(found)


def test_a_subgroup_s_table_names_every_figure_once_and_a_group_that_is_withheld_in_one_row(record, composed):
    (section,) = [one for one in composed(record, "en").sections if one.id == "subgroups"]
    tables = {block.caption: block for block in section.blocks if isinstance(block, Table)}
    sex = tables["By Sex"]
    held = [figure for figure in record.figures if figure.axis == "sex"]
    assert numbered(row[0] for row in sex.rows) == sorted(int(figure.id[1:]) for figure in held)
    (withheld,) = [row for row in sex.rows if "fewer than 3" in row[-1]]
    assert withheld[1:3] == ("all endpoints", "not available")
    assert sum(figure.estimate is None for figure in held) == len(record.given.protocol.endpoints) > 1


def test_every_id_is_listed_with_its_formula_its_rows_and_its_method(record, composed):
    sections = {section.id: section for section in composed(record, "en").sections}
    tables = [block for block in sections["annex_figures"].blocks if isinstance(block, Table)]
    assert len(tables) == 3
    for one in tables:
        assert numbered(row[-1] for row in one.rows) == list(range(1, len(record.figures) + 1))
    assert {row[0] for row in tables[1].rows} >= {"all test subjects", "Site = site-a", "Sex = not available"}


def test_a_statistic_that_is_left_out_is_zero_and_the_paper_says_so(record, composed):
    sections = {section.id: section for section in composed(record, "en").sections}
    for name in ("errors", "annex_subjects"):
        assert any(isinstance(b, Text) and b.text == say("zeros_note", "en") for b in sections[name].blocks)
    rows = next(b for b in sections["annex_subjects"].blocks if isinstance(b, Table)).rows
    for row, subject in zip(rows, record.given.run.subjects, strict=True):
        shown = dict(part.rsplit(" ", 1) for part in row[-1].text.split(", "))
        assert set(shown) == {name for name, value in subject.statistics.items() if value}


@pytest.mark.parametrize(
    ("means", "said"),
    [
        ("not sealed: bubblewrap is not installed", "未安装 bubblewrap"),
        (
            "bubblewrap 0.8.0: no network, own processes, read-only but for the output",
            "bubblewrap 0.8.0：无网络，进程隔离，除输出外只读",
        ),
        ("another room", "another room"),
    ],
)
def test_how_the_room_was_sealed_is_said_in_the_reader_s_language(means, said):
    assert Words("zh").means(means) == said


def test_the_room_s_own_reasons_have_their_words():
    import inspect

    from medassay.room import sandbox

    reasons = re.findall(r'"not sealed: ([^"]+)"', inspect.getsource(sandbox))
    assert len(reasons) >= 3
    assert [reason for reason in reasons if f"means:{reason}" not in sentences()] == []


@pytest.mark.parametrize("lang", LANGS)
def test_an_outside_reader_finds_title_and_headings_as_text_in_the_pdf(
    record, composed, lang, debian_program, tmp_path
):
    paper = composed(record, lang)
    (tmp_path / "report.pdf").write_bytes(pdf_of(paper))
    read = subprocess.run(
        [debian_program("pdftotext"), "-layout", "-enc", "UTF-8", "report.pdf", "-"],
        cwd=tmp_path,
        check=True,
        capture_output=True,
    ).stdout.decode()
    text = re.sub(r"\s", "", read)
    for wanted in (paper.title, *(section.title for section in paper.sections)):
        assert re.sub(r"\s", "", wanted) in text
