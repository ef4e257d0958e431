import math

import pyarrow as pa
import pytest

from medassay.core.errors import WrongUse
from medassay.core.findings import Severity
from medassay.quality.gate import gate
from medassay.quality.spec import QualitySpec
from medassay.trust.evidence import Outcome


def check(
    name="rate", *, expectation="ExpectColumnValuesToBeBetween", severity="exclude", sources=(), **arguments
):
    return {
        "id": name,
        "title": {"zh": "心率", "en": "a heart rate of a living person"},
        "expectation": expectation,
        "arguments": arguments or {"column": "hr", "min_value": 20, "max_value": 300},
        "severity": severity,
        "reason": "value_implausible",
        "remedy": {"zh": "查单位", "en": "Check the unit."},
        "source": "declared by the test",
        "sources": sources,
    }


def spec(*checks, share=1.0, least=None):
    limits = {"largest_excluded_share": share, "least_samples_per": least or {}}
    return QualitySpec.model_validate({"version": "1", "checks": checks or (check(),), "limits": limits})


def catalogue(n, *, refused=(), sites=None, ids=None):
    return pa.table(
        {
            "sample_id": ids or [f"s{i}" for i in range(n)],
            "subject_id": [f"p{i // 2}" for i in range(n)],
            "site": pa.array(sites or ["A"] * n, pa.string()),
            "status": ["refused" if i in refused else "accepted" for i in range(n)],
        }
    )


def measured(values, *, name="hr", ids=None, **more):
    return pa.table({"sample_id": ids or [f"s{i}" for i in range(len(values))], name: values} | more)


def excluded(gated):
    return gated.exclusions["sample_id"].to_pylist()


def test_a_failed_row_excludes_its_sample_and_the_counts_add_up():
    gated = gate(spec(), "x", catalogue(5), measured([60, 400, 70, 5, 80]))
    assert excluded(gated) == ["s1", "s3"]
    assert gated.failures.to_pylist()[0] == {
        "sample_id": "s1",
        "check": "rate",
        "column": "hr",
        "found": "400",
        "reason": "value_implausible",
    }
    assert gated.exclusions.to_pylist()[1]["stage"] == "gate"
    assert gated.counts == {
        "samples_assessed": 5,
        "samples_excluded": 2,
        "samples_kept": 3,
        "subjects_assessed": 3,
        "subjects_excluded": 0,
        "subjects_kept": 3,
        "subjects_touched": 2,
        "applied:rate": 5,
        "failed:rate": 2,
        "unmet:rate": 1,
    }
    assert gated.outcome == Outcome.PASSED


@pytest.mark.parametrize("hostile", [None, math.nan, math.inf, -math.inf])
def test_a_value_that_is_no_measurement_fails_its_row(hostile):
    only_lower = check(column="hr", min_value=20)
    only_upper = check("upper", column="hr", max_value=300)
    gated = gate(spec(only_lower, only_upper), "x", catalogue(2), measured([60.0, hostile]))
    assert gated.failures.to_pylist()[0]["found"] in ("missing", "not finite")
    assert excluded(gated) == ["s1", "s1"]


def test_a_sample_without_a_measurement_row_fails_every_check_of_a_measurement():
    gated = gate(spec(), "x", catalogue(2), measured([60], ids=["s0"]))
    assert excluded(gated) == ["s1"]


def test_a_column_without_any_value_excludes_everyone():
    gated = gate(spec(), "x", catalogue(2), measured(pa.array([None, None], pa.float64())))
    assert excluded(gated) == ["s0", "s1"]


def test_missing_values_pass_only_where_the_check_says_so():
    known = {"type": "nullity", "column": {"name": "hr"}, "is_null": False}
    rule = check(column="hr", min_value=20, max_value=300, row_condition=known)
    gated = gate(spec(rule), "x", catalogue(3), measured([None, 400.0, 60.0]))
    assert excluded(gated) == ["s1"]
    assert gated.counts["applied:rate"] == 2


