"""Error grids for blood glucose: Clarke, and Parkes (consensus) for type 1 and type 2 diabetes. All in mg/dL.

Conventions on which tools disagree, as parameters:

- Clarke `corners`: the zones overlap on their borders, and the paper draws them without saying whose a border is.
  "ega" (R ega 2.0.0): 20 % and readings below 70 on both sides are A; reference above 240 opens D, test 180
  closes it; upper C has no end at 290; E takes its borders from C and D. "methcomp" (Python methcomp 1.0.0): as
  "ega", but C and D take the borders that they share with E. "closed" (the widely copied Matlab routine of
  Codina): every zone holds its borders, upper C ends at reference 290, A first, then E, C, D.
- Parkes `borders`: "published" are the coordinates as printed. "ega" turns the lower C/D border of type 1 a
  little: R ega and methcomp draw it from (250, 40) to a point that belongs to the border of type 2 and moves with
  the largest reference of the data, so that a few pairs become D that are C as published. A point on a border
  lies in the better zone; the last segments run on as straight lines.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from medassay.core.estimate import Estimate
from medassay.core.method import method
from medassay.statistics.paired import FloatArray, groups, pairs
from medassay.statistics.ratio import ratio
from medassay.statistics.variance_components import Labels

Zones = NDArray[np.str_]
Corners = Literal["ega", "methcomp", "closed"]
Diabetes = Literal["type_1", "type_2"]
Borders = Literal["published", "ega"]
LETTERS = np.array(list("ABCDE"))

# Borders of the consensus grid as printed by Pfuetzner et al. 2013, tables 1 and 2: (reference, test) in mg/dL,
# each outer zone's border above and below the diagonal. The last segment runs on beyond 550.
Border = tuple[tuple[float, float], ...]
UPPER: dict[Diabetes, tuple[Border, ...]] = {
    "type_1": (
        ((0, 50), (30, 50), (140, 170), (280, 380), (430, 550)),
        ((0, 60), (30, 60), (50, 80), (70, 110), (260, 550)),
        ((0, 100), (25, 100), (50, 125), (80, 215), (125, 550)),
        ((0, 150), (35, 155), (50, 550)),
    ),
    "type_2": (
        ((0, 50), (30, 50), (230, 330), (440, 550)),
        ((0, 60), (30, 60), (280, 550)),
        ((0, 80), (25, 80), (35, 90), (125, 550)),
        ((0, 200), (35, 200), (50, 550)),
    ),
}
LOWER: dict[Diabetes, tuple[Border, ...]] = {
    "type_1": (
        ((50, 0), (50, 30), (170, 145), (385, 300), (550, 450)),
        ((120, 0), (120, 30), (260, 130), (550, 250)),
        ((250, 0), (250, 40), (550, 150)),
    ),
    "type_2": (
        ((50, 0), (50, 30), (90, 80), (330, 230), (550, 450)),
        ((90, 0), (260, 130), (550, 250)),
        ((250, 0), (250, 40), (410, 110), (550, 160)),
    ),
}


@dataclass(frozen=True)
class ZoneShares:
    """Share of the pairs in each zone, clustered by subject; `convention` is the grid and its corners."""

    shares: dict[str, Estimate]
    a_or_b: Estimate
    convention: str


@method(
    id="clarke-error-grid",
    task="measurement",
    zh="Clarke误差网格",
    en="Clarke error grid",
    formula="zone A to E of (reference, test) in mg/dL; borders by the declared corners",
    source="Clarke et al., Diabetes Care 10:622-628, 1987",
    check="R ega 2.0.0, Python methcomp 1.0.0 and error-grids 0.1.0",
)
def clarke_zones(reference: ArrayLike, test: ArrayLike, *, corners: Corners = "ega") -> Zones:
    """Zone of each pair.

    Parameters
    ----------
    reference, test : shape (n,), mg/dL, above zero
    corners : "ega", "methcomp" or "closed"
        Whose the borders are; see the module.

    Returns
    -------
    array of "A" to "E", shape (n,)

    Raises
    ------
    WrongUse
        For values that are not finite and above zero.

    Examples
    --------
    >>> "".join(clarke_zones([100, 100, 120, 60, 60], [110, 150, 250, 100, 200]))
    'ABCDE'
    """
    x, y = pairs(reference, test, names=("reference", "test"), positive=True)
    order: tuple[tuple[str, FloatArray | NDArray[np.bool_]], ...]
    if corners == "closed":
        order = (
            ("D", _closed_d(x, y)),
            ("C", _closed_c(x, y)),
            ("E", ((x >= 180) & (y <= 70)) | ((x <= 70) & (y >= 180))),
            ("A", ((x <= 70) & (y <= 70)) | (np.abs(y - x) <= 0.2 * x)),
        )
    else:
        d = ((x < 70) | (x > 240)) & (y >= 70) & (y < 180)
        c = ((x >= 130) & (x <= 180) & (y < 1.4 * (x - 130))) | ((x > 70) & (y > 180) & (y > x + 110))
        e = ((x <= 70) & (y >= 180)) | ((x >= 180) & (y <= 70))
        a = (np.abs(y - x) / x * 100 <= 20) | ((x < 70) & (y < 70))
        named = {"A": a, "C": c, "D": d, "E": e}
        order = tuple((zone, named[zone]) for zone in ("DCAE" if corners == "ega" else "EDCA"))
    zones = np.full(len(x), "B")
    for zone, inside in order:
        zones[inside.astype(bool)] = zone
    return zones


def _closed_c(x: FloatArray, y: FloatArray) -> NDArray[np.bool_]:
    over = (x >= 70) & (x <= 290) & (y >= x + 110)
    under = (x >= 130) & (x <= 180) & (y <= 1.4 * x - 182)
    inside: NDArray[np.bool_] = over | under
    return inside


def _closed_d(x: FloatArray, y: FloatArray) -> NDArray[np.bool_]:
    band = (y >= 70) & (y <= 180)
    slanted = (x >= 175 / 3) & (x <= 70) & (y >= 1.2 * x)
    inside: NDArray[np.bool_] = ((x >= 240) & band) | ((x <= 175 / 3) & band) | slanted
    return inside


@method(
    id="parkes-error-grid",
    task="measurement",
    zh="Parkes（共识）误差网格",
    en="Parkes (consensus) error grid",
    formula="zone = number of borders passed outward, above or below the diagonal",
    source="Parkes et al., Diabetes Care 23:1143, 2000; Pfuetzner et al., J Diabetes Sci Technol 7:1275, 2013",
    check="R ega 2.0.0, Python methcomp 1.0.0",
)
def parkes_zones(
    reference: ArrayLike, test: ArrayLike, *, diabetes: Diabetes = "type_1", borders: Borders = "published"
) -> Zones:
    """Zone of each pair; ISO 15197 uses the grid for type 1.

    Parameters
    ----------
    reference, test : shape (n,), mg/dL, above zero
    diabetes : "type_1" or "type_2"
    borders : "published" or "ega"
        See the module.

    Returns
    -------
    array of "A" to "E", shape (n,)

    Examples
    --------
    >>> "".join(parkes_zones([100, 100, 100, 50, 30], [110, 150, 250, 300, 300]))
    'ABCDE'
    """
    x, y = pairs(reference, test, names=("reference", "test"), positive=True)
    above = sum((y > _along(x, border)).astype(np.int64) for border in UPPER[diabetes])
    # Below the diagonal borders rise without a break in test, so reference is read off against test.
    lower = list(LOWER[diabetes])
    if borders == "ega" and diabetes == "type_1":
        reach = max(float(x.max(initial=0.0)) + 20, 550.0)
        lower[2] = ((250, 0), (250, 40), (reach, 110 + (reach - 410) * 110 / 300))
    turned = [tuple((point[1], point[0]) for point in border) for border in lower]
    below = sum((x > _along(y, border)).astype(np.int64) for border in turned)
    return LETTERS[np.maximum(above, below)]


def _along(at: FloatArray, border: Border) -> FloatArray:
    """Height of a border at some abscissae, its last segment running on."""
    x, y = np.array(border, dtype=np.float64).T
    last = (y[-1] - y[-2]) / (x[-1] - x[-2])
    height: FloatArray = np.where(at > x[-1], y[-1] + (at - x[-1]) * last, np.interp(at, x, y))
    return height


def zone_shares(
    zones: Zones,
    subject: Labels,
    *,
    convention: str,
    seed: int,
    replicates: int = 2000,
    confidence: float = 0.95,
) -> ZoneShares:
    """Share of pairs in each zone with intervals over resampled subjects.

    Parameters
    ----------
    zones : shape (n,)
        Of `clarke_zones` or `parkes_zones`.
    subject : shape (n,)
        Whose pair it is.
    convention : str
        Grid and corners, to stand beside the figures.

    Examples
    --------
    >>> zones = parkes_zones([100, 100, 120, 60], [110, 150, 250, 100])
    >>> zone_shares(zones, list("pqrs"), convention="parkes(type_1)", seed=1).a_or_b.value
    0.5
    """
    member = groups(subject, len(zones), "subjects")

    def share(letters: str) -> Estimate:
        inside = np.isin(zones, list(letters)).astype(np.float64)
        return ratio(
            np.bincount(member, inside).astype(np.float64),
            np.bincount(member).astype(np.float64),
            undefined="no pair",
            seed=seed,
            replicates=replicates,
            confidence=confidence,
            proportion=True,
        )

    return ZoneShares({letter: share(letter) for letter in "ABCDE"}, share("AB"), convention)
