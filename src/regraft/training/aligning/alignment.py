"""Defines an alignment: what a phase adds to its loss, over rows of two domains."""

from dataclasses import dataclass
from typing import Literal

TermName = Literal["dann", "cdan", "mmd", "coral", "mcc", "pseudo", "shot", "gaussian"]
Kind = Literal["auto", "mlp", "cnn", "rnn"]
ADVERSARIAL = ("dann", "cdan")


@dataclass(frozen=True)
class Alignment:
    """A term of the loss over rows of the source and unlabelled rows of a target.

    Plain data, as everything of a phase: the loop knows how to do each.

    Args:
        term: Which one.
        weight: Of it, beside the loss of the source's labels.
        source: Whether the source's labels are learnt as well; else no row of it is in a step, and
            the head stands still.
        discriminator: Kind of network that tells the domains apart; `auto` = by the shape of
            the features at the position.
        position: Where it reads, or where virtual rows are made, above the line; None = the
            pooled features.
        hidden: Width of its bottleneck.
        rate: Its peak learning rate.
        confusion: Weight of `mcc`'s term beside an adversary's; 0 = it is left out.
        temperature: T of the target's predictions, for `mcc`'s term.
        threshold: Confidence from which a target row's own answer is learnt, for `pseudo`.
        around: Deviation of virtual rows from real ones, as a multiple of the batch's, for
            `gaussian`.
        share: Probability that a row with a label becomes a virtual one, likewise.
    """

    term: TermName
    weight: float = 1.0
    source: bool = True
    discriminator: Kind = "auto"
    position: int | None = None
    hidden: int = 64
    rate: float = 1e-3
    confusion: float = 0.0
    temperature: float = 2.5
    threshold: float = 0.95
    around: float = 1.0
    share: float = 0.5

    @property
    def adversarial(self) -> bool:
        """Says whether a network that tells the domains apart plays against the trunk."""
        return self.term in ADVERSARIAL

    def words(self) -> str:
        """Returns it as a few words for tables.

        >>> Alignment("dann", discriminator="cnn", position=2).words()
        'dann, discriminator cnn at position 2'
        """
        place = "the pooled features" if self.position is None else f"position {self.position}"
        if self.term == "gaussian":
            return f"gaussian, virtual rows at {place}"
        if not self.adversarial:
            return self.term
        beside = f", class confusion {self.confusion:g}" if self.confusion else ""
        return f"{self.term}, discriminator {self.discriminator} at {place}{beside}"
