import importlib.util
from pathlib import Path

import numpy as np
import pytest
import wfdb

from medassay.core.errors import WrongUse
from medassay.core.findings import Reason, Severity
from medassay.formats.waveform import wfdb_formats, wfdb_segments

_spec = importlib.util.spec_from_file_location("wfdb_packing", Path(__file__).with_name("wfdb_packing.py"))
packing = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(packing)

FRAMES = 101  # with three samples a frame, no whole number of groups in any packed format


def drawn(form, seed=3):
    """Samples of two signals, the first with two a frame; slow enough for differences of 8 bits."""
    generator = np.random.default_rng(seed)
    low, high = packing.RANGES.get(form, (-100, 100))
    if form == "8":
        return generator.integers(-60, 60, (FRAMES, 3))
    return generator.integers(low, high, (FRAMES, 3), endpoint=True)


def record(folder, form, samples, *, offset=0, skew=0, sums=None, extra=b"", gain="200(10)/mV"):
    first, second = samples[:, :2].reshape(-1), samples[:, 2]
    sums = sums or [int(first.sum()) % 65536, int(second.sum()) % 65536]
    layouts = (f"x2:{skew}" if skew else "x2", "")
    where = f"+{offset}" if offset else ""
    starts = (0, 0) if form == "8" else (first[0], second[0])
    lines = [
        f"r.dat {form}{layout}{where} {gain} 0 0 {start} {total} 0 {name}"
        for layout, start, total, name in zip(layouts, starts, sums, ("II", "ABP"), strict=True)
    ]
    (folder / "r.hea").write_text("\n".join([f"r 2 100 {len(samples)}", *lines]) + "\n")
    order = samples.reshape(-1) if form != "8" else None
    if form == "8":
        apart = np.column_stack([np.diff(first, prepend=0).reshape(-1, 2), np.diff(second, prepend=0)])
        content = apart.reshape(-1).astype("i1").tobytes()
    else:
        content = packing.packed(form, order)
    (folder / "r.dat").write_bytes(b"\x00" * offset + content + extra)
    return wfdb_segments.open(folder / "r.hea")


def reasons(opened):
    return [finding.reason for finding in wfdb_segments.examine(opened)]


@pytest.mark.parametrize("form", packing.RANGES)
@pytest.mark.parametrize("offset", [0, 24])
def test_every_storage_format_is_read_whole_and_by_range(form, offset, tmp_path):
    samples = drawn(form)
    opened = record(tmp_path, form, samples, offset=offset)
    tolerated = [Reason.HEADER_INVALID] if form == "8" else []  # its initial value is no sample
    assert reasons(opened) == tolerated
    assert wfdb_segments.describe(opened)["sampling_hz"] == "100, 200"
    expected = (samples[:, :2].reshape(-1) - 10) / 200, (samples[:, 2] - 10) / 200
    for number, values in enumerate(expected):
        whole = wfdb_segments.samples(opened, number)
        assert (whole.unit, whole.rate_hz) == ("mV", (200, 100)[number])
        np.testing.assert_allclose(whole.values, values)
        for start in (0.01, 0.02, 0.5, 0.505):
            part = wfdb_segments.samples(opened, number, start, start + 0.25)
            first = round(part.start_s * part.rate_hz)
            assert part.start_s >= start - 1e-4
            np.testing.assert_allclose(part.values, values[first : first + len(part.values)])
            assert len(part.values) == round(0.25 * part.rate_hz)


