"""One family of errors: found, wanted, where, remedy, and the exit code a shell sees."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar


class MedassayError(Exception):
    """This call cannot go on. What is wrong with *data* is a `Finding`, never an exception.

    Parameters
    ----------
    found, wanted : str
        What was met and what was needed instead. Never an identifying value.
    remedy : str
        What the reader can do about it.
    where : str
        File, line, field or sample; whoever knows it adds it on the way up with `located`.
    """

    exit_code: ClassVar[int] = 5
    code: ClassVar[str] = "internal_fault"

    def __init__(self, *, found: str, wanted: str, remedy: str, where: str = "") -> None:
        self.found = found
        self.wanted = wanted
        self.remedy = remedy
        self.where = where
        super().__init__(found, wanted, remedy, where)

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        return f"{place}found {self.found}; wanted {self.wanted}. {self.remedy}"


class WrongUse(MedassayError):
    """A command or spec asks for something that does not exist or does not fit together."""

    exit_code = 2
    code = "wrong_use"


class NothingReadable(MedassayError):
    """A source holds nothing that can be read."""

    exit_code = 3
    code = "nothing_readable"


class EnvironmentLacking(MedassayError):
    """A program, key, font, service or disk that the call needs is not there."""

    exit_code = 4
    code = "environment_lacking"


class EvidenceBroken(MedassayError):
    """A stored record no longer matches its digest, its signature or its chain."""

    exit_code = 1
    code = "evidence_broken"


@contextmanager
def located(where: str) -> Iterator[None]:
    """Say where a domain error happened: the outer place stands before the inner one."""
    try:
        yield
    except MedassayError as error:
        error.where = f"{where}: {error.where}" if error.where else where
        raise
