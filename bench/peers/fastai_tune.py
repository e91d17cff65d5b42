"""Fine-tunes EfficientNet-Lite0 with fastai's `vision_learner` and `fine_tune`.

The network, its new head, the rates, the single frozen epoch before the others, augmentation
(`aug_transforms`) and the workers that load images are fastai's defaults; weights, image size,
batch and epochs are those of the contest. With `--best`: no worker processes (on two cores they
compete with the network) and images channels-last in memory.
"""

import warnings
from pathlib import Path
from typing import Any

import pandas as pd
from fastai.callback.channelslast import ChannelsLast
from fastai.vision.all import (
    CategoryBlock,
    ColReader,
    ColSplitter,
    DataBlock,
    ImageBlock,
    Normalize,
    Resize,
    accuracy,
    aug_transforms,
    set_seed,
    vision_learner,
)
from safetensors.torch import load_file

from peer import parser_of, report

HALF = ([0.5] * 3, [0.5] * 3)
"""Mean and deviation that the network was trained with; fastai takes timm's, the same."""


def make_loaders(frame: pd.DataFrame, *, size: int, batch_size: int, workers: int | None) -> Any:
    """Returns loaders of the rows of `train` and `val`."""
    block = DataBlock(
        blocks=(ImageBlock, CategoryBlock),
        get_x=ColReader("image"),
        get_y=ColReader("label"),
        splitter=ColSplitter("is_valid"),
        item_tfms=Resize(size),
        batch_tfms=[*aug_transforms(), Normalize.from_stats(*HALF)],
    )
    chosen = {} if workers is None else {"num_workers": workers}
    return block.dataloaders(frame, bs=batch_size, **chosen)


def make_learner(loaders: Any, model: Path, *, best: bool) -> Any:
    """Returns a learner whose trunk has the starter's weights and is frozen at first."""
    learner = vision_learner(
        loaders,
        "tf_efficientnet_lite0",
        pretrained=False,
        metrics=accuracy,
        cbs=[ChannelsLast()] if best else [],
    )
    learner.model[0].model.load_state_dict(load_file(model / "model.safetensors"))
    return learner


def main() -> None:
    """Prints one JSON line with the test accuracy."""
    warnings.filterwarnings("ignore")
    parser = parser_of(__doc__, model="efficientnet-lite0", batch_size=32)
    parser.add_argument("--size", type=int, default=128, help="side of the images")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--best", action="store_true", help="at its best flags")
    typed = parser.parse_args()
    set_seed(typed.seed)
    frame = pd.read_parquet(typed.data)
    test = frame[frame["split"] == "test"]
    seen = frame[frame["split"] != "test"]
    seen = seen.assign(is_valid=seen["split"] == "val")
    workers = 0 if typed.best else None
    loaders = make_loaders(seen, size=typed.size, batch_size=typed.batch_size, workers=workers)
    learner = make_learner(loaders, typed.model, best=typed.best)
    with learner.no_bar(), learner.no_logging():
        learner.fine_tune(typed.epochs)
        answers, labels = learner.get_preds(dl=loaders.test_dl(test, with_labels=True))
    found = float((answers.argmax(1) == labels).float().mean())
    history = [float(values[-1]) for values in learner.recorder.values]
    report(found, "fastai", "timm", val=history, precision="fp32")


if __name__ == "__main__":
    main()
