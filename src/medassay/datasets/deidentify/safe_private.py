"""Private elements that name nobody: taken over with their creator, as numbers, where the list knows them."""

from __future__ import annotations

import struct
from collections import Counter
from functools import cache
from typing import TYPE_CHECKING, Any

from medassay.datasets.deidentify import allowed
from medassay.datasets.deidentify.element_values import is_several, value_of

if TYPE_CHECKING:
    from pydicom.dataset import Dataset


def take_safe_private(dataset: Dataset, fresh: Dataset, number: int) -> bool:
    """Take over a listed private element with its creator; its numbers only."""
    group, element = number >> 16, number & 0xFFFF
    if element < 0x1000:
        return False
    creator = str(value_of(dataset, group << 16 | element >> 8) or "").strip()
    known = allowed.safe_private().get((creator, group, element & 0xFF))
    if known is None:
        return False
    values = _private_numbers(dataset, number, known.vr)
    if not known.permits([value if isinstance(value, int) else str(value) for value in values]):
        return False
    fresh.add_new(group << 16 | element >> 8, "LO", creator)
    fresh.add_new(number, known.vr, values if len(values) > 1 else values[0])
    return True


def _private_numbers(dataset: Dataset, number: int, vr: str) -> list[Any]:
    """The values of a private element, of which a file may tell no representation."""
    value = value_of(dataset, number)
    if isinstance(value, bytes):
        if vr in ("DS", "IS"):
            return [part.strip() for part in value.decode("latin-1").rstrip("\x00 ").split("\\")]
        code, size = ("<d", 8) if vr == "FD" else ("<f", 4)
        return [part[0] for part in struct.iter_unpack(code, value)] if len(value) % size == 0 else []
    if value in (None, ""):
        return []
    return list(value) if is_several(value) else [value]


def count_creators(actions: Counter[tuple[str, str]]) -> None:
    """A creator whose safe elements were kept was kept with them, as often as the most frequent of these."""
    kept: dict[str, int] = {}
    for (element, action), count in actions.items():
        if action == "kept" and element[1:5].isalnum() and int(element[1:5], 16) & 1:
            creator = element_name(int(element[1:5], 16) << 16 | int(element[6:8], 16))
            kept[creator] = max(kept.get(creator, 0), count)
    for creator, count in kept.items():
        moved = min(count, actions[creator, "removed"])
        actions[creator, "removed"] -= moved
        actions[creator, "kept"] += moved


@cache
def element_name(tag: int) -> str:
    """Tag and keyword; of a private element the tag alone, since its creator may be anyone's text."""
    from pydicom.datadict import keyword_for_tag

    return f"({tag >> 16:04X},{tag & 0xFFFF:04X}) {keyword_for_tag(tag) or 'private or unknown'}"
