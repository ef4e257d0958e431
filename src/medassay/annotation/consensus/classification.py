"""Two readers' classes of one case: how often they agree, by chance too, and the class that both gave."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from pydantic import Field

from medassay.core.errors import WrongUse
from medassay.core.findings import Finding, Reason, Severity, finding_of
from medassay.core.specs import Spec, parameters_of
from medassay.formats.predictions.one_case import ClassCode, read_label, write_label
from medassay.statistics.chance_corrected import kappa

BETWEEN = " | "


class Options(Spec):
    """Which classes a reader may give; grades in their order."""

    classes: tuple[ClassCode, ...] = Field(min_length=2)
    ordered: bool = False


def agreement(
    first: bytes,
    second: bytes,
    samples: Mapping[str, bytes],  # noqa: ARG001 - the door is the same for every task
    options: Mapping[str, Any],
) -> dict[str, float]:
    """One case in the table of the first reader's class and the second's; `grades` only where they have an order.

    Raises
    ------
    WrongUse
        When a read holds no class, or one that is not declared.
    """
    given = _options(options)
    pair = tuple(read_label(read, given.classes) for read in (first, second))
    cells = {BETWEEN.join((one, other)): 0.0 for one in given.classes for other in given.classes}
    cells[BETWEEN.join(pair)] = 1.0
    if given.ordered:
        cells["grades_apart"] = float(abs(given.classes.index(pair[0]) - given.classes.index(pair[1])))
    return cells


def figures(statistics: Mapping[str, float]) -> dict[str, float | None]:
    """Share of cases with one class, kappa (None where chance alone agrees), and mean distance of grades."""
    cells = {tuple(name.split(BETWEEN)): count for name, count in statistics.items() if BETWEEN in name}
    classes = list(dict.fromkeys(one for one, _ in cells))
    table = np.array([[cells[one, other] for other in classes] for one in classes])
    cases = float(table.sum())
    share = float(np.trace(table)) / cases if cases else None
    found = {"agreement": share, "kappa": kappa(table)}
    if "grades_apart" in statistics:
        # The higher the nearer, as every limit of agreement is a least one.
        found["nearness"] = 1 - statistics["grades_apart"] / cases / (len(classes) - 1) if cases else None
    return found


def merge(
    first: bytes,
    second: bytes,
    samples: Mapping[str, bytes],  # noqa: ARG001 - the door is the same for every task
    options: Mapping[str, Any],
) -> bytes:
    """The class that both readers gave.

    Raises
    ------
    WrongUse
        When they gave two: a limit that lets two classes pass for one is set too low.
    """
    given = _options(options)
    one, other = (read_label(read, given.classes) for read in (first, second))
    if one != other:
        raise WrongUse(
            found="two classes of one case",
            wanted="one, or an arbitrator's",
            remedy="Set the limit of `agreement` to 1, so that a case with two classes is arbitrated.",
            where="agreement_limits",
        )
    return write_label(one)


def check(
    reference: bytes,
    samples: Mapping[str, bytes],  # noqa: ARG001 - the door is the same for every task
    options: Mapping[str, Any],
) -> list[Finding]:
    """A class that is not declared keeps its case out."""
    try:
        read_label(reference, _options(options).classes)
    except WrongUse as error:
        return [finding_of(error, Reason.REFERENCE_INVALID, Severity.EXCLUDE)]
    return []


def _options(fields: Mapping[str, Any]) -> Options:
    return parameters_of(Options, dict(fields), where="annotation: options")
