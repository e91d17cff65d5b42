"""Fine-tunes EfficientNet-Lite0 with timm's model, transforms and optimiser in a plain loop.

Transforms are timm's own for the network (random resized crop, flip, colour jitter in training;
a centred crop in evaluation), the loop is that of torch's tutorials: two worker processes load,
AdamW, one-cycle rate up to 1e-3, validation after each epoch. With `--best`: no workers (on two
cores they compete with the network) and images channels-last in memory.
"""

from pathlib import Path
from typing import Any

import torch
from PIL import Image
from safetensors.torch import load_file
from timm import create_model
from timm.data import create_transform, resolve_data_config
from timm.optim import create_optimizer_v2
from torch import nn
from torch.utils.data import DataLoader, Dataset

from peer import PARTS, Rows, parser_of, read_parts, report

WORKERS = 2
RATE = 1e-3


class Pictures(Dataset[tuple[torch.Tensor, int]]):
    """Images by path, with the number of their class."""

    def __init__(self, rows: Rows, transform: Any) -> None:
        self.rows, self.transform = rows, transform

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, number: int) -> tuple[torch.Tensor, int]:
        path, label = self.rows[number]
        return self.transform(Image.open(path).convert("RGB")), label


def make_network(model: Path, *, classes: int, best: bool) -> Any:
    """Returns the starter's network with a new classifier."""
    network = create_model("tf_efficientnet_lite0", pretrained=False, num_classes=0)
    network.load_state_dict(load_file(model / "model.safetensors"))
    network.reset_classifier(classes)
    return network.to(memory_format=torch.channels_last) if best else network


def make_loaders(
    parts: dict[str, Rows], network: Any, *, size: int, batch_size: int, workers: int
) -> dict[str, Any]:
    """Returns a loader of each part."""
    config = resolve_data_config({"input_size": (3, size, size)}, model=network)
    loaders = {}
    for part in PARTS:
        moved = create_transform(**config, is_training=part == "train")
        rows = Pictures(parts[part], moved)
        loaders[part] = DataLoader(rows, batch_size, shuffle=part == "train", num_workers=workers)
    return loaders


def batches(loader: Any, *, best: bool) -> Any:
    """Yields the batches of a loader, channels-last where that was asked for."""
    for pixels, labels in loader:
        yield pixels.to(memory_format=torch.channels_last) if best else pixels, labels


def accuracy(network: nn.Module, loader: Any, *, best: bool) -> float:
    """Returns the share of rows whose greatest logit is that of their label."""
    network.eval()
    right = total = 0
    with torch.no_grad():
        for pixels, labels in batches(loader, best=best):
            right += int((network(pixels).argmax(1) == labels).sum())
            total += len(labels)
    return right / total


def train(network: Any, loaders: dict[str, Any], *, epochs: int, best: bool) -> list[float]:
    """Trains, and returns the validation accuracy after each epoch."""
    optimiser = create_optimizer_v2(network, opt="adamw", lr=RATE, weight_decay=0.01)
    steps = epochs * len(loaders["train"])
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, max_lr=RATE, total_steps=steps)
    history = []
    for _ in range(epochs):
        network.train()
        for pixels, labels in batches(loaders["train"], best=best):
            loss = nn.functional.cross_entropy(network(pixels), labels)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
        history.append(accuracy(network, loaders["val"], best=best))
    return history


def main() -> None:
    """Prints one JSON line with the test accuracy."""
    parser = parser_of(__doc__, model="efficientnet-lite0", batch_size=32)
    parser.add_argument("--size", type=int, default=128, help="side of the images")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--best", action="store_true", help="at its best flags")
    typed = parser.parse_args()
    torch.manual_seed(typed.seed)
    parts, classes = read_parts(typed.data, "image")
    network = make_network(typed.model, classes=len(classes), best=typed.best)
    workers = 0 if typed.best else WORKERS
    loaders = make_loaders(
        parts, network, size=typed.size, batch_size=typed.batch_size, workers=workers
    )
    history = train(network, loaders, epochs=typed.epochs, best=typed.best)
    found = accuracy(network, loaders["test"], best=typed.best)
    report(found, "timm", val=history, precision="fp32")


if __name__ == "__main__":
    main()
