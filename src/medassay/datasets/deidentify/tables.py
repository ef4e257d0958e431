"""Tables of hospitals (csv, xlsx, xls): columns by their names, cells by what they are; written as UTF-8 CSV.

A row's person is told by its own columns, or by the fields that stand above the header row ("姓名：…").
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from medassay.core.findings import Finding, Reason
from medassay.datasets.deidentify.closed_text import LONG_NUMBER, is_closed, is_figure, is_item, tells
from medassay.datasets.deidentify.column_roles import plain_header, role_listed, role_of
from medassay.datasets.deidentify.facts import Facts, folded_birth, folded_sex
from medassay.datasets.deidentify.free_text import find, scrub
from medassay.datasets.deidentify.outgoing import Actions, CannotClean, Outgoing, left
from medassay.datasets.deidentify.profile import Profile
from medassay.datasets.identity import pseudonym
from medassay.datasets.sample import Names
from medassay.formats.ivd import table as ivd_table

LONGEST_COUNT = 8  # digits of a whole number that may stay where its unit counts something
COUNTING = re.compile(
    r"(^|[\s(（\[])(\[?i?u\]?|copies|cps?|拷贝|cfu|pfu|cells?|counts?|个|个细胞|reads|10\*0)?/ ?[nuμµmdc]?[lL]\b",
    re.IGNORECASE,
)
PACKED = re.compile(r"(19|20)\d{2}(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])")
FEWEST_LONG = 10 ** (LONG_NUMBER - 1)
FIRST_SERIAL, LAST_SERIAL = 20000, 60000  # days as spreadsheets number them, from 1954 to 2064
DAY_ZERO = datetime(1899, 12, 30)
FIELD = re.compile(
    r"(?P<key>[^:：,，;；\s\d]{1,12})[ \t]*[:：][ \t]*(?P<value>[^:：,，;；\t]{1,40}?)(?=\s{2,}|"
    r"[,，;；\t]|\s+[^:：\s]{1,12}[:：]|$)"
)
SUBJECT = re.compile(r"[A-Z]-[0-9a-f]{16}")
MOMENT = re.compile(r"\d{4}-\d\d-\d\d([ T]\d\d:\d\d(:\d\d)?)?|\d\d:\d\d(:\d\d)?")
INDEX = re.compile(r"\d{1,3}")  # of a class, a target, a run: no number of a person is so short
UNNAMED = "column {}"
LONG_FIGURE = re.compile(r"[-+]?\d{1,6}\.\d+([eE][-+]?\d+)?")  # as Python writes a number of a workbook
GONE = ("name", "staff", "contact", "birth")
PERSON = ("name", "subject", "birth", "sex")
ITEM = "value"  # of columns of items, units, ranges, methods
RESULT = "result"
BY_PERSON = (*GONE, "subject", "number", "index", "age", "sex", "date")
NO_LABELS = ("no", "sn", "ca", "date", "time", "时间")  # items and headings that are spelt like one
LONGEST_LABEL = 24


@dataclass(frozen=True)
class Sheet:
    """A table whose header row was found."""

    above: tuple[tuple[str, str], ...]  # role and value of the fields over the header
    headers: tuple[str, ...]
    roles: tuple[str, ...]
    rows: tuple[ivd_table.Row, ...]
    titles: int  # rows over the header

    def labels(self, row: ivd_table.Row) -> str:
        """The role of a whole row that is a label with its value ("住院号 | 123456"), below other columns; or none."""
        first = next((cell for cell in row if cell is not None), None)
        if not isinstance(first, str) or len(first) > LONGEST_LABEL:
            return ""
        at = row.index(first)
        role = role_of(first) if at < len(self.roles) and self.roles[at] in ("", ITEM, RESULT) else ""
        # Names of samples end in "No" and "ID" too.
        if role == "index" and not re.search("[号號证證]", first):
            return ""
        return role if role in BY_PERSON and plain_header(first) not in NO_LABELS else ""


@dataclass(frozen=True)
class Book:
    """The tables of one file: one, or a sheet each."""

    sheets: tuple[Sheet, ...]
    left_out: int = 0  # sheets with content of which no row names columns


def read(content: bytes) -> Book:
    """Every table of the file.

    Raises
    ------
    CannotClean
        When the file is no table, or no row of any sheet names columns.
    """
    try:
        found = ivd_table.read_tables(content)
    except ivd_table.TableRefused as error:
        raise CannotClean(error.reason, error.found, error.wanted) from error
    sheets: list[Sheet] = []
    stopped: CannotClean | None = None
    for one in found:
        try:
            sheets.append(_sheet(one))
        except CannotClean as error:
            stopped = error
    if stopped is not None and not sheets:
        raise stopped
    return Book(tuple(sheets), len(found) - len(sheets))


def _sheet(found: ivd_table.Table) -> Sheet:
    """Find the header row: the one with most names of the list, near the top."""
    top = found.rows[:30]
    scores = [sum(role_listed(cell) for cell in row if isinstance(cell, str)) for row in top]
    wide = [sum(isinstance(cell, str) for cell in row) for row in top]
    at = max(range(len(top)), key=lambda n: (scores[n], wide[n], -n)) if top else 0
    if not top or wide[at] < 2 or (not scores[at] and at):
        raise CannotClean(Reason.HEADER_INVALID, "no row with names of columns", "a table with a header row")
    headers = tuple(str(cell) if cell is not None else "" for cell in found.rows[at])
    above = tuple(_fields(found.rows[:at]))
    return Sheet(above, headers, tuple(map(role_of, headers)), found.rows[at + 1 :], at)


def facts_of(book: Book) -> list[Facts]:
    """The person of each row, sheet by sheet; rows without one of their own have that of the fields above."""
    return [one for sheet in book.sheets for one in _facts_of(sheet)]


def _facts_of(sheet: Sheet) -> list[Facts]:
    told, seen_data = list(sheet.above), True
    over, out = _facts(told), []
    for row in sheet.rows:
        fields = [one for one in _fields([row]) if one[0] in PERSON] if _may_label(row) else []
        if any(
            role in ("name", "subject") for role, _ in fields
        ):  # a person's fields between the rows of results
            told = fields if seen_data else [*told, *fields]
            over, seen_data = _facts(told), False
        elif fields:
            over = _facts([*told, *fields])
        else:
            seen_data = True
        cells = [
            (role, _text(cell))
            for role, cell in zip(sheet.roles, row, strict=False)
            if role and cell is not None
        ]
        own = _facts(cells)
        told_here = own.ids or own.names
        out.append(own if told_here else Facts(over.ids, over.names, over.birth, own.sex or over.sex))
    return out


def _may_label(row: ivd_table.Row) -> bool:
    """Whether a row may hold labelled fields; most rows are read no further."""
    texts = [cell for cell in row if isinstance(cell, str) and not cell[:1].isdigit()]
    return any("：" in text or ":" in text or role_listed(text) for text in texts)


def clean(book: Book, who: Sequence[Names], known: Sequence[str], profile: Profile) -> Outgoing:
    """The tables with nobody in them, a file a sheet; names of sheets do not leave.

    Parameters
    ----------
    who : sequence of Names
        The subject of each row, sheet by sheet.
    """
    actions: Actions = Counter()
    if book.left_out:
        actions["sheet without names of columns", "removed"] += book.left_out
    files, at = [], 0
    for number, sheet in enumerate(book.sheets, 1):
        name = "table.csv" if len(book.sheets) == 1 else f"table-{number}.csv"
        rows = who[at : at + len(sheet.rows)]
        files.append((name, _written(sheet, rows, known, profile, actions)))
        at += len(sheet.rows)
    return Outgoing(tuple(files), actions)


def _written(
    sheet: Sheet, who: Sequence[Names], known: Sequence[str], profile: Profile, actions: Actions
) -> bytes:
    if sheet.titles:
        actions["row over the header", "removed"] += sheet.titles
    kept = [n for n, role in enumerate(sheet.roles) if _stays(role, profile)]
    for n, role in enumerate(sheet.roles):
        if n not in kept:
            actions[f"column of role {role or 'unknown'}", "removed"] += 1
    sink = io.StringIO()
    writer = csv.writer(sink, lineterminator="\n")
    has_subject = "subject" in sheet.roles
    writer.writerow(
        [
            *([] if has_subject else ["subject_id"]),
            *(_header(sheet, n, known, profile, actions) for n in kept),
        ]
    )
    serial = {n for n in kept if sheet.roles[n] == "date" and _are_serials(sheet, n)}
    for row, names in zip(sheet.rows, who, strict=True):
        label = sheet.labels(row)
        cells = [
            _labelled(label, n, row, names, actions)
            if label
            else _count(sheet.headers, row, n, actions)
            or _cell(sheet.roles[n], _day(row, n, serial), names, known, profile, actions)
            for n in kept
        ]
        writer.writerow([*([] if has_subject else [names.subject]), *cells])
    return sink.getvalue().encode("utf-8")


def _labelled(label: str, n: int, row: ivd_table.Row, names: Names, actions: Actions) -> str:
    """A cell of a row that is a label with its value: the label as it is, the value by its rule."""
    cell = row[n] if n < len(row) else None
    if cell is None:
        return ""
    before = _text(cell)
    if before == _text(next(one for one in row if one is not None)):
        return before if role_listed(before) else ""
    after = RULES[label](before, cell, names) if label in RULES else ""
    actions[f"row of role {label}", "kept" if after == before else "changed" if after else "removed"] += 1
    return after


def _are_serials(sheet: Sheet, n: int) -> bool:
    """Whether a column of dates holds days by their number, as spreadsheets write them without a format."""
    numbers = [_serial(row[n]) for row in sheet.rows if n < len(row) and row[n] is not None]
    return bool(numbers) and None not in numbers


def _serial(cell: ivd_table.Cell) -> float | None:
    try:
        day = float(cell) if isinstance(cell, str | float) else 0.0
    except ValueError:
        return None
    return day if FIRST_SERIAL <= day <= LAST_SERIAL else None


def _day(row: ivd_table.Row, n: int, serial: Container[int]) -> ivd_table.Cell:
    cell = row[n] if n < len(row) else None
    day = _serial(cell) if n in serial else None
    return cell if day is None else DAY_ZERO + timedelta(seconds=round(day * 86400))


def _count(headers: Sequence[str | None], row: ivd_table.Row, n: int, actions: Actions) -> str:
    """A whole number of seven or eight digits that counts something, by a unit in its row or the name of its column."""
    cell = row[n] if n < len(row) else None
    if isinstance(cell, float) and abs(cell) < FEWEST_LONG:
        return ""
    if not isinstance(cell, str | float) or not _is_long(_text(cell)):
        return ""
    units = [one for one in row if isinstance(one, str) and one != cell] + [headers[n] or ""]
    if not any(COUNTING.search(unicodedata.normalize("NFKC", unit)) and is_item(unit) for unit in units):
        return ""
    actions["count of seven or eight digits", "kept"] += 1
    return _text(cell)


def _is_long(text: str) -> bool:
    digits = LONG_NUMBER <= len(text) <= LONGEST_COUNT and text.isascii() and text.isdigit()
    return digits and text[0] != "0" and not PACKED.fullmatch(text)


def prove(content: bytes, known: Sequence[str], profile: Profile) -> list[Finding]:
    """Read the cells again by another reader: numbers, moments, pseudonyms and texts that may stand."""
    import duckdb

    try:
        text = content.decode("utf-8")
        found = duckdb.read_csv(
            io.StringIO(text), header=False, all_varchar=True, sep=",", quotechar='"'
        ).fetchall()
    except (UnicodeDecodeError, duckdb.Error):
        return [left("table", "bytes that cannot be read as the CSV that was written")]
    roles = [role_of(header or "") for header in found[0]] if found else []
    headers = {(n, "", cell) for row in found[:1] for n, cell in enumerate(row) if cell}
    cells = {(n, roles[n], cell) for row in found[1:] for n, cell in enumerate(row) if cell}
    seen: Actions = Counter()
    counts = {
        (n, cell)
        for row in found[1:]
        for n, cell in enumerate(row)
        if cell and LONG_NUMBER <= len(cell) <= LONGEST_COUNT and _count(found[0], row, n, seen)
    }
    strangers = {
        n for n, role, cell in cells if (n, cell) not in counts and not _may_stand(role, cell, known, profile)
    }
    strangers |= {n for n, _, header in headers if not _header_stands(header, known, profile)}
    return [
        left(place, "a cell that the allow-list does not hold")
        for place in sorted(f"column {n + 1}" for n in strangers)
    ]


def _fields(rows: Sequence[ivd_table.Row]) -> Iterator[tuple[str, str]]:
    """Labelled fields of the rows over the header: in one cell, or label and value in two."""
    for row in rows:
        texts = [_text(cell) for cell in row if cell is not None]
        for n, text in enumerate(texts):
            plain = unicodedata.normalize("NFKC", text)
            for match in FIELD.finditer(plain):
                if role_of(match["key"]):
                    yield role_of(match["key"]), match["value"].strip()
            if role_of(plain) and n + 1 < len(texts):
                yield role_of(plain), texts[n + 1]


def _facts(cells: Sequence[tuple[str, str]]) -> Facts:
    def of(role: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(value for kind, value in cells if kind == role and value))

    births, sexes = of("birth"), of("sex")
    return Facts(
        of("subject"),
        of("name"),
        folded_birth(births[0]) if births else "",
        folded_sex(sexes[0]) if sexes else "",
    )


def _text(cell: ivd_table.Cell) -> str:
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e18 else repr(cell)
    return cell.isoformat(sep=" ") if isinstance(cell, datetime) else str(cell)


def _stays(role: str, profile: Profile) -> bool:
    if role in GONE:
        return False
    if role in ("age", "sex"):
        return profile.characteristics
    return role != "date" or profile.dates == "shifted"


def _header(sheet: Sheet, number: int, known: Sequence[str], profile: Profile, actions: Actions) -> str:
    """A column's name, if a list holds it: the first row of a table without names of columns holds people."""
    header = sheet.headers[number]
    if _is_header(header, known, profile):
        actions["column name", "kept"] += 1
        return header
    actions["column name", "changed"] += 1
    return UNNAMED.format(number + 1)