@pytest.mark.parametrize(("form", "bits"), [("508", "PCM_S8"), ("516", "PCM_16"), ("524", "PCM_24")])
def test_flac_files_are_read_by_range_and_held_to_what_they_state(form, bits, tmp_path):
    import soundfile

    width = int(bits[4:].strip("_S"))
    samples = np.random.default_rng(1).integers(-(1 << (width - 1)) + 1, 1 << (width - 1), (5000, 2))
    shifted = (samples << (32 - width)).astype(np.int32)
    soundfile.write(tmp_path / "r.flac", shifted, 100, subtype=bits, format="FLAC")
    (tmp_path / "r.flac").rename(tmp_path / "r.dat")
    lines = [
        f"r.dat {form} 10/mV 0 0 {samples[0, i]} {int(samples[:, i].sum()) % 65536} 0 s{i}" for i in (0, 1)
    ]
    header = tmp_path / "r.hea"
    header.write_text("\n".join(["r 2 100 5000", *lines]))
    opened = wfdb_segments.open(header)
    assert reasons(opened) == []
    np.testing.assert_allclose(wfdb_segments.samples(opened, 1, 12.34, 20).values, samples[1234:2000, 1] / 10)
    header.write_text("\n".join(["r 2 100 5001", *lines]))
    assert reasons(wfdb_segments.open(header)) == [Reason.TRUNCATED]
    header.write_text("\n".join(["r 1 100 5000", lines[0]]))
    assert reasons(wfdb_segments.open(header)) == [Reason.HEADER_INVALID]
    header.write_text("\n".join(["r 2 100", *lines]))
    assert wfdb_segments.open(header).length == 5000


def test_a_flac_file_that_promises_more_than_memory_holds_ends_as_a_finding(tmp_path):
    import soundfile

    soundfile.write(tmp_path / "r.flac", np.zeros(5000, np.int16), 100)
    content = bytearray((tmp_path / "r.flac").read_bytes())
    content[21] |= 0x0F
    content[22:26] = b"\xff\xff\xff\xff"  # 2 to the 36 samples
    (tmp_path / "r.dat").write_bytes(content)
    (tmp_path / "r.hea").write_text(f"r 1 100 {(1 << 36) - 1}\nr.dat 516 10/mV 0 0 0 0 0 s\n")
    opened = wfdb_segments.open(tmp_path / "r.hea")
    assert reasons(opened) == [Reason.LIMIT_EXCEEDED]
    with pytest.raises(WrongUse, match="at most"):
        wfdb_segments.samples(opened, 0)
    with pytest.raises(wfdb_formats.SamplesUnreadable):
        wfdb_segments.samples(opened, 0, 1e6, 1e6 + 1)


def test_skew_is_undone_and_what_it_pushes_out_of_the_file_is_not_measured(tmp_path):
    samples = drawn("16")
    opened = record(tmp_path, "16", samples, skew=4)
    assert reasons(opened) == []
    late = wfdb_segments.samples(opened, 0).values
    np.testing.assert_allclose(late[:-8], (samples[4:, :2].reshape(-1) - 10) / 200)
    assert np.isnan(late[-8:]).all()
    theirs = wfdb.rdrecord(str(tmp_path / "r"), smooth_frames=False)
    np.testing.assert_allclose(late[:-8], theirs.e_p_signal[0][:-8])


def test_a_value_that_stands_for_no_measurement_is_no_number(tmp_path):
    samples = drawn("212")
    samples[7, 2] = -2048
    values = wfdb_segments.samples(record(tmp_path, "212", samples), 1).values
    assert np.flatnonzero(np.isnan(values)).tolist() == [7]


BAD = {
    "cut": (lambda folder: record(folder, "16", drawn("16")[:50]), "r 2 100 60", Reason.TRUNCATED),
    "wrong sum": (lambda folder: record(folder, "16", drawn("16"), sums=[1, 2]), None, Reason.CHECKSUM_WRONG),
    "no gain": (lambda f: record(f, "16", drawn("16"), gain="0"), None, Reason.CALIBRATION_IMPOSSIBLE),
    "unknown format": (lambda f: record(f, "16", drawn("16")), ("16x2", "17x2"), Reason.UNSUPPORTED_FORM),
    "no rate": (lambda f: record(f, "16", drawn("16")), ("r 2 100 ", "r 2 0 "), Reason.HEADER_INVALID),
    "two formats in a file": (lambda f: record(f, "16", drawn("16")), ("16 ", "61 "), Reason.HEADER_INVALID),
}


