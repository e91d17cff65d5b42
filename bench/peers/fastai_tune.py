"""Fine-tunes EfficientNet-Lite0 with fastai's `fine_tune` at its defaults."""

import argparse
import json
from pathlib import Path

import pandas as pd
import torch
from fastai.vision.all import (
    CategoryBlock,
    ColReader,
    ColSplitter,
    DataBlock,
    ImageBlock,
    Learner,
    Resize,
    accuracy,
    aug_transforms,
    create_head,
    params,
    set_seed,
)


def main() -> None:
    """Prints one JSON line with the test accuracy."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--seed", type=int, default=0)
    typed = parser.parse_args()
    set_seed(typed.seed, reproducible=True)
    frame = pd.read_parquet(typed.data)
    test = frame[frame["split"] == "test"]
    frame = frame[frame["split"] != "test"].assign(is_valid=lambda f: f["split"] == "val")
    block = DataBlock(
        blocks=(ImageBlock, CategoryBlock),
        get_x=ColReader("image"),
        get_y=ColReader("label"),
        splitter=ColSplitter("is_valid"),
        item_tfms=Resize(typed.size),
        batch_tfms=aug_transforms(),
    )
    loaders = block.dataloaders(frame, bs=typed.batch_size, num_workers=0)
    from regraft.backbones.open import open_backbone

    trunk = open_backbone("starter:efficientnet-lite0").network
    head = create_head(1280, loaders.c, pool=False, lin_ftrs=[512])
    network = torch.nn.Sequential(trunk, head)
    learner = Learner(
        loaders, network, splitter=lambda n: [params(n[0]), params(n[1])], metrics=accuracy
    )
    with learner.no_bar(), learner.no_logging():
        learner.freeze()
        learner.fine_tune(typed.epochs)
        batches = loaders.test_dl(test, with_labels=True)
        answers, labels = learner.get_preds(dl=batches)
    found = float((answers.argmax(1) == labels).float().mean())
    print(json.dumps({"accuracy": found, "precision": "fp32"}))


if __name__ == "__main__":
    main()
