"""Defines a phase of training, and the strategy that makes phases from facts."""

import math
from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol

from torch import nn

from regraft.backbones.chain import Block, Chain
from regraft.data.rows import Modality
from regraft.freezing.line import NOTHING, Above
from regraft.training.aligning.alignment import Alignment

Schedule = Literal["linear", "cosine", "constant"]
Solving = Literal["probe", "means", "names"]
Loss = Literal["classes", "pairs"]


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
        still: Numbers of blocks above the line that stand still as well.
        solving: How a linear head is found on features: a `probe` (logistic regression),
            the classes' `means`, or the features of their `names`.
        refit: Whether a head that was solved is solved once more, on the validation rows too.
        loss: Of the `classes`, or of `pairs` of rows: of one class or not.
        shrink: Share by which each matrix that moves is made smaller after each step: of each of
            the P blocks, then of the head; empty = none.
        pull: Weight of the squared way from the pretrained weights in the loss, and of the
            head's squared weights.
        fresh: Whether the trunk starts from random weights; of the first phase only.
        mix: Rows of the source for each training row.
        average: Whether, when the phase has ended, the network becomes the point between its
            start and its end that validation likes best; of the last phase only.
        alignment: What is added to the loss over rows of the session's target, one for each
            training row; None = these are not seen.
        last_pass: Share of its last pass that is taken, in (0, 1].
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
    still: frozenset[int] = frozenset()
    solving: Solving = "probe"
    refit: bool = False
    loss: Loss = "classes"
    shrink: tuple[float, ...] = ()
    pull: tuple[float, float] = (0.0, 0.0)
    fresh: bool = False
    mix: float = 0.0
    average: bool = False
    alignment: Alignment | None = None
    last_pass: float = 1.0

    @property
    def passes(self) -> float:
        """How many passes are planned, of which the last one may end early."""
        return self.epochs - 1 + self.last_pass


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
    """Makes the phases of a run; one file each under `strategies`.

    A class may say more: `whole = True`, that it moves every block where nothing else was
    typed; `rate_share`, its share of the usual rate; `least_batch`, the fewest rows that its
    steps should have; `needs_source = True`, that it trains on rows of a source too.
    """

    def phases(self, chain: Chain, facts: Facts) -> list[Phase]:
        """Returns the phases in order."""


class Modifier(Protocol):
    """Changes any strategy; one file each under `strategies`, named with a plus before it.

    A class may have `rate_share` and `least_batch`, as a strategy may, and
    `graft(trunk, seed=…)` and `merge(trunk)`, which put something beside the trunk's layers
    and into them at the end.
    """

    def change(self, phases: list[Phase]) -> list[Phase]:
        """Returns the phases as they will be worked."""

    def held(self, trunk: nn.Module) -> Above:
        """Returns what of the trunk never moves."""


DIGITS = 6
"""Of a number of passes."""


def ended_early(phases: list[Phase], *, top: int, epochs: float) -> list[Phase]:
    """Returns the phases with what a whole number of passes has too many taken off the last one.

    Strategies share out whole passes. Only the last phase that moves the trunk is shortened; one
    that has several passes for each that was asked for loses as many times as much.

    Args:
        phases: Of a strategy, made for `epochs` rounded up.
        top: P; phases with their line there do not move the trunk.
        epochs: Passes that were asked for.
    """
    whole = math.ceil(epochs)
    moving = [number for number, phase in enumerate(phases) if phase.line < top]
    if whole == epochs or not moving:
        return phases
    last = phases[moving[-1]]
    # Rounded, so that seven passes are not eight with next to nothing in the last.
    passes = round(last.epochs - (whole - epochs) * max(1.0, last.epochs / whole), DIGITS)
    # Never nothing at all: of the smallest part of a pass one step is taken.
    passes = max(passes, 10.0**-DIGITS)
    short = replace(last, epochs=math.ceil(passes), last_pass=passes - math.ceil(passes) + 1)
    return [*phases[: moving[-1]], short, *phases[moving[-1] + 1 :]]


START_ROWS = 2048
"""Rows from which a head's start is solved: more are not felt after the first epoch."""
START_ROWS_A_CLASS = 20


def start_rows(classes: int) -> int:
    """Returns how many rows a head's start is solved on, before the trunk moves."""
    return max(START_ROWS, START_ROWS_A_CLASS * classes)


def on_features(chain: Chain, facts: Facts, *, rows: int | None = None) -> Phase:
    """Returns the phase `head`: the whole trunk frozen, the head found on its features.

    Args:
        chain: P blocks.
        facts: Passes and rate of a head with hidden layers.
        rows: Most training rows that it looks at; None = all.
    """
    top = len(chain.blocks)
    epochs, still = facts.head_epochs, (0.0,) * top
    return Phase("head", top, epochs, facts.head_rate, still, facts.weight_decay, rows=rows)


def all_moving(chain: Chain, facts: Facts, *, name: str, decay: float) -> Phase:
    """Returns a phase in which every block above the facts' start line moves.

    Args:
        chain: P blocks.
        facts: Line, passes and peak rate.
        name: Shown to the user.
        decay: Of the rate from a block to the one below, in (0, 1].
    """
    line = facts.start_line
    rates = layerwise_rates(chain, line, rate=facts.rate, decay=decay)
    return Phase(name, line, facts.epochs, facts.rate, rates, facts.weight_decay)


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
    phase: Phase,
    chain: Chain,
    *,
    head_parameters: int,
    above: Above = NOTHING,
    linear: bool = False,
) -> dict[str, Any]:
    """Returns a phase as plain data: line, groups, rates and counts of what is trained.

    Args:
        phase: Of a strategy.
        chain: The trunk's blocks.
        head_parameters: Weights of the head.
        above: What is frozen besides, wherever the line is.
        linear: Whether the head has no hidden layers: alone it is then solved, at no rate.
    """
    groups = [
        {
            "name": block.name,
            "lr": rate,
            "weight_decay": phase.weight_decay,
            **_shrink(phase, number),
            "parameters": block.size - _held(chain, block, above),
        }
        for number, (block, rate) in enumerate(zip(chain.blocks, phase.rates, strict=True))
        if rate > 0
    ]
    head = {
        "name": "head",
        "lr": phase.head_rate,
        "weight_decay": phase.weight_decay,
        **_shrink(phase, -1),
        "parameters": head_parameters,
    }
    trained = head_parameters + sum(int(str(group["parameters"])) for group in groups)
    return {
        "name": phase.name,
        "line": phase.line,
        "epochs": phase.epochs if phase.last_pass == 1 else round(phase.passes, DIGITS),
        "groups": [*groups, head],
        **({"solved": True} if linear and phase.line == chain.top else {}),
        "trained": trained,
        "share": trained / (sum(block.size for block in chain.blocks) + head_parameters),
        **({"alignment": phase.alignment.words()} if phase.alignment else {}),
    }


def _shrink(phase: Phase, number: int) -> dict[str, float]:
    return {"shrink": phase.shrink[number]} if phase.shrink else {}


def _held(chain: Chain, block: Block, above: Above) -> int:
    """Returns how many of a block's weights are frozen above the line."""
    names = set(block.parameters) & above.parameters
    return sum(chain.network.get_parameter(name).numel() for name in names)
