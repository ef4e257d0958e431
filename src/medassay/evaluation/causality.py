"""What a task adds to its scorer when a device may use nothing that comes later.

A device that is given whole recordings could look ahead. So it is also given truncated copies, in a room of
their own where the whole recordings are not to be seen, and must answer as before up to the cut. A scorer
whose task asks for this has two more doors: `audit_copies` and `looked_ahead`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeGuard

from medassay.evaluation.scorer import Scorer


@dataclass(frozen=True)
class TruncatedCopy:
    """One sample's files under their own names, ending at the cut."""

    cut: float  # in the time of the sample's files
    files: Mapping[str, bytes] = field(repr=False)


class CausalScorer(Scorer, Protocol):
    """A scorer with two further doors."""

    def audit_copies(self, samples: Mapping[str, bytes], options: Any) -> Sequence[TruncatedCopy]:
        """Copies of one sample, cut at places that a device cannot foresee; the same ones every time."""
        ...

    def looked_ahead(self, whole: bytes, copy: bytes, cut: float, options: Any) -> int:
        """How many answers up to the cut differ between the prediction of the whole and of the copy.

        Raises
        ------
        WrongUse
            When a prediction cannot be read.
        """
        ...


def is_causal(scorer: object) -> TypeGuard[CausalScorer]:
    """Whether the scorer's task asks for answers that use nothing later."""
    return hasattr(scorer, "audit_copies") and hasattr(scorer, "looked_ahead")
