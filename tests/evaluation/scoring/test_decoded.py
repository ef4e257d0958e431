"""What is scored of a prediction, apart from how its file was written: the same answer is the same bytes."""

import numpy as np
import pytest

from medassay.core.errors import WrongUse
from medassay.evaluation.scoring import alarms, beats, events, masks
from medassay.formats.waveform.szcore import Event, write_events
from medassay.formats.waveform.wfdb_annotation import plain_annotations, write_annotations


def nifti_of(labels, dtype):
    import nibabel

    return nibabel.Nifti1Image(labels.astype(dtype), np.eye(4)).to_bytes()


def box(corner):
    labels = np.zeros((6, 6, 6), np.uint8)
    labels[corner : corner + 2, 1:3, 1:3] = 1
    return labels


BEATS = beats.Options(sampling_hz=360)
MASKS = masks.Options(structures={"a": 1}, nsd_tolerance_mm=1)
# task: (module, options, one file, the same answer in other bytes, another answer, nonsense)
ANSWERS = {
    "alarms": (
        alarms,
        alarms.Options(),
        b"time_min,kind\n5,hypo\n9,hyper\n",
        b"time_min,kind\n9.0,hyper\n5.0,hypo\n",
        b"time_min,kind\n6,hypo\n9,hyper\n",
        b"time_min,kind\nsoon,hypo\n",
    ),
    "beats": (
        beats,
        BEATS,
        write_annotations(plain_annotations([100, 300], ["N", "V"])),
        write_annotations(plain_annotations([100, 300], ["N", "V"])) + b"\0\0",
        write_annotations(plain_annotations([100, 300], ["N", "N"])),
        b"x",
    ),
    "events": (
        events,
        events.Options(),
        write_events([Event(10, 20), Event(60, 20)], duration_s=900),
        write_events([Event(10, 20), Event(60, 20)], duration_s=900).replace(b"10.0\t", b"10.00\t"),
        write_events([Event(11, 20), Event(60, 20)], duration_s=900),
        b"onset\tduration\nx\ty\n",
    ),
    "masks": (
        masks,
        MASKS,
        *(nifti_of(*one) for one in ((box(1), "u1"), (box(1), "i2"), (box(2), "u1"))),
        b"x",
    ),
}


@pytest.mark.parametrize(
    ("task", "options", "one", "same", "other", "nonsense"), ANSWERS.values(), ids=ANSWERS
)
def test_the_same_answer_in_other_bytes_is_the_same_and_another_is_not(
    task, options, one, same, other, nonsense
):
    assert one != same
    assert task.decoded(one, {}, options) == task.decoded(same, {}, options)
    assert task.decoded(one, {}, options) != task.decoded(other, {}, options)
    with pytest.raises(WrongUse):
        task.decoded(nonsense, {}, options)
