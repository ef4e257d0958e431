"""Glucose exports of three hospitals: sensors of two rates, both units, invented patients, planted defects.

| site | form | unit | rate | patients' names |
|---|---|---|---|---|
| site-a | xlsx with merged title rows, Chinese headings | mmol/L | 15 min | Chinese |
| site-b | text in GB18030 bytes without a declared character set, date and time apart | mg/dL | 5 min | Chinese |
| site-c | text with byte order mark, semicolons, decimal commas, mixed line ends | mmol/L | 5 min | Latin |

Glucose falls into an episode along a slope that a trend can foresee; some falls stop short of it, and some are
sudden, so that no honest device finds all or is never wrong. Each site has a laboratory summary.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from medassay.core.atomic import write_atomic
from medassay.core.canonical import canonical_json
from medassay.core.findings import Reason
from medassay.phantoms.cgm.defects import plant
from medassay.phantoms.cgm.exported import defect, write, write_summary
from medassay.phantoms.cgm.people import SITES, person_of
from medassay.phantoms.cgm.recording import Parameters as Parameters
from medassay.phantoms.cgm.recording import recorded


def generate(parameters: Parameters, seed: int, export: Path, truth: Path) -> None:
    """Write the export below `export` and what was planted as `truth`."""
    generator = np.random.default_rng([seed, 5])
    people = [person_of(generator, number) for number in range(parameters.subjects)]
    for person in people:
        write(export, recorded(generator, person, parameters))
    told = [{"file": p.file, "site": p.site.folder, "diabetes": p.diabetes} for p in people]
    planted: list[dict[str, str]] = []
    if parameters.defects:
        more, planted = plant(generator, people, parameters, export)
        people = people + more
        write_atomic(export / "site-b" / "说明.txt", "请勿外传。\n联系护士站。\n".encode("gb18030"))
        planted.append(defect("no_table", "site-b/说明.txt", "unassigned", Reason.UNKNOWN_FORMAT))
    for site in SITES:
        planted += write_summary(generator, export, site, [p for p in people if p.site is site], parameters)
    record = {"schema": "medassay.phantom/1", "kind": "cgm", "subjects": told, "defects": planted}
    write_atomic(truth, canonical_json(record))
