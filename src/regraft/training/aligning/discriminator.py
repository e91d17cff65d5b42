"""Makes the network that tells two domains apart: mlp, cnn or rnn, by what it reads.

Source: Ganin, Ustinova, Ajakan, Germain, Larochelle, Laviolette, Marchand and Lempitsky
2016, "Domain-Adversarial Training of Neural Networks" (DANN), JMLR 17, arXiv 1505.07818
(a network of two hidden layers); conditioning after Long, Cao, Wang and Jordan 2018 (CDAN),
arXiv 1705.10667. Convolutions and GRU before it are ours: features that have places or an
order are judged with them.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from regraft.errors import SettingsError
from regraft.losses.conditional_adversarial import multilinear, random_multilinear
from regraft.training.aligning.alignment import Alignment, Kind

KINDS: dict[int, Kind] = {2: "mlp", 3: "rnn", 4: "cnn"}
"""By the extents of the features: (B, D), (B, T, D) and (B, C, H, W)."""
WIDEST = 4096
"""Width of f ⊗ g above which it is drawn at random; the paper's."""
RANDOM = 1024


class Averaged(nn.Module):
    """Reads features of any shape as their mean over places or tokens, (B, D).

    Args:
        extents: Of the features, B counted in.
    """

    def __init__(self, extents: int) -> None:
        super().__init__()
        self._extents = extents

    def forward(self, features: Tensor, mask: Tensor | None) -> Tensor:
        """Returns (B, D)."""
        if self._extents == 2:
            return features
        if self._extents == 4:
            return _level(features).mean((2, 3))
        if mask is None:
            return _level(features).mean(1)
        known = mask.to(features.dtype).unsqueeze(2)
        return (_level(features) * known).sum(1) / known.sum(1)


class Convolved(nn.Module):
    """Reads maps, (B, C, H, W), by two convolutions and the mean of what they find.

    Args:
        channels: C.
        hidden: Channels of either convolution.
    """

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(channels, hidden, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(hidden, hidden, 3, stride=2, padding=1),
            nn.ReLU(),
        )

    def forward(self, features: Tensor, mask: Tensor | None) -> Tensor:
        """Returns (B, hidden)."""
        del mask
        found: Tensor = self.layers(_level(features)).mean((2, 3))
        return found


class Recurrent(nn.Module):
    """Reads tokens, (B, T, D), one after the other by a GRU, up to the last real one.

    Args:
        width: D.
        hidden: Of the state.
    """

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.cell = nn.GRU(width, hidden, batch_first=True)

    def forward(self, features: Tensor, mask: Tensor | None) -> Tensor:
        """Returns (B, hidden), the state after the last token that is no padding."""
        states: Tensor = self.cell(_level(features))[0]
        if mask is None:
            return states[:, -1]
        places = torch.arange(mask.shape[1], device=mask.device) * mask
        return states[torch.arange(len(states), device=mask.device), places.argmax(1)]


class Discriminator(nn.Module):
    """Scores rows: large for the source, small for the target.

    Args:
        shape: Of one row's features at the position: (D,), (T, D) or (C, H, W).
        classes: K, where it sees predictions too; 0 = it does not.
        kind: How it reads.
        hidden: Width of its bottleneck.
        channels_last: Whether what crosses the position is (B, H, W, C).
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        *,
        classes: int,
        kind: Kind,
        hidden: int,
        channels_last: bool = False,
    ) -> None:
        super().__init__()
        self._channels_last = channels_last
        channels = shape[0] if len(shape) == 3 else shape[-1]
        readers = {"cnn": Convolved, "rnn": Recurrent}
        self.kind = kind
        self.reader = (
            readers[kind](channels, hidden) if kind in readers else Averaged(len(shape) + 1)
        )
        width = hidden if kind in readers else channels
        self.of_features: Tensor | None
        self.of_classes: Tensor | None
        wide = width * classes > WIDEST
        self.register_buffer("of_features", torch.randn(width, RANDOM) if wide else None)
        self.register_buffer("of_classes", torch.randn(classes, RANDOM) if wide else None)
        self.judge = nn.Sequential(
            nn.Linear(RANDOM if wide else width * max(classes, 1), hidden),
            nn.ReLU(),
            nn.Linear(hidden, hidden),
            nn.ReLU(),
            nn.Linear(hidden, 1),
        )

    def forward(
        self, features: Tensor, mask: Tensor | None, *, given: Tensor | None = None
    ) -> Tensor:
        """Returns (B,) scores.

        Args:
            features: At its position, fp32.
            mask: (B, T) which tokens are real; None = all.
            given: (B, K) predictions, where it sees them.
        """
        if self._channels_last:
            features = features.movedim(-1, 1)
        found: Tensor = self.reader(features, mask)
        if given is not None and self.of_features is not None and self.of_classes is not None:
            found = random_multilinear(found, given, maps=(self.of_features, self.of_classes))
        elif given is not None:
            found = multilinear(found, given)
        scores: Tensor = self.judge(found)
        return scores.squeeze(1)


def make_discriminator(
    alignment: Alignment,
    shape: tuple[int, ...],
    *,
    classes: int,
    seed: int,
    channels_last: bool = False,
) -> Discriminator:
    """Returns a new discriminator, its weights a function of the seed alone.

    Args:
        alignment: Names its kind.
        shape: Of one row's features at the position: (D,), (T, D) or (C, H, W).
        classes: K.
        seed: Of its weights.
        channels_last: Whether maps come as (B, H, W, C).

    Raises:
        SettingsError: If that kind cannot read features of this shape.
    """
    usual = KINDS[len(shape) + 1]
    kind = usual if alignment.discriminator == "auto" else alignment.discriminator
    if kind not in ("mlp", usual):
        raise SettingsError(
            f"discriminator {kind} cannot read features of the shape {shape}",
            expected=f"mlp or {usual}" if usual != "mlp" else "mlp",
            hint="a position where the features have places (cnn) or an order (rnn)",
        )
    seen = classes if alignment.term == "cdan" else 0
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Discriminator(
            shape,
            classes=seen,
            kind=kind,
            hidden=alignment.hidden,
            channels_last=channels_last,
        )


def _level(features: Tensor) -> Tensor:
    """Returns features of mean 0 and deviation 1: over tokens' widths, or a row's whole map.

    Nothing has standardised them at a position inside the trunk.
    """
    if features.dim() == 3:
        return functional.layer_norm(features, features.shape[-1:])
    return functional.group_norm(features, 1)
