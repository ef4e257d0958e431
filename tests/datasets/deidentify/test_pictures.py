"""Picture files and NIfTI volumes: nothing planted in a header, a comment or beside the pixels leaves; pixels stay."""

import gzip
import io
import struct
import zlib
from collections import Counter

import nibabel
import numpy as np
import pytest
import tifffile
from PIL import Image, PngImagePlugin

from medassay.datasets.deidentify import pictures, volumes
from medassay.datasets.deidentify.outgoing import CannotClean
from medassay.datasets.deidentify.profile import RESEARCH
from medassay.datasets.take import attempt
from medassay.verbs import deidentify

MARK = "QZXMARK"
PLAIN = RESEARCH.model_copy(update={"burned_in": "not_screened"})
GREY = (np.add.outer(np.arange(40), np.arange(52)) % 256).astype(np.uint8)
COLOUR = np.stack([GREY, GREY[::-1], GREY[:, ::-1]], axis=-1)


def saved(array, form, **options):
    sink = io.BytesIO()
    Image.fromarray(array).save(sink, form, **options)
    return sink.getvalue()


def png():
    texts = PngImagePlugin.PngInfo()
    texts.add_text("Author", MARK)
    texts.add_itxt("Comment", MARK, zip=False)
    exif = Image.Exif()
    exif[0x010E] = MARK
    content = saved(COLOUR, "PNG", pnginfo=texts, exif=exif, dpi=(72, 72))
    own = b"maRk" + MARK.encode()
    chunk = struct.pack(">I", len(MARK)) + own + struct.pack(">I", zlib.crc32(own))
    return content[:33] + chunk + content[33:] + MARK.encode()


def jpeg(**options):
    exif = Image.Exif()
    exif[0x010E], exif[0x0112] = MARK, 6
    content = saved(COLOUR, "JPEG", exif=exif, comment=MARK.encode(), **options)
    return content + MARK.encode()


def bmp():
    content = bytearray(saved(GREY[:, :50], "BMP"))
    start = struct.unpack_from("<I", content, 10)[0]
    content[start + 50 : start + 52] = b"QZ"  # beside the first row
    return bytes(content) + MARK.encode()


def tiff(**options):
    sink = io.BytesIO()
    tifffile.imwrite(sink, COLOUR, photometric="rgb", description=MARK, software=MARK, **options)
    return sink.getvalue() + MARK.encode()


def two_pages():
    sink = io.BytesIO()
    with tifffile.TiffWriter(sink, byteorder=">") as book:
        for page in (GREY, GREY[::-1]):
            book.write(page, description=MARK, tile=(16, 16), contiguous=False)
    return sink.getvalue()


GOOD = {
    "png": png,
    "png palette": lambda: _palette(),
    "jpeg": jpeg,
    "jpeg progressive": lambda: jpeg(progressive=True),
    "bmp": bmp,
    "tiff": tiff,
    "tiff deflate": lambda: tiff(compression="zlib", predictor=True, rowsperstrip=8),
    "tiff of two tiled pages, big endian": two_pages,
}


def _palette():
    sink = io.BytesIO()
    texts = PngImagePlugin.PngInfo()
    texts.add_text("Author", MARK)
    Image.fromarray(COLOUR).quantize(16).save(sink, "PNG", pnginfo=texts)
    return sink.getvalue()


@pytest.mark.parametrize("name", GOOD)
def test_no_planted_text_leaves_and_every_pixel_stays(name):
    content = GOOD[name]()
    assert MARK.encode() in content
    done = pictures.clean(content, PLAIN)
    ((file, made),) = done.files
    assert MARK.encode() not in made
    assert b"QZ" not in made
    assert pictures.prove(made, done.bulk[file]) == []
    assert any(action == "removed" for _, action in done.actions)
    before, after = Image.open(io.BytesIO(content)), Image.open(io.BytesIO(made))
    for page in range(getattr(before, "n_frames", 1)):
        before.seek(page)
        after.seek(page)
        assert np.array_equal(np.asarray(before.convert("RGB")), np.asarray(after.convert("RGB")))
    assert pictures.clean(made, PLAIN).files == done.files


def test_how_the_camera_was_held_stays_without_the_rest_of_its_record():
    ((_, made),) = pictures.clean(jpeg(), PLAIN).files
    assert dict(Image.open(io.BytesIO(made)).getexif()) == {0x0112: 6}


