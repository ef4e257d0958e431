"""`medassay`: one command a verb; the root error becomes an exit code here and nowhere else."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from medassay.cli.failure import fault, say
from medassay.core.errors import MedassayError

if TYPE_CHECKING:
    from medassay.core.terms import Lang
    from medassay.trust.evidence import Evidence
    from medassay.verbs.stage import Place

app = typer.Typer(
    help="Disease-specific medical databases, and validation reports for algorithms tested on them.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Dataset = Annotated[str, typer.Argument(help="Name of the database: the stem of its spec files.")]
SourceName = Annotated[str, typer.Argument(help="One source that the database's spec lists.")]
Device = Annotated[str, typer.Argument(help="Name of the device's folder in registry/.")]
Root = Annotated[
    Path | None, typer.Option("--workspace", help="Workspace folder; default: the one around here.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the record for machines.")]
Enforce = Annotated[bool, typer.Option("--enforce", help="Exit with 1 when the outcome is not 'passed'.")]
Data = Annotated[Path | None, typer.Option("--data", help="Folder that holds public sets and exports.")]


class Language(StrEnum):
    """Which views to write."""

    ZH = "zh"
    EN = "en"
    BOTH = "both"


class Standing(StrEnum):
    """How a report goes out; a superseded one is written by the report that takes its place."""

    DRAFT = "draft"
    FINAL = "final"
    WITHDRAWN = "withdrawn"


class ThirdParty(StrEnum):
    """Who issues a document that is bound to a dataset."""

    LABORATORY = "laboratory"
    CERTIFICATION_BODY = "certification_body"


class Act(StrEnum):
    """What such a document is: measured by a laboratory, or certified by a body."""

    INSPECTION = "inspection"
    CERTIFICATION = "certification"


LANGUAGES: dict[Language, tuple[Lang, ...]] = {
    Language.ZH: ("zh",),
    Language.EN: ("en",),
    Language.BOTH: ("zh", "en"),
}


def main() -> None:
    """Run the command line; 0 done, 1 the thing examined failed, 2 wrong use, 3 nothing readable, 4 environment,
    5 a fault of ours."""
    try:
        app()
    except MedassayError as error:
        say(error)
        sys.exit(error.exit_code)
    except Exception as error:  # noqa: BLE001 - whatever is left is a fault of ours, and a shell must see it as one
        say(fault(error))
        sys.exit(MedassayError.exit_code)


@app.command()
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


@app.command()
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

    place = _place(workspace, dataset, source)
    _end(verb.run(place, data=data, seed=seed, workers=workers, scheduler=scheduler), as_json, enforce)


@app.command()
def receive(
    inbox: Annotated[Path, typer.Argument(help="Folder for what arrives; a source's folder for ingest.")],
    host: Annotated[
        str, typer.Option(help="Address to listen at; the default is heard on this machine only.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0: any that is free.")] = 11112,
    ae_title: Annotated[str, typer.Option(help="Our AE title.")] = "MEDASSAY",
    caller: Annotated[
        list[str] | None, typer.Option(help="AE title that may connect; repeat; none: any.")
    ] = None,
    until_idle: Annotated[
        float | None, typer.Option(help="End after so many seconds without a connection.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Receive DICOM objects over the network (C-STORE, C-ECHO) until stopped. Needs no workspace."""
    from medassay.cli import show
    from medassay.verbs import receive as verb

    counts = verb.run(
        inbox,
        host=host,
        port=port,
        ae_title=ae_title,
        callers=caller or (),
        until_idle_s=until_idle,
        listening=lambda it: typer.echo(
            f"receiving as {ae_title} at {it.host}:{it.port} into {inbox}", err=True
        ),
    )
    show.record(counts, as_json)


@app.command()
def gate(
    dataset: Dataset,
    source: SourceName,
    workspace: Root = None,
    as_json: AsJson = False,
    enforce: Enforce = False,
) -> None:
    """Hold the ingested samples to the quality spec."""
    from medassay.verbs import gate as verb

    _end(verb.run(_place(workspace, dataset, source)), as_json, enforce)


@app.command()
def annotate(
    dataset: Dataset,
    source: SourceName,
    workspace: Root = None,
    as_json: AsJson = False,
    enforce: Enforce = False,
) -> None:
    """Turn readers' files into the reference standard."""
    from medassay.verbs import annotate as verb

    _end(verb.run(_place(workspace, dataset, source)), as_json, enforce)


@app.command()
def freeze(
    dataset: Dataset,
    source: SourceName,
    workspace: Root = None,
    as_json: AsJson = False,
    enforce: Enforce = False,
) -> None:
    """Divide by subject and seal one dataset version."""
    from medassay.verbs import freeze as verb

    _end(verb.run(_place(workspace, dataset, source)), as_json, enforce)


@app.command()
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

    _end(verb.run(_place(workspace, dataset, source), name), as_json, enforce)


@app.command()
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

    _end(verb.run(_place(workspace, dataset, source), subject, reason), as_json, False)


@app.command()
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
    answer = verb.run(_place(workspace, dataset, source), sql, name=ask, most_rows=rows)
    show.table(answer.rows, as_json)
    if answer.more:
        typer.echo(f"more than {rows} rows: the rest is not shown (--rows)", err=True)


@app.command()
def diff(
    before: Annotated[str, typer.Argument(help="First digits of a version's digest.")],
    after: Annotated[str, typer.Argument(help="First digits of another version's digest.")],
    workspace: Root = None,
    as_json: AsJson = False,
) -> None:
    """What a version added, withdrew, moved and relabelled against another, and why."""
    from medassay.cli import show
    from medassay.verbs import diff as verb

    show.dynamics(verb.run(_workspace(workspace), before, after), as_json)


