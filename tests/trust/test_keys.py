import pytest

from medassay.core.errors import EnvironmentLacking, WrongUse
from medassay.trust.keys import KeyRing


def test_keys_read_back_and_only_their_owner_may_read_them(tmp_path):
    path = tmp_path / "keys" / "ring.json"
    ring = KeyRing.create(path)
    assert KeyRing.load(path) == ring
    assert path.stat().st_mode & 0o777 == 0o600


def test_keys_are_never_overwritten(tmp_path):
    KeyRing.create(tmp_path / "ring.json")
    before = (tmp_path / "ring.json").read_bytes()
    with pytest.raises(WrongUse):
        KeyRing.create(tmp_path / "ring.json")
    assert (tmp_path / "ring.json").read_bytes() == before


def test_keys_that_others_may_read_are_refused(tmp_path):
    KeyRing.create(tmp_path / "ring.json")
    (tmp_path / "ring.json").chmod(0o644)
    with pytest.raises(EnvironmentLacking, match="chmod 600"):
        KeyRing.load(tmp_path / "ring.json")


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"demo":1,"pseudonym":"","label":"","signing":""}'])
def test_a_damaged_key_file_is_refused_without_showing_it(tmp_path, content):
    path = tmp_path / "ring.json"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(EnvironmentLacking, match="damaged"):
        KeyRing.load(path)


def test_no_secret_shows_when_a_ring_is_printed(tmp_path):
    ring = KeyRing.create(tmp_path / "ring.json")
    assert ring.label.hex() not in repr(ring)
    assert str(ring.label) not in repr(ring)


def test_demo_keys_never_protect_a_hospital_source(tmp_path):
    ring = KeyRing.create(tmp_path / "ring.json", demo=True)
    ring.require_for("synthetic")
    with pytest.raises(EnvironmentLacking, match="demo keys"):
        ring.require_for("real")


def test_demo_keys_are_the_same_everywhere_and_an_institution_s_never(tmp_path):
    rings = [KeyRing.create(tmp_path / f"{n}.json", demo=n < 2) for n in range(4)]
    assert rings[0] == rings[1]
    assert rings[2] != rings[3]
    secrets = [getattr(rings[0], name) for name in ("pseudonym", "label", "signing")]
    assert len(set(secrets)) == 3
