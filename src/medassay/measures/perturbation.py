"""`Perturbation`: one named way to make a recording worse, with what its strength means."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medassay.core.errors import WrongUse

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Perturbation:
    """`function(values, strength, generator, ...)`; a strength of 0 changes nothing, a larger one changes more."""

    function: Callable[..., FloatArray]
    strength: str  # what its number counts, in one phrase


def require_strength(strength: float, *, most: float = float("inf")) -> None:
    """A strength is a finite number from 0 up to what the perturbation allows.

    Raises
    ------
    WrongUse
        When it is not.
    """
    if not (np.isfinite(strength) and 0 <= strength <= most):
        raise WrongUse(
            found=f"a strength of {strength:g}",
            wanted="a finite number of at least 0" + (f", at most {most:g}" if np.isfinite(most) else ""),
            remedy="Correct the strength in the protocol's stress conditions.",
        )


def whole(strength: float, most: int) -> int:
    """A strength that counts things: leads, channels."""
    require_strength(strength, most=most)
    if strength != int(strength):
        raise WrongUse(
            found=f"a strength of {strength:g}",
            wanted="a whole number",
            remedy="Count whole leads or channels.",
        )
    return int(strength)
