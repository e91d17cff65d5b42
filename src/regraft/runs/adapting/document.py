"""Makes the result document of an adaptation from that of the run and what was tried."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from regraft.adaptation.domains import Domains, shares_of
from regraft.adaptation.selection import Decision, Judged
from regraft.runs.adapting.features import Pools
from regraft.runs.adapting.projection import Seen, projection
from regraft.runs.adapting.scored import (
    baseline_documents,
    method_documents,
    shown_name,
    target_scores,
)
from regraft.runs.adapting.target import Target
from regraft.runs.fitting.prepare import Prepared
from regraft.runs.fitting.train import Trained
from regraft.runs.moving.training import Moved

Document = dict[str, Any]
TOLD = ("backbone", "max_length", "image_size", "class_weights")
"""Choices that matter where the trunk is frozen and the head is solved."""


@dataclass(frozen=True)
class Adaptation:
    """What an adaptation came to.

    Args:
        prepared: Of the source, with the phases that were worked.
        trained: Source-only and, after it, what was kept.
        domains: What the methods were given.
        judged: Every method, source-only first.
        decision: Which is kept.
        pools: Features of all rows, by the trunk that source-only has.
        target: Its rows.
        moved: The methods that moved the trunk, by word.
        came: The linear probe and the features of the trunk as it came, where it moved.
    """

    prepared: Prepared
    trained: Trained
    domains: Domains
    judged: list[Judged]
    decision: Decision
    pools: Pools
    target: Target
    moved: dict[str, Moved] = field(default_factory=dict)
    came: tuple[Domains, Pools] | None = None

    def pools_of(self, name: str) -> Pools:
        """Returns the features that a method's classifier reads."""
        return self.moved[name].pools if name in self.moved else self.pools


def beside(made: Adaptation) -> Document:
    """Returns what costs less, on the source's test rows and, as `oracle`, on the target."""
    domains, pools = made.came or (made.domains, made.pools)
    source, oracle = baseline_documents(made.prepared, domains, pools=pools, target=made.target)
    found: Document = {"baselines": source}
    if len(made.target.scored):
        found["oracle"] = {"rows": len(made.target.scored), "baselines": oracle}
    return found


def adaptation_document(made: Adaptation, base: Document, *, cheaper: Document) -> Document:
    """Returns the whole document.

    Args:
        made: What was tried and kept.
        base: That of a run, from `result_document`.
        cheaper: From `beside`; empty where that was not asked for.
    """
    target, chosen = made.target, made.decision.chosen
    pools = made.pools_of(chosen.name)
    return {
        **base,
        "strategy": "adapt",
        "source_strategy": base["strategy"],
        "defaults": [each for each in base["defaults"] if made.came or each["name"] in TOLD],
        "target": {
            "name": target.name,
            "rows": {"used": len(target.used), "scored": len(target.scored)},
            "problems": len(target.problems),
        },
        "proportions": _proportions(made),
        "methods": method_documents(made.judged, pools_of=made.pools_of, target=target),
        "chosen": shown_name(chosen.name),
        "reason": made.decision.reason,
        **_beside_start(made),
        "scores": {**base["scores"], **target_scores(chosen, pools=pools, target=target)},
        **cheaper,
    }


def _beside_start(made: Adaptation) -> Document:
    """Returns both domains in a plane, and which answers differ from source-only's."""
    start, chosen = made.judged[0], made.decision.chosen
    if chosen is start:
        return {"projection": projection(made.domains, None)}
    classes = made.domains.classes
    moved = np.zeros((classes, classes), np.int64)
    np.add.at(moved, (start.signs.predicted, chosen.signs.predicted), 1)
    pools = made.pools_of(chosen.name)
    kept = Seen(chosen.adapted, pools.source["train"], pools.target[made.target.used])
    return {"projection": projection(made.domains, kept), "moved": moved.tolist()}


def _proportions(made: Adaptation) -> Document:
    """Returns the share of each class in the source, and its estimate for the target."""
    classes = made.prepared.dataset.classes
    pairs = {
        "source": shares_of(made.domains.source.labels, classes=len(classes)),
        "target": made.domains.proportions,
    }
    return {
        name: dict(zip(classes, np.round(values, 4).tolist(), strict=True))
        for name, values in pairs.items()
    }
