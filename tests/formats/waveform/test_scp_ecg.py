import binascii
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medassay.core.findings import Reason, Severity
from medassay.formats.waveform import scp_ecg, scp_huffman

# Prefix, extra bits, switch, value: a table of two short codes and one of eight bits, written by hand.
SHORT = [("0", 0, 1, 0), ("10", 0, 1, 1), ("110", 8, 1, 0), ("111", 0, 0, 2)]  # 111: on to table 2
LONG = [("0", 16, 1, 0), ("1", 0, 0, 1)]  # 1: back to table 1


def structure(prefix, extra, mode, value):
    base = int(prefix[::-1], 2)  # the first bit of the stream is the lowest
    return struct.pack("<BBBhI", len(prefix), len(prefix) + extra, mode, value, base)


def section_2(tables):
    if tables is None:
        return struct.pack("<H", scp_huffman.DEFAULT)
    return struct.pack("<H", len(tables)) + b"".join(
        struct.pack("<H", len(table)) + b"".join(structure(*code) for code in table) for table in tables
    )


def coded_by_default(values):
    """Bits of the standard's table: 0; 1s, a 0 and the sign; nine 1s, 0 and 8 bits; ten 1s and 16 bits."""
    bits = ""
    for value in values:
        if value == 0:
            bits += "0"
        elif abs(value) <= 8:
            bits += "1" * abs(value) + "0" + ("1" if value < 0 else "0")
        elif -128 <= value < 128:
            bits += "1111111110" + format(value % 256, "08b")
        else:
            bits += "1111111111" + format(value % 65536, "016b")
    return in_bytes(bits)


def in_bytes(bits):
    bits += "0" * (-len(bits) % 8)
    return int(bits, 2).to_bytes(len(bits) // 8, "big") if bits else b""


def section(number, data):
    data += b"\0" * (len(data) % 2)
    rest = struct.pack("<HIBB6s", number, 16 + len(data), 20, 20, b"SCPECG" if number == 0 else b"") + data
    return struct.pack("<H", binascii.crc_hqx(rest, 0xFFFF)) + rest


def record(parts):
    """A record of sections 0 and those given, by number; the directory has a place for each of 12."""
    bodies = {number: section(number, data) for number, data in parts.items()}
    at = 7 + 16 + 120
    rows = [struct.pack("<HII", 0, 136, 7)]
    for number in range(1, 12):
        body = bodies.get(number, b"")
        rows.append(struct.pack("<HII", number, len(body), at if body else 0))
        at += len(body)
    content = section(0, b"".join(rows)) + b"".join(bodies[number] for number in sorted(bodies))
    rest = struct.pack("<I", 6 + len(content)) + content
    return struct.pack("<H", binascii.crc_hqx(rest, 0xFFFF)) + rest


def leads(rows, flags=4):
    return bytes([len(rows), flags]) + b"".join(struct.pack("<IIB", *row) for row in rows)


def coded(blocks, *, nanovolts=1000, interval_us=2000, encoding=0, mode=0):
    head = struct.pack("<HHBB", nanovolts, interval_us, encoding, mode)
    return head + struct.pack(f"<{len(blocks)}H", *map(len, blocks)) + b"".join(blocks)


def plain(samples, **more):
    blocks = [np.asarray(lead, "<i2").tobytes() for lead in samples]
    rows = [(1, len(lead), code) for lead, code in zip(samples, (1, 2, 61), strict=False)]
    return {3: leads(rows), 6: coded(blocks, **more)}


ECG = [[0, 5, -7, 300], [1, 1, 2, 3]]


def reasons(content):
    return [finding.reason for finding in scp_ecg.examine(scp_ecg.open(content))]


def test_uncompressed_samples_are_read_in_millivolts_by_lead_and_range():
    content = record(plain(ECG, nanovolts=2500))
    assert scp_ecg.recognises(content[:64])
    opened = scp_ecg.open(content)
    assert list(scp_ecg.examine(opened)) == []
    facts = scp_ecg.describe(opened)
    assert (facts["signals"], facts["sampling_hz"], facts["duration_s"]) == (2, "500", 0.008)
    whole = scp_ecg.samples(opened, 0)
    assert (whole.label, whole.unit, whole.rate_hz) == ("I", "mV", 500)
    assert whole.values == pytest.approx(np.array(ECG[0]) * 0.0025)
    assert scp_ecg.samples(opened, 1, 0.004, 0.008).values == pytest.approx([0.005, 0.0075])


@pytest.mark.parametrize("encoding", [0, 1, 2])
def test_differences_under_the_default_table_give_the_samples_back(encoding):
    samples = np.array([12, 14, 13, 13, 500, -500, -499, 8, -9, 0])
    values = samples.copy()
    if encoding:
        values[encoding:] = np.diff(samples, encoding)
    if encoding == 2:
        values[1] = samples[1]
    content = record(
        {2: section_2(None), 3: leads([(1, 10, 2)]), 6: coded([coded_by_default(values)], encoding=encoding)}
    )
    opened = scp_ecg.open(content)
    assert list(scp_ecg.examine(opened)) == []
    assert scp_ecg.samples(opened, 0).values == pytest.approx(samples / 1000)


def test_own_tables_are_read_and_changed_within_a_stream():
    bits = "0" + "10" + "110" + format(-100 % 256, "08b") + "111"  # 0, 1, -100, on to table 2
    bits += "0" + format(3000, "016b") + "1" + "10"  # 3000, back to table 1, 1
    content = record({2: section_2([SHORT, LONG]), 3: leads([(1, 5, 1)]), 6: coded([in_bytes(bits)])})
    opened = scp_ecg.open(content)
    assert list(scp_ecg.examine(opened)) == []
    assert scp_ecg.samples(opened, 0).values == pytest.approx([0, 0.001, -0.1, 3.0, 0.001])


def test_the_reference_beat_is_added_where_it_was_subtracted():
    beat = [10, 20, 30]  # its fiducial is sample 2; steps of 5 uV against 1 uV of the rhythm data
    zones = struct.pack("<HHH", 6, 2, 3)  # 6 ms are 3 samples of 2 ms
    for kind, first, fiducial, last in ((0, 2, 3, 4), (1, 1, 6, 1), (0, 9, 10, 11)):
        zones += struct.pack("<HIII", kind, first, fiducial, last)
    parts = {
        3: leads([(1, 10, 1)], flags=5), 4: zones,
        5: coded([np.array(beat, "<i2").tobytes()], nanovolts=5000),
        6: coded([np.ones(10, "<i2").tobytes()]),
    }  # fmt: skip
    opened = scp_ecg.open(record(parts))
    assert list(scp_ecg.examine(opened)) == []
    wanted = np.ones(10)
    wanted[1:4] += np.array(beat) * 5
    wanted[8:10] += np.array(beat[:2]) * 5  # the last zone runs over the end
    assert scp_ecg.samples(opened, 0).values == pytest.approx(wanted / 1000)


def test_a_lead_that_begins_late_has_no_number_before():
    parts = {3: leads([(1, 4, 1), (3, 4, 2)]), 6: coded([b"\1\0" * 4, b"\2\0" * 2])}
    values = scp_ecg.samples(scp_ecg.open(record(parts)), 1).values
    assert np.isnan(values[:2]).all()
    assert values[2:] == pytest.approx([0.002, 0.002])


def flipped(content, place):
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]


