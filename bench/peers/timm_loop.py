"""Fine-tunes EfficientNet-Lite0 with timm's model and a plain torch loop, as tutorials do."""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import timm
import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

MEAN, STD = (0.5,) * 3, (0.5,) * 3


class Pictures(Dataset[tuple[torch.Tensor, int]]):
    """Images by path, with the number of their class."""

    def __init__(self, rows: list[tuple[str, int]], transform: Any) -> None:
        self.rows, self.transform = rows, transform

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, number: int) -> tuple[torch.Tensor, int]:
        path, label = self.rows[number]
        return self.transform(Image.open(path).convert("RGB")), label


def accuracy(network: torch.nn.Module, loader: Any) -> float:
    """Returns the share of rows whose greatest logit is that of their label."""
    network.eval()
    right = total = 0
    with torch.no_grad():
        for pixels, labels in loader:
            right += int((network(pixels).argmax(1) == labels).sum())
            total += len(labels)
    return right / total


def main() -> None:
    """Prints one JSON line with the test accuracy."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--seed", type=int, default=0)
    typed = parser.parse_args()
    torch.manual_seed(typed.seed)
    np.random.seed(typed.seed)
    columns = pq.read_table(typed.data).to_pydict()
    classes = sorted(set(columns["label"]))
    parts: dict[str, list[tuple[str, int]]] = {"train": [], "val": [], "test": []}
    for path, label, part in zip(columns["image"], columns["label"], columns["split"], strict=True):
        parts[part].append((path, classes.index(label)))
    plain = [
        transforms.Resize((typed.size, typed.size), transforms.InterpolationMode.BICUBIC),
        transforms.ToTensor(),
        transforms.Normalize(MEAN, STD),
    ]
    moved = [transforms.RandomHorizontalFlip(), *plain]
    transform = {"train": transforms.Compose(moved)}
    loaders = {
        part: DataLoader(
            Pictures(rows, transform.get(part, transforms.Compose(plain))),
            batch_size=typed.batch_size,
            shuffle=part == "train",
        )
        for part, rows in parts.items()
    }
    from regraft.backbones.open import open_backbone

    network = timm.create_model("tf_efficientnet_lite0", pretrained=False, num_classes=0)
    network.load_state_dict(open_backbone("starter:efficientnet-lite0").network.state_dict())
    network.reset_classifier(len(classes))
    optimiser = torch.optim.AdamW(network.parameters(), lr=1e-3, weight_decay=0.01)
    steps = typed.epochs * len(loaders["train"])
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, max_lr=1e-3, total_steps=steps)
    history = []
    for _ in range(typed.epochs):
        network.train()
        for pixels, labels in loaders["train"]:
            loss = torch.nn.functional.cross_entropy(network(pixels), labels)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
        history.append(accuracy(network, loaders["val"]))
    found = accuracy(network, loaders["test"])
    print(json.dumps({"accuracy": found, "val": history, "precision": "fp32"}))


if __name__ == "__main__":
    main()
