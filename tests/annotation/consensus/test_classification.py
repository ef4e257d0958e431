"""Two readers' classes: agreement over cases as scikit-learn has it, and never a class that only one of them gave."""

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from medassay.annotation.consensus import classification as task
from medassay.core.errors import WrongUse

CLASSES = {"classes": ["none", "mild", "severe"], "ordered": True}


def read(code):
    return f"label\n{code}\n".encode()


def together(pairs, options=CLASSES):
    total = {}
    for one, other in pairs:
        for name, value in task.agreement(read(one), read(other), {}, options).items():
            total[name] = total.get(name, 0.0) + value
    return task.figures(total)


def test_agreement_kappa_and_nearness_are_those_of_all_cases_together():
    rng = np.random.default_rng(3)
    first = rng.integers(0, 3, 80)
    second = np.where(rng.random(80) < 0.7, first, rng.integers(0, 3, 80))
    names = CLASSES["classes"]
    found = together([(names[a], names[b]) for a, b in zip(first, second, strict=True)])
    assert found["agreement"] == pytest.approx((first == second).mean())
    assert found["kappa"] == pytest.approx(cohen_kappa_score(first, second))
    assert found["nearness"] == pytest.approx(1 - np.abs(first - second).mean() / 2)


def test_where_chance_alone_agrees_kappa_is_undefined():
    assert together([("mild", "mild")] * 5) == {"agreement": 1.0, "kappa": None, "nearness": 1.0}


def test_classes_without_an_order_have_no_distance():
    assert "nearness" not in together([("none", "mild")], {"classes": CLASSES["classes"]})


def test_one_class_is_merged_and_two_are_left_to_an_arbitrator():
    assert task.merge(read("mild"), b"\xef\xbb\xbflabel\r\nmild\r\n", {}, CLASSES) == read("mild")
    with pytest.raises(WrongUse, match="two classes of one case"):
        task.merge(read("mild"), read("none"), {}, CLASSES)


@pytest.mark.parametrize(
    "wrong", [b"", b"label\nworst\n", b"label\nmild\nmild\n", b"class\nmild\n", b"label\n\n"]
)
def test_a_label_that_is_no_declared_class_keeps_its_case_out_and_is_not_repeated(wrong):
    (finding,) = task.check(wrong, {}, CLASSES)
    assert finding.severity.value == "exclude"
    assert "worst" not in finding.found
    assert task.check(read("none"), {}, CLASSES) == []
    with pytest.raises(WrongUse):
        task.agreement(wrong, read("mild"), {}, CLASSES)