def _is_header(header: str, known: Sequence[str], profile: Profile) -> bool:
    return bool(header) and (role_listed(header) or is_item(header, known, profile.item_words))


def _cell(
    role: str, cell: ivd_table.Cell, names: Names, known: Sequence[str], profile: Profile, actions: Actions
) -> str:
    if cell is None:
        return ""
    before = _text(cell)
    after = (
        RULES[role](before, cell, names)
        if role in RULES
        else _plain(role, before, cell, names, known, profile)
    )
    done = "kept" if after == before else "changed" if after else "removed"
    actions[f"cell of role {role or 'unknown'}", done] += 1
    return after


def _plain(
    role: str, before: str, cell: ivd_table.Cell, names: Names, known: Sequence[str], profile: Profile
) -> str:
    """A cell of a column of items or results, or of one whose name is not known."""
    if isinstance(cell, datetime | date | time):
        return _moment(before, cell, names) if profile.dates == "shifted" else ""
    if is_figure(before) or (LONG_FIGURE.fullmatch(before) and not tells(before)):
        return before
    if isinstance(cell, float):
        short = sum(map(str.isdigit, before.partition(".")[0])) < LONG_NUMBER
        return before if short and not tells(before) else ""
    if before.isdigit() and len(before) >= LONG_NUMBER:
        return ""
    if profile.free_text == "removed":
        return before if _is_closed(role, before, known, profile) else ""
    if role == ITEM and is_item(before, known, profile.item_words):
        return before
    shift = names.date_shift_days if profile.dates == "shifted" else None
    return scrub(before, known, shift_days=shift).text


