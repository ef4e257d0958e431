import io

import numpy as np
import pytest
from scipy.io import savemat

from medassay.core.errors import WrongUse
from medassay.core.findings import Reason, Severity
from medassay.formats.waveform import cinc_mat

VALUES = np.array([[1, 2, 3, 4], [-5, -6, -7, -8]])


def saved(values, *, level="4", name="val", **more):
    stream = io.BytesIO()
    savemat(stream, {name: values}, format=level, **more)
    return stream.getvalue()


DECLARED = {"rate_hz": 2.0, "gain_per_unit": 1000.0, "unit": "mV"}


@pytest.mark.parametrize("kind", ["<i2", "<i4", "<f8", "u1"])
def test_a_level_4_matrix_as_scipy_writes_it_is_read_by_range(kind, tmp_path):
    values = np.abs(VALUES) if kind == "u1" else VALUES
    content = saved(values.astype(kind))
    (tmp_path / "x").write_bytes(content)
    assert cinc_mat.recognises(content[:128])
    for source in (content, tmp_path / "x"):
        opened = cinc_mat.open(source)
        assert (opened.signals, opened.length, opened.level) == (2, 4, 4)
        series = cinc_mat.samples(opened, 1, 0.5, 1.5, **DECLARED)
        assert series.values == pytest.approx(values[1, 1:3] / 1000)
        assert (series.unit, series.start_s) == ("mV", 0.5)


@pytest.mark.parametrize("compressed", [True, False])
def test_a_level_5_matrix_is_read_and_a_column_is_one_signal(compressed):
    column = np.arange(6, dtype=np.int16).reshape(6, 1)
    opened = cinc_mat.open(saved(column, level="5", name="ictal", do_compression=compressed))
    assert (opened.signals, opened.length) == (1, 6)
    assert cinc_mat.samples(opened, 0, **DECLARED).values == pytest.approx(np.arange(6) / 1000)


def test_a_matrix_alone_says_that_rate_and_gain_are_not_known():
    (finding,) = cinc_mat.examine(cinc_mat.open(saved(VALUES.astype("<i2"))))
    assert (finding.reason, finding.severity) == (Reason.CALIBRATION_IMPOSSIBLE, Severity.WARN)


def test_a_matrix_that_ends_early_is_refused():
    opened = cinc_mat.open(saved(VALUES.astype("<i2"))[:-1])
    (finding,) = cinc_mat.examine(opened)
    assert (finding.reason, finding.severity) == (Reason.TRUNCATED, Severity.REFUSE)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"MATLAB 5.0 MAT-file" + b"\x00" * 200,
        saved(np.array(["text"]), level="5"),
        saved(np.zeros((2, 2, 2)), level="5"),
        saved(np.zeros((2, 2), complex), level="5"),
        saved(VALUES.astype("<i2"), level="5")[:-20],
    ],
    ids=["empty", "no matrix", "text", "three dimensions", "complex", "cut"],
)
def test_what_is_no_matrix_of_samples_is_refused(content):
    with pytest.raises(cinc_mat.MatrixUnreadable):
        cinc_mat.open(content)


@pytest.mark.parametrize("change", [{"rate_hz": 0.0}, {"gain_per_unit": 0.0}, {"gain_per_unit": -1.0}])
def test_samples_are_not_given_without_a_rate_and_a_gain(change):
    with pytest.raises(WrongUse):
        cinc_mat.samples(cinc_mat.open(saved(VALUES.astype("<i2"))), 0, **(DECLARED | change))
