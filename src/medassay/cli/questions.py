"""Commands that ask: of a workspace, of its versions, and of reports that were written."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from medassay.cli.arguments import AsJson, Data, Dataset, Root, SourceName, place_of, workspace_of


def query(
    dataset: Dataset,
    source: SourceName,
    sql: Annotated[str | None, typer.Argument(help="One SELECT over the views; see SHOW TABLES.")] = None,
    ask: Annotated[str | None, typer.Option(help="A ready question; with neither, they are listed.")] = None,
    rows: Annotated[int, typer.Option(min=1, help="The most rows that are shown.")] = 1000,
    workspace: Root = None,
    as_json: AsJson = False,
) -> None:
    """Ask the tables of one source in SQL, read-only."""
    from medassay.cli import show
    from medassay.datasets.query import QUESTIONS
    from medassay.verbs import query as verb

    if sql is not None and ask is not None:
        raise typer.BadParameter("either SQL or --ask, not both")
    if sql is None and ask is None:
        listed = [{"ask": name, "zh": one.title.zh, "en": one.title.en} for name, one in QUESTIONS.items()]
        show.table(listed, as_json)
        return
    answer = verb.run(place_of(workspace, dataset, source), sql, name=ask, most_rows=rows)
    show.table(answer.rows, as_json)
    if answer.more:
        typer.echo(f"more than {rows} rows: the rest is not shown (--rows)", err=True)


def diff(
    before: Annotated[str, typer.Argument(help="First digits of a version's digest.")],
    after: Annotated[str, typer.Argument(help="First digits of another version's digest.")],
    workspace: Root = None,
    as_json: AsJson = False,
) -> None:
    """What a version added, withdrew, moved and relabelled against another, and why."""
    from medassay.cli import show
    from medassay.verbs import diff as verb

    show.dynamics(verb.run(workspace_of(workspace), before, after), as_json)


def compare(
    new: Annotated[Path, typer.Argument(help="The JSON record of a report.")],
    earlier: Annotated[Path, typer.Argument(help="That of another device or version, same test version.")],
    workspace: Root = None,
    as_json: AsJson = False,
) -> None:
    """Compare two reports on the same cases: paired differences with intervals. Needs no workspace; in that of the
    first report the comparison is kept, and the next `report` shows it."""
    from medassay.cli import show
    from medassay.verbs import compare as verb

    rows = [one.model_dump(mode="json") for one in verb.run(new, earlier, workspace=workspace)]
    if not as_json:
        rows = [
            {
                "endpoint": row["endpoint"],
                "new": row["new"]["value"],
                "earlier": row["earlier"]["value"],
                "difference": row["difference"]["value"],
                "lower": row["difference"]["lower"],
                "upper": row["difference"]["upper"],
                "mcnemar p": row["mcnemar_p"],
                "claim": row["claim"]["outcome"] if row["claim"] else "exploratory",
            }
            for row in rows
        ]
    show.table(rows, as_json)


def verify(
    what: Annotated[
        str,
        typer.Argument(
            help="The JSON record of a report or inspection, or its paper; or the first digits of a dataset version."
        ),
    ],
    expect_digest: Annotated[str | None, typer.Option(help="SHA-256 on the paper's first page.")] = None,
    expect_head: Annotated[
        str | None, typer.Option(help="Ledger entry digest that was kept outside.")
    ] = None,
    workspace: Root = None,
    as_json: AsJson = False,
) -> None:
    """Recompute a report's digests and figures, and name the first that differs; or every object of a version."""
    from medassay.cli import show
    from medassay.verbs import frozen
    from medassay.verbs import verify as verb

    if frozen.names_a_version(what):
        if expect_digest is not None or expect_head is not None:
            raise typer.BadParameter("--expect-digest and --expect-head are for reports")
        version = frozen.version(workspace_of(workspace), what)
        held = version.checked()
        show.held(version.evidence.target, version.digest, held, as_json)
        if not held.holds:
            raise typer.Exit(1)
        return
    found = verb.run(Path(what), workspace=workspace, expect_digest=expect_digest, expect_head=expect_head)
    show.verified(found, as_json)
    if not found.passed:
        raise typer.Exit(1)


def status(
    workspace: Root = None,
    data: Data = None,
    need_data: Annotated[bool, typer.Option(help="Exit with 4 when a public set is missing.")] = False,
    as_json: AsJson = False,
) -> None:
    """What stands in this workspace, what it came to, and the next command."""
    from medassay.cli import show
    from medassay.verbs import status as verb

    found = verb.run(workspace_of(workspace), data=data)
    show.status(found, as_json, sets_only=need_data)
    if need_data and not all(public.present for public in found.public_sets):
        raise typer.Exit(4)
