import numpy as np
import pytest

from medassay.core.errors import EvidenceBroken, WrongUse
from medassay.evaluation.analysis import Results, analyse
from medassay.evaluation.double_entry import enter_twice, require_agreement
from medassay.evaluation.figure_of_sums import is_proportion
from medassay.evaluation.protocol import Protocol, Verdict
from medassay.evaluation.scorer import Metric
from medassay.evaluation.strata import strata_of
from medassay.statistics.ratio import ratio
from medassay.statistics.resampling import resampling_weights

TEXT = {"zh": "甲", "en": "a"}
SENSITIVITY = Metric({"tp": 1}, {"tp": 1, "fn": 1}, "1", "higher", "no reference event")
ALARMS = Metric({"fp": 1}, {"days": 1}, "1/d", "lower", "no time recorded")
METRICS = {"sensitivity[v]": SENSITIVITY, "alarms": ALARMS}


def plan(**changes):
    fields = {
        "version": "1",
        "task": "events",
        "endpoints": [
            {
                "id": "se",
                "title": TEXT,
                "metric": "sensitivity",
                "of": "v",
                "goals": {"hospital": {"direction": "at_least", "limit": 0.6}},
            },
            {"id": "fa", "title": TEXT, "metric": "alarms"},
        ],
        "primary": "se",
        "alpha": 0.025,
        "tested": ["se"],
        "sample_size": {
            "hospital": {
                "measure": "proportion",
                "assumed": 0.9,
                "subjects": 12,
                "per_subject": 8,
                "correlation": 0.05,
                "aim": 0.8,
                "power": 0.999,
                "reason": TEXT,
                "shortfall": TEXT,
            }
        },
        "interval": "percentile",
        "clusters": "subject",
        "unusable_prediction": "worst",
        "empties": "not_counted",
        "stress": None,
        "confidence": 0.95,
        "replicates": 1000,
        "seed": 4,
        "unit_of_analysis": "subject",
        "minimum_subjects": 10,
        "multiplicity": "single_primary",
        "missing_prediction": "worst",
        "subgroups": ["site", "sex"],
        "minimum_cell": 5,
        "options": {},
        "factors": [],
        "looks_before": {},
    }
    return Protocol.model_validate(fields | changes)


ROWS = [{"tp": 7.0 + i % 3, "fn": 1.0 + i % 2, "fp": float(i % 4), "days": 2.0} for i in range(12)]
NAMES = [f"s{i:02d}" for i in range(12)]
SITES = [{"site": "north" if i < 7 else "south" if i < 11 else None, "sex": None} for i in range(12)]


def results(protocol=None, *, rows=ROWS, names=NAMES, strata=SITES, source="hospital", **options):
    options = {"synthetic": False} | options
    return analyse(protocol or plan(), METRICS, names, rows, strata, source, **options)


def test_an_estimate_is_the_ratio_of_the_statistics_with_the_protocols_seed_and_interval():
    tp, fn = (np.array([row[name] for row in ROWS]) for name in ("tp", "fn"))
    for interval in ("percentile", "bca"):
        expected = ratio(
            tp, tp + fn, undefined="no reference event", seed=4, replicates=1000, interval=interval,
            proportion=True,
        )  # fmt: skip
        assert results(plan(interval=interval)).of("se").estimate == expected
    assert results().of("fa").estimate.unit == "1/d"


def test_analysing_twice_gives_the_same_record_to_the_last_digit():
    assert results().model_dump_json() == results().model_dump_json()
    assert Results.model_validate_json(results().model_dump_json()) == results()


def test_the_order_of_the_rows_changes_no_figure():
    turned = results(rows=ROWS[::-1], names=NAMES[::-1], strata=SITES[::-1], answered=ROWS[::-1])
    assert turned == results(answered=ROWS)


def test_the_verdict_is_that_of_the_primary_endpoint_under_the_goal_of_the_source():
    assert results().verdict is Verdict.MET
    assert results(synthetic=True).verdict is Verdict.DEMONSTRATION_ONLY
    assert results(plan(minimum_subjects=13)).verdict is Verdict.INSUFFICIENT
    assert results(source="elsewhere").verdict is None
    assert results().of("fa").verdict is None


def test_people_without_a_reference_event_do_not_fill_up_the_minimum_of_subjects():
    rows = [*ROWS[:9], *({"tp": 0.0, "fn": 0.0, "fp": 1.0, "days": 2.0} for _ in range(3))]
    assert results(rows=rows).of("se").estimate.n_subjects == 9
    assert results(rows=rows).verdict is Verdict.INSUFFICIENT
    assert results(plan(minimum_subjects=9), rows=rows).verdict is Verdict.MET


def test_the_cells_of_an_axis_add_up_to_the_subjects_and_small_ones_are_not_shown():
    site = results().subgroups[0]
    assert [(c.level, c.subjects, bool(c.estimates), c.not_shown) for c in site.cells] == [
        ("north", 7, True, ""),
        ("south", 4, False, "not shown: n < 5"),
        (None, 1, False, "not shown: n < 5"),
    ]
    assert site.cells[0].estimates["se"].n_subjects == 7
    alone = results(rows=ROWS[:7], names=NAMES[:7], strata=SITES[:7])
    assert site.cells[0].estimates["se"].value == alone.of("se").estimate.value


def test_a_subgroup_is_a_mask_on_the_one_draw_of_all_subjects():
    weights = resampling_weights(12, 1000, seed=4)[:, :7]
    tp, fn = (np.array([row[name] for row in ROWS[:7]]) for name in ("tp", "fn"))
    masked = np.quantile((weights @ tp) / (weights @ (tp + fn)), [0.025, 0.975])
    found = results().subgroups[0].cells[0].estimates["se"]
    assert (found.lower, found.upper) == pytest.approx(tuple(masked))