@pytest.mark.parametrize(
    ("name", "spoil"),
    [
        ("png", lambda made: made + b"Q"),
        ("png", lambda made: made[:33] + png()[33:60] + made[33:]),
        ("jpeg", lambda made: made[:2] + b"\xff\xfe\x00\x06ZHAN" + made[2:]),
        ("jpeg", lambda made: made + b"Q"),
        ("bmp", lambda made: made[:6] + b"QZ" + made[8:]),
        ("tiff", lambda made: made + b"QZ"),
        ("tiff", lambda made: tiff()),  # noqa: ARG005 - the door is the same for all
        ("png", lambda made: saved(COLOUR[::-1], "PNG")),  # noqa: ARG005 - the door is the same for all
        ("png", lambda made: made[:50]),
    ],
)
def test_the_proof_finds_what_the_list_does_not_hold_and_other_pixels(name, spoil):
    done = pictures.clean(GOOD[name](), PLAIN)
    ((file, made),) = done.files
    assert pictures.prove(spoil(made), done.bulk[file]) != []


@pytest.mark.parametrize("name", GOOD)
def test_a_picture_that_breaks_off_is_refused_and_nothing_else_happens(name):
    content = GOOD[name]()
    for cut in range(12, len(content) - len(MARK) - 2, max(1, len(content) // 23)):
        done, stopped = attempt(lambda cut=cut: pictures.clean(content[:cut], PLAIN))
        if done is None:
            assert "reader stopped" not in stopped.found
            continue
        ((file, made),) = done.files
        assert pictures.prove(made, done.bulk[file]) == []


def test_rows_that_hide_behind_the_picture_are_refused():
    content = saved(GREY, "PNG")
    body = zlib.compress(zlib.decompress(content[content.index(b"IDAT") + 4 : -16]) + MARK.encode())
    chunk = struct.pack(">I", len(body)) + b"IDAT" + body + struct.pack(">I", zlib.crc32(b"IDAT" + body))
    with pytest.raises(CannotClean):
        pictures.clean(content[:33] + chunk + content[-12:], PLAIN)


def test_pixels_packed_in_a_form_with_texts_of_its_own_are_refused():
    with pytest.raises(CannotClean):
        pictures.clean(saved(COLOUR, "TIFF", compression="jpeg"), PLAIN)


def volume(packed, **fields):
    image = nibabel.Nifti1Image(np.arange(60, dtype=np.int16).reshape(3, 4, 5), np.eye(4))
    for name, value in {
        "descrip": MARK,
        "aux_file": MARK,
        "db_name": MARK,
        "intent_name": MARK,
        **fields,
    }.items():
        image.header[name] = value
    image.header.extensions.append(nibabel.nifti1.Nifti1Extension("comment", MARK.encode()))
    content = image.to_bytes() + MARK.encode()
    sink = io.BytesIO()
    with gzip.GzipFile(f"{MARK}.nii", "wb", fileobj=sink) as stream:
        stream.write(content)
    return sink.getvalue() if packed else content


@pytest.mark.parametrize("packed", [False, True])
def test_a_volume_keeps_its_values_and_place_and_none_of_its_texts(packed):
    done = volumes.clean(volume(packed))
    ((file, made),) = done.files
    plain = gzip.decompress(made) if packed else made
    assert MARK.encode() not in plain + made
    assert volumes.prove(made, done.bulk[file]) == []
    image = nibabel.Nifti1Image.from_bytes(plain)
    assert np.array_equal(np.asarray(image.dataobj), np.arange(60).reshape(3, 4, 5))
    assert volumes.prove(volume(packed), done.bulk[file]) != []
    assert volumes.prove(made[:-5], done.bulk[file]) != []


@pytest.mark.parametrize("cut", [100, 350, 400])
def test_a_volume_that_breaks_off_is_refused(cut):
    with pytest.raises(CannotClean):
        volumes.clean(volume(False)[:cut])


def test_the_verb_writes_pictures_and_volumes_and_refuses_documents_and_videos_by_name(tmp_path):
    source = tmp_path / "in"
    source.mkdir()
    files = {
        "a.png": png(),
        "b.nii.gz": volume(True),
        "c.pdf": b"%PDF-1.7 QZXMARK",
        "d.mp4": b"\0\0\0\x18ftypmp42",
    }
    for name, content in files.items():
        (source / name).write_bytes(content)
    (tmp_path / "own.yaml").write_text("name: own\nburned_in: not_screened\n")
    result = deidentify.run(source, tmp_path / "out", profile=str(tmp_path / "own.yaml"))
    assert Counter(row["outcome"] for row in result["files"]) == {"written": 2, "refused": 2}
    told = {finding["found"] for finding in result["findings"]}
    assert {"a PDF document", "a video"} <= told
    assert not any(
        MARK.encode() in path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()
    )
