"""Makes a network with a new head from a trunk, and a stem for other channels."""

import math
from itertools import pairwise

import torch
from torch import Tensor, nn

from regraft.backbones.backbone import Batch, Pooling
from regraft.backbones.chain import call
from regraft.backbones.splicing.tree import primary
from regraft.errors import BackboneError, SettingsError
from regraft.settings.checked import MOST_UNITS

GRAMMAR = f"linear or mlp:UNITS[,UNITS...] with 1 to {MOST_UNITS} units, such as mlp:256"


def parse_head(kind: str) -> tuple[int, ...]:
    """Returns the widths of the hidden layers that a kind of head names.

    >>> parse_head("linear"), parse_head("mlp:512,128")
    ((), (512, 128))

    Raises:
        SettingsError: When the spelling is neither `linear` nor `mlp:UNITS[,UNITS...]`.
    """
    if kind == "linear":
        return ()
    name, _, widths = kind.partition(":")
    units = widths.split(",")
    if name == "mlp" and all(map(_is_width, units)):
        return tuple(map(int, units))
    raise SettingsError(f"head {kind!r} is unknown", expected=GRAMMAR, hint="--head linear")


def _is_width(word: str) -> bool:
    """Says whether a word is a number of units; its length is looked at before it is read."""
    digits = word.isascii() and word.isdigit() and len(word) <= len(str(MOST_UNITS))
    return digits and 0 < int(word) <= MOST_UNITS


