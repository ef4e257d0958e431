import os
import socket
import subprocess
from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from medassay.core.errors import EnvironmentLacking, MedassayError, NothingReadable
from medassay.core.findings import Reason
from medassay.core.tables import to_parquet
from medassay.trust.sealing import sample_key, unseal

LABEL_KEY = bytes(range(1, 33))
TABLES = ("offered", "catalogue", "objects", "measurements", "actions", "key_side")


def rows(table):
    return table.to_pylist()


def by_reason(ingested):
    return {row["reason"]: row for row in rows(ingested.catalogue) if row["reason"]}


def tables_of(ingested):
    return {name: to_parquet(getattr(ingested, name)) for name in TABLES}


def adds_up(ingested):
    counts = ingested.counts
    files = ("files_in_samples", "files_in_refused_samples", "files_unassigned")
    return counts["files_offered"] == sum(counts[name] for name in files) == len(rows(ingested.offered))


def test_a_sample_ends_as_objects_measurements_and_a_row_of_the_catalogue(toys):
    made = toys.write(a_toy="id:1\nsome text", a_label="yes").ingest()
    (row,) = rows(made.catalogue)
    assert (row["status"], row["subject_known"], row["site"], row["sex"]) == ("accepted", True, "A", "F")
    assert (row["age_years"], row["age_band"]) == (9.0, "0-17")
    assert rows(made.measurements) == [{"sample_id": row["sample_id"], "length": 9, "clean": True}]
    assert made.measurements.schema.field("length").metadata[b"unit"] == b"1"
    assert {o["role"]: o["sealed"] for o in rows(made.objects)} == {"signal": False, "reference": True}
    assert rows(made.actions) == [{"element": "first line", "action": "removed", "count": 1}]
    assert adds_up(made)


def test_a_label_is_sealed_for_its_sample_before_it_is_stored(toys):
    made = toys.write(a_toy="id:1\nsome text", a_label="the label").ingest()
    label = next(o for o in rows(made.objects) if o["role"] == "reference")
    assert all(b"the label" not in content for content in toys.store.kept.values())
    key = sample_key(LABEL_KEY, label["sample_id"])
    stored = toys.store.kept[label["digest"]]
    assert unseal(stored, key=key, sample=label["sample_id"], role="reference") == b"the label"


refusals = {
    "empty": ({"b_toy": ""}, Reason.EMPTY_FILE),
    "a label without its image": ({"b_label": "yes"}, Reason.IMAGE_MISSING),
    "a reader that raises": ({"b_toy": "id:2\nraise"}, Reason.HEADER_INVALID),
    "a finding that excludes": ({"b_toy": "id:2\ndrop"}, Reason.SIGNAL_FLAT),
    "a proof that finds anything": ({"b_toy": "id:2\nIDENTITY"}, Reason.IDENTITY_LEFT),
    "two objects of one name": ({"b_toy": "id:2\ntwin"}, Reason.HEADER_INVALID),
    "a name in an object": ({"b_toy": "name:张三丰\nseen 张三丰 today"}, Reason.IDENTITY_LEFT),
    "a name in GBK": ({"b_toy": "name:张三丰\n".encode() + "张三丰".encode("gbk")}, Reason.IDENTITY_LEFT),
    "a name in capitals": ({"b_toy": "name:Sanfeng^Zhang\nSANFENG"}, Reason.IDENTITY_LEFT),
}


@pytest.mark.parametrize(("files", "reason"), refusals.values(), ids=refusals)
def test_a_bad_sample_is_refused_with_its_reason_and_costs_no_neighbour(toys, files, reason):
    made = toys.write(a_toy="id:1\nsome text", **files).ingest()
    assert list(by_reason(made)) == [reason.value]
    assert made.counts["samples_accepted"] == 1
    assert made.counts[f"samples_refused:{reason.value}"] == 1
    refused = by_reason(made)[reason.value]["sample_id"]
    assert reason in {f.reason for f in made.findings if f.sample == refused}
    assert refused not in {o["sample_id"] for o in rows(made.objects)}
    assert refused not in {m["sample_id"] for m in rows(made.measurements)}
    assert adds_up(made)


def test_nothing_that_identifies_stands_in_any_table_finding_or_object(toys):
    made = toys.write(
        zhangsan_toy="id:442211,name:张三丰|1950-02-03|M\nwarn",
        lisi_toy="id:442212,name:李四光|1950-02-03|M\nraise",
    ).ingest()
    told = b"".join(b for name, b in tables_of(made).items() if name != "key_side")
    told += "".join(f.model_dump_json() for f in made.findings).encode() + b"".join(toys.store.kept.values())
    for secret in ("zhangsan", "lisi", "442211", "442212", "张三丰", "李四光", "1950-02-03"):
        assert secret.encode() not in told
    assert any("withheld" in finding.found for finding in made.findings)


