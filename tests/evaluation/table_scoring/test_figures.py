"""Figures of whole tables: worked by hand, by published values, or by the reference files of outside tools."""

import importlib

import pytest
from sklearn.metrics import cohen_kappa_score

from medassay.core.errors import EvidenceBroken, WrongUse
from medassay.core.estimate import Estimate
from medassay.evaluation.table_scorer import Again, again
from medassay.verbs.score.by_table import require_same

ROOM = "medassay.evaluation.table_scoring"


def score(task, reference, predictions, **options):
    module = importlib.import_module(f"{ROOM}.{task}")
    options.setdefault("replicates", 200)
    return module.score(
        {"reference.csv": reference.encode()},
        {"predictions.csv": predictions.encode()},
        module.Options(**options),
    )


def value(found, figure):
    return found.figures[figure].value


LABELS = "case,label\na,1\nb,1\nc,0\nd,0\n"


def test_binary_figures_by_hand():
    found = score("classification", LABELS, "case,score\na,0.9\nb,0.4\nc,0.6\nd,0.1\n")
    assert value(found, "sensitivity") == 0.5
    assert value(found, "specificity") == 0.5
    assert value(found, "auc") == 0.75  # three of four pairs are in order
    assert value(found, "brier") == pytest.approx((0.01 + 0.36 + 0.36 + 0.01) / 4)
    assert found.tests["spiegelhalter"].p_value is not None


@pytest.mark.parametrize(
    ("rule", "sensitivity", "area"), [("wrong", 0.5, 0.5), ("negative", 0.5, 0.5), ("positive", 1.0, 1.0)]
)
def test_a_case_without_a_prediction_counts_as_the_declared_rule_says(rule, sensitivity, area):
    found = score("classification", LABELS, "case,score\na,0.9\nc,0.3\nd,0.1\n", missing=rule)
    assert value(found, "sensitivity") == sensitivity
    assert value(found, "auc") == area


def test_classes_without_scores_have_no_area_and_say_why():
    found = score("classification", LABELS, "case,predicted\na,1\nb,0\nc,0\nd,0\n")
    assert value(found, "accuracy") == 0.75
    assert found.figures["auc"].undefined == "predictions give a class without a score"


def test_a_score_beyond_one_is_a_score_where_scores_are_no_probabilities():
    found = score(
        "classification", LABELS, "case,score\na,9\nb,4\nc,6\nd,1\n", probabilities=False, threshold=5
    )
    assert value(found, "auc") == 0.75
    assert "brier" not in found.figures


def test_several_cases_of_a_person_make_the_person_the_unit():
    reference = "case,label,subject\n" + "".join(f"c{n},{n % 2},p{n // 4}\n" for n in range(24))
    found = score(
        "classification", reference, "case,score\n" + "".join(f"c{n},0.{n % 7}\n" for n in range(24))
    )
    assert found.unit_of_analysis == "subject"
    assert found.figures["sensitivity"].n_subjects == 6
    assert "bootstrap" in found.figures["sensitivity"].method


OVERLAPPING = "".join(f"c{n},0.{(3 * n + 4 * (n % 2)) % 10}\n" for n in range(24))
SINGLE = "case,label\n" + "".join(f"c{n},{n % 2}\n" for n in range(24))
REPEATED = "case,label,subject\n" + "".join(f"c{n},{n % 2},p{n // 3}\n" for n in range(24))
AREAS = {
    "delong": ("delong", "obuchowski"),
    "delong_logit": ("delong_logit", "obuchowski_logit"),
    "percentile": ("cluster_bootstrap_percentile", "cluster_bootstrap_percentile"),
    "bca": ("cluster_bootstrap_bca", "cluster_bootstrap_bca"),
}


@pytest.mark.parametrize("named", AREAS)
@pytest.mark.parametrize("repeated", [False, True])
def test_the_declared_interval_of_the_area_is_over_people_where_they_have_several_cases(named, repeated):
    reference = REPEATED if repeated else SINGLE
    found = score("classification", reference, "case,score\n" + OVERLAPPING, auc_interval=named)
    area = found.figures["auc"]
    assert area.method.split("(")[0] == AREAS[named][repeated]
    assert area.n_subjects == (8 if repeated else 24)
    assert area.lower < area.value < area.upper


