from pathlib import Path

import pytest
from ruamel.yaml import YAML

from medassay.core.errors import WrongUse
from medassay.evaluation.planning import load_protocol, needed_subjects, plans_of, power_of
from medassay.evaluation.protocol import Goal, PlannedSize, Protocol

ROOT = Path(__file__).parents[2]
TEXT = {"zh": "甲", "en": "a"}
AT_LEAST = Goal(direction="at_least", limit=0.85)
PLAN = {
    "measure": "proportion",
    "assumed": 0.9,
    "subjects": 363,
    "per_subject": 1,
    "correlation": 0,
    "aim": 0.8,
    "power": 0.772,
    "reason": TEXT,
}


def size(**changes):
    return PlannedSize.model_validate(PLAN | changes)


def protocol(plan, *, interval="bca", limit=0.85):
    goal = {"hospital": {"direction": "at_least", "limit": limit}}
    return Protocol.model_validate(
        {
            "version": "1",
            "task": "events",
            "endpoints": [{"id": "se", "title": TEXT, "metric": "sensitivity", "goals": goal}],
            "primary": "se",
            "alpha": 0.025,
            "confidence": 0.95,
            "multiplicity": "single_primary",
            "tested": ["se"],
            "replicates": 2000,
            "sample_size": {"hospital": plan},
            "interval": interval,
            "seed": 1,
            "unit_of_analysis": "subject",
            "clusters": "subject",
            "minimum_subjects": 10,
            "missing_prediction": "worst",
            "unusable_prediction": "worst",
            "empties": "not_counted",
            "minimum_cell": 5,
            "options": {},
            "subgroups": [],
            "factors": [],
            "looks_before": {},
            "stress": None,
        }
    )


def test_the_number_of_the_normal_formula_has_the_exact_power_and_not_the_one_it_promises():
    assert power_of(size(), AT_LEAST, alpha=0.025) == pytest.approx(0.772, abs=5e-4)
    needed = needed_subjects(size(), AT_LEAST, alpha=0.025)
    assert power_of(size(subjects=needed), AT_LEAST, alpha=0.025) >= 0.8


def test_the_power_of_a_mean_is_that_of_students_noncentral_t():
    from statsmodels.stats.power import TTestPower

    plan = size(measure="mean", assumed=0.85, spread=0.08, subjects=12)
    goal = Goal(direction="at_least", limit=0.8)
    expected = TTestPower().power(0.05 / 0.08, 12, 0.025, alternative="larger")
    assert power_of(plan, goal, alpha=0.025) == pytest.approx(expected, abs=1e-9)
    below = size(measure="mean", assumed=0.75, spread=0.08, subjects=12)
    assert power_of(below, goal, alpha=0.025) == 0


def test_the_power_of_a_rate_is_the_exact_poisson_chance_of_few_enough_events():
    from scipy.stats import poisson

    plan = size(measure="rate", assumed=0.5, subjects=20, per_subject=1)
    goal = Goal(direction="at_most", limit=1.0)
    most = max(k for k in range(20) if poisson.cdf(k, 20) <= 0.025)
    assert power_of(plan, goal, alpha=0.025) == pytest.approx(poisson.cdf(most, 10))


def test_the_power_of_an_area_is_that_at_which_its_sample_size_was_planned():
    """Obuchowski, Lieber and Wians 2004, as R's power.roc.test has it: held in tests/statistics/test_sample_size.py."""
    from medassay.statistics.sample_size.roc_area import auc_sample_size

    goal = Goal(direction="at_least", limit=0.65)
    for share, aim in ((0.4, 0.8), (0.2, 0.9)):
        needed = auc_sample_size(
            0.85,
            null=0.65,
            alpha=0.025,
            power=aim,
            negatives_per_positive=(1 - share) / share,
            alternative="one_sided",
        )
        cases = needed.positives / share
        plan = size(measure="area", assumed=0.85, subjects=1000, positives=share, per_subject=cases / 1000)
        assert power_of(plan, goal, alpha=0.025) == pytest.approx(aim)
    below = size(measure="area", assumed=0.6, subjects=100, positives=0.4)
    assert power_of(below, goal, alpha=0.025) == 0


