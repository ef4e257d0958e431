"""Figures of ranks, of stated shares and of absolute sums go the way of every other: groups, stress, comparison."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from medassay.core.errors import WrongUse
from medassay.evaluation.analysis import analyse
from medassay.evaluation.comparison import compare
from medassay.evaluation.formulas import formulas_of, intervals_of
from medassay.evaluation.protocol import OF_ANY, OF_AREAS, Condition, Protocol
from medassay.evaluation.robustness import Disturbed, robustness
from medassay.evaluation.scorer import Metric, Share
from medassay.evaluation.sufficient import summed
from medassay.statistics.area_homogeneity import area_homogeneity
from medassay.statistics.clustered_roc import clustered_auc, clustered_auc_difference
from medassay.statistics.delong import area_variance, auc, auc_difference, auc_difference_unpaired

TEXT = {"zh": "甲", "en": "a"}
ONE_CLASS = "all cases are of one class"
METRICS = {
    "auc": Metric({"positive": 1}, {"negative": 1}, "1", "higher", ONE_CLASS, form="area"),
    "se": Metric({"tp": 1}, {"tp": 1, "fn": 1}, "1", "higher", "no positive case"),
    "ppv_at": Metric(
        {"tp": 1},
        {"tp": 1, "fp": 1},
        "1",
        "higher",
        ONE_CLASS,
        standard=(Share({"tp": 1, "fn": 1}, 0.2), Share({"fp": 1, "tn": 1}, 0.8)),
    ),
    "gap": Metric({"low": 1, "high": 1}, {"cases": 1}, "1", "lower", "no case", form="absolute"),
}
PLAN = {
    "version": "1",
    "task": "any",
    "endpoints": [
        {
            "id": "auc",
            "title": TEXT,
            "metric": "auc",
            "goals": {"hospital": {"direction": "at_least", "limit": 0.6}},
        },
        {"id": "se", "title": TEXT, "metric": "se"},
        {"id": "ppv", "title": TEXT, "metric": "ppv_at"},
        {"id": "gap", "title": TEXT, "metric": "gap"},
    ],
    "primary": "auc",
    "alpha": 0.025,
    "confidence": 0.95,
    "tested": ["auc"],
    "multiplicity": "single_primary",
    "replicates": 1000,
    "sample_size": {
        "hospital": {
            "measure": "area",
            "assumed": 0.8,
            "subjects": 80,
            "per_subject": 1,
            "correlation": 0,
            "positives": 0.4,
            "aim": 0.8,
            "power": 0.9,
            "reason": TEXT,
        }
    },
    "interval": "delong",
    "seed": 1,
    "unit_of_analysis": "subject",
    "clusters": "subject",
    "minimum_subjects": 10,
    "missing_prediction": "worst",
    "unusable_prediction": "worst",
    "empties": "not_counted",
    "subgroups": ["site"],
    "minimum_cell": 3,
    "options": {},
    "factors": [],
    "looks_before": {},
    "stress": None,
}


def protocol(**changes):
    return Protocol.model_validate(PLAN | changes)


def people(n=90, seed=1, cases=1, shift=1.3):
    """Labels and scores of each subject's cases, with a second score of the same cases."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(n):
        truth = rng.random(cases) < 0.4
        own = rng.normal(0, 0.7)
        first = np.round(rng.normal(truth * shift + own, 1), 1)
        found.append((truth, first, np.round(first + rng.normal(0, 0.8, cases), 1)))
    return found


def statistics(truth, scores):
    call = scores > 0.7
    counts = (truth & call, ~truth & call, truth & ~call, ~truth & ~call)
    cells = {name: float(c.sum()) for name, c in zip(("tp", "fp", "fn", "tn"), counts, strict=True)}
    apart = 1 / (1 + np.exp(-scores)) - truth
    return {
        **cells,
        "positive": tuple(sorted(scores[truth].tolist())),
        "negative": tuple(sorted(scores[~truth].tolist())),
        "low": float(apart[scores <= 0].sum()),
        "high": float(apart[scores > 0].sum()),
        "cases": float(len(truth)),
    }


