"""A curator's SQL reads the views and nothing else."""

import pyarrow as pa
import pytest

from medassay.core.errors import WrongUse
from medassay.datasets.counters import count
from medassay.datasets.query import QUESTIONS, ask, question

SAMPLES = {"samples": lambda: pa.table({"sample_id": ["R-1", "R-2"], "age_years": [50.0, float("nan")]})}


def test_a_select_gives_rows_and_nan_is_said_by_nothing():
    rows, more = ask("WITH s AS (SELECT * FROM samples) SELECT * FROM s ORDER BY sample_id", SAMPLES)
    assert rows == [{"sample_id": "R-1", "age_years": 50.0}, {"sample_id": "R-2", "age_years": None}]
    assert not more


def test_more_rows_than_wanted_are_told():
    rows, more = ask("SELECT * FROM range(50) t(n)", {}, most_rows=5)
    assert ([row["n"] for row in rows], more) == ([0, 1, 2, 3, 4], True)


def test_a_view_that_the_statement_does_not_speak_of_is_never_loaded():
    def never():
        raise AssertionError

    assert ask("SELECT 1 AS one FROM samples LIMIT 1", {**SAMPLES, "files": never}) == ([{"one": 1}], False)


outside = {
    "a file's text": "SELECT * FROM read_text('{path}')",
    "a file's bytes": "SELECT * FROM read_blob('{path}')",
    "a table in a file": "SELECT * FROM read_csv('{path}')",
    "a file as a table": "SELECT * FROM '{path}'",
    "a folder": "SELECT * FROM glob('{folder}/*')",
    "an address": "SELECT * FROM read_csv('https://example.org/x.csv')",
    "a variable of this program": "SELECT * FROM SAMPLES_OF_THIS_TEST",
    "the environment": "SELECT getenv('HOME')",
    "a file to write": "COPY samples TO '{folder}/out.csv'",
    "another database": "ATTACH '{folder}/other.db'",
    "an extension": "INSTALL httpfs",
    "the settings": "SET enable_external_access = true",
    "an unlocking behind a read": "SELECT 1; SET lock_configuration = false",
    "a change": "INSERT INTO samples VALUES ('R-3', 1)",
    "a change that is explained": "EXPLAIN ANALYZE INSERT INTO samples VALUES ('R-3', 1)",
    "a dropped view": "DROP VIEW samples",
    "nothing": "",
    "no SQL": "selec 1",
    "an unknown view": "SELECT * FROM key_side",
    "two columns of a name": "SELECT 1 AS a, 2 AS a",
}


@pytest.mark.parametrize("sql", outside.values(), ids=outside)
def test_whatever_reaches_outside_or_changes_anything_is_refused(sql, tmp_path):
    secret = tmp_path / "secret.csv"
    secret.write_text("name\nsomebody\n")
    SAMPLES_OF_THIS_TEST = SAMPLES["samples"]()
    assert SAMPLES_OF_THIS_TEST.num_rows == 2
    with pytest.raises(WrongUse) as refused:
        ask(sql.format(path=secret, folder=tmp_path), SAMPLES)
    assert "somebody" not in str(refused.value)
    assert [path.name for path in tmp_path.iterdir()] == ["secret.csv"]


def test_a_question_without_end_is_broken_off():
    endless = "SELECT count(*) AS n FROM range(10000000) a, range(10000000) b WHERE a.range * b.range % 7 = 3"
    with pytest.raises(WrongUse, match="takes longer"):
        ask(endless, {}, longest_s=0.2)


def test_an_unknown_question_names_those_that_exist():
    with pytest.raises(WrongUse, match="counters"):
        question("countres")


def tables():
    catalogue = [
        {
            "sample_id": f"R-{n}", "subject_id": f"S-{n // 2}", "status": "accepted" if n < 5 else "refused",
            "reason": None if n < 5 else "truncated", "data_type": "image" if n < 3 else None,
            "modality": "MR" if n < 3 else None, "site": "A", "device": None, "sex": None, "age_years": None,
            "age_band": None, "acquired_year": 2020 + n % 2, "split": "train" if n < 3 else None,
        }
        for n in range(6)
    ]  # fmt: skip
    objects = [
        {"sample_id": f"R-{n}", "role": role, "bytes": 10 * n, "sealed": role != "image"}
        for n in range(5)
        for role in ("image", "read:R1")
    ]
    return catalogue, objects


def test_every_ready_question_can_be_asked_and_the_counters_are_those_counted_without_sql():
    catalogue, objects = tables()
    rows = {
        "samples": catalogue,
        "files": objects,
        "offered": [{"outcome": "sample", "reason": None, "bytes": 3}],
        "actions": [{"element": "e", "action": "kept", "count": 1}],
        "exclusions": [
            {"sample_id": "R-0", "stage": stage, "check": "c", "reason": "r", "position": place}
            for place, stage in enumerate(("gate", "freeze"))
        ],
    }
    views = {name: lambda of=of: pa.Table.from_pylist(of) for name, of in rows.items()}
    answers = {name: ask(one.sql, views)[0] for name, one in QUESTIONS.items()}
    assert answers["counters"] == [one.model_dump() for one in count(catalogue, objects)]
    assert [
        (row["modality"], row["samples"], row["subjects"], row["files"]) for row in answers["counters"]
    ] == [
        ("MR", 3, 2, 3),
        ("not_stated", 2, 2, 2),
    ]
    # Of two failed checks of one sample the first counts.
    assert [(row["stage"], row["samples"]) for row in answers["out"]] == [("gate", 1), ("ingest", 1)]
    assert all(one.title.zh and one.title.en for one in QUESTIONS.values())
