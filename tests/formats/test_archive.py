"""Archives: every member comes out or is refused for itself; nothing leaves the folder, nothing fills the disk."""

import gzip
import io
import struct
import tarfile
import zipfile

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medassay.core.findings import Reason
from medassay.formats import archive
from medassay.formats.archive import Limits

CHINESE = "检验报告/张三_血常规.csv"


def zipped(members, **options):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as container:
        for name, content in members.items():
            container.writestr(name, content, **options)
    return stream.getvalue()


def tarred(members, mode="w", form=tarfile.PAX_FORMAT, encoding="utf-8"):
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode=mode, format=form, encoding=encoding) as container:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            container.addfile(info, io.BytesIO(content))
    return stream.getvalue()


def zst(content):
    return pa.Codec("zstd").compress(content, asbytes=True)


def gbk_zip(name, content):
    """A zip whose name is in GBK and not flagged, as Chinese Windows writes it."""
    raw = name.encode("gbk")
    made = zipped({"x" * len(raw): content})
    return made.replace(b"x" * len(raw), raw)


@pytest.fixture
def out(tmp_path):
    def unpacked(content, limits=None, name="a.bin"):
        path = tmp_path / name
        path.write_bytes(content)
        folder = tmp_path / "out"
        folder.mkdir()
        members = list(archive.unpack(path, folder, limits))
        assert all(m.path is None or m.path.resolve().is_relative_to(folder.resolve()) for m in members)
        return {m.name: m.path.read_bytes() if m.path else m.finding.reason for m in members}

    return unpacked


MEMBERS = {"a.txt": b"one", "b/c.txt": b"two" * 1000, CHINESE: b"three"}
forms = {
    "zip": zipped(MEMBERS),
    "tar": tarred(MEMBERS),
    "old tar": tarred(MEMBERS, form=tarfile.GNU_FORMAT),
    "tar.gz": tarred(MEMBERS, "w:gz"),
    "tar.bz2": tarred(MEMBERS, "w:bz2"),
    "tar.xz": tarred(MEMBERS, "w:xz"),
    "tar.zst": zst(tarred(MEMBERS)),
    "tar in GBK": tarred(MEMBERS, form=tarfile.GNU_FORMAT, encoding="gbk"),
}


@pytest.mark.parametrize("content", forms.values(), ids=forms)
def test_every_member_comes_out_whatever_the_form(out, content):
    assert out(content) == MEMBERS


@pytest.mark.parametrize(
    ("content", "name"), [(gzip.compress(b"a,b", mtime=0), "t.csv.gz"), (zst(b"a,b"), "t.csv.zst")]
)
def test_a_single_stream_is_one_member_without_its_ending(out, content, name):
    assert out(content, name=name) == {"t.csv": b"a,b"}


def test_names_in_gbk_without_a_flag_are_read(out):
    assert out(gbk_zip(CHINESE, b"x")) == {CHINESE: b"x"}


def test_a_name_that_no_file_system_takes_is_kept_and_written_under_another(out):
    long = "长" * 200 + ".csv"  # 604 bytes
    assert out(tarred({long: b"x", "y": b"y"})) == {long: b"x", "y": b"y"}


def test_members_of_one_name_do_not_overwrite_each_other(tmp_path):
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as container:
        for content in (b"1", b"2"):
            info = tarfile.TarInfo("A.txt" if content == b"1" else "a.txt")
            info.size = 1
            container.addfile(info, io.BytesIO(content))
    path = tmp_path / "a.tar"
    path.write_bytes(stream.getvalue())
    assert [m.path.read_bytes() for m in archive.unpack(path, tmp_path / "out")] == [b"1", b"2"]


@pytest.mark.parametrize("name", ["../a", "/etc/a", "b/../../a", "\\a", "..\\a", "C:\\a"])
@pytest.mark.parametrize("made", [zipped, tarred], ids=["zip", "tar"])
def test_paths_that_lead_out_are_refused_and_cost_no_neighbour(out, made, name):
    found = out(made({name: b"x", "good": b"y"}))
    assert found.pop("good") == b"y"
    assert list(found.values()) == [Reason.HEADER_INVALID]


