"""A case a file: counts and ranked scores, each figure against scikit-learn or pROC's published values."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from sklearn import metrics as sk

from medassay.core.errors import EvidenceBroken, WrongUse
from medassay.evaluation.double_entry import enter_all_twice
from medassay.evaluation.figure import Asked
from medassay.evaluation.scoring import classification as scorer
from medassay.evaluation.subject_table import SubjectTable
from medassay.evaluation.sufficient import HIGHEST, LOWEST, summed

Options = scorer.Options
TWO = Options(classes=("no", "yes"), positive="yes", threshold=0.5, at_prevalence=0.1, bins=5)
RAW = Options(classes=("no", "yes"), positive="yes", threshold=0.0, probabilities=False)
THREE = Options(classes=("none", "mild", "severe"), ordered=True, prevalences={"severe": 0.1})


def label(code):
    return f"label\n{code}\n".encode()


def answer(score):
    return None if score is None else f"score\n{float(score)!r}\n".encode()


def scored(pairs, options=TWO):
    """(class, answer) of each case, a subject each."""
    return [scorer.score(label(code), made, {}, options).statistics for code, made in pairs]


def figures(rows, options, people=None):
    names = tuple(f"s{n:04d}" for n in range(len(rows))) if people is None else people
    together = {}
    for name, row in zip(names, rows, strict=True):
        together.setdefault(name, []).append(row)
    table = SubjectTable(tuple(together), [summed(own) for own in together.values()])
    asked = Asked("delong", 0.95, 1, 1000)
    return {name: table.figure(metric).alone(asked) for name, metric in scorer.metrics(options).items()}


def sample(n=80, seed=3):
    rng = np.random.default_rng(seed)
    truth = rng.random(n) < 0.4
    scores = np.round(1 / (1 + np.exp(-rng.normal(truth * 1.2 - 0.8, 1.2))), 2)
    return truth, scores


def test_every_figure_of_two_classes_is_scikit_learns():
    truth, scores = sample()
    found = figures(
        scored([(("no", "yes")[int(t)], answer(s)) for t, s in zip(truth, scores, strict=True)]), TWO
    )
    call = scores >= 0.5
    expected = {
        "auc": sk.roc_auc_score(truth, scores),
        "sensitivity": sk.recall_score(truth, call),
        "specificity": sk.recall_score(truth, call, pos_label=0),
        "positive_predictive_value": sk.precision_score(truth, call),
        "negative_predictive_value": sk.precision_score(truth, call, pos_label=0),
        "accuracy": sk.accuracy_score(truth, call),
        "balanced_accuracy": sk.balanced_accuracy_score(truth, call),
        "f1": sk.f1_score(truth, call),
        "brier": sk.brier_score_loss(truth, scores),
    }
    assert {name: found[name].value for name in expected} == pytest.approx(expected)
    weights = np.where(truth, 0.1 / truth.mean(), 0.9 / (1 - truth.mean()))
    at = sk.precision_score(truth, call, sample_weight=weights)
    assert found["positive_predictive_value_at_prevalence"].value == pytest.approx(at)
    at = sk.precision_score(truth, call, pos_label=0, sample_weight=weights)
    assert found["negative_predictive_value_at_prevalence"].value == pytest.approx(at)


def test_the_predictive_values_of_a_published_example_at_another_prevalence():
    """Altman and Bland, BMJ 309:102, 1994: liver scan, 231 of 258 and 54 of 86; at a prevalence of 0.25 PPV is 0.45."""
    cells = {"true_positive": 231.0, "false_negative": 27.0, "true_negative": 54.0, "false_positive": 32.0}
    options = TWO.model_copy(update={"at_prevalence": 0.25})
    found = SubjectTable(("all",), [cells])
    ppv, npv = (
        found.figure(scorer.metrics(options)[f"{name}_predictive_value_at_prevalence"]).value
        for name in ("positive", "negative")
    )
    assert round(ppv, 2) == 0.45
    assert round(npv, 2) == 0.95


def test_the_calibration_error_is_the_mean_gap_over_bins_and_claims_no_interval():
    truth, scores = sample()
    found = figures(
        scored([(("no", "yes")[int(t)], answer(s)) for t, s in zip(truth, scores, strict=True)]), TWO
    )
    place = np.minimum(np.ceil(scores * 5).astype(int).clip(1), 5)
    gaps = [abs((scores - truth)[place == b].sum()) for b in range(1, 6)]
    assert found["calibration_error"].value == pytest.approx(sum(gaps) / len(truth))
    assert found["calibration_error"].lower is None
    assert "biased upwards" in found["calibration_error"].undefined


def test_a_missing_answer_is_wrong_in_every_count_and_the_worst_in_every_rank():
    cases = [("yes", 0.9), ("no", 0.2), ("yes", 0.6), ("no", 0.4)]
    whole = figures(scored([(code, answer(s)) for code, s in cases]), TWO)
    assert (whole["auc"].value, whole["brier"].value < 0.1) == (1.0, True)
    for gone, code in ((0, "yes"), (1, "no")):
        rows = scored([(c, None if n == gone else answer(s)) for n, (c, s) in enumerate(cases)])
        found = figures(rows, TWO)
        assert sum(row["cases"] for row in rows) == 4
        assert found["auc"].value == 0.5  # below, or above, both cases of the other class
        assert found["accuracy"].value == 0.75
        assert found["sensitivity" if code == "yes" else "specificity"].value == 0.5
        assert found["brier"].value == pytest.approx(whole["brier"].value + (1 - (0.01, 0.04)[gone]) / 4)


def test_no_score_ranks_below_a_missing_one_where_scores_are_no_probabilities():
    rows = scored([("yes", None), ("no", answer(-1e300)), ("yes", answer(1e300)), ("no", None)], RAW)
    assert rows[0]["scores_positive"] == (LOWEST,)
    assert rows[3]["scores_negative"] == (HIGHEST,)
    assert figures(rows, RAW)["auc"].value == 0.25


def test_grades_are_asked_one_against_the_rest_and_all_together():
    rng = np.random.default_rng(5)
    codes = [THREE.classes[k] for k in rng.integers(0, 3, 60)]
    chances = rng.dirichlet([1, 1, 1], 60)
    header = ",".join(THREE.classes)
    made = [f"{header}\n{','.join(map(repr, map(float, row)))}\n".encode() for row in chances]
    found = figures(scored(list(zip(codes, made, strict=True)), THREE), THREE)
    truth, said = np.array([THREE.classes.index(code) for code in codes]), chances.argmax(axis=1)
    for k, name in enumerate(THREE.classes):
        assert found[f"auc[{name}]"].value == pytest.approx(sk.roc_auc_score(truth == k, chances[:, k]))
        assert found[f"sensitivity[{name}]"].value == pytest.approx(sk.recall_score(truth == k, said == k))
    assert found["macro_recall"].value == pytest.approx(sk.balanced_accuracy_score(truth, said))
    assert found["accuracy"].value == pytest.approx((truth == said).mean())
    assert found["mean_grade_error"].value == pytest.approx(np.abs(truth - said).mean())
    assert found["within_one_grade"].value == pytest.approx((np.abs(truth - said) <= 1).mean())


def test_a_declared_question_adds_the_scores_of_its_classes_up():
    options = Options(
        classes=("none", "mild", "severe"), against={"any": ("mild", "severe")}, thresholds={"any": 0.5}
    )
    made = b"none,mild,severe\n0.45,0.3,0.25\n"
    found = scorer.score(label("mild"), made, {}, options).statistics
    assert found["scores_positive[any]"] == (0.55,)
    assert found["true_positive[any]"] == 1.0  # although no class of the two has the largest score
    assert found["right"] == 0.0


def test_a_class_alone_gives_counts_and_no_figure_of_scores():
    options = Options(classes=("no", "yes"), positive="yes", answer="class")
    rows = scored([("yes", b"predicted\nyes\n"), ("no", b"predicted\nyes\n"), ("no", None)], options)
    found = figures(rows, options)
    assert (found["sensitivity"].value, found["specificity"].value) == (1.0, 0.0)
    assert not {"auc", "brier", "calibration_error"} & set(found)


def test_one_class_alone_leaves_what_it_cannot_tell_undefined_with_the_reason():
    found = figures(scored([("no", answer(0.2)), ("no", answer(0.3))]), TWO)
    assert {name: found[name].undefined for name in ("auc", "sensitivity", "positive_predictive_value")} == {
        "auc": "all cases are of one class",
        "sensitivity": "no positive case",
        "positive_predictive_value": "no case was called positive",
    }
    assert found["balanced_accuracy"].value is None
    assert found["specificity"].value == 1.0


FLAWED = {
    "no file": b"",
    "no text": b"\xff\xfe\x00",
    "another column": b"chance\n0.5\n",
    "two rows": b"score\n0.5\n0.6\n",
    "no number": b"score\nhigh\n",
    "nothing": b"score\n\n",
    "not a number": b"score\nnan\n",
    "infinite": b"score\ninf\n",
    "a percentage": b"score\n55\n",
    "a decimal comma": b'score\n"0,5"\n',
    "below 0": b"score\n-0.1\n",
}


@pytest.mark.parametrize("content", FLAWED.values(), ids=FLAWED)
def test_what_is_no_answer_is_refused_and_tells_nothing_of_its_content(content):
    with pytest.raises(WrongUse) as error:
        scorer.score(label("yes"), content, {}, TWO)
    assert error.value.remedy
    with pytest.raises(WrongUse):
        scorer.decoded(content, {}, TWO)


def test_scores_of_all_classes_have_to_be_there_and_to_add_up():
    for content in (b"none,mild\n0.5,0.5\n", b"none,mild,severe\n0.5,0.5,0.5\n"):
        with pytest.raises(WrongUse):
            scorer.score(label("mild"), content, {}, THREE)
    with pytest.raises(WrongUse, match="missing answer"):
        scorer.score(label("yes"), f"score\n{HIGHEST!r}\n".encode(), {}, RAW)


def test_a_reference_of_an_undeclared_class_is_an_error_and_its_text_is_not_told():
    with pytest.raises(WrongUse) as error:
        scorer.score(label("Phantom, Alba"), answer(0.5), {}, TWO)
    assert "Alba" not in str(error.value)


@pytest.mark.parametrize(
    "wrong",
    [
        {"classes": ["a"]},
        {"classes": ["a", "a"]},
        {"classes": ["a", "b"], "positive": "c", "threshold": 0.5},
        {"classes": ["a", "b"], "positive": "a"},
        {"classes": ["a", "b", "c"], "positive": "a", "threshold": 0.5},
        {"classes": ["a", "b"], "threshold": 0.5},
        {"classes": ["a", "b", "c"], "against": {"q": ["a", "b", "c"]}},
        {"classes": ["a", "b", "c"], "against": {"q": []}},
        {"classes": ["a", "b", "c"], "thresholds": {"q": 0.5}},
        {"classes": ["a", "b", "c"], "prevalences": {"a": 1.0}},
        {"classes": ["a", "b", "c"], "probabilities": False, "against": {"q": ["a", "b"]}},
        {"classes": ["a", "b"], "positive": "a", "answer": "class", "threshold": 0.5},
        {"classes": ["a,b", "c"]},
        {"classes": ["a", "b[c]"]},
    ],
)
def test_conventions_that_do_not_fit_together_are_refused(wrong):
    with pytest.raises(ValidationError):
        Options.model_validate(wrong)


def pairs_of(draw):
    return [(("no", "yes")[int(truth)], None if score is None else answer(score)) for truth, score in draw]


cases = st.lists(
    st.tuples(
        st.booleans(), st.none() | st.sampled_from([0.0, 0.1, 0.2, 0.4, 0.5, 0.6, 0.8, 1.0]) | st.floats(0, 1)
    ),
    min_size=1,
    max_size=25,
)


@given(cases)
def test_both_implementations_agree_on_any_cases_and_whatever_is_missing(drawn):
    twice = [
        (scorer.score(label(code), made, {}, TWO).statistics, scorer.second(label(code), made, {}, TWO))
        for code, made in pairs_of(drawn)
    ]
    entries = enter_all_twice(twice, scorer, TWO)
    assert all(entry.agrees for entry in entries), entries
    if len({truth for truth, _ in drawn}) == 2:
        assert {"auc", "brier", "calibration_error"} <= {entry.statistic for entry in entries}


def test_a_second_implementation_that_differs_is_told_by_the_figure():
    rows = [(label("yes"), answer(0.9)), (label("no"), answer(0.2)), (label("no"), answer(0.95))]
    twice = [
        (scorer.score(ref, made, {}, TWO).statistics, dict(scorer.second(ref, made, {}, TWO)))
        for ref, made in rows
    ]
    twice[2][1]["score"] = 0.1
    wrong = [entry.statistic for entry in enter_all_twice(twice, scorer, TWO) if not entry.agrees]
    assert wrong == ["auc", "brier", "calibration_error"]
    twice[0][1]["truth"] = 0.0
    with pytest.raises(EvidenceBroken, match="by one implementation alone"):
        enter_all_twice(twice, scorer, TWO)


def test_the_worst_cases_are_missing_ones_then_the_surest_wrong_ones():
    bad = [
        scorer.score(label("yes"), made, {}, TWO).badness
        for made in (None, answer(0.01), answer(0.4), answer(0.9))
    ]
    assert bad == sorted(bad, reverse=True)
    assert bad[-1] == 0


def test_the_same_answer_written_otherwise_is_decoded_to_the_same_bytes():
    assert scorer.decoded(b"score\n0.50\n", {}, TWO) == scorer.decoded(
        b"\xef\xbb\xbfscore\r\n5e-1\r\n", {}, TWO
    )