def test_the_areas_of_several_labels_have_the_declared_interval_too():
    columns = "case,x,y\n" + "".join(f"c{n},{n % 2},{n % 3 == 0:d}\n" for n in range(24))
    scores = "case,x,y\n" + "".join(f"c{n},0.{(7 * n) % 10},0.{(3 * n) % 10}\n" for n in range(24))
    options = {"kind": "multilabel", "classes": ["x", "y"], "auc_interval": "delong_logit"}
    found = score("classification", columns, scores, **options)
    assert {found.figures[f"auc[{name}]"].method for name in "xy"} == {"delong_logit"}


def test_an_interval_of_independent_cases_is_refused_where_people_have_several():
    assert (
        score("classification", SINGLE, "case,score\n" + OVERLAPPING, auc_interval="newcombe")
        .figures["auc"]
        .method.startswith("newcombe")
    )
    with pytest.raises(WrongUse, match="newcombe"):
        score("classification", REPEATED, "case,score\n" + OVERLAPPING, auc_interval="newcombe")


def test_a_positive_label_that_nobody_has_is_refused():
    with pytest.raises(WrongUse, match="`positive`"):
        score("classification", "case,label\na,yes\nb,no\n", "case,score\na,1\nb,0\n")


MULTICLASS = "case,label\na,N\nb,N\nc,S\nd,V\ne,V\nf,V\n"


def test_multiclass_figures_by_hand():
    predicted = (
        "case,N,S,V\na,0.8,0.1,0.1\nb,0.3,0.6,0.1\nc,0.2,0.7,0.1\nd,0.1,0.1,0.8\ne,0,0,1\nf,0.6,0.3,0.1\n"
    )
    found = score("classification", MULTICLASS, predicted, kind="multiclass")
    assert value(found, "accuracy") == pytest.approx(4 / 6)
    assert value(found, "macro_recall") == pytest.approx((1 / 2 + 1 + 2 / 3) / 3)
    assert value(found, "auc_one_against_rest") is not None


def test_a_class_that_nobody_declared_is_wrong_and_said():
    found = score(
        "classification", MULTICLASS, "case,predicted\na,N\nb,N\nc,S\nd,V\ne,V\nf,Q\n", kind="multiclass"
    )
    assert value(found, "accuracy") == pytest.approx(5 / 6)
    assert found.cases[-1].status == "unusable"


def test_grades_need_their_order():
    with pytest.raises(WrongUse, match="lowest first"):
        score("classification", MULTICLASS, "case,predicted\na,N\n", kind="ordinal")


def test_ordinal_figures_by_hand():
    reference = "case,label\na,0\nb,1\nc,2\nd,2\n"
    found = score(
        "classification",
        reference,
        "case,predicted\na,0\nb,2\nc,0\nd,2\n",
        kind="ordinal",
        classes=("0", "1", "2"),
    )
    assert value(found, "mean_grade_error") == pytest.approx((0 + 1 + 2 + 0) / 4)
    assert value(found, "within_one_grade") == 0.75


def test_multilabel_figures_by_hand():
    found = score(
        "classification",
        "case,cough,fever\na,1,0\nb,1,1\nc,0,1\n",
        "case,cough,fever\na,0.9,0.8\nb,0.2,0.9\nc,0.1,0.7\n",
        kind="multilabel",
        classes=("cough", "fever"),
    )
    assert value(found, "hamming_loss") == pytest.approx(2 / 6)
    assert value(found, "micro_f1") == pytest.approx(0.75)
    assert value(found, "sensitivity[cough]") == 0.5


def test_bland_and_altmans_peak_flow_meters():
    """Lancet 327:307-310, 1986: Wright minus mini-Wright, mean -2.1, SD 38.8 L/min."""
    wright = [494, 395, 516, 434, 476, 557, 413, 442, 650, 433, 417, 656, 267, 478, 178, 423, 427]
    mini = [512, 430, 520, 428, 500, 600, 364, 380, 658, 445, 432, 626, 260, 477, 259, 350, 451]
    reference, predictions = (
        "case,value\n" + "".join(f"{n},{one}\n" for n, one in enumerate(side)) for side in (mini, wright)
    )
    found = score(
        "measurement", reference, predictions, unit="L/min", decision_levels=(300.0,), allowable=50.0
    )
    assert value(found, "bias") == pytest.approx(-2.1, abs=0.05)
    assert value(found, "difference_sd") == pytest.approx(38.8, abs=0.05)
    assert value(found, "within_allowable") == pytest.approx(14 / 17)
    assert {entry.figure for entry in found.again} >= {"bias", "deming_slope", "passing_bablok_slope"}


