"""Great Expectations held against one frame: which rows fail which check, and why.

Row rule of this house, stricter than Great Expectations in three points:

- A missing value (null, NaN or an infinite number) in a column that a check names fails its row; Great
  Expectations would leave the row out and pass. Who means otherwise says so in the check's arguments: a
  `row_condition` leaves rows out, `ignore_row_if` says what a pair of columns does with a missing one, and
  `ExpectColumnValuesToBeNull` wants nothing else.
- `mostly` is refused: a share of rows that may fail is a limit of the dataset, stated once in the limits.
- A check that cannot be computed (a number asked of text) is an error of the spec, never a passed or failed
  check.
"""

from __future__ import annotations

import difflib
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from medassay.core.errors import WrongUse
from medassay.quality.spec import Check

if TYPE_CHECKING:
    import pandas as pd

MISSING = "missing"
NOT_FINITE = "not finite"

# What a check cannot set: how it is run and how severe it is are said elsewhere.
_RESERVED = {
    "batch_id": "the table is the source's own measurement table",
    "catch_exceptions": "a check that cannot be computed is always an error",
    "condition_parser": "write row_condition as type, column and operator",
    "id": "the check's own id is used",
    "meta": "title, remedy and source are fields of the check",
    "mostly": "state limits.largest_excluded_share instead",
    "result_format": "every failed row is always asked for",
    "severity": "severity is a field of the check",
}
_WANTS_NULL = ("ExpectColumnValuesToBeNull",)
_APPLIES = "applies:"  # marks the twin of a check that tells which rows its row_condition keeps


@dataclass(frozen=True)
class Held:
    """One check held against the frame.

    `failed` maps a row's position to what was found there. An aggregate check has no rows: `observed` says
    what was found when it failed.
    """

    check: Check
    applied: int  # rows that the check was held against
    failed: Mapping[int, str]
    observed: str | None = None

    @property
    def columns(self) -> list[str]:
        return columns_of(self.check)

    @property
    def unmet(self) -> bool:
        return bool(self.failed) or self.observed is not None


def hold(checks: Sequence[Check], frame: pd.DataFrame) -> list[Held]:
    """Hold every check against the frame in one run, in the order of the checks.

    Parameters
    ----------
    frame : pandas.DataFrame
        One row a sample, with the index 0, 1, 2 ...

    Raises
    ------
    WrongUse
        For a class, argument or column that does not exist, an aggregate that is to exclude samples, or a
        check that cannot be computed.
    """
    # Before the import: the library reads it once, and a hospital's machine reports to nobody.
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    import great_expectations as gx

    expectations: list[Any] = []
    for check in checks:
        expectation = _expectation(check, frame)
        expectations.append(expectation)
        if getattr(expectation, "row_condition", None) is not None:
            expectations.append(
                gx.expectations.ExpectColumnValuesToBeNull(
                    column="sample_id",
                    row_condition=expectation.row_condition,
                    meta={"check": _APPLIES + check.id},
                )
            )
    results = _validated(expectations, frame)
    return [_held(check, results, frame) for check in checks]


def columns_of(check: Check) -> list[str]:
    """The columns that a check names in its arguments, in the names of Great Expectations."""
    named = [check.arguments.get(key) for key in ("column", "column_A", "column_B")]
    listed = check.arguments.get("column_list")
    return [str(name) for name in (*named, *(listed or ())) if name is not None]


def _expectation(check: Check, frame: pd.DataFrame) -> Any:
    """The check as an expectation of the library; whatever does not fit is named here, before anything runs."""
    import great_expectations as gx
    from great_expectations.compatibility.pydantic import ValidationError

    where = f"check '{check.id}'"
    names = sorted(
        name for name in dir(gx.expectations) if name.startswith("Expect") and name != "Expectation"
    )
    if check.expectation not in names:
        raise WrongUse(
            found=f"expectation '{check.expectation}'",
            wanted="a class of great_expectations.expectations",
            remedy=_nearest(check.expectation, names),
            where=where,
        )
    for name in sorted(_RESERVED.keys() & check.arguments.keys()):
        raise WrongUse(
            found=f"argument '{name}'",
            wanted="arguments that say what is expected of the values",
            remedy=f"Remove it: {_RESERVED[name]}.",
            where=where,
        )
    if isinstance(check.arguments.get("row_condition"), str):
        raise WrongUse(
            found="a row_condition in text",
            wanted="a row_condition as type, column and operator",
            remedy="For values that may be missing: {type: nullity, column: {name: COLUMN}, is_null: false}.",
            where=where,
        )
    kind = getattr(gx.expectations, check.expectation)
    try:
        expectation = kind(**check.arguments, meta={"check": check.id})
    except (ValidationError, TypeError, ValueError) as error:
        raise _misfit(check, kind, error) from error
    for column in (*columns_of(check), *_condition_columns(check.arguments.get("row_condition"))):
        if column not in frame.columns:
            raise WrongUse(
                found=f"column '{column}'",
                wanted="a column of the catalogue or of the kind's measurements",
                remedy=_nearest(column, [str(name) for name in frame.columns]),
                where=where,
            )
    return expectation


