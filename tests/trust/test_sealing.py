import pytest
from hypothesis import given
from hypothesis import strategies as st

from medassay.core.errors import EvidenceBroken
from medassay.trust.sealing import sample_key, seal, unseal

KEY = bytes(range(32))


def sealed(content, sample="s1", role="reference"):
    return seal(content, key=sample_key(KEY, sample), sample=sample, role=role)


@given(st.binary(max_size=64))
def test_a_label_opens_as_it_was_and_seals_to_the_same_bytes_twice(content):
    assert unseal(sealed(content), key=sample_key(KEY, "s1"), sample="s1", role="reference") == content
    assert sealed(content) == sealed(content)


def test_equal_labels_of_two_samples_look_different():
    assert sealed(b"1", "s1") != sealed(b"1", "s2")


@pytest.mark.parametrize(("sample", "role"), [("s2", "reference"), ("s1", "read:R1")])
def test_a_label_moved_to_another_sample_or_role_does_not_open(sample, role):
    with pytest.raises(EvidenceBroken):
        unseal(sealed(b"1"), key=sample_key(KEY, "s1"), sample=sample, role=role)


def test_a_changed_byte_or_the_key_of_another_sample_does_not_open():
    content = bytearray(sealed(b"label"))
    with pytest.raises(EvidenceBroken):
        unseal(bytes(content), key=sample_key(KEY, "s2"), sample="s1", role="reference")
    content[-1] ^= 1
    with pytest.raises(EvidenceBroken):
        unseal(bytes(content), key=sample_key(KEY, "s1"), sample="s1", role="reference")
