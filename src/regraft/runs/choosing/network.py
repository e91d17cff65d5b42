"""Fits a network to the dimensions of the data: channels of images, a head."""

from dataclasses import replace

import numpy as np
import torch
from torch import nn

from regraft.backbones.backbone import Backbone
from regraft.backbones.graft import Grafted, apply_channels, make_head, takes_sums
from regraft.backbones.splicing.calling import MORE_TOKENS
from regraft.backbones.vocabulary import vocabulary_size
from regraft.data.rows import Dataset
from regraft.data.spec import ImageSpec, TextSpec
from regraft.settings import FitSettings

SAMPLE = 2
"""Rows of the batch on which the network is spliced."""
TOKENS = 12
"""Tokens of that batch, where the network takes so many."""
GREY = "grey images: the stem's weights are summed over the colours"
COLOURLESS = "warning: the network reads grey images, so the colours are left out"


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
    if stem is None or stem.in_channels != spec.channels or not takes_sums(stem):
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
        # A network is spliced with some tokens more as well.
        tokens = max(1, min(TOKENS, spec.length_limit - MORE_TOKENS))
        ids = torch.arange(SAMPLE * tokens).reshape(SAMPLE, tokens) + 4
        ids %= vocabulary_size(backbone.network) or len(ids.flatten()) + 4
        mask = torch.ones_like(ids)
        mask[1, max(1, tokens // 2) :] = 0
        return {"input_ids": ids, "attention_mask": mask}
    side = spec.size if spec.fixed_size else max(spec.min_size, 64)
    generator = torch.Generator().manual_seed(0)
    return {"pixels": torch.randn(SAMPLE, spec.channels, side, side, generator=generator)}
