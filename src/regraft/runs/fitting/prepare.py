"""Makes everything that training needs from settings: data, network, choices, phases."""

import copy
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from regraft.backbones.backbone import Backbone
from regraft.backbones.chain import Chain
from regraft.backbones.graft import Grafted, apply_channels, make_head
from regraft.backbones.open import open_backbone
from regraft.backbones.splice import splice
from regraft.data.encode import Encoded, encode
from regraft.data.explain import explain
from regraft.data.guess import Roles
from regraft.data.load import load
from regraft.data.rows import Dataset, Modality, Part
from regraft.data.spec import ImageSpec, TextSpec
from regraft.data.texts import token_lengths
from regraft.errors import BackboneError, SettingsError
from regraft.features.cached import Cache
from regraft.freezing.line import Above
from regraft.freezing.patterns import above_of
from regraft.runs.choosing.alone import Alone, head_alone
from regraft.runs.choosing.defaults import MULTILINGUAL, TYPED, Chosen, choose, choose_backbone
from regraft.runs.choosing.line import block_decay, choose_line, frozen_words
from regraft.runs.fitting.repeat import Earlier, read_earlier
from regraft.settings import FitSettings
from regraft.strategies.table import make_strategy
from regraft.training.dropout import apply_dropout
from regraft.training.phase import Facts, Phase

Say = Callable[[str], None]
Network = nn.Module | Backbone
SAMPLE = 2
"""Rows of the batch on which the network is spliced."""
TOKENS = 12
"""Tokens of that batch."""
GREY = "grey images: the stem's weights are summed over the colours"
COLOURLESS = "warning: the network reads grey images, so the colours are left out"


@dataclass(frozen=True)
class Prepared:
    """All that is fixed before the first step.

    Args:
        settings: As typed.
        dataset: Rows in parts.
        backbone: The opened network.
        network: Trunk with its new head.
        chain: The trunk's blocks.
        chosen: What was left open, decided.
        encoded: Rows as tensors, by part.
        phases: From the strategy.
        understood: Lines on what was understood of the data.
        seconds: Seconds spent on data and on opening the network.
        above: Parts of the trunk that never move, wherever the line is.
        alone: How a head with hidden layers is trained on features.
        earlier: What the run measured that is repeated, if one is.
        cache: Of features of what is frozen.
    """

    settings: FitSettings
    dataset: Dataset
    backbone: Backbone
    network: Grafted
    chain: Chain
    chosen: Chosen
    encoded: dict[Part, Encoded]
    phases: list[Phase]
    understood: list[str]
    seconds: float
    above: Above
    alone: Alone
    earlier: Earlier | None = None
    cache: Cache = field(default_factory=lambda: Cache(on=False))

    @property
    def device(self) -> str:
        """Where the network runs."""
        return pick_device(self.settings.device)


def prepare(
    settings: FitSettings, source: object, *, say: Say, network: Network | None = None
) -> Prepared:
    """Returns everything that training needs.

    Args:
        settings: Checked settings.
        source: The data as given: a path or name, lists, a frame.
        say: Told one line at a time.
        network: The backbone itself, which is left as it is; None = the one that is named.

    Raises:
        SettingsError: If the strategy or the head is unknown, or the device not here.
        DataError: If the data cannot be used.
        BackboneError: If the network cannot be used with the data.
    """
    start = time.perf_counter()
    device = pick_device(settings.device)
    strategy = make_strategy(settings.strategy)
    earlier = read_earlier(settings.repeat)
    dataset = load(source, Roles(**settings.columns), say=say)
    # A copy, so that the caller's own network is not trained.
    named = copy.deepcopy(network)
    if named is None:
        named = choose_backbone(settings, dataset).value
    backbone, notes = fit_channels(_open(named, settings, dataset, say), dataset)
    lengths = _lengths(dataset, backbone)
    chosen = choose(settings, dataset, backbone=backbone, lengths=lengths)
    understood = [*_explained(dataset, backbone, chosen, lengths), *notes]
    for line in understood:
        say(line)
    grafted = graft(backbone, settings, classes=len(dataset.classes))
    apply_dropout(grafted, float(chosen.dropout.value))
    chain = splice(backbone.network, example(backbone))
    grafted.to(device)
    chosen = _of_blocks(chosen, settings, dataset.modality, blocks=chain.top)
    alone = head_alone(settings, left_open=earlier.left_open if earlier else ())
    facts = _facts(settings, dataset, chosen, alone)
    return Prepared(
        settings,
        dataset,
        backbone,
        grafted,
        chain,
        chosen,
        _encoded(dataset, backbone, chosen),
        strategy.phases(chain, facts),
        understood,
        time.perf_counter() - start,
        above_of(backbone.network, frozen_words(settings)[1]),
        alone,
        earlier,
        # The code of a program's own network may change while its weights stay.
        Cache(settings.cache and network is None, say, settings.check_cache),
    )


