"""Progress on standard error, so that standard output stays a result."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

Tick = Callable[[int, int], None]
"""Called with how many are done, of how many."""


@contextmanager
def shown(what: str) -> Iterator[Tick]:
    """A bar on a terminal; one line at the start and one at the end elsewhere."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=False, disable=not console.is_terminal) as bar:
        task = bar.add_task(what, total=None)
        if not console.is_terminal:
            console.print(f"{what} ...", highlight=False)

        def tick(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        yield tick
