"""Two languages, one thing said: the same keys, the same placeholders, every heading."""

import re

import pytest

from medassay.core.errors import WrongUse
from medassay.core.terms import LANGS
from medassay.reports.sentences import headings, placeholders, say, sentences

# Headings of the order that the report's readers expect; others may be added between them.
ORDER = [
    "conclusion",
    "product",
    "requirements",
    "method",
    "dataset",
    "training",
    "results",
    "external",
    "comparison",
    "subgroups",
    "errors",
    "repeatability",
    "robustness",
    "stress",
    "adversarial",
    "timing",
    "traceability",
    "change",
    "not_evaluated",
    "signatures",
    "annex_terms",
    "annex_dataset_card",
    "annex_environment",
    "annex_scoring",
    "annex_staff",
    "annex_issuer",
    "annex_verify",
    "annex_checklists",
    "annex_retention",
    "annex_copying",
]


def test_both_templates_of_a_sentence_have_the_same_placeholders():
    assert len(sentences()) > 150
    for key, pair in sentences().items():
        assert placeholders(pair.zh) == placeholders(pair.en), key
        assert pair.zh.strip(), key
        assert pair.en.strip(), key


def test_english_holds_no_chinese_but_the_statement_that_stands_in_both():
    for key, pair in sentences().items():
        if key != "statement_zh":
            assert not re.search("[\u4e00-\u9fff]", pair.en), key


def test_certification_is_named_in_the_statement_alone():
    spoken = [key for key, pair in sentences().items() if "认证" in pair.zh + pair.en]
    assert spoken == ["statement_zh"]
    titles = [heading.zh for paper in ("report", "inspection") for heading in headings(paper)]
    assert titles
    assert not any("认证" in title for title in titles)


def test_every_heading_of_the_order_is_there_and_in_that_order():
    ids = [heading.id for heading in headings()]
    assert [name for name in ids if name in ORDER] == ORDER
    assert len(set(ids)) == len(ids)


def test_every_reason_for_an_empty_heading_is_a_sentence():
    for paper in ("report", "inspection"):
        for heading in headings(paper):
            for lang in LANGS:
                assert say(heading.why_empty, lang)


def test_a_value_that_the_template_does_not_ask_for_is_refused():
    with pytest.raises(WrongUse, match="'looks'"):
        say("earlier_looks_line", "en", looks=1, n=2)
    with pytest.raises(WrongUse, match="'looks'"):
        say("earlier_looks_line", "zh")
