"""Defines a phase of training, and the strategy that makes phases from facts."""

from dataclasses import dataclass
from typing import Any, Literal, Protocol

from regraft.backbones.chain import Block, Chain
from regraft.data.rows import Modality
from regraft.freezing.line import NOTHING, Above

Schedule = Literal["linear", "cosine", "constant"]


@dataclass(frozen=True)
class Phase:
    """A stretch of training with one line, one set of moving groups, one loss.

    Args:
        name: Shown to the user.
        line: Blocks 0..line-1 are frozen; P = the whole trunk.
        epochs: Passes over the training rows.
        head_rate: Peak learning rate of the head.
        rates: Peak learning rate of each of the P blocks; 0 below the line.
        weight_decay: Decoupled decay of weight matrices (norms and biases have none).
        warmup: Share of the steps in which the rate rises, in [0, 1).
        schedule: How the rate falls afterwards.
        stop_after: Passes after which the phase ends, its schedule unchanged; None = all.
        rows: Most training rows that a phase on features looks at; None = all.
    """

    name: str
    line: int
    epochs: int
    head_rate: float
    rates: tuple[float, ...]
    weight_decay: float = 0.01
    warmup: float = 0.1
    schedule: Schedule = "linear"
    stop_after: int | None = None
    rows: int | None = None


@dataclass(frozen=True)
class Facts:
    """What a strategy may know of the data and of what the user asked for.

    Args:
        modality: Of the rows.
        rows: N training rows.
        classes: K.
        epochs: Passes with the trunk moving.
        rate: Peak learning rate of the head and the top block.
        layer_decay: Ratio of the rates of one block and the block above it, in (0, 1].
        weight_decay: Decoupled decay.
        head_epochs: Passes of a head that has hidden layers, alone; a linear one is solved.
        head_rate: Peak learning rate of such a head while it is trained alone.
        start_line: Lowest line that may move: blocks below it always stay frozen.
    """

    modality: Modality
    rows: int
    classes: int
    epochs: int
    rate: float
    layer_decay: float
    weight_decay: float = 0.01
    head_epochs: int = 20
    head_rate: float = 1e-3
    start_line: int = 0


class Strategy(Protocol):
    """Makes the phases of a run; one file each under `strategies`."""

    def phases(self, chain: Chain, facts: Facts) -> list[Phase]:
        """Returns the phases in order."""


def layerwise_rates(chain: Chain, line: int, *, rate: float, decay: float) -> tuple[float, ...]:
    """Returns the rate of each block: `rate` at the top, times `decay` a block downwards.

    Source: Howard and Ruder 2018, "Universal Language Model Fine-tuning for Text
    Classification", discriminative fine-tuning (η of a layer = η of the one above / 2.6).

    Args:
        chain: P blocks.
        line: Blocks below it get 0.
        rate: Peak rate of the top block.
        decay: In (0, 1].
    """
    top = len(chain.blocks) - 1
    return tuple(0.0 if b < line else rate * decay ** (top - b) for b in range(top + 1))


def describe(
    phase: Phase, chain: Chain, *, head_parameters: int, above: Above = NOTHING
) -> dict[str, Any]:
    """Returns a phase as plain data: line, groups, rates and counts of what is trained.

    Args:
        phase: Of a strategy.
        chain: The trunk's blocks.
        head_parameters: Weights of the head.
        above: What is frozen besides, wherever the line is.
    """
    groups = [
        {
            "name": block.name,
            "lr": rate,
            "weight_decay": phase.weight_decay,
            "parameters": block.size - _held(chain, block, above),
        }
        for block, rate in zip(chain.blocks, phase.rates, strict=True)
        if rate > 0
    ]
    head = {
        "name": "head",
        "lr": phase.head_rate,
        "weight_decay": phase.weight_decay,
        "parameters": head_parameters,
    }
    trained = head_parameters + sum(int(str(group["parameters"])) for group in groups)
    return {
        "name": phase.name,
        "line": phase.line,
        "epochs": phase.epochs,
        "groups": [*groups, head],
        "trained": trained,
        "share": trained / (sum(block.size for block in chain.blocks) + head_parameters),
    }


def _held(chain: Chain, block: Block, above: Above) -> int:
    """Returns how many of a block's weights are frozen above the line."""
    names = set(block.parameters) & above.parameters
    return sum(chain.network.get_parameter(name).numel() for name in names)
