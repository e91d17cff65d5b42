"""Decides what never moves, and how the rates fall from block to block."""

from dataclasses import replace

from regraft.data.rows import Modality
from regraft.errors import SettingsError
from regraft.runs.choosing.defaults import LOWEST_SHARE, NO_BLOCK, TYPED, Choice
from regraft.settings import FitSettings
from regraft.strategies.table import make_strategy

FROZEN_SHARE: dict[Modality, float] = {"text": 0.0, "image": 0.28}
"""Share of the blocks, from the bottom, that never move."""
RATE_BLOCKS = 7
"""Blocks of the text network for which the usual rate was found."""


def choose_line(settings: FitSettings, modality: Modality, *, blocks: int) -> Choice:
    """Returns how many blocks at the bottom never move, whatever the strategy.

    Args:
        settings: What was typed.
        modality: Of the rows.
        blocks: P.

    Raises:
        SettingsError: If more blocks were typed than there are.
    """
    typed = frozen_words(settings)[0]
    if typed is None and make_strategy(settings.strategy).whole:
        return Choice("freeze", 0, f"{settings.strategy} moves every block")
    if typed is None:
        value = round(FROZEN_SHARE[modality] * blocks)
        reason = "the lowest blocks see edges and colours, of use to any task, and cost the most"
        return Choice("freeze", value, reason) if value else NO_BLOCK
    if typed > blocks:
        raise SettingsError(
            f"freeze = {typed}, and the network has {blocks} blocks",
            expected=f"a number from 0 to {blocks}",
        )
    return Choice("freeze", typed, TYPED)


def frozen_words(settings: FitSettings) -> tuple[int | None, list[str]]:
    """Returns the number of blocks that was typed to be frozen, if any, and the other words."""
    words = [word.strip() for word in str(settings.freeze or "").split(",") if word.strip()]
    numbers = [int(word) for word in words if word.isdecimal()]
    patterns = [word for word in words if not word.isdecimal()]
    # Nothing is frozen at the bottom beside what was named, unless a number was.
    line = max(numbers) if numbers else 0 if patterns else None
    return line, patterns


def depth_rate(choice: Choice, modality: Modality, *, blocks: int) -> Choice:
    """Returns the peak rate, lower for a deep text network: its blocks' steps add up.

    Args:
        choice: Of `lr`.
        modality: Of the rows.
        blocks: P.
    """
    if choice.reason == TYPED or modality != "text" or blocks <= RATE_BLOCKS:
        return choice
    value = float(f"{choice.value * RATE_BLOCKS / blocks:.2g}")
    return replace(choice, value=value, reason=f"{choice.reason} and {blocks} blocks deep")


def block_decay(choice: Choice, modality: Modality, *, blocks: int) -> float:
    """Returns the ratio of the rates of neighbouring blocks, in (0, 1].

    Args:
        choice: Of `layer_decay`; None in it = the lowest block's usual share.
        modality: Of the rows.
        blocks: P.
    """
    if choice.value is not None:
        return float(choice.value)
    return float(LOWEST_SHARE[modality] ** (1 / max(blocks - 1, 1)))
