"""Decides what the user left open, from facts of the data, each choice with its reason."""

import math
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from regraft.backbones.backbone import Backbone
from regraft.data.explain import script_of
from regraft.data.rows import Dataset, Modality
from regraft.data.spec import ImageSpec, InputSpec, TextSpec
from regraft.errors import SettingsError, one_of
from regraft.settings import FitSettings
from regraft.strategies.table import make_strategy

BACKBONES: dict[Modality, str] = {
    "text": "starter:minilm",
    "image": "starter:efficientnet-lite0",
}
MULTILINGUAL = "starter:multilingual-e5-small"
"""The network for texts in a script that the usual one was not trained on."""
EPOCHS: dict[Modality, tuple[int, int]] = {"text": (3, 12), "image": (4, 15)}
"""Fewest and most passes with the trunk moving."""
STEPS: dict[Modality, int] = {"text": 150, "image": 300}
"""Optimiser steps at the usual rate that a small data set should get through more passes."""
BATCH_SIZES: dict[Modality, tuple[int, int]] = {"text": (8, 32), "image": (32, 32)}
"""Fewest and most rows of a step: many small steps teach more of few texts than a few large
ones, and cost no more where texts are long."""
LEAST_PAIRED = 32
"""Rows of each domain in a step that compares two: of fewer their means tell little."""
LEAST_TYPED = 4
"""The same, where fewer are typed: batches are cut by cost too, and of one row there is no mean."""
A_PASS = 100
"""Steps that a pass over few rows should have."""
RATES: dict[Modality, float] = {"text": 2e-4, "image": 1e-3}
"""Peak rate of the top block at a width of 384 (text) or any (image)."""
RATE_WIDTH = 384
LOWEST_SHARE: dict[Modality, float] = {"text": 0.4, "image": 0.2}
"""Rate of the lowest block as a share of the highest one's."""
SGD_FACTOR = 20.0
"""Plain gradients are smaller than Adam's normalised ones."""
IMBALANCE = 3.0
"""Largest class over smallest: above it the loss is weighted."""
SMALL_SIDE = 4
"""A small image is shown to the network at this many times its side."""
LEAST_SIDE = 96
TEXT_CAP = 256
"""Longest texts that are read whole by default: cost grows with length."""
PATIENCE = 3


@dataclass(frozen=True)
class Choice:
    """One setting as it will be used, and why."""

    name: str
    value: Any
    reason: str

    def words(self) -> str:
        """Returns the choice as one line.

        >>> Choice("lr", 0.00012345, "usual").words()
        'lr = 0.0001234: usual'
        """
        shown = f"{self.value:.4g}" if isinstance(self.value, float) else self.value
        return f"{self.name} = {shown}: {self.reason}"


NO_BLOCK = Choice("freeze", 0, "every block may move that the strategy moves")


@dataclass(frozen=True)
class Chosen:
    """Everything that was open, now decided."""

    backbone: Choice
    extent: Choice
    epochs: Choice
    batch_size: Choice
    lr: Choice
    layer_decay: Choice
    class_weights: Choice
    augment: Choice
    patience: Choice
    dropout: Choice
    freeze: Choice = NO_BLOCK

    def listed(self) -> list[Choice]:
        """Returns the choices in order."""
        return [getattr(self, field.name) for field in fields(self)]


TYPED = "as you typed"


def choose_backbone(settings: FitSettings, dataset: Dataset) -> Choice:
    """Returns the network's name: by modality and script, unless one was typed."""
    if settings.backbone != "auto":
        return Choice("backbone", settings.backbone, TYPED)
    name, script = BACKBONES[dataset.modality], script_of(dataset)
    if script in ("", "latin"):
        return Choice("backbone", name, f"the starter network for {dataset.modality}s")
    why = f"most letters of the texts are {script}, and {name} knows Latin script alone"
    return Choice("backbone", MULTILINGUAL, why)


