"""Commands on plain files, which need no workspace."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from medassay.cli.arguments import LANGUAGES, AsJson, Language


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
