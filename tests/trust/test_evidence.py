import pytest

from medassay.core.errors import EvidenceBroken
from medassay.trust.evidence import Evidence, Link, Outcome, code_identity, environment


def evidence(**changes):
    fields = {
        "kind": "ingest",
        "target": "x/phantom",
        "inputs": (),
        "outputs": (Link(role="catalogue", digest="a" * 64),),
        "code": code_identity(),
        "environment": environment(["numpy"]),
        "outcome": Outcome.PASSED,
        "counts": {"offered": 3},
    }
    return Evidence(**fields | changes)


def test_the_same_step_ends_in_the_same_digest_and_another_count_in_another():
    assert evidence().digest == evidence().digest
    assert evidence().digest != evidence(counts={"offered": 4}).digest


def test_a_record_reads_back_only_under_its_own_digest(tmp_path):
    record, path = evidence(), tmp_path / "e.json"
    record.save(path)
    assert Evidence.load(path, record.digest) == record
    path.write_bytes(path.read_bytes().replace(b'"offered":3', b'"offered":4'))
    with pytest.raises(EvidenceBroken):
        Evidence.load(path, record.digest)


def test_an_output_is_asked_for_by_its_role_and_must_be_the_only_one():
    assert evidence().output("catalogue") == "a" * 64
    with pytest.raises(EvidenceBroken, match="0 outputs"):
        evidence().output("manifest")