def test_a_check_that_wants_no_value_is_not_failed_by_having_none():
    rule = check(expectation="ExpectColumnValuesToBeNull", column="hr")
    assert excluded(gate(spec(rule), "x", catalogue(2), measured([None, 60.0]))) == ["s1"]


def test_a_pair_of_columns_fails_where_either_is_missing_unless_declared():
    pair = {"expectation": "ExpectColumnPairValuesAToBeGreaterThanB", "column_A": "high", "column_B": "low"}
    table = measured([9.0, 1.0, None, None], name="high", low=[1.0, 9.0, 1.0, None])
    assert excluded(gate(spec(check(**pair)), "x", catalogue(4), table)) == ["s1", "s2", "s3"]
    declared = check(**pair, ignore_row_if="either_value_is_missing")
    gated = gate(spec(declared), "x", catalogue(4), table)
    assert excluded(gated) == ["s1"]
    assert gated.failures["found"].to_pylist() == ["high 1, low 9"]


def test_a_warning_is_stated_and_excludes_nobody():
    gated = gate(spec(check(severity="warn")), "x", catalogue(2), measured([60, 400]))
    assert (excluded(gated), gated.failures.num_rows, gated.counts["failed:rate"]) == ([], 1, 1)
    assert [finding.severity for finding in gated.findings] == [Severity.WARN]


def test_refused_samples_are_not_gated():
    gated = gate(spec(), "x", catalogue(3, refused={1}), measured([60, 400, 70]))
    assert (excluded(gated), gated.counts["samples_assessed"]) == ([], 2)


def test_a_check_of_another_source_is_left_out():
    elsewhere = check("other", sources=["y"], column="hr", min_value=100)
    gated = gate(spec(check(), elsewhere), "x", catalogue(1), measured([60]))
    assert excluded(gated) == []
    assert "applied:other" not in gated.counts


def test_two_checks_with_the_same_arguments_are_counted_apart():
    gated = gate(spec(check("one"), check("two", severity="warn")), "x", catalogue(1), measured([400]))
    assert gated.failures["check"].to_pylist() == ["one", "two"]
    assert gated.exclusions["check"].to_pylist() == ["one"]


def test_equal_values_of_a_unique_column_all_fail():
    rule = check(expectation="ExpectColumnValuesToBeUnique", column="print")
    table = measured(["a", "b", "a", None], name="print")
    assert excluded(gate(spec(rule), "x", catalogue(4), table)) == ["s0", "s2", "s3"]


def test_catalogue_columns_can_be_checked_too():
    rule = check(expectation="ExpectColumnValuesToBeInSet", column="site", value_set=["A"])
    gated = gate(spec(rule), "x", catalogue(3, sites=["A", "B", None]), measured([1, 2, 3]))
    assert gated.failures["found"].to_pylist() == ["B", "missing"]


def test_an_aggregate_warns_with_what_was_observed_and_counts_missing_values():
    rule = check(
        expectation="ExpectColumnMeanToBeBetween", severity="warn", column="hr", min_value=50, max_value=70
    )
    assert gate(spec(rule), "x", catalogue(2), measured([60.0, 62.0])).findings == ()
    (finding,) = gate(spec(rule), "x", catalogue(2), measured([60.0, None])).findings
    assert "1 of 2 values missing" in finding.found
    (finding,) = gate(spec(rule), "x", catalogue(2), measured([600.0, 700.0])).findings
    assert "650" in finding.found


def test_more_excluded_than_the_limit_fails_the_gate_and_as_many_does_not():
    table = measured([60, 400, 70, 5])
    assert gate(spec(share=0.5), "x", catalogue(4), table).outcome == Outcome.PASSED
    gated = gate(spec(share=0.49), "x", catalogue(4), table)
    assert gated.outcome == Outcome.FAILED
    assert gated.findings[-1].found == "2 of 4 samples excluded (50.0%)"