def flat(found, which=1):
    truth = np.concatenate([one[0] for one in found])
    owner = np.repeat(np.arange(len(found)), [len(one[0]) for one in found])
    return truth, np.concatenate([one[which] for one in found]), owner


def sites(n):
    return [{"site": "abc"[k % 3]} for k in range(n)]


def analysed(found, plan=None, **more):
    names = [f"s{k:03d}" for k in range(len(found))]
    rows = [statistics(truth, first) for truth, first, _ in found]
    return analyse(
        plan or protocol(), METRICS, names, rows, sites(len(found)), "hospital", synthetic=False, **more
    )


def ends(estimate):
    return estimate.value, estimate.lower, estimate.upper


@pytest.mark.parametrize("named", ["delong", "delong_logit", "newcombe"])
def test_an_endpoint_has_delongs_interval_where_people_have_one_case_each(named):
    found = people()
    truth, scores, _ = flat(found)
    result = analysed(found, protocol(interval=named)).of("auc")
    assert ends(result.estimate) == pytest.approx(ends(auc(truth, scores, interval=named)))
    assert (result.estimate.method, result.estimate.n_subjects) == (
        auc(truth, scores, interval=named).method,
        90,
    )
    assert result.estimate.value == pytest.approx(roc_auc_score(truth, scores))
    assert result.verdict == "met"


@pytest.mark.parametrize(
    ("named", "clustered"),
    [
        ("delong", "obuchowski"),
        ("delong_logit", "obuchowski_logit"),
        ("obuchowski", "obuchowski"),
        ("percentile", "percentile"),
        ("bca", "bca"),
    ],
)
def test_where_people_have_several_cases_the_person_is_the_unit(named, clustered):
    found = people(40, cases=4)
    expected = clustered_auc(*flat(found), interval=clustered, seed=1, replicates=1000)
    result = analysed(found, protocol(interval=named)).of("auc").estimate
    assert ends(result) == pytest.approx(ends(expected))
    assert (result.n_subjects, result.n_events) == (40, 160)
    assert result.method == expected.method


def test_newcombes_interval_of_several_cases_of_a_person_is_none_and_says_so():
    result = analysed(people(40, cases=4), protocol(interval="newcombe")).of("auc")
    assert result.estimate.lower is None
    assert "several cases of one person" in result.estimate.undefined
    assert result.verdict == "insufficient"


def test_figures_of_sums_under_an_interval_of_areas_are_given_bca_and_an_endpoint_may_name_its_own():
    result = analysed(people())
    assert result.of("se").estimate.method.startswith("cluster_bootstrap_bca")
    own = [PLAN["endpoints"][0], PLAN["endpoints"][1] | {"interval": "wilson"}, *PLAN["endpoints"][2:]]
    named = analysed(people(), protocol(endpoints=own)).of("se").estimate
    assert named.method == "wilson"
    several = analysed(people(40, cases=4), protocol(endpoints=own)).of("se").estimate
    assert several.lower is None
    assert "several events of one person" in several.undefined


def test_a_predictive_value_at_a_prevalence_is_resampled_with_both_its_shares():
    estimate = analysed(people(300)).of("ppv").estimate
    truth, scores, _ = flat(people(300))
    call = scores > 0.7
    se, fp = call[truth].mean(), call[~truth].mean()
    assert estimate.value == pytest.approx(se * 0.2 / (se * 0.2 + fp * 0.8))
    rng = np.random.default_rng(9)
    drawn = []
    for _ in range(2000):
        k = rng.integers(0, 300, 300)
        t, c = truth[k], call[k]
        drawn.append(c[t].mean() * 0.2 / (c[t].mean() * 0.2 + c[~t].mean() * 0.8))
    assert (estimate.lower, estimate.upper) == pytest.approx(np.quantile(drawn, [0.025, 0.975]), abs=0.02)


