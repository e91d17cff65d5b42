"""Makes the two domains, as features that the frozen trunk computes once."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from regraft.adaptation.domains import Domains, shares_of
from regraft.adaptation.proportions import estimate_proportions, unweighted
from regraft.data.encode import encode
from regraft.data.rows import Part
from regraft.data.starters.wheels import Say
from regraft.errors import DataError, DivergedError, counted
from regraft.features import cached
from regraft.losses.cross_entropy import balanced_weights
from regraft.runs.adapting.target import Target
from regraft.runs.fitting.prepare import Prepared
from regraft.runs.fitting.sessions import top_level
from regraft.runs.fitting.train import Pooled, Trained, pool_parts
from regraft.training.heads.probe import Features, Labelled, LinearProbe, fit_probe
from regraft.training.heads.streamed import blocks
from regraft.training.precision import Verdict

Rows = npt.NDArray[np.int64]
NOT_FINITE = "the network makes no finite numbers"


@dataclass(frozen=True)
class Pools:
    """Features of all rows.

    Args:
        source: By part; a part without rows is missing.
        target: (L, D), in the order of the target's rows.
    """

    source: Pooled
    target: Features

    def part(self, name: str) -> Features:
        """Returns the (N, D) features of a part, which may be none."""
        none = np.zeros((0, self.target.shape[1]), np.float32)
        return {str(part): found for part, found in self.source.items()}.get(name, none)

    @property
    def judged(self) -> list[Features]:
        """Those of the source's rows of training and validation, as far as they are there."""
        return [found for part, found in self.source.items() if part != "test"]


def check_rows_of_classes(prepared: Prepared) -> None:
    """Refuses a source that has a class without training rows: its share is known of no row.

    Args:
        prepared: Of the source.

    Raises:
        DataError: If there is such a class; it is named.
    """
    counts = prepared.dataset.parts["train"].counts()
    lost = [repr(name) for name, rows in counts.items() if not rows]
    if lost:
        words = f"class {lost[0]} has" if len(lost) == 1 else f"classes {', '.join(lost)} have"
        raise DataError(
            f"{words} no training rows in the source",
            expected="rows of every class among those that train",
            hint="another --group, or more rows",
        )


def pool_domains(
    prepared: Prepared, verdict: Verdict, *, target: Target, without: Collection[Part] = ()
) -> Pools:
    """Returns the features of source and target, read where they are stored.

    Args:
        prepared: Of the source.
        verdict: Mode of inference.
        target: Its rows.
        without: Parts of the source that are not needed.
    """
    test = prepared.dataset.parts["test"]
    extent = int(prepared.chosen.extent.value)
    encoded = encode(test, prepared.backbone.spec, extent=extent) if len(test) else None
    wanted = {part: rows for part, rows in prepared.encoded.items() if part not in without}
    source = pool_parts(replace(prepared, encoded=wanted), verdict, test=encoded)
    level = top_level(prepared, verdict)
    return Pools(source, cached.pooled(level, target.encoded, cache=prepared.cache))


def without_lost(
    pools: Pools, target: Target, *, prepared: Prepared, say: Say
) -> tuple[Pools, Target]:
    """Returns both without the target rows of which the network makes no finite numbers.

    Args:
        pools: Features of all rows, by the network as it came.
        target: Its rows.
        prepared: Of the source.
        say: Told how many rows are left out.

    Raises:
        DataError: If such a row is the source's, or too few of the target's are left.
    """
    for part, rows in prepared.dataset.parts.items():
        if part != "test" and len(lost := _lost(pools.part(part))):
            raise DataError(
                f"{NOT_FINITE} for {counted(len(lost), 'row')} of the source, the first of them "
                f"{rows.origins[int(lost[0])]}",
                expected="rows and a network that go together",
                hint="the source without them, or another --backbone",
            )
    lost = _lost(pools.target)
    if not len(lost):
        return pools, target
    say(f"warning: {counted(len(lost), 'row')} of the target left out: {NOT_FINITE} for them")
    left = target.without(lost, f"{NOT_FINITE} for it")
    return replace(pools, target=np.delete(pools.target, lost, axis=0)), left


def _lost(features: Features) -> Rows:
    """Returns the numbers of the rows that hold a number that is not finite."""
    fine = [np.isfinite(block).all(axis=1) for block in blocks(features)]
    return np.flatnonzero(~np.concatenate(fine)) if fine else np.zeros(0, np.int64)


def check_finite(features: Iterable[Features], *, whose: str) -> None:
    """Refuses features that no classifier can be solved on.

    Args:
        features: (N, D) each, perhaps mapped.
        whose: What made them.

    Raises:
        DivergedError: If one of them is no finite number.
    """
    if not all(bool(np.isfinite(block).all()) for each in features for block in blocks(each)):
        raise DivergedError(
            f"the features of {whose} are no finite numbers any more",
            expected="a rate at which its loss falls",
            hint="the usual options",
        )


def domains_of(
    prepared: Prepared,
    trained: Trained,
    *,
    pools: Pools,
    target: Target,
    start: LinearProbe | None = None,
) -> Domains:
    """Returns what every method is given.

    Args:
        prepared: Of the source.
        trained: Source-only; its validation answers, or those out of fold, are read.
        pools: Features of all rows.
        target: Its rows.
        start: The source's classifier of these features; None = it is solved.
    """
    parts, classes = prepared.dataset.parts, len(prepared.dataset.classes)
    train = Labelled(pools.source["train"], parts["train"].labels, parts["train"].units)
    val = Labelled(pools.part("val"), parts["val"].labels)
    balanced = prepared.chosen.class_weights.value == "balanced"
    weights = balanced_weights(train.labels, classes) if balanced else None
    # The same rows, the same solution: this is the head that the network holds.
    start = start or fit_probe(
        train, classes, val=val if len(val.labels) else None, weights=weights
    )
    features = pools.target[target.used]
    proportions = estimate_proportions(
        unweighted(trained.val_logits, weights),
        trained.val_labels,
        target_logits=unweighted(start.logits(features), weights),
        shares=shares_of(train.labels, classes=classes),
    )
    seed = prepared.settings.seed
    return Domains(train, val, features, start, proportions, weights, seed)
