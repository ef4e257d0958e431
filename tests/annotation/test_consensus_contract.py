"""What every module of `medassay.annotation.consensus` gives, whatever its task."""

import inspect
import pkgutil

import pytest

import medassay.annotation.consensus as room
from medassay.annotation.reference import Consensus
from medassay.core.rooms import module_of

TASKS = sorted(module.name for module in pkgutil.iter_modules(room.__path__))


def task_module(name):
    return module_of(room.__name__, name, what="task")


def test_there_are_tasks():
    assert TASKS


@pytest.mark.parametrize("name", TASKS)
def test_a_task_checks_labels_and_either_compares_reads_or_computes_the_reference(name):
    task = task_module(name)
    assert callable(task.check)
    compares = all(callable(getattr(task, door, None)) for door in ("agreement", "figures", "merge"))
    assert compares or callable(getattr(task, "compute", None))


@pytest.mark.parametrize("name", TASKS)
def test_its_doors_take_what_the_contract_says(name):
    task = task_module(name)
    for door in ("agreement", "figures", "merge", "check", "compute"):
        given = getattr(task, door, None)
        if given is not None:
            wanted = [*inspect.signature(getattr(Consensus, door)).parameters][1:]
            assert [*inspect.signature(given).parameters] == wanted, door
