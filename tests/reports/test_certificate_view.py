"""The inspection record on paper: what was looked at, by which plan, and what was not; never more than that."""

import pytest

from medassay.core.terms import LANGS
from medassay.quality import wording
from medassay.reports.certificate_view import (
    compose_certificate,
    render_certificate_html,
    render_certificate_pdf,
)
from medassay.reports.document import Code
from medassay.reports.inspected import agreement_name
from medassay.reports.paper import Words
from medassay.reports.sentences import headings, say


@pytest.mark.parametrize("lang", LANGS)
def test_both_views_are_the_same_bytes_twice(records, lang):
    certificate = records.inspection()
    assert render_certificate_html(certificate, lang) == render_certificate_html(certificate, lang)
    pdf = render_certificate_pdf(certificate, lang)
    assert pdf.startswith(b"%PDF-")
    assert pdf == render_certificate_pdf(certificate, lang)


@pytest.mark.parametrize("lang", LANGS)
def test_every_heading_is_there_and_none_is_bare(records, lang):
    sections = compose_certificate(records.inspection(), lang).sections
    assert [section.id for section in sections] == [heading.id for heading in headings("inspection")]
    assert all(section.blocks for section in sections)


def test_the_word_for_a_third_party_s_act_does_not_stand_in_it(records):
    assert "认证" not in render_certificate_html(records.inspection(), "zh").decode()


def test_what_was_not_looked_at_stands_on_the_first_page(records):
    cover = compose_certificate(records.inspection(), "zh").cover
    assert cover.limits == (f"{wording.AUDIT.zh} · {wording.NOT_READ_AGAIN.zh}",)


def test_the_sampling_plan_stands_with_its_risk(records):
    html = render_certificate_html(records.inspection(), "en").decode()
    plan = records.inspection().label_audit.plan
    assert f"<dd>{plan.sample_size}</dd>" in html
    assert f"at most 10% declared, {100 * plan.risk_of_plan:.3g}% under this plan" in html


def test_readers_names_stay_out_of_the_paper(records):
    html = render_certificate_html(records.inspection(), "en").decode()
    assert "sensitivity[V]" in html
    assert "reader-x" not in html


@pytest.mark.parametrize(
    ("outcome", "tone", "word"),
    [("passed", "good", "通过"), ("failed", "bad", "未通过"), ("not_assessed", "open", "未评价")],
)
def test_the_outcome_is_the_record_s(records, outcome, tone, word):
    verdict = compose_certificate(records.inspection(outcome=outcome), "zh").cover.verdict
    assert (verdict.tone, verdict.word) == (tone, word)


@pytest.mark.parametrize("lang", LANGS)
def test_an_unsigned_record_says_so_and_whose_its_number_is(records, lang):
    own = compose_certificate(records.inspection(), lang).cover.signatures_note
    assert own == say("signatures_inspection_self", lang)
    issuer = {"kind": "laboratory", "number": "L-1", "name": "A laboratory"}
    other = compose_certificate(records.inspection(issuer=issuer), lang).cover.signatures_note
    assert other == say("signatures_inspection", lang)


@pytest.mark.parametrize(("lang", "term"), [("zh", "卡帕系数"), ("en", "kappa coefficient")])
def test_measures_of_agreement_stand_by_their_terms_and_unknown_ones_by_their_names(lang, term):
    words = Words(lang)
    assert agreement_name(words, "kappa") == term
    assert agreement_name(words, "kappa[V]") == f"{term} · V"
    assert agreement_name(words, "of_a_new_task[V]") == Code("of_a_new_task[V]")
