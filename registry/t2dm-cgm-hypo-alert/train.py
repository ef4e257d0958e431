"""Train on the train split; choose thresholds on the tune split alone. `python train.py INPUT OUTPUT PARAMS`"""

from __future__ import annotations

import csv
import itertools
import json
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from model import HORIZON_MIN, KINDS, FloatArray, Model, Trace, alarms, features, read_trace

DAY_MIN = 1440.0
GRID = np.r_[0.01:0.1:0.005, 0.1:0.96:0.01]


@dataclass(frozen=True)
class Labelled:
    trace: Trace
    rows: FloatArray
    episodes: dict[str, FloatArray]
    covered: FloatArray


def read_samples(folder: Path, split: str) -> list[Labelled]:
    """The samples of one split; one that cannot be read is left out, and said."""
    found = []
    for line in (folder / "samples.jsonl").read_text("utf-8").splitlines():
        sample = json.loads(line)
        if sample["split"] != split:
            continue
        try:
            trace = read_trace(folder / sample["files"]["trace"][0])
            reference = json.loads((folder / sample["files"]["reference"][0]).read_text("utf-8"))
            episodes = {kind: np.array(reference[kind], float).reshape(-1, 2) for kind in KINDS}
            covered = np.array(reference["covered"], float).reshape(-1, 2)
        except (OSError, ValueError, KeyError, IndexError) as error:
            print(f"left out {sample['sample_id']}: {type(error).__name__}", file=sys.stderr)
            continue
        found.append(Labelled(trace, features(trace), episodes, covered))
    return found


def targets(sample: Labelled) -> tuple[FloatArray, FloatArray]:
    """Whether an episode starts within the horizon, and whether the question makes sense, by kind."""
    t = sample.trace.time_min
    soon, asked = np.zeros((len(t), 2)), np.zeros((len(t), 2))
    for column, kind in enumerate(KINDS):
        starts, ends = sample.episodes[kind][:, 0], sample.episodes[kind][:, 1]
        ahead = starts[None, :] - t[:, None]
        soon[:, column] = ((ahead > 0) & (ahead <= HORIZON_MIN)).any(axis=1)
        ongoing = ((starts[None, :] <= t[:, None]) & (t[:, None] < ends[None, :])).any(axis=1)
        known = (
            (sample.covered[None, :, 0] <= t[:, None])
            & (t[:, None] + HORIZON_MIN <= sample.covered[None, :, 1])
        ).any(axis=1)
        asked[:, column] = ~ongoing & (known | (soon[:, column] > 0))
    return soon, asked


def weight_of(sample: Labelled) -> float:
    """A reading counts for the time that it stands for, so that faster sensors do not outweigh slower ones."""
    return float(np.median(np.diff(sample.trace.time_min))) / 15


def train(samples: list[Labelled], tune: list[Labelled], params: dict[str, Any], output: Path) -> Model:
    import torch

    torch.manual_seed(int(params["seed"]))
    torch.use_deterministic_algorithms(True)
    torch.set_num_threads(1)  # sums in one order, whatever the machine
    x = np.concatenate([s.rows for s in samples])
    y, asked = (np.concatenate(part) for part in zip(*map(targets, samples), strict=True))
    weight = np.concatenate([np.full(len(s.rows), weight_of(s)) for s in samples])[:, None] * asked
    mean, spread = x.mean(axis=0), np.maximum(x.std(axis=0), 1e-6)
    hidden = int(params["hidden"])
    sizes = [x.shape[1], *[hidden] * (2 if hidden else 0), len(KINDS)]
    layers = [torch.nn.Linear(a, b) for a, b in itertools.pairwise(sizes)]
    net = torch.nn.Sequential(*[part for layer in layers for part in (layer, torch.nn.ReLU())][:-1])
    optimiser = torch.optim.Adam(
        net.parameters(), lr=float(params["rate"]), weight_decay=float(params["decay"])
    )
    tensors = [torch.tensor(a, dtype=torch.float32) for a in ((x - mean) / spread, y, weight)]
    generator = torch.Generator().manual_seed(int(params["seed"]))
    best: tuple[float, Model] | None = None
    with (output / "curves.csv").open("w", newline="") as stream:
        curves = csv.writer(stream)
        curves.writerow(["epoch", "train_loss", "tune_loss"])
        for epoch in range(int(params["epochs"])):
            loss = _epoch(net, optimiser, tensors, int(params["batch"]), generator)
            model = _model(net, mean, spread, params)
            tune_loss = _loss(model, tune)
            curves.writerow([epoch + 1, f"{loss:.5f}", f"{tune_loss:.5f}"])
            if best is None or tune_loss < best[0]:
                best = (tune_loss, model)
    if best is None:
        raise ValueError("no epoch")
    return _chosen(best[1], tune, params)


