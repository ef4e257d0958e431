"""The root element of an XML document, told by its first bytes, without parsing it."""

from __future__ import annotations

import re
from dataclasses import dataclass

_MARKS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
_BEFORE = re.compile(r"\s+|<\?.*?\?>|<!--.*?-->|<!DOCTYPE[^<>\[]*(?:\[.*?\]\s*)?>", re.DOTALL)
_ROOT = re.compile(r"<(?:[\w.-]+:)?(?P<name>[A-Za-z_][\w.-]*)(?P<rest>[^<]*)")


@dataclass(frozen=True)
class Root:
    """Local name of the root element, and its attributes as far as they were seen."""

    name: str
    attributes: str


def root_of(head: bytes) -> Root | None:
    """The root of a document; None: no XML, or comments fill what was seen.

    Examples
    --------
    >>> root_of(b'<?xml version="1.0"?><!-- a note --><AnnotatedECG type="Observation">').name
    'AnnotatedECG'
    """
    encoding = next((name for mark, name in _MARKS if head.startswith(mark)), "utf-8")
    text = head.decode(encoding, "replace").removeprefix("\ufeff")
    at = 0
    while before := _BEFORE.match(text, at):
        at = before.end()
    found = _ROOT.match(text, at)
    return Root(found["name"], found["rest"]) if found else None