def _is_closed(role: str, text: str, known: Sequence[str], profile: Profile) -> bool:
    return is_item(text, known, profile.item_words) if role == ITEM else is_closed(text, known)


def _moment(before: str, cell: ivd_table.Cell, names: Names) -> str:
    """A date or date and time, moved; a time of day as it is."""
    try:
        if isinstance(cell, datetime | date):
            return (cell - timedelta(days=names.date_shift_days)).isoformat(
                **({"sep": " ", "timespec": "seconds"} if isinstance(cell, datetime) else {})
            )
        match = re.match(
            r"(\d{4})[-/.年]?(\d{1,2})[-/.月]?(\d{1,2})日?", unicodedata.normalize("NFKC", before)
        )
        if match:
            moved = date(int(match[1]), int(match[2]), int(match[3])) - timedelta(days=names.date_shift_days)
            clock = re.search(r"(\d{1,2}):(\d\d)(?::(\d\d))?", before[match.end() :])
            return moved.isoformat() + (
                f" {int(clock[1]):02d}:{clock[2]}:{clock[3] or '00'}" if clock else ""
            )
    except (ValueError, OverflowError):
        return ""
    return before if MOMENT.fullmatch(before) else ""


def _age(before: str, cell: ivd_table.Cell, names: Names) -> str:  # noqa: ARG001 - every rule takes all three
    match = re.match(r"\s*(\d{1,3})(\.\d+)?\s*(岁|周岁|y|years?|月|个月|天)?", before, re.IGNORECASE)
    if match is None:
        return ""
    small = (match[3] or "") in ("月", "个月", "天")
    return f"{match[1]}{match[3]}" if small else "90" if int(match[1]) > 89 else match[1]


