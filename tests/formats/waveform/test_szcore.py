import pytest
from hypothesis import given
from hypothesis import strategies as st

from medassay.core.errors import WrongUse
from medassay.formats.waveform.szcore import Event, read_events, write_events

milliseconds = st.integers(0, 10**8).map(lambda ms: ms / 1000)


@given(st.lists(st.builds(Event, milliseconds, milliseconds, st.sampled_from(["sz", "sz_foc_ia"]))))
def test_what_is_written_is_read_back(events):
    table = read_events(write_events(events, duration_s=200_000))
    assert sorted(table.events, key=repr) == sorted(events, key=repr)
    assert table.duration_s == 200_000


def test_a_recording_without_an_event_is_said_and_has_its_length():
    content = write_events([], duration_s=600.5)
    assert b"bckg" in content
    assert read_events(content).events == ()
    assert read_events(content).duration_s == 600.5


head = "onset\tduration\teventType\trecordingDuration\n"
faults = {
    "empty": "",
    "no row": head,
    "no column": "onset\tduration\n1\t2\n",
    "comma": head.replace("\t", ",") + "1,2,sz,9\n",
    "not a number": head + "one\t2\tsz\t9\n",
    "decimal comma": head + "1,5\t2\tsz\t9\n",
    "negative": head + "-1\t2\tsz\t9\n",
    "infinite": head + "1\tinf\tsz\t9\n",
    "unknown type": head + "1\t2\tspike\t9\n",
    "two lengths": head + "1\t2\tsz\t9\n3\t1\tsz\t10\n",
    "short row": head + "1\n",
}


@pytest.mark.parametrize("text", faults.values(), ids=faults)
def test_a_table_that_is_none_is_refused(text):
    with pytest.raises(WrongUse):
        read_events(text.encode())


def test_bytes_that_are_no_text_are_refused():
    with pytest.raises(WrongUse, match="UTF-8"):
        read_events(b"\xff\xfe\x00")
