import pytest

from medassay.core.errors import EvidenceBroken
from medassay.core.workspace import Workspace
from medassay.datasets.store import ObjectStore


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.delenv("MEDASSAY_STORE", raising=False)
    return ObjectStore(Workspace(tmp_path))


def test_bytes_come_back_under_their_digest_and_are_kept_once(store):
    digest = store.put(b"signal")
    assert store.put(b"signal") == digest
    assert store.get(digest) == b"signal"
    assert len([p for p in store.workspace.store.rglob("*") if p.is_file()]) == 1


def test_altered_and_missing_bytes_are_never_handed_out(store):
    digest = store.put(b"signal")
    store.workspace.object(digest).write_bytes(b"sighal")
    with pytest.raises(EvidenceBroken, match="altered"):
        store.get(digest)
    with pytest.raises(EvidenceBroken, match="no bytes"):
        store.get("0" * 64)