def _epoch(net: Any, optimiser: Any, tensors: list[Any], batch: int, generator: Any) -> float:
    import torch

    x, y, weight = tensors
    total = 0.0
    order = torch.randperm(len(x), generator=generator)
    for part in order.split(batch):
        optimiser.zero_grad()
        loss = torch.nn.functional.binary_cross_entropy_with_logits(
            net(x[part]), y[part], weight[part], reduction="sum"
        ) / weight[part].sum().clamp(min=1)
        loss.backward()
        optimiser.step()
        total += float(loss.detach()) * len(part)
    return total / len(x)


def _model(net: Any, mean: FloatArray, spread: FloatArray, params: dict[str, Any]) -> Model:
    layers = [layer for layer in net if hasattr(layer, "weight")]
    return Model(
        tuple(layer.weight.detach().numpy().astype(float) for layer in layers),
        tuple(layer.bias.detach().numpy().astype(float) for layer in layers),
        mean,
        spread,
        {},
        float(params["repeat_min"]),
    )


def _loss(model: Model, tune: list[Labelled]) -> float:
    total = weights = 0.0
    for sample in tune:
        soon, asked = targets(sample)
        p = np.clip(model.probabilities(sample.rows), 1e-7, 1 - 1e-7)
        each = -(soon * np.log(p) + (1 - soon) * np.log(1 - p)) * asked * weight_of(sample)
        total, weights = total + float(each.sum()), weights + float(asked.sum()) * weight_of(sample)
    return total / max(weights, 1.0)


def _chosen(model: Model, tune: list[Labelled], params: dict[str, Any]) -> Model:
    """The lowest threshold by kind whose false alarms a day on the tune split stay within what is allowed."""
    thresholds = {}
    for kind in KINDS:
        allowed = float(params[f"false_alarms_per_day_{kind}"])
        fitting = [float(c) for c in GRID if figures(model, tune, kind, float(c))[1] <= allowed]
        thresholds[kind] = min(fitting) if fitting else float(GRID[-1])
    return replace(model, thresholds=thresholds)


def figures(model: Model, tune: list[Labelled], kind: str, threshold: float) -> tuple[float, float]:
    """Share of episodes that an alarm precedes within the horizon, and false alarms a day."""
    episodes = detected = false = 0
    minutes = 0.0
    for sample in tune:
        p = model.probabilities(sample.rows)[:, KINDS.index(kind)]
        given = np.array(alarms(sample.trace, p, kind, threshold, model.repeat_min))
        starts, ends = sample.episodes[kind][:, 0], sample.episodes[kind][:, 1]
        ahead = starts[:, None] - given[None, :]
        hit = (ahead > 0) & (ahead <= HORIZON_MIN)
        within = ((starts[:, None] <= given[None, :]) & (given[None, :] < ends[:, None])).any(axis=0)
        episodes, detected = episodes + len(starts), detected + int(hit.any(axis=1).sum())
        false += int((~hit.any(axis=0) & ~within).sum())
        minutes += float((sample.covered[:, 1] - sample.covered[:, 0]).sum()) - float((ends - starts).sum())
    return detected / max(episodes, 1), false / max(minutes / DAY_MIN, 1e-9)


def main(source: Path, output: Path, params: Path) -> None:
    settings = json.loads(params.read_text("utf-8"))
    output.mkdir(parents=True, exist_ok=True)
    samples, tune = read_samples(source, "train"), read_samples(source, "tune")
    if not samples or not tune:
        raise SystemExit("no readable sample in the train or the tune split")
    train(samples, tune, settings, output).save(output / "model")


if __name__ == "__main__":
    main(*(Path(argument) for argument in sys.argv[1:4]))
