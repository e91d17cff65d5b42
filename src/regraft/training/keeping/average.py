"""Keeps a moving average of the weights that move, beside the weights themselves."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn


class Average:
    """An exponential moving average, which is scored and kept in the weights' stead.

    After step t a weight's average is a ← d·a + (1 − d)·w with d = min(decay, t / (t + 9)),
    so that the first steps do not weigh for ever. A weight that freezes has no average any
    more: it counts as it stands, so that what was frozen is equal bit for bit in the network
    that is trained and in the one that is kept. Buffers count as they stand.

    Source: Polyak and Juditsky 1992, "Acceleration of Stochastic Approximation by
    Averaging"; the exponential form with a rising decay as TensorFlow's
    `ExponentialMovingAverage(num_updates=)` has it.

    Args:
        network: At the start of a phase.
        decay: In (0, 1): how much of the average stays from one step to the next.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self._decay = decay
        self._weights = {n: p for n, p in network.named_parameters() if p.requires_grad}
        self.averages = {n: p.detach().clone() for n, p in self._weights.items()}
        self.steps = 0

    @torch.no_grad()
    def after_step(self) -> None:
        """Takes the weights as a step left them."""
        self.steps += 1
        decay = min(self._decay, self.steps / (self.steps + 9))
        moving = self._moving()
        averages: list[Tensor] = [self.averages[name] for name in moving]
        if averages:
            torch._foreach_lerp_(averages, list(moving.values()), 1 - decay)

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Opens a stretch in which the network holds the averages of what moves."""
        moving = self._moving()
        kept = {name: weight.clone() for name, weight in moving.items()}
        self._put(moving, self.averages)
        try:
            yield
        finally:
            self._put(moving, kept)

    def restore(self, averages: dict[str, Tensor], steps: int) -> None:
        """Puts back what `averages` and `steps` were; what has frozen since has none."""
        self.steps = steps
        for name, average in self.averages.items():
            average.copy_(averages[name])

    def _moving(self) -> dict[str, Tensor]:
        return {n: p.detach() for n, p in self._weights.items() if p.requires_grad}

    @staticmethod
    def _put(weights: dict[str, Tensor], values: dict[str, Tensor]) -> None:
        for name, weight in weights.items():
            weight.copy_(values[name])
