"""Makes everything that training needs from settings: data, network, choices, phases."""

import copy
import math
import time
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from regraft.backbones.backbone import Backbone
from regraft.backbones.chain import Chain
from regraft.backbones.graft import Grafted
from regraft.backbones.splice import splice
from regraft.data.encode import Encoded, encode
from regraft.data.guess import Roles
from regraft.data.load import load
from regraft.data.parting.share import take_share
from regraft.data.rows import Dataset, Modality, Part
from regraft.data.starters.wheels import Say
from regraft.features.cached import Cache
from regraft.freezing.ledger import Event
from regraft.freezing.line import Above
from regraft.freezing.patterns import above_of
from regraft.runs.choosing.alone import Alone, head_alone
from regraft.runs.choosing.defaults import (
    Choice,
    Chosen,
    choose,
    choose_backbone,
)
from regraft.runs.choosing.device import pick_device
from regraft.runs.choosing.line import block_decay, choose_line, depth_rate, frozen_words
from regraft.runs.choosing.network import example, fit_channels, fit_size, graft
from regraft.runs.choosing.opening import Network, explained, open_for, text_lengths
from regraft.runs.choosing.refusals import check_line, check_moves, check_strategy, without_use
from regraft.runs.fitting.repeat import Earlier, read_earlier
from regraft.runs.fitting.source import Source, check_source, read_source
from regraft.settings import FitSettings
from regraft.strategies.table import Composed, make_strategy
from regraft.training.dropout import apply_dropout
from regraft.training.phase import Facts, Phase, ended_early


@dataclass(frozen=True)
class Prepared:
    """All that is fixed before the first step.

    Args:
        settings: As typed.
        dataset: Rows in parts.
        backbone: The opened network.
        network: Trunk with its new head.
        chain: The trunk's blocks.
        chosen: What was left open, decided.
        encoded: Rows as tensors, by part.
        phases: From the strategy.
        understood: Lines on what was understood of the data.
        seconds: Seconds spent on data and on opening the network.
        above: Parts of the trunk that never move, wherever the line is.
        alone: How a head with hidden layers is trained on features.
        earlier: What the run measured that is repeated, if one is.
        cache: Of features of what is frozen.
        source: Rows of another data set that are trained on too.
        target: Rows without labels that the trunk is drawn near in the end.
        opening: What the ledger says first: how the trunk was changed before any label was seen.
        reading: Seconds in which a row is decoded or tokenised.
    """

    settings: FitSettings
    dataset: Dataset
    backbone: Backbone
    network: Grafted
    chain: Chain
    chosen: Chosen
    encoded: dict[Part, Encoded]
    phases: list[Phase]
    understood: list[str]
    seconds: float
    above: Above
    alone: Alone
    earlier: Earlier | None = None
    cache: Cache = field(default_factory=lambda: Cache(on=False))
    source: Source | None = None
    target: Encoded | None = None
    opening: Event | None = None
    reading: float = 0.0

    @property
    def device(self) -> str:
        """Where the network runs."""
        return pick_device(self.settings.device)


