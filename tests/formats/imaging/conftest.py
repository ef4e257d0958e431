"""Objects that the tests of this folder make themselves, so that they mean something without outside data."""

import io
from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import UID, ExplicitVRLittleEndian

DATA = Path(__file__).resolve().parents[4] / "shared" / "data"
MR_IMAGE = "1.2.840.10008.5.1.4.1.1.4"


def image(pixels=None, syntax=ExplicitVRLittleEndian, frames=None, **elements):
    """A grey or colour image; `frames` are codestreams, which stand for the pixels."""
    pixels = np.arange(20, dtype=np.uint16).reshape(4, 5) if pixels is None else np.asarray(pixels)
    made = Dataset()
    made.file_meta = FileMetaDataset()
    made.SOPClassUID = made.file_meta.MediaStorageSOPClassUID = elements.pop("SOPClassUID", MR_IMAGE)
    made.SOPInstanceUID = made.file_meta.MediaStorageSOPInstanceUID = elements.pop("SOPInstanceUID", "1.2.3")
    made.file_meta.TransferSyntaxUID = UID(syntax)
    made.Modality, made.SeriesInstanceUID = "MR", "1.2"
    colour = pixels.ndim > 2 and pixels.shape[-1] == 3
    made.Rows, made.Columns = pixels.shape[-3:-1] if colour else pixels.shape[-2:]
    made.SamplesPerPixel = 3 if colour else 1
    made.PhotometricInterpretation = "RGB" if colour else "MONOCHROME2"
    if colour:
        made.PlanarConfiguration = 0
    if pixels.ndim == 3 + colour:
        made.NumberOfFrames = len(pixels)
    made.BitsAllocated = made.BitsStored = 8 * pixels.dtype.itemsize
    made.HighBit, made.PixelRepresentation = made.BitsStored - 1, int(pixels.dtype.kind == "i")
    made.PixelData = pixels.tobytes() if frames is None else encapsulate(frames)
    if frames is not None:
        made["PixelData"].is_undefined_length = True
    for keyword, value in elements.items():
        setattr(made, keyword, value)
    return made


def encoded(dataset):
    """The bytes of a file, in the transfer syntax that its meta information states."""
    sink = io.BytesIO()
    dataset.save_as(sink, enforce_file_format=True)
    return sink.getvalue()


def placed(index, step=(0.0, 0.0, 3.0), **elements):
    """Slice number `index` of a stack."""
    position = [index * part for part in step]
    return image(
        SOPInstanceUID=f"1.2.{index + 1}",
        **{
            "ImagePositionPatient": position,
            "ImageOrientationPatient": [1, 0, 0, 0, 1, 0],
            "PixelSpacing": [1.0, 1.0],
            **elements,
        },
    )


def item(**elements):
    made = Dataset()
    for keyword, value in elements.items():
        setattr(made, keyword, value)
    return made


@pytest.fixture(scope="session")
def make():
    """Makers: `make.image`, `make.encoded`, `make.placed`, `make.item`."""

    class Makers:
        pass

    for function in (image, encoded, placed, item):
        setattr(Makers, function.__name__, staticmethod(function))
    return Makers


@pytest.fixture(scope="session")
def shared():
    """The folder of public data, for tests that need it."""
    if not DATA.is_dir():
        pytest.skip("the public data are not on this machine")
    return DATA