@pytest.mark.parametrize("fault", BAD)
def test_a_record_that_cannot_be_right_is_refused_with_the_reason(fault, tmp_path):
    make, change, reason = BAD[fault]
    make(tmp_path)
    header = tmp_path / "r.hea"
    text = header.read_text()
    if isinstance(change, str):
        header.write_text("\n".join([change, *text.splitlines()[1:]]))
    elif change:
        header.write_text(text.replace(*change))
    found = list(wfdb_segments.examine(wfdb_segments.open(header)))
    assert reason in [finding.reason for finding in found if finding.severity is Severity.REFUSE]


def test_a_checksum_of_zero_is_taken_for_one_that_was_not_made(tmp_path):
    opened = record(tmp_path, "16", drawn("16"), sums=["0", "0"])
    (finding,) = wfdb_segments.examine(opened)
    assert (finding.reason, finding.severity) == (Reason.CHECKSUM_WRONG, Severity.NOTE)


def test_bytes_beyond_the_announced_length_are_said(tmp_path):
    opened = record(tmp_path, "16", drawn("16"), extra=b"\x00" * 6)
    (finding,) = wfdb_segments.examine(opened)
    assert (finding.severity, finding.found) == (Severity.WARN, "6 bytes beyond the announced length")


def test_a_length_that_is_not_stated_is_taken_from_the_file(tmp_path):
    record(tmp_path, "310", drawn("310"))
    header = tmp_path / "r.hea"
    header.write_text(header.read_text().replace("r 2 100 101", "r 2 100"))
    opened = wfdb_segments.open(header)
    assert (opened.length, [f.severity for f in wfdb_segments.examine(opened)]) == (101, [Severity.NOTE])


def test_headers_of_the_challenges_are_read_with_a_finding_though_the_library_refuses_them(tmp_path):
    values = np.arange(-50, 50, dtype="<i2")
    head = np.array([30, 1, 100, 0, 4], "<i4").tobytes() + b"val\x00"
    (tmp_path / "A1.mat").write_bytes(head + values.tobytes())
    header = tmp_path / "A1.hea"
    line = f"A1.mat 16+24 1000/mV 16 0 -50 {int(values.sum()) % 65536} 0 ECG\n"
    header.write_bytes(b"\xef\xbb\xbfA1.mat 1 300 100 2014-05-08 05:05:15\r\n" + line.encode())
    with pytest.raises(Exception, match=r".*"):
        wfdb.rdrecord(str(tmp_path / "A1"))
    opened = wfdb_segments.open(header)
    found = list(wfdb_segments.examine(opened))
    assert {finding.severity for finding in found} == {Severity.NOTE}
    assert len(found) == 3  # byte-order mark, date, name
    np.testing.assert_allclose(wfdb_segments.samples(opened, 0).values, values / 1000)
    header.write_text("A1 1 300 99\n" + line)
    assert Reason.HEADER_INVALID in reasons(wfdb_segments.open(header))  # the matrix says another shape


def test_a_signal_file_name_that_leads_elsewhere_is_not_followed(tmp_path):
    inner = tmp_path / "inner"
    inner.mkdir()
    record(tmp_path, "16", drawn("16"))
    (inner / "x.hea").write_text((tmp_path / "r.hea").read_text().replace("r.dat", "../r.dat"))
    opened = wfdb_segments.open(inner / "x.hea")
    assert reasons(opened) == [Reason.SIGNAL_FILE_MISSING]
    assert opened.names == {"r.dat"}


