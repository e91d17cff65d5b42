"""Refuses strategies that settings or network cannot have, and tells what is idle."""

import itertools
import math
from collections.abc import Collection, Sequence
from dataclasses import replace

from torch.nn.modules.batchnorm import _BatchNorm

from regraft.backbones.backbone import Backbone
from regraft.backbones.chain import Chain
from regraft.data.rows import Dataset
from regraft.errors import SettingsError
from regraft.freezing.line import Above, frozen_at, of_blocks
from regraft.settings import OF_STEPS, FitSettings
from regraft.strategies.table import AUTO, Composed
from regraft.training.phase import Facts, Phase

OF_THE_TRUNK = ("ema", "augment", "views", "freeze", "freeze_threshold")
"""Those of them that only steps look at in which the trunk moves."""
NO_STEPS = "nothing is trained in steps"
STILL = "nothing of the trunk moves"
UNJUDGED = "without validation rows it ends no phase but one that aligns"
OWN_DECAY = "it has a decay of its own"
USUAL = {name: field.default for name, field in FitSettings.model_fields.items()}


def check_moves(
    chain: Chain, phases: Sequence[Phase], *, above: Above, settings: FitSettings
) -> None:
    """Refuses a freeze that leaves nothing to phases that are to move the trunk, or one row a step.

    Args:
        chain: The trunk's blocks.
        phases: Of the strategy.
        above: What is frozen wherever the line is, by modifiers and by what was typed.
        settings: As typed.

    Raises:
        SettingsError: If no parameter is left in any of them, or norms would take statistics
            of single rows.
    """
    if any(phase.fresh and (phase.line or above.parameters) for phase in phases):
        raise SettingsError(
            f"{settings.strategy} with freeze = {settings.freeze} would freeze random weights",
            expected="nothing frozen where everything starts from random weights",
            hint="--strategy scratch without --freeze or a modifier",
        )
    lines = [phase.line for phase in phases if phase.line < chain.top]
    blocks = chain.blocks[min(lines, default=chain.top) :]
    moving = {name for block in blocks for name in block.parameters}
    if lines and not moving - above.parameters:
        raise _nothing_left(settings)
    if settings.batch_size == 1:
        _check_norms(chain, phases, above, settings)


def check_line(
    settings: FitSettings,
    strategy: Composed,
    *,
    chain: Chain,
    facts: Facts,
    phases: Sequence[Phase],
) -> None:
    """Refuses to freeze every block for a strategy that is to move some of them.

    Args:
        settings: As typed.
        strategy: That they name.
        chain: The trunk's blocks.
        facts: That it made its phases from.
        phases: These.

    Raises:
        SettingsError: If the frozen blocks alone are why nothing but the head would be trained.
    """
    top = chain.top
    if facts.start_line < top or any(phase.line < top for phase in phases):
        return
    free = strategy.phases(chain, replace(facts, start_line=0))
    if any(phase.line < top for phase in free):
        raise _nothing_left(settings)


def _nothing_left(settings: FitSettings) -> SettingsError:
    return SettingsError(
        f"{settings.strategy} with freeze = {settings.freeze} leaves nothing of the network to "
        "train but its head",
        hint="--strategy head, or a smaller --freeze",
    )


def _check_norms(
    chain: Chain, phases: Sequence[Phase], above: Above, settings: FitSettings
) -> None:
    """Refuses batch norms that would take their statistics of one row at a time."""
    moving = [phase for phase in phases if phase.line < chain.top]
    held = [above | of_blocks(chain, phase.still) for phase in moving]
    still = [
        frozen_at(chain, line=phase.line, above=each).modules
        for phase, each in zip(moving, held, strict=True)
    ]
    norms = [p for p, m in chain.network.named_modules() if isinstance(m, _BatchNorm)]
    if any(path not in frozen for frozen in still for path in norms):
        raise SettingsError(
            f"batch_size = 1 cannot be used with {settings.strategy}: the network's batch norms "
            "take the mean and variance of the rows of a batch",
            expected="at least 2",
            hint="--batch-size 2, or --freeze norm",
        )


def check_strategy(
    settings: FitSettings, strategy: Composed, *, backbone: Backbone, phases: list[Phase]
) -> None:
    """Refuses a strategy that these settings or this network cannot have.

    Args:
        settings: As typed.
        strategy: That they name.
        backbone: The opened network.
        phases: That the strategy makes for it.

    Raises:
        SettingsError: If they do not go together.
    """
    if settings.control and strategy.merging:
        raise SettingsError(
            f"control = true cannot be used with {settings.strategy}, which changes the layers",
            hint="leave --control out",
        )
    if any(phase.fresh for phase in phases) and backbone.architecture.library == "module":
        raise SettingsError(
            f"{settings.strategy} cannot be used with a network of a Python program: only that "
            "program can draw its weights",
            expected="a network that has a name",
        )
    if settings.ema is not None and any(phase.loss == "pairs" for phase in phases):
        raise SettingsError(
            f"ema = {settings.ema:g} cannot be used with {settings.strategy}, whose head is solved "
            "on the weights themselves",
            hint="leave --ema out",
        )
    if settings.head != "linear" and any(phase.solving != "probe" for phase in phases):
        raise SettingsError(
            f"head = {settings.head!r} cannot be used with {settings.strategy}: it trains nothing",
            hint="--head linear",
        )
    if settings.head != "linear" and any(phase.refit for phase in phases):
        raise SettingsError(
            f"head = {settings.head!r} cannot be used with {settings.strategy}: only a linear "
            "head is solved once more",
            hint="--head linear",
        )