@app.command()
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
    place = _place(workspace, dataset, source)
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


@app.command()
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

    _end(verb.run(_place(workspace, dataset, source), device), as_json, enforce)


@app.command()
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
    _end(act(_place(workspace, dataset, source), device), as_json, enforce)


@app.command()
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


@app.command()
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
        _place(workspace, dataset, source), device, languages=LANGUAGES[lang], status=status.value
    )
    _end(made, as_json, enforce)


@app.command()
def verify(
    path: Annotated[Path, typer.Argument(help="The report's JSON record.")],
    expect_digest: Annotated[str | None, typer.Option(help="SHA-256 on the paper's first page.")] = None,
    expect_head: Annotated[
        str | None, typer.Option(help="Ledger entry digest that was kept outside.")
    ] = None,
    workspace: Root = None,
    as_json: AsJson = False,
) -> None:
    """Recompute a report's digests and figures; name the first that differs."""
    from medassay.cli import show
    from medassay.verbs import verify as verb

    found = verb.run(path, workspace=workspace, expect_digest=expect_digest, expect_head=expect_head)
    show.verified(found, as_json)
    if not found.passed:
        raise typer.Exit(1)


@app.command()
def status(
    workspace: Root = None,
    data: Data = None,
    need_data: Annotated[bool, typer.Option(help="Exit with 4 when a public set is missing.")] = False,
    as_json: AsJson = False,
) -> None:
    """What stands in this workspace, what it came to, and the next command."""
    from medassay.cli import show
    from medassay.verbs import status as verb

    found = verb.run(_workspace(workspace), data=data)
    show.status(found, as_json, sets_only=need_data)
    if need_data and not all(public.present for public in found.public_sets):
        raise typer.Exit(4)


@app.command()
def check(
    path: Annotated[Path, typer.Argument(help="A file or folder.")],
    as_json: AsJson = False,
) -> None:
    """What is in these files, and what is wrong with them. Needs no workspace."""
    from medassay.cli import show
    from medassay.verbs import check as verb

    result = verb.run(path)
    show.inspection(result, as_json)
    if result.failed:
        raise typer.Exit(1)


@app.command()
def deidentify(
    source: Annotated[Path, typer.Argument(help="Folder with files that identify.")],
    dest: Annotated[Path, typer.Argument(help="New folder for the de-identified files and their proof.")],
    profile: Annotated[
        str,
        typer.Option(
            help="research (no free text leaves), scrubbed-text, strict or basic, or a YAML file of options."
        ),
    ] = "research",
    keys: Annotated[
        Path | None, typer.Option(help="Key ring, for pseudonyms that agree with earlier runs.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """De-identify a folder, with the proof written beside the output. Needs no workspace."""
    from medassay.cli import show
    from medassay.verbs import deidentify as verb

    proof = verb.run(source, dest, profile=profile, keys=keys)
    short = {"profile": proof["profile"]["name"], "free text": proof["profile"]["free_text"]}
    show.record(proof if as_json else short | proof["counts"] | {"proof": str(dest / verb.PROOF)}, as_json)
    if proof["counts"]["files_refused"]:
        raise typer.Exit(1)


@app.command()
def score(
    task: Annotated[
        str,
        typer.Argument(
            help="alarms, beats, classification, counting, detection, events, masks, measurement, reader_study."
        ),
    ],
    reference: Annotated[Path, typer.Argument(help="File or folder of reference labels.")],
    predictions: Annotated[Path, typer.Argument(help="File or folder of predictions, paired by name.")],
    samples: Annotated[
        Path | None, typer.Option(help="Folder of the signals or images, where scoring needs them.")
    ] = None,
    options: Annotated[Path | None, typer.Option(help="YAML with the task's conventions.")] = None,
    subjects: Annotated[
        Path | None, typer.Option(help="CSV `case,subject`, where several files are of one person.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Score predictions against a reference, with intervals. Needs no workspace."""
    from medassay.cli import show
    from medassay.verbs import score as verb

    scored = verb.run(task, reference, predictions, samples=samples, options=options, subjects=subjects)
    show.score(scored, as_json)


@app.command()
def standards(
    methods: Annotated[bool, typer.Option("--methods", help="The catalogue of test methods.")] = False,
    lang: Annotated[Language, typer.Option(help="Language of names and titles.")] = Language.BOTH,
    as_json: AsJson = False,
) -> None:
    """The standards that are followed, or the catalogue of test methods. Needs no workspace."""
    from medassay.cli import show
    from medassay.verbs import standards as verb

    chosen = None if lang is Language.BOTH else LANGUAGES[lang][0]
    rows = verb.methods(chosen) if methods else verb.standards(chosen)
    show.table(rows, as_json, title=f"{len(rows)} {'test methods' if methods else 'standards'}")


def _workspace(root: Path | None) -> Any:
    from medassay.core.workspace import Workspace

    return Workspace.find(root)


def _place(root: Path | None, dataset: str, source: str) -> Place:
    from medassay.verbs.stage import Place

    return Place(_workspace(root), dataset, source)


def _end(evidence: Evidence, as_json: bool, enforce: bool) -> None:
    from medassay.cli import show

    show.evidence(evidence, as_json)
    if enforce and evidence.outcome != "passed":
        raise typer.Exit(1)
