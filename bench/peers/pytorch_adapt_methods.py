"""Trains pytorch-adapt's methods on features, and writes what each answers.

    python bench/peers/pytorch_adapt_methods.py FEATURES.npz ANSWERS.npz SEED

Its hooks with their own defaults, on a map of the features (a bottleneck of 256) and a linear
classifier; Adam at 1e-3, batches of 64 of either domain, 20 epochs. Every five epochs the
answers are written down as those of one candidate, as the best epoch is part of the choice.
"""

import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from pytorch_adapt import hooks, layers

WIDTH, BATCH, EPOCHS, EVERY, RATE = 256, 64, 20, 5, 1e-3
Arrays = dict[str, Any]


def discriminator(width: int) -> torch.nn.Module:
    """Returns a domain classifier of two layers."""
    return torch.nn.Sequential(
        torch.nn.Linear(width, WIDTH),
        torch.nn.ReLU(),
        torch.nn.Linear(WIDTH, 1),
        torch.nn.Flatten(0),
    )


def models(width: int, classes: int) -> Arrays:
    """Returns the networks that a method may ask for by name."""
    bottleneck = torch.nn.Sequential(
        torch.nn.Linear(width, WIDTH), torch.nn.BatchNorm1d(WIDTH), torch.nn.ReLU()
    )
    both = layers.RandomizedDotProduct([WIDTH, classes], WIDTH)
    classifier = torch.nn.Linear(WIDTH, classes)
    return {"G": bottleneck, "C": classifier, "D": discriminator(WIDTH), "feature_combiner": both}


def optimizers(made: Arrays, names: str) -> list[torch.optim.Optimizer]:
    """Returns an optimiser for each of some networks."""
    return [torch.optim.Adam(made[name].parameters(), lr=RATE) for name in names]


METHODS: dict[str, Callable[[Arrays], Any]] = {
    "source-only": lambda made: hooks.ClassifierHook(optimizers(made, "GC")),
    "dann": lambda made: hooks.DANNHook(optimizers(made, "GCD")),
    "cdan": lambda made: hooks.CDANEHook(
        d_opts=optimizers(made, "D"), g_opts=optimizers(made, "GC")
    ),
    "mmd": lambda made: hooks.AlignerPlusCHook(
        optimizers(made, "GC"),
        loss_fn=layers.MMDLoss(torch.tensor([0.25, 0.5, 1.0, 2.0, 4.0]), mmd_type="quadratic"),
    ),
    "coral": lambda made: hooks.AlignerPlusCHook(
        optimizers(made, "GC"), loss_fn=layers.CORALLoss(), softmax=False
    ),
    "mcc": lambda made: hooks.ClassifierHook(
        optimizers(made, "GC"), post=[hooks.MCCHook(loss_fn=layers.MCCLoss(T=2.5))]
    ),
}


def standardised(data: Arrays) -> Arrays:
    """Returns the features as tensors, by the source's means and deviations."""
    mean, deviation = data["source"].mean(0), data["source"].std(0) + 1e-6
    names = ("source", "val", "target", "scored")
    return {name: torch.from_numpy((data[name] - mean) / deviation).float() for name in names}


def batches(rows: int, epoch_rows: int) -> torch.Tensor:
    """Returns (N, B) row numbers of one epoch, drawn anew where there are fewer rows."""
    count = epoch_rows // BATCH
    needed = -(-count * BATCH // rows)
    order = torch.cat([torch.randperm(rows) for _ in range(needed)])
    return order[: count * BATCH].reshape(count, BATCH)


def train(name: str, seed: int, features: Arrays, labels: torch.Tensor) -> dict[str, Arrays]:
    """Returns the answers of one method, at every few epochs."""
    torch.manual_seed(seed)
    made = models(features["source"].shape[1], int(labels.max()) + 1)
    hook, found = METHODS[name](made), {}
    most = max(len(features["source"]), BATCH)
    for epoch in range(1, EPOCHS + 1):
        pairs = zip(batches(len(labels), most), batches(len(features["target"]), most), strict=True)
        for first, second in pairs:
            rows = {
                "src_imgs": features["source"][first],
                "src_labels": labels[first],
                "target_imgs": features["target"][second],
                "src_domain": torch.zeros(BATCH),
                "target_domain": torch.ones(BATCH),
            }
            hook({**made, **rows}, {})
        if epoch % EVERY == 0:
            found[f"{name}, {epoch} epochs"] = answers(made, features)
    return found


@torch.no_grad()
def answers(made: Arrays, features: Arrays) -> Arrays:
    """Returns the classes of all rows that are not trained on."""
    made["G"].eval()
    asked = ("val", "target", "scored")
    found = {name: made["C"](made["G"](features[name])).argmax(1).numpy() for name in asked}
    made["G"].train()
    return found


def main() -> None:
    """Trains every method and writes `METHOD/PART` arrays and the seconds of all."""
    data, (place, seed) = np.load(sys.argv[1]), sys.argv[2:]
    features, labels = standardised(data), torch.from_numpy(data["source_labels"])
    started = time.perf_counter()
    found: dict[str, Any] = {}
    for name in METHODS:
        for candidate, parts in train(name, int(seed), features, labels).items():
            found |= {f"{candidate}/{part}": values for part, values in parts.items()}
    np.savez(place, **found, seconds=time.perf_counter() - started)


if __name__ == "__main__":
    main()
