"""What a task adds to its scorer when a device may use nothing that comes later.

A device that is given whole recordings could look ahead. So it is also given truncated copies, in a room of
their own where the whole recordings are not to be seen, and must answer as before up to the cut. A scorer
whose task asks for this has two more doors: `audit_copies` and `audit`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, TypeGuard

from medassay.core.findings import Finding
from medassay.evaluation.scorer import Scorer


class TruncatedCopy(Protocol):
    """A sample that ends early, under an id of its own that looks like any other's."""

    @property
    def copy_id(self) -> str: ...

    @property
    def files(self) -> Mapping[str, bytes]:
        """By the sample's object names, with the copy's id in place of the sample's."""
        ...


class CausalScorer(Scorer, Protocol):
    """A scorer with two further doors."""

    def audit_copies(
        self, sample_id: str, samples: Mapping[str, bytes], options: Any
    ) -> Sequence[TruncatedCopy]:
        """Copies of one sample, cut at places that a device cannot foresee; the same ones every time."""
        ...

    def audit(self, prediction: bytes, copied: bytes | None, copy: Any) -> Sequence[Finding]:
        """A finding for each way in which the answers up to the cut differ; none: the same.

        No prediction for the copy is a finding too: what was not compared is not proven.
        """
        ...


def is_causal(scorer: object) -> TypeGuard[CausalScorer]:
    """Whether the scorer's task asks for answers that use nothing later."""
    return hasattr(scorer, "audit_copies") and hasattr(scorer, "audit")
