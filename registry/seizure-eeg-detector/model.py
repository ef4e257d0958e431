"""Features of each second of a recording, the network that reads them, and how its output becomes events."""

from pathlib import Path

import numpy as np
import torch
from torch import nn

BANDS_HZ = ((1.0, 3.5), (3.5, 8.0), (8.0, 13.0), (13.0, 25.0), (25.0, 45.0))
RANKS = (0, 2, 6, 9)  # widest channel, third, seventh and middle one of 19
WINDOW_S = 2
FEATURES = (len(BANDS_HZ) + 2) * len(RANKS)
SMOOTH_S, SHORTEST_S, JOIN_S = 5, 8, 12


def features(wave: np.ndarray, rate_hz: float) -> np.ndarray:
    """One row a second, shape (seconds, FEATURES).

    Band powers, line length and rhythmicity of each channel, as distances from the recording's own median in
    its own spread; of these the channels by rank, so that it does not matter where a seizure starts.
    """
    rate = round(rate_hz)
    seconds = wave.shape[1] // rate
    padded = np.pad(wave[:, : seconds * rate], ((0, 0), (rate // 2, WINDOW_S * rate)), mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, WINDOW_S * rate, axis=1)[:, ::rate][
        :, :seconds
    ]
    centred = windows - windows.mean(axis=2, keepdims=True)
    power = np.abs(np.fft.rfft(centred * np.hanning(WINDOW_S * rate), axis=2)) ** 2
    hz = np.fft.rfftfreq(WINDOW_S * rate, 1 / rate)
    bands = [power[:, :, (hz >= low) & (hz < high)].sum(axis=2) for low, high in BANDS_HZ]
    rhythm = power[:, :, (hz >= 2.5) & (hz <= 13)]
    length = np.abs(np.diff(centred, axis=2)).mean(axis=2)
    peak = rhythm.max(axis=2) / (rhythm.sum(axis=2) + 1e-6)
    each = np.log(np.stack([*bands, length, peak]) + 1e-3)
    low, middle, high = np.percentile(each, [25, 50, 75], axis=2, keepdims=True)
    scaled = (each - middle) / (high - low + 0.1)
    ranked = -np.sort(-scaled, axis=1)
    ranks = [min(rank, ranked.shape[1] - 1) for rank in RANKS]
    return ranked[:, ranks].reshape(-1, seconds).T.clip(-5, 15).astype(np.float32)


class Detector(nn.Module):
    """A small convolutional network over time; its view is 43 s wide."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv1d(FEATURES, width, 7, padding=3),
            nn.ReLU(),
            nn.Conv1d(width, width, 7, padding=6, dilation=2),
            nn.ReLU(),
            nn.Conv1d(width, width, 7, padding=12, dilation=4),
            nn.ReLU(),
            nn.Conv1d(width, 1, 1),
        )

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        """Rows of shape (batch, seconds, FEATURES) to logits of shape (batch, seconds)."""
        return self.layers(rows.transpose(1, 2)).squeeze(1)


def settle(seed: int) -> None:
    """Same seed, same weights, same output."""
    torch.manual_seed(seed)
    torch.use_deterministic_algorithms(True)
    torch.set_num_threads(1)  # the network is small: threads would only wait for each other


def probabilities(net: Detector, rows: np.ndarray) -> np.ndarray:
    """Smoothed probability of a seizure in each second."""
    with torch.no_grad():
        raw = torch.sigmoid(net(torch.from_numpy(rows)[None]))[0].numpy()
    kernel = np.ones(SMOOTH_S) / SMOOTH_S
    return np.convolve(np.pad(raw, SMOOTH_S // 2, mode="edge"), kernel, mode="valid")


def events(chance: np.ndarray, threshold: float) -> list[tuple[float, float, float]]:
    """Start, end and mean probability of what lies above the threshold for long enough."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], (chance >= threshold).astype(int), [0]])))
    runs: list[list[int]] = []
    for start, end in zip(edges[::2], edges[1::2], strict=True):
        if runs and start - runs[-1][1] < JOIN_S:
            runs[-1][1] = int(end)
        else:
            runs.append([int(start), int(end)])
    return [(float(a), float(b), float(chance[a:b].mean())) for a, b in runs if b - a >= SHORTEST_S]


def load(folder: Path) -> tuple[Detector, float]:
    """The trained network and its threshold."""
    stored = torch.load(folder / "weights.pt", weights_only=True)
    net = Detector(int(stored["width"]))
    net.load_state_dict(stored["weights"])
    return net.eval(), float(stored["threshold"])
