import numpy as np
import pytest
import wfdb

from medassay.core.errors import WrongUse
from medassay.core.findings import Reason
from medassay.formats.waveform import wfdb_record as rec

GENERATOR = np.random.default_rng(1)
SAMPLES = GENERATOR.integers(-2047, 2048, (361, 3))  # an odd number in all: the last byte is a half


def header(form="212", **more):
    fields = {
        "file": "r.dat", "form": form, "layout": "", "gain": 200.0, "baseline": 1024, "unit": "mV",
        "bits": 11, "zero": 1024, "first": 0, "checksum": 0,
    }  # fmt: skip
    leads = tuple(rec.Lead(**(fields | more), name=name) for name in ("MLII", "V1", "V5"))
    return rec.renamed(rec.Header("r", 1, 360.0, 361, leads), "r", ("MLII", "V1", "V5"), SAMPLES)


@pytest.mark.parametrize("form", ["212", "16"])
def test_wfdb_reads_what_is_written(form, tmp_path):
    (tmp_path / "r.hea").write_bytes(rec.write_header(header(form)))
    (tmp_path / "r.dat").write_bytes(rec.encode(SAMPLES, form))
    theirs = wfdb.rdrecord(str(tmp_path / "r"), physical=False)
    assert (theirs.d_signal == SAMPLES).all()
    assert (theirs.fs, theirs.sig_name, theirs.adc_gain) == (360, ["MLII", "V1", "V5"], [200.0] * 3)
    assert [value % 65536 for value in theirs.checksum] == [value % 65536 for value in theirs.calc_checksum()]


@pytest.mark.parametrize("form", ["212", "16"])
def test_what_is_written_is_read_back(form):
    written = header(form)
    content = rec.encode(SAMPLES, form)
    assert rec.read_header(rec.write_header(written)) == written
    assert rec.examine(written, len(content)) == []
    assert (rec.decode(written, content) == SAMPLES).all()
    assert rec.wrong_checksums(written, SAMPLES) == 0
    assert rec.wrong_checksums(written, SAMPLES + np.array([1, 0, 0])) == 1


def test_what_wfdb_writes_is_read(tmp_path):
    wfdb.wrsamp(
        "r", fs=360, units=["mV", "uV"], sig_name=["II", "V1"], d_signal=SAMPLES[:, :2], fmt=["212"] * 2,
        adc_gain=[200.0, 0.2], baseline=[0, 10], write_dir=str(tmp_path), comments=["text"],
    )  # fmt: skip
    ours = rec.read_header((tmp_path / "r.hea").read_bytes())
    samples = rec.decode(ours, (tmp_path / "r.dat").read_bytes())
    assert (samples == SAMPLES[:, :2]).all()
    assert ours.comments == (b"text",)
    assert np.allclose(rec.physical_mv(ours, samples), (samples - [0, 10]) / 200)


def test_a_sample_that_was_not_measured_has_no_voltage():
    lost = np.array([[-2048, 0, 5]])
    assert np.isnan(rec.physical_mv(header(), lost)).tolist() == [[True, False, False]]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"gain": None}, Reason.CALIBRATION_IMPOSSIBLE),
        ({"unit": "mmHg"}, Reason.UNIT_UNKNOWN),
        ({"form": "80"}, Reason.UNSUPPORTED_FORM),
    ],
)
def test_what_cannot_be_read_truly_is_refused(change, reason):
    assert reason in {finding.reason for finding in rec.examine(header(**change), 1625)}


def test_a_file_of_another_size_is_refused():
    size = rec.bytes_of("212", 3, 361)
    assert [f.reason for f in rec.examine(header(), size - 1)] == [Reason.TRUNCATED]
    assert [f.reason for f in rec.examine(header(), size + 1)] == [Reason.HEADER_INVALID]


def test_headers_are_recognised_by_content():
    assert rec.recognises(b"# note\n100 2 360 650000\n")
    assert not rec.recognises(b"\x00\x01\x02")
    assert not rec.recognises(b"100\n101\n")
    assert not rec.recognises(b"name,age\n")


@pytest.mark.parametrize("text", [b"", b"r 2 360 10\nr.dat 212\n", b"r 1 360 10\nr.dat two 200\n"])
def test_another_text_is_no_header(text):
    with pytest.raises(WrongUse, match="a header with"):
        rec.read_header(text)


def test_a_sample_outside_the_format_is_not_written():
    with pytest.raises(WrongUse, match="outside the format"):
        rec.encode(np.array([[2048]]), "212")
