"""Stored pixel values of any DICOM image, or the reason why there are none; never wrong ones.

Before a decoder is asked, the header's numbers must fit each other and the codestream must claim the size and
depth that the header states. Compressed frames are decoded in a process that may die (`codec`).
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from medassay.core.findings import Reason
from medassay.formats.imaging import codec, codestream, dicom_file
from medassay.formats.imaging.dicom_file import text_of, whole_of
from medassay.formats.imaging.refusal import ImageRefused, quiet

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

MOST_DECODED = 4 << 30
JPEG_EXTENDED = "1.2.840.10008.1.2.4.51"
RLE = "1.2.840.10008.1.2.5"
DEFLATED_FRAMES = "1.2.840.10008.1.2.8.1"
NATIVE = frozenset(dicom_file.NATIVE)
KINDS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")
DCMDJPEG_SECONDS = 60
# What a header may state and a decoder gives unchanged.
SAMPLES = {"RGB": 3, "YBR_FULL": 3, "YBR_FULL_422": 3, "YBR_ICT": 3, "YBR_RCT": 3, "YBR_PARTIAL_420": 3}


@dataclass(frozen=True)
class Layout:
    """The Image Pixel module, checked against itself."""

    keyword: str  # of the element that holds the pixels
    frames: int
    rows: int
    columns: int
    samples: int
    bits_allocated: int
    bits_stored: int
    signed: bool
    photometric: str
    planar: int
    syntax: str

    @property
    def compressed(self) -> bool:
        return self.syntax not in NATIVE

    @property
    def frame_bits(self) -> int:
        """Of one frame as stored natively."""
        samples: float = self.samples
        if self.photometric == "YBR_FULL_422" and not self.compressed:
            samples = 2
        return int(self.rows * self.columns * samples * self.bits_allocated)

    @property
    def native_bytes(self) -> int:
        """Of all frames; single bits run on from frame to frame (PS3.5 8.1.1)."""
        return (self.frame_bits * self.frames + 7) // 8

    @property
    def decoded_bytes(self) -> int:
        return self.frames * self.rows * self.columns * self.samples * max(self.bits_allocated // 8, 1)


def layout_of(dataset: Dataset) -> Layout:
    """Size and depth of the pixels as the header states them.

    Raises
    ------
    ImageRefused
        When a number is missing or contradicts another.
    """
    keyword = next((name for name in KINDS if name in dataset), "PixelData")
    rows, columns = _stated(dataset, "Rows"), _stated(dataset, "Columns")
    bits = {"FloatPixelData": 32, "DoubleFloatPixelData": 64}.get(keyword) or _stated(
        dataset, "BitsAllocated"
    )
    stored = bits if keyword != "PixelData" else (whole_of(dataset, "BitsStored") or bits)
    high = whole_of(dataset, "HighBit", stored - 1) if keyword == "PixelData" else stored - 1
    samples, frames = _optional(dataset, "SamplesPerPixel"), _optional(dataset, "NumberOfFrames")
    photometric = text_of(dataset, "PhotometricInterpretation").strip() or "MONOCHROME2"
    layout = Layout(
        keyword,
        frames,
        rows,
        columns,
        samples,
        bits,
        stored,
        whole_of(dataset, "PixelRepresentation", 0) == 1,
        photometric,
        whole_of(dataset, "PlanarConfiguration", 0) or 0,
        _syntax(dataset),
    )
    if bits not in (1, 8, 16, 32, 64) or not 1 <= stored <= bits:
        raise _invalid(
            f"{stored} bits stored of {bits} allocated", "1, 8, 16, 32 or 64 bits", "BitsAllocated"
        )
    if high != stored - 1:
        raise _invalid(f"values of {stored} bits that end at bit {high}", f"HighBit {stored - 1}", "HighBit")
    if frames < 1 or samples not in (1, 3, 4) or samples != SAMPLES.get(photometric, samples):
        raise _invalid(
            f"{frames} frames of {samples} samples, {photometric[:16]}",
            "1, 3 or 4 samples",
            "SamplesPerPixel",
        )
    return layout


def decode(
    dataset: Dataset, frames: Sequence[int] | None = None, *, most_bytes: int = MOST_DECODED
) -> NDArray[Any]:
    """Stored values, before any rescaling; colours as RGB, palette colours as their indices.

    Parameters
    ----------
    dataset : read with its pixel data
    frames : which ones, from 0; all by default
    most_bytes : of the decoded array

    Returns
    -------
    array of shape (frames, rows, columns), or (frames, rows, columns, samples) for colours

    Raises
    ------
    ImageRefused
        When header, codestream and bytes do not fit each other, no installed codec decodes them, or the array
        would be larger than `most_bytes`.
    """
    layout = layout_of(dataset)
    chosen = range(layout.frames) if frames is None else frames
    if frames is not None and any(not 0 <= index < layout.frames for index in frames):
        raise _invalid(f"no such frame among {layout.frames}", "a frame that exists", "NumberOfFrames")
    wanted = replace(layout, frames=len(chosen)).decoded_bytes
    if wanted > most_bytes:
        raise ImageRefused(
            Reason.LIMIT_EXCEEDED,
            found=f"pixels of {wanted} bytes decoded",
            wanted=f"at most {most_bytes} bytes",
            where="PixelData",
        )
    if layout.keyword not in dataset:
        raise _ends_early("no pixel data")
    content = dataset[layout.keyword].value
    if not isinstance(content, bytes) or not content:
        raise _ends_early("no pixel data")
    if not layout.compressed:
        return _native(dataset, layout, chosen)
    parts = [_decoded(layout, frame) for frame in compressed_frames(dataset, layout, chosen)]
    return np.stack(parts)


def require_length(dataset: Dataset, layout: Layout) -> None:
    """A native object holds as many bytes as its header promises.

    Raises
    ------
    ImageRefused
        When there are fewer.
    """
    content = dataset[layout.keyword].value if layout.keyword in dataset else b""
    present = len(content) if isinstance(content, bytes) else 0
    if present < layout.native_bytes:
        raise _ends_early(f"{present} of {layout.native_bytes} bytes of pixel data")


def compressed_frames(dataset: Dataset, layout: Layout, chosen: Sequence[int]) -> list[bytes]:
    """Codestreams of frames.

    Raises
    ------
    ImageRefused
        When the fragments do not make as many frames as the header states.
    """
    from pydicom.encaps import generate_frames, get_frame

    content = dataset.PixelData
    extended = None
    if "ExtendedOffsetTable" in dataset and "ExtendedOffsetTableLengths" in dataset:
        extended = (dataset.ExtendedOffsetTable, dataset.ExtendedOffsetTableLengths)
    with quiet():
        try:
            if len(chosen) < layout.frames:
                found = [
                    get_frame(content, index, number_of_frames=layout.frames, extended_offsets=extended)
                    for index in chosen
                ]
            else:
                frames = generate_frames(content, number_of_frames=layout.frames, extended_offsets=extended)
                found = [bytes(frame) for frame in frames]
        except Exception as error:
            raise _ends_early(
                f"fragments that make no {layout.frames} frames ({type(error).__name__})"
            ) from error
    if len(found) < len(chosen) or not all(found):
        raise _ends_early(f"{len(found)} frames of {len(chosen)}")
    if len(found) > len(chosen):
        raise _invalid(f"{len(found)} frames", f"{len(chosen)}, as the header states", "NumberOfFrames")
    return found


def _decoded(layout: Layout, frame: bytes) -> NDArray[Any]:
    if layout.syntax == DEFLATED_FRAMES:
        return _inflated(layout, frame)
    if layout.syntax == RLE and layout.bits_allocated == 1:
        return _unpacked(layout, np.frombuffer(_packed_rle(layout, frame), np.uint8))
    seen = codestream.look(frame)
    syntax = layout.syntax or codestream.transfer_syntax_of(frame)
    if not syntax:
        raise _undecodable("compressed pixels under no transfer syntax")
    if seen is not None:
        _require_same(layout, seen)
        if not codestream.is_whole(frame):
            raise _ends_early("a compressed frame without its end")
    elif syntax.startswith("1.2.840.10008.1.2.4."):
        raise _undecodable("a frame without a frame header")
    try:
        return _by_codec(replace(layout, syntax=syntax), frame)
    except codec.DecoderRefused as error:
        if syntax == JPEG_EXTENDED and seen is not None and seen.precision > 8:
            return _by_dcmdjpeg(layout, frame)
        raise _undecodable(f"pixels of {syntax} that no installed codec decodes ({error})") from error
    except codec.DecoderLost as error:
        raise _undecodable("pixels at which the decoder died or did not end") from error


def _by_codec(layout: Layout, frame: bytes) -> NDArray[Any]:
    options = {
        "transfer_syntax_uid": layout.syntax,
        "rows": layout.rows,
        "columns": layout.columns,
        "samples_per_pixel": layout.samples,
        "bits_allocated": layout.bits_allocated,
        "bits_stored": layout.bits_stored,
        "pixel_representation": int(layout.signed),
        "photometric_interpretation": layout.photometric,
    }
    if layout.samples > 1:
        options["planar_configuration"] = layout.planar
    got = codec.decode(frame, options)
    due = (
        (layout.rows, layout.columns)
        if layout.samples == 1
        else (layout.rows, layout.columns, layout.samples)
    )
    if got.shape != due:
        raise _undecodable(f"decoded pixels of shape {got.shape} for {due}")
    return _own_order(np.frombuffer(got.content, got.dtype).reshape(due))


def _by_dcmdjpeg(layout: Layout, frame: bytes) -> NDArray[Any]:
    """12-bit JPEG by DCMTK's program: the codecs of this environment have 8-bit JPEG only."""
    program = shutil.which("dcmdjpeg")
    if program is None:
        raise ImageRefused(
            Reason.UNSUPPORTED_FORM,
            found="pixels in 12-bit JPEG, and no program dcmdjpeg",
            wanted="a codec of 12-bit JPEG",
            where="PixelData",
            remedy="Install dcmtk (its dcmdjpeg decodes them), or export the file again, uncompressed.",
        )
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "in.dcm"), Path(folder, "out.dcm")
        source.write_bytes(_bare_object(layout, frame))
        try:
            ended = subprocess.run(
                [program, str(source), str(target)],
                capture_output=True,
                timeout=DCMDJPEG_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise _undecodable("pixels at which dcmdjpeg did not end") from error
        if ended.returncode or not target.is_file():
            raise _undecodable("12-bit JPEG that dcmdjpeg refuses")
        opened = dicom_file.open(target, pixels=True)
    plain = layout_of(opened.dataset)
    if plain.compressed or (plain.rows, plain.columns, plain.samples) != (
        layout.rows,
        layout.columns,
        layout.samples,
    ):
        raise _undecodable("12-bit JPEG that dcmdjpeg gives in another size")
    values: NDArray[Any] = decode(opened.dataset)[0]
    return values


def _bare_object(layout: Layout, frame: bytes) -> bytes:
    """One frame with what a decoder needs, and nothing of the patient."""
    import io

    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.encaps import encapsulate
    from pydicom.uid import UID, SecondaryCaptureImageStorage

    bare = Dataset()
    bare.file_meta = FileMetaDataset()
    bare.file_meta.TransferSyntaxUID = UID(layout.syntax)
    bare.SOPClassUID = bare.file_meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
    bare.SOPInstanceUID = bare.file_meta.MediaStorageSOPInstanceUID = UID("2.25.1")
    bare.Rows, bare.Columns, bare.SamplesPerPixel = layout.rows, layout.columns, layout.samples
    bare.BitsAllocated, bare.BitsStored, bare.HighBit = (
        layout.bits_allocated,
        layout.bits_stored,
        layout.bits_stored - 1,
    )
    bare.PixelRepresentation, bare.PhotometricInterpretation = int(layout.signed), layout.photometric
    if layout.samples > 1:
        bare.PlanarConfiguration = layout.planar
    bare.PixelData = encapsulate([frame])
    sink = io.BytesIO()
    bare.save_as(sink, enforce_file_format=True)
    return sink.getvalue()


def _require_same(layout: Layout, seen: codestream.Codestream) -> None:
    """A codestream of another size or depth would fill memory, or give other pixels than the header means."""
    theirs, ours = (seen.rows, seen.columns, seen.samples), (layout.rows, layout.columns, layout.samples)
    if theirs != ours:
        raise _undecodable(
            f"a codestream of {' x '.join(map(str, theirs))} under a header of {' x '.join(map(str, ours))}"
        )
    if seen.precision > layout.bits_allocated:
        raise _undecodable(f"a codestream of {seen.precision} bits under {layout.bits_allocated} allocated")


def _native(dataset: Dataset, layout: Layout, chosen: Sequence[int]) -> NDArray[Any]:
    from pydicom.pixels.decoders.base import get_decoder
    from pydicom.uid import UID

    require_length(dataset, layout)
    decoder = get_decoder(UID(layout.syntax))
    with quiet():
        try:
            if len(chosen) == layout.frames:
                array, _ = decoder.as_array(dataset)
            else:
                array = np.stack([decoder.as_array(dataset, index=index)[0] for index in chosen])
        except Exception as error:
            raise _undecodable(f"pixels that do not decode ({type(error).__name__})") from error
    due: tuple[int, ...] = (len(chosen), layout.rows, layout.columns)
    if layout.samples > 1:
        due = (*due, layout.samples)
    if array.size != int(np.prod(due)):
        raise _undecodable(f"decoded pixels of shape {array.shape} for {due}")
    return _own_order(array.reshape(due))


def _inflated(layout: Layout, frame: bytes) -> NDArray[Any]:
    """Deflated Image Frame Compression (PS3.5 A.4.13): each frame is native bytes, deflated."""
    due = (layout.frame_bits + 7) // 8
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        plain = inflater.decompress(frame, due + 2)
    except zlib.error as error:
        raise _undecodable("deflated frames that do not inflate") from error
    if not due <= len(plain) <= due + 1 or layout.bits_allocated not in (1, 8, 16, 32):
        raise _undecodable(f"a deflated frame of {len(plain)} bytes for {due}")
    if layout.bits_allocated == 1:
        return _unpacked(layout, np.frombuffer(plain, np.uint8))
    kind = f"<{'i' if layout.signed else 'u'}{layout.bits_allocated // 8}"
    values = np.frombuffer(plain, kind, count=layout.frame_bits // layout.bits_allocated)
    if layout.samples == 1:
        return values.reshape(layout.rows, layout.columns)
    if layout.photometric != "RGB":
        raise _undecodable(f"deflated frames of {layout.photometric}")
    if layout.planar:
        return values.reshape(layout.samples, layout.rows, layout.columns).transpose(1, 2, 0)
    return values.reshape(layout.rows, layout.columns, layout.samples)


def _packed_rle(layout: Layout, frame: bytes) -> bytes:
    """Single bits in RLE: one segment of packed bytes, decoded as one row of bytes."""
    row = replace(
        layout,
        rows=1,
        columns=(layout.rows * layout.columns + 7) // 8,
        bits_allocated=8,
        bits_stored=8,
        signed=False,
    )
    try:
        return _by_codec(row, frame).tobytes()
    except (codec.DecoderRefused, codec.DecoderLost) as error:
        raise _undecodable("single bits in RLE that do not decode") from error


def _unpacked(layout: Layout, packed: NDArray[np.uint8]) -> NDArray[np.uint8]:
    bits = np.unpackbits(packed, bitorder="little", count=layout.rows * layout.columns)
    return bits.reshape(layout.rows, layout.columns)


def _own_order(array: NDArray[Any]) -> NDArray[Any]:
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def _syntax(dataset: Dataset) -> str:
    return str(getattr(getattr(dataset, "file_meta", None), "TransferSyntaxUID", None) or "")


def _optional(dataset: Dataset, keyword: str) -> int:
    """A count that is 1 where it is missing or empty; a count that is no number is an error."""
    if keyword not in dataset or not dataset.get_item(keyword).value:
        return 1
    return _stated(dataset, keyword)


def _stated(dataset: Dataset, keyword: str) -> int:
    number = whole_of(dataset, keyword)
    if not number or number < 0:
        raise _invalid("a header without the size of its pixels", "a size", keyword)
    return number


def _invalid(found: str, wanted: str, where: str) -> ImageRefused:
    return ImageRefused(Reason.HEADER_INVALID, found=found, wanted=wanted, where=where)


def _ends_early(found: str) -> ImageRefused:
    return ImageRefused(Reason.TRUNCATED, found=found, wanted="whole pixel data", where="PixelData")


def _undecodable(found: str) -> ImageRefused:
    return ImageRefused(
        Reason.UNSUPPORTED_FORM,
        found=found,
        wanted="pixels in a transfer syntax that an installed codec decodes",
        where="PixelData",
        remedy="Export the file again, uncompressed.",
    )