def test_the_key_side_table_alone_knows_the_paths(toys):
    made = toys.write(a_toy="id:1\nsome text").ingest()
    (row,) = rows(made.key_side)
    assert row["path"] == os.fsencode(toys.folder / "a.toy")
    assert row["file_id"] == rows(made.offered)[0]["file_id"]


def test_links_sockets_and_closed_names_are_counted_and_said(toys, monkeypatch):
    toys.write(a_toy="id:1\nsome text", x_pdf="?")
    (toys.folder / "link.toy").symlink_to(toys.folder / "a.toy")
    with socket.socket(socket.AF_UNIX) as listening:
        monkeypatch.chdir(toys.folder)
        listening.bind("s.toy")
    made = toys.ingest()
    assert made.counts["files_offered"] == 4
    assert made.counts["files_unassigned"] == 3
    assert {f.found for f in made.findings} == {"a symbolic link", "a socket, pipe or device", "no toy"}
    assert adds_up(made)


def test_a_file_that_may_not_be_read_is_counted_and_said(toys, monkeypatch):
    toys.write(a_toy="id:1\nsome text", b_toy="id:2\nother")
    real = os.open

    def refuse_b(path, *args, **kwargs):
        if str(path).endswith("b.toy"):
            raise PermissionError(13, "Permission denied", str(path))
        return real(path, *args, **kwargs)

    monkeypatch.setattr(os, "open", refuse_b)
    made = toys.ingest()
    assert made.counts["files_unassigned"] == 1
    assert [f.found for f in made.findings] == ["a file that cannot be opened (permission denied)"]


def test_a_file_that_the_reader_says_nothing_of_is_counted_all_the_same(toys):
    made = toys.write(a_toy="id:1\nsome text", b_silent="").ingest()
    assert made.counts["files_unassigned"] == 1
    assert adds_up(made)


def test_names_that_are_no_text_or_very_long_are_files_like_others(toys):
    (toys.folder / os.fsdecode(b"\xff\xfe.toy")).write_text("id:1\nsome text")
    (toys.folder / ("x" * 250 + ".toy")).write_text("id:2\nother text")
    made = toys.ingest()
    assert made.counts["samples_accepted"] == 2
    assert any(row["path"].endswith(b"\xff\xfe.toy") for row in rows(made.key_side))


@pytest.fixture
def deep(toys):
    """1200 folders in each other, cleared away by a tool that does not call itself for each."""
    folder = os.open(toys.folder, os.O_RDONLY)
    for _ in range(1200):
        os.mkdir("d", dir_fd=folder)
        below = os.open("d", os.O_RDONLY, dir_fd=folder)
        os.close(folder)
        folder = below
    os.close(os.open("a.toy", os.O_CREAT | os.O_WRONLY, dir_fd=folder))
    os.close(folder)
    yield toys
    subprocess.run(["rm", "-rf", str(toys.folder / "d")], check=True)


def test_folders_may_lie_deeper_than_calls_may(deep):
    assert deep.ingest().counts["files_offered"] == 1


def test_a_file_at_which_grouping_stops_is_set_aside_without_its_text(toys):
    made = toys.write(a_toy="id:1\nsome text", b_bomb="?").ingest()
    assert made.counts["samples_accepted"] == 1
    assert made.counts["files_unassigned:header_invalid"] == 1
    assert not any("secret" in f.model_dump_json() for f in made.findings)


def test_a_reader_that_refuses_by_an_error_of_ours_ends_its_sample_with_the_errors_words(toys):
    made = toys.write(a_toy="id:1\nsome text", b_toy="id:2\nours").ingest()
    (finding,) = made.findings
    assert (finding.reason, finding.found) == (Reason.UNIT_UNKNOWN, "furlongs")
    assert made.counts["samples_accepted"] == 1


def test_what_the_machine_lacks_ends_the_run_and_is_not_taken_for_a_bad_file(toys):
    toys.write(a_toy="id:1\nlacking")
    with pytest.raises(EnvironmentLacking, match="no codec"):
        toys.ingest()


def test_a_source_at_whose_every_file_grouping_stops_is_declared_wrongly(toys):
    with pytest.raises(NothingReadable, match="form and options") as caught:
        toys.write(a_bomb="?", b_bomb="?").ingest()
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("make", [False, True], ids=["missing", "empty"])
def test_a_folder_without_a_file_is_nothing_readable(toys, make):
    toys.folder = toys.folder / "below"
    if make:
        toys.folder.mkdir()
    with pytest.raises(NothingReadable):
        toys.ingest()