def prepare(
    settings: FitSettings, source: object, *, say: Say, network: Network | None = None
) -> Prepared:
    """Returns everything that training needs.

    Args:
        settings: Checked settings.
        source: The data as given: a path or name, lists, a frame.
        say: Told one line at a time.
        network: The backbone itself, which is left as it is; None = the one that is named.

    Raises:
        SettingsError: If the strategy or the head is unknown, the device not here, or the limit
            of the cache none.
        DataError: If the data cannot be used.
        BackboneError: If the network cannot be used with the data.
    """
    start = time.perf_counter()
    device = pick_device(settings.device)
    strategy = make_strategy(settings.strategy)
    check_source(settings, strategy)
    earlier = read_earlier(settings.repeat, settings)
    cache = _cache(settings, earlier, device, say=say, named=network is None)
    whole = load(source, Roles(**settings.columns), say=say)
    dataset = take_share(whole, settings.fraction, seed=settings.seed)
    named = copy.deepcopy(network)  # the caller's own is not trained
    if named is None:
        named = choose_backbone(settings, dataset).value
    backbone, notes = _opened(named, settings, dataset=dataset, earlier=earlier, say=say)
    lengths = text_lengths(dataset, backbone)
    chosen = _chosen(settings, dataset, backbone=backbone, lengths=lengths)
    told = explained(dataset, backbone, chosen=chosen, lengths=lengths)
    understood = _said([*told, *notes], say)
    grafted = graft(backbone, settings, classes=len(dataset.classes))
    apply_dropout(grafted, float(chosen.dropout.value))
    strategy.graft(backbone.network, seed=settings.seed)
    chain = splice(backbone.network.cpu(), example(backbone))
    grafted.to(device)
    chosen = _of_blocks(chosen, settings, dataset.modality, blocks=chain.top)
    left_open = earlier.left_open if earlier else frozenset[str]()
    alone = head_alone(settings, left_open=left_open)
    facts = _facts(settings, dataset, chosen, alone)
    phases = _phases(strategy, chain, facts, epochs=chosen.epochs)
    above = _above(settings, strategy, backbone=backbone, chain=chain, facts=facts, phases=phases)
    told = without_use(settings, phases, dataset=dataset, top=chain.top, left_open=left_open)
    understood += _said(told, say)
    encoded, reading = _encoded(dataset, backbone, chosen)
    return Prepared(
        settings,
        dataset,
        backbone,
        grafted,
        chain,
        chosen,
        encoded,
        phases,
        understood,
        time.perf_counter() - start,
        above,
        alone,
        earlier,
        cache,
        _source(settings, dataset, backbone, chosen, say=say),
        reading=reading,
    )


def _chosen(
    settings: FitSettings,
    dataset: Dataset,
    *,
    backbone: Backbone,
    lengths: npt.NDArray[np.int64],
) -> Chosen:
    """Returns what was left open, decided, with a size that the network can take."""
    chosen = choose(settings, dataset, backbone=backbone, lengths=lengths)
    return replace(chosen, extent=fit_size(backbone, chosen.extent))


def _opened(
    named: str | Network,
    settings: FitSettings,
    *,
    dataset: Dataset,
    earlier: Earlier | None,
    say: Say,
) -> tuple[Backbone, list[str]]:
    """Returns the backbone, fitted to the channels of the data, and what was done for that."""
    held = earlier.held if earlier else frozenset[str]()
    return fit_channels(open_for(named, settings, dataset=dataset, say=say, held=held), dataset)


def replanned(
    prepared: Prepared,
    settings: FitSettings,
    *,
    lr: Choice | None = None,
    epochs: Choice | None = None,
    freeze: Choice | None = None,
) -> Prepared:
    """Returns the same data and network for another strategy.

    Args:
        prepared: Of the settings as typed.
        settings: With another strategy.
        lr: The rate that is taken instead of the usual one.
        epochs: The passes that are taken instead of the usual ones.
        freeze: The blocks that never move instead of the usual ones.

    Raises:
        SettingsError: If the strategy cannot be made or the head cannot be used with it.
    """
    strategy, dataset, chain = make_strategy(settings.strategy), prepared.dataset, prepared.chain
    lengths = prepared.encoded["train"].lengths
    chosen = choose(settings, dataset, backbone=prepared.backbone, lengths=lengths)
    chosen = _of_blocks(chosen, settings, dataset.modality, blocks=chain.top)
    chosen = replace(
        chosen,
        extent=prepared.chosen.extent,
        lr=lr or chosen.lr,
        epochs=epochs or chosen.epochs,
        freeze=freeze or chosen.freeze,
    )
    facts = _facts(settings, dataset, chosen, prepared.alone)
    phases = _phases(strategy, chain, facts, epochs=chosen.epochs)
    backbone = prepared.backbone
    above = _above(settings, strategy, backbone=backbone, chain=chain, facts=facts, phases=phases)
    return replace(prepared, settings=settings, chosen=chosen, phases=phases, above=above)


