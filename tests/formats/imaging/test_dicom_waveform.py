"""Waveforms come in physical units, or it is said why they cannot."""

import numpy as np
import pytest
from pydicom.uid import ExplicitVRBigEndian
from pydicom.waveforms import multiplex_array

from medassay.core.errors import WrongUse
from medassay.core.findings import Reason
from medassay.formats.imaging import dicom_file, dicom_waveform

ECG = "1.2.840.10008.5.1.4.1.1.9.1.1"
SAMPLES = np.array([[0, 100], [1, -100], [-2, 32767], [3, -32768]], "<i2")  # (samples, channels)


@pytest.fixture
def recording(make):
    def built(data=SAMPLES, channel=(), syntax="1.2.840.10008.1.2.1", **elements):
        unit = make.item(CodeValue="uV", CodingSchemeDesignator="UCUM", CodeMeaning="microvolt")
        source = make.item(CodeValue="2:1", CodingSchemeDesignator="MDC", CodeMeaning="Lead I")
        channels = [
            make.item(
                **{
                    "ChannelSourceSequence": [source],
                    "ChannelSensitivity": 2.5,
                    "ChannelSensitivityCorrectionFactor": 2.0,
                    "ChannelBaseline": 10.0 * number,
                    "ChannelSensitivityUnitsSequence": [unit],
                    **dict(channel),
                }
            )
            for number in range(data.shape[1])
        ]
        group = {
            "NumberOfWaveformChannels": data.shape[1],
            "NumberOfWaveformSamples": len(data),
            "SamplingFrequency": 500.0,
            "WaveformBitsAllocated": 8 * data.itemsize,
            "WaveformSampleInterpretation": "SS",
            "ChannelDefinitionSequence": channels,
            "WaveformData": data.tobytes(),
            **elements,
        }
        made = make.image(SOPClassUID=ECG, syntax=syntax)
        for keyword in ("Rows", "Columns", "PixelData"):
            delattr(made, keyword)
        item = make.item(**group)
        item["WaveformData"].VR = "OW"
        made.WaveformSequence = [item]
        return made

    return built


def test_a_sample_times_sensitivity_and_correction_plus_baseline_is_the_value(recording):
    (group,) = dicom_waveform.groups_of(recording())
    values, measured = dicom_waveform.physical(group)
    assert values.tolist() == [[0, 5, -10, 15], [510, -490, 163845, -163830]]
    assert measured.all()
    assert [c.unit for c in group.channels] == ["uV", "uV"]
    assert dicom_waveform.physical(group, 1, 3)[0].tolist() == [[5, -10], [-490, 163845]]


def test_big_endian_samples_are_read_in_their_order(make, recording):
    big = SAMPLES.astype(">i2")
    opened = dicom_file.open(make.encoded(recording(big, syntax=ExplicitVRBigEndian)))
    (group,) = dicom_waveform.groups_of(opened.dataset)
    assert dicom_waveform.stored(group).tolist() == SAMPLES.T.tolist()


def test_padding_is_said_to_be_unmeasured(recording):
    padded = recording(WaveformPaddingValue=np.int16(-2).tobytes())
    values, measured = dicom_waveform.physical(dicom_waveform.groups_of(padded)[0])
    assert measured.tolist() == [[True, True, False, True], [True] * 4]
    assert values[0, 2] == 0


@pytest.mark.parametrize(
    ("interpretation", "kind"), [("SB", "i1"), ("UB", "u1"), ("US", "<u2"), ("SL", "<i4"), ("UL", "<u4")]
)
def test_every_linear_representation_is_read(recording, interpretation, kind):
    data = np.array([[1, 2], [3, 100]], kind)
    (group,) = dicom_waveform.groups_of(recording(data, WaveformSampleInterpretation=interpretation))
    assert dicom_waveform.stored(group).tolist() == [[1, 3], [2, 100]]


faults = {
    "no rate": ({"SamplingFrequency": None}, Reason.HEADER_INVALID),
    "a rate of zero": ({"SamplingFrequency": 0}, Reason.HEADER_INVALID),
    "a channel too many": ({"NumberOfWaveformChannels": 3}, Reason.HEADER_INVALID),
    "fewer samples than stated": ({"NumberOfWaveformSamples": 5}, Reason.TRUNCATED),
    "samples without end": ({"NumberOfWaveformSamples": 2**32 - 1}, Reason.LIMIT_EXCEEDED),
    "companded": (
        {"WaveformSampleInterpretation": "MB", "WaveformBitsAllocated": 8},
        Reason.UNSUPPORTED_FORM,
    ),
    "other width": ({"WaveformBitsAllocated": 8}, Reason.UNSUPPORTED_FORM),
}


@pytest.mark.parametrize(("elements", "reason"), faults.values(), ids=faults)
def test_a_group_whose_samples_cannot_be_read_is_refused_with_the_reason(recording, elements, reason):
    (finding,) = dicom_waveform.examine(recording(**elements))
    assert finding.reason is reason


def test_a_channel_without_sensitivity_has_no_unit_and_no_values(recording):
    made = recording(channel={"ChannelSensitivity": None})
    (finding,) = dicom_waveform.examine(made)
    assert finding.reason is Reason.CALIBRATION_IMPOSSIBLE
    with pytest.raises(WrongUse, match="without sensitivity"):
        dicom_waveform.physical(dicom_waveform.groups_of(made)[0])


@pytest.mark.shared
@pytest.mark.parametrize("name", ["modality/ECG/waveform_ecg.dcm", "transfer-syntax/wave_dfl.dcm"])
def test_real_recordings_have_the_values_that_pydicom_gives(shared, name):
    dataset = dicom_file.open(shared / "dicom-formats" / name).dataset
    for number, group in enumerate(dicom_waveform.groups_of(dataset)):
        assert np.array_equal(dicom_waveform.stored(group).T, multiplex_array(dataset, number, as_raw=True))
        if all(channel.factor is not None for channel in group.channels):
            theirs = multiplex_array(dataset, number, as_raw=False).T
            assert np.allclose(dicom_waveform.physical(group)[0], theirs, rtol=1e-5, atol=1e-3)
