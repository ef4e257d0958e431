"""What of one element's value may stand: the same, mapped, moved, its known words, or nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from medassay.datasets.deidentify import allowed, vocabulary
from medassay.datasets.deidentify.allowed import Rule
from medassay.datasets.deidentify.profile import Profile
from medassay.datasets.identity import pseudonym
from medassay.datasets.sample import Names

if TYPE_CHECKING:
    from pydicom.dataset import Dataset


UNCOUNTED = ("empty", "fixed", "longitudinal", "subject")  # whose value is none of the file's


@dataclass(frozen=True)
class Work:
    """What holds for one object while it is walked."""

    names: Names
    index: int | None
    words: tuple[str, ...]
    profile: Profile
    table: dict[int, Rule]
    actions: Counter[tuple[str, str]]
    swapped: bool = False  # whether samples are in big endian


def mapped_uid(key: bytes, uid: str) -> str:
    """The UID that stands for this one wherever it occurs under the same key (128 bits below 2.25)."""
    halves = [pseudonym(key, kind, uid).rpartition("-")[2] for kind in ("uid", "uid-low")]
    return f"{allowed.UID_ROOT}{int(''.join(halves), 16)}"


def shifted(day: str, days: int) -> str:
    """A date moved back; empty where it is none."""
    try:
        moved = date(int(day[:4]), int(day[4:6]), int(day[6:8])) - timedelta(days=days)
    except (ValueError, OverflowError):
        return ""
    return moved.strftime("%Y%m%d").rjust(8, "0")


def after(rule: Rule, action: str, value: Any, work: Work) -> Any:
    """The value that may stand, or None."""
    names = work.names
    parts = list(value) if is_several(value) else [value]
    if action not in UNCOUNTED and not rule.counts(len(parts)):
        return None
    match action:
        case "keep":
            return value if parts != [""] and all(rule.permits(_as_written(part)) for part in parts) else None
        case "filter" | "term" | "descriptor" | "product" | "structure":
            return _worded(action, parts, work.words)
        case "uid":
            mapped = [mapped_uid(names.key, str(part)) for part in parts if str(part)]
            return _one_or_all(mapped)
        case "class":
            return value if all(allowed.STANDARD_UID.fullmatch(str(part)) for part in parts) else None
        case "date":
            return _one_or_all([shifted(str(part), names.date_shift_days) for part in parts])
        case "datetime":
            moved = [_moved(str(part).strip(), names.date_shift_days) for part in parts]
            return _one_or_all([part for part in moved if part])
        case "time":
            return value if all(allowed.TIME.fullmatch(str(part).strip()) for part in parts) else None
        case "empty":
            return ""
        case "fixed":
            return rule.allowed
        case "longitudinal":
            return work.profile.longitudinal
        case "subject":
            return names.subject
        case "index":
            if work.index is not None:
                return work.index + 1
            return allowed.plain_index(str(value), rule.allowed) or None
        case "age":
            return allowed.stated_age(str(value))
        case "scheme" | "code":
            return value if str(value) else None  # the item was held to its scheme as a whole
        case "pointer":
            return value if all(allowed.is_pointer(part) for part in parts) else None
    return None


def _worded(action: str, parts: Sequence[Any], words: Sequence[str]) -> Any:
    """What of a text may stand: whole terms, a maker's texts, or the known words of a description."""
    texts = [str(part).strip() for part in parts]
    match action:
        case "filter":
            return [
                text if allowed.is_term(text) and not allowed.tells(text, words) else "OTHER"
                for text in texts
            ]
        case "term":
            fit = all(allowed.is_term(text) and not allowed.tells(text, words) for text in texts)
            return _one_or_all(texts) if fit and any(texts) else None
        case "product":
            fit = all(allowed.is_product(text) and not allowed.tells(text, words) for text in texts)
            return _one_or_all(texts) if fit and any(texts) else None
        case "structure" if len(texts) == 1 and vocabulary.is_known(texts[0]):
            return None if allowed.tells(texts[0], words) else texts[0]
    known = [vocabulary.known_words(text, words) for text in texts]
    return _one_or_all(known) if any(known) else None


def _one_or_all(values: list[str]) -> Any:
    return None if not values else values[0] if len(values) == 1 else values


def _moved(moment: str, days: int) -> str:
    """A DICOM date and time moved back; what is no such thing, or coarser than a day, is nothing."""
    if len(moment) < 8 or not allowed.DATETIME.fullmatch(moment):
        return ""
    day = shifted(moment[:8], days)
    return day + moment[8:] if day else ""


def _as_written(part: Any) -> str | float:
    """Numbers in text as the file writes them: zeros before a number tell what it is."""
    return str(part) if hasattr(part, "original_string") else part


def is_several(value: Any) -> bool:
    return not isinstance(value, str | bytes) and hasattr(value, "__iter__")


def is_same(before: Any, after: Any) -> bool:
    if is_several(before):
        return list(before) == (list(after) if is_several(after) else [after])
    return bool(str(before) == str(after))


def value_of(dataset: Dataset, tag: int) -> Any:
    """The converted value; None where the bytes are no value of their kind."""
    try:
        value = dataset[tag].value
    except (ValueError, TypeError, UnicodeError, LookupError, NotImplementedError, OverflowError):
        return None
    return "" if value is None else value


def value_by_keyword(dataset: Dataset, keyword: str) -> Any:
    from pydicom.datadict import tag_for_keyword

    tag = tag_for_keyword(keyword)
    return value_of(dataset, tag) if tag is not None and tag in dataset else ""
