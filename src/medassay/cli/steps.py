"""Commands that make a workspace and take the steps of its pipeline; each ends in Evidence."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from medassay.cli.arguments import (
    LANGUAGES,
    Act,
    AsJson,
    Data,
    Dataset,
    Device,
    Enforce,
    Language,
    Root,
    SourceName,
    Standing,
    ThirdParty,
    place_of,
)

if TYPE_CHECKING:
    from medassay.trust.evidence import Evidence


def init(
    folder: Annotated[Path, typer.Argument(help="Folder of the workspace.")] = Path(),
    demo_keys: Annotated[bool, typer.Option(help="Keys for phantoms and public sets only.")] = False,
    dataset: Annotated[str | None, typer.Option(help="Write the four specs of a new database.")] = None,
    like: Annotated[str | None, typer.Option(help="The database of this workspace that it follows.")] = None,
) -> None:
    """Make a workspace: its folders and its keys; or begin a database in it."""
    from medassay.core.workspace import Workspace
    from medassay.verbs import begin
    from medassay.verbs import init as verb

    if (dataset is None) != (like is None):
        raise typer.BadParameter("--dataset and --like go together")
    lines = verb.run(folder, demo_keys=demo_keys)
    if dataset and like:
        lines += [str(path) for path in begin.run(Workspace(folder.resolve()), dataset, like)]
    for line in lines or ["nothing to do: the workspace is whole"]:
        typer.echo(line)


def ingest(
    dataset: Dataset,
    source: SourceName,
    data: Data = None,
    seed: Annotated[int, typer.Option(help="Seed of a phantom.")] = 1,
    workers: Annotated[
        int | None, typer.Option(help="Local processes; default: one, or one a core for a large source.")
    ] = None,
    scheduler: Annotated[
        str | None, typer.Option(help="Address of a Dask scheduler, like tls://host:8786.")
    ] = None,
    workspace: Root = None,
    as_json: AsJson = False,
    enforce: Enforce = False,
) -> None:
    """Read a source, refuse with a reason, de-identify, store, catalogue."""
    from medassay.verbs import ingest as verb

    place = place_of(workspace, dataset, source)
    _end(verb.run(place, data=data, seed=seed, workers=workers, scheduler=scheduler), as_json, enforce)


def gate(
    dataset: Dataset,
    source: SourceName,
    workspace: Root = None,
    as_json: AsJson = False,
    enforce: Enforce = False,
) -> None:
    """Hold the ingested samples to the quality spec."""
    from medassay.verbs import gate as verb

    _end(verb.run(place_of(workspace, dataset, source)), as_json, enforce)


def annotate(
    dataset: Dataset,
    source: SourceName,
    workspace: Root = None,
    as_json: AsJson = False,
    enforce: Enforce = False,
) -> None:
    """Turn readers' files into the reference standard."""
    from medassay.verbs import annotate as verb

    _end(verb.run(place_of(workspace, dataset, source)), as_json, enforce)


def freeze(
    dataset: Dataset,
    source: SourceName,
    workspace: Root = None,
    as_json: AsJson = False,
    enforce: Enforce = False,
) -> None:
    """Divide by subject and seal one dataset version."""
    from medassay.verbs import freeze as verb

    _end(verb.run(place_of(workspace, dataset, source)), as_json, enforce)


def cut(
    dataset: Dataset,
    source: SourceName,
    name: Annotated[str, typer.Argument(help="A sub-database that the database's spec declares.")],
    workspace: Root = None,
    as_json: AsJson = False,
    enforce: Enforce = False,
) -> None:
    """Draw a sub-database for one intended use from the frozen version, and test whom it represents."""
    from medassay.verbs import cut as verb

    _end(verb.run(place_of(workspace, dataset, source), name), as_json, enforce)


def withdraw(
    dataset: Dataset,
    source: SourceName,
    subject: Annotated[str, typer.Argument(help="Pseudonym of the subject, as the catalogue has it.")],
    reason: Annotated[
        str,
        typer.Option(help="consent_withdrawn, erasure_requested, site_withdrew or collected_in_error."),
    ],
    workspace: Root = None,
    as_json: AsJson = False,
) -> None:
    """Erase one subject's bytes and book the reason; old versions still verify."""
    from medassay.verbs import withdraw as verb

    _end(verb.run(place_of(workspace, dataset, source), subject, reason), as_json, False)


def certify(
    dataset: Dataset,
    source: SourceName,
    attach: Annotated[
        Path | None, typer.Option(help="Bind a third party's document to the frozen version instead.")
    ] = None,
    act: Annotated[Act, typer.Option(help="What the attached document is.")] = Act.INSPECTION,
    issuer: Annotated[str, typer.Option(help="Who issued the attached document.")] = "",
    issuer_kind: Annotated[ThirdParty, typer.Option(help="As what.")] = ThirdParty.LABORATORY,
    number: Annotated[str, typer.Option(help="Its number, as its issuer gave it.")] = "",
    workspace: Root = None,
    as_json: AsJson = False,
    enforce: Enforce = False,
) -> None:
    """Write the inspection record of a frozen dataset, or bind a third party's document to it."""
    place = place_of(workspace, dataset, source)
    if attach is None:
        from medassay.verbs import certify as verb

        if issuer or number:
            raise typer.BadParameter("--issuer and --number are of a document: name it by --attach")
        _end(verb.run(place), as_json, enforce)
        return
    from medassay.core.specs import parameters_of
    from medassay.quality.certificate import Issuer
    from medassay.verbs import attach as binding

    fields = {"kind": issuer_kind.value, "name": issuer, "number": number}
    _end(
        binding.run(place, attach, parameters_of(Issuer, fields, where="issuer"), act.value), as_json, enforce
    )


def train(
    dataset: Dataset,
    source: SourceName,
    device: Device,
    workspace: Root = None,
    as_json: AsJson = False,
    enforce: Enforce = False,
) -> None:
    """Train a device on train and tune, and register its submission."""
    from medassay.verbs import train as verb

    _end(verb.run(place_of(workspace, dataset, source), device), as_json, enforce)


def validate(
    dataset: Dataset,
    source: SourceName,
    device: Device,
    rescore: Annotated[
        bool, typer.Option("--rescore", help="Score the last run's predictions again with today's scorer.")
    ] = False,
    workspace: Root = None,
    as_json: AsJson = False,
    enforce: Enforce = False,
) -> None:
    """Run a device on the sealed test split and score it apart."""
    from medassay.verbs import validate as verb

    act = verb.rescore if rescore else verb.run
    _end(act(place_of(workspace, dataset, source), device), as_json, enforce)


def report(
    dataset: Dataset,
    source: SourceName,
    device: Device,
    lang: Annotated[Language, typer.Option(help="Language of the views.")] = Language.BOTH,
    status: Annotated[Standing, typer.Option(help="Under which standing it goes out.")] = Standing.DRAFT,
    workspace: Root = None,
    as_json: AsJson = False,
    enforce: Enforce = False,
) -> None:
    """Write the validation report: JSON, HTML and PDF."""
    from medassay.verbs import report as verb

    made = verb.run(
        place_of(workspace, dataset, source), device, languages=LANGUAGES[lang], status=status.value
    )
    _end(made, as_json, enforce)


def _end(evidence: Evidence, as_json: bool, enforce: bool) -> None:
    from medassay.cli import show

    show.evidence(evidence, as_json)
    if enforce and evidence.outcome != "passed":
        raise typer.Exit(1)
