"""The device's own reading and writing: MR series and segmentations as it is given them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pydicom

STRUCTURES = {1: "anterior", 2: "posterior"}


@dataclass
class Series:
    """One volume in geometric order."""

    images: list[pydicom.Dataset]
    grey: np.ndarray  # (slices, rows, columns), zero mean and unit spread


def rows(folder: Path) -> list[dict]:
    """The lines of samples.jsonl."""
    return [json.loads(line) for line in (folder / "samples.jsonl").read_text("utf-8").splitlines()]


def read_series(folder: Path, row: dict) -> Series:
    """Read the images of a sample; order and place come from position and orientation."""
    images: list[pydicom.Dataset] = [pydicom.dcmread(folder / path) for path in row["files"]["image"]]
    along = np.array(images[0].ImageOrientationPatient, float)
    normal = np.cross(along[:3], along[3:])
    images.sort(key=lambda image: float(np.dot(normal, np.array(image.ImagePositionPatient, float))))
    values = np.stack([image.pixel_array for image in images]).astype(np.float32)
    low, high = np.percentile(values, [0.5, 99.5])
    clipped = np.clip(values, low, high)
    spread = clipped.std()
    if not spread > 0:
        raise ValueError("an image of one grey value")
    return Series(images, ((clipped - clipped.mean()) / spread).astype(np.float32))


def read_reference(folder: Path, row: dict, series: Series) -> np.ndarray:
    """Label map of the reference on the grid of its images."""
    (path,) = row["files"]["reference"]
    reference = pydicom.dcmread(folder / path)
    frames = reference.pixel_array.reshape(-1, reference.Rows, reference.Columns)
    places = np.array([image.ImagePositionPatient for image in series.images], float)
    labels = np.zeros(series.grey.shape, np.uint8)
    for frame, group in zip(frames, reference.PerFrameFunctionalGroupsSequence, strict=True):
        position = np.array(group.PlanePositionSequence[0].ImagePositionPatient, float)
        index = int(np.linalg.norm(places - position, axis=1).argmin())
        labels[index][frame > 0] = group.SegmentIdentificationSequence[0].ReferencedSegmentNumber
    return labels


def write_segmentation(path: Path, series: Series, labels: np.ndarray, sample: str) -> None:
    """One DICOM SEG on the images' grid, every frame written."""
    import highdicom as hd
    from pydicom.sr.codedict import codes

    segments = [
        hd.seg.SegmentDescription(
            segment_number=number,
            segment_label=name,
            segmented_property_category=codes.SCT.AnatomicalStructure,
            segmented_property_type=codes.SCT.AnatomicalStructure,
            algorithm_type="AUTOMATIC",
            algorithm_identification=hd.AlgorithmIdentificationSequence(
                name="unet", version="1.0.0", family=codes.DCM.ArtificialIntelligence
            ),
        )
        for number, name in STRUCTURES.items()
    ]
    segmentation = hd.seg.Segmentation(
        source_images=series.images,
        pixel_array=labels,
        segmentation_type="BINARY",
        segment_descriptions=segments,
        series_instance_uid=_uid(sample, "series"),
        series_number=1000,
        sop_instance_uid=_uid(sample, "instance"),
        instance_number=1,
        manufacturer="medassay",
        manufacturer_model_name="hippocampus-mr-segmenter",
        software_versions="1.0.0",
        device_serial_number="1",
        omit_empty_frames=False,
    )
    # The library stamps the time of writing; the same input has to give the same file.
    for element in ("InstanceCreationDate", "InstanceCreationTime"):
        segmentation.pop(element, None)
    segmentation.ContentDate, segmentation.ContentTime = "20000101", "000000"
    for equipment in segmentation.get("ContributingEquipmentSequence", ()):
        equipment.pop("ContributionDateTime", None)
    organisation = _uid(sample, "dimension")
    for holder in (*segmentation.DimensionOrganizationSequence, *segmentation.DimensionIndexSequence):
        holder.DimensionOrganizationUID = organisation
    segmentation.save_as(path)


def _uid(sample: str, purpose: str) -> str:
    return pydicom.uid.generate_uid(prefix="2.25.", entropy_srcs=[sample, purpose])
