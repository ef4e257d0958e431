"""Write the export: each person's series and reads, the planted defects, and the truth beside it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from medassay.core.atomic import write_atomic
from medassay.formats.imaging import segmentation
from medassay.formats.imaging.grid import Grid, Labels
from medassay.phantoms.mr_volume import headers
from medassay.phantoms.mr_volume.anatomy import Anatomy, anatomy, careless_border, scanned
from medassay.phantoms.mr_volume.headers import Person
from medassay.phantoms.mr_volume.parameters import Parameters, Site

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

FIELD_MM = (36.0, 51.0, 35.0)  # of the crop, along slices, rows and columns


@dataclass(eq=False)
class Case:
    """One scan before it is written; a defect changes it."""

    token: str
    folder: str
    site: Site
    person: Person
    grid: Grid
    seen: Anatomy
    images: list[Dataset]
    reads: dict[str, Labels]
    files: list[str]

    def set_pixels(self, values: NDArray[np.int64]) -> None:
        for image, plane in zip(self.images, values, strict=True):
            image.PixelData = plane.astype("<u2").tobytes()

    def pixels(self) -> NDArray[np.int64]:
        planes = [np.frombuffer(image.PixelData, "<u2") for image in self.images]
        return np.array(planes).reshape(self.grid.shape).astype(np.int64)


@dataclass(frozen=True)
class Defect:
    """What is planted, and what it must end as."""

    kind: str
    stage: str  # where it is met: assemble, take_in, measurements, duplicates, persons, annotate
    reason: str
    plant: Callable[[Writer, Case], None]
    column: str = ""  # the measurement that shows it


def generate(parameters: Parameters, seed: int, export: Path, truth: Path) -> None:
    """Write the export below `export` and what was planted to `truth`; the same seed gives the same bytes."""
    from medassay.phantoms.mr_volume.defects import DEFECTS

    writer = Writer(parameters, seed, export)
    people = []
    number, every = 0, writer.clean // (parameters.disputed + 1)
    disputed = {every * (turn + 1) for turn in range(parameters.disputed)}
    for site in parameters.sites:
        for _ in range(site.subjects):
            case = writer.case(number, site, disputed=number in disputed)
            writer.write(case)
            people.append({"token": case.token, "folder": case.folder, "files": case.files})
            number += 1
    planted = []
    for position, defect in enumerate(DEFECTS if parameters.defects else ()):
        case = writer.case(
            number + position, parameters.sites[position % len(parameters.sites)], disputed=False
        )
        defect.plant(writer, case)
        planted.append(
            {
                "kind": defect.kind,
                "stage": defect.stage,
                "reason": defect.reason,
                "column": defect.column,
                "files": case.files,
            }
        )
    record = {"seed": seed, "people": people, "defects": planted, "disputed": sorted(writer.disputed)}
    write_atomic(truth, json.dumps(record, ensure_ascii=False, indent=1).encode())


class Writer:
    """Draws people from their own numbers, so that one more never changes the others."""

    def __init__(self, parameters: Parameters, seed: int, export: Path) -> None:
        self.parameters, self.seed, self.export = parameters, seed, export
        self.clean = sum(site.subjects for site in parameters.sites)
        self.disputed: set[str] = set()

    def case(self, number: int, site: Site, *, disputed: bool, person: Person | None = None) -> Case:
        draw = np.random.default_rng([self.seed, number])
        who = person or headers.invented(draw, number, site)
        token = f"{self.seed}-{number}"
        grid = _grid(draw, site)
        seen = anatomy(draw, grid, size=1 - 0.004 * (min(who.age, 90) - 65))
        values = scanned(
            draw, seen.tissue, grid=grid, noise=site.noise, contrast=site.contrast, gain=site.gain
        )
        order = [int(i) + 1 for i in draw.permutation(len(values))]
        images = headers.series(who, site, values, grid, token=token, instance_order=order)
        place = self.parameters.sites.index(site) + 1
        folder = f"archive-{place}/{who.patient_id}/SE2"
        case = Case(token, folder, site, who, grid, seen, images, self._reads(draw, grid, seen, disputed), [])
        if disputed:
            self.disputed.add(token)
        return case

    def write(self, case: Case, *, skip: frozenset[int] = frozenset()) -> None:
        """Series under the patient's number, reads under the readers' folders."""
        for index, image in enumerate(case.images):
            if index not in skip:
                self.put(case, f"{case.folder}/I{image.InstanceNumber:04d}", headers.encoded(image))
        for reader, labels in case.reads.items():
            self.put(case, self.read_name(case, reader), self.segmentation(case, reader, labels))

    def put(self, case: Case, relative: str, content: bytes) -> None:
        path = self.export / relative
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        case.files.append(relative)

    def read_name(self, case: Case, reader: str) -> str:
        return f"readers/{reader}/{case.person.patient_id}.dcm"

    def segmentation(self, case: Case, reader: str, labels: Labels, grid: Grid | None = None) -> bytes:
        structures = self.parameters.structures
        names = dict(zip((1, 2), structures, strict=True))
        return segmentation.write(
            labels,
            images=case.images[: len(labels)],
            grid=grid or case.grid,
            names=names,
            uid=lambda purpose: headers.uid(case.token, reader, purpose),
            maker=("PHANTOM", "reading station"),
            finish=lambda dataset: _read_by(dataset, reader),
        )

    def _reads(
        self, draw: np.random.Generator, grid: Grid, seen: Anatomy, disputed: bool
    ) -> dict[str, Labels]:
        """Two careful readers stray a little; in a disputed case the second one divides and grows otherwise."""
        noise = self.parameters.reader_noise_mm
        first, second, last = (careless_border(draw, grid, noise) for _ in range(3))
        moved = draw.normal(0, 2 * noise, 3)
        reads = {
            self.parameters.readers[0]: seen.labels(grown_mm=first, moved_mm=float(moved[0])),
            self.parameters.readers[1]: seen.labels(
                grown_mm=second + 1.3 * disputed, moved_mm=float(moved[1]) + 6.0 * disputed
            ),
        }
        if disputed:
            reads[self.parameters.arbitrator] = seen.labels(grown_mm=last, moved_mm=float(moved[2]))
        return reads


def _read_by(dataset: Any, reader: str) -> None:
    dataset.ContentCreatorName = f"READER^{reader}"


def _grid(draw: np.random.Generator, site: Site) -> Grid:
    sizes = [
        round(mm / step) + int(draw.integers(-1, 2))
        for mm, step in zip(FIELD_MM, site.spacing_mm, strict=True)
    ]
    affine = np.zeros((4, 4))
    affine[2, 0], affine[1, 1], affine[0, 2], affine[3, 3] = (*site.spacing_mm, 1.0)
    affine[:3, 3] = np.round(draw.normal(0, 20, 3), 2)
    return Grid((sizes[0], sizes[1], sizes[2]), affine)
