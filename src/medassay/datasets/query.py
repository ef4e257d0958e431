"""Questions of a curator in SQL, over the tables of one source: read-only, and nothing outside is readable.

DuckDB runs in memory with the tables handed to it. Before the question is looked at, its access to files and
network is switched off, its settings are locked, and it may load no extension and see no variable of this
program. One statement, and only one that reads.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from medassay.core.errors import WrongUse
from medassay.core.specs import Bilingual

if TYPE_CHECKING:
    import pyarrow as pa

LONGEST_S = 60.0
MEMORY = "1GB"
SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "allow_community_extensions": False,
    "python_enable_replacements": False,
    "memory_limit": MEMORY,
    "threads": 2,
}


@dataclass(frozen=True)
class Question:
    """A ready question."""

    title: Bilingual
    sql: str


def _asked(zh: str, en: str, sql: str) -> Question:
    return Question(Bilingual(zh=zh, en=en), sql)


QUESTIONS: Mapping[str, Question] = {
    "counters": _asked(
        "按影像模态、信号模态和记录类型计数",
        "counters by image modality, signal modality and type of record",
        "WITH f AS (SELECT sample_id, count(*) AS files, sum(bytes) AS bytes FROM files WHERE NOT sealed "
        "GROUP BY sample_id) SELECT coalesce(data_type, 'not_stated') AS data_type, "
        "coalesce(modality, 'not_stated') AS modality, count(*) AS samples, "
        "count(DISTINCT subject_id) AS subjects, CAST(coalesce(sum(files), 0) AS BIGINT) AS files, "
        "CAST(coalesce(sum(bytes), 0) AS BIGINT) AS bytes FROM samples LEFT JOIN f USING (sample_id) "
        "WHERE status = 'accepted' GROUP BY ALL ORDER BY ALL",
    ),
    "sites": _asked(
        "各机构和设备的受试者与样本",
        "subjects and samples by site and device",
        "SELECT site, device, count(DISTINCT subject_id) AS subjects, count(*) AS samples FROM samples "
        "WHERE status = 'accepted' GROUP BY ALL ORDER BY ALL",
    ),
    "people": _asked(
        "各性别和年龄段的受试者与样本",
        "subjects and samples by sex and age band",
        "SELECT sex, age_band, count(DISTINCT subject_id) AS subjects, count(*) AS samples FROM samples "
        "WHERE status = 'accepted' GROUP BY ALL ORDER BY ALL",
    ),
    "periods": _asked(
        "各采集年份的样本",
        "samples by year of acquisition",
        "SELECT acquired_year, count(DISTINCT subject_id) AS subjects, count(*) AS samples FROM samples "
        "WHERE status = 'accepted' GROUP BY ALL ORDER BY ALL",
    ),
    "files_offered": _asked(
        "提交文件的去向",
        "what became of the files that were offered",
        "SELECT outcome, reason, count(*) AS files, CAST(sum(bytes) AS BIGINT) AS bytes FROM offered "
        "GROUP BY ALL ORDER BY ALL",
    ),
    "out": _asked(
        "各环节拒收和排除的样本及原因",
        "samples refused or excluded, by stage and reason",
        "SELECT 'ingest' AS stage, 'intake' AS \"check\", reason, count(*) AS samples FROM samples "
        "WHERE status = 'refused' GROUP BY ALL UNION ALL SELECT stage, \"check\", reason, count(*) FROM "
        "(SELECT * FROM exclusions QUALIFY row_number() OVER (PARTITION BY sample_id ORDER BY position) = 1) "
        "GROUP BY ALL ORDER BY ALL",
    ),
    "split": _asked(
        "训练、调优、测试各部分的受试者与样本",
        "subjects and samples in train, tune and test",
        "SELECT split, count(DISTINCT subject_id) AS subjects, count(*) AS samples FROM samples "
        "WHERE split IS NOT NULL GROUP BY ALL ORDER BY ALL",
    ),
    "repeated": _asked(
        "样本多于一个的受试者",
        "subjects with more than one sample",
        "SELECT subject_id, count(*) AS samples FROM samples WHERE status = 'accepted' GROUP BY ALL "
        "HAVING count(*) > 1 ORDER BY samples DESC, subject_id",
    ),
    "not_stated": _asked(
        "未说明的事实",
        "facts that samples do not state",
        "SELECT count(*) AS samples, count(*) - count(sex) AS sex, count(*) - count(age_years) AS age_years, "
        "count(*) - count(site) AS site, count(*) - count(device) AS device, "
        "count(*) - count(acquired_year) AS acquired_year FROM samples WHERE status = 'accepted'",
    ),
    "deidentification": _asked(
        "去标识化：按元素保留、更改、删除",
        "de-identification: elements kept, changed, removed",
        "SELECT element, action, count FROM actions ORDER BY action, count DESC, element",
    ),
}


def question(name: str) -> Question:
    """A ready question by its name.

    Raises
    ------
    WrongUse
        When there is none of this name.
    """
    if name not in QUESTIONS:
        raise _wrong(
            f"question '{name}'", f"one of {', '.join(QUESTIONS)}", "Name one of these, or write SQL."
        )
    return QUESTIONS[name]


def ask(
    sql: str,
    tables: Mapping[str, Callable[[], pa.Table]],
    *,
    most_rows: int = 1000,
    longest_s: float = LONGEST_S,
) -> tuple[list[dict[str, Any]], bool]:
    """The rows of one reading statement, and whether there were more than were asked for.

    Parameters
    ----------
    tables : mapping
        Name of a view to what loads it; only those that the statement speaks of are loaded.
    most_rows : int
        Rows that are given back.
    longest_s : float
        After so many seconds the question is broken off.

    Raises
    ------
    WrongUse
        When the text is no statement that reads, names what is not there, reaches outside, or takes too long.

    Examples
    --------
    >>> import pyarrow as pa
    >>> ask("SELECT sum(n) AS n FROM numbers", {"numbers": lambda: pa.table({"n": [1, 2]})})
    ([{'n': 3}], False)
    """
    import duckdb

    with duckdb.connect(":memory:", config=SETTINGS) as connection:
        try:
            statements = connection.extract_statements(sql)
        except duckdb.Error as error:
            raise _refused(error) from error
        if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
            raise _wrong(
                "no statement"
                if not statements
                else f"{len(statements)} statements, or one that does not read",
                "one SELECT",
                "Ask in one SELECT; views: " + ", ".join(sorted(tables)) + ".",
            )
        for name, load in tables.items():
            # A list of tables speaks of none: it shows them without rows.
            listing = re.match(r"\s*(show|describe|summarize)\b", sql, re.IGNORECASE) is not None
            if listing or re.search(rf"\b{re.escape(name)}\b", sql, re.IGNORECASE):
                connection.register(name, load())
        connection.execute("SET temp_directory = ''")
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
        clock = threading.Timer(longest_s, connection.interrupt)
        clock.start()
        try:
            connection.execute(sql)
            names = [column[0] for column in connection.description or ()]
            found = connection.fetchmany(most_rows + 1)
        except duckdb.InterruptException as error:
            raise _wrong(
                f"a question that takes longer than {longest_s:g} s", "a shorter one", "Narrow it down."
            ) from error
        except duckdb.Error as error:
            raise _refused(error) from error
        finally:
            clock.cancel()
    if len(set(names)) != len(names):
        raise _wrong("two columns of one name", "a name a column", "Name them with AS.")
    rows = [dict(zip(names, map(_plain, row), strict=True)) for row in found[:most_rows]]
    return rows, len(found) > most_rows


def _plain(value: Any) -> Any:
    """A value as JSON can hold it; undefined is said by nothing, not by NaN."""
    if isinstance(value, float):
        return value if value == value and abs(value) != float("inf") else None
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {str(name): _plain(item) for name, item in value.items()}
    return value.hex() if isinstance(value, bytes) else str(value)


def _refused(error: Exception) -> WrongUse:
    said = str(error).splitlines()[0] if str(error) else type(error).__name__
    return _wrong(
        said,
        "a statement that DuckDB can answer from the views",
        "Correct the SQL; `SHOW TABLES` lists the views.",
    )


def _wrong(found: str, wanted: str, remedy: str) -> WrongUse:
    return WrongUse(found=found, wanted=wanted, remedy=remedy, where="query")
