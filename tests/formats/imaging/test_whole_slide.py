"""A region of a slide is put together from its tiles, and no other tile is decoded."""

import numpy as np
import pytest
from pydicom.uid import RLELossless

from medassay.core.findings import Reason
from medassay.formats.imaging import dicom_file, dicom_pixels, whole_slide
from medassay.formats.imaging.refusal import ImageRefused

SLIDE = np.arange(7 * 10, dtype=np.uint16).reshape(7, 10) + 1


def tiles_of(matrix, rows=3, columns=4):
    """Tiles from left to right and top to bottom; the last ones are filled up."""
    down, across = -(-matrix.shape[0] // rows), -(-matrix.shape[1] // columns)
    padded = np.zeros((down * rows, across * columns), matrix.dtype)
    padded[: matrix.shape[0], : matrix.shape[1]] = matrix
    return padded.reshape(down, rows, across, columns).swapaxes(1, 2).reshape(-1, rows, columns)


@pytest.fixture
def slide(make):
    def built(tiles=None, organization="TILED_FULL", **elements):
        size = {"TotalPixelMatrixRows": 7, "TotalPixelMatrixColumns": 10}
        return make.image(
            tiles_of(SLIDE) if tiles is None else tiles,
            SOPClassUID=whole_slide.WHOLE_SLIDE,
            DimensionOrganizationType=organization,
            **{"ImageType": ["ORIGINAL", "PRIMARY", "VOLUME", "NONE"], **size, **elements},
        )

    return built


@pytest.fixture
def sparse(make, slide):
    def built(kept):
        tiles = tiles_of(SLIDE)
        groups = [
            make.item(
                PlanePositionSlideSequence=[
                    make.item(
                        RowPositionInTotalImagePixelMatrix=3 * (index // 3) + 1,
                        ColumnPositionInTotalImagePixelMatrix=4 * (index % 3) + 1,
                    )
                ]
            )
            for index in kept
        ]
        return slide(tiles[kept], "TILED_SPARSE", PerFrameFunctionalGroupsSequence=groups)

    return built


@pytest.mark.parametrize("region", [(0, 0, 7, 10), (2, 3, 3, 5), (6, 9, 1, 1), (0, 4, 3, 4)])
def test_a_region_holds_the_pixels_of_the_matrix(slide, region):
    row, column, rows, columns = region
    pixels, present = whole_slide.region(slide(), *region)
    assert np.array_equal(pixels, SLIDE[row : row + rows, column : column + columns])
    assert present.all()


def test_only_the_tiles_of_the_region_are_decoded(slide, monkeypatch):
    made, asked = slide(), []
    made.compress(RLELossless, generate_instance_uid=False)
    decode = dicom_pixels.decode
    monkeypatch.setattr(
        dicom_pixels, "decode", lambda dataset, frames: asked.extend(frames) or decode(dataset, frames)
    )
    pixels, _ = whole_slide.region(made, 0, 3, 4, 3)
    assert np.array_equal(pixels, SLIDE[:4, 3:6])
    assert asked == [0, 1, 3, 4]


def test_a_sparse_slide_says_where_it_has_no_tile(make, sparse):
    made = dicom_file.open(make.encoded(sparse([8, 0, 4])), pixels=True).dataset
    pixels, present = whole_slide.region(made, 0, 0, 7, 10)
    assert np.array_equal(pixels[present], SLIDE[present])
    assert (present.sum(), pixels[~present].max()) == (12 + 12 + 1 * 2, 0)


def test_paths_and_planes_of_a_full_matrix_follow_each_other(slide):
    stack = np.concatenate([tiles_of(SLIDE + 100 * n) for n in range(4)])
    made = slide(stack, NumberOfOpticalPaths=2, TotalPixelMatrixFocalPlanes=2)
    assert whole_slide.region(made, 0, 0, 1, 1, path=1, plane=0)[0] == 201
    assert whole_slide.matrix_of(made).full == len(stack)


def test_a_region_outside_the_slide_is_refused(slide):
    for region in ((0, 0, 8, 1), (-1, 0, 1, 1), (0, 0, 0, 1), (0, 10, 1, 1)):
        with pytest.raises(ImageRefused):
            whole_slide.region(slide(), *region)


def test_what_is_wrong_with_a_slide_is_told(slide):
    (missing,) = whole_slide.examine(slide(tiles_of(SLIDE)[:7]))
    assert (missing.reason, missing.found) == (Reason.IMAGE_MISSING, "7 tiles of 9")
    (label,) = whole_slide.examine(slide(ImageType=["ORIGINAL", "PRIMARY", "LABEL", "NONE"]))
    assert label.reason is Reason.IDENTITY_LEFT
    (sizeless,) = whole_slide.examine(slide(TotalPixelMatrixRows=0))
    assert sizeless.reason is Reason.HEADER_INVALID


@pytest.mark.shared
def test_a_real_slide_is_the_same_in_native_and_compressed_tiles(shared):
    """highdicom's sm_image and its JPEG-LS twin; the region is compared with tiles that pydicom orders itself."""
    folder = shared / "dicom-formats" / "modality" / "SM"
    names = ("sm_image", "sm_image_jpegls_nobot")
    native, packed = (dicom_file.open(folder / f"{name}.dcm", pixels=True).dataset for name in names)
    whole, present = whole_slide.region(native, 0, 0, 50, 50)
    rows = native.pixel_array.reshape(5, 5, 10, 10, 3).swapaxes(1, 2).reshape(50, 50, 3)
    assert present.all()
    assert np.array_equal(whole, rows)
    assert np.array_equal(whole_slide.region(packed, 13, 7, 22, 31)[0], whole[13:35, 7:38])