def test_a_stratum_that_the_gate_emptied_counts_as_none_not_as_absent():
    sites = ["A", "A", "B"]
    gated = gate(spec(least={"site": 1}), "x", catalogue(3, sites=sites), measured([60, 70, 400]))
    assert gated.outcome == Outcome.FAILED
    assert gated.findings[-1].found == "0 samples with site B"
    assert gated.counts["least_kept:site"] == 0


def test_a_stratum_that_no_sample_states_fails_and_one_that_some_do_not_state_is_said():
    least = spec(least={"site": 1})
    nobody = gate(least, "x", catalogue(2, sites=[None, None]), measured([60, 70]))
    assert nobody.outcome == Outcome.FAILED
    some = gate(least, "x", catalogue(2, sites=["A", None]), measured([60, 70]))
    assert (some.outcome, some.findings[-1].severity) == (Outcome.PASSED, Severity.WARN)


@pytest.mark.parametrize(
    ("rules", "n", "lacking"),
    [([check()], 0, "accepted sample"), ([check(sources=["y"])], 2, "check for source 'x'")],
)
def test_nothing_to_assess_is_said_and_never_passed(rules, n, lacking):
    gated = gate(spec(*rules), "x", catalogue(n), measured(pa.array([60] * n, pa.int64())))
    assert gated.outcome == Outcome.NOT_ASSESSED
    assert lacking in gated.findings[0].found
    assert gated.counts["samples_kept"] == n


WRONG = {
    "unknown class": (check(expectation="ExpectColumnValuesToBeBetwen"), "ExpectColumnValuesToBeBetween'"),
    "a class that is no expectation": (check(expectation="core"), "There are"),
    "unknown argument": (check(column="hr", min_valeu=20, max_value=3), "min_value'"),
    "missing argument": (check(min_value=20), "Give 'column'"),
    "no bound": (check(column="hr"), "cannot both be None"),
    "unknown column": (check(column="hrr", min_value=20), "'hr'"),
    "unknown column of a condition": (
        check(
            column="hr",
            min_value=2,
            row_condition={
                "type": "and",
                "conditions": [{"type": "nullity", "column": {"name": "sitee"}, "is_null": False}],
            },
        ),
        "'site'",
    ),
    "a tolerated share": (check(column="hr", min_value=20, mostly=0.9), "largest_excluded_share"),
    "a condition in text": (check(column="hr", min_value=20, row_condition="hr > 1"), "nullity"),
    "text where numbers are wanted": (check(column="word", min_value=20), "unit and type"),
    "an aggregate that is to exclude": (
        check(expectation="ExpectColumnMeanToBeBetween", column="hr", min_value=0, max_value=100),
        "severity warn",
    ),
}


@pytest.mark.parametrize("fault", WRONG)
def test_a_check_that_cannot_be_held_is_refused_with_what_to_do(fault):
    rule, hint = WRONG[fault]
    with pytest.raises(WrongUse, match="check 'rate'") as caught:
        gate(spec(rule), "x", catalogue(2), measured([60, 70], word=["6", "7"]))
    assert hint in str(caught.value)


TABLES = {
    "a sample twice in the catalogue": (catalogue(2, ids=["s0", "s0"]), measured([60], ids=["s0"])),
    "a sample twice in the measurements": (catalogue(1), measured([60, 400], ids=["s0", "s0"])),
    "a measured stranger": (catalogue(1), measured([60, 70], ids=["s0", "s9"])),
    "a column in both": (catalogue(1), measured([60], site=["A"])),
}


@pytest.mark.parametrize("fault", TABLES)
def test_tables_that_do_not_fit_together_are_refused(fault):
    with pytest.raises(WrongUse, match="gate tables"):
        gate(spec(), "x", *TABLES[fault])


def test_a_check_id_twice_and_an_unknown_stratum_are_refused():
    with pytest.raises(WrongUse, match="rate twice"):
        gate(spec(check(), check()), "x", catalogue(1), measured([60]))
    with pytest.raises(WrongUse, match="sites"):
        gate(spec(least={"sites": 1}), "x", catalogue(1), measured([60]))
