"""Places of pictures and volumes that hold numbers: each has values that it can have, and pixels use them all."""

import io
import struct
import zlib

import nibabel
import numpy as np
import pytest
import tifffile
from PIL import Image

from medassay.datasets.deidentify import pictures, png_chunks, tiff_pages, volumes
from medassay.datasets.deidentify.outgoing import CannotClean
from medassay.datasets.deidentify.profile import RESEARCH

MARK = b"QZXMARK ZHANG WEI 19560302 13800138000 "
PLAIN = RESEARCH.model_copy(update={"burned_in": "not_screened"})
GREY = (np.add.outer(np.arange(40), np.arange(52)) % 200).astype(np.uint8)
COLOUR = np.stack([GREY, GREY[::-1], GREY[:, ::-1]], axis=-1)
ROWS = GREY.tobytes()


def saved(array, form, **options):
    sink = io.BytesIO()
    Image.fromarray(array).save(sink, form, **options)
    return sink.getvalue()


def made_of(content):
    """The picture as it leaves, proved and stable."""
    done = pictures.clean(content, PLAIN)
    ((file, made),) = done.files
    assert pictures.prove(made, done.bulk[file]) == []
    assert pictures.clean(made, PLAIN).files == done.files
    return made


def png_with(kind, body, picture=None):
    content = picture or saved(COLOUR, "PNG")
    return content[:33] + png_chunks.chunk(kind, body) + content[33:]


def with_long_palette():
    sink = io.BytesIO()
    Image.fromarray(GREY).quantize(8).save(sink, "PNG")
    content = sink.getvalue()
    out = [png_chunks.MARK]
    for kind, body, whole in png_chunks.chunks(content):
        long = kind == b"PLTE"
        out.append(png_chunks.chunk(kind, body.ljust(216, b"\0") + MARK) if long else whole)
        out.append(png_chunks.chunk(b"tRNS", b"\xff" * 72 + MARK) if long else b"")
    return b"".join(out)


def segment(marker, payload):
    return bytes((0xFF, marker)) + struct.pack(">H", len(payload) + 2) + payload


def jpeg_with(payload):
    content = saved(COLOUR, "JPEG")
    return content[:2] + payload + content[2:]


def bmp_with(at, value, step=1):
    content = bytearray(saved(GREY, "BMP"))
    content[at : at + step * len(value) : step] = value
    return bytes(content)


