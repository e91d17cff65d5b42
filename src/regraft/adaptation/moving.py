"""Makes the phase in which the trunk moves towards the target, from a method's name.

Source: none (regraft); each term's is in `training.aligning.terms`. The source is learnt
first, by whatever strategy; then its last phase comes once more, with a term beside the loss.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, cast, get_args

from regraft.backbones.chain import Chain
from regraft.errors import SettingsError, one_of
from regraft.strategies.options import Check, check_options, made_with
from regraft.training.aligning.alignment import Alignment, Kind, TermName
from regraft.training.phase import Phase

NAME = "align"
ABOVE = "a number above 0"


class Moving(Protocol):
    """A method's options; its name in the table is the term's."""

    def checks(self) -> tuple[Check, ...]:
        """Returns what each option has to be, whatever the network."""

    def alignment(self, term: TermName, chain: Chain) -> Alignment:
        """Returns what the phase carries."""


@dataclass(frozen=True)
class Adversary:
    """Of `dann` and `cdan`: a network that tells the domains apart plays against the trunk.

    Args:
        discriminator: `mlp`, `cnn` or `rnn`; `auto` = by the shape of the features.
        position: Number or name of the place where it reads; empty = the pooled features.
        hidden: Width of its bottleneck.
        weight: Of the term.
        rate: The discriminator's peak learning rate.
        confusion: Weight of `mcc`'s term beside it; 0 = it is left out.
    """

    discriminator: str = "auto"
    position: str = ""
    hidden: int = 64
    weight: float = 1.0
    rate: float = 1e-3
    confusion: float = 0.0

    def checks(self) -> tuple[Check, ...]:
        """Returns what each option has to be."""
        kinds = get_args(Kind)
        return (
            ("discriminator", self.discriminator, self.discriminator in kinds, one_of(kinds)),
            ("hidden", self.hidden, self.hidden >= 1, "a whole number, at least 1"),
            ("rate", self.rate, 0 < self.rate < math.inf, ABOVE),
            ("weight", self.weight, 0 < self.weight < math.inf, ABOVE),
            ("confusion", self.confusion, 0 <= self.confusion < math.inf, "a number from 0"),
        )

    def alignment(self, term: TermName, chain: Chain) -> Alignment:
        """Returns what the phase carries.

        Raises:
            SettingsError: If the position does not exist (raised by `position_of`).
        """
        kind = cast(Kind, self.discriminator)
        place = position_of(self.position, chain) if self.position else None
        return Alignment(
            term,
            self.weight,
            discriminator=kind,
            position=place,
            hidden=self.hidden,
            rate=self.rate,
            confusion=self.confusion,
        )


@dataclass(frozen=True)
class Distance:
    """Of `mmd` and `coral`: two samples of features are drawn together.

    Args:
        weight: Of the term.
    """

    weight: float = 1.0

    def checks(self) -> tuple[Check, ...]:
        """Returns what each option has to be."""
        return (("weight", self.weight, 0 < self.weight < math.inf, ABOVE),)

    def alignment(self, term: TermName, chain: Chain) -> Alignment:
        """Returns what the phase carries."""
        del chain
        return Alignment(term, self.weight)


@dataclass(frozen=True)
class Confusion:
    """Of `mcc`: the target's classes shall not be confused.

    Args:
        weight: Of the term.
        temperature: T of the target's predictions.
    """

    weight: float = 1.0
    temperature: float = 2.5

    def checks(self) -> tuple[Check, ...]:
        """Returns what each option has to be."""
        return (
            ("weight", self.weight, 0 < self.weight < math.inf, ABOVE),
            ("temperature", self.temperature, 0 < self.temperature < math.inf, ABOVE),
        )

    def alignment(self, term: TermName, chain: Chain) -> Alignment:
        """Returns what the phase carries."""
        del chain
        return Alignment(term, self.weight, temperature=self.temperature)


@dataclass(frozen=True)
class Guessed:
    """Of `pseudo`: what the network is sure of in a row, it learns of the row augmented.

    Args:
        weight: Of the term.
        threshold: Confidence from which it is sure.
    """

    weight: float = 1.0
    threshold: float = 0.95

    def checks(self) -> tuple[Check, ...]:
        """Returns what each option has to be."""
        return (
            ("weight", self.weight, 0 < self.weight < math.inf, ABOVE),
            ("threshold", self.threshold, 0 < self.threshold <= 1, f"{ABOVE}, at most 1"),
        )

    def alignment(self, term: TermName, chain: Chain) -> Alignment:
        """Returns what the phase carries."""
        del chain
        return Alignment(term, self.weight, threshold=self.threshold)


@dataclass(frozen=True)
class TargetAlone:
    """Of `shot`: the head is frozen, and the trunk follows the target."""

    def checks(self) -> tuple[Check, ...]:
        """Returns nothing: there are no options."""
        return ()

    def alignment(self, term: TermName, chain: Chain) -> Alignment:
        """Returns what the phase carries."""
        del chain
        return Alignment(term, source=False)


@dataclass(frozen=True)
class Virtual:
    """Of `gaussian`: virtual rows around those with labels, at a position of the trunk.

    Args:
        position: Number or name of the place where they are made.
        around: How far they lie from the real ones, as a multiple of the batch's deviations.
        share: Probability that a row becomes a virtual one.
    """

    position: str = ""
    around: float = 1.0
    share: float = 0.5

    def checks(self) -> tuple[Check, ...]:
        """Returns what each option has to be."""
        return (
            ("around", self.around, 0 < self.around < math.inf, ABOVE),
            ("share", self.share, 0 < self.share <= 1, f"{ABOVE}, at most 1"),
        )

    def alignment(self, term: TermName, chain: Chain) -> Alignment:
        """Returns what the phase carries.

        Raises:
            SettingsError: If the position does not exist (raised by `position_of`).
        """
        place = position_of(self.position, chain)
        return Alignment(term, position=place, around=self.around, share=self.share)


MOVING: dict[TermName, Callable[..., Moving]] = {
    "dann": Adversary,
    "cdan": Adversary,
    "mmd": Distance,
    "coral": Distance,
    "mcc": Confusion,
    "shot": TargetAlone,
    "pseudo": Guessed,
    "gaussian": Virtual,
}
AT_A_POSITION = ("gaussian",)
"""Those that read features, unless a position of the trunk is named."""


def moves_trunk(word: str) -> bool:
    """Says whether a method moves the trunk where the trunk may move.

    >>> moves_trunk("mcc"), moves_trunk("gaussian:rounds=3"), moves_trunk("gaussian:position=2")
    (True, False, True)
    """
    name, _, words = word.partition(":")
    placed = any(each.strip().startswith("position=") for each in words.split(","))
    return name in MOVING and (placed or name not in AT_A_POSITION)


def made_moving(word: str) -> tuple[TermName, Moving]:
    """Returns a method's term and its options, which are checked but for what a network decides.

    Args:
        word: A name of the table, perhaps with options.

    Raises:
        SettingsError: If an option does not exist or cannot have its value (raised by
            `made_with` and `check_options`).
    """
    name, _, words = word.partition(":")
    term = cast(TermName, name)
    made: Moving = made_with(MOVING[term], name, words=words)
    check_options(name, *made.checks())
    return term, made


def moving_phase(word: str, phases: Sequence[Phase], *, chain: Chain) -> Phase:
    """Returns the phase `align`: the last one that moves the trunk, with the method's term.

    Args:
        word: A name of the table, perhaps with options: `dann:discriminator=cnn,position=3`.
        phases: Of the source's strategy.
        chain: The trunk's blocks.

    Raises:
        SettingsError: If nothing of the trunk moves, or an option cannot be used.
    """
    term, made = made_moving(word)
    moving = [phase for phase in phases if phase.line < chain.top]
    if not moving:
        raise SettingsError(
            f"{term} cannot move the trunk: all of its {chain.top} blocks are frozen",
            hint="a smaller --freeze",
        )
    alignment, last = made.alignment(term, chain), moving[-1]
    if alignment.position is not None and alignment.position <= last.line:
        frozen = f"what lies below position {last.line} is frozen"
        why = frozen if last.line else "position 0 is the input, which no block has changed"
        raise SettingsError(
            f"{word} cannot be used: {why}",
            expected=f"a position from {last.line + 1} to {chain.top}",
        )
    return replace(
        last,
        name=NAME,
        alignment=alignment,
        # SHOT's hypothesis is the head that the source left.
        head_rate=last.head_rate if alignment.source else 0.0,
        loss="classes",
        stop_after=None,
        average=False,
        fresh=False,
        mix=0.0,
        shrink=last.shrink if alignment.source else _head_held(last.shrink),
    )


def _head_held(shrink: tuple[float, ...]) -> tuple[float, ...]:
    """Returns the shares by which weights shrink, with none for the head."""
    return (*shrink[:-1], 0.0) if shrink else ()


def position_of(word: str, chain: Chain) -> int:
    """Returns the number of a position that was named by it or by its path.

    Raises:
        SettingsError: If there is no such position.
    """
    names = [position.name for position in chain.positions]
    if word in names:
        return names.index(word)
    if word.isdecimal() and int(word) <= chain.top:
        return int(word)
    raise SettingsError(
        f"position={word} does not exist in this network",
        expected=f"a number from 1 to {chain.top}, or one of {', '.join(names[1:9])}",
    )
