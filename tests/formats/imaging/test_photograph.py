"""Picture files are described by their header, bounded before they are decoded, and told when they are damaged."""

import io
import struct
import zlib

import numpy as np
import pytest
import tifffile
from PIL import Image

from medassay.core.findings import Reason
from medassay.formats.imaging import photograph
from medassay.formats.imaging.examine import examine_file, recognise
from medassay.formats.imaging.refusal import ImageRefused

COLOUR = (np.arange(30 * 40 * 3) % 251).astype(np.uint8).reshape(30, 40, 3)


def saved(form, pixels=COLOUR, **options):
    sink = io.BytesIO()
    Image.fromarray(pixels).save(sink, form, **options)
    return sink.getvalue()


def tiff(pixels, **options):
    sink = io.BytesIO()
    tifffile.imwrite(sink, pixels, **options)
    return sink.getvalue()


@pytest.mark.parametrize("form", ["PNG", "BMP", "TIFF", "WebP"])
def test_a_lossless_picture_gives_the_pixels_that_were_written(form):
    content = saved(form, **({"lossless": True} if form == "WebP" else {}))
    assert recognise(content) == form
    opened = photograph.open(content)
    assert (opened.height, opened.width, opened.samples, opened.bits) == (30, 40, 3, 8)
    assert np.array_equal(photograph.values(opened), COLOUR)


def test_a_jpeg_is_said_to_be_lossy():
    opened = photograph.open(saved("JPEG"))
    assert photograph.describe(opened)["lossy"] is True
    assert photograph.values(opened).shape == (30, 40, 3)


@pytest.mark.parametrize("kind", [np.uint16, np.int16, np.float32])
def test_a_tiff_of_more_than_8_bits_keeps_its_values(kind):
    pixels = np.arange(200).reshape(10, 20).astype(kind)
    opened = photograph.open(tiff(pixels, photometric="minisblack"))
    assert opened.bits == 8 * pixels.itemsize
    assert np.array_equal(photograph.values(opened), pixels)


def test_a_tiff_in_a_compression_that_one_library_lacks_is_read_by_another():
    opened = photograph.open(saved("TIFF", compression="tiff_lzw"))
    assert np.array_equal(photograph.values(opened), COLOUR)


def test_pages_are_counted_and_read_by_number():
    stack = np.stack([COLOUR, COLOUR[::-1]])
    opened = photograph.open(tiff(stack, photometric="rgb"))
    assert opened.pages == 2
    assert np.array_equal(photograph.values(opened, 1), COLOUR[::-1])
    with pytest.raises(ImageRefused):
        photograph.values(opened, 2)


def test_an_ome_tiff_is_described_by_its_axes_and_pixel_size(tmp_path):
    metadata = {"axes": "CYX", "PhysicalSizeX": 0.25, "PhysicalSizeXUnit": "µm"}
    (tmp_path / "a").write_bytes(tiff(np.zeros((2, 8, 9), np.uint16), ome=True, metadata=metadata))
    examined = examine_file(tmp_path / "a")
    assert examined.kind == "OME-TIFF"
    facts = examined.facts
    assert (facts["size_c"], facts["channels"], facts["pixel_size_um"], facts["rows"]) == (2, 2, 0.25, 8)


def test_an_svs_slide_is_described_by_its_magnification(tmp_path):
    text = (
        "Aperio Image Library v11.2.1\r\n46000x32914 [0,100 46000x32814] (256x256)|AppMag = 20|MPP = 0.4990"
    )
    content = tiff(
        np.zeros((64, 64, 3), np.uint8), description=text, tile=(16, 16), photometric="rgb", metadata=None
    )
    (tmp_path / "a").write_bytes(content)
    examined = examine_file(tmp_path / "a")
    assert examined.kind == "SVS"
    facts = examined.facts
    assert (facts["objective_power"], facts["pixel_size_um"], facts["tile_rows"]) == (20, 0.499, 16)


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width, height, data=b""):
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(data))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("size", [(2**31 - 1, 2**31 - 1), (40_000, 40_000), (20_000, 20_000)])
def test_a_bomb_is_told_by_its_header(tmp_path, size):
    (tmp_path / "a.png").write_bytes(png(*size))
    examined = examine_file(tmp_path / "a.png")
    assert {finding.reason for finding in examined.findings} <= {Reason.LIMIT_EXCEEDED, Reason.TRUNCATED}
    assert examined.refused or examined.facts["rows"] == 20_000  # which is not decoded: its page has 1.2 GB


damaged = {
    "PNG cut": (saved("PNG")[:200], Reason.TRUNCATED),
    "JPEG cut": (saved("JPEG")[:-100], Reason.TRUNCATED),
    "BMP cut": (saved("BMP")[:300], Reason.TRUNCATED),
    "PNG header cut": (saved("PNG")[:20], Reason.HEADER_INVALID),
    "TIFF header cut": (saved("TIFF")[:30], Reason.HEADER_INVALID),
}


@pytest.mark.parametrize(("content", "reason"), damaged.values(), ids=damaged)
def test_a_damaged_picture_is_told_with_the_reason(tmp_path, content, reason):
    (tmp_path / "a").write_bytes(content)
    examined = examine_file(tmp_path / "a")
    assert examined.refused
    assert reason in {finding.reason for finding in examined.findings}


def test_a_tiff_whose_pages_go_round_in_a_circle_ends(tmp_path):
    content = bytearray(tiff(COLOUR, photometric="rgb", metadata=None))
    first = struct.unpack_from("<I", content, 4)[0]
    count = struct.unpack_from("<H", content, first)[0]
    content[first + 2 + 12 * count : first + 6 + 12 * count] = struct.pack("<I", first)
    (tmp_path / "a").write_bytes(bytes(content))
    (finding,) = examine_file(tmp_path / "a").findings
    assert finding.found == "pages that go round in a circle"


def test_texts_and_places_that_a_header_carries_are_named_and_not_quoted(tmp_path):
    exif = Image.Exif()
    exif[0x013B] = "Zhang San"
    exif.get_ifd(0x8825)[1] = "N"
    (tmp_path / "a").write_bytes(saved("JPEG", exif=exif))
    (finding,) = examine_file(tmp_path / "a").findings
    assert finding.reason is Reason.IDENTITY_LEFT
    assert "Artist" in finding.found
    assert "position on earth" in finding.found
    assert "Zhang" not in str(finding)


def test_words_that_begin_like_a_picture_are_none():
    assert recognise(b"BMW drives, and so on, in a letter of some length") == "unknown"
    assert recognise(b"GIF is a form") == "unknown"
