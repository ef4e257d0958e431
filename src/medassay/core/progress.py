"""Progress on standard error, so that standard output stays a result."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Tick = Callable[[int, int], None]
"""Called with how many are done, of how many."""

LINE_EVERY = 5.0  # seconds, where there is no terminal


@contextmanager
def shown(what: str) -> Iterator[Tick]:
    """A bar on a terminal; elsewhere a line at the start, one every few seconds, and one at the end."""
    from rich.console import Console

    console = Console(stderr=True)
    if not console.is_terminal:
        yield from _lines(what, lambda line: console.print(line, highlight=False, soft_wrap=True))
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=False) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _lines(what: str, say: Callable[[str], None]) -> Iterator[Tick]:
    start = said = time.monotonic()

    def tick(done: int, total: int) -> None:
        nonlocal said
        if time.monotonic() - said >= LINE_EVERY:
            said = time.monotonic()
            say(f"{what}: {done} of {total}")

    say(f"{what} ...")
    yield tick
    say(f"{what}: done in {time.monotonic() - start:.0f} s")