def test_equal_content_under_another_id_is_refused_and_both_samples_are_named(toys):
    made = toys.write(a_toy="id:1\nsome text", b_toy="id:2\nsome text", c_toy="id:2\nother").ingest()
    kept, copy = sorted(
        (r for r in rows(made.catalogue) if r["fingerprint"] == by_reason(made)["duplicate"]["fingerprint"]),
        key=lambda row: row["status"],
    )
    assert kept["sample_id"] < copy["sample_id"]
    (finding,) = (f for f in made.findings if f.reason is Reason.DUPLICATE)
    assert finding.sample == copy["sample_id"]
    assert kept["sample_id"] in finding.found
    assert "another subject" in finding.found
    assert {o["sample_id"] for o in rows(made.objects)} == {
        r["sample_id"] for r in rows(made.catalogue) if r["status"] == "accepted"
    }


def test_one_person_under_two_ids_is_one_subject_and_said(toys):
    made = toys.write(
        a_toy="id:1,name:张三|1950\nsome text", b_toy="id:9,name:张三|1950\nother", c_toy="id:3\nthird!"
    ).ingest()
    assert made.counts["subjects_accepted"] == 2
    (finding,) = (f for f in made.findings if f.reason is Reason.SAME_SUBJECT)
    assert finding.sample in {r["sample_id"] for r in rows(made.catalogue)}


def test_ids_known_from_outside_to_be_one_person_are_one_subject(toys):
    toys.write(a_toy="\nsome text", sub_toy="id:202\nother", c_toy="\nthird!")
    made = toys.ingest(source={"same_person": [["a", "202", "absent"]]})
    assert made.counts["subjects_accepted"] == 2
    assert sorted(r["subject_known"] for r in rows(made.catalogue)) == [False, True, True]
    assert any("1 of 3 ids in 'same_person'" in f.found for f in made.findings)


def test_unknown_people_are_subjects_of_their_own_and_marked(toys):
    made = toys.write(a_toy="\nsome text", b_toy="\nother").ingest()
    assert made.counts["subjects_accepted"] == 2
    assert not any(r["subject_known"] for r in rows(made.catalogue))


def test_a_published_division_stands_in_the_catalogue_as_a_side_and_not_as_a_name(toys):
    toys.write(a_toy="id:1\nsome text", b_toy="id:2\nother", c_toy="id:3\nthird!")
    made = toys.ingest(source={"division": {"train_tune": ["a"], "test": ["2"]}})
    sides = [r["division"] for r in rows(made.catalogue)]
    assert sorted(sides, key=str) == [None, "test", "train_tune"]


def test_an_id_on_both_sides_of_the_division_is_a_wrong_spec(toys):
    toys.write(a_toy="id:1\nsome text")
    with pytest.raises(MedassayError, match="both sides"):
        toys.ingest(source={"division": {"train_tune": ["a"], "test": ["1"]}})


def test_a_killed_run_done_again_ends_in_the_same_tables_and_objects(toys, tmp_path):
    toys.write(**{f"s{n}_toy": f"id:{n}\ntext {n}" for n in range(6)}, s1_label="yes")
    whole = toys.ingest()
    for survivors in range(7):
        store = type(toys.store)(dies_after=survivors)
        with pytest.raises(KeyboardInterrupt):
            toys.ingest(store=store)
        store.dies_after = None
        assert tables_of(toys.ingest(store=store)) == tables_of(whole)
        assert store.kept == toys.store.kept


texts = st.binary(max_size=12)
tokens = st.sampled_from(["", "id:1", "id:2", "id:1,id:3", "name:Bloggs"])


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(tokens, texts), max_size=6), st.randoms())
def test_whatever_is_offered_is_counted_once_and_order_changes_nothing(toys, samples, chance):
    for path in toys.folder.iterdir():
        path.unlink()
    files = {f"s{n}.toy": token.encode() + b"\n" + text for n, (token, text) in enumerate(samples)}
    files["odd.txt"] = b""
    tables = []
    for _ in range(2):
        names = list(files)
        chance.shuffle(names)
        for name in names:
            (toys.folder / name).unlink(missing_ok=True)
            (toys.folder / name).write_bytes(files[name])
        made = toys.ingest()
        assert adds_up(made)
        assert made.counts["samples_accepted"] + made.counts["samples_refused"] == len(samples)
        tables.append((tables_of(made), made.findings, made.counts))
    assert tables[0] == tables[1]


def test_files_of_a_subject_who_withdrew_are_refused_unread(toys):
    toys.write(a_toy="id:1\none", b_toy="id:2\ntwo", c_toy="id:1\nthree")
    before = toys.ingest()
    rows = before.catalogue.to_pylist()
    [subject] = [one for one, samples in Counter(row["subject_id"] for row in rows).items() if samples == 2]
    taken = toys.ingest(withdrawn={subject: "site_withdrew"})
    refused = [row for row in taken.catalogue.to_pylist() if row["subject_id"] == subject]
    assert [(row["status"], row["reason"]) for row in refused] == [("refused", "subject_withdrew")] * 2
    assert not {row["sample_id"] for row in refused} & set(taken.objects["sample_id"].to_pylist())
    assert taken.counts["samples_accepted"] == 1
