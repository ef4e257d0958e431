import io
import os
import zipfile

import pytest

from medassay.core.errors import EvidenceBroken, WrongUse
from medassay.registry.submission import RECORD, device_files, open_submission, package, read_tree

FILES = {"train.py": b"1", "model/weights": b"\x00\x01", "a/b.txt": b""}


def packed(files=FILES):
    return package(files, device="d", device_version="1", trained_on="0" * 64, parameters={"epochs": 3})


def rezipped(change, *, compression=zipfile.ZIP_STORED):
    """The package with its entries changed, as another hand might write it."""
    with zipfile.ZipFile(io.BytesIO(packed())) as archive:
        entries = [(info.filename, archive.read(info)) for info in archive.infolist()]
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", compression) as archive:
        for name, content in change(entries):
            archive.writestr(name, content)
    return sink.getvalue()


def test_a_package_gives_back_what_was_put_in_and_is_the_same_in_any_order(tmp_path):
    content = packed()
    assert content == packed(dict(reversed(FILES.items())))
    opened = open_submission(content)
    assert opened.files == FILES
    assert opened.record.parameters == {"epochs": 3}
    opened.unpack(tmp_path)
    assert read_tree(tmp_path) == dict(sorted(FILES.items()))


def test_any_other_byte_of_a_device_is_another_submission():
    assert open_submission(packed()).digest != open_submission(packed(FILES | {"train.py": b"2"})).digest


broken = {
    "no zip": lambda: b"PK",
    "cut off": lambda: packed()[:-30],
    "an altered file": lambda: rezipped(lambda e: [(n, b"2" if n == "train.py" else c) for n, c in e]),
    "a file left out": lambda: rezipped(lambda e: [(n, c) for n, c in e if n != "train.py"]),
    "a file that its record does not name": lambda: rezipped(lambda e: [*e, ("extra", b"")]),
    "no record": lambda: rezipped(lambda e: [(n, c) for n, c in e if n != RECORD]),
    "compressed": lambda: rezipped(lambda e: e, compression=zipfile.ZIP_DEFLATED),
    "a path upwards": lambda: rezipped(lambda e: [*e, ("../x", b"")]),
    "a path from the root": lambda: rezipped(lambda e: [*e, ("/etc/x", b"")]),
    "a backslash": lambda: rezipped(lambda e: [*e, ("a\\..\\x", b"")]),
    "a folder entry": lambda: rezipped(lambda e: [*e, ("a/", b"")]),
}


@pytest.mark.parametrize("content", broken.values(), ids=broken)
def test_a_package_that_is_not_whole_or_not_harmless_is_not_opened(content):
    with pytest.raises(EvidenceBroken):
        open_submission(content())


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_file_that_stands_twice_is_refused():
    with pytest.raises(EvidenceBroken, match="a file twice"):
        open_submission(rezipped(lambda e: [*e, ("train.py", b"other")]))


def test_one_flipped_byte_anywhere_is_noticed():
    content = bytearray(packed())
    spot = content.index(b"\x00\x01", content.index(b"model/weights"))
    content[spot + 1] ^= 1
    with pytest.raises(EvidenceBroken):
        open_submission(bytes(content))


def test_caches_hidden_files_and_an_old_model_are_no_part_of_a_device(tmp_path):
    for name in ("train.py", ".env", "model/old", "__pycache__/x.pyc", "part/y.py", "part/.hidden/z"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    assert list(device_files(tmp_path)) == ["part/y.py", "train.py"]


specials = {
    "a link to a file": lambda path: path.symlink_to("/etc/passwd"),
    "a link to a folder": lambda path: path.symlink_to("/etc"),
    "a pipe": os.mkfifo,
}


@pytest.mark.parametrize("make", specials.values(), ids=specials)
def test_nothing_but_plain_files_goes_into_a_package(make, tmp_path):
    make(tmp_path / "x")
    with pytest.raises(WrongUse):
        device_files(tmp_path)


@pytest.mark.parametrize("name", ["../x", "/x", "a/../../x", "", "a//b", "./a"])
def test_a_name_that_leaves_the_folder_is_never_packaged(name):
    with pytest.raises(EvidenceBroken, match="leaves its folder"):
        packed({name: b""})
