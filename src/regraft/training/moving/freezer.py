"""Freezes blocks in the middle of a phase, when the freeze threshold says so."""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any

from torch import Tensor

from regraft.backbones.backbone import Batch
from regraft.features.pooled import to_device
from regraft.freezing.journey import Journey
from regraft.freezing.ledger import Check
from regraft.freezing.line import held_blocks
from regraft.freezing.outputs import Outputs
from regraft.freezing.rest import Rest
from regraft.freezing.threshold import Rule, Trails, due, gradient_shares
from regraft.training.moving.lines import freeze_blocks
from regraft.training.phase import Phase
from regraft.training.schedule import rate_share
from regraft.training.session import Session

SAMPLE = 16
"""Training rows on which the blocks' outputs are looked at."""


@dataclass
class Freezer:
    """Reads the blocks' journeys at even shares of the integrated rate.

    Args:
        session: Its ledger takes the readings, its line moves.
        phase: Whose blocks may freeze.
        curve: (steps,) s after each step of the schedule: the share of its sum that is spent.
        journey: The blocks' weights at the start of the phase.
        trails: What was read so far.
        spent: s, the share of the total that is spent.
        outputs: The blocks' outputs at the start of the phase, where the rule looks at them.
        marks: Copies of the weights, while the literal rule waits for one more step.
        squares: Of each block's gradients since the last check, where the rule looks at them.
        rest: Where the blocks are on average, where the rule brings them to rest there.
        held: Numbers of the blocks that cannot move, whatever the line is.
        before_first: Called before the phase's first freeze.
    """

    session: Session
    phase: Phase
    curve: list[float]
    journey: Journey
    trails: Trails
    outputs: Outputs | None = None
    spent: float = 0.0
    marks: list[list[Tensor]] = field(default_factory=list)
    squares: list[float] = field(default_factory=list)
    rest: Rest | None = None
    held: frozenset[int] = frozenset()
    before_first: Callable[[], None] | None = None

    def before_step(self) -> None:
        """Looks at the gradients of a step, before they are clipped."""
        if self.trails.rule.name != "gradient":
            return
        found = self.journey.gradients()
        sums = self.squares or [0.0] * len(found)
        self.squares = [total + each for total, each in zip(sums, found, strict=True)]

    def after_step(self, at: int, loss: float) -> None:
        """Takes one step; reads and freezes where it is time.

        Args:
            at: The 0-based step of the schedule that was taken; some may have been skipped.
            loss: Of the step.
        """
        before, self.spent = self.spent, self.curve[at]
        if self.rest:
            still = self.session.still
            self.rest.after_step(moving=[n for n in range(self.session.top) if n not in still])
        if self.marks:
            updates = self.journey.updates(self.marks)
            self.marks = []
            self._check(loss, updates)
        if not due(before, self.spent):
            return
        if self.trails.rule.name == "literal":
            self.marks = self.journey.marks()
            return
        shares = None
        if self.squares:
            shares = gradient_shares(self.squares, frozen=self.session.still)
            self.squares = []
        self._check(loss, shares)

    def tensors(self) -> dict[str, Tensor]:
        """Returns the weights at the start, and the copies that wait, for a checkpoint."""
        outputs = self.outputs.starts if self.outputs else []
        means = self.rest.means if self.rest else []
        groups = {
            **{"start": self.journey.starts, "mark": self.marks},
            **{"output": outputs, "mean": means},
        }
        return {
            f"{kind}.{block}.{number}": tensor
            for kind, blocks in groups.items()
            for block, members in enumerate(blocks)
            for number, tensor in enumerate(members)
        }

    def as_json(self) -> dict[str, Any]:
        """Returns plain data for a checkpoint."""
        looked = self.rest.steps if self.rest else 0
        own = {"spent": self.spent, "squares": self.squares, "looked": looked}
        return {**own, **self.trails.as_json()}

    def restore(self, tensors: dict[str, Tensor], content: dict[str, Any]) -> None:
        """Puts back what `tensors` and `as_json` gave."""
        self.spent = float(content["spent"])
        self.trails.places = [[(s, d) for s, d in trail] for trail in content["places"]]
        self.trails.streaks = list(content["streaks"])
        self.squares = list(content["squares"])
        kept = {
            "start": self.journey.starts,
            "output": self.outputs.starts if self.outputs else [],
            "mean": self.rest.means if self.rest else [],
        }
        if self.rest:
            self.rest.steps = int(content["looked"])
        for kind, blocks in kept.items():
            for block, members in enumerate(blocks):
                for number, tensor in enumerate(members):
                    tensor.copy_(tensors[f"{kind}.{block}.{number}"])
        if any(name.startswith("mark.") for name in tensors):
            self.marks = [
                [tensors[f"mark.{block}.{at}"].to(start.device) for at, start in enumerate(members)]
                for block, members in enumerate(self.journey.starts)
            ]

    def _check(self, loss: float, measured: list[float] | None) -> None:
        session = self.session
        distances = (self.outputs or self.journey).distances()
        readings = self.trails.note(self.spent, distances, measured=measured)
        blocks = self._free(self.trails.ripe(session.still, held=self.held))
        if blocks:
            if self.before_first and not any(check.frozen for check in session.ledger.checks):
                self.before_first()
            freeze_blocks(session, self.phase, blocks=blocks, rest=self.rest)
            session.progress.say(self._words(blocks))
        frozen = tuple(sorted(blocks))
        session.ledger.checks.append(
            Check(session.step, self.phase.name, self.spent, loss, tuple(readings), frozen)
        )

    def _free(self, blocks: frozenset[int]) -> frozenset[int]:
        """Returns the blocks that may freeze: what is read at a position stays above the line."""
        alignment = self.phase.alignment
        if alignment is None or alignment.position is None:
            return blocks
        blocks_below = self.session.chain.blocks[: alignment.position]
        able = [n for n, each in enumerate(blocks_below) if each.parameters and n not in self.held]
        last = max(able, default=-1)
        prefix = self.trails.rule.prefix
        return frozenset(n for n in blocks if n < last or (n > last and not prefix))

    def _words(self, blocks: frozenset[int]) -> str:
        names = [self.session.chain.blocks[number].name for number in sorted(blocks)]
        apart = sorted(blocks) != list(range(min(blocks), max(blocks) + 1))
        which = ", ".join(names) if apart or len(names) < 2 else f"{names[0]} to {names[-1]}"
        left = 1 - self.spent
        return f"frozen from step {self.session.step} on: {which} ({left:.0%} of the rate to go)"


