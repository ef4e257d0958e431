"""Two languages, one thing said: the same keys, the same placeholders, every heading."""

import re
from importlib.resources import files

import pytest

from medassay.core.errors import WrongUse
from medassay.core.findings import Reason
from medassay.core.terms import LANGS
from medassay.evaluation.protocol import Verdict
from medassay.evaluation.scoring import alarms, beats, classification, events, masks
from medassay.reports.sentences import headings, placeholders, say, sentences
from medassay.trust.evidence import Outcome

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


def test_certification_is_named_in_the_statement_and_of_a_third_partys_document_alone():
    spoken = [key for key, pair in sentences().items() if "认证" in pair.zh + pair.en]
    assert spoken == ["statement_zh", "act:certification"]
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


@pytest.mark.parametrize(
    ("scorer", "options"),
    [
        (alarms, {}),
        (beats, {}),
        (events, {}),
        (masks, {"structures": {"head": 1, "body": 2}, "nsd_tolerance_mm": 1.0}),
        (classification, {"classes": ("a", "b", "c")}),
        (classification, {"classes": ("a", "b"), "positive": "b", "threshold": 0.5, "at_prevalence": 0.1}),
    ],
    ids=lambda value: value.__name__.rpartition(".")[2] if hasattr(value, "__name__") else "",
)
def test_a_figure_without_a_value_says_why_in_both_languages(scorer, options):
    reasons = {metric.undefined for metric in scorer.metrics(scorer.Options(**options)).values()}
    assert reasons
    assert {why for why in reasons if f"undefined:{why}" not in sentences()} == set()


def test_every_reason_of_a_finding_has_its_word():
    assert [reason for reason in Reason if f"reason:{reason.value}" not in sentences()] == []


def test_every_verdict_and_outcome_has_its_word():
    assert {say(f"verdict:{verdict.value}", "zh") for verdict in Verdict} == {
        "达到",
        "未达到",
        "未检验（前一终点未达到）",
        "样本量不足",
        "探索性",
        "仅演示",
    }
    assert all(f"outcome:{outcome.value}" in sentences() for outcome in Outcome)


def test_no_sentence_stands_unused():
    """A key is written out in the code or the headings; the end of some is the value that they name."""
    room = files("medassay.reports")
    code = "".join(p.read_text("utf-8") for p in room.iterdir() if p.name.endswith((".py", "headings.yaml")))
    begun = set(re.findall(r"""f["']([a-z_]+[:_])\{""", code))
    unused = [
        key
        for key in sentences()
        if not re.search(rf'["\s]{re.escape(key)}["\s}}]', code)
        and not any(key.startswith(start) for start in begun)
    ]
    assert unused == []
