"""A walk offers every file once, and an archive as its members."""

import zipfile

import pytest

from medassay.core.errors import NothingReadable
from medassay.core.findings import Reason
from medassay.datasets.walk import walk


def made(folder):
    (folder / "b").mkdir()
    (folder / "b" / "z.csv").write_bytes(b"a,b\n1,2\n")
    with zipfile.ZipFile(folder / "a.zip", "w") as container:
        for name in ("y.csv", "x/1.csv", "../out.csv"):
            container.writestr(name, "a,b\n1,2\n")


def test_an_archive_is_offered_as_its_members_and_counted(tmp_path):
    source, unpacked = tmp_path / "source", tmp_path / "unpacked"
    source.mkdir()
    made(source)
    found = walk(source, unpacked)
    assert [item.relative for item in found.readable] == ["a.zip/x/1.csv", "a.zip/y.csv", "b/z.csv"]
    assert all(item.path.read_bytes() == b"a,b\n1,2\n" for item in found.readable)
    assert [(item.file.relative, item.finding.reason) for item in found.barred] == [
        ("a.zip/../out.csv", Reason.HEADER_INVALID)
    ]
    assert [(one.file.relative, one.taken, one.refused) for one in found.archives] == [("a.zip", 2, 1)]


def test_without_a_place_to_unpack_an_archive_is_a_file_like_others(tmp_path):
    made(tmp_path)
    found = walk(tmp_path)
    assert [item.relative for item in found.readable] == ["a.zip", "b/z.csv"]
    assert found.archives == ()


def test_a_link_is_barred_and_an_empty_folder_is_nothing(tmp_path):
    with pytest.raises(NothingReadable):
        walk(tmp_path)
    (tmp_path / "a").symlink_to("/etc/hostname")
    assert [item.finding.reason for item in walk(tmp_path).barred] == [Reason.UNSUPPORTED_FORM]
