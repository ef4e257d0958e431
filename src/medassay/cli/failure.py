"""What a person reads when a command fails: found, wanted, where, and what to do."""

from __future__ import annotations

import traceback
from pathlib import Path

import typer

from medassay.core.errors import MedassayError


def fault(error: Exception) -> MedassayError:
    """Where it happened, but not its message: a library may quote the data there."""
    frames = traceback.extract_tb(error.__traceback__)
    return MedassayError(
        found=type(error).__name__,
        wanted="a reason that we had foreseen",
        remedy="Report this place and what you ran; the input itself need not leave your house.",
        where=" > ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in frames[-6:]),
    )


def say(error: MedassayError) -> None:
    """Print an error on standard error."""
    lines = [f"medassay: {error.code}"]
    lines += [f"  where   {error.where}"] if error.where else []
    lines += [f"  found   {error.found}", f"  wanted  {error.wanted}", f"  do      {error.remedy}"]
    typer.echo("\n".join(lines), err=True)