def test_subgroups_are_masks_and_their_heterogeneity_is_that_of_independent_areas():
    found = people(120)
    (axis,) = analysed(found).subgroups
    for k, cell in enumerate(axis.cells):
        truth, scores, _ = flat(found[k::3])
        assert ends(cell.estimates["auc"]) == pytest.approx(ends(auc(truth, scores)))
    test = area_homogeneity([area_variance(*flat(found[k::3])[:2]) for k in range(3)])
    assert axis.heterogeneity.p_value == pytest.approx(test.p_value)
    assert axis.heterogeneity.groups == 3


def test_two_independent_areas_differ_as_the_unpaired_test_has_it():
    found = people(120)
    one, other = (flat(found[k::2])[:2] for k in range(2))
    z = auc_difference_unpaired(one, other, reference="normal")
    test = area_homogeneity([area_variance(*one), area_variance(*other)])
    assert test.statistic == pytest.approx(z.statistic**2)
    assert test.p_value == pytest.approx(z.p_value)


def test_one_area_in_all_groups_is_rejected_in_a_twentieth_of_studies():
    rng = np.random.default_rng(2)
    rejected = 0
    for _ in range(400):
        truth = rng.random((3, 100)) < 0.5
        scores = rng.normal(truth * 1.0, 1)
        found = area_homogeneity([area_variance(t, s) for t, s in zip(truth, scores, strict=True)])
        rejected += found.p_value < 0.05
    assert 0.02 < rejected / 400 < 0.09


def test_a_group_whose_classes_are_perfectly_apart_leaves_the_test_undefined():
    areas = [area_variance([0, 0, 1, 1], [1, 2, 3, 4]), area_variance([0, 0, 1, 1], [1, 3, 2, 4])]
    assert area_homogeneity(areas).undefined == "a group's area has no variance, or one of zero"
    assert area_homogeneity(areas[:1]).p_value is None


def test_other_primary_figures_are_held_against_permuted_people():
    first = PLAN["endpoints"][0] | {"metric": "ppv_at"}
    plan = {"measure": "mean", "spread": 0.2, "positives": None}
    size = {"hospital": PLAN["sample_size"]["hospital"] | plan}
    found = analysed(people(120), protocol(endpoints=[first], sample_size=size))
    axis = found.subgroups[0]
    assert 0 < axis.heterogeneity.p_value <= 1
    assert axis.heterogeneity.method.startswith("permutation(subjects")


def test_the_sensitivity_of_the_primary_area_names_people_without_whom_it_is_least_and_most():
    found = people(30)
    result = analysed(found, answered=[statistics(t, f) for t, f, _ in found[:25]] + [{}] * 5)
    by = {one.choice: one for one in result.sensitivity}
    areas = [roc_auc_score(*flat([p for n, p in enumerate(found) if n != k])[:2]) for k in range(30)]
    assert by["one_subject_less_lowest"].estimate.value == pytest.approx(min(areas))
    assert by["one_subject_less_highest"].estimate.value == pytest.approx(max(areas))
    assert by["other_interval"].estimate.method.startswith("cluster_bootstrap_bca")
    truth, scores, _ = flat(found[:25])
    assert by["answered_only"].estimate.value == pytest.approx(roc_auc_score(truth, scores))


def test_holms_rule_widens_delongs_interval():
    tested = [PLAN["endpoints"][0], PLAN["endpoints"][1] | {"goals": PLAN["endpoints"][0]["goals"]}]
    plan = protocol(endpoints=tested, tested=["auc", "se"], multiplicity="holm")
    result = analysed(people(), plan).of("auc")
    assert result.decided_at == pytest.approx(0.975)
    assert result.verdict == "met"


