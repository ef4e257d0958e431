import pytest
from pydantic import ValidationError

from medassay.core.estimate import Estimate

faults = {
    "nan": {"value": float("nan"), "n_subjects": 3},
    "undefined without a reason": {"value": None, "n_subjects": 0},
    "half an interval": {"value": 0.5, "lower": 0.4, "n_subjects": 3},
    "interval without a method": {
        "value": 0.5,
        "lower": 0.4,
        "upper": 0.6,
        "confidence": 0.95,
        "n_subjects": 3,
    },
    "ends swapped": {
        "value": 0.5,
        "lower": 0.6,
        "upper": 0.4,
        "confidence": 0.95,
        "method": "w",
        "n_subjects": 3,
    },
}


@pytest.mark.parametrize("fields", faults.values(), ids=faults)
def test_a_figure_that_does_not_say_what_it_is_is_refused(fields):
    with pytest.raises(ValidationError):
        Estimate(**fields)


def test_not_estimable_carries_its_reason():
    assert (
        Estimate(value=None, n_subjects=0, undefined="no reference event").undefined == "no reference event"
    )
