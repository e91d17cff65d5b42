"""Makes the statistics of the network's batch norms those of each domain.

Source: Li, Wang, Shi, Hou and Liu 2018, "Adaptive Batch Normalization for practical domain
adaptation" (AdaBN), Pattern Recognition 80, after arXiv 1603.04779, algorithm 1: in every
batch norm x̂ = (x − μ) / σ, with μ and σ of all rows of the same domain. A network that was not
trained on the source has statistics of neither, so the source gets its own too; the target's
stay in the network. Few rows are mixed with what was there after Schneider, Rusak, Eck,
Bringmann, Brendel and Bethge 2020, "Improving robustness against common corruptions by
covariate shift adaptation", equation 1, arXiv 2006.16971:
μ = N / (N + L) μ_s + L / (N + L) μ_t, and σ² likewise.
"""

from dataclasses import dataclass, field
from functools import partial
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from regraft.adaptation.preparation import Changed, Given, free_copy
from regraft.backbones.attention import set_attention
from regraft.backbones.chain import call
from regraft.backbones.modes import Mode
from regraft.data.encode import Encoded
from regraft.data.mapped.digests import sorted_order
from regraft.data.spec import InputSpec
from regraft.features.pooled import to_device
from regraft.features.rowkeys import row_keys
from regraft.strategies.options import check_options

NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)
FEWEST = 8
"""Rows that go through together at the least: what one row looks like is no statistic."""


@dataclass(frozen=True)
class AdaBn:
    """The statistics of all batch norms are those of the domain; no weight moves.

    While they are gathered, a layer sees its inputs normalised by the rows that go through
    together: with all rows at once this is the paper's.

    Args:
        prior: N, rows for which the statistics count that were there.
        rows: Rows that go through together.
    """

    prior: float = 16.0
    rows: int = 64

    first: ClassVar[bool] = False

    def __post_init__(self) -> None:
        check_options("adabn", ("rows", self.rows, self.rows >= FEWEST, "8 or more"))

    def refusal(self, trunk: nn.Module, spec: InputSpec) -> str:
        """Returns why it can do nothing for a network without batch norms."""
        return "" if norms_of(trunk) else "the network has no batch norm with statistics"

    def prepare(self, given: Given) -> Changed:
        """Returns the means and variances of the target, and those that the source is read by."""
        return Changed(
            self._mixed(given, given.target), source_tensors=self._mixed(given, given.train)
        )

    def _mixed(self, given: Given, rows: Encoded) -> dict[str, Tensor]:
        """Returns the statistics of some rows, mixed with those that are there."""
        gathered = statistics_of(given.trunk, rows, together=self.rows, mode=given.inference)
        share = len(rows) / (len(rows) + self.prior)
        state = given.trunk.state_dict()
        return {
            name: state[name] + share * (value.to(state[name]) - state[name])
            for path, moments in gathered.items()
            for name, value in moments.named(path).items()
        }


@dataclass
class Moments:
    """Mean and squared distance from it of all that went into a norm layer so far.

    Args:
        count: Values of each channel.
        mean: (C,) in fp64.
        squares: (C,) sum of squared distances from the mean.
    """

    count: int = 0
    mean: Tensor = field(default_factory=lambda: torch.zeros(()))
    squares: Tensor = field(default_factory=lambda: torch.zeros(()))

    def add(self, count: int, mean: Tensor, *, variance: Tensor) -> None:
        """Takes in the moments of a batch.

        Source: Chan, Golub and LeVeque 1979, "Updating Formulae and a Pairwise Algorithm for
        Computing Sample Variances".

        Args:
            count: M, values of each channel.
            mean: (C,).
            variance: (C,), over M − 1.
        """
        mean, squares = mean.cpu().double(), variance.cpu().double() * (count - 1)
        gap, total = mean - self.mean, self.count + count
        self.squares = self.squares + squares + gap.square() * (self.count * count / total)
        self.mean = self.mean + gap * (count / total)
        self.count = total

    def named(self, path: str) -> dict[str, Tensor]:
        """Returns mean and variance under the names of the layer's buffers."""
        prefix = f"{path}." if path else ""
        variance = self.squares / max(self.count - 1, 1)
        return {f"{prefix}running_mean": self.mean, f"{prefix}running_var": variance}


def norms_of(trunk: nn.Module) -> dict[str, Any]:
    """Returns the batch norms that keep statistics, by path."""
    return {
        path: module
        for path, module in trunk.named_modules()
        if isinstance(module, NORMS) and module.running_mean is not None
    }


def statistics_of(
    trunk: nn.Module, rows: Encoded, *, together: int, mode: Mode
) -> dict[str, Moments]:
    """Returns the moments of what each batch norm is given, by the layer's path.

    Args:
        trunk: The library's own module; left as it is.
        rows: N of one domain.
        together: How many go through together at the least, where there are so many.
        mode: Of the pass.
    """
    seen = free_copy(trunk).eval()
    set_attention(seen, mode.attention)
    norms = norms_of(seen)
    found = {path: Moments() for path in norms}
    for path, norm in norms.items():
        norm.training = True
        # With this momentum a layer's statistics are those of the batch that it has just seen.
        norm.momentum = 1.0
        norm.register_forward_hook(partial(_take, found[path]))
    # Mixed, and from an order that is the same however the rows came: files have one class after
    # the other, and rows of one class are no sample of the domain. Parts of nearly equal size, of
    # so many rows at the least.
    mixed = np.random.default_rng(0).permutation(len(rows))
    parts = np.array_split(sorted_order(row_keys(rows))[mixed], max(1, len(rows) // together))
    with torch.no_grad(), mode.running():
        for part in parts:
            call(seen, to_device(rows.batch(part), mode.device))
    return {path: moments for path, moments in found.items() if moments.count}


def _take(into: Moments, norm: Any, given: tuple[Tensor], made: Tensor) -> None:
    """Takes in what a layer has found of its batch, whose (B, C, ...) values it was given."""
    into.add(made.numel() // made.shape[1], norm.running_mean, variance=norm.running_var)
