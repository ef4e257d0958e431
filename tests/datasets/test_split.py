from collections import Counter, defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medassay.core.errors import WrongUse
from medassay.datasets.near_duplicates import Pair, groups
from medassay.datasets.spec import Condition, Split
from medassay.datasets.split import PARTS, divide


def split(train=0.6, tune=0.2, test=0.2, stratify=("site",), seed=1):
    return Split(train=train, tune=tune, test=test, stratify=stratify, seed=seed)


def row(subject, site="A", division=None):
    return {"subject_id": subject, "site": site, "division": division}


rows = st.builds(
    row,
    st.sampled_from("abcdefghij"),
    st.sampled_from(["A", "B", None]),
    st.sampled_from(["test", "train_tune", None]),
)
tables = st.dictionaries(st.integers(0, 99).map("R-{:02}".format), rows, max_size=30)


@given(tables, st.booleans(), st.integers(0, 5))
def test_no_subject_is_ever_in_two_parts_and_every_sample_is_somewhere(facts, published, seed):
    divided = divide(split(seed=seed), facts, published=published)
    where = defaultdict(set)
    for sample, part in divided.parts.items():
        where[facts[sample]["subject_id"]].add(part)
    assert all(len(parts) == 1 for parts in where.values())
    gone = [row["sample_id"] for row in divided.exclusions]
    assert sorted([*divided.parts, *gone]) == sorted(facts)


@given(tables, st.booleans(), st.randoms())
def test_the_order_of_rows_changes_nothing(facts, published, chance):
    order = list(facts)
    chance.shuffle(order)
    shuffled = {sample: facts[sample] for sample in order}
    assert divide(split(), facts, published=published).parts == (
        divide(split(), shuffled, published=published).parts
    )


@given(tables)
def test_with_three_subjects_or_more_no_part_is_empty(facts):
    divided = divide(split(), facts, published=False)
    if len({row["subject_id"] for row in facts.values()}) >= 3:
        assert divided.empty == []


@given(tables)
def test_a_published_division_never_puts_a_listed_test_sample_into_training(facts):
    parts = divide(split(), facts, published=True).parts
    for sample, row in facts.items():
        assert (parts.get(sample) == "test") == (row["division"] == "test")


def test_shares_hold_over_all_and_within_each_stratum():
    facts = {f"R-{n}": row(f"S-{n}", site="ABC"[n % 3]) for n in range(150)}
    parts = divide(split(), facts, published=False).parts
    assert Counter(parts.values()) == {"train": 90, "tune": 30, "test": 30}
    for site in "ABC":
        held = Counter(part for sample, part in parts.items() if facts[sample]["site"] == site)
        assert all(abs(held[part] - share) <= 1 for part, share in zip(PARTS, (30, 10, 10), strict=True))


def test_another_seed_draws_other_people():
    facts = {f"R-{n}": row(f"S-{n}") for n in range(30)}
    draws = {tuple(sorted(divide(split(seed=s), facts, published=False).parts.items())) for s in range(5)}
    assert len(draws) == 5


def test_of_a_person_on_both_sides_the_test_samples_stay_and_the_others_are_left_out():
    # MIT-BIH records 201 and 202 are one person, in DS1 and DS2.
    facts = {
        "R-201": row("p", division="train_tune"),
        "R-202": row("p", division="test"),
        "R-102": row("q"),
        "R-101": row("r", division="train_tune"),
        "R-106": row("s", division="train_tune"),
    }
    divided = divide(split(), facts, published=True)
    assert {row["sample_id"]: (row["check"], row["reason"]) for row in divided.exclusions} == {
        "R-201": ("division:subject_in_test", "same_subject"),
        "R-102": ("division:unlisted", "outside_cohort"),
    }
    assert divided.parts["R-202"] == "test"
    assert {divided.parts["R-101"], divided.parts["R-106"]} == {"train", "tune"}


def test_a_stratum_that_is_no_column_is_wrong_use():
    with pytest.raises(WrongUse, match="Did you mean 'site'"):
        divide(split(stratify=("sit",)), {"R-1": row("p")}, published=False)


def held(**condition):
    return split().model_copy(update={"hold_out": (Condition.model_validate(condition),)})


holds = {
    "a site": ({"column": "site", "among": ["B"]}, lambda row: row["site"] == "B"),
    "a device": ({"column": "device", "among": ["new"]}, lambda row: row["device"] == "new"),
    "a period": ({"column": "acquired_year", "minimum": 2022}, lambda row: row["acquired_year"] >= 2022),
}


@pytest.mark.parametrize(("condition", "is_held"), holds.values(), ids=holds)
def test_what_is_held_out_is_the_test_part_and_nothing_else_is(condition, is_held):
    facts = {
        f"R-{n:02}": row(f"S-{n}", site="AB"[n % 5 == 0])
        | {"device": "new" if n % 4 == 0 else "old", "acquired_year": 2018 + n % 7}
        for n in range(60)
    }
    parts = divide(held(**condition), facts, published=False).parts
    assert {sample for sample, part in parts.items() if part == "test"} == {
        sample for sample, one in facts.items() if is_held(one)
    }
    assert set(parts) == set(facts)
    assert {"train", "tune"} < set(parts.values())


def test_a_person_seen_at_the_held_out_site_and_elsewhere_leaves_training():
    facts = {"R-1": row("p", "B"), "R-2": row("p", "A"), "R-3": row("q", None)}
    facts |= {f"R-{n}": row(f"S-{n}", "A") for n in range(4, 10)}
    divided = divide(held(column="site", among=["B"]), facts, published=False)
    assert divided.parts["R-1"] == "test"
    assert {one["sample_id"]: one["check"] for one in divided.exclusions} == {
        "R-2": "hold_out:subject_in_test",
        "R-3": "hold_out:not_stated",
    }


@given(tables, st.lists(st.tuples(st.sampled_from("abcdefghij"), st.sampled_from("abcdefghij")), max_size=5))
def test_people_of_one_group_are_never_parted(facts, links):
    subjects = {sample: one["subject_id"] for sample, one in facts.items()}
    by_subject = {subject: sample for sample, subject in subjects.items()}
    found = [Pair(by_subject[a], by_subject[b], 1.0) for a, b in links if a in by_subject and b in by_subject]
    tied = groups(found, subjects)
    parts = divide(split(), facts, published=False, groups=tied).parts
    where = defaultdict(set)
    for sample, part in parts.items():
        where[tied[subjects[sample]]].add(part)
    assert all(len(of_group) == 1 for of_group in where.values())


@given(tables, st.integers(0, 3))
def test_a_split_that_keeps_places_moves_nobody(facts, lost):
    keeps = split().model_copy(update={"keep_places": True})
    first = divide(keeps, facts, published=False).parts
    placed = {facts[sample]["subject_id"]: part for sample, part in first.items()}
    fewer = {sample: one for sample, one in facts.items() if one["subject_id"] != "abcd"[lost]}
    again = divide(keeps, fewer, published=False, placed=placed).parts
    everyone_of_old = {first[sample] for sample in fewer} == set(first.values())
    if everyone_of_old:
        assert again == {sample: first[sample] for sample in fewer}
