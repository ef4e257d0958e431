import pytest
from statsmodels.stats.contingency_tables import mcnemar

from medassay.core.errors import WrongUse
from medassay.evaluation.comparison import compare
from medassay.evaluation.protocol import Comparator, Endpoint, Protocol
from medassay.evaluation.scorer import Metric

TEXT = {"zh": "甲", "en": "a"}
METRICS = {"se": Metric({"tp": 1}, {"tp": 1, "fn": 1}, "1", "higher", "no reference event")}


def protocol(**comparator):
    asked = {"title": TEXT, "endpoint": "se", "claim": "non_inferiority", "margin": 0.2, "reason": TEXT}
    return Protocol.model_construct(
        endpoints=(Endpoint(id="se", title=TEXT, metric="se"),),
        primary="se",
        interval="percentile",
        sample_size={},
        seed=1,
        replicates=2000,
        confidence=0.95,
        alpha=0.025,
        minimum_subjects=20,
        comparator=Comparator.model_validate(asked | comparator) if comparator else None,
    )


def people(right, of=1.0):
    return {f"s{n:03d}": {"tp": float(x), "fn": of - x} for n, x in enumerate(right)}


NEW, OLD = [1] * 36 + [1] * 12 + [0] * 2 + [0] * 10, [1] * 36 + [0] * 12 + [1] * 2 + [0] * 10


def test_one_yes_or_no_a_subject_is_mcnemars_table():
    (found,) = compare(protocol(), METRICS, people(NEW), people(OLD))
    exact = mcnemar([[36, 12], [2, 10]], exact=True).pvalue
    assert found.difference.value == pytest.approx(10 / 60)
    assert found.mcnemar_p < exact < 0.05
    assert found.claim is None, "no comparator in the protocol: exploratory"


def test_several_events_a_subject_are_no_mcnemar_table():
    (found,) = compare(protocol(), METRICS, people([3, 4, 5], of=6), people([2, 4, 3], of=6))
    assert found.mcnemar_p is None


def test_the_claim_of_the_protocol_is_judged_by_the_paired_interval():
    (better,) = compare(protocol(margin=0.05), METRICS, people(NEW), people(OLD))
    assert better.claim.outcome == "met"
    (worse,) = compare(protocol(margin=0.05), METRICS, people(OLD), people(NEW))
    assert worse.claim.outcome == "not_met"
    assert (
        compare(protocol(margin=0.05), METRICS, people(NEW), people(NEW))[0].claim.outcome == "not_estimable"
    )


def test_synthetic_data_few_subjects_and_a_late_protocol_support_no_claim():
    asked = protocol(margin=0.05)
    (synthetic,) = compare(asked, METRICS, people(NEW), people(OLD), synthetic=True)
    assert synthetic.claim.outcome == "demonstration_only"
    (few,) = compare(asked, METRICS, people(NEW[30:49]), people(OLD[30:49]))
    assert few.claim.outcome == "insufficient"
    (late,) = compare(asked, METRICS, people(NEW), people(OLD), booked=False)
    assert late.claim is None


def test_other_subjects_are_not_compared():
    with pytest.raises(WrongUse, match="in one of the two alone"):
        compare(protocol(), METRICS, people(NEW), people(OLD[:-1]))
