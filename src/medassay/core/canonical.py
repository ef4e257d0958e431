"""Canonical JSON and digests: one value, one sequence of bytes, one SHA-256."""

from __future__ import annotations

import hashlib
import json
import math
from typing import Any

from medassay.core.errors import WrongUse


def canonical_json(value: Any) -> bytes:
    """UTF-8, keys sorted, no white space, shortest round-trip numbers; NaN and infinities are refused.

    Raises
    ------
    WrongUse
        For a number that JSON cannot hold, or a key that is no text: two records must never differ
        only by how such a value was written.
    """
    _require_plain(value, "$")
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode("utf-8")


def digest_bytes(content: bytes) -> str:
    """SHA-256 as 64 lower-case hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def digest_of(value: Any) -> str:
    """SHA-256 of the canonical JSON of a plain value."""
    return digest_bytes(canonical_json(value))


def _require_plain(value: Any, where: str) -> None:
    if isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                raise _not_plain(f"a key of type {type(key).__name__}", where)
            _require_plain(item, f"{where}.{key}")
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            _require_plain(item, f"{where}[{index}]")
    elif isinstance(value, float):
        if not math.isfinite(value):
            raise _not_plain(repr(value), where)
    elif not (value is None or isinstance(value, bool | int | str)):
        raise _not_plain(f"a value of type {type(value).__name__}", where)


def _not_plain(found: str, where: str) -> WrongUse:
    return WrongUse(
        found=found,
        wanted="text, a finite number, true, false, null, or lists and objects of these",
        remedy="Say an undefined figure by its reason, not by NaN.",
        where=where,
    )
