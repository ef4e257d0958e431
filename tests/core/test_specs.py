from typing import Literal

import pytest

from medassay.core.errors import WrongUse, located
from medassay.core.specs import Bilingual, Spec, load_spec


class Goal(Spec):
    at_least: float
    title: Bilingual


class Plan(Spec):
    dataset: str
    severity: Literal["warn", "exclude"] = "warn"
    goals: tuple[Goal, ...]


def write(tmp_path, text):
    path = tmp_path / "plan.yaml"
    path.write_text(text, "utf-8")
    return path


def test_a_spec_that_fits_is_loaded_frozen(tmp_path):
    plan = load_spec(
        write(tmp_path, "dataset: x\ngoals:\n- at_least: 0.9\n  title: {zh: 灵敏度, en: s}\n"), Plan
    )
    assert plan.goals[0].title.zh == "灵敏度"


def test_what_yaml_1_2_allows_is_read(tmp_path):
    """libyaml, which reads first, stops at a colon within a plain value in braces."""
    text = "dataset: x\ngoals:\n- at_least: 1\n  title: {zh: 见 42:1593, en: see 42:1593}\n"
    assert load_spec(write(tmp_path, text), Plan).goals[0].title.en == "see 42:1593"


faults = {
    "typo": (
        "dataset: x\ngoals:\n- at_lest: 0.9\n  title: {zh: a, en: b}\n",
        r":3.*|did you mean",
        "at_least",
    ),
    "wrong type": ("dataset: x\ngoals:\n- at_least: high\n  title: {zh: a, en: b}\n", r":3: ", "number"),
    "wrong word": (
        "dataset: x\nseverity: exlude\ngoals:\n- at_least: 1\n  title: {zh: a, en: b}\n",
        r":2: ",
        "Did you mean 'exclude'?",
    ),
    "decimal comma": (
        "dataset: x\ngoals:\n- {at_least: 0,75, title: {zh: a, en: b}}\n",
        r":3: ",
        "decimals with a point",
    ),
    "missing language": ("dataset: x\ngoals:\n- at_least: 1\n  title: {zh: a}\n", r":4: ", "required"),
    "same key twice": ("dataset: x\ndataset: y\n", r":2: ", "duplicate"),
    "broken": ("dataset: [x\n", r"plan.yaml:", "well-formed"),
}


@pytest.mark.parametrize(("text", "where", "says"), faults.values(), ids=faults)
def test_an_error_in_a_spec_names_file_line_and_what_to_do(tmp_path, text, where, says):
    with pytest.raises(WrongUse, match=where) as caught:
        load_spec(write(tmp_path, text), Plan)
    assert says in str(caught.value)
    assert caught.value.exit_code == 2


def test_an_unknown_field_gets_the_nearest_valid_name(tmp_path):
    path = write(tmp_path, "dataset: x\ngoals: []\ngols: []\n")
    with pytest.raises(WrongUse, match="Did you mean 'goals'") as caught:
        load_spec(path, Plan)
    assert caught.value.where.endswith("plan.yaml:3")


def test_a_missing_spec_names_its_nearest_neighbour(tmp_path):
    write(tmp_path, "dataset: x\n")
    with pytest.raises(WrongUse, match="Did you mean 'plan'"):
        load_spec(tmp_path / "plam.yaml", Plan)


def test_the_outer_place_stands_before_the_inner_one():
    with pytest.raises(WrongUse) as caught, located("a.xlsx"), located("row 3"):
        raise WrongUse(found="x", wanted="y", remedy="z.")
    assert str(caught.value) == "a.xlsx: row 3: found x; wanted y. z."