def test_a_subgroup_of_three_people_has_a_figure_and_no_resampled_interval():
    few = [{"site": "east" if i < 3 else "west", "sex": None} for i in range(12)]
    found = results(plan(minimum_cell=3), strata=few).subgroups[0].cells[0].estimates["se"]
    assert (found.n_subjects, found.lower) == (3, None)
    assert found.value is not None
    assert found.undefined.startswith("no interval: too few subjects")


def test_an_axis_that_nobody_states_is_not_available():
    sex = results().subgroups[1]
    assert (sex.available, sex.not_available, sex.cells) == (False, "not available", ())


def test_leaving_one_person_out_shows_how_much_hangs_on_one():
    rows = [*ROWS[:-1], {"tp": 0.0, "fn": 80.0, "fp": 0.0, "days": 2.0}]
    found = {one.choice: one for one in results(rows=rows).sensitivity}
    highest = found["one_subject_less_highest"]
    assert highest.subject == "s11"
    assert highest.verdict is Verdict.MET
    assert results(rows=rows).verdict is Verdict.NOT_MET
    assert found["one_subject_less_lowest"].estimate.value < results(rows=rows).of("se").estimate.value


def test_the_other_interval_and_the_answered_samples_stand_beside_the_figure():
    answered = [dict(row, fn=0.0) for row in ROWS]
    found = {one.choice: one for one in results(answered=answered).sensitivity}
    assert "bca" in found["other_interval"].estimate.method
    assert found["answered_only"].estimate.value == 1
    assert results().of("se").estimate.value < 1
    assert results(answered=[{}] * 12).sensitivity == results().sensitivity


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_statistic_that_is_not_finite_is_refused_before_anything_is_drawn(bad):
    with pytest.raises(WrongUse, match="not finite"):
        results(rows=[dict(ROWS[0], tp=bad), *ROWS[1:]])


@pytest.mark.parametrize("interval", ["rao_scott", "korn_graubard"])
def test_a_closed_interval_is_of_proportions_in_every_group_and_other_figures_are_resampled(interval):
    found = results(plan(interval=interval))
    cell = found.subgroups[0].cells[0].estimates
    assert found.of("se").estimate.method.startswith(interval)
    assert cell["se"].method.startswith(interval)
    assert "bootstrap_bca" in found.of("fa").estimate.method
    assert "bootstrap_bca" in found.sensitivity[0].estimate.method


def test_what_was_never_counted_is_refused_and_never_taken_for_zero():
    with pytest.raises(WrongUse, match="no statistic fp"):
        results(rows=[{"tp": 1.0, "fn": 1.0, "days": 1.0}] * 12)
    with pytest.raises(WrongUse, match="metric 'alarms'"):
        analyse(plan(), {"sensitivity[v]": SENSITIVITY}, NAMES, ROWS, SITES, "hospital", synthetic=False)


@pytest.mark.parametrize("names", [NAMES[:-1], ["s00"] * 12])
def test_rows_that_do_not_belong_to_one_subject_each_are_refused(names):
    with pytest.raises(WrongUse, match="each subject once"):
        results(names=names)


def test_no_test_subject_is_not_estimable_and_insufficient():
    nobody = results(rows=[], names=[], strata=[])
    assert nobody.of("se").estimate.undefined == "no reference event"
    assert nobody.verdict is Verdict.INSUFFICIENT


def test_only_a_part_of_a_whole_is_a_proportion():
    assert is_proportion(SENSITIVITY)
    assert is_proportion(Metric({"tp": 2}, {"tp": 2, "fp": 1, "fn": 1}, "1", "higher", "x"))
    assert is_proportion(Metric({"found": 1}, {"there": 1}, "1", "higher", "x", part=True))
    assert not is_proportion(ALARMS)
    assert not is_proportion(Metric({"dice": 1}, {"structures": 1}, "1", "higher", "x"))
    assert not is_proportion(Metric({"p": 1, "r": -1}, {"p": 1, "r": 1}, "1", "nearer_zero", "x"))


def test_a_person_seen_at_two_sites_is_counted_at_neither():
    assert strata_of([{"site": "a", "sex": "F"}, {"site": "b", "sex": None}]) == {
        "site": "several",
        "sex": "F",
    }
    assert strata_of([{"site": None}, {"site": None}]) == {"site": None}


def test_two_counts_that_agree_in_every_sample_pass():
    entries = enter_twice(
        [({"tp": 2.0}, {"tp": 2.0}), ({"tp": 1.0}, {"tp": 1.0})], headline=["tp"], tolerance=0
    )
    assert [(e.statistic, e.first, e.second, e.agrees) for e in entries] == [("tp", 3.0, 3.0, True)]
    require_agreement(entries)


differing = {
    "in the sum": [({"tp": 2.0}, {"tp": 2.0}), ({"tp": 1.0}, {"tp": 1.1})],
    "cancelling in the sum": [({"tp": 2.0}, {"tp": 1.0}), ({"tp": 1.0}, {"tp": 2.0})],
}


@pytest.mark.parametrize("samples", differing.values(), ids=differing)
def test_two_counts_that_differ_in_one_sample_block_every_figure(samples):
    entries = enter_twice(samples, headline=["tp"], tolerance=0.05)
    assert not entries[0].agrees
    with pytest.raises(EvidenceBroken, match="tp = "):
        require_agreement(entries)


@pytest.mark.parametrize("second", [{}, {"tp": float("nan")}])
def test_a_statistic_counted_once_only_is_not_entered_twice(second):
    with pytest.raises(EvidenceBroken, match="no finite tp"):
        enter_twice([({"tp": 1.0}, second)], headline=["tp"], tolerance=0)
