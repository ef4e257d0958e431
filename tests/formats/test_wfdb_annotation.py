import numpy as np
import pytest
import wfdb

from medassay.core.errors import WrongUse
from medassay.formats.waveform.wfdb_annotation import (
    Annotations,
    plain_annotations,
    read_annotations,
    write_annotations,
)


def sample():
    return Annotations(
        samples=np.array([10, 1033, 2057, 900_000, 900_000]),
        symbols=("N", "V", "~", "+", '"'),
        subtypes=np.array([0, 0, -1, 0, 0]),
        channels=np.array([0, 0, 1, 1, 0]),
        numbers=np.array([0, 2, 2, 0, 0]),
        aux=(b"", b"", b"", b"(AFIB\0", b"odd"),
    )


def same(one, two):
    assert one.symbols == two.symbols
    assert one.aux == two.aux
    for field in ("samples", "subtypes", "channels", "numbers"):
        assert getattr(one, field).tolist() == getattr(two, field).tolist(), field


def test_what_is_written_is_read_back():
    same(read_annotations(write_annotations(sample())), sample())


def test_wfdb_reads_what_is_written(tmp_path):
    (tmp_path / "a.atr").write_bytes(write_annotations(sample()))
    theirs = wfdb.rdann(str(tmp_path / "a"), "atr")
    assert theirs.sample.tolist() == sample().samples.tolist()
    assert tuple(theirs.symbol) == sample().symbols
    assert theirs.chan.tolist() == sample().channels.tolist()
    assert [text.rstrip("\0") for text in theirs.aux_note] == ["", "", "", "(AFIB", "odd"]


def test_what_wfdb_writes_is_read(tmp_path):
    beats = np.array([5, 700, 90_000])
    wfdb.wrann("a", "atr", beats, symbol=["N", "V", "A"], fs=360, write_dir=str(tmp_path))
    ours = read_annotations((tmp_path / "a.atr").read_bytes())
    assert ours.samples.tolist() == beats.tolist()
    assert ours.symbols == ("N", "V", "A")
    assert ours.clock_hz == 360


@pytest.mark.parametrize("cut", [1, 2, 5, 8])
def test_a_cut_file_is_refused_never_read_in_part(cut):
    with pytest.raises(WrongUse, match="annotation file with"):
        read_annotations(write_annotations(sample())[:-cut])


@pytest.mark.parametrize("content", [b"", b"\0", b"PDF-1.4 x", (0xC800).to_bytes(2, "little") + b"\0\0"])
def test_other_bytes_are_refused(content):
    with pytest.raises(WrongUse, match="annotation file with"):
        read_annotations(content)


def test_unsorted_or_unknown_marks_are_not_written():
    with pytest.raises(WrongUse, match="order of time"):
        write_annotations(plain_annotations([20, 10], ["N", "N"]))
    with pytest.raises(WrongUse, match="unknown symbol"):
        write_annotations(plain_annotations([20], ["Z"]))


def test_times_beyond_32_bits_are_written_in_several_steps(tmp_path):
    far = plain_annotations([5, 10_000_000_000, 10_000_000_001], ["N", "V", "N"])
    content = write_annotations(far)
    same(read_annotations(content), far)
    (tmp_path / "a.atr").write_bytes(content)
    assert wfdb.rdann(str(tmp_path / "a"), "atr").sample.tolist() == far.samples.tolist()
