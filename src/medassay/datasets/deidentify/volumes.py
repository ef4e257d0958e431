"""NIfTI-1 volumes in one file: texts of the header emptied, extensions cut out, values as they are.

References
----------
NIfTI-1 data format, `nifti1.h` (fields and their places); RFC 1952 (gzip, whose header may hold a file's name).
"""

from __future__ import annotations

import gzip
import io
import math
import struct
import zlib
from collections import Counter

from medassay.core.canonical import digest_bytes
from medassay.core.findings import Finding, Reason
from medassay.datasets.deidentify.outgoing import Actions, CannotClean, Outgoing, left
from medassay.formats.imaging import nifti

TEXTS = {"data_type": (4, 10), "db_name": (14, 18), "extents, session_error, regular": (32, 7),
         "descrip": (148, 80), "aux_file": (228, 24), "intent_name": (328, 16)}  # fmt: skip
HEADER, START = 348, 352
LEAST_S, MOST_S = 1e-3, 1e5  # of a slice, in seconds or parts of them
MOST_MM = 1e6  # of a place or a size; letters read as a number come to more
LARGEST = 1 << 30


def recognises(head: bytes) -> bool:
    """A NIfTI-1 of one file, plain or gzipped."""
    return nifti.recognises(head)


def clean(content: bytes) -> Outgoing:
    """The volume under a header without texts; gzipped where it was.

    Raises
    ------
    CannotClean
        When the file breaks off, or its values are not where the header says.
    """
    actions: Actions = Counter()
    plain = _unpacked(content)
    order, start, size = _layout(plain)
    header = bytearray(plain[:HEADER])
    for name, (at, width) in TEXTS.items():
        if any(header[at : at + width]):
            actions[f"NIfTI {name}", "removed"] += 1
        header[at : at + width] = bytes(width)
    struct.pack_into(f"{order}f", header, 108, START)
    for name in _emptied(header, order):
        actions[f"NIfTI {name}", "removed"] += 1
    if start > START:
        actions["NIfTI extensions", "removed"] += 1
    if len(plain) > start + size:
        actions["NIfTI bytes behind the values", "removed"] += 1
    values = plain[start : start + size]
    actions["NIfTI values", "kept"] += 1
    made = bytes(header) + bytes(4) + values
    packed = content[:2] == b"\x1f\x8b"
    out = gzip.compress(made, compresslevel=6, mtime=0) if packed else made
    name = "volume.nii.gz" if packed else "volume.nii"
    return Outgoing(((name, out),), actions, {name: digest_bytes(values)})


