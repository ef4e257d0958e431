"""Where there is no terminal, progress is lines on standard error."""

import pytest

from medassay.core import progress


def test_without_a_terminal_there_is_a_line_at_the_start_at_times_and_at_the_end(capsys, monkeypatch):
    monkeypatch.setattr(progress, "LINE_EVERY", 0.0)
    with progress.shown("ingest some/ward") as tick:
        tick(1, 2)
        tick(2, 2)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [
        "ingest some/ward ...",
        "ingest some/ward: 1 of 2",
        "ingest some/ward: 2 of 2",
        "ingest some/ward: done in 0 s",
    ]


def test_many_ticks_are_not_many_lines(capsys):
    with progress.shown("ingest some/ward") as tick:
        for done in range(1000):
            tick(done, 1000)
    assert len(capsys.readouterr().err.splitlines()) == 2


def test_what_fails_is_not_said_to_be_done(capsys):
    with pytest.raises(KeyError), progress.shown("ingest some/ward"):
        raise KeyError
    assert capsys.readouterr().err.splitlines() == ["ingest some/ward ..."]
