"""FCS: what FlowIO reads is described, and each tolerance that it needed is told."""

import io

import pytest

from medassay.core.findings import Reason, Severity
from medassay.formats.ivd import fcs
from medassay.formats.ivd.refusal import IvdRefused


def written(names=("FSC-A", "SSC-A"), events=((1.0, 2.0), (3.0, 4.0), (5.0, 6.0)), **metadata):
    import flowio

    stream = io.BytesIO()
    flat = [value for event in events for value in event]
    flowio.create_fcs(stream, flat, list(names), metadata_dict=metadata)
    return stream.getvalue()


def test_events_and_channels_are_counted():
    sets = fcs.open(written())
    assert fcs.describe(sets) == {"data_sets": 1, "version": "3.1", "events": 3, "channels": 2}
    assert list(fcs.examine(sets)) == []


def shifted(content, by):
    """The header's start of the data moved."""
    start = int(content[26:34])
    return content[:26] + f"{start + by:>8}".encode() + content[34:]


def test_a_header_that_disagrees_with_its_text_is_read_and_said():
    sets = fcs.open(shifted(written(), 4))
    assert sets[0].events == 3
    assert [(f.reason, f.severity) for f in fcs.examine(sets)] == [(Reason.HEADER_INVALID, Severity.WARN)]


def test_a_channel_name_that_stands_twice_is_said():
    found = list(fcs.examine(fcs.open(written().replace(b"SSC-A", b"FSC-A"))))
    assert [(f.reason, f.where) for f in found] == [(Reason.HEADER_INVALID, "$PnN or $PnS")]


def test_a_named_person_is_said():
    found = list(fcs.examine(fcs.open(written(patient="Jane Doe"))))
    assert [f.reason for f in found] == [Reason.IDENTITY_LEFT]
    assert "Doe" not in found[0].model_dump_json()


faults = {
    "short": (b"FCS3.1    ", Reason.TRUNCATED),
    "cut": (written()[:-9], Reason.TRUNCATED),
    "no numbers": (b"FCS3.1    " + b"x" * 60, Reason.HEADER_INVALID),
    "no offsets": (b"FCS3.1    " + b" " * 60, Reason.HEADER_INVALID),
}


@pytest.mark.parametrize(("content", "reason"), faults.values(), ids=faults)
def test_what_cannot_be_read_is_refused(content, reason):
    with pytest.raises(IvdRefused) as caught:
        fcs.open(content)
    assert caught.value.reason is reason