RULES: dict[str, Callable[[str, ivd_table.Cell, Names], str]] = {
    "subject": lambda before, cell, names: names.subject,  # noqa: ARG005 - the door is the same for all
    "number": lambda before, cell, names: pseudonym(names.key, "N", before),  # noqa: ARG005 - the door is the same for all
    "index": lambda before, cell, names: (  # noqa: ARG005 - the door is the same for all
        before if INDEX.fullmatch(before) else pseudonym(names.key, "N", before)
    ),
    "sex": lambda before, cell, names: folded_sex(before),  # noqa: ARG005 - the door is the same for all
    "age": _age,
    "date": _moment,
}


def _header_stands(header: str, known: Sequence[str], profile: Profile) -> bool:
    return bool(re.fullmatch(r"subject_id|column \d{1,5}", header)) or _is_header(header, known, profile)


def _may_stand(role: str, cell: str, known: Sequence[str], profile: Profile) -> bool:
    if SUBJECT.fullmatch(cell) or is_figure(cell) or MOMENT.fullmatch(cell) or role_listed(cell):
        return True
    if profile.free_text == "removed" and role not in RULES:
        figure = LONG_FIGURE.fullmatch(cell) is not None and not tells(cell)
        return figure or _is_closed(role, cell, known, profile)
    marks = find(cell, known, running=role != ITEM)
    return not any(mark.kind not in ("date", "age") for mark in marks)