def choose(
    settings: FitSettings, dataset: Dataset, *, backbone: Backbone, lengths: npt.NDArray[np.int64]
) -> Chosen:
    """Returns every choice.

    Args:
        settings: What was typed.
        dataset: Its rows and picture facts.
        backbone: The network that was opened.
        lengths: (N,) tokens of each training text; empty for images.

    Raises:
        SettingsError: If the network cannot take images of the size that was typed.
    """
    modality = dataset.modality
    batch_size = _batch_size(settings, dataset)
    return Chosen(
        backbone=choose_backbone(settings, dataset),
        extent=_extent(settings, dataset, backbone.spec, lengths),
        epochs=_epochs(settings, dataset, int(batch_size.value)),
        batch_size=batch_size,
        lr=_rate(settings, modality, backbone.width, rows=int(batch_size.value)),
        layer_decay=_layer_decay(settings, modality),
        class_weights=_class_weights(settings, dataset),
        augment=_augment(settings, dataset),
        patience=_patience(settings, dataset),
        dropout=_dropout(settings),
    )


def _extent(
    settings: FitSettings, dataset: Dataset, spec: InputSpec, lengths: npt.NDArray[np.int64]
) -> Choice:
    if isinstance(spec, TextSpec):
        return _max_length(settings, spec, lengths)
    return _image_size(settings, dataset, spec)


def _max_length(settings: FitSettings, spec: TextSpec, lengths: npt.NDArray[np.int64]) -> Choice:
    if settings.max_length is not None:
        value = min(settings.max_length, spec.length_limit)
        reason = TYPED if value == settings.max_length else "the network takes no more"
        return Choice("max_length", value, reason)
    usual = int(np.percentile(lengths, 95)) if len(lengths) else TEXT_CAP
    cap = min(TEXT_CAP, spec.length_limit)
    value = min(cap, max(16, math.ceil(usual / 8) * 8))
    why = f"95 % of the texts have at most {usual} tokens"
    return Choice("max_length", value, why if usual <= cap else f"{why}; capped for speed")


def _image_size(settings: FitSettings, dataset: Dataset, spec: ImageSpec) -> Choice:
    if settings.image_size is not None:
        return Choice("image_size", _possible(settings.image_size, spec), TYPED)
    side = dataset.pictures.short_side if dataset.pictures else spec.size
    if spec.fixed_size:
        return Choice("image_size", spec.size, "the only size that the network takes")
    wanted = max(LEAST_SIDE, math.ceil(SMALL_SIDE * side / 32) * 32)
    value = max(spec.min_size, min(spec.size, wanted))
    if value == spec.size:
        return Choice("image_size", value, "the size that the network was trained at")
    return Choice("image_size", value, f"the images have {side} pixels: more would gain little")


def _possible(size: int, spec: ImageSpec) -> int:
    """Returns a side that was typed, if the network can take it."""
    if spec.fixed_size and size != spec.size:
        raise SettingsError(
            f"image_size = {size} cannot be used with this network", expected=str(spec.size)
        )
    if size < spec.min_size:
        raise SettingsError(
            f"image_size = {size} is too small for this network",
            expected=f"at least {spec.min_size}",
        )
    return size


def _epochs(settings: FitSettings, dataset: Dataset, batch_size: int) -> Choice:
    if settings.epochs is not None:
        return Choice("epochs", settings.epochs, TYPED)
    rows = len(dataset.parts["train"])
    value = passes_over(rows, dataset.modality, batch_size=batch_size)
    steps = value * max(1, math.ceil(rows / batch_size))
    return Choice("epochs", value, f"{steps} steps over {rows:,} rows")


def passes_over(rows: int, modality: Modality, *, batch_size: int) -> int:
    """Returns how often rows are gone through: few of them more often.

    Steps of few texts are shorter, and as many more are taken as their rate is lower.

    Args:
        rows: Of training.
        modality: Of the rows.
        batch_size: Rows of a step.
    """
    least, most = EPOCHS[modality]
    wanted = STEPS[modality] / (share_of_rate(batch_size) if modality == "text" else 1)
    return min(most, max(least, math.ceil(wanted / max(1, math.ceil(rows / batch_size)))))


