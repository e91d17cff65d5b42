"""Draws the labelled rows of the target that train and choose, and says so."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from regraft.adaptation.domains import Domains
from regraft.adaptation.labelled import FEW, WEIGHT, halves, judging_rows
from regraft.data.mapped.digests import Digests
from regraft.data.starters.wheels import Say
from regraft.draws import draws
from regraft.errors import counted
from regraft.features.rowkeys import row_keys
from regraft.runs.adapting.target import Target, none_left
from regraft.training.heads.probe import Features, Labelled
from regraft.training.session import Examples

Labels = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Drawn:
    """The labelled rows of the target that were drawn; may be none.

    Args:
        target: The target without them among the rows that are scored.
        rows: (M,) their numbers, stratum by stratum in the order drawn.
        labels: (M,) their classes.
        once: Whether methods that move the trunk are tried too, each of which is trained once:
            it learns from one half, and the other half judges all.
    """

    target: Target
    rows: Labels
    labels: Labels
    once: bool = False

    def known(self, features: Features) -> Labelled:
        """Returns them with their labels.

        Args:
            features: (L, D) of all rows of the target.
        """
        return Labelled(features[self.rows], self.labels)

    @property
    def digests(self) -> Digests | None:
        """(M, 16) of their contents; None where nobody made them."""
        return self.target.rows.take(self.rows).digests

    @property
    def teaching(self) -> Labels:
        """Places, among those drawn, of the rows that teach what moves the trunk."""
        pairs = halves(len(self.rows), once=True)
        return pairs[0][0] if pairs else np.zeros(0, np.int64)

    @property
    def lent(self) -> Examples | None:
        """The rows that teach what moves the trunk; None = there are none."""
        places = self.teaching
        if not len(places):
            return None
        return Examples(self.target.encoded.take(self.rows[places]), self.labels[places])

    @property
    def judging(self) -> int:
        """How many of them judge."""
        return judging_rows(len(self.rows), once=self.once)

    def words(self) -> str:
        """Returns one sentence on what they are used for."""
        count, few = len(self.rows), len(self.rows) < FEW and not self.once
        judged = "each half by what the other half taught" if few else "a half held out"
        taught = len(self.teaching) if self.once else 0
        half = f", and {taught} of them what moves the trunk" if taught else ""
        return (
            f"{counted(count, 'labelled row')} of the target train what reads features{half}, each "
            f"as up to {WEIGHT} source rows, but not source-only, alone or behind a preparation; "
            f"they choose: {self.judging} of them, {judged}; they are not scored"
        )

    def document(self, *, learnt: int) -> dict[str, Any]:
        """Returns what `result.json` says of them.

        Args:
            learnt: How many of them what is kept has learnt from; source-only from none.
        """
        origins = self.target.rows.origins
        return {
            "asked": len(self.rows),
            "used_for_training": learnt,
            "used_for_selection": self.judging,
            "how": self.words(),
            "rows": [str(origins[row]) for row in self.rows.tolist()],
        }


def draw_places(target: Target, features: Features, *, domains: Domains) -> Labels:
    """Returns (M,) places, among the rows offered, of those drawn without a look at any label.

    The order is one of content and seed. The classes that source-only answers are taken in
    turn, in their proportions: strata by the labels themselves would read those of all rows.

    Args:
        target: Its rows, some of which are offered with labels where that was asked for.
        features: (L, D) of all of them.
        domains: With source-only and the seed.
    """
    strata = domains.start.logits(features[target.offered]).argmax(axis=1).astype(np.int64)
    picked = spread_order(strata, seed=domains.seed)[: target.learn]
    # Every second row goes into the other half: so either half has rows of each stratum.
    return picked[np.argsort(strata[picked], kind="stable")]


def draw_labelled(
    target: Target, places: Callable[[], Labels], *, say: Say, once: bool = False
) -> Drawn:
    """Returns the labelled rows of the target that were drawn.

    Args:
        target: Its rows, some of which are offered with labels where that was asked for.
        places: Draws (M,) places among those; asked where some are to be learnt from.
        say: Told what they are used for.
        once: Whether methods that move the trunk are tried too.

    Raises:
        DataError: If with them no row is left that could be scored.
    """
    if not target.learn:
        return Drawn(target, target.offered, target.answers, once)
    picked = places()
    rows = target.offered[picked]
    drawn = Drawn(_without(target, rows), rows, target.answers[picked], once)
    say(drawn.words())
    if missing := _missing(drawn):
        say(f"warning: none of these has the class {', '.join(missing)}")
    return drawn


def spread_order(strata: Labels, *, seed: int) -> Labels:
    """Returns a random order of rows of which every first part has the strata's proportions.

    Args:
        strata: (N,) number of each row's stratum.
        seed: Decides which rows come first in each.
    """
    order = draws("labels", seed, epoch=0).permutation(len(strata))
    place = np.zeros(len(strata))
    for stratum in np.unique(strata):
        rows = order[strata[order] == stratum]
        place[rows] = (np.arange(len(rows)) + 0.5) / len(rows)
    return np.asarray(order[np.argsort(place[order], kind="stable")], np.int64)


def _missing(drawn: Drawn) -> list[str]:
    """Returns the classes that none of the drawn rows has."""
    seen = set(drawn.labels.tolist())
    classes = drawn.target.rows.classes
    return [f"'{name}'" for number, name in enumerate(classes) if number not in seen]


def _without(target: Target, rows: Labels) -> Target:
    """Returns the target that is not scored on these rows, nor on rows that equal them."""
    if not len(target.scored):
        return target
    keys = [key.tobytes() for key in row_keys(target.encoded)]
    drawn = {keys[row] for row in rows.tolist()}
    kept = np.array([keys[row] not in drawn for row in target.scored.tolist()], bool)
    if not kept.any():
        raise none_left(target.name, len(rows))
    return replace(target, scored=target.scored[kept], labels=target.labels[kept])