def bmp_of_32_bits():
    pixels = np.dstack([COLOUR, np.zeros_like(GREY)])
    pixels[0, : len(MARK), 3] = np.frombuffer(MARK, np.uint8)
    head = struct.pack("<IiiHHIIiiII", 40, 52, -40, 1, 32, 0, 0, 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHI", 54 + pixels.size, 0, 0, 54) + head + pixels.tobytes()


def tag(number, *values, kind=4):
    code = {1: "B", 3: "H", 4: "I"}[kind]
    return number, kind, len(values), struct.pack(f"<{len(values)}{code}", *values)


def tiff(data, *more, packing=1, shades=1):
    """A page of one strip with the tags that a grey page needs, and more."""
    told = {entry[0]: entry for entry in (
        tag(256, 52), tag(257, 40), tag(258, 8, kind=3), tag(259, packing, kind=3), tag(262, shades, kind=3),
        tag(273, 8), tag(277, 1, kind=3), tag(278, 40), tag(279, len(data)), *more)}  # fmt: skip
    out = bytearray(b"II*\x00" + bytes(4) + data + bytes(len(data) % 2))
    struct.pack_into("<I", out, 4, len(out))
    behind, late = len(out) + 6 + 12 * len(told), bytearray()
    out += struct.pack("<H", len(told))
    for number, (_, kind, count, value) in sorted(told.items()):
        out += struct.pack("<HHI", number, kind, count)
        out += value.ljust(4, b"\0") if len(value) <= 4 else struct.pack("<I", behind + len(late))
        late += value + bytes(len(value) % 2) if len(value) > 4 else b""
    return bytes(out + bytes(4) + late)


def lzw(array):
    content = saved(array, "TIFF", compression="tiff_lzw")
    with tifffile.TiffFile(io.BytesIO(content)) as book:
        page = book.pages[0]
        strips = zip(page.dataoffsets, page.databytecounts, strict=True)
        return [content[at : at + size] for at, size in strips], page.rowsperstrip


PLANTED = {
    "png gAMA": lambda: png_with(b"gAMA", MARK[:4]),
    "png cHRM": lambda: png_with(b"cHRM", MARK[:32]),
    "png pHYs": lambda: png_with(b"pHYs", MARK[:8] + b"\x01"),
    "png sBIT": lambda: png_with(b"sBIT", MARK[:3]),
    "png PLTE of a picture without palette": lambda: png_with(b"PLTE", MARK),
    "png tRNS": lambda: png_with(b"tRNS", MARK[:6]),
    "png colours that no pixel has": with_long_palette,
    "jpeg Adobe": lambda: jpeg_with(segment(0xEE, b"Adobe" + MARK[:7])),
    "jpeg table that nothing names": lambda: jpeg_with(segment(0xDB, b"\x03" + MARK.ljust(64))),
    "bmp colours that no pixel has": lambda: bmp_with(54 + 4 * 200, MARK),
    "bmp fourth byte of a colour": lambda: bmp_with(57, MARK, step=4),
    "bmp fourth byte of a pixel": bmp_of_32_bits,
    "bmp resolution": lambda: bmp_with(38, MARK[:8]),
    "bmp important colours": lambda: bmp_with(50, MARK[:4]),
    "tiff bytes behind the rows": lambda: tiff(ROWS + MARK),
    "tiff bytes behind a packed strip": lambda: tiff(zlib.compress(ROWS) + MARK, packing=8),
    "tiff colours that no pixel has": lambda: tiff(
        ROWS, (320, 3, 768, (bytes(1424) + MARK).ljust(1536, b"\0")), shades=3
    ),
    "tiff resolution": lambda: tiff(ROWS, (282, 5, 1, MARK[:8])),
}


@pytest.mark.filterwarnings("ignore:Palette images with Transparency")
@pytest.mark.parametrize("what", PLANTED)
def test_what_a_picture_holds_in_place_of_numbers_goes_and_its_pixels_stay(what):
    content = PLANTED[what]()
    made = made_of(content)
    assert MARK[:3] not in made
    assert MARK[:3] not in made[57::4] + made[57 + 1024 :: 4]
    before, after = Image.open(io.BytesIO(content)), Image.open(io.BytesIO(made))
    assert np.array_equal(np.asarray(before.convert("RGB")), np.asarray(after.convert("RGB")))


def test_what_a_picture_needs_to_be_shown_stays():
    palette = Image.fromarray(GREY).quantize(8)
    sink = io.BytesIO()
    palette.save(sink, "PNG", transparency=3, dpi=(300, 300))
    kinds = [kind for kind, _, _ in png_chunks.chunks(made_of(sink.getvalue()))]
    assert {b"PLTE", b"tRNS", b"pHYs"} <= set(kinds)
    assert (
        Image.open(io.BytesIO(made_of(tiff(ROWS, (282, 5, 1, struct.pack("<II", 300, 1)))))).info["dpi"][0]
        == 300
    )
    assert Image.open(io.BytesIO(made_of(saved(GREY, "BMP", dpi=(72, 72))))).info["dpi"][0] == pytest.approx(
        72, 0.01
    )


@pytest.mark.parametrize(
    "content",
    [
        lambda: tiff(zlib.compress(ROWS + MARK), packing=8),
        lambda: tiff(ROWS[:-60]),
        lambda: tiff(ROWS, (278, 4, 11, struct.pack("<I", 40) + MARK + b" ")),
        lambda: tiff(ROWS, (338, 1, len(MARK), MARK)),
        lambda: saved(COLOUR, "JPEG")[:-2] + MARK + b"\xff\xd9",
        lambda: saved(COLOUR, "JPEG")[:-2] + MARK + bytes(40) + b"\xff\xd9",
    ],
)
def test_a_picture_with_more_than_its_pixels_where_they_cannot_be_told_apart_is_refused(content):
    with pytest.raises(CannotClean):
        pictures.clean(content(), PLAIN)


@pytest.mark.parametrize("kind", ["even", "noise"])
def test_the_end_of_a_strip_of_lzw_is_found_through_every_width_of_its_codes(kind):
    noise = np.random.default_rng(7).integers(0, 256, (90, 300), np.uint8)
    strips, rows = lzw(noise if kind == "noise" else np.zeros_like(noise))
    for number, strip in enumerate(strips):
        due = min(rows, 90 - number * rows) * 300
        assert tiff_pages._end_of_lzw(strip + MARK, due) == len(strip)
    with pytest.raises(CannotClean):
        tiff_pages._end_of_lzw(strips[0], 5)


def volume(**changes):
    image = nibabel.Nifti1Image(np.arange(60, dtype=np.int16).reshape(3, 4, 5), np.eye(4))
    content = bytearray(image.to_bytes())
    for place, value in changes.items():
        at = int(place.removeprefix("at"))
        content[at : at + len(value)] = value
    return bytes(content)


UNUSED = {
    "lengths of further axes": {"at48": MARK[:8]},
    "parameters without an intent": {"at56": MARK[:12]},
    "steps of further axes": {"at92": MARK[:16]},
    "range to be shown": {"at124": MARK[:8]},
    "time of a slice": {"at132": MARK[:8]},
    "largest and smallest value": {"at140": MARK[:8]},
    "rotation that is not used": {"at252": b"\0\0", "at256": MARK[:24]},
    "matrix that is not used": {"at254": b"\0\0", "at280": (MARK + MARK)[:48]},
}


@pytest.mark.parametrize("what", UNUSED)
def test_places_that_a_volume_says_it_does_not_use_are_emptied(what):
    content = volume(**UNUSED[what])
    done = volumes.clean(content)
    ((file, made),) = done.files
    assert MARK[:3] not in made
    assert volumes.prove(made, done.bulk[file]) == []
    assert volumes.prove(content, done.bulk[file]) != []
    assert np.array_equal(np.asarray(nibabel.Nifti1Image.from_bytes(made).dataobj).ravel(), np.arange(60))


def test_the_order_and_time_of_slices_stay_and_places_beyond_any_are_refused():
    timed = volume(at39=b"\x30", at74=b"\0\0", at120=b"\x04\0\x01", at132=struct.pack("<f", 80))
    ((_, made),) = volumes.clean(timed).files
    header = nibabel.Nifti1Header.from_fileobj(io.BytesIO(made))
    assert (header["slice_end"], header["slice_code"], header["slice_duration"]) == (4, 1, 80)
    with pytest.raises(CannotClean):
        volumes.clean(volume(at292=MARK[:4]))