def _batch_size(settings: FitSettings, dataset: Dataset) -> Choice:
    if settings.batch_size is not None:
        return Choice("batch_size", settings.batch_size, TYPED)
    wanted = make_strategy(settings.strategy).least_batch
    least, most = (max(size, wanted) for size in BATCH_SIZES[dataset.modality])
    rows, value = len(dataset.parts["train"]), most
    while value > least and rows < A_PASS * value:
        value = max(least, value // 2)
    if value == most:
        return Choice("batch_size", most, "usual for fine-tuning")
    return Choice("batch_size", value, f"of {rows:,} rows more steps teach more than large ones")


def _rate(settings: FitSettings, modality: Modality, width: int, *, rows: int) -> Choice:
    """Returns the peak rate; a step of fewer rows has a noisier gradient, and is made shorter.

    Source: Malladi, Lyu, Panigrahi and Arora 2022, "On the SDEs and Scaling Rules for Adaptive
    Gradient Algorithms", arXiv 2205.10287 (the rate goes with the root of the batch).
    """
    if settings.lr is not None:
        return Choice("lr", settings.lr, TYPED)
    value = RATES[modality]
    reason = f"usual for {modality}s with AdamW"
    if modality == "text":
        value *= min(1.0, RATE_WIDTH / width) * share_of_rate(rows)
        reason = f"usual for a text network {width} wide and steps of {rows} rows"
    if settings.optimizer == "sgd":
        value, reason = value * SGD_FACTOR, reason.replace("AdamW", "SGD")
    share = make_strategy(settings.strategy).rate_share
    if share != 1:
        value, reason = value * share, f"{share:g} of what is {reason}, for {settings.strategy}"
    return Choice("lr", float(f"{value:.2g}"), reason)


def share_of_rate(rows: int) -> float:
    """Returns the share of the usual rate of texts that steps of so few rows take."""
    return math.sqrt(min(1.0, rows / BATCH_SIZES["text"][1]))


def _layer_decay(settings: FitSettings, modality: Modality) -> Choice:
    if settings.layer_decay is not None:
        return Choice("layer_decay", settings.layer_decay, TYPED)
    share = LOWEST_SHARE[modality]
    reason = f"so that the lowest block moves at {share:g} of the top one's rate"
    return Choice("layer_decay", None, reason)


def _class_weights(settings: FitSettings, dataset: Dataset) -> Choice:
    if settings.class_weights != "auto":
        return Choice("class_weights", settings.class_weights, TYPED)
    counts = [n for n in dataset.parts["train"].counts().values() if n]
    ratio = max(counts) / min(counts)
    if ratio > IMBALANCE:
        why = f"the largest class has {ratio:.1f} times the rows of the smallest"
        return Choice("class_weights", "balanced", why)
    return Choice("class_weights", "none", "the classes are of like size")


AUGMENTS: dict[Modality, tuple[str, ...]] = {
    "text": ("none", "drop-tokens"),
    "image": ("none", "crop", "flip-crop"),
}


def _augment(settings: FitSettings, dataset: Dataset) -> Choice:
    if settings.augment != "auto":
        return _typed_augment(settings.augment, dataset.modality)
    if dataset.modality == "text":
        why = "each epoch leaves out other tokens, against learning the texts by heart"
        return Choice("augment", "drop-tokens", why)
    grey = dataset.pictures.grey_share if dataset.pictures else 0.0
    if grey > 0.5:
        return Choice("augment", "crop", "grey images: often signs, whose mirror image differs")
    return Choice("augment", "flip-crop", "colour photographs mean the same when mirrored")


def _typed_augment(kind: str, modality: Modality) -> Choice:
    if kind not in AUGMENTS[modality]:
        raise SettingsError(
            f"augment = {kind!r} is not for {modality}s",
            expected=one_of(AUGMENTS[modality]),
            hint="--augment auto",
        )
    return Choice("augment", kind, TYPED)


def _patience(settings: FitSettings, dataset: Dataset) -> Choice:
    if settings.patience is not None:
        return Choice("patience", settings.patience, TYPED)
    reason = "a phase stops when validation has not risen for so long"
    if not len(dataset.parts["val"]):
        reason = "folds have no validation part: only phases that align look at it"
    return Choice("patience", PATIENCE, reason)


def _dropout(settings: FitSettings) -> Choice:
    if settings.dropout:
        return Choice("dropout", settings.dropout, TYPED)
    return Choice("dropout", 0.0, "its random numbers cost up to a third of a step on a CPU")