def segments(folder, *, fixed):
    """A record of 7 s at 100 Hz: 2 s, a gap of 3 s, 2 s; in the variable layout the second has one signal."""
    made = np.random.default_rng(5).integers(-2000, 2000, (400, 2))
    pieces = {"a": (made[:200], ["II", "PLETH"]), "b": (made[200:], ["II", "PLETH"] if fixed else ["PLETH"])}
    for name, (samples, signals) in pieces.items():
        columns = samples[:, -len(signals) :]
        wfdb.wrsamp(
            name, fs=100, units=["mV", "NU"][-len(signals) :], sig_name=signals, d_signal=columns,
            fmt=["16"] * len(signals), adc_gain=[100.0] * len(signals), baseline=[0] * len(signals),
            write_dir=str(folder),
        )  # fmt: skip
    layout = "r/3 2 100 700\n" if fixed else "r/4 2 100 700\nr_layout 0\n"
    if not fixed:
        text = "r_layout 2 100 0\n~ 0 100/mV 16 0 0 0 0 II\n~ 0 100/NU 16 0 0 0 0 PLETH\n"
        (folder / "r_layout.hea").write_text(text)
    (folder / "r.hea").write_text(layout + "a 200\n~ 300\nb 200\n")
    return made


@pytest.mark.parametrize("fixed", [True, False], ids=["fixed layout", "variable layout"])
def test_segments_and_gaps_stand_at_their_times(fixed, tmp_path):
    made = segments(tmp_path, fixed=fixed)
    opened = wfdb_segments.open(tmp_path / "r.hea")
    (finding,) = wfdb_segments.examine(opened)
    assert (finding.reason, finding.found) == (Reason.RECORDING_GAP, "1 gaps of 3 s together")
    facts = wfdb_segments.describe(opened)
    assert (facts["duration_s"], facts["recorded_s"], facts["gaps"]) == (7, 4, 1)
    pleth = wfdb_segments.samples(opened, 1).values
    np.testing.assert_allclose(pleth[:200], made[:200, 1] / 100)
    assert np.isnan(pleth[200:500]).all()
    np.testing.assert_allclose(pleth[500:], made[200:, 1] / 100)
    lead = wfdb_segments.samples(opened, 0, 4.9, 5.1).values
    assert np.isnan(lead[:10]).all()
    assert np.isnan(lead[10:]).all() != fixed
    assert opened.names >= {"a.hea", "a.dat", "b.hea", "b.dat"}


def test_a_segment_that_is_not_there_refuses_the_record_and_the_rest_is_read(tmp_path):
    made = segments(tmp_path, fixed=True)
    (tmp_path / "b.hea").unlink()
    opened = wfdb_segments.open(tmp_path / "r.hea")
    found = {finding.reason: finding.severity for finding in wfdb_segments.examine(opened)}
    assert found[Reason.SIGNAL_FILE_MISSING] is Severity.REFUSE
    values = wfdb_segments.samples(opened, 0).values
    np.testing.assert_allclose(values[:200], made[:200, 0] / 100)
    assert np.isnan(values[200:]).all()


def test_segments_that_do_not_add_up_are_refused(tmp_path):
    segments(tmp_path, fixed=True)
    header = tmp_path / "r.hea"
    header.write_text(header.read_text().replace("100 700", "100 701"))
    assert Reason.HEADER_INVALID in reasons(wfdb_segments.open(header))


def test_a_segment_that_stands_many_times_is_examined_once(tmp_path):
    segments(tmp_path, fixed=True)
    lines = "a 200\n" * 5000
    (tmp_path / "r.hea").write_text(f"r/5000 2 100 1000000\n{lines}")
    opened = wfdb_segments.open(tmp_path / "r.hea")
    assert reasons(opened) == []
    assert wfdb_segments.describe(opened)["duration_s"] == 10_000
    assert len(wfdb_segments.samples(opened, 0, 5000, 5001).values) == 100


def test_a_header_that_promises_what_its_file_cannot_hold_costs_no_memory(tmp_path):
    (tmp_path / "r.dat").write_bytes(b"\1" * 100)
    for form in (*packing.RANGES, "516"):
        (tmp_path / "r.hea").write_text(f"r 1 250 {1 << 39}\nr.dat {form}x9 100/mV\n")
        opened = wfdb_segments.open(tmp_path / "r.hea")
        assert {Reason.TRUNCATED, Reason.HEADER_INVALID} & set(reasons(opened))
        with pytest.raises(wfdb_formats.SamplesUnreadable):
            wfdb_segments.samples(opened, 0, 1e6, 1e6 + 1)
