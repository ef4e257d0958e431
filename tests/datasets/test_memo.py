"""An unchanged file is not read again; a changed one is, whatever its name, size or time say."""

import os
import sqlite3
import time
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from medassay.core.tables import to_parquet
from medassay.datasets import ingest as engine
from medassay.datasets import memo as memory
from medassay.trust.keys import KeyRing

KEYS = KeyRing(True, bytes(range(32)), bytes(range(1, 33)), bytes(range(2, 34)))
TABLES = ("offered", "catalogue", "objects", "measurements", "actions", "key_side")


@pytest.fixture
def again(toys, a_spec, monkeypatch, tmp_path):
    """Ingest the toys with what is remembered; says how many files were looked at and samples taken."""
    monkeypatch.setattr(memory, "SETTLED_NS", 0)
    toy = engine.module_of("")
    counted = SimpleNamespace(assembled=0, looked=0, taken=0)

    def look(file, source):
        counted.looked += 1
        return toy.look(file, source)

    def assemble(files, source, look):
        counted.assembled += 1
        return toy.assemble(files, source, look)

    def take_in(*given):
        counted.taken += 1
        return toy.take_in(*given)

    counting = SimpleNamespace(**vars(toy) | {"look": look, "assemble": assemble, "take_in": take_in})
    monkeypatch.setattr(engine, "module_of", lambda *_, **__: counting)

    def run(about="x", key=KEYS.pseudonym, put=None, progress=None):
        counted.assembled = counted.looked = counted.taken = 0
        spec = a_spec()
        path = tmp_path / "keys" / "toys.sqlite"
        with memory.remembering(path, about, key, toys.store.kept.__contains__) as memo:
            made = engine.ingest(
                "toys", spec, spec.sources[0], toys.folder, KEYS, put or toys.store.put, progress, memo=memo
            )
        tables = {name: to_parquet(getattr(made, name)) for name in TABLES}
        return (tables, made.counts, made.findings), (counted.looked, counted.taken)

    run.path, run.counted = tmp_path / "keys" / "toys.sqlite", counted
    return run


@pytest.fixture
def three(toys):
    return toys.write(
        a_toy="id:1\nsome text", a_label="yes", b_toy="id:2\nraise", c_toy="id:3\nwarn me", x_pdf="?"
    )


def test_an_unchanged_folder_is_neither_grouped_nor_read_again_and_ends_the_same(three, again):
    first, cost = again()
    assert cost == (5, 3)
    second, cost = again()
    assert cost == (0, 0)
    assert again.counted.assembled == 0
    assert second == first


def rewritten(path):
    path.write_bytes(b"id:1\nsame size")


def rewritten_with_its_old_time(path):
    facts = path.stat()
    path.write_bytes(b"id:1\nsome TEXT")
    os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))


