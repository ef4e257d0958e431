"""RDML, the exchange form of quantitative PCR: a zip with an XML of amplification and melting curves."""

from __future__ import annotations

import io
import lzma
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from medassay.core.findings import Finding, Reason, Severity
from medassay.formats.examined import Fact
from medassay.formats.ivd.refusal import IvdRefused, said

LARGEST_XML = 256 << 20
_ROOT = re.compile(
    rb"\A(?:\xef\xbb\xbf)?\s*(?:<\?.{0,200}?\?>|<!--.{0,1000}?-->|\s+)*<(?:\w+:)?rdml[\s>]", re.DOTALL
)

_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    OSError,
    ValueError,
    LookupError,
    RuntimeError,
)


@dataclass(frozen=True)
class Runs:
    version: str
    reactions: int
    amplification_points: int
    melting_points: int
    unfinite: int  # points whose fluorescence is no number


def member_of(source: Path | bytes) -> str | None:
    """The name of the XML in a zip that is RDML; None: the zip is something else."""
    try:
        with zipfile.ZipFile(source if isinstance(source, Path) else io.BytesIO(source)) as container:
            for info in container.infolist()[:50]:
                if info.filename.lower().endswith(".xml") and not info.flag_bits & 1:
                    with container.open(info) as stream:
                        if _ROOT.match(stream.read(2048)):
                            return info.filename
    except _DAMAGE:
        return None
    return None


def open(source: Path | bytes) -> Runs:
    """Count what the XML holds, element by element.

    Raises
    ------
    IvdRefused
        When the container or its XML cannot be read to the end.
    """
    from xml.etree.ElementTree import ParseError

    from defusedxml.common import DefusedXmlException
    from defusedxml.ElementTree import iterparse

    name = member_of(source)
    if name is None:
        raise IvdRefused(
            Reason.UNKNOWN_FORMAT, found="a container without RDML", wanted="an XML with root rdml"
        )
    counts = {"react": 0, "adp": 0, "mdp": 0}
    version, unfinite = "", 0
    try:
        with zipfile.ZipFile(source if isinstance(source, Path) else io.BytesIO(source)) as container:
            if container.getinfo(name).file_size > LARGEST_XML:
                raise IvdRefused(
                    Reason.LIMIT_EXCEEDED, found="an XML beyond 256 MiB", wanted="at most 256 MiB"
                )
            with container.open(name) as stream:
                for event, element in iterparse(stream, events=("start", "end"), forbid_dtd=True):
                    tag = element.tag.rpartition("}")[2]
                    if event == "start":
                        version = element.get("version", "") if tag == "rdml" else version
                        continue
                    if tag in counts:
                        counts[tag] += 1
                        unfinite += tag != "react" and not _finite(element)
                        element.clear()
    except (ParseError, DefusedXmlException):
        raise IvdRefused(Reason.HEADER_INVALID, found="XML that is not well formed", wanted="RDML") from None
    except _DAMAGE as error:
        raise IvdRefused(
            Reason.TRUNCATED,
            found=f"a container that ends early ({type(error).__name__})",
            wanted="all of it",
        ) from None
    return Runs(version[:10], counts["react"], counts["adp"], counts["mdp"], unfinite)


def describe(runs: Runs) -> dict[str, Fact]:
    return {
        "version": runs.version if re.fullmatch(r"[\d.]{1,10}", runs.version) else None,
        "reactions": runs.reactions,
        "amplification_points": runs.amplification_points,
        "melting_points": runs.melting_points,
    }


def examine(runs: Runs) -> Iterator[Finding]:
    if not runs.amplification_points and not runs.melting_points:
        yield said(Reason.REFERENCE_MISSING, Severity.REFUSE, "no curve", "amplification or melting points")
    if runs.unfinite:
        yield said(
            Reason.VALUE_IMPLAUSIBLE,
            Severity.WARN,
            f"{runs.unfinite} points without a finite fluorescence",
            "numbers",
        )


def _finite(element: object) -> bool:
    text = next((one.text or "" for one in element if one.tag.rpartition("}")[2] == "fluor"), "")  # type: ignore[attr-defined]  # ElementTree gives str tags here
    return bool(re.fullmatch(r"\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*", text))
