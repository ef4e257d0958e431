"""One door for what a room can be extended by: a module of the room, found by its name."""

from __future__ import annotations

import importlib
import pkgutil
from types import ModuleType

from medassay.core.errors import WrongUse


def names_of(room: str) -> list[str]:
    """The names of a room's extensions, sorted."""
    package = importlib.import_module(room)
    return sorted(module.name for module in pkgutil.iter_modules(package.__path__))


def module_of(room: str, name: str, *, what: str) -> ModuleType:
    """Import `room.name`; an unknown name is answered with those that exist.

    Parameters
    ----------
    room : str
        Dotted name of a package whose modules are its extensions, one a kind, form or task.
    what : str
        What the name stands for, in the reader's words ("kind of data").
    """
    names = names_of(room)
    if name not in names:
        raise WrongUse(
            found=f"{what} '{name}'",
            wanted=f"one of {', '.join(names)}",
            remedy="Correct the name in the spec.",
        )
    return importlib.import_module(f"{room}.{name}")
