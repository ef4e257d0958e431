"""Text in pixels: the screen on rendered text, what is read, and what becomes of a series that shows some."""

import random
from functools import cache
from importlib.resources import files

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont
from pydicom.dataset import Dataset
from scipy import ndimage

from medassay.datasets.deidentify import burned_in
from medassay.datasets.deidentify.projections import projections

FONT = str(files("noto_cjk_sans_otc").joinpath("NotoSansCJK-Regular.ttc"))
TEXTS = (
    "ZHANG WEI",
    "KAUFMAN SCOTT [M]",
    "DOB 1956-03-02",
    "ID 00079241539",
    "张伟明",
    "姓名：王建国",
    "住院号 0012345",
    "男 67岁",
)


@cache
def tissue(seed, size=256):
    """Smooth grey structures with noise, and no text."""
    from scipy.ndimage import gaussian_filter

    draw = np.random.default_rng(seed)
    rough = gaussian_filter(draw.normal(size=(size, size)), draw.choice((6, 12, 20)))
    grey = (rough - rough.min()) / np.ptp(rough) * 150
    return np.clip(grey + draw.normal(scale=4, size=grey.shape), 0, 255).astype(np.uint8)


def with_text(seed, text, height, brightness=255, size=256):
    image = Image.fromarray(tissue(seed, size))
    place = random.Random(seed)
    at = (place.randrange(2, max(3, size // 4)), place.randrange(2, size - 2 * height))
    ImageDraw.Draw(image).text(at, text, fill=brightness, font=ImageFont.truetype(FONT, height))
    return np.asarray(image)


def test_the_screen_sees_rendered_text_of_every_size_and_script():
    found = [
        burned_in.shows_strokes(with_text(seed, text, height))
        for seed, text in enumerate(TEXTS * 3)
        for height in (8, 10, 14, 32)
    ]
    assert len(found) == 96
    assert sum(found) / len(found) >= 0.99


def test_the_screen_passes_over_most_images_without_text():
    found = [burned_in.shows_strokes(tissue(seed)) for seed in range(40)]
    assert sum(found) <= 12  # the reader looks at these; a text that is missed would leave


def seen(*frames):
    return any(map(burned_in.shows_strokes, projections(frames)))


def drawn(ground, ink, seed=0):
    """Dark or coloured text on an even ground, as labels and reports have it."""
    image = Image.new("RGB" if isinstance(ground, tuple) else "L", (256, 128), ground)
    ImageDraw.Draw(image).text((20, 40), "ZHANG WEI 1956", fill=ink, font=ImageFont.truetype(FONT, 20))
    return np.asarray(image)


def test_text_in_one_frame_is_text_of_the_series():
    frames = [tissue(seed) for seed in range(5)]
    frames[3] = with_text(3, "ZHANG WEI 1956", 16)
    assert seen(*frames)
    assert burned_in.texts_of([]) is None


def test_text_in_a_frame_of_another_size_is_text_of_the_series():
    assert seen(tissue(0), drawn(0, 255))


def test_dark_text_that_another_frame_outshines_is_seen():
    dark, bright = drawn(200, 10), np.full((128, 256), 255, np.uint8)
    assert seen(dark, bright)


@pytest.mark.parametrize(
    ("ground", "ink"),
    [
        ((255, 255, 255), (255, 0, 0)),
        ((255, 255, 255), (0, 0, 255)),
        ((255, 0, 0), (0, 255, 0)),
        ((0, 90, 0), (90, 0, 0)),
    ],
)
def test_text_that_differs_from_its_ground_in_one_colour_is_seen(ground, ink):
    assert seen(drawn(ground, ink))


def test_text_in_the_opacity_alone_is_seen():
    picture = np.dstack([np.full((128, 256, 3), 128, np.uint8), drawn(0, 255)])
    assert seen(picture)


def test_text_beside_a_pixel_that_takes_the_whole_range_is_seen():
    image = with_text(3, "ZHANG WEI 1956", 16).astype(np.uint16)
    image[5, 5] = 65535
    assert seen(image)
    image = image.astype(np.float32)
    image[6, 6] = np.nan
    assert seen(image)


def test_text_in_a_palette_of_like_indices_is_seen():
    from pydicom.dataset import FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian

    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    shown = (drawn(0, 255) > 128).astype(np.uint8)
    shown[0, 0] = 255
    dataset.Rows, dataset.Columns, dataset.SamplesPerPixel, dataset.PixelRepresentation = 128, 256, 1, 0
    dataset.BitsAllocated = dataset.BitsStored = 8
    dataset.PhotometricInterpretation = "PALETTE COLOR"
    dataset.PixelData = shown.tobytes()
    for colour in ("Red", "Green", "Blue"):
        setattr(dataset, f"{colour}PaletteColorLookupTableDescriptor", [256, 0, 8])
        setattr(dataset, f"{colour}PaletteColorLookupTableData", bytes([0, 255]) + bytes(254))
    assert seen(*burned_in.frames_of(dataset))


@pytest.fixture(scope="module")
def sheet():
    """All texts on one image, each with the place that it takes, and what is read: reading is the dear part."""
    image = Image.fromarray(tissue(5, 384))
    draw, font, places = ImageDraw.Draw(image), ImageFont.truetype(FONT, 24), {}
    for number, text in enumerate(TEXTS):
        at = (30 + number % 2 * 60, 10 + number * 44)
        draw.text(at, text, fill=255, font=font)
        places[text] = draw.textbbox(at, text, font=font)
    return np.asarray(image), places, burned_in.burned_in(np.asarray(image))


def test_what_is_burned_in_is_read_in_both_scripts(sheet):
    _, places, found = sheet
    for text, (left, top, right, bottom) in places.items():
        middle = (left + right) / 2, (top + bottom) / 2
        over = [
            one.text
            for one in found
            if one.box[0] <= middle[0] <= one.box[2] and one.box[1] <= middle[1] <= one.box[3]
        ]
        assert text.replace(" ", "") in {one.replace(" ", "") for one in over}


def test_a_text_is_masked_in_every_frame(sheet):
    import importlib.util
    from pathlib import Path

    place = importlib.util.spec_from_file_location("planted", Path(__file__).with_name("planted.py"))
    planted = importlib.util.module_from_spec(place)
    place.loader.exec_module(planted)
    shown, _, found = sheet
    assert found
    dataset = planted.opened(planted.planted_ct()[0])
    dataset.Rows = dataset.Columns = 384
    dataset.BitsAllocated = dataset.BitsStored = 8
    dataset.NumberOfFrames = 2
    dataset.PixelData = shown.tobytes() * 2
    assert burned_in.masked(dataset, found) == len(found)
    for frame in burned_in.frames_of(dataset):
        for one in found:
            x0, y0, x1, y1 = one.box
            assert frame[max(0, y0) : y1, max(0, x0) : x1].max() == 0
    changed = np.frombuffer(dataset.PixelData, np.uint8).reshape(2, 384, 384) != shown
    assert 0 < changed.mean() < 0.4
    dataset.Rows, dataset.Columns = 192, 768
    assert burned_in.masked(dataset, found) == 0  # the places are those of another size


@pytest.mark.parametrize(
    ("text", "harmless"),
    [("L", True), ("RT", True), ("AXIAL T2", True), ("LI WEI", False), ("张伟", False), ("一", True)],
)
def test_side_marks_and_words_of_imaging_are_no_identity(text, harmless):
    assert burned_in.is_harmless(text) == harmless


@pytest.mark.parametrize(("rows", "columns"), [(40, 90), (90, 40)])
def test_planes_that_are_read_on_one_sheet_keep_their_own_places(rows, columns, monkeypatch):
    """A reader that finds the one bright block of each plane gives its place in that plane."""
    planes = []
    for at in (3, 20):
        plane = np.zeros((rows, columns), np.uint8)
        plane[at : at + 10, 5:25] = 255
        planes.append(plane)

    def blocks(sheet):
        label, count = ndimage.label(sheet)
        found = ndimage.find_objects(label)
        boxes = [(x.start, y.start, x.stop, y.stop) for y, x in found]
        assert count == 2
        return [burned_in.Text("ZHANG WEI", 1.0, box, sheet.shape) for box in boxes]

    monkeypatch.setattr(burned_in, "read", blocks)
    found = burned_in._read_together(planes)
    assert sorted(one.box for one in found) == [(5, 3, 25, 13), (5, 20, 25, 30)]
    assert {one.size for one in found} == {(rows, columns)}
