"""`medassay`: one command a verb; the root error becomes an exit code here and nowhere else."""

from __future__ import annotations

import sys

import typer

from medassay.cli import files, questions, steps
from medassay.cli.failure import fault, say
from medassay.core.errors import MedassayError

app = typer.Typer(
    help="Disease-specific medical databases, and validation reports for algorithms tested on them.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
COMMANDS = (  # in the order in which `--help` lists them
    steps.init,
    steps.ingest,
    files.receive,
    steps.gate,
    steps.annotate,
    steps.freeze,
    steps.cut,
    steps.withdraw,
    questions.query,
    questions.diff,
    steps.certify,
    steps.train,
    steps.validate,
    questions.compare,
    steps.report,
    questions.verify,
    questions.status,
    files.check,
    files.deidentify,
    files.score,
    files.standards,
)
for command in COMMANDS:
    app.command()(command)


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