def test_data_that_fall_by_rank_and_rise_by_an_outlier_are_no_disagreement():
    """Passing-Bablok turns slopes round by the sign of Kendall's tau, not by Pearson's r."""
    reference = "case,value\nc0,90\nc1,103\nc2,65\nc3,70\n"
    found = score("measurement", reference, "case,value\nc0,69\nc1,69\nc2,81\nc3,1.5\n")
    assert value(found, "passing_bablok_slope") < 0
    assert all(entry.agrees for entry in found.again)


def test_no_criterion_is_met_while_a_prediction_is_missing():
    reference = "case,value,subject\n" + "".join(f"{n},{70 + n % 30},s{n // 20}\n" for n in range(240))
    predictions = "case,value\n" + "".join(f"{n},{70.5 + n % 30}\n" for n in range(240))
    whole = score("measurement", reference, predictions, quantity="saturation", unit="%")
    short = score(
        "measurement", reference, predictions.replace("\n7,77.5", ""), quantity="saturation", unit="%"
    )
    assert [criterion.verdict for criterion in whole.criteria] == ["met"]
    assert [criterion.verdict for criterion in short.criteria] == ["not_enough"]


def test_glucose_is_judged_in_the_unit_that_is_stated_and_in_no_other():
    mmol = [(5.0, 5.2), (10.0, 9.0), (3.1, 3.0), (15.0, 16.0)]
    tables = []
    for factor in (1.0, 18.0156):
        reference = "case,value\n" + "".join(f"{n},{x * factor!r}\n" for n, (x, _) in enumerate(mmol))
        predictions = "case,value\n" + "".join(f"{n},{y * factor!r}\n" for n, (_, y) in enumerate(mmol))
        unit = "mmol/L" if factor == 1.0 else "mg/dL"
        tables.append(score("measurement", reference, predictions, quantity="glucose", unit=unit))
    assert value(tables[0], "mard") == pytest.approx(value(tables[1], "mard"))
    assert value(tables[0], "parkes_a_or_b") == value(tables[1], "parkes_a_or_b") == 1.0
    with pytest.raises(WrongUse, match="mg/dL or mmol/L"):
        score("measurement", reference, predictions, quantity="glucose")


def test_counts_by_hand():
    found = score("counting", "case,count\na,10\nb,4\nc,0\n", "case,count\na,12\nb,4\n", tolerance=2)
    assert value(found, "mean_count_error") == pytest.approx(2 / 3)
    assert value(found, "mean_absolute_count_error") == 1.0  # the case without a prediction is off by one
    assert value(found, "exact_count_rate") == pytest.approx(1 / 3)
    assert value(found, "within_tolerance") == pytest.approx(2 / 3)


POINTS = "case,x,y,z,diameter\na,0,0,0,10\na,50,0,0,10\nb,,,,\n"


def test_points_are_matched_by_the_rules_of_luna16():
    found = score(
        "detection", POINTS, "case,x,y,z,score\na,1,1,1,0.9\na,5,0,0,0.8\nb,9,9,9,0.7\n", rates=(0.5, 1.0)
    )
    assert value(found, "sensitivity") == 0.5  # a mark at exactly the radius is no hit
    assert value(found, "false_marks_per_case") == 1.0
    assert value(found, "sensitivity_at[0.5]") == 0.5


def test_a_mark_that_cannot_be_placed_is_a_false_mark_at_the_highest_score():
    good = "case,x,y,z,score\na,1,1,1,0.9\n"
    clean, flawed = score("detection", POINTS, good), score("detection", POINTS, good + "b,nan,9,9,0.1\n")
    assert value(clean, "false_marks_per_case") == 0.0
    assert value(flawed, "false_marks_per_case") == 0.5
    assert value(flawed, "cpm") < value(clean, "cpm")
    assert [case.status for case in flawed.cases] == ["scored", "unusable"]


def test_a_finding_that_does_not_count_takes_marks_away_from_nobody():
    module = importlib.import_module(f"{ROOM}.detection")
    files = {
        "findings.csv": POINTS.encode(),
        "excluded.csv": b"case,x,y,z,diameter\nb,9,9,9,-1\n",
    }
    found = module.score(
        files, {"p.csv": b"case,x,y,z,score\nb,9,9,10,0.7\n"}, module.Options(replicates=100)
    )
    assert value(found, "false_marks_per_case") == 0.0
    assert found.cases[1].statistics["on_excluded"] == 1.0


