"""Defines where a training stands: all that moves between two steps, besides tensors."""

import time
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor


@dataclass
class Tally:
    """Sums over the steps of an epoch, the head's last rate, and when it began.

    `norm` is the sum of the norms of the steps' gradients, before they are scaled down.
    """

    loss: float = 0.0
    right: int = 0
    rows: int = 0
    steps: int = 0
    norm: float = 0.0
    rate: float = 0.0
    started: float = field(default_factory=time.perf_counter)

    def add(self, loss: float, logits: Tensor, *, labels: Tensor) -> None:
        """Takes the loss, the (B, K) logits and the (B,) labels of a step."""
        self.loss += loss * len(labels)
        self.right += int((logits.argmax(dim=1) == labels).sum())
        self.rows += len(labels)
        self.steps += 1

    def as_json(self) -> dict[str, Any]:
        """Returns plain data, the start as seconds ago."""
        return {**vars(self), "started": time.perf_counter() - self.started}


@dataclass
class Place:
    """A moment between two steps.

    Args:
        phase: Number of the phase, from 0.
        number: Number of the epoch in the phase, from 1.
        batch: Batches of the epoch that are done.
        done: Steps of the phase that are done.
        at: Where its schedule is: as many steps, or ahead of them where time is short.
        without: Epochs since the last one that was better than all before in the phase.
        best: The best validation score of the phase so far, and minus its log loss.
        tally: Of the epoch.
    """

    phase: int = 0
    number: int = 1
    batch: int = 0
    done: int = 0
    at: int = 0
    without: int = 0
    best: tuple[float, float] | None = None
    tally: Tally = field(default_factory=Tally)

    def improves(self, key: tuple[float, float]) -> bool:
        """Takes the validation score of an epoch; says whether it is the phase's best so far."""
        if self.best is not None and key <= self.best:
            return False
        self.best = key
        return True

    def next_epoch(self, *, better: bool) -> None:
        """Goes to the start of the next epoch."""
        self.number += 1
        self.batch = 0
        self.without = 0 if better else self.without + 1
        self.tally = Tally()

    def as_json(self) -> dict[str, Any]:
        """Returns plain data for a checkpoint."""
        return {**vars(self), "tally": self.tally.as_json()}


def place_from_json(content: dict[str, Any]) -> Place:
    """Returns the place that `Place.as_json` wrote down."""
    tally = dict(content["tally"])
    tally["started"] = time.perf_counter() - float(tally["started"])
    best = None if content["best"] is None else tuple(content["best"])
    return Place(**{**content, "best": best, "tally": Tally(**tally)})
