"""One thing held against its recomputation: the outcome, what was found, what was wanted, and where they differ."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medassay.core.errors import MedassayError
from medassay.trust.evidence import Evidence, Outcome

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

SAME_FIGURE = 1e-9  # relative: another machine adds in another order; the seal finds smaller changes


@dataclass(frozen=True)
class Check:
    """One thing that was held against its recomputation."""

    name: str
    outcome: Outcome
    found: str = ""
    wanted: str = ""
    where: str = ""


@dataclass(frozen=True)
class Store:
    """What verify may read of a store: by digest, and nothing else of it."""

    get: Callable[[str], bytes]
    evidence: Callable[[str], Evidence]
    ledger: Path
    key: Ed25519PublicKey
    demo_key: bool  # whether anyone may hold the key
    expect_head: str | None = None  # kept outside the store


def same(name: str, found: Any, wanted: Any) -> Check:
    """Two plain values, and the first place where they differ.

    Examples
    --------
    >>> same("flow", {"samples": [3, 4]}, {"samples": [3, 5]}).where
    'samples[1]'
    """
    difference = _first_difference(found, wanted, "")
    if difference is None:
        return Check(name, Outcome.PASSED)
    place, one, other = difference
    return Check(name, Outcome.FAILED, _short(one), _short(other), place.lstrip("."))


def equal(name: str, found: str, wanted: str) -> Check:
    return check(name, found == wanted, found, wanted)


def check(name: str, holds: bool, found: str, wanted: str, where: str = "") -> Check:
    return Check(name, Outcome.PASSED) if holds else Check(name, Outcome.FAILED, found, wanted, where)


def told(error: MedassayError | OSError) -> str:
    """What a store answered; never its path, which may name people."""
    return error.found if isinstance(error, MedassayError) else "nothing that can be read"


def _first_difference(found: Any, wanted: Any, place: str) -> tuple[str, Any, Any] | None:
    """Where two plain values first differ, and how."""
    if isinstance(found, dict) and isinstance(wanted, dict):
        for key in sorted({*found, *wanted}):
            if key not in found or key not in wanted:
                return f"{place}.{key}", found.get(key, "nothing"), wanted.get(key, "nothing")
            deeper = _first_difference(found[key], wanted[key], f"{place}.{key}")
            if deeper:
                return deeper
        return None
    if isinstance(found, list) and isinstance(wanted, list):
        for index, (one, other) in enumerate(zip(found, wanted, strict=False)):
            deeper = _first_difference(one, other, f"{place}[{index}]")
            if deeper:
                return deeper
        return None if len(found) == len(wanted) else (place, f"{len(found)} rows", f"{len(wanted)} rows")
    return None if _as_good_as(found, wanted) else (place, found, wanted)


def _as_good_as(found: Any, wanted: Any) -> bool:
    if isinstance(found, float) and isinstance(wanted, float):
        return math.isclose(found, wanted, rel_tol=SAME_FIGURE, abs_tol=1e-15)
    return bool(found == wanted) and isinstance(found, bool) == isinstance(wanted, bool)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:79]}…"