def freezer_for(session: Session, phase: Phase, *, rule: Rule | None, steps: int) -> Freezer | None:
    """Returns what watches a phase, or None where nothing shall freeze.

    Args:
        session: At the start of the phase.
        phase: Its schedule and line.
        rule: When blocks freeze; None = never.
        steps: Planned optimiser steps.
    """
    shares = [rate_share(phase, done, steps=steps) for done in range(steps)]
    total = sum(shares)
    if rule is None or not total:
        return None
    curve = [spent / total for spent in accumulate(shares)]
    held = held_blocks(session.chain, session.options.above)
    journey = Journey(session.network.trunk, session.chain, held=held)
    outputs = Outputs(session.chain, _sample(session)) if rule.name == "outputs" else None
    trails = Trails(rule, [[] for _ in phase.rates])
    rest = Rest(session.network.trunk, session.chain) if rule.name == "rested" else None
    return Freezer(session, phase, curve, journey, trails, outputs, rest=rest, held=held)


def _sample(session: Session) -> Batch:
    """Returns a batch of training rows of middling length, on the network's device."""
    rows = session.train.rows
    order = rows.lengths.argsort(kind="stable")
    middle = max(len(order) - SAMPLE, 0) // 2
    return to_device(rows.batch(order[middle : middle + SAMPLE]), session.device)
