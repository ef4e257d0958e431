"""Batches, and a cluster of this machine: what each worker gets, and what becomes of work that ends its worker."""

import os
from functools import partial
from importlib.util import find_spec

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medassay.core.rooms import module_of, names_of
from medassay.datasets import processes, spread
from medassay.datasets.processes import Processes

SIZES = st.lists(st.integers(0, 100_000_000), max_size=300)


@given(SIZES, st.integers(1, 9))
def test_batches_hold_every_number_once_in_order_and_only_a_single_one_is_larger_than_a_message_may_be(
    sizes, workers
):
    runs = spread.batches(sizes, workers)
    assert [number for run in runs for number in run] == list(range(len(sizes)))
    for run in runs:
        assert 1 <= len(run) <= spread.BATCH_SAMPLES
        assert len(run) == 1 or sum(sizes[number] for number in run) <= spread.BATCH_BYTES


@given(st.lists(st.integers(5_000_000, 9_000_000), min_size=1, max_size=300), st.integers(1, 9))
def test_no_batch_leaves_the_other_workers_less_than_itself(sizes, workers):
    left = len(sizes)
    for run in spread.batches(sizes, workers):
        assert len(run) == 1 or len(run) <= -(-left // (2 * workers))
        left -= len(run)


def test_only_what_is_large_enough_is_shared_unless_a_number_of_workers_is_asked_for(monkeypatch):
    monkeypatch.setattr(spread, "cores", lambda: 2)
    by_default = spread.Spread(keys=dict)
    assert not by_default.is_worth([1] * (spread.WORTH_NUMBER - 1))
    assert by_default.is_worth([1] * spread.WORTH_NUMBER)
    assert by_default.is_worth([spread.WORTH_BYTES, 0])
    assert not by_default.is_worth([spread.WORTH_BYTES])
    asked = spread.Spread(keys=dict, workers=2)
    assert asked.is_worth([1, 1])
    assert not asked.is_worth([1])
    assert not spread.Spread(keys=dict, workers=1).is_worth([1] * spread.WORTH_NUMBER)
    monkeypatch.setattr(spread, "cores", lambda: 1)
    assert not by_default.is_worth([1] * spread.WORTH_NUMBER)


def test_work_that_ends_every_worker_is_given_up_alone_and_its_neighbours_are_done(monkeypatch):
    import dask
    import distributed  # noqa: F401 - its settings come with it

    def doubled(numbers):  # within, so that it travels whole: workers cannot import a test
        if 3 in numbers:
            os._exit(1)
        return [2 * number for number in numbers]

    monkeypatch.setattr(spread, "LEAST_SAMPLES", 4)
    # What a worker had done lies with it when it dies; the scheduler asks it for so long.
    monkeypatch.setitem(processes.QUIET, "distributed.comm.timeouts.connect", "5s")
    with dask.config.set({"distributed.scheduler.allowed-failures": 1}), Processes(None, ["json"]) as two:
        two.begin(2)
        found = dict(spread._gathered(two.client(), doubled, list, [1] * 9, lambda number: f"lost {number}"))
    assert found == {number: 2 * number for number in range(9)} | {3: "lost 3"}


def test_a_worker_has_the_settings_of_now_not_of_when_its_libraries_were_loaded(monkeypatch):
    def setting(name, _):  # within, so that it travels whole: workers cannot import a test
        return [os.environ.get(name)]

    monkeypatch.setenv("MEDASSAY_TRIED", "first")
    monkeypatch.setenv("MEDASSAY_ONCE", "there")
    processes._load_once(["json"])
    monkeypatch.setenv("MEDASSAY_TRIED", "second")
    monkeypatch.delenv("MEDASSAY_ONCE")
    with Processes(None, ["json"]) as one:
        one.begin(1)
        told = [
            list(spread._gathered(one.client(), partial(setting, name), list, [1], str))
            for name in ("MEDASSAY_TRIED", "MEDASSAY_ONCE")
        ]
    assert told == [[(0, "second")], [(0, None)]]


def test_processes_that_have_not_begun_are_no_client():
    with Processes(None, ["json"]) as none, pytest.raises(LookupError, match="not begun"):
        none.client()


@pytest.mark.parametrize("kind", names_of(spread.ROOM))
def test_every_kind_names_libraries_that_can_be_loaded_before_its_first_file(kind):
    intake = module_of(spread.ROOM, kind, what="kind of data")
    assert intake.LIBRARIES
    assert all(find_spec(name) for name in intake.LIBRARIES)
