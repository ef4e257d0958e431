import pytest

from medassay.core.errors import WrongUse
from medassay.datasets.cohort import apply
from medassay.datasets.spec import CohortRule

TEXT = {"zh": "甲", "en": "a"}
FACTS = {
    "R-1": {"kind": "T2DM", "age_years": 50.0, "stage": 2, "clean": True},
    "R-2": {"kind": "T1DM", "age_years": 50.0, "stage": 3, "clean": True},
    "R-3": {"kind": None, "age_years": 17.0, "stage": 2, "clean": True},
    "R-4": {"kind": "T2DM", "age_years": 17.0, "stage": 2, "clean": False},
    "R-5": {"kind": "T2DM", "age_years": None, "stage": 2, "clean": True},
}


def rule(id, column, **bounds):
    return CohortRule.model_validate({"id": id, "title": TEXT, "column": column} | bounds)


def test_each_sample_counts_at_the_first_rule_that_it_fails_and_missing_facts_apart():
    held = apply([rule("type", "kind", among=["T2DM"]), rule("adult", "age_years", minimum=18)], FACTS)
    assert held.inside == ("R-1",)
    assert [(s.rule, s.before, s.outside, s.not_stated, s.after) for s in held.funnel] == [
        ("type", 5, 1, 1, 3),
        ("adult", 3, 1, 1, 1),
    ]
    assert {row["sample_id"]: row["check"] for row in held.exclusions} == {
        "R-2": "cohort:type",
        "R-3": "cohort:type:not_stated",
        "R-4": "cohort:adult",
        "R-5": "cohort:adult:not_stated",
    }


def test_bounds_are_inclusive():
    assert apply([rule("a", "stage", minimum=2, maximum=2)], FACTS).inside == ("R-1", "R-3", "R-4", "R-5")


def test_numbers_and_truth_values_are_listed_as_a_spec_writes_them():
    assert apply([rule("a", "stage", among=["3"])], FACTS).inside == ("R-2",)
    assert apply([rule("a", "clean", among=["false"])], FACTS).inside == ("R-4",)


def test_without_a_rule_everybody_is_inside():
    assert apply([], FACTS).inside == tuple(FACTS)


faults = {
    "no such column": (rule("a", "age_year", minimum=18), "Did you mean 'age_years'"),
    "bounds on text": (rule("a", "kind", minimum=18), "holds no numbers"),
    "bounds on truth": (rule("a", "clean", minimum=0), "holds no numbers"),
}


@pytest.mark.parametrize(("wrong", "says"), faults.values(), ids=faults)
def test_a_rule_that_does_not_fit_the_table_is_wrong_use(wrong, says):
    with pytest.raises(WrongUse, match=says):
        apply([wrong], FACTS)
