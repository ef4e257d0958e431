"""A DICOM series whose grey values are disturbed; places, identifiers and reference stay."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from medassay.formats.imaging import dicom_series
from medassay.measures.perturb_image import SUITE as SUITE
from medassay.measures.perturbation import FloatArray, Perturbation

if TYPE_CHECKING:
    from pydicom.dataset import Dataset


def disturbed(
    sample: str,
    copy: str,
    files: Mapping[str, bytes],
    how: Perturbation,
    strength: float,
    generator: np.random.Generator,
) -> dict[str, bytes]:
    """Every slice rewritten uncompressed, with values rounded and kept within the bits stored."""
    import pydicom
    from pydicom.uid import ExplicitVRLittleEndian

    names = sorted(files)
    opened = [dicom_series.open_whole(files[name]) for name in names]
    depth = [float(np.dot(_normal(one), dicom_series.place_of(one).position)) for one in opened]
    order = np.argsort(depth)
    values = np.stack([dicom_series.stored_values(opened[place]) for place in order]).astype(np.float64)
    changed = np.rint(how.function(values, strength, generator))
    found = {}
    for layer, place in zip(changed, order, strict=True):
        one = opened[place]
        signed = int(one.PixelRepresentation) == 1
        bits = int(one.BitsStored)
        low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
        kind = f"<{'i' if signed else 'u'}{int(one.BitsAllocated) // 8}"
        one.PixelData = np.clip(layer, low, high).astype(kind).tobytes()
        one["PixelData"].VR = "OW" if int(one.BitsAllocated) > 8 else "OB"
        one.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        sink = io.BytesIO()
        pydicom.dcmwrite(sink, one, enforce_file_format=True, little_endian=True, implicit_vr=False)
        found[names[place].replace(sample, copy)] = sink.getvalue()
    return found


def _normal(image: Dataset) -> FloatArray:
    place = dicom_series.place_of(image)
    return np.cross(place.along_row, place.along_column)
