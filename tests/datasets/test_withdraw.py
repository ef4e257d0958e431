"""A withdrawn subject's bytes are gone, and old versions still verify."""

import pytest

from medassay.core.canonical import digest_bytes
from medassay.core.errors import EvidenceBroken, WrongUse
from medassay.core.workspace import Workspace
from medassay.datasets.manifest import Manifest, Row
from medassay.datasets.store import ObjectStore
from medassay.datasets.withdraw import checked, erase


@pytest.fixture
def frozen(tmp_path):
    """Two subjects with an image each; their labels are the same bytes."""
    workspace = Workspace(tmp_path)
    store = ObjectStore(workspace)
    rows = []
    for number, split in ((1, "train"), (2, "test")):
        sample, subject = f"R-{number:016x}", f"S-{number:016x}"
        for role, content in (("image", b"pixels %d" % number), ("reference", b"same label")):
            rows.append(
                Row(
                    name=f"{sample}.{role}",
                    role=role,
                    digest=store.put(content),
                    sample=sample,
                    subject=subject,
                    split=split,
                )
            )
    manifest = Manifest(
        dataset="toys", source="a", source_class="public", spec_version="1", kind="toy", task="toys", seed=1,
        division="seeded", disjointness="proven", rows=tuple(rows),
    )  # fmt: skip
    return workspace, store, manifest


def test_the_bytes_of_a_withdrawn_subject_are_gone_and_the_version_still_verifies(frozen):
    workspace, store, manifest = frozen
    version = manifest.digest
    done = erase(store, [manifest], "S-0000000000000001")
    assert done.erased == (digest_bytes(b"pixels 1"),)
    assert done.versions == (version,)
    assert not workspace.object(done.erased[0]).exists()
    assert not any(b"pixels 1" in path.read_bytes() for path in workspace.store.rglob("*") if path.is_file())
    assert Manifest.read(manifest.content, version) == manifest
    found = checked(store, manifest)
    assert (found.present, found.withdrawn, found.holds) == (3, 1, True)
    with pytest.raises(EvidenceBroken, match="withdrew"):
        store.get(done.erased[0])


def test_bytes_that_another_subject_has_too_are_kept_and_told(frozen):
    _, store, manifest = frozen
    done = erase(store, [manifest], "S-0000000000000001")
    assert done.shared == (digest_bytes(b"same label"),)
    assert store.get(done.shared[0]) == b"same label"


def test_a_withdrawal_that_is_run_again_ends_the_same(frozen):
    _, store, manifest = frozen
    assert erase(store, [manifest], "S-0000000000000001") == erase(store, [manifest], "S-0000000000000001")


def test_bytes_that_are_missing_or_altered_without_a_withdrawal_fail(frozen):
    workspace, store, manifest = frozen
    workspace.object(digest_bytes(b"pixels 1")).unlink()
    workspace.object(digest_bytes(b"pixels 2")).write_bytes(b"other")
    found = checked(store, manifest)
    assert not found.holds
    assert len(found.findings) == 2


def test_a_subject_that_no_version_lists_is_refused(frozen):
    _, store, manifest = frozen
    with pytest.raises(WrongUse):
        erase(store, [manifest], "S-00000000000000ff")


def test_bytes_in_a_store_elsewhere_are_erased_and_told_apart_too(frozen):
    workspace, _, manifest = frozen
    store = ObjectStore(workspace, "memory://withdrawal-of-this-test")
    for content in (b"pixels 1", b"pixels 2", b"same label"):
        store.put(content)
    [gone] = erase(store, [manifest], "S-0000000000000001").erased
    assert not store.has(gone)
    assert store.put(b"pixels 1") == gone
    assert not store.has(gone)  # another ingest of the same file does not bring it back
    found = checked(store, manifest)
    assert (found.present, found.withdrawn, found.holds) == (3, 1, True)