def replaced_by_another_file_of_its_size_and_time(path):
    facts, other = path.stat(), path.with_name("other")
    other.write_bytes(b"id:1\nsome TEXT")
    os.utime(other, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    other.replace(path)


def lengthened(path):
    path.write_bytes(path.read_bytes() + b"!")


@pytest.mark.parametrize(
    "change",
    [rewritten, rewritten_with_its_old_time, replaced_by_another_file_of_its_size_and_time, lengthened],
    ids=lambda change: change.__name__,
)
def test_a_changed_file_is_read_again_and_its_neighbours_are_not(three, again, change):
    first, _ = again()
    change(three.folder / "a.toy")
    second, cost = again()
    assert cost == (1, 1)
    assert second != first
    again.path.unlink()
    assert again()[0] == second  # as a run that remembers nothing


def test_a_file_that_changed_just_before_it_was_listed_is_read_again(three, again, monkeypatch):
    monkeypatch.setattr(memory, "SETTLED_NS", 3_600_000_000_000)
    first, _ = again()
    assert again() == (first, (5, 3))


def test_a_file_that_changed_while_it_was_read_is_read_again(three, again):
    kept = []

    def put(content):
        if not kept:
            kept.append(content)
            (three.folder / "a.toy").write_bytes(b"id:1\nother bytes")
        return three.store.put(content)

    again(put=put)
    _, (_, taken) = again()
    assert taken >= 1
    assert b"other bytes" in three.store.kept.values()


def test_a_sample_whose_object_is_gone_is_taken_again(three, again):
    first, _ = again()
    three.store.kept.clear()
    second, cost = again()
    assert cost == (0, 2)  # the refused sample has no object
    assert second == first
    assert three.store.kept


def test_a_killed_run_carries_on_where_it_was(three, again, monkeypatch):
    monkeypatch.setattr(memory, "COMMIT_EVERY_S", -1.0)

    def killed(done, of):
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        again(progress=killed)
    resumed, cost = again()
    assert cost == (0, 1)
    again.path.unlink()
    assert again()[0] == resumed


@pytest.mark.parametrize("change", [{"about": "other code"}, {"key": bytes(32)}], ids=["code", "key"])
def test_what_was_remembered_under_another_code_or_key_counts_for_nothing(three, again, change):
    again()
    assert again(**change)[1] == (5, 3)


def test_a_memory_that_was_tampered_with_is_not_believed(three, again):
    first, _ = again()
    with sqlite3.connect(again.path) as database:
        for table in memory.TABLES:
            database.execute(f"UPDATE {table} SET value = CAST(zeroblob(32) AS BLOB) || substr(value, 33)")
    database.close()
    assert again() == (first, (5, 3))


def test_a_damaged_memory_begins_anew(three, again):
    first, _ = again()
    again.path.write_bytes(b"no database" * 1000)
    assert again() == (first, (5, 3))
    assert again() == (first, (0, 0))


def test_the_memory_is_for_its_owner_alone_and_forgets_what_is_no_longer_there(three, again):
    again()
    assert again.path.stat().st_mode & 0o077 == 0
    size = time.monotonic_ns()
    for number in range(30):
        (three.folder / f"n{number}.toy").write_bytes(b"id:%d\ntext %d" % (number + 10, size + number))
    again()
    for number in range(30):
        (three.folder / f"n{number}.toy").unlink()
    again()
    with sqlite3.connect(again.path) as database:
        for table in memory.TABLES:
            assert database.execute(f"SELECT count(*) FROM {table}").fetchone()[0] <= 10
    database.close()


def test_a_new_file_is_looked_at_alone_and_costs_its_own_sample(three, again):
    again()
    three.write(d_toy="id:4\nnew text")
    second, cost = again()
    assert cost == (1, 1)
    again.path.unlink()
    assert again() == (second, (6, 4))


def test_a_new_file_of_a_sample_that_is_there_takes_that_sample_again_and_no_other(three, again):
    again()
    three.write(c_label="late")
    second, cost = again()
    assert cost == (1, 1)
    again.path.unlink()
    assert again() == (second, (6, 3))


def test_a_file_at_which_its_reader_stopped_is_looked_at_again_with_the_next_new_one(three, again):
    three.write(e_bomb="?")
    again()
    three.write(d_toy="id:4\nnew text")
    assert again()[1] == (2, 1)


def test_a_folder_that_stays_unchanged_for_long_keeps_what_its_files_were_found_to_be(three, again):
    again()
    for _ in range(3):
        assert again()[1] == (0, 0)
    three.write(d_toy="id:4\nnew text")
    assert again()[1] == (1, 1)


names = st.sampled_from([f"{stem}.{suffix}" for stem in "abcd" for suffix in ("toy", "label")] + ["odd.pdf"])
contents = st.sampled_from(
    [b"", b"id:1\none", b"id:2\ntwo", b"id:1,id:2\nboth", b"id:3\nraise", b"id:1\nwarn"]
)
changes = st.lists(st.tuples(names, st.none() | contents), min_size=1, max_size=4)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(changes, min_size=2, max_size=4))
def test_whatever_changes_in_a_folder_what_is_remembered_ends_as_what_is_read_anew(toys, again, steps):
    for path in (*toys.folder.iterdir(), again.path):
        path.unlink(missing_ok=True)
    (toys.folder / "always.toy").write_bytes(b"id:9\nalways")
    for step in steps:
        touched = set()
        for name, content in step:
            path = toys.folder / name
            path.unlink(missing_ok=True)
            touched.discard(name)
            if content is not None:
                path.write_bytes(content)
                touched.add(name)
        remembered, (looked, _) = again()
        assert looked <= len(touched) + (step is steps[0])
        kept = again.path.rename(again.path.with_suffix(".kept"))
        assert again()[0] == remembered
        kept.replace(again.path)