def test_links_and_devices_are_refused(out):
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as container:
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE):
            info = tarfile.TarInfo(f"l{kind.decode()}")
            info.type, info.linkname = kind, "/etc/passwd"
            container.addfile(info)
    assert set(out(stream.getvalue()).values()) == {Reason.UNSUPPORTED_FORM}


def test_a_bomb_is_stopped_and_leaves_nothing(out, tmp_path):
    limits = Limits(small=1 << 16, ratio=100)
    found = out(zipped({"zeros": bytes(1 << 22), "good": b"y"}), limits)
    assert found["zeros"] is Reason.LIMIT_EXCEEDED
    assert not (tmp_path / "out" / "zeros").exists()


def test_bytes_and_members_are_limited_over_all_archives_within(out):
    nested = zipped({f"{n}.zip": zipped({"a": b"x" * 600}) for n in range(5)})
    assert Reason.LIMIT_EXCEEDED in out(nested, Limits(bytes=3500)).values()


def test_members_are_limited(out):
    found = out(zipped({str(n): b"x" for n in range(9)}), Limits(members=5))
    assert list(found.values()).count(b"x") == 5
    assert Reason.LIMIT_EXCEEDED in found.values()


def test_archives_within_archives_are_opened_up_to_a_depth(out):
    content = b"deep"
    for _ in range(3):
        content = zipped({"in.zip": content} if content != b"deep" else {"a": content})
    assert out(content) == {"in.zip/in.zip/a": b"deep"}


def test_deeper_ones_are_refused(out):
    content = zipped({"a": b"x"})
    for _ in range(6):
        content = zipped({"in.zip": content})
    assert list(out(content).values()) == [Reason.LIMIT_EXCEEDED]


def test_a_damaged_member_costs_no_other(out):
    content = bytearray(zipped({"a": b"x" * 500, "b": b"y"}))
    content[32:34] = b"\xff\xff"  # within the first member's data
    found = out(bytes(content))
    assert (found["a"], found["b"]) == (Reason.TRUNCATED, b"y")


def test_a_member_without_a_name_is_refused_and_costs_no_other(out):
    content = zipped({"QQQ": b"x", "good": b"y"}).replace(b"QQQ", b"\x00QQ")
    found = out(content)
    assert found["good"] == b"y"
    assert len(found) == 2


def test_a_member_under_a_password_is_refused(out):
    content = bytearray(zipped({"a": b"x"}))
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = content.index(mark) + at
        content[place : place + 2] = struct.pack("<H", 1)
    assert out(bytes(content)) == {"a": Reason.UNSUPPORTED_FORM}


@pytest.mark.parametrize("form", ["zip", "tar.gz", "tar.zst"])
def test_what_stands_before_a_cut_is_kept_or_the_cut_is_told(out, form):
    found = out(forms[form][:-40])
    assert Reason.TRUNCATED in found.values()


def test_documents_in_a_container_are_no_archive(tmp_path):
    from medassay.formats.ivd.write_table import write_workbook

    path = tmp_path / "a.xlsx"
    path.write_bytes(write_workbook([["a", "b"]]))
    assert archive.form_of(path) is None
    assert not archive.is_archive(path)


@settings(max_examples=60)
@given(
    st.dictionaries(
        st.from_regex(r"[a-zA-Z0-9_一-龥]{1,12}", fullmatch=True),
        st.binary(max_size=200),
        min_size=1,
        max_size=6,
    )
)
def test_what_is_packed_comes_out_again(tmp_path_factory, members):
    members = {f"{n}{name}": content for n, (name, content) in enumerate(members.items())}
    members = {k: b"#" + v for k, v in members.items()}
    for made in (zipped, tarred):
        folder = tmp_path_factory.mktemp("a")
        (folder / "a").write_bytes(made(members))
        found = {m.name: m.path.read_bytes() for m in archive.unpack(folder / "a", folder / "out") if m.path}
        assert found == members


def test_a_bomb_costs_no_other_member_of_its_archive(out):
    limits = Limits(small=1 << 16, ratio=100)
    found = out(zipped({"zeros": bytes(1 << 22), "good": b"y" * 40}), limits)
    assert found["zeros"] is Reason.LIMIT_EXCEEDED
    assert found["good"] == b"y" * 40
