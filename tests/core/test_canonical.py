import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medassay.core.canonical import canonical_json, digest_of
from medassay.core.errors import WrongUse

plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text("ab早搏é"),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abc"), inner, max_size=4),
    max_leaves=12,
)


@given(plain)
def test_canonical_json_reads_back_as_the_same_value(value):
    assert json.loads(canonical_json(value)) == value


@given(st.dictionaries(st.text("abcd", min_size=1), st.integers(), min_size=2))
def test_order_of_keys_never_changes_a_digest(value):
    assert digest_of(value) == digest_of(dict(reversed(value.items())))


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), {1: "a"}, {"a": b"x"}, [{"deep": float("-inf")}]]
)
def test_what_json_cannot_hold_is_refused(value):
    with pytest.raises(WrongUse):
        canonical_json(value)


def test_a_digest_is_the_published_sha256():
    # FIPS 180-4 example: SHA-256 of the empty message; here of the three bytes of '"a"' by sha256sum.
    assert digest_of("a") == "ac8d8342bbb2362d13f0a559a3621bb407011368895164b628a54f7fc33fc43c"
