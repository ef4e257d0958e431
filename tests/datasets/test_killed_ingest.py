"""An ingest that is killed at any moment, done again, ends in the same tables and the same store."""

import io
import os
import signal

import pytest

from medassay.core import atomic
from medassay.core.tables import to_parquet
from medassay.core.workspace import Workspace
from medassay.datasets import ingest as engine
from medassay.datasets import memo as memory
from medassay.datasets.harvest import Harvest
from medassay.datasets.store import Batch, ObjectStore
from medassay.trust.keys import KeyRing

KEYS = KeyRing(True, bytes(range(32)), bytes(range(1, 33)), bytes(range(2, 34)))
TABLES = ("offered", "catalogue", "objects", "measurements", "actions", "sketches", "key_side")
SAMPLES = 11


@pytest.fixture
def source(toys, monkeypatch):
    """Toys that end in every way, taken in groups of three."""
    toys.write(**{f"s{n}_toy": f"id:{n % 4}\ntext {n}" for n in range(SAMPLES)}, s1_label="yes", x_pdf="?")
    toys.write(again_toy="id:9\ntext 2", bad_toy="id:9\nraise", noisy_toy="id:2\nwarn")
    monkeypatch.setattr(engine, "GROUP_SAMPLES", 3)
    monkeypatch.setattr(memory, "SETTLED_NS", 0)
    monkeypatch.setattr(memory, "COMMIT_EVERY_S", -1.0)
    return toys


def run(toys, root):
    """As the verb does it: sweep, then ingest with what is remembered. The tables, and what the store holds."""
    store = ObjectStore(Workspace(root))
    store.sweep()
    batch, spec = Batch(store), toys.spec()
    with memory.remembering(root / "seen.sqlite", "", KEYS.pseudonym, store.has) as memo:
        made = engine.ingest(
            "toys", spec, spec.sources[0], toys.folder, KEYS, batch.put, settle=batch.settle, memo=memo
        )
    tables = {name: to_parquet(getattr(made, name)) for name in TABLES}
    return (tables, made.counts, made.findings), held(root)


def held(root):
    objects = root / ".medassay" / "objects"
    return {
        path.relative_to(objects).as_posix(): path.read_bytes()
        for path in objects.rglob("*")
        if path.is_file()
    }


STAGES = {
    "as an object is written aside": (atomic.Together, "write"),
    "before bytes are on the disk": (atomic, "_reach_the_disk"),
    "between two names": (os, "replace"),
    "before the memory hears of it": (memory.Memo, "keep_fate"),
    "before the tables": (Harvest, "refuse_copies"),
}


def killed_in(toys, root, place, name, call):
    """Whether a run in a process of its own died at this call of the function."""
    child = os.fork()
    if child == 0:  # whatever happens here, nothing of the parent's is cleaned up
        calls, real = [], getattr(place, name)

        def counted(*given, **named):
            calls.append(None)
            if len(calls) == call:
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*given, **named)

        try:
            setattr(place, name, counted)
            run(toys, root)
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL


@pytest.mark.parametrize(("place", "name"), STAGES.values(), ids=STAGES)
def test_a_run_that_was_killed_and_done_again_ends_as_one_that_was_not(source, tmp_path, place, name):
    whole = run(source, tmp_path / "whole")
    died = 0
    for call in (1, 2, 5, 9):
        root = tmp_path / f"killed-{call}"
        died += killed_in(source, root, place, name, call)
        assert all(path.endswith(".part") or path in whole[1] for path in held(root))
        assert run(source, root) == whole
    assert died


def test_a_run_that_is_killed_again_and_again_ends_as_one_that_was_not(source, tmp_path):
    whole, root = run(source, tmp_path / "whole"), tmp_path / "killed"
    for place, name in STAGES.values():
        killed_in(source, root, place, name, 2)
    assert run(source, root) == whole


def test_no_object_is_spoken_of_before_it_is_durable(source, tmp_path, monkeypatch):
    settled = set()
    real_settle, real_keep = Batch.settle, memory.Memo.keep_fate

    def settle(self):
        real_settle(self)
        settled.update(path.replace("/", "") for path in held(tmp_path))

    def keep_fate(self, named, fate):
        assert {row["digest"] for row in fate.objects} <= settled
        real_keep(self, named, fate)

    monkeypatch.setattr(Batch, "settle", settle)
    monkeypatch.setattr(memory.Memo, "keep_fate", keep_fate)
    run(source, tmp_path)
    assert len(settled) > SAMPLES


def test_an_unchanged_folder_is_not_opened(source, tmp_path, monkeypatch):
    first = run(source, tmp_path)
    opened = []

    def watched(real):
        def open_it(path, *given, **named):
            opened.append(path if isinstance(path, int) else os.fspath(path))
            return real(path, *given, **named)

        return open_it

    monkeypatch.setattr(os, "open", watched(os.open))
    monkeypatch.setattr(io, "open", watched(io.open))
    assert run(source, tmp_path)[0] == first[0]
    assert opened
    assert not [path for path in opened if str(path).startswith(str(source.folder))]