def test_an_interval_of_single_trials_is_refused_for_people_with_several_events():
    power = round(power_of(size(subjects=100, per_subject=4), AT_LEAST, alpha=0.025), 3)
    plan = PLAN | {"subjects": 100, "per_subject": 4, "power": power}
    with pytest.raises(WrongUse, match="every event for a person") as error:
        plans_of(protocol(plan, interval="wilson"))
    assert "wilson" not in error.value.wanted


def test_a_proportion_under_an_interval_of_areas_is_planned_with_what_it_is_given():
    plan = PLAN | {"subjects": 18, "per_subject": 5, "correlation": 0.1, "power": 0.813}
    bca, area = (plans_of(protocol(plan, interval=named, limit=0.75))[0] for named in ("bca", "delong"))
    assert area.coverage == bca.coverage


def test_events_of_one_person_are_worth_fewer_than_as_many_people():
    alone = power_of(size(subjects=100), AT_LEAST, alpha=0.025)
    same = power_of(size(subjects=20, per_subject=5), AT_LEAST, alpha=0.025)
    alike = power_of(size(subjects=20, per_subject=5, correlation=0.3), AT_LEAST, alpha=0.025)
    assert alone == same > alike


FORTY = size(assumed=0.95, subjects=40, per_subject=20, correlation=0.4)
POWER_OF_FORTY = round(power_of(FORTY, AT_LEAST, alpha=0.025), 3)
refused = {
    "another power than the assumptions give": (PLAN | {"power": 0.8, "shortfall": TEXT}, "bca", "0.772"),
    "too little power without a word": (PLAN, "bca", "subjects"),
    "an interval that fails where few people err": (
        PLAN
        | {"assumed": 0.95, "subjects": 40, "per_subject": 20, "correlation": 0.4, "power": POWER_OF_FORTY},
        "korn_graubard",
        "korn_graubard_bounded",
    ),
    "a proportion beyond 1": (PLAN | {"assumed": 1.2}, "bca", "strictly between"),
    "a share of positive cases of a proportion": (
        PLAN | {"positives": 0.4},
        "bca",
        "`positives` for an area",
    ),
    "an area without a share of positive cases": (
        PLAN | {"measure": "area"},
        "delong",
        "`positives` for an area",
    ),
    "a spread of a proportion": (PLAN | {"spread": 0.1}, "bca", "spread"),
}


@pytest.mark.parametrize(("plan", "interval", "says"), refused.values(), ids=refused)
def test_an_unsound_plan_is_refused_with_the_figure_or_method_to_write(plan, interval, says):
    made = protocol(plan, interval=interval)
    with pytest.raises(WrongUse) as error:
        plans_of(made)
    assert says in error.value.wanted
    assert error.value.where.startswith(("sample_size.hospital", "interval"))
    assert error.value.remedy


def test_the_better_interval_is_accepted_in_the_scenario_that_refuses_the_other():
    plan = PLAN | {"subjects": 18, "per_subject": 5, "correlation": 0.1, "power": 0.813}
    found = plans_of(protocol(plan, interval="bca", limit=0.75))
    assert found[0].coverage >= 0.93
    with pytest.raises(WrongUse, match="Write interval: bca"):
        plans_of(protocol(plan, interval="percentile", limit=0.75))


@pytest.mark.parametrize("path", sorted((ROOT / "evaluation").glob("*.yaml")), ids=lambda path: path.stem)
def test_every_protocol_of_this_repository_is_complete_and_soundly_planned(path):
    assert plans_of(load_protocol(path))


def test_a_refusal_names_the_file_and_the_field(tmp_path):
    source = sorted((ROOT / "evaluation").glob("*.yaml"))[0]
    yaml = YAML()
    tree = yaml.load(source.read_text("utf-8"))
    tree["sample_size"]["phantom"]["power"] = 0.5
    path = tmp_path / "one.yaml"
    yaml.dump(tree, path)
    with pytest.raises(WrongUse) as error:
        load_protocol(path)
    assert error.value.where == f"{path}: sample_size.phantom"
    del tree["alpha"]
    yaml.dump(tree, path)
    with pytest.raises(WrongUse, match="alpha"):
        load_protocol(path)
