import datetime

import numpy as np
import pytest


@pytest.fixture
def recording_of():
    from medassay.formats.waveform.edf import Signal
    from medassay.formats.waveform.edf_writer import write

    def make(*, seconds, rate, signals):
        header = [Signal(f"EEG {i}-Ref", "uV", -3276.8, 3276.7, -32768, 32767, rate) for i in range(signals)]
        samples = np.random.default_rng(1).integers(-900, 900, (signals, seconds * rate)).astype(np.int16)
        return write(
            patient=b"X X X X",
            recording=b"Startdate X X X X",
            start=datetime.datetime(2020, 1, 1),
            record_s=1,
            signals=list(zip(header, samples, strict=True)),
        )

    return make