class Head(nn.Module):
    """New last layers on pooled features that are standardised first.

    Args:
        widths: D, the hidden widths, and K at the end.
        generator: Where the initial weights come from; no other random number is drawn.
        dropout: Share of hidden units dropped while training, in [0, 1).
    """

    shift: Tensor
    scale: Tensor

    def __init__(
        self, widths: tuple[int, ...], *, generator: torch.Generator, dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.register_buffer("shift", torch.zeros(widths[0]))
        self.register_buffer("scale", torch.ones(widths[0]))
        self.layers = nn.Sequential()
        for wide, narrow in pairwise(widths[:-1]):
            self.layers.append(_linear(wide, narrow, generator=generator))
            bend = nn.ReLU()
            # In one place, so that the names of the weights are the same with and without.
            self.layers.append(nn.Sequential(bend, nn.Dropout(dropout)) if dropout > 0 else bend)
        self.layers.append(_linear(widths[-2], widths[-1], generator=generator))

    @property
    def last(self) -> nn.Linear:
        """The output layer."""
        layer = self.layers[-1]
        assert isinstance(layer, nn.Linear)
        return layer

    @property
    def hidden(self) -> bool:
        """Says whether there are layers before the output layer."""
        return len(self.layers) > 1

    @property
    def classes(self) -> int:
        """K, the number of logits."""
        return self.last.out_features

    def standardise(self, shift: Tensor, scale: Tensor) -> None:
        """Sets what is taken from the features, and what they are multiplied by, both (D,)."""
        self.shift.copy_(shift)
        self.scale.copy_(scale)

    def forward(self, features: Tensor) -> Tensor:
        """Returns logits, (B, K), from pooled features, (B, D)."""
        logits: Tensor = self.layers((features - self.shift) * self.scale)
        return logits


def make_head(
    kind: str,
    width: int,
    *,
    classes: int,
    generator: torch.Generator,
    dropout: float = 0.0,
) -> Head:
    """Returns a new head, with weights drawn from the generator alone.

    Args:
        kind: `linear`, or `mlp:UNITS[,UNITS...]`.
        width: D, the width of the pooled features.
        classes: K.
        generator: On the CPU.
        dropout: Share of hidden units dropped while training, in [0, 1).

    Raises:
        SettingsError: When the kind is not spelled so (raised by `parse_head`).
    """
    widths = (width, *parse_head(kind), classes)
    return Head(widths, generator=generator, dropout=dropout)


def _linear(wide: int, narrow: int, *, generator: torch.Generator) -> nn.Linear:
    """Returns torch's own initial distribution, from our generator instead of the global one."""
    layer = nn.utils.skip_init(nn.Linear, wide, narrow)
    assert isinstance(layer, nn.Linear)
    bound = 1 / math.sqrt(wide)
    for parameter in (layer.weight, layer.bias):
        nn.init.uniform_(parameter, -bound, bound, generator=generator)
    return layer


class Grafted(nn.Module):
    """A trunk with a head.

    Args:
        trunk: The library's own module.
        head: Takes what is pooled from the trunk's output.
        pooling: How the trunk's output becomes (B, D).
    """

    def __init__(self, trunk: nn.Module, head: Head, *, pooling: Pooling) -> None:
        super().__init__()
        self.trunk = trunk
        self.head = head
        self.pooling = pooling

    def features(self, batch: Batch) -> Tensor:
        """Returns pooled features, (B, D) in fp32, on the batch's device."""
        return pool(call(self.trunk, batch), batch, pooling=self.pooling)

    def forward(self, batch: Batch) -> Tensor:
        """Returns logits, (B, K)."""
        logits: Tensor = self.head(self.features(batch))
        return logits


def pool(output: object, batch: Batch, *, pooling: Pooling) -> Tensor:
    """Returns one vector a row from a trunk's output.

    Args:
        output: A tensor, a tuple that starts with one, or transformers' output: (B, T, D)
            for `mean` and `cls`, (B, D, H, W) for `map`, (B, D) for `none`.
        batch: What was fed; its `attention_mask`, (B, T), tells real tokens from padding.
        pooling: What to do; means are taken in fp32, also under autocast.

    Returns:
        (B, D) in fp32, on the device of the output.

    Raises:
        BackboneError: When the output's shape does not suit the pooling.
    """
    states = primary(output)
    wanted = {"mean": 3, "cls": 3, "map": 4}
    if states is not None and pooling == "none":
        states = states.squeeze((2, 3)) if states.dim() == 4 else states
    if states is None or states.dim() != wanted.get(pooling, 2):
        shape = "no floating tensor" if states is None else f"shape {tuple(states.shape)}"
        raise BackboneError(
            f"the network gives {shape}",
            expected=f"{wanted.get(pooling, 2)} extents for the pooling {pooling!r}",
        )
    if pooling == "mean":
        return _masked_mean(states.float(), batch.get("attention_mask"))
    if pooling == "cls":
        states = states[:, 0]
    if pooling == "map":
        states = states.float().mean((2, 3))
    return states.float()


def _masked_mean(states: Tensor, mask: Tensor | None) -> Tensor:
    if mask is None:
        return states.mean(1)
    weights = mask.to(states.dtype).unsqueeze(-1)
    return (states * weights).sum(1) / weights.sum(1).clamp(min=1)


def apply_channels(network: nn.Module, channels: int) -> None:
    """Changes the first convolution of a network in place, to take another channel count.

    Grey images get the sum of the weights over the channels, which gives what the network
    would make of the same grey in every channel. More channels repeat the weights in turn,
    scaled so that the sums keep their size.

    Args:
        network: An image network.
        channels: C of the images to come.

    Raises:
        BackboneError: When there is no convolution, or the first one works by groups.
    """
    found = next(((p, m) for p, m in network.named_modules() if isinstance(m, nn.Conv2d)), None)
    if found is None or found[1].groups != 1:
        raise BackboneError(
            f"{type(network).__name__} cannot take images of {channels} channels",
            expected="a network whose first layer with a window is a plain convolution",
        )
    path, stem = found
    before = stem.in_channels
    if channels != before:
        stem.weight = nn.Parameter(_channelled(stem.weight.detach(), channels))
        stem.in_channels = channels
        _tell_holders(network, path, channels=(before, channels))


def restore_stem(network: nn.Module, weight: Tensor) -> None:
    """Puts the weights of the first convolution back that `apply_channels` changed.

    Args:
        network: Changed in place.
        weight: The parameter as it was before.
    """
    path, stem = next((p, m) for p, m in network.named_modules() if isinstance(m, nn.Conv2d))
    channels = (stem.in_channels, weight.shape[1])
    stem.weight, stem.in_channels = weight, weight.shape[1]
    _tell_holders(network, path, channels=channels)


def takes_sums(layer: nn.Conv2d) -> bool:
    """Says whether a stem with summed weights answers grey as it answers three equal channels.

    One that changes its weights at each call (those that standardise them) does not.
    """
    kind = type(layer)
    same = kind.__name__ == "Conv2dSame" and kind.__module__.startswith("timm.")
    return layer.groups == 1 and (kind is nn.Conv2d or same)


def _channelled(weight: Tensor, channels: int) -> Tensor:
    """Returns weights (D, channels, H, W) from (D, C, H, W)."""
    if channels == 1:
        return weight.sum(1, keepdim=True)
    before = weight.shape[1]
    repeated = weight[:, torch.arange(channels, device=weight.device) % before]
    return repeated * (before / channels)


def _tell_holders(network: nn.Module, path: str, *, channels: tuple[int, int]) -> None:
    """Corrects `num_channels`, which transformers' embeddings compare with their input."""
    before, after = channels
    while path:
        path = path.rpartition(".")[0]
        holder = network.get_submodule(path)
        for owner in (holder, getattr(holder, "config", None)):
            if getattr(owner, "num_channels", None) == before:
                setattr(owner, "num_channels", after)  # noqa: B010 - not declared on modules
