import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medassay.core.errors import WrongUse
from medassay.statistics.error_grid import clarke_zones, parkes_zones, zone_shares

glucose = st.lists(st.tuples(st.floats(5, 600), st.floats(5, 600)), min_size=1, max_size=20).map(
    lambda rows: tuple(np.array(column) for column in zip(*rows, strict=True))
)
CORNERS = ("ega", "methcomp", "closed")


@pytest.mark.parametrize("corners", CORNERS)
@pytest.mark.parametrize(
    ("reference", "test", "zone"),
    [
        (100, 100, "A"),
        (100, 119, "A"),
        (50, 60, "A"),  # both below 70
        (100, 140, "B"),
        (150, 265, "C"),  # treated without need
        (160, 20, "C"),
        (50, 100, "D"),  # hypoglycaemia missed
        (300, 100, "D"),
        (50, 250, "E"),  # low taken for high
        (300, 50, "E"),
    ],
)
def test_the_middle_of_each_clarke_zone_is_the_same_for_all_tools(reference, test, zone, corners):
    assert clarke_zones([reference], [test], corners=corners).tolist() == [zone]


@pytest.mark.parametrize(
    ("reference", "test", "by_corner"),
    [
        (250, 180, {"ega": "B", "methcomp": "B", "closed": "D"}),
        (180, 50, {"ega": "E", "methcomp": "C", "closed": "E"}),
        (400, 70, {"ega": "E", "methcomp": "D", "closed": "E"}),
        (350, 500, {"ega": "C", "methcomp": "C", "closed": "B"}),  # beyond reference 290
        (50, 70, {"ega": "D", "methcomp": "D", "closed": "A"}),
    ],
)
def test_the_corners_on_which_tools_differ_are_declared(reference, test, by_corner):
    for corners, zone in by_corner.items():
        assert clarke_zones([reference], [test], corners=corners).tolist() == [zone]


@pytest.mark.parametrize(
    ("reference", "test", "type_1", "type_2"),
    [
        (100, 100, "A", "A"),
        (100, 150, "B", "B"),
        (100, 60, "B", "B"),
        (100, 250, "C", "C"),
        (300, 130, "C", "C"),
        (50, 200, "D", "D"),
        (400, 60, "D", "D"),
        (30, 200, "E", "D"),
        (30, 250, "E", "E"),
    ],
)
def test_parkes_zones_by_the_published_coordinates(reference, test, type_1, type_2):
    assert parkes_zones([reference], [test]).tolist() == [type_1]
    assert parkes_zones([reference], [test], diabetes="type_2").tolist() == [type_2]


def test_a_point_on_a_parkes_border_lies_in_the_better_zone_and_lines_run_on_beyond_550():
    assert parkes_zones([30, 30.001], [50, 50]).tolist() == ["A", "A"]
    assert parkes_zones([30.0], [50.001]).tolist() == ["B"]
    # Upper A/B border of type 1 from (280, 380) to (430, 550): slope 17/15.
    beyond = 430 + 150
    assert parkes_zones([beyond] * 2, [550 + 170 - 0.01, 550 + 170 + 0.01]).tolist() == ["A", "B"]


def test_the_borders_of_ega_and_as_published_differ_between_c_and_d_of_type_1():
    assert parkes_zones([318, 590], [66, 200]).tolist() == ["C", "C"]
    assert parkes_zones([318, 590], [66, 200], borders="ega").tolist() == ["D", "C"]


@settings(max_examples=50)
@given(glucose)
def test_exact_readings_are_in_a_and_every_pair_has_a_zone(pair):
    x, y = pair
    for zones in (
        *(clarke_zones(x, x, corners=corners) for corners in CORNERS),
        parkes_zones(x, x),
        parkes_zones(x, x, diabetes="type_2"),
    ):
        assert set(zones.tolist()) == {"A"}
    for zones in (clarke_zones(x, y), parkes_zones(x, y), parkes_zones(x, y, diabetes="type_2")):
        assert set(zones.tolist()) <= set("ABCDE")


@settings(max_examples=50)
@given(st.floats(5, 600), st.floats(5, 600), st.floats(1, 200))
def test_moving_away_from_the_diagonal_never_betters_a_parkes_zone(x, y, further):
    away = y + further if y >= x else max(1.0, y - further)
    for diabetes in ("type_1", "type_2"):
        near, far = parkes_zones([x, x], [y, away], diabetes=diabetes).tolist()
        assert far >= near


def test_shares_are_clustered_by_subject_and_name_their_grid():
    zones = parkes_zones([100, 100, 100, 100], [100, 150, 100, 100])
    found = zone_shares(zones, list("ppqq"), convention="parkes(type_1, published)", seed=1, replicates=200)
    assert found.shares["A"].value == 0.75
    assert found.shares["A"].n_subjects == 2
    assert found.a_or_b.value == 1.0
    assert found.convention == "parkes(type_1, published)"


@pytest.mark.parametrize("value", [0.0, -5.0, np.nan, np.inf])
def test_values_that_are_no_glucose_are_refused(value):
    for zones in (clarke_zones, parkes_zones):
        with pytest.raises(WrongUse):
            zones([100.0], [value])