def _misfit(check: Check, kind: Any, error: Exception) -> WrongUse:
    """A wrong argument: the first that the library names, and the nearest that exists."""
    errors = getattr(error, "errors", None)
    first = errors()[0] if callable(errors) else {"loc": (), "msg": str(error)}
    field = ".".join(str(step) for step in first["loc"] if step != "__root__")
    remedy = "Correct the arguments."
    if first.get("type") == "value_error.extra":
        remedy = _nearest(field, [name for name in kind.__fields__ if name not in _RESERVED])
    elif first.get("type") == "value_error.missing":
        remedy = f"Give '{field}'."
    return WrongUse(
        found=f"argument '{field}' that does not fit" if field else "arguments that do not fit together",
        wanted=str(first["msg"]),
        remedy=remedy,
        where=f"check '{check.id}' ({check.expectation})",
    )


def _condition_columns(condition: Any) -> list[str]:
    """The columns that a row_condition names, nested conditions too."""
    if not isinstance(condition, dict):
        return []
    column = condition.get("column")
    own = [str(column["name"])] if isinstance(column, dict) and "name" in column else []
    return own + [name for part in condition.get("conditions", ()) for name in _condition_columns(part)]


def _nearest(name: str, names: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    return f"Did you mean '{near[0]}'?" if near else f"There are: {', '.join(names)}."


def _validated(expectations: Sequence[Any], frame: pd.DataFrame) -> dict[str, Any]:
    """One run of one suite over the frame: results by the id of the check."""
    import great_expectations as gx
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    asset = context.data_sources.add_pandas("measurements").add_dataframe_asset("samples")
    batch = asset.add_batch_definition_whole_dataframe("all").get_batch({"dataframe": frame})
    suite = gx.ExpectationSuite("gate", expectations=list(expectations))
    # No index column: the list then holds positions of rows, whatever the columns are called.
    done = batch.validate(suite, result_format={"result_format": "COMPLETE"})
    return {result.expectation_config.meta["check"]: result for result in done.results}


def _held(check: Check, results: Mapping[str, Any], frame: pd.DataFrame) -> Held:
    result = results[check.id]
    columns = columns_of(check)
    if _raised(result):
        raise WrongUse(
            found=", ".join(f"column '{name}' of type {frame[name].dtype}" for name in columns),
            wanted=f"values that {check.expectation} can be held against",
            remedy="Check the arguments against the unit and type of the column.",
            where=f"check '{check.id}'",
        )
    twin = results.get(_APPLIES + check.id)
    rows = list(range(len(frame))) if twin is None else sorted(twin.result["unexpected_index_list"])
    missing = _missing(check, rows, frame)
    unexpected = result.result.get("unexpected_index_list")
    if unexpected is None:
        return _aggregate(check, result, len(rows), len(missing))
    failed = {row: _found(columns, row, frame) for row in sorted({*unexpected, *missing})}
    return Held(check, len(rows), failed)


def _raised(result: Any) -> bool:
    """Whether the library could not compute the check (it then says 'failed', which would be untrue)."""
    info = result.exception_info or {}
    if "raised_exception" in info:
        return bool(info["raised_exception"])
    return any(part.get("raised_exception") for part in info.values())


def _aggregate(check: Check, result: Any, applied: int, missing: int) -> Held:
    if check.severity == "exclude":
        raise WrongUse(
            found=f"{check.expectation}, which judges the column as a whole",
            wanted="a check that says which rows fail, where samples are to be excluded",
            remedy="Use severity warn, or an expectation on each value.",
            where=f"check '{check.id}'",
        )
    if result.success and not missing:
        return Held(check, applied, {})
    observed = _text(result.result.get("observed_value"))
    return Held(
        check, applied, {}, observed + (f"; {missing} of {applied} values missing" if missing else "")
    )


def _missing(check: Check, rows: Sequence[int], frame: pd.DataFrame) -> list[int]:
    """The rows, of those that the check is held against, that lack a measurement it names."""
    if check.expectation in _WANTS_NULL or "ignore_row_if" in check.arguments:
        return []
    absent = {row for name in columns_of(check) for row in _absent_rows(frame[name])}
    return [row for row in rows if row in absent]


def _absent_rows(column: pd.Series[Any]) -> list[int]:
    absent = column.map(lambda value: _absent(value) is not None)
    return [int(row) for row in absent.index[absent.astype(bool)]]


def _absent(value: Any) -> str | None:
    """Why a value is no measurement; None where it is one."""
    import pandas as pd

    if not pd.api.types.is_scalar(value):
        return None
    if pd.isna(value):
        return MISSING
    return NOT_FINITE if isinstance(value, float) and math.isinf(value) else None


def _found(columns: Sequence[str], row: int, frame: pd.DataFrame) -> str:
    texts = [_text(frame[name].iloc[row]) for name in columns]
    if len(columns) == 1:
        return texts[0]
    return ", ".join(f"{name} {text}" for name, text in zip(columns, texts, strict=True))


def _text(value: Any) -> str:
    absent = _absent(value)
    if absent:
        return absent
    plain = value.item() if hasattr(value, "item") else value
    return f"{plain:.6g}" if isinstance(plain, float) else str(plain)
