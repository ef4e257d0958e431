"""The network, its decision, and how both are kept: arrays and JSON, nothing that is executed on loading."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from beats import FEATURES, POINTS, Beats
from numpy.typing import NDArray
from torch import nn

CLASSES = ("N", "S", "V", "X")  # X: no beat
SYMBOLS = ("N", "A", "V")


class Net(nn.Module):
    """Three convolutions over the windows, joined by the features."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        c = channels
        self.shape = nn.Sequential(
            nn.Conv1d(4, c, 7, padding=3), nn.BatchNorm1d(c), nn.ReLU(), nn.MaxPool1d(2),
            nn.Conv1d(c, 2 * c, 5, padding=2), nn.BatchNorm1d(2 * c), nn.ReLU(), nn.MaxPool1d(2),
            nn.Conv1d(2 * c, 2 * c, 3, padding=1), nn.BatchNorm1d(2 * c), nn.ReLU(), nn.AvgPool1d(3),
            nn.Flatten(),
        )  # fmt: skip
        width = 2 * c * (POINTS // 2 // 2 // 3)
        self.norm = nn.BatchNorm1d(FEATURES)
        self.out = nn.Sequential(
            nn.Dropout(0.4),
            nn.Linear(width + FEATURES, 48),
            nn.ReLU(),
            nn.Dropout(0.2),
            nn.Linear(48, len(CLASSES)),
        )

    def forward(self, windows: torch.Tensor, features: torch.Tensor) -> torch.Tensor:
        joined: torch.Tensor = self.out(torch.cat([self.shape(windows), self.norm(features)], dim=1))
        return joined


@dataclass(frozen=True)
class Decision:
    """What is added to the scores of S, V and X before the highest one is taken; chosen on the tune split."""

    s: float = 0.0
    v: float = 0.0
    x: float = 0.0

    def classes(self, scores: NDArray[np.float32]) -> NDArray[np.int64]:
        shifted = scores + np.array([0.0, self.s, self.v, self.x], np.float32)
        return shifted.argmax(axis=1).astype(np.int64)


def scores_of(net: Net, beats: Beats) -> NDArray[np.float32]:
    """Log probabilities of the classes, shape (beats, 4)."""
    if not len(beats.samples):
        return np.zeros((0, len(CLASSES)), np.float32)
    net.eval()
    with torch.no_grad():
        made = net(torch.from_numpy(beats.windows), torch.from_numpy(beats.features))
        found: NDArray[np.float32] = torch.log_softmax(made, dim=1).numpy()
    return found


def save(net: Net, decision: Decision, channels: int, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    np.savez(folder / "weights.npz", **{name: value.numpy() for name, value in net.state_dict().items()})
    config = {"channels": channels, "decision": asdict(decision)}
    (folder / "config.json").write_text(json.dumps(config, sort_keys=True, indent=1) + "\n", "utf-8")


def load(folder: Path) -> tuple[Net, Decision]:
    config = json.loads((folder / "config.json").read_text("utf-8"))
    net = Net(config["channels"])
    with np.load(folder / "weights.npz", allow_pickle=False) as stored:
        net.load_state_dict({name: torch.from_numpy(stored[name]) for name in stored.files})
    return net, Decision(**config["decision"])