def with_pairs(prepared: Prepared, strategy: Composed) -> Prepared:
    """Returns the same with a trunk that has beside its layers what a strategy puts there.

    Args:
        prepared: Of a strategy that puts nothing there; its network is left as it is.
        strategy: Whose phases are made next, by `replanned`.

    Raises:
        SettingsError: If nothing can be put there.
    """
    if not strategy.merging:
        return prepared
    trunk = copy.deepcopy(prepared.backbone.network).cpu()
    strategy.graft(trunk, seed=prepared.settings.seed)
    backbone = replace(prepared.backbone, network=trunk)
    return replace(prepared, backbone=backbone, chain=splice(trunk, example(backbone)))


def _above(
    settings: FitSettings,
    strategy: Composed,
    *,
    backbone: Backbone,
    chain: Chain,
    facts: Facts,
    phases: list[Phase],
) -> Above:
    """Returns what is frozen wherever the line is, where strategy and freeze go together."""
    check_strategy(settings, strategy, backbone=backbone, phases=phases)
    trunk = backbone.network
    above = above_of(trunk, frozen_words(settings)[1]) | strategy.held(trunk)
    check_moves(chain, phases, above=above, settings=settings)
    check_line(settings, strategy, chain=chain, facts=facts, phases=phases)
    return above


def _said(lines: list[str], say: Say) -> list[str]:
    for line in lines:
        say(line)
    return lines


def _cache(
    settings: FitSettings, earlier: Earlier | None, device: str, *, say: Say, named: bool
) -> Cache:
    """Returns the cache, which decides as that of the run which is repeated did."""
    repeated = earlier is not None and not earlier.differs(device, settings.precision)
    # The code of a program's own network may change while its weights stay.
    made = Cache(settings.cache and named, say, settings.check_cache)
    return replace(made, decided=dict(earlier.kept)) if earlier and repeated else made


def _source(
    settings: FitSettings, dataset: Dataset, backbone: Backbone, chosen: Chosen, *, say: Say
) -> Source | None:
    """Returns the rows of another data set that are trained on too, if there is one."""
    if not settings.source:
        return None
    extent = int(chosen.extent.value)
    return read_source(settings.source, dataset, spec=backbone.spec, extent=extent, say=say)


def _encoded(
    dataset: Dataset, backbone: Backbone, chosen: Chosen
) -> tuple[dict[Part, Encoded], float]:
    """Returns the rows of training and validation as tensors, and the seconds for each row.

    Test rows wait for the end.
    """
    started = time.perf_counter()
    found: dict[Part, Encoded] = {
        part: encode(rows, backbone.spec, extent=int(chosen.extent.value))
        for part, rows in dataset.parts.items()
        if part != "test"
    }
    seconds = time.perf_counter() - started
    return found, seconds / max(sum(len(rows) for rows in found.values()), 1)


def _of_blocks(chosen: Chosen, settings: FitSettings, modality: Modality, blocks: int) -> Chosen:
    """Returns the choices with those that depend on the number of blocks filled in."""
    decay = chosen.layer_decay
    ratio = block_decay(decay, modality, blocks=blocks)
    return replace(
        chosen,
        lr=depth_rate(chosen.lr, modality, blocks=blocks),
        layer_decay=replace(decay, value=ratio),
        freeze=choose_line(settings, modality, blocks=blocks),
    )


def _phases(strategy: Composed, chain: Chain, facts: Facts, *, epochs: Choice) -> list[Phase]:
    return ended_early(strategy.phases(chain, facts), top=chain.top, epochs=float(epochs.value))


def _facts(settings: FitSettings, dataset: Dataset, chosen: Chosen, alone: Alone) -> Facts:
    return Facts(
        modality=dataset.modality,
        rows=len(dataset.parts["train"]),
        classes=len(dataset.classes),
        epochs=math.ceil(chosen.epochs.value),
        rate=float(chosen.lr.value),
        layer_decay=float(chosen.layer_decay.value),
        weight_decay=settings.weight_decay,
        # A linear head is solved at once.
        head_epochs=1 if settings.head == "linear" else alone.epochs,
        head_rate=alone.rate,
        start_line=int(chosen.freeze.value),
    )