def _emptied(header: bytearray, order: str) -> list[str]:
    """Set what the header says is not used to what means nothing; gives what held something.

    Raises
    ------
    CannotClean
        When a place or a size that is used is beyond any.
    """
    (dims,) = struct.unpack_from(f"{order}h", header, 40)
    qform, sform = struct.unpack_from(f"{order}2h", header, 252)
    (intent,) = struct.unpack_from(f"{order}h", header, 68)
    timed = _is_timed(header, order)
    steps = struct.unpack_from(f"{order}{7 - dims}f", header, 80 + 4 * dims)
    stepless = all(step in (0, 1) for step in steps)  # as writers fill them
    unused = {
        "lengths of axes that it does not have": (42 + 2 * dims, 2 * (7 - dims), struct.pack(f"{order}h", 1)),
        "steps of axes that it does not have": (80 + 4 * dims, 0 if stepless else 4 * (7 - dims), b""),
        "parameters of an intent that it does not have": (56, 0 if intent else 12, b""),
        "range to be shown": (124, 8, b""),
        "time of the first volume": (136, 4, b""),
        "first slice": (74, 0 if timed else 2, b""),
        "last slice and order": (120, 0 if timed else 3, b""),
        "time of a slice": (132, 0 if timed else 4, b""),
        "largest and smallest value": (140, 8, b""),
        "rotation that it does not use": (256, 0 if qform else 24, b""),
        "matrix that it does not use": (280, 0 if sform else 48, b""),
    }
    found = []
    for name, (at, size, each) in unused.items():
        plain = (each or b"\x00") * (size // len(each or b"\x00"))
        if any(header[at : at + size]) and header[at : at + size] != plain:
            found.append(name)
        header[at : at + size] = plain
    steps = struct.unpack_from(f"{order}{dims + 1}f", header, 76)
    places = struct.unpack_from(f"{order}18f", header, 256)
    if not all(abs(number) <= MOST_MM for number in (*steps, *places)):  # NaN is not either
        raise _broken("places or sizes beyond any")
    return found


def _is_timed(header: bytearray, order: str) -> bool:
    """Whether the header tells in which order and time slices were taken, by numbers that they can have."""
    first, last = (struct.unpack_from(f"{order}h", header, at)[0] for at in (74, 120))
    (duration,) = struct.unpack_from(f"{order}f", header, 132)
    longest = max(struct.unpack_from(f"{order}3h", header, 42))
    orders = 1 <= header[122] <= 6 and 0 <= first <= last < longest
    return orders and (duration == 0 or LEAST_S <= duration <= MOST_S)


def prove(content: bytes, values: str) -> list[Finding]:
    """Read the volume with the library that reads it elsewhere: no text, no extension, the same values, no more."""
    import nibabel
    from nibabel.spatialimages import HeaderDataError

    try:
        if content[:2] == b"\x1f\x8b" and content[3] != 0:
            return [left("gzip header", "a name or a comment")]
        plain = gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content
        header = nibabel.Nifti1Header.from_fileobj(io.BytesIO(plain))
        data = plain[int(header["vox_offset"]) :]
    except (OSError, ValueError, EOFError, zlib.error, HeaderDataError) as error:
        return [left("NIfTI", f"bytes that cannot be read again ({type(error).__name__})")]
    order = "<" if plain[:4] == struct.pack("<i", HEADER) else ">"
    texts = ("data_type", "db_name", "descrip", "aux_file", "intent_name")
    found = [left(f"NIfTI {name}", "a text") for name in texts if bytes(header[name]).strip(b"\x00")]
    if _emptied(bytearray(plain[:HEADER]), order):
        found.append(left("NIfTI header", "a value that the header says is not used"))
    if len(header.extensions) or int(header["vox_offset"]) != START or any(plain[HEADER:START]):
        found.append(left("NIfTI extensions", "an extension"))
    due = math.prod(header.get_data_shape()) * header.get_data_dtype().itemsize
    if digest_bytes(data) != values or len(data) != due:
        found.append(left("NIfTI values", "values other than those that were read"))
    return found


def _unpacked(content: bytes) -> bytes:
    if content[:2] != b"\x1f\x8b":
        return content
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(content)) as stream:
            plain = stream.read(LARGEST + 1)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise _broken("packed bytes that break off") from error
    if len(plain) > LARGEST:
        raise _broken("more than a gigabyte unpacked")
    return plain


def _layout(plain: bytes) -> tuple[str, int, int]:
    """Byte order, first byte and number of bytes of the values."""
    if len(plain) < START:
        raise _broken("a header that breaks off")
    order = "<" if struct.unpack_from("<i", plain)[0] == HEADER else ">"
    dims = struct.unpack_from(f"{order}8h", plain, 40)
    (bits,) = struct.unpack_from(f"{order}h", plain, 72)
    (start,) = struct.unpack_from(f"{order}f", plain, 108)
    if struct.unpack_from(f"{order}i", plain)[0] != HEADER or not 1 <= dims[0] <= 7 or bits % 8 or bits <= 0:
        raise _broken("a header that does not parse")
    size = bits // 8
    for length in dims[1 : dims[0] + 1]:
        size *= length
    if size <= 0 or not START <= start == int(start) or int(start) + size > len(plain):
        raise _broken("values that are not where the header says")
    return order, int(start), size


def _broken(found: str) -> CannotClean:
    return CannotClean(Reason.HEADER_INVALID, found, "a whole NIfTI-1 volume in one file", "NIfTI")
