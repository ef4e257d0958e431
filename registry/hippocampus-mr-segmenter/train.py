"""python train.py INPUT OUTPUT PARAMS.json: learn on train, choose step and threshold on tune."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path

import numpy as np
import torch
from model import (
    channels,
    dice,
    labelled,
    monai,
    network,
    padded,
    padded_shape,
    probabilities,
    reproducible,
    save,
)
from series import read_reference, read_series, rows

THRESHOLDS = (0.3, 0.4, 0.5, 0.6, 0.7)
Pair = tuple[np.ndarray, np.ndarray]


def main(source: Path, target: Path, parameters: dict) -> None:
    reproducible(int(parameters["seed"]))
    train, tune = load_pairs(source, "train"), load_pairs(source, "tune")
    if not train or not tune:
        raise SystemExit("no readable sample to train or to tune on")
    net = network(int(parameters["width"]))
    best, curves = fit(net, train, tune, parameters)
    net.load_state_dict(best)
    answers = answered(net, tune)
    threshold = max(THRESHOLDS, key=lambda t: (mean_dice(answers, t), -abs(t - 0.5)))
    config = {
        "width": int(parameters["width"]),
        "threshold": threshold,
        "tune_dice": mean_dice(answers, threshold),
        "train_samples": len(train),
        "tune_samples": len(tune),
    }
    save(target / "model", net, config)
    with (target / "curves.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["epoch", "train_loss", "tune_figure"])
        writer.writerows(curves)


def load_pairs(source: Path, split: str) -> list[Pair]:
    """Volumes and references of one split; a sample that cannot be read is said and left out."""
    pairs = []
    for row in rows(source):
        if row["split"] != split:
            continue
        try:
            series = read_series(source, row)
            pairs.append((series.grey, read_reference(source, row, series)))
        except Exception as error:  # noqa: BLE001 (one bad sample must not end the training)
            print(f"{row['sample_id']}: not read ({type(error).__name__})", file=sys.stderr)
    return pairs


def fit(
    net: torch.nn.Module, train: list[Pair], tune: list[Pair], parameters: dict
) -> tuple[dict[str, torch.Tensor], list[tuple[int, float, float]]]:
    """The weights of the step that was best on tune, and the curves."""
    steps, every = int(parameters["steps"]), int(parameters["evaluate_every"])
    draw = np.random.default_rng(int(parameters["seed"]))
    shape = padded_shape([grey.shape for grey, _ in train])
    loss_of = monai("losses").DiceCELoss(to_onehot_y=True, softmax=True, include_background=False)
    optimiser = torch.optim.AdamW(net.parameters(), lr=float(parameters["learning_rate"]))
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, max_lr=float(parameters["learning_rate"]), total_steps=steps
    )
    best: dict[str, torch.Tensor] = {}
    highest, losses, curves = -1.0, [], []
    for step in range(1, steps + 1):
        grey, labels = batch(draw, train, shape, int(parameters["batch"]))
        net.train()
        optimiser.zero_grad()
        loss = loss_of(net(grey), labels)
        loss.backward()
        optimiser.step()
        schedule.step()
        losses.append(loss.item())
        if step % every == 0 or step == steps:
            figure = mean_dice(answered(net, tune), 0.5)
            curves.append((step // every, float(np.mean(losses)), figure))
            losses = []
            if figure > highest:
                highest = figure
                best = {name: value.clone() for name, value in net.state_dict().items()}
    return best, curves


def batch(
    draw: np.random.Generator, pairs: list[Pair], shape: tuple[int, ...], size: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Random volumes, shifted by a few voxels, with other contrast and noise."""
    volumes, maps = [], []
    for index in draw.integers(len(pairs), size=size):
        grey, labels = pairs[index]
        shift = tuple(int(n) for n in draw.integers(-3, 4, 3))
        grey = np.roll(grey, shift, (0, 1, 2)) * draw.uniform(0.8, 1.25) + draw.uniform(-0.2, 0.2)
        grey = grey + draw.normal(0, draw.uniform(0, 0.25), grey.shape)
        volumes.append(padded(channels(grey.astype(np.float32)), shape))
        maps.append(padded(np.roll(labels, shift, (0, 1, 2)), shape))
    return torch.from_numpy(np.stack(volumes)), torch.from_numpy(np.stack(maps))[:, None].long()


def answered(net: torch.nn.Module, pairs: list[Pair]) -> list[Pair]:
    """The network's class probabilities of each volume, beside its reference."""
    return [(probabilities(net, grey), labels) for grey, labels in pairs]


def mean_dice(answers: list[Pair], threshold: float) -> float:
    return float(np.mean([dice(labels, labelled(found, threshold)) for found, labels in answers]))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), json.loads(Path(sys.argv[3]).read_text("utf-8")))