def without_use(
    settings: FitSettings,
    phases: Sequence[Phase],
    *,
    dataset: Dataset,
    top: int,
    left_open: Collection[str] = (),
) -> list[str]:
    """Returns a line for each thing that was typed and does nothing with these phases.

    Args:
        settings: As typed.
        phases: Of the strategy.
        dataset: Rows in parts.
        top: P; phases with their line there do not move the trunk.
        left_open: Names that an earlier run filled in: nobody typed these.
    """
    typed = settings.model_copy(update=dict.fromkeys(left_open))
    return [
        *idle(settings.strategy, phases, top=top),
        *unaveraged(dataset, phases),
        *unrefitted(dataset, phases),
        *unused(typed, phases, top=top, judged=len(dataset.parts["val"]) > 0),
    ]


def idle(strategy: str, phases: Sequence[Phase], *, top: int) -> list[str]:
    """Returns a line that says so where modifiers have nothing to do: no trunk that moves.

    Args:
        strategy: As typed.
        phases: Of it.
        top: P; phases with their line there do not move the trunk.
    """
    name, _, modifiers = strategy.partition("+")
    if not modifiers or any(phase.line < top for phase in phases):
        return []
    return [f"+{modifiers} does nothing with {name}: {STILL}"]


def unused(
    settings: FitSettings, phases: Sequence[Phase], *, top: int, judged: bool = True
) -> list[str]:
    """Returns a line for each typed setting that none of the phases looks at.

    Args:
        settings: As typed.
        phases: Of the strategy.
        top: P; phases with their line there do not move the trunk.
        judged: Whether there are validation rows.
    """
    # A linear head alone is solved: its phase takes no steps.
    steps = [phase for phase in phases if phase.line < top or settings.head != "linear"]
    reasons = {
        "layer_decay": _flat(settings, phases),
        "weight_decay": _undecayed(settings, steps),
        "class_weights": _unweighed(phases, steps),
        **_unstepped(steps, top=top, judged=judged),
        **_unturned(settings, steps, top=top),
    }
    return [
        f"{name} = {_shown(value)} does nothing with {settings.strategy}: {why}"
        for name, why in reasons.items()
        if why and (value := getattr(settings, name)) not in (None, USUAL[name])
    ]


def _shown(value: object) -> str:
    return f"{value:g}" if isinstance(value, int | float) else str(value)


def _unweighed(phases: Sequence[Phase], steps: Sequence[Phase]) -> str:
    """Returns why weights of the classes are not looked at, or nothing where they are."""
    solved = any(phase.solving == "probe" for phase in phases)
    return "" if steps or solved else "it has no loss that they would weigh"


def _unturned(settings: FitSettings, steps: Sequence[Phase], *, top: int) -> dict[str, str]:
    """Returns why views do not take turns: no phase that moves starts with frozen blocks."""
    moving = [phase for phase in steps if phase.line < top]
    # What `auto` takes may have some.
    if not moving or settings.strategy == AUTO or any(phase.line for phase in moving):
        return {}
    return {"views": "no block is frozen from the start"}


def _flat(settings: FitSettings, phases: Sequence[Phase]) -> str:
    """Returns why the decay of the rates is not looked at, or nothing where it is."""
    decay = settings.layer_decay or 1.0
    rates = [(rate, phase.head_rate) for phase in phases for rate in phase.rates if rate]
    if decay < 1 and all(rate == peak for rate, peak in rates):
        return "no block moves at a rate below the highest one"
    pairs = [pair for phase in phases for pair in itertools.pairwise(phase.rates) if all(pair)]
    if pairs and not any(math.isclose(low, decay * high) for low, high in pairs):
        return OWN_DECAY
    return ""


def _undecayed(settings: FitSettings, steps: Sequence[Phase]) -> str:
    """Returns why the decay of the weights is not looked at, or nothing where it is."""
    if any(phase.weight_decay == settings.weight_decay for phase in steps):
        return ""
    return OWN_DECAY if steps else NO_STEPS


def _unstepped(steps: Sequence[Phase], *, top: int, judged: bool) -> dict[str, str]:
    """Returns why settings of steps are not looked at, empty where they are."""
    if not steps:
        return dict.fromkeys(OF_STEPS, NO_STEPS)
    still = STILL if all(phase.line == top for phase in steps) else ""
    return {
        **dict.fromkeys(OF_THE_TRUNK, still),
        "patience": "" if judged else UNJUDGED,
    }


def unaveraged(dataset: Dataset, phases: Sequence[Phase], *, where: str = "here") -> list[str]:
    """Returns a line that says so where an average cannot be chosen, for want of validation rows.

    Args:
        dataset: Rows in parts.
        phases: One of which may ask for an average.
        where: Are there none, in words.
    """
    if len(dataset.parts["val"]) or not any(phase.average for phase in phases):
        return []
    return [f"+average does nothing {where}: there are no validation rows to choose the point by"]


def unrefitted(dataset: Dataset, phases: Sequence[Phase]) -> list[str]:
    """Returns a line that says so where a head is to see validation rows and there are none.

    Args:
        dataset: Rows in parts.
        phases: One of which may solve its head once more.
    """
    if len(dataset.parts["val"]) or not any(phase.refit for phase in phases):
        return []
    return ["refit=true does nothing here: without validation rows the head sees all rows anyway"]