def test_boxes_of_another_label_find_nothing_unless_labels_do_not_matter():
    reference = "case,x,y,width,height,label\na,0,0,10,10,WBC\n"
    predictions = "case,x,y,width,height,label,score\na,0,0,10,10,RBC,0.9\n"
    assert value(score("detection", reference, predictions), "sensitivity") == 0.0
    assert value(score("detection", reference, predictions, labels=False), "sensitivity") == 1.0


def test_predictions_without_scores_are_refused():
    with pytest.raises(WrongUse, match="without a score"):
        score("detection", "case,x,y,width,height\na,0,0,10,10\n", "case,x,y,width,height\na,0,0,10,10\n")


def test_boxes_are_not_compared_with_points():
    with pytest.raises(WrongUse, match="point predictions for a box reference"):
        score("detection", "case,x,y,width,height\na,0,0,10,10\n", "case,x,y,z,score\na,0,0,10,1\n")


def test_a_design_with_fixed_readers_has_no_u_statistics_and_says_so():
    truth = "case,truth\n" + "".join(f"c{n},{n % 2}\n" for n in range(20))
    rows = "".join(
        f"r{k},m{m},c{n},{(n * 7 + 3 * k + 5 * (n % 2) * (1 + m)) % 17}\n"
        for k in range(3)
        for m in range(2)
        for n in range(20)
    )
    found = score("reader_study", truth, "reader,treatment,case,rating\n" + rows, readers="fixed")
    assert any("no U-statistics" in remark for remark in found.remarks)
    assert "mean_auc[m0]" in found.figures
    assert sum(figure.startswith("auc[") for figure in found.figures) == 6


def test_a_reading_that_was_not_made_may_count_as_wrong():
    truth = "case,truth\n" + "".join(f"c{n},{n % 2}\n" for n in range(20))
    rows = [
        f"r{k},m{m},c{n},{n % 2 * 10 + (n + k) % 3}" for k in range(3) for m in range(2) for n in range(20)
    ]
    header = "reader,treatment,case,rating\n"
    short = header + "\n".join(row for row in rows if not row.startswith("r0,m0,c3,"))
    left_out, wrong = (score("reader_study", truth, short, missing=rule) for rule in ("left_out", "wrong"))
    assert value(left_out, "auc[m0][r0]") == 1.0
    assert value(wrong, "auc[m0][r0]") == pytest.approx(0.9)


def test_an_imrmc_file_holds_both_sides():
    lines = ["a study", "BEGIN DATA:"]
    lines += [f"truth,c{n},truth,{n % 2}" for n in range(12)]
    lines += [
        f"r{k},c{n},m{m},{(n * 5 + k + 4 * (n % 2)) % 13}"
        for k in range(3)
        for m in range(2)
        for n in range(12)
    ]
    module = importlib.import_module(f"{ROOM}.reader_study")
    files = {"study.imrmc": "\n".join(lines).encode()}
    found = module.score(files, files, module.Options())
    assert found.unit_of_analysis == "reader_and_case"
    assert "difference_auc[m0 - m1]" in found.figures


def test_two_implementations_that_differ_stop_the_score():
    same = again("auc", Estimate(value=0.8, n_subjects=10), 0.8 + 1e-12, "another")
    require_same(same)
    with pytest.raises(EvidenceBroken, match=r"auc = 0\.8, and 0\.81 by another"):
        require_same([*same, Again("auc", 0.8, 0.81, 1e-9, "another")])


def repeated_by_person(header, rows, times):
    """A table in which each person's cases stand `times` over, under names of their own."""
    return header + "".join(f"{row[0]}_{n},{','.join(row[1:])}\n" for n in range(times) for row in rows)


