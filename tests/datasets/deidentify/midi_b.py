"""The measure of the MIDI-B challenge: of the actions that a data set's answer key requires, how many were right.

An action is a pair of an element of one object and what has to become of it: `removed` (value gone), `kept`
(value as it was), `shifted` (a date moved by the subject's days), `mapped` (a UID or an id that is another one,
the same everywhere), `text_kept` (words of a description that name nobody still there), `text_removed`
(words that name somebody gone), `pixels_kept`, `pixels_hidden`. Rutherford et al., MIDI-B, 2024: score = right
actions / required actions; ten teams reached 97.91 to 99.93 %.
"""

from collections import Counter
from dataclasses import dataclass

KINDS = ("removed", "kept", "shifted", "mapped", "text_kept", "text_removed", "pixels_kept")


@dataclass(frozen=True)
class Required:
    """One line of an answer key."""

    element: str
    kind: str
    value: str


def judged(required, before, after, days):
    """Whether one action was done."""
    from datetime import datetime, timedelta

    found = _text(after, required.element)
    match required.kind:
        case "removed":
            return required.value not in found
        case "kept":
            return found == required.value
        case "shifted":
            try:
                moved = datetime.strptime(required.value, "%Y%m%d") - timedelta(days=days)
            except ValueError:
                return False
            return found == moved.strftime("%Y%m%d")
        case "mapped":
            return bool(found) and found != required.value
        case "text_kept":
            return all(word.casefold() in found.casefold() for word in required.value.split())
        case "text_removed":
            return not {word.casefold() for word in required.value.split()} & set(found.casefold().split())
        case "pixels_kept":
            return before.PixelData == after.PixelData
    raise ValueError(required.kind)


def score(cases):
    """Right and required actions by kind; `cases` gives (key, before, after, days) an object."""
    right, required = Counter(), Counter()
    for key, before, after, days in cases:
        for one in key:
            required[one.kind] += 1
            right[one.kind] += judged(one, before, after, days)
    return right, required


def _text(dataset, element):
    """The value of a path of keywords ("RequestAttributesSequence/0/PatientName"), or of "(gggg,eeee)"."""
    at = dataset
    for part in element.split("/"):
        if part.isdigit():
            if len(at) <= int(part):
                return ""
            at = at[int(part)]
        elif part.startswith("("):
            tag = int(part[1:5] + part[6:10], 16)
            if tag not in at:
                return ""
            at = at[tag].value
        else:
            if part not in at:
                return ""
            at = at[part].value
    return (
        "\\".join(map(str, at))
        if isinstance(at, (list, tuple)) or type(at).__name__ == "MultiValue"
        else str(at)
    )
