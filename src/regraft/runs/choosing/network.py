"""Fits a network to the dimensions of the data: channels of images, a head."""

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor, nn

from regraft.backbones.backbone import Backbone, Batch
from regraft.backbones.graft import (
    Grafted,
    apply_channels,
    make_head,
    pool,
    restore_stem,
    takes_sums,
)
from regraft.backbones.splicing.calling import MORE_TOKENS, call
from regraft.backbones.splicing.recording import at_rest
from regraft.backbones.vocabulary import vocabulary_size
from regraft.data.rows import Dataset
from regraft.data.spec import ImageSpec, TextSpec
from regraft.errors import BackboneError, SettingsError
from regraft.machine import out_of_memory
from regraft.runs.choosing.defaults import TYPED, Choice
from regraft.settings import FitSettings

SAMPLE = 2
"""Rows of the batch on which the network is spliced."""
TOKENS = 12
"""Tokens of that batch, where the network takes so many."""
SIDE = 64
"""Pixels a side of that batch, where the network takes so few."""
ROUNDING = 1e-3
"""Share of the largest feature by which a row may differ beside another one."""
GREY = "grey images: the stem's weights are summed over the colours"
COLOURLESS = "warning: the network reads grey images, so the colours are left out"


def fit_channels(backbone: Backbone, dataset: Dataset) -> tuple[Backbone, list[str]]:
    """Returns the backbone with one channel where every image is grey, and a line on that.

    A third of the pixels, and the same features: the stem's weights are summed over the
    colours, which for equal statistics is what grey in every channel would give. Where no
    plain convolution takes the pixels, or not that alone, three equal channels stay.

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
    weight = stem.weight
    apply_channels(backbone.network, 1)
    mean, std = (float(np.mean(values)) for values in (spec.mean, spec.std))
    grey_spec = replace(spec, channels=1, mean=(mean,), std=(std,), reversed_channels=False)
    grey = replace(backbone, spec=grey_spec)
    if _takes(grey.network, example(grey)):
        return grey, [GREY]
    # Something else reads the three channels too.
    restore_stem(backbone.network, weight)
    return backbone, []


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
        network._apply(_channels_last)  # type: ignore[no-untyped-call]
    return network


def _channels_last(tensor: Tensor) -> Tensor:
    """Returns maps channels-last in memory, and what has other extents as it is."""
    return tensor.to(memory_format=torch.channels_last) if tensor.dim() == 4 else tensor


def example(backbone: Backbone) -> dict[str, Tensor]:
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
    side = spec.size if spec.fixed_size else max(spec.min_size, SIDE)
    small = _noise(spec, side=side)
    if side == spec.size or _takes(backbone.network, small):
        return small
    return _noise(spec, side=spec.size)


def fit_size(backbone: Backbone, chosen: Choice) -> Choice:
    """Returns the size that was chosen, or the network's own where it cannot take that.

    Args:
        backbone: Its network is left as it was.
        chosen: Side of images in pixels, or tokens: of texts a network takes each number.

    Raises:
        SettingsError: If a pass on one image of a size that was typed fails.
    """
    spec = backbone.spec
    if not isinstance(spec, ImageSpec) or chosen.value == spec.size:
        return chosen
    if _takes(backbone.network, _noise(spec, side=int(chosen.value), rows=1)):
        return chosen
    if chosen.reason == TYPED:
        raise SettingsError(
            f"image_size = {chosen.value} cannot be used with {backbone.name}",
            hint=f"--image-size {spec.size}",
        )
    return Choice(chosen.name, spec.size, f"the network cannot take {chosen.value} pixels")


def check_mask(backbone: Backbone) -> None:
    """Raises where a network passes the mask over and answers a text by what stands beside it.

    Args:
        backbone: Its network is left as it was.

    Raises:
        BackboneError: If so.
    """
    if not isinstance(backbone.spec, TextSpec):
        return
    batch = example(backbone)
    mask = batch["attention_mask"]
    ids = batch["input_ids"].masked_fill(mask == 0, backbone.spec.pad_id)
    length = int(mask[1].sum())
    try:
        beside = _last_feature(backbone, ids, mask)
        alone = _last_feature(backbone, ids[1:, :length], mask[1:, :length])
        blind = _last_feature(backbone, ids, mask, shown=torch.ones_like(mask))
    except Exception:  # of any library's code: splicing says what it is
        return
    difference, most = (beside - alone).abs().max(), alone.abs().max()
    if torch.equal(beside, blind) and bool(difference > ROUNDING * most):
        raise BackboneError(
            f"{backbone.name} passes the attention mask over: a text is answered by what it is "
            "padded with",
            expected="a network that reads no padding",
        )


def _last_feature(
    backbone: Backbone, ids: Tensor, mask: Tensor, *, shown: Tensor | None = None
) -> Tensor:
    """Returns the last row's pooled feature, (D,), where the network is shown a mask."""
    network = backbone.network
    fed = {"input_ids": ids, "attention_mask": mask if shown is None else shown}
    with at_rest(network, graph=False):
        output = call(network, _beside(network, fed))
        pooling = backbone.architecture.pooling
        return pool(output, _beside(network, {"attention_mask": mask}), pooling=pooling)[-1]


def _takes(network: nn.Module, batch: Batch) -> bool:
    """Says whether a network makes anything of a batch; it is left as it was."""
    try:
        with at_rest(network, graph=False):
            call(network, _beside(network, batch))
    except Exception as error:  # of any library's code
        return out_of_memory(error)
    return True


def _beside(network: nn.Module, batch: Batch) -> Batch:
    """Returns a batch on the device of a network."""
    device = next((p.device for p in network.parameters()), torch.device("cpu"))
    return {name: tensor.to(device) for name, tensor in batch.items()}


def _noise(spec: ImageSpec, *, side: int, rows: int = SAMPLE) -> Batch:
    """Returns random pixels of a size."""
    generator = torch.Generator().manual_seed(0)
    return {"pixels": torch.randn(rows, spec.channels, side, side, generator=generator)}
