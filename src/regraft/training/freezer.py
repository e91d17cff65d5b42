"""Freezes blocks in the middle of a phase, when the freeze threshold says so."""

from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from regraft.freezing.journey import Journey
from regraft.freezing.ledger import Check
from regraft.freezing.threshold import Rule, Trails, due
from regraft.training.lines import freeze_blocks
from regraft.training.phase import Phase
from regraft.training.schedule import rate_share
from regraft.training.session import Session


@dataclass
class Freezer:
    """Reads the blocks' journeys at even shares of the integrated rate.

    Args:
        session: Its ledger takes the readings, its line moves.
        phase: Whose blocks may freeze.
        total: Σ of the schedule over the phase's planned steps.
        journey: The blocks' weights at the start of the phase.
        trails: What was read so far.
        spent: s, the share of the total that is spent.
        marks: Copies of the weights, while the literal rule waits for one more step.
    """

    session: Session
    phase: Phase
    total: float
    journey: Journey
    trails: Trails
    spent: float = 0.0
    marks: list[list[Tensor]] = field(default_factory=list)

    def after_step(self, share: float, loss: float) -> None:
        """Takes the schedule's share of one step; reads and freezes where it is time.

        Args:
            share: Of the peak rate at which the step was taken.
            loss: Of the step.
        """
        before, self.spent = self.spent, self.spent + share / self.total
        if self.marks:
            updates = self.journey.updates(self.marks)
            self.marks = []
            self._check(loss, updates)
        if not due(before, self.spent):
            return
        if self.trails.rule.name == "literal":
            self.marks = self.journey.marks()
        else:
            self._check(loss, None)

    def tensors(self) -> dict[str, Tensor]:
        """Returns the weights at the start, and the copies that wait, for a checkpoint."""
        groups = {"start": self.journey.starts, "mark": self.marks}
        return {
            f"{kind}.{block}.{number}": tensor
            for kind, blocks in groups.items()
            for block, members in enumerate(blocks)
            for number, tensor in enumerate(members)
        }

    def as_json(self) -> dict[str, Any]:
        """Returns plain data for a checkpoint."""
        return {"spent": self.spent, **self.trails.as_json()}

    def restore(self, tensors: dict[str, Tensor], content: dict[str, Any]) -> None:
        """Puts back what `tensors` and `as_json` gave."""
        self.spent = float(content["spent"])
        self.trails.places = [[(s, d) for s, d in trail] for trail in content["places"]]
        self.trails.streaks = list(content["streaks"])
        for block, members in enumerate(self.journey.starts):
            for number, tensor in enumerate(members):
                tensor.copy_(tensors[f"start.{block}.{number}"])
        if any(name.startswith("mark.") for name in tensors):
            self.marks = [
                [tensors[f"mark.{block}.{number}"] for number in range(len(members))]
                for block, members in enumerate(self.journey.starts)
            ]

    def _check(self, loss: float, updates: list[float] | None) -> None:
        session = self.session
        readings = self.trails.note(self.spent, self.journey.distances(), updates=updates)
        blocks = self.trails.ripe(session.still)
        if blocks:
            freeze_blocks(session, self.phase, blocks=blocks)
        frozen = tuple(sorted(blocks))
        session.ledger.checks.append(
            Check(session.step, self.phase.name, self.spent, loss, tuple(readings), frozen)
        )


def freezer_for(session: Session, phase: Phase, *, rule: Rule | None, steps: int) -> Freezer | None:
    """Returns what watches a phase, or None where nothing shall freeze.

    Args:
        session: At the start of the phase.
        phase: Its schedule and line.
        rule: When blocks freeze; None = never.
        steps: Planned optimiser steps.
    """
    total = sum(rate_share(phase, done, steps=steps) for done in range(steps))
    if rule is None or not total:
        return None
    journey = Journey(session.network.trunk, session.chain)
    return Freezer(session, phase, total, journey, Trails(rule, [[] for _ in phase.rates]))
