"""A sub-database is drawn to look like the population that it is declared for, and that is tested."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medassay.core.errors import WrongUse
from medassay.datasets.manifest import Manifest, Row
from medassay.datasets.spec import SubDatabase
from medassay.datasets.sub_database import cut

TEXT = {"zh": "甲", "en": "a"}


def spec(subjects=60, shares=None, **changes):
    fields = {
        "name": "screening",
        "title": TEXT,
        "intended_use": TEXT,
        "target_population": TEXT,
        "subjects": subjects,
        "shares": shares or {"sex": {"F": 0.5, "M": 0.5}, "age_band": {"18-44": 0.3, "45-64": 0.7}},
        "source_of_shares": "invented for this test",
        "seed": 3,
    }
    return SubDatabase.model_validate(fields | changes)


def master(people):
    """One sample a person; `people` are (sex, age band)."""
    rows, facts = [], {}
    for number, (sex, band) in enumerate(people):
        sample, subject = f"R-{number:04}", f"S-{number:04}"
        facts[sample] = {"subject_id": subject, "sex": sex, "age_band": band, "age_years": number % 90.0}
        for role in ("image", "reference"):
            rows.append(
                Row(name=f"{sample}.{role}", role=role, digest="a" * 64, sample=sample, subject=subject,
                    split=("train", "tune", "test")[number % 3])
            )  # fmt: skip
    made = Manifest(
        dataset="toys", source="a", source_class="real", spec_version="1", kind="toy", task="toys", seed=1,
        division="seeded", disjointness="proven", rows=tuple(rows),
    )  # fmt: skip
    return made, facts


# Three in four are women and half are young: unlike the declared population.
SKEWED = [("F" if n % 4 else "M", "18-44" if n % 2 else "45-64") for n in range(400)]


def test_from_a_skewed_master_people_are_drawn_by_the_declared_shares():
    whole, facts = master(SKEWED)
    made = cut(spec(), whole, facts)
    assert made.cut.drawn == 60
    assert made.cut.representative
    by_column = {test.column: {s.value: s.drawn for s in test.shares} for test in made.cut.tests}
    assert by_column == {"sex": {"F": 30, "M": 30}, "age_band": {"18-44": 18, "45-64": 42}}
    assert made.manifest.master == whole.digest
    assert made.manifest.digest != whole.digest


def test_people_keep_the_part_that_they_have_in_the_master():
    whole, facts = master(SKEWED)
    parts = {row.sample: row.split for row in whole.rows}
    made = cut(spec(), whole, facts).manifest
    assert all(row.split == parts[row.sample] for row in made.rows)
    assert set(made.rows) < set(whole.rows)


def test_the_seed_alone_decides_who_is_drawn():
    whole, facts = master(SKEWED)
    draws = {seed: cut(spec(seed=seed), whole, facts).manifest.digest for seed in (1, 2)}
    assert draws[1] != draws[2]
    assert cut(spec(seed=1), whole, facts).manifest.digest == draws[1]


def test_a_master_that_lacks_a_group_is_told_so_and_does_not_pass():
    whole, facts = master([("F", "45-64")] * 50 + [("M", "45-64")] * 5)
    made = cut(spec(subjects=40, shares={"sex": {"F": 0.5, "M": 0.5}}), whole, facts)
    assert made.cut.unfilled == {"sex=M": 15}
    [test] = made.cut.tests
    # By hand: 35 and 5 of 40 against 20 and 20: chi-square = 2 * 15**2 / 20 = 22.5 on one degree of freedom.
    assert test.chi_square == pytest.approx(22.5)
    assert test.p_value == pytest.approx(2.1e-6, rel=0.05)
    # (0.875 - 0.5) / sqrt((0.25 + 0.109375) / 2)
    assert test.shares[0].difference == pytest.approx(0.375 / (0.359375 / 2) ** 0.5)
    assert not made.cut.representative


def test_too_few_for_chi_square_is_said_and_differences_decide():
    whole, facts = master(SKEWED)
    made = cut(spec(subjects=8, shares={"sex": {"F": 0.5, "M": 0.5}}), whole, facts)
    [test] = made.cut.tests
    assert (test.chi_square, test.p_value) == (None, None)
    assert "below 5" in test.not_assessed
    assert test.representative


def test_rules_missing_facts_and_groups_without_a_share_are_counted_apart():
    whole, facts = master([*SKEWED, (None, "18-44"), ("F", "90+")])
    rule = {"id": "young", "title": TEXT, "column": "age_years", "minimum": 10}
    made = cut(spec(cohort=[rule]), whole, facts)
    [step] = made.cut.funnel
    assert (step.before, step.before - step.after) == (402, step.outside)
    assert (made.cut.not_stated, made.cut.beyond_shares) == (1, 1)
    assert made.cut.eligible == step.after - 2


def test_nobody_to_draw_is_no_database():
    whole, facts = master([(None, None)] * 5)
    made = cut(spec(), whole, facts)
    assert (made.manifest, made.cut.drawn, made.cut.representative) == (None, 0, False)


def test_a_cut_is_never_cut_again():
    whole, facts = master(SKEWED)
    with pytest.raises(WrongUse, match="a master"):
        cut(spec(), cut(spec(), whole, facts).manifest, facts)


def test_a_share_of_a_column_that_does_not_exist_is_wrong_use():
    whole, facts = master(SKEWED)
    with pytest.raises(WrongUse, match="Did you mean 'sex'"):
        cut(spec(shares={"sexe": {"F": 0.5, "M": 0.5}}), whole, facts)


faults = {
    "one value": {"sex": {"F": 1.0}},
    "no whole": {"sex": {"F": 0.5, "M": 0.4}},
    "nobody": {"sex": {"F": 1.0, "M": 0.0}},
    "no number": {"sex": {"F": float("nan"), "M": 0.5}},
    "no column": {},
}


@pytest.mark.parametrize("shares", faults.values(), ids=faults)
def test_shares_that_are_no_shares_are_refused(shares):
    with pytest.raises(ValueError, match=r"shares|sex"):
        SubDatabase.model_validate(spec().model_dump() | {"shares": shares})


people = st.lists(
    st.tuples(st.sampled_from("FM"), st.sampled_from(["18-44", "45-64"])), min_size=1, max_size=60
)


@given(people, st.integers(2, 80), st.integers(0, 9))
def test_never_more_are_drawn_than_are_there_or_wanted_and_every_test_counts_them_all(drawn, wanted, seed):
    whole, facts = master(drawn)
    made = cut(spec(subjects=wanted, seed=seed), whole, facts)
    assert made.cut.drawn == min(wanted, len(drawn))
    assert all(sum(share.drawn for share in test.shares) == made.cut.drawn for test in made.cut.tests)
    sexes = Counter(facts[sample]["sex"] for sample in made.manifest.samples())
    assert {s.value: s.drawn for s in made.cut.tests[0].shares} == {"F": sexes["F"], "M": sexes["M"]}
