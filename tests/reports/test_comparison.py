"""The section on comparison: paired differences where a comparison was made, else the reason why there is none."""

import re
import subprocess

import pytest

from medassay.core.errors import EvidenceBroken
from medassay.core.terms import LANGS
from medassay.reports.comparisons import compared_of
from medassay.reports.composition import compose
from medassay.reports.document import Table, Text
from medassay.reports.html import html_of
from medassay.reports.pdf import pdf_of
from medassay.reports.record import ReportRecord
from medassay.reports.sentences import say

CLAIM = {"endpoint": "veb_se", "claim": "non_inferiority", "margin": 0.05}


def compared(records, source="open", *, better=0.0, booked=True, comparator=True, **changes):
    """A report beside another device that found `better` more of each subject's beats."""
    text = records.pair("示例", "An example")
    asked = {"comparator": CLAIM | {"title": text, "reason": text}} if comparator else {}
    protocol = records.protocol(**asked)
    locked = (
        records.ledger().protocol_locked.model_copy(update={"digest": protocol.digest}) if booked else None
    )
    source_class = {"phantom": "synthetic", "open": "public"}[source]
    same = {
        "protocol": protocol,
        "run": records.run_record(source, source_class, protocol=protocol.digest),
        "ledger": records.ledger(protocol_locked=locked),
    }
    first = records.record(source, **same)
    other = compared_of("a.number", records.digest("other run"), first.given)
    moved = {}
    for name, row in other.statistics.items():
        by = max(better, -row["tp[V]"])
        moved[name] = {**row, "tp[V]": row["tp[V]"] + by, "fn[V]": row["fn[V]"] - by}
    other = other.model_copy(update={"version": "0.9", "statistics": moved} | changes)
    return records.record(source, **same, compared=[other])


def section(paper, name="comparison"):
    return next(one for one in paper.sections if one.id == name)


@pytest.mark.parametrize("lang", LANGS)
def test_paired_differences_stand_with_their_intervals_and_what_came_of_the_claim(records, lang):
    record = compared(records, better=-2.0)
    paper = compose(record, lang, "maker")
    [table] = [block for block in section(paper).blocks if isinstance(block, Table)]
    first, *others = table.rows
    [difference] = [d for d in record.comparisons[0].differences if d.endpoint == "veb_se"]
    assert first[0] == "C1"
    assert first[4].startswith("+")
    ends = [float(end) for end in re.findall(r"[\d.]+", first[5])]
    assert ends == pytest.approx([difference.difference.lower, difference.difference.upper], abs=5e-4)
    assert say("claim_outcome:met", lang) in first[-1]
    assert {row[-1] for row in others} == {say("standing:exploratory", lang)}
    html = html_of(paper).decode()
    assert "0.9" in html
    assert "a.number" in html
    assert not any(title in str(row) for row in _not_evaluated(paper) for title in ("对比", "Comparison"))


def test_the_comparison_stands_in_the_pdf_as_well(records, debian_program, tmp_path):
    paper = compose(compared(records, better=-2.0), "zh", "maker")
    (tmp_path / "report.pdf").write_bytes(pdf_of(paper))
    read = subprocess.run(
        [debian_program("pdftotext"), "-layout", "-enc", "UTF-8", "report.pdf", "-"],
        cwd=tmp_path,
        check=True,
        capture_output=True,
    ).stdout.decode()
    assert "a.number" in read
    assert "同一测试集上的配对差值" in read
    assert re.search(r"C1\s.*\+0\.\d+", read)


def _not_evaluated(paper):
    return section(paper, "not_evaluated").blocks[0].rows


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize(("comparator", "why"), [(False, "no_comparison"), (True, "comparator_not_compared")])
def test_without_a_comparison_the_section_says_not_performed_and_why(records, lang, comparator, why):
    given = compared(records, comparator=comparator).given.model_copy(update={"compared": ()})
    from medassay.reports.record import derive

    record = derive(given)
    paper = compose(record, lang, "maker")
    [block] = section(paper).blocks
    assert block == Text(say("not_performed", lang, why=say(why, lang)), "missing")
    assert any(say(why, lang) in row for row in _not_evaluated(paper))


def test_synthetic_data_and_a_late_protocol_show_differences_and_no_claim(records):
    synthetic = compared(records, "phantom", better=-2.0)
    assert synthetic.comparisons[0].differences[0].claim.outcome == "demonstration_only"
    late = compared(records, better=-2.0, booked=False)
    assert late.comparisons[0].differences[0].claim is None
    assert late.comparisons[0].differences[0].difference.lower is not None


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"manifest": "f" * 64}, "dataset version"),
        ({"scorer_version": "2"}, "scorer version"),
        ({"options": {}}, "scoring conventions"),
        ({"statistics": {}}, "subjects"),
    ],
)
def test_another_test_version_or_scorer_is_no_comparison(records, change, what):
    with pytest.raises(EvidenceBroken, match=f"{what} of a comparison"):
        compared(records, **change)


def test_the_record_with_a_comparison_reads_back_as_itself(records):
    record = compared(records, better=-2.0)
    assert ReportRecord.model_validate_json(record.to_json()) == record
