"""The defects that are planted, one person each, and what each must end as."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from medassay.formats.imaging.grid import Grid
from medassay.phantoms.mr_volume import headers
from medassay.phantoms.mr_volume.export import Case, Defect, Writer


def _truncated_file(writer: Writer, case: Case) -> None:
    writer.write(case)
    path = writer.export / case.files[4]
    path.write_bytes(path.read_bytes()[:-700])


def _wrong_spacing(writer: Writer, case: Case) -> None:
    case.images[6].PixelSpacing = ["1.25", "1.25"]
    writer.write(case)


def _decimal_slip(writer: Writer, case: Case) -> None:
    """Spacing in cm instead of mm, or a point too far to the left: everything shrinks to a tenth."""
    affine = case.grid.affine.copy()
    affine[:3, :3] /= 10
    small = Grid(case.grid.shape, affine)
    for index, image in enumerate(case.images):
        image.PixelSpacing = [f"{step:g}" for step in small.spacing_mm[1:]]
        image.SliceThickness = image.SpacingBetweenSlices = f"{small.spacing_mm[0]:g}"
        image.ImagePositionPatient = [f"{v:.6g}" for v in small.position(index)]
    case.grid = small
    writer.write(case)


def _missing_slice(writer: Writer, case: Case) -> None:
    writer.write(case, skip=frozenset({len(case.images) // 2}))


def _tilt(writer: Writer, case: Case) -> None:
    for index, image in enumerate(case.images):
        x, y, z = (float(v) for v in image.ImagePositionPatient)
        image.ImagePositionPatient = [f"{x:.6g}", f"{y + 0.2 * index:.6g}", f"{z:.6g}"]
    writer.write(case)


def _flat_slices(writer: Writer, case: Case) -> None:
    values = case.pixels()
    values[10:13] = 0
    case.set_pixels(values)
    writer.write(case)


def _clipped(writer: Writer, case: Case) -> None:
    values = case.pixels()
    case.set_pixels(np.minimum(values, int(np.percentile(values, 90))))
    writer.write(case)


def _noise(writer: Writer, case: Case) -> None:
    draw = np.random.default_rng([writer.seed, 10_001])
    values = case.pixels() + draw.normal(0, 0.35 * case.site.gain, case.grid.shape)
    case.set_pixels(np.clip(np.rint(values), 0, 4095).astype(np.int64))
    writer.write(case)


def _duplicate(writer: Writer, case: Case) -> None:
    """The same pixels under another person's id, with UIDs of their own."""
    writer.write(case)
    draw = np.random.default_rng([writer.seed, 10_002])
    other = headers.invented(draw, 98, case.site)
    token = f"{case.token}-copy"
    images = headers.series(
        other, case.site, case.pixels(), case.grid, token=token, instance_order=range(1, len(case.images) + 1)
    )
    copy = Case(
        token,
        f"archive-1/{other.patient_id}/SE2",
        case.site,
        other,
        case.grid,
        case.seen,
        images,
        case.reads,
        [],
    )
    writer.write(copy)
    case.files += copy.files


def _two_ids(writer: Writer, case: Case) -> None:
    """One person, scanned at two sites under a number of each."""
    writer.write(case)
    sites = writer.parameters.sites
    other_site = sites[(sites.index(case.site) + 1) % len(sites)]
    person = replace(case.person, patient_id=f"{90_000_000 + len(case.files)}")
    again = writer.case(1000, other_site, disputed=False, person=person)
    writer.write(again)
    case.files += again.files


def _label_outside(writer: Writer, case: Case) -> None:
    """The second reader's file lies 30 voxels beside the image."""
    reader = writer.parameters.readers[1]
    labels = case.reads.pop(reader)
    writer.write(case)
    affine = case.grid.affine.copy()
    affine[:3, 3] += 30 * affine[:3, 2]
    moved = Grid(case.grid.shape, affine)
    writer.put(case, writer.read_name(case, reader), writer.segmentation(case, reader, labels, moved))


def _other_grid(writer: Writer, case: Case) -> None:
    """The second reader's file has voxels of another size."""
    reader = writer.parameters.readers[1]
    labels = case.reads.pop(reader)
    writer.write(case)
    affine = case.grid.affine.copy()
    affine[:3, 1:3] *= 1.1
    scaled = Grid(case.grid.shape, affine)
    writer.put(case, writer.read_name(case, reader), writer.segmentation(case, reader, labels, scaled))


def _missing_label(writer: Writer, case: Case) -> None:
    case.reads.clear()
    writer.write(case)


def _orphan_label(writer: Writer, case: Case) -> None:
    writer.write(case, skip=frozenset(range(len(case.images))))


def _repeated_object(writer: Writer, case: Case) -> None:
    """One file was exported twice; the person's sample itself is sound."""
    writer.write(case)
    again = f"{case.folder}/copy of one"
    content = (writer.export / case.files[3]).read_bytes()
    case.files.clear()
    writer.put(case, again, content)


def _foreign_file(writer: Writer, case: Case) -> None:
    writer.put(case, f"{case.folder}/note.txt", "随访记录，不是影像".encode("gbk"))


def _empty_file(writer: Writer, case: Case) -> None:
    writer.put(case, f"{case.folder}/I0001", b"")


def _screenshot(writer: Writer, case: Case) -> None:
    from pydicom.uid import UID

    image = case.images[0]
    secondary_capture = UID("1.2.840.10008.5.1.4.1.1.7")
    image.SOPClassUID = image.file_meta.MediaStorageSOPClassUID = secondary_capture
    writer.put(case, f"{case.folder}/I0001", headers.encoded(image))


def _disputed_alone(writer: Writer, case: Case) -> None:
    """The readers differ and nobody arbitrated."""
    reader = writer.parameters.readers[1]
    case.reads[reader] = case.seen.labels(grown_mm=1.5, moved_mm=8.0)
    writer.write(case)


DEFECTS = (
    Defect("truncated_file", "take_in", "truncated", _truncated_file),
    Defect("wrong_spacing", "take_in", "geometry_irregular", _wrong_spacing),
    Defect("missing_slice", "take_in", "slice_missing", _missing_slice),
    Defect("tilt", "take_in", "geometry_irregular", _tilt),
    Defect("label_outside", "take_in", "reference_invalid", _label_outside),
    Defect("label_on_another_grid", "take_in", "reference_invalid", _other_grid),
    Defect("missing_label", "take_in", "reference_missing", _missing_label),
    Defect("decimal_slip", "measurements", "unit_implausible", _decimal_slip, "row_spacing_mm"),
    Defect("flat_slices", "measurements", "signal_flat", _flat_slices, "flat_slices"),
    Defect("clipped", "measurements", "signal_clipped", _clipped, "saturated_share"),
    Defect("noise", "measurements", "signal_noisy", _noise, "noise_ratio"),
    Defect("duplicate_under_another_id", "duplicates", "duplicate", _duplicate),
    Defect("one_patient_two_ids", "persons", "same_subject", _two_ids),
    Defect("disputed_and_not_arbitrated", "annotate", "reference_missing", _disputed_alone),
    Defect("orphan_label", "assemble", "image_missing", _orphan_label),
    Defect("repeated_object", "assemble", "duplicate", _repeated_object),
    Defect("foreign_file", "assemble", "unknown_format", _foreign_file),
    Defect("empty_file", "assemble", "empty_file", _empty_file),
    Defect("screenshot", "assemble", "unsupported_form", _screenshot),
)
