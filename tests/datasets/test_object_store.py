"""Objects in other places than a folder: a local S3 server, and a file system without whole-or-absent writes."""

import hashlib

import pytest

from medassay.core.errors import EnvironmentLacking, EvidenceBroken, WrongUse
from medassay.core.workspace import Workspace
from medassay.datasets import store as stores
from medassay.datasets.store import ObjectStore


@pytest.fixture(scope="module")
def s3():
    """The address of an S3 server of this machine with one empty bucket."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        patch.setenv("AWS_ACCESS_KEY_ID", "test")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        stores._system.cache_clear()
        import s3fs

        s3fs.S3FileSystem(use_listings_cache=False).mkdir("medassay-objects")
        yield "s3://medassay-objects/archive"
    stores._system.cache_clear()
    server.stop()


@pytest.fixture(params=["s3", "memory", "without whole writes"])
def remote(request, tmp_path, monkeypatch):
    """A store whose objects lie elsewhere."""
    monkeypatch.delenv("MEDASSAY_STORE", raising=False)
    if request.param == "s3":
        url = request.getfixturevalue("s3")
    else:
        url = f"memory://{request.node.name}" if request.param == "memory" else f"file://{tmp_path}/objects"
    monkeypatch.setenv("MEDASSAY_OBJECTS", url)
    return ObjectStore.of(Workspace(tmp_path))


def place(store, digest):
    system, root = stores._system(store.url)
    return system, f"{root}/{digest[:2]}/{digest[2:]}"


def test_bytes_come_back_under_their_digest_and_are_kept_once(remote):
    digest = remote.put(b"signal")
    assert digest == hashlib.sha256(b"signal").hexdigest()
    assert remote.put(b"signal") == digest
    assert remote.get(digest) == b"signal"
    assert remote.has(digest)
    system, path = place(remote, digest)
    assert [one.rpartition("/")[2] for one in system.find(path.rpartition("/")[0])] == [digest[2:]]


def test_altered_and_missing_bytes_are_never_handed_out(remote):
    digest = remote.put(b"other signal")
    system, path = place(remote, digest)
    system.pipe_file(path, b"altered")
    with pytest.raises(EvidenceBroken, match="altered"):
        remote.get(digest)
    system.rm_file(path)
    assert not remote.has(digest)
    with pytest.raises(EvidenceBroken, match="no bytes"):
        remote.get(digest)


def test_a_bucket_that_is_not_there_is_what_the_environment_lacks(s3, tmp_path):
    with pytest.raises(EnvironmentLacking) as caught:
        ObjectStore(Workspace(tmp_path), "s3://no-such-bucket/objects").put(b"signal")
    assert "MEDASSAY_OBJECTS" in caught.value.remedy


def test_a_place_of_an_unknown_protocol_is_wrong_use(tmp_path):
    with pytest.raises(WrongUse, match="MEDASSAY_OBJECTS"):
        ObjectStore(Workspace(tmp_path), "nowhere://x").put(b"signal")
