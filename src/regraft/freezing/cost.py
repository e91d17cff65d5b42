"""Measures what each block costs in arithmetic, and what freezing saved of it."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from regraft.backbones.backbone import Batch
from regraft.backbones.chain import Chain
from regraft.backbones.splicing.recording import in_evaluation
from regraft.freezing.proof import Stretch
from regraft.freezing.witness import ABOVE


def block_flops(chain: Chain, batch: Batch) -> list[int]:
    """Returns (P,) floating-point operations of each block's forward pass on a batch.

    Args:
        chain: The blocks, in whatever mode.
        batch: A few rows on the network's device.
    """
    found = []
    with in_evaluation(chain.network), torch.no_grad():
        activation = chain.prefix(0, batch)
        for number in range(chain.top):
            with FlopCounterMode(display=False) as counter:
                activation = chain.advance(activation, batch, start=number, stop=number + 1)
            found.append(int(counter.get_total_flops()))
    return found


def saved_share(stretches: Sequence[Stretch], flops: Sequence[int]) -> float:
    """Returns the share of the trunk's backward arithmetic that the line saved, in [0, 1].

    A block's backward pass costs in proportion to its forward pass; below the line it does
    not happen. Only optimiser steps count; where there were none, nothing went backward: 1.

    Args:
        stretches: Of a whole run.
        flops: (P,) cost of each block.
    """
    steps = sum(s.stop - s.start for s in stretches)
    if not steps or not sum(flops):
        return 1.0
    saved = sum((s.stop - s.start) * sum(flops[: line_in(s)]) for s in stretches)
    return saved / (steps * sum(flops))


def saved_by_block(stretches: Sequence[Stretch], flops: Sequence[int]) -> list[float]:
    """Returns (P,) each block's part of `saved_share`.

    Args:
        stretches: Of a whole run.
        flops: (P,) cost of each block.
    """
    steps, whole = sum(s.stop - s.start for s in stretches), sum(flops)
    if not steps or not whole:
        return [cost / whole if whole else 1 / len(flops) for cost in flops]
    still = [_steps_below(stretches, number) for number in range(len(flops))]
    return [cost * frozen / (steps * whole) for cost, frozen in zip(flops, still, strict=True)]


def seconds_by_block(
    stretches: Sequence[Stretch], flops: Sequence[int], *, seconds: float
) -> list[float]:
    """Returns (P,) each block's part of the seconds that moves of the line in mid-phase saved.

    They are shared out by the arithmetic that did not happen since: a pass has one clock.

    Args:
        stretches: Of a whole run.
        flops: (P,) cost of each block.
        seconds: As `saved_seconds` gives them.
    """
    first: dict[str, int] = {}
    for stretch in stretches:
        first.setdefault(stretch.phase, line_in(stretch))
    saved = [
        cost * _steps_below([s for s in stretches if first[s.phase] <= number], number)
        for number, cost in enumerate(flops)
    ]
    whole = sum(saved)
    return [seconds * part / whole if whole else 0.0 for part in saved]


def _steps_below(stretches: Sequence[Stretch], number: int) -> int:
    """Returns the optimiser steps in which a block lay below the line."""
    return sum(s.stop - s.start for s in stretches if number < line_in(s))


@dataclass(frozen=True)
class Pace:
    """What the steps of a phase took with the line at one place.

    Args:
        phase: Its name.
        line: Number of blocks below which no backward pass went.
        steps: That were taken so.
        seconds: That these took together.
    """

    phase: str
    line: int
    steps: int = 0
    seconds: float = 0.0


@dataclass
class Paces:
    """The seconds of all steps, by phase and line, in the order in which they began."""

    found: list[Pace] = field(default_factory=list)

    def add(self, phase: str, line: int, *, seconds: float) -> None:
        """Takes the seconds of a step."""
        if not self.found or (self.found[-1].phase, self.found[-1].line) != (phase, line):
            self.found.append(Pace(phase, line))
        last = self.found[-1]
        self.found[-1] = Pace(phase, line, last.steps + 1, last.seconds + seconds)

    def as_json(self) -> list[dict[str, Any]]:
        """Returns plain data for `result.json` and for a checkpoint."""
        return [asdict(pace) for pace in self.found]


def saved_seconds(paces: Sequence[Pace]) -> float:
    """Returns the seconds that moves of the line in mid-phase saved, by the pace before them.

    >>> saved_seconds([Pace("tune", 0, 10, 20.0), Pace("tune", 3, 5, 6.0)])
    4.0
    """
    first: dict[str, float] = {}
    saved = 0.0
    for pace in paces:
        usual = first.setdefault(pace.phase, pace.seconds / max(pace.steps, 1))
        saved += usual * pace.steps - pace.seconds
    return saved


def line_in(stretch: Stretch) -> int:
    """Returns the line of a stretch: its frozen pieces, but for what is frozen above it."""
    return sum(not name.startswith(ABOVE) for name in stretch.before)