def fit_channels(backbone: Backbone, dataset: Dataset) -> tuple[Backbone, list[str]]:
    """Returns the backbone with one channel where every image is grey, and a line on that.

    A third of the pixels, and the same features: the stem's weights are summed over the
    colours, which for equal statistics is what grey in every channel would give. Where no
    plain convolution takes the pixels, three equal channels stay.

    Args:
        backbone: Its network is changed in place.
        dataset: Says how many of its images are grey.
    """
    spec, facts = backbone.spec, dataset.pictures
    if facts is None or not isinstance(spec, ImageSpec):
        return backbone, []
    if spec.channels == 1 and facts.grey_share < 1:
        return backbone, [COLOURLESS]
    # Some networks of torchvision weigh the three channels themselves (`transform_input`).
    weighed = getattr(backbone.network, "transform_input", False)
    if spec.channels != 3 or facts.grey_share < 1 or weighed:
        return backbone, []
    stem = next((m for m in backbone.network.modules() if isinstance(m, nn.Conv2d)), None)
    if stem is None or stem.in_channels != spec.channels or stem.groups != 1:
        return backbone, []
    apply_channels(backbone.network, 1)
    mean, std = (float(np.mean(values)) for values in (spec.mean, spec.std))
    grey_spec = replace(spec, channels=1, mean=(mean,), std=(std,), reversed_channels=False)
    return replace(backbone, spec=grey_spec), [GREY]


def graft(backbone: Backbone, settings: FitSettings, *, classes: int) -> Grafted:
    """Returns the trunk with a new head, its random weights a function of the seed."""
    generator = torch.Generator().manual_seed(settings.seed)
    head = make_head(
        settings.head,
        backbone.width,
        classes=classes,
        generator=generator,
        dropout=settings.dropout,
    )
    network = Grafted(backbone.network, head, pooling=backbone.architecture.pooling)
    if isinstance(backbone.spec, ImageSpec):
        network.to(memory_format=torch.channels_last)
    return network


def example(backbone: Backbone) -> dict[str, torch.Tensor]:
    """Returns a smallest batch for the splicing of a network."""
    spec = backbone.spec
    if isinstance(spec, TextSpec):
        ids = torch.arange(SAMPLE * TOKENS).reshape(SAMPLE, TOKENS) + 4
        mask = torch.ones_like(ids)
        mask[1, TOKENS // 2 :] = 0
        return {"input_ids": ids, "attention_mask": mask}
    side = spec.size if spec.fixed_size else max(spec.min_size, 64)
    generator = torch.Generator().manual_seed(0)
    return {"pixels": torch.randn(SAMPLE, spec.channels, side, side, generator=generator)}


def pick_device(device: str) -> str:
    """Returns the device that was typed, or the best one here.

    Raises:
        SettingsError: If the device is not to be had.
    """
    here = {"cuda": torch.cuda.device_count(), "mps": int(torch.mps.is_available()), "cpu": 1}
    if device == "auto":
        return next(kind for kind, count in here.items() if count)
    kind, _, number = device.partition(":")
    if int(number or 0) >= here[kind]:
        raise SettingsError(f"device {device!r} is not to be had here", hint="--device cpu")
    return device


def _encoded(dataset: Dataset, backbone: Backbone, chosen: Chosen) -> dict[Part, Encoded]:
    """Returns the rows of training and validation as tensors; test rows wait for the end."""
    return {
        part: encode(rows, backbone.spec, extent=int(chosen.extent.value))
        for part, rows in dataset.parts.items()
        if part != "test"
    }


def _open(name: Any, settings: FitSettings, dataset: Dataset, say: Say) -> Backbone:
    backbone = open_backbone(name, arch=settings.arch, say=say)
    wanted = "text" if isinstance(backbone.spec, TextSpec) else "image"
    if wanted != dataset.modality:
        raise BackboneError(
            f"{backbone.name} reads {wanted}s, and the data are {dataset.modality}s",
            expected=f"a network for {dataset.modality}s",
            hint="regraft list backbones",
        )
    return backbone


def _lengths(dataset: Dataset, backbone: Backbone) -> npt.NDArray[np.int64]:
    if not isinstance(backbone.spec, TextSpec):
        return np.zeros(0, np.int64)
    return token_lengths([str(t) for t in dataset.parts["train"].inputs], backbone.spec)


def _explained(
    dataset: Dataset, backbone: Backbone, chosen: Chosen, lengths: npt.NDArray[np.int64]
) -> list[str]:
    if not isinstance(backbone.spec, TextSpec):
        return explain(dataset)
    extent = int(chosen.extent.value)
    cut = float((lengths > extent).mean()) if len(lengths) else 0.0
    choice = chosen.backbone
    # Not for a network of a program, which nobody chose here.
    ours = backbone.name == choice.value == MULTILINGUAL and choice.reason != TYPED
    return explain(
        dataset,
        cut_share=cut,
        length=extent,
        scripts=backbone.spec.scripts,
        network=choice.words() if ours else "",
    )


def _of_blocks(chosen: Chosen, settings: FitSettings, modality: Modality, blocks: int) -> Chosen:
    """Returns the choices with those that depend on the number of blocks filled in."""
    decay = chosen.layer_decay
    ratio = block_decay(decay, modality, blocks=blocks)
    return replace(
        chosen,
        layer_decay=replace(decay, value=ratio),
        freeze=choose_line(settings, modality, blocks=blocks),
    )


def _facts(settings: FitSettings, dataset: Dataset, chosen: Chosen, alone: Alone) -> Facts:
    return Facts(
        modality=dataset.modality,
        rows=len(dataset.parts["train"]),
        classes=len(dataset.classes),
        epochs=math.ceil(chosen.epochs.value),
        rate=float(chosen.lr.value),
        layer_decay=float(chosen.layer_decay.value),
        weight_decay=settings.weight_decay,
        # A linear head is solved at once.
        head_epochs=1 if settings.head == "linear" else alone.epochs,
        head_rate=alone.rate,
        start_line=int(chosen.freeze.value),
    )