GOOD = record(plain(ECG))
BAD = {
    "a flipped bit": (flipped(GOOD, len(GOOD) - 1), Reason.CHECKSUM_WRONG),
    "cut": (GOOD[:-4] + b"", Reason.TRUNCATED),
    "bimodal": (record(plain(ECG, mode=1)), Reason.UNSUPPORTED_FORM),
    "no amplitude": (record(plain(ECG, nanovolts=0)), Reason.CALIBRATION_IMPOSSIBLE),
    "no lead": (record({3: b"\0\0", 6: coded([])}), Reason.CHANNEL_MISSING),
    "fewer samples than leads say": (record(plain(ECG) | {3: leads([(1, 9, 1), (1, 4, 2)])}), Reason.TRUNCATED),
    "a code of no table": (
        record({2: section_2([[("0", 0, 1, 0)]]), 3: leads([(1, 4, 1)]), 6: coded([b"\xff\xff"])}),
        Reason.TRUNCATED,
    ),
    "a table that ends early": (
        record({2: b"\1\0\7\0\0", 3: leads([(1, 4, 1)]), 6: coded([b"\xff\xff"])}), Reason.HEADER_INVALID,
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", BAD)
def test_a_record_that_cannot_be_right_is_refused_with_the_reason(fault):
    content, reason = BAD[fault]
    try:
        found = [(f.reason, f.severity) for f in scp_ecg.examine(scp_ecg.open(content))]
    except scp_huffman.EcgUnreadable as error:
        found = [(error.reason, Severity.REFUSE)]
    assert (reason, Severity.REFUSE) in found


def test_a_name_in_the_header_is_told_and_not_quoted():
    named = record(plain(ECG) | {1: b"\0\5\0Jane\0" + b"\xff\0\0"})
    opened = scp_ecg.open(named)
    assert opened.names_a_person
    assert "Jane" not in repr(scp_ecg.describe(opened))
    assert "Jane" not in repr(opened)
    assert not scp_ecg.open(GOOD).names_a_person


@given(st.integers(0, len(GOOD)), st.lists(st.tuples(st.integers(0, 400), st.binary(max_size=6)), max_size=4))
def test_any_damage_is_a_finding_or_a_refusal_and_nothing_else(length, patches):
    content = bytearray(GOOD[:length])
    for place, patch in patches:
        content[place : place + len(patch)] = patch
    try:
        opened = scp_ecg.open(bytes(content))
    except scp_huffman.EcgUnreadable:
        return  # any other exception fails the test
    findings = list(scp_ecg.examine(opened))
    scp_ecg.describe(opened)
    if not any(finding.severity is Severity.REFUSE for finding in findings):
        assert len(scp_ecg.samples(opened, 0).values)