@pytest.mark.parametrize("cases", [1, 3])
def test_two_devices_on_the_same_cases_differ_as_paired_delong_and_obuchowski_have_it(cases):
    found = people(60, cases=cases)
    names = [f"s{k:03d}" for k in range(60)]
    new, old = (
        {name: statistics(one[0], one[which]) for name, one in zip(names, found, strict=True)}
        for which in (1, 2)
    )
    difference = compare(protocol(), METRICS, new, old)[0]
    truth, first, owner = flat(found)
    _, second, _ = flat(found, 2)
    expected = clustered_auc_difference(truth, first, second, owner)
    if cases == 1:
        assert expected.p_value == pytest.approx(auc_difference(truth, first, second).p_value)
    assert ends(difference.difference) == pytest.approx(ends(expected.difference))
    assert difference.new.value == pytest.approx(roc_auc_score(truth, first))
    assert difference.mcnemar_p is None
    resampled = compare(protocol(interval="bca"), METRICS, new, old)[0]
    assert "percentile" in resampled.difference.method
    with pytest.raises(WrongUse, match="not as many on both sides"):
        compare(protocol(), METRICS, new, old | {"s000": old["s000"] | {"positive": (1.0, 2.0, 3.0, 4.0)}})


def test_an_area_under_disturbance_is_held_against_the_same_people_undisturbed():
    found = people(40)
    names = [f"s{k:03d}" for k in range(40)]
    plain = {name: statistics(one[0], one[1]) for name, one in zip(names, found, strict=True)}
    worse = {name: statistics(one[0], -one[1]) for name, one in zip(names, found, strict=True)}
    condition = Condition(id="noise", title=TEXT, perturbation="noise", strengths=(1, 2), hold_to=1)
    goal = protocol().of("auc").goals["hospital"]
    tried = robustness(
        protocol(),
        METRICS["auc"],
        condition,
        plain,
        {1: Disturbed(plain, 40, 0), 2: Disturbed(worse, 40, 3)},
        goal,
    )
    assert (tried.held, tried.lost_at) == (True, 2)
    assert tried.points[1].estimate.value == pytest.approx(1 - tried.undisturbed.value)
    assert tried.points[0].change.value == 0
    assert tried.points[1].change.upper < 0


def test_an_interval_that_is_not_made_for_a_figure_is_refused_before_anything_is_computed():
    assert intervals_of(METRICS["auc"]) == (*OF_ANY, *OF_AREAS)
    assert intervals_of(METRICS["gap"]) == OF_ANY
    for place, wrong in ((0, "wilson"), (1, "delong"), (2, "rao_scott")):
        endpoints = list(PLAN["endpoints"])
        endpoints[place] = endpoints[place] | {"interval": wrong}
        with pytest.raises(WrongUse, match="made for"):
            formulas_of(protocol(endpoints=endpoints), METRICS)


def test_a_plan_of_another_measure_than_the_primary_endpoint_is_refused():
    mean = PLAN["sample_size"]["hospital"] | {"measure": "mean", "spread": 0.1, "positives": None}
    with pytest.raises(WrongUse, match="measure: area"):
        formulas_of(protocol(sample_size={"hospital": mean}), METRICS)


def test_scores_and_numbers_are_never_taken_for_each_other():
    with pytest.raises(WrongUse, match="as a number and as scores"):
        summed([{"a": 1.0}, {"a": (1.0,)}])
    wrong = {
        "sum": Metric({"positive": 1}, {"cases": 1}, "1", "higher", "-"),
        "rank": Metric({"tp": 1}, {"negative": 1}, "1", "higher", "-", form="area"),
    }
    found = people(5)
    rows = [statistics(t, f) for t, f, _ in found]
    from medassay.evaluation.subject_table import SubjectTable

    table = SubjectTable(tuple("abcde"), rows)
    for metric in wrong.values():
        with pytest.raises(WrongUse, match="mend the scorer"):
            table.figure(metric)
    rows[0]["positive"] = (float("nan"),)
    with pytest.raises(WrongUse, match="not finite"):
        SubjectTable(tuple("abcde"), rows).figure(METRICS["auc"])