PEOPLE = [f"p{n // 4}" for n in range(48)]
CLUSTERED = {
    "binary": (
        [(f"c{n}", str((5 * n + n // 4) % 3 % 2), PEOPLE[n]) for n in range(48)],
        [(f"c{n}", f"0.{(7 * n + 3 * ((5 * n + n // 4) % 3 % 2)) % 10}") for n in range(48)],
        "score",
        {"at_prevalence": 0.1},
    ),
    "ordinal": (
        [(f"c{n}", str((5 * n + n // 4) % 3), PEOPLE[n]) for n in range(48)],
        [(f"c{n}", str((5 * n + n // 4 + (n % 5 == 0)) % 3)) for n in range(48)],
        "predicted",
        {"classes": ["0", "1", "2"], "kind": "ordinal"},
    ),
}


@pytest.mark.parametrize("kind", CLUSTERED)
def test_more_cases_of_the_same_people_make_no_interval_narrower(kind):
    """Each case written down three times tells nothing new of anybody."""
    labels, answers, column, options = CLUSTERED[kind]
    once, thrice = (
        score(
            "classification",
            repeated_by_person("case,label,subject\n", labels, times),
            repeated_by_person(f"case,{column}\n", answers, times),
            **options,
        )
        for times in (1, 3)
    )
    assert once.figures.keys() == thrice.figures.keys()
    compared = 0
    for name, figure in once.figures.items():
        again_ = thrice.figures[name]
        assert again_.value == pytest.approx(figure.value), name
        if figure.lower is not None:
            compared += 1
            assert (again_.lower, again_.upper) == pytest.approx((figure.lower, figure.upper), abs=0.02), name
            assert again_.n_subjects == len(set(PEOPLE)), name
        else:
            assert again_.lower is None, name
    assert compared >= 7
    assert all(test.p_value is None for test in once.tests.values())


def test_kappa_of_people_with_several_cases_is_that_of_all_cases_with_an_interval_over_people():
    labels, answers, column, options = CLUSTERED["ordinal"]
    found = score(
        "classification",
        repeated_by_person("case,label,subject\n", labels, 1),
        repeated_by_person(f"case,{column}\n", answers, 1),
        **options,
    )
    grades = [[int(row[1]) for row in rows] for rows in (labels, answers)]
    assert value(found, "kappa") == pytest.approx(cohen_kappa_score(*grades))
    assert value(found, "kappa_quadratic") == pytest.approx(cohen_kappa_score(*grades, weights="quadratic"))
    for name in ("kappa", "kappa_quadratic"):
        assert found.figures[name].method.startswith("cluster_bootstrap")


def test_the_concordance_of_people_with_several_pairs_has_no_interval_of_independent_pairs():
    pairs = [
        (f"c{n}", float(n % 7 + n // 5), float(n % 7 + n // 5 + n % 3 / 10), f"p{n // 3}") for n in range(24)
    ]
    found = score(
        "measurement",
        "case,value,subject\n" + "".join(f"{c},{x},{p}\n" for c, x, _, p in pairs),
        "case,value\n" + "".join(f"{c},{y}\n" for c, _, y, _ in pairs),
    )
    assert found.figures["concordance"].value > 0.9
    assert found.figures["concordance"].undefined == "no interval: subjects have several pairs"


def test_counts_of_people_with_several_cases_have_no_interval_that_takes_cases_for_people():
    labels = [(f"c{n}", str(n % 5 + n // 8), f"p{n // 4}") for n in range(40)]
    answers = [(f"c{n}", str(n % 5 + n // 8 + n % 3 - 1)) for n in range(40)]
    answers = [(case, count.replace("-1", "0")) for case, count in answers]
    once, thrice = (
        score(
            "counting",
            repeated_by_person("case,count,subject\n", labels, times),
            repeated_by_person("case,count\n", answers, times),
        )
        for times in (1, 3)
    )
    for name, figure in once.figures.items():
        if figure.lower is None:
            assert figure.undefined == "no interval: subjects have several cases", name
            continue
        again_ = thrice.figures[name]
        assert again_.upper - again_.lower == pytest.approx(figure.upper - figure.lower), name
    assert sum(figure.lower is None for figure in once.figures.values()) == 4


@pytest.mark.parametrize(
    ("pairs", "limit"),
    [
        ([(0.3, 0.1), (0.7, 0.9), (1.1, 1.3), (5.0, 5.2)], {"allowable": 0.2}),
        ([(99.9, 114.9), (100.1, 85.1), (0.1, 15.1)], {"allowable": 15}),
        ([(1.1, 1.21), (5.5, 6.05), (8.2, 9.02), (8.2, 7.38)], {"allowable_percent": 10}),
    ],
)
def test_a_difference_that_is_the_limit_as_printed_lies_within_it(pairs, limit):
    cases = range(len(pairs))
    found = score(
        "measurement",
        "case,value\n" + "".join(f"c{n},{pairs[n][0]}\n" for n in cases),
        "case,value\n" + "".join(f"c{n},{pairs[n][1]}\n" for n in cases),
        **limit,
    )
    assert value(found, "within_allowable") == 1.0
    beyond = {name: bound * 0.9999 for name, bound in limit.items()}
    found = score(
        "measurement",
        "case,value\n" + "".join(f"c{n},{pairs[n][0]}\n" for n in cases),
        "case,value\n" + "".join(f"c{n},{pairs[n][1]}\n" for n in cases),
        **beyond,
    )
    assert value(found, "within_allowable") == 0.0
