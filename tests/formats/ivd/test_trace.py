"""The forms that pass between rooms and devices read back what was written."""

import numpy as np
import pytest

from medassay.core.errors import WrongUse
from medassay.formats.ivd.trace import (
    Trace,
    episodes_of,
    read_alarms,
    read_episodes,
    read_trace,
    trace_name,
    write_alarms,
    write_episodes,
    write_trace,
)
from medassay.tasks.alarms import EpisodeRules

TRACE = Trace(
    np.array([0.0, 15, 30.5, 20160]), np.array([5.6, 3.5, 3.55, 10.0]), np.array([0, 1, 0, 0], bool)
)


def test_a_trace_reads_back():
    again = read_trace(write_trace(TRACE))
    assert again.time_min.tolist() == TRACE.time_min.tolist()
    assert again.glucose.tolist() == TRACE.glucose.tolist()
    assert again.clipped.tolist() == TRACE.clipped.tolist()


def test_episodes_read_back_and_other_json_is_refused():
    reference = episodes_of(TRACE, EpisodeRules())
    assert read_episodes(write_episodes(reference)) == reference
    for content in (b"{}", b"not json", b'{"schema_id":"other/1"}', b"\xff"):
        with pytest.raises(WrongUse):
            read_episodes(content)


def test_alarms_read_back_by_kind():
    again = read_alarms(write_alarms({"hypo": [30.0, 15.0], "hyper": []}))
    assert again["hypo"].tolist() == [15, 30]
    assert again["hyper"].tolist() == []


@pytest.mark.parametrize(
    "content",
    [b"", b"time,kind\n1,hypo\n", b"time_min,kind\n1,low\n", b"time_min,kind\nnan,hypo\n", b"\xff\xfe"],
)
def test_alarms_in_another_form_are_refused(content):
    with pytest.raises(WrongUse):
        read_alarms(content)


def test_the_trace_is_told_from_capillary_values():
    assert trace_name({"a.csv": b"", "a.cbg.csv": b"", "a.lab.json": b""}) == "a.csv"
    with pytest.raises(WrongUse):
        trace_name({"a.cbg.csv": b""})
