"""Files of one case: its class as a reference or a reader has it, and a device's answer to it. A header and one row.

reference, reads    label              the class by its code
prediction          score              of the positive one of two classes
                    <class>,<class>    a score a class
                    predicted          a class alone
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Annotated

from pydantic import Field

from medassay.core.errors import WrongUse
from medassay.formats.predictions.table import ABSENT, numbers, read_plain

# A code stands in a cell and in the name of a column, as it is.
ClassCode = Annotated[str, Field(pattern=r'^[^\s|,;"\[\]](?:[^|,;"\[\]\t\r\n]*[^\s|,;"\[\]])?$')]
LABEL, SCORE, PREDICTED = "label", "score", "predicted"


def read_label(content: bytes, among: Collection[str] = ()) -> str:
    """The class of a case.

    Parameters
    ----------
    among : codes
        Those that it may be; none: any.

    Raises
    ------
    WrongUse
        When there is not one row with one class, or the class is none of these. The class that was found is not told.

    Examples
    --------
    >>> read_label(b"label\\nAFIB\\n", {"AFIB", "SR"})
    'AFIB'
    """
    row = read_row(content)
    found = row.get(LABEL, "")
    if found in among:  # a class may well be called "none"
        return found
    if found.lower() in ABSENT:
        raise WrongUse(
            found="no class under 'label'" if LABEL in row else "no column 'label'",
            wanted="the case's class",
            remedy="Write a header 'label' and one row with the code of the class.",
        )
    if among:
        raise WrongUse(
            found="a class that is not declared",
            wanted=f"one of {', '.join(sorted(among))}",
            remedy="Write the code of the class, or declare it.",
        )
    return found


def write_label(code: str) -> bytes:
    """
    Examples
    --------
    >>> write_label("AFIB")
    b'label\\nAFIB\\n'
    """
    return f"{LABEL}\n{code}\n".encode()


def read_row(content: bytes) -> Mapping[str, str]:
    """The cells of the one row, by column.

    Raises
    ------
    WrongUse
        As `read_plain`; and when there is more than one row.
    """
    table = read_plain(content)
    if table.rows != 1:
        raise WrongUse(
            found=f"{table.rows} rows", wanted="one row: a file is of one case", remedy="Write a file a case."
        )
    return {name: cells[0] for name, cells in table.columns.items()}


def read_score(row: Mapping[str, str], column: str) -> float:
    """One number of a row.

    Raises
    ------
    WrongUse
        When there is no such column, or no finite number under it.
    """
    if column not in row:
        raise WrongUse(
            found=f"no column '{column}'",
            wanted="a score under each declared name",
            remedy="Name the columns as the protocol's options name the classes.",
        )
    found = numbers([row[column]])
    value = float(found.values[0])
    if found.flawed or not abs(value) < float("inf"):
        raise WrongUse(
            found=found.flawed.get(0, "no finite number"),
            wanted=f"a finite number under '{column}'",
            remedy="Write it with a decimal point; a case without a score is said in status.jsonl.",
        )
    return value
