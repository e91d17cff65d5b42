"""Makes what each method sees: features by the network as it came, or as one changed it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from torch import nn

from regraft.adaptation.domains import Domains
from regraft.adaptation.preparation import Changed, Given, Preparation, worn
from regraft.adaptation.table import make_method
from regraft.data.encode import Encoded
from regraft.data.rows import Part
from regraft.data.spec import InputSpec
from regraft.errors import DivergedError, SettingsError
from regraft.features import cached
from regraft.features.cached import Cache
from regraft.features.level import Level
from regraft.freezing.line import Above, still_at
from regraft.freezing.patterns import above_of
from regraft.runs.adapting.features import Pools, check_finite, pool_domains
from regraft.runs.adapting.target import Target
from regraft.runs.choosing.defaults import TYPED
from regraft.runs.choosing.line import frozen_words
from regraft.runs.fitting.prepare import Prepared
from regraft.runs.fitting.sessions import top_level
from regraft.training.heads.probe import Features, Labelled, fit_probe
from regraft.training.precision import Verdict


@dataclass(frozen=True)
class View:
    """Both domains as one network makes features of them.

    Args:
        domains: What a method is given.
        pools: Features of all rows as they are, by the network that would be kept.
        changed: What is different of network or rows; None = nothing.
    """

    domains: Domains
    pools: Pools
    changed: Changed | None = None


@dataclass(frozen=True)
class Views:
    """The view of each method; a preparation is worked once, whatever follows it.

    Args:
        base: Of the network as it came.
        make: Makes the view of a preparation.
        space: Where all answers are judged; None = in what each method is given.
    """

    base: View
    make: Callable[[Preparation], View]
    space: Domains | None = None
    made: dict[Preparation, View] = field(default_factory=dict)
    lost: dict[Preparation, DivergedError] = field(default_factory=dict)

    def of(self, word: str) -> View:
        """Returns the view of a method, by its word.

        Raises:
            DivergedError: If its preparation diverged, now or for another method.
        """
        preparation = make_method(word).preparation
        if preparation is None:
            return self.base
        if preparation in self.lost:
            raise self.lost[preparation]
        if preparation not in self.made:
            try:
                self.made[preparation] = self.make(preparation)
            except DivergedError as error:
                self.lost[preparation] = error
                raise
        return self.made[preparation]


def views_of(prepared: Prepared, verdict: Verdict, *, target: Target, base: View) -> Views:
    """Returns the views of methods on one network.

    Args:
        prepared: Of the source; between two views its network is as it came.
        verdict: Modes of training and inference.
        target: Its rows.
        base: Of the network as it came.
    """

    def make(preparation: Preparation) -> View:
        changed = preparation.prepare(given_of(prepared, verdict, target=target))
        return _changed_view(changed, prepared, verdict, (base, target))

    return Views(base, make)


def _changed_view(
    changed: Changed, prepared: Prepared, verdict: Verdict, of: tuple[View, Target]
) -> View:
    base, target = of
    trunk, own = prepared.network.trunk, changed.source_tensors
    rows: dict[Part, Encoded | None] = {"train": changed.train, "val": changed.val}
    pools = base.pools
    with worn(trunk, changed.tensors):
        if changed.tensors:
            without: tuple[Part, ...] = () if own is None else ("train",)
            pools = pool_domains(prepared, verdict, target=target, without=without)
    if own is not None:
        came = prepared.encoded
        rows = {part: came[part] if found is None else found for part, found in rows.items()}
    with worn(trunk, changed.tensors if own is None else own):
        read = partial(_read, level=top_level(prepared, verdict), cache=prepared.cache)
        source = {part: read(found) for part, found in rows.items()}
    train, val = (pools.part(p) if found is None else found for p, found in source.items())
    check_finite([train, val, pools.target], whose="the network that was prepared")
    domains = replace(base.domains, target=pools.target[target.used])
    return View(_solved_anew(domains, train, val=val), pools, changed)


def _read(rows: Encoded | None, *, level: Level, cache: Cache) -> Features | None:
    """Returns the features of rows, or None where there are none."""
    return cached.pooled(level, rows, cache=cache) if rows is not None and len(rows) else None


def _solved_anew(domains: Domains, train: Features, *, val: Features) -> Domains:
    """Returns the domains with other features of the source, and source-only for these."""
    first = Labelled(train, domains.source.labels, domains.source.units)
    second = Labelled(val, domains.val.labels)
    start = fit_probe(
        first,
        domains.classes,
        val=second if len(second.labels) else None,
        weights=domains.class_weights,
    )
    return replace(domains, source=first, val=second, start=start)


def given_of(prepared: Prepared, verdict: Verdict, *, target: Target) -> Given:
    """Returns what a preparation is given; of the target the rows that are adapted to."""
    return Given(
        prepared.network.trunk,
        prepared.backbone.spec,
        prepared.encoded["train"],
        prepared.encoded["val"],
        target.encoded.take(target.used),
        verdict.training,
        verdict.inference,
        prepared.settings.seed,
        _typed_still(prepared),
    )


def _typed_still(prepared: Prepared) -> Above:
    """Returns what of the trunk was typed to be frozen; what a modifier holds was not."""
    freeze, words = prepared.chosen.freeze, frozen_words(prepared.settings)[1]
    line = int(freeze.value) if freeze.reason == TYPED else 0
    above = above_of(prepared.network.trunk, words)
    return still_at(prepared.chain, line=line, above=above)


def check_usable(words: Sequence[str], trunk: nn.Module, *, spec: InputSpec) -> None:
    """Refuses preparations that can do nothing for a network, all at once.

    Args:
        words: Of the methods to try.
        trunk: The library's own module.
        spec: How it is fed.

    Raises:
        SettingsError: If one can do nothing.
    """
    why = {word: _refusal(word, trunk, spec) for word in words}
    wrong = [f"{word} cannot be used: {reason}" for word, reason in why.items() if reason]
    if wrong:
        raise SettingsError("; ".join(wrong), hint="regraft list methods")


def _refusal(name: str, trunk: nn.Module, spec: InputSpec) -> str:
    preparation = make_method(name).preparation
    return preparation.refusal(trunk, spec) if preparation else ""
