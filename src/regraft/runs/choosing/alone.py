"""Decides how a head with hidden layers is trained on features, alone."""

import math
from collections.abc import Collection
from dataclasses import dataclass

from regraft.runs.choosing.defaults import SGD_FACTOR
from regraft.settings import FitSettings


@dataclass(frozen=True)
class Alone:
    """How a head with hidden layers is trained on features, before anything else moves.

    Args:
        epochs: Passes.
        rate: Peak learning rate.
        batch_size: Rows in a step.
    """

    epochs: int = 20
    rate: float = 1e-3
    batch_size: int = 64


def head_alone(settings: FitSettings, *, left_open: Collection[str] = ()) -> Alone:
    """Returns what was typed, or what suits a small network on features.

    Args:
        settings: What was typed.
        left_open: Names that an earlier run filled in: nobody typed these.
    """
    rate = Alone.rate * (SGD_FACTOR if settings.optimizer == "sgd" else 1)
    typed = settings.model_copy(update=dict.fromkeys(left_open))
    return Alone(
        epochs=math.ceil(typed.epochs or Alone.epochs),
        rate=typed.lr or rate,
        batch_size=typed.batch_size or Alone.batch_size,
    )
