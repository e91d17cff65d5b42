"""Makes the result document of an adaptation from that of the run and what was tried."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from regraft.adaptation.decision import Decision
from regraft.adaptation.domains import Domains, shares_of
from regraft.adaptation.selection import Judged
from regraft.adaptation.source_only import SourceOnly
from regraft.adaptation.table import SOURCE_ONLY, make_method
from regraft.data.rows import Rows
from regraft.runs.adapting.features import Pools
from regraft.runs.adapting.labels import Drawn
from regraft.runs.adapting.projection import Seen, projection
from regraft.runs.adapting.scored import (
    baseline_documents,
    method_documents,
    shown_name,
    target_scores,
)
from regraft.runs.adapting.target import Target
from regraft.runs.adapting.views import Views
from regraft.runs.fitting.prepare import Prepared
from regraft.runs.fitting.train import Trained
from regraft.runs.moving.training import Moved
from regraft.training.heads.probe import Features

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
        views: What each method on features saw; None = all saw the domains.
        drawn: The labelled rows of the target that were asked for; None = none.
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
    views: Views | None = None
    drawn: Drawn | None = None

    def pools_of(self, name: str) -> Pools:
        """Returns the features that a method's classifier reads."""
        if name in self.moved:
            return self.moved[name].pools
        return self.views.of(name).pools if self.views else self.pools

    def changed_of(self, name: str) -> frozenset[str]:
        """Returns the names of the trunk's tensors that a preparation changed for a method."""
        if name in self.moved:
            ground = self.moved[name].ground
            return ground.names if ground else frozenset()
        changed = self.views.of(name).changed if self.views else None
        return frozenset(changed.tensors) if changed else frozenset()

    def read_by(self, name: str) -> tuple[Features, Features]:
        """Returns the features of training rows and target that a method's classifier reads."""
        if self.views and name not in self.moved:
            read = self.views.of(name).domains
            return read.source.features, read.target
        pools = self.pools_of(name)
        return pools.source["train"], pools.target[self.target.used]


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
        "sources": _sources(made.prepared),
        "target": {
            "name": target.name,
            "rows": {"used": len(target.used), "scored": len(target.scored)},
            "problems": len(target.problems),
        },
        "trained_share": _trained_share(made, base["trained_share"]),
        "proportions": _proportions(made),
        "methods": method_documents(made.judged, pools_of=made.pools_of, target=target),
        "chosen": shown_name(chosen.name),
        "reason": made.decision.reason,
        **_beside_start(made),
        **_target_labels(made),
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
    kept = Seen(chosen.adapted, *made.read_by(chosen.name))
    return {"projection": projection(made.domains, kept), "moved": moved.tolist()}


def _trained_share(made: Adaptation, trained: float) -> float:
    """Returns the share of the network's numbers that were trained or changed."""
    network, chain = made.prepared.network, made.prepared.chain
    total = sum(p.numel() for p in network.parameters())
    sizes = {name: p.numel() for name, p in network.trunk.named_parameters()}
    best, phases = made.trained.session.best, made.prepared.phases
    assert best is not None, "source-only was trained before"
    names = [phase.name for phase in phases]
    # Phases after the best checkpoint's have left nothing in the network.
    worked = phases[: names.index(best.phase) + 1]
    rates = zip(chain.blocks, *(phase.rates for phase in worked), strict=True)
    free = {name for block, *each in rates if max(each) > 0 for name in block.parameters}
    counted = free - made.prepared.above.parameters
    moved = made.changed_of(made.decision.chosen.name) & sizes.keys() - counted
    return trained + sum(sizes[name] for name in moved) / total


def _sources(prepared: Prepared) -> list[Document]:
    """Returns the number of rows of each source, by part."""
    parts, name = prepared.dataset.parts, prepared.dataset.name
    counts: dict[str, dict[str, int]] = {}
    for part, rows in parts.items():
        for domain, count in Counter(_domains(rows, name)).items():
            counts.setdefault(domain, dict.fromkeys(parts, 0))[part] = count
    return [{"name": domain, "rows": rows} for domain, rows in counts.items()]


def _domains(rows: Rows, name: str) -> list[str]:
    """Returns each row's source: its domain, where it has one."""
    return [domain or name for domain in rows.domains] or [name] * len(rows)


def _target_labels(made: Adaptation) -> Document:
    """Returns what labelled rows of the target were used for, where there were any."""
    if made.drawn is None or not len(made.drawn.rows):
        return {}
    return {"target_labels": made.drawn.document(learnt=_learnt(made, made.drawn))}


def _learnt(made: Adaptation, drawn: Drawn) -> int:
    """Returns how many labelled rows of the target what is kept has learnt from."""
    name = made.decision.chosen.name
    if name in made.moved:
        return len(drawn.teaching) if made.moved[name].phase is not None else 0
    if name == SOURCE_ONLY or isinstance(make_method(name).method, SourceOnly):
        return 0
    return len(drawn.rows)


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
