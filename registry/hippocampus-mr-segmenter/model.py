"""A small 3-D U-Net over whole crops that is told where each voxel lies; three classes, one threshold."""

from __future__ import annotations

import importlib
import json
import random
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.ndimage import label

MULTIPLE = 8  # three halvings
UNUSED = ("matplotlib", "mlflow", "pandas", "skimage", "sklearn")


def monai(part: str) -> Any:
    """A module of MONAI, loaded in two thirds of the time: it loads whatever it finds of what is unused here."""
    for name in UNUSED:
        sys.modules.setdefault(name, None)  # type: ignore[arg-type]  # None: as if it were not installed
    return importlib.import_module(f"monai.{part}")


def reproducible(seed: int) -> None:
    """The same input and seed give the same weights; one thread, so that the number of cores changes nothing.

    Two threads were slower: these volumes are small.
    """
    torch.set_num_threads(1)
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
    torch.use_deterministic_algorithms(True)


def network(width: int) -> torch.nn.Module:
    net: torch.nn.Module = monai("networks.nets").UNet(
        spatial_dims=3,
        in_channels=4,
        out_channels=3,
        channels=(width, 2 * width, 4 * width, 4 * width),
        strides=(2, 2, 2),
        num_res_units=1,
        norm="instance",
    )
    return net


def channels(grey: np.ndarray) -> np.ndarray:
    """The image, and for each voxel where it lies in the crop (-1 to 1 along each axis): shape (4, ...)."""
    axes = [np.linspace(-1, 1, size, dtype=np.float32) for size in grey.shape]
    return np.stack([grey, *np.meshgrid(*axes, indexing="ij")])


def padded_shape(shapes: list[tuple[int, ...]]) -> tuple[int, ...]:
    """The smallest shape that holds all of them and can be halved."""
    largest = np.max(shapes, axis=0)
    return tuple(int(-(-size // MULTIPLE) * MULTIPLE) for size in largest)


def padded(volume: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Repeat the border along the last three axes; a label map gets background."""
    extra = [(0, size - have) for have, size in zip(volume.shape[-3:], shape, strict=True)]
    widths = [(0, 0)] * (volume.ndim - 3) + extra
    if volume.dtype == np.uint8:
        return np.pad(volume, widths, mode="constant")
    return np.pad(volume, widths, mode="edge")


@torch.no_grad()
def probabilities(net: torch.nn.Module, grey: np.ndarray) -> np.ndarray:
    """Class probabilities (3, slices, rows, columns)."""
    net.eval()
    volume = torch.from_numpy(padded(channels(grey), padded_shape([grey.shape])))[None]
    found = torch.softmax(net(volume), 1)[0].numpy()
    return found[:, : grey.shape[0], : grey.shape[1], : grey.shape[2]]


def labelled(found: np.ndarray, threshold: float) -> np.ndarray:
    """The largest piece where background is unlikely enough, and in it the likelier structure."""
    pieces, count = label(1 - found[0] > threshold)
    inside = pieces == 1 + np.bincount(pieces.ravel())[1:].argmax() if count else pieces > 0
    return np.where(inside, 1 + found[1:].argmax(0), 0).astype(np.uint8)


def dice(reference: np.ndarray, labels: np.ndarray) -> float:
    """Mean over the two structures."""
    figures = []
    for number in (1, 2):
        first, second = reference == number, labels == number
        total = int(first.sum() + second.sum())
        figures.append(2 * int((first & second).sum()) / total if total else 1.0)
    return float(np.mean(figures))


def save(folder: Path, net: torch.nn.Module, config: dict) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    torch.save(net.state_dict(), folder / "weights.pt")
    (folder / "config.json").write_text(json.dumps(config, indent=1, sort_keys=True), "utf-8")


def load(folder: Path) -> tuple[torch.nn.Module, dict]:
    config = json.loads((folder / "config.json").read_text("utf-8"))
    net = network(config["width"])
    net.load_state_dict(torch.load(folder / "weights.pt", weights_only=True))
    return net, config
