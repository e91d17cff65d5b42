"""Makes the term that an alignment adds to the loss, from what a pass saw of both domains.

Source: Ganin et al. 2016 (DANN), arXiv 1505.07818; Long et al. 2018 (CDAN+E), arXiv
1705.10667; Long et al. 2015 (DAN), arXiv 1502.02791; Sun and Saenko 2016 (Deep CORAL), arXiv
1607.01719; Jin et al. 2020 (MCC), arXiv 1912.03699; Sohn et al. 2020 (FixMatch), equation 4,
arXiv 2001.07685, after Lee 2013; Liang et al. 2020 (SHOT-IM), arXiv 2002.08546. The losses
themselves, with their equations, are in `losses`.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from regraft.losses.class_confusion import class_confusion
from regraft.losses.conditional_adversarial import conditional_adversarial, entropy_weights
from regraft.losses.coral import coral
from regraft.losses.cross_entropy import cross_entropy
from regraft.losses.domain_adversarial import domain_adversarial
from regraft.losses.gradient_reversal import adversarial_strength, reverse_gradient
from regraft.losses.information import information
from regraft.losses.mmd import mmd
from regraft.training.aligning.alignment import Alignment, TermName
from regraft.training.aligning.discriminator import Discriminator
from regraft.training.batching.batches import even_cuts

FEWEST = 2
"""Rows of either domain in a pass, below which their distributions say nothing."""


BOTH = ("dann", "cdan", "mmd", "coral")
"""Terms that read rows of both domains; the others read the target's."""


@dataclass(frozen=True)
class Seen:
    """What a pass saw of B rows, some of the source, some of the target.

    Args:
        own: (B,) which rows are the source's.
        features: (B, D) pooled, standardised as the head sees them.
        logits: (B, K).
        at_position: (B, …) features where a discriminator reads; the pooled ones, or others.
        mask: (B, T) which tokens are real; None = all.
        guesses: (B,) classes that the target's rows are taken for, -1 = none.
        progress: Share of the phase's steps that are done, in [0, 1].
        proportions: (K,) estimated for the target.
        weights: (K,) weight of each class in the loss; None = 1.
    """

    own: Tensor
    features: Tensor
    logits: Tensor
    at_position: Tensor
    mask: Tensor | None
    guesses: Tensor | None
    progress: float
    proportions: Tensor
    weights: Tensor | None = None


def term(alignment: Alignment, seen: Seen, *, discriminator: Discriminator | None) -> Tensor:
    """Returns the scalar term, times its weight; 0 where a domain that it reads is hardly there.

    Beside an adversary's term there may be that of class confusion (Jin et al. 2020, section
    3.4: MCC as a regulariser of other methods).

    Args:
        alignment: Which term.
        seen: What a pass saw.
        discriminator: What plays against the trunk, where something does.
    """
    if not enough(alignment, seen.own, ~seen.own):
        return 0.0 * seen.logits.sum()
    made = alignment.weight * TERMS[alignment.term](alignment, seen, discriminator)
    if alignment.confusion:
        made = made + alignment.confusion * _mcc(alignment, seen, None)
    return made


def enough(alignment: Alignment, own: Tensor, other: Tensor) -> bool:
    """Says whether a term has rows enough of each domain that it reads.

    Args:
        alignment: Which term.
        own: (B,) which rows are the source's.
        other: (B,) which are the target's, without a label.
    """
    read = [other, own] if alignment.term in BOTH else [other]
    return min(int(rows.sum()) for rows in read) >= FEWEST


def term_pieces(alignment: Alignment, own: Tensor, other: Tensor, *, most: int) -> list[slice]:
    """Returns where a batch is cut: each piece has rows enough for the term.

    Args:
        alignment: Which term.
        own: (B,) which rows are the source's.
        other: (B,) which are the target's, without a label.
        most: Rows of a piece, about; more where the term has need of them.
    """
    # A row of either domain stands beside one of the other.
    count, together = len(other), 2 if alignment.source else 1
    for rows in range(max(most, together), count, together):
        cuts = even_cuts(count, rows, together=together)
        if all(enough(alignment, own[cut], other[cut]) for cut in cuts):
            return cuts
    return [slice(0, count)]


Make = Callable[[Alignment, Seen, Discriminator | None], Tensor]


def _dann(alignment: Alignment, seen: Seen, discriminator: Discriminator | None) -> Tensor:
    del alignment
    assert discriminator is not None, "made where a phase has an adversary"
    turned = reverse_gradient(seen.at_position.float(), adversarial_strength(seen.progress))
    scores = discriminator(turned, seen.mask)
    return domain_adversarial(scores[seen.own], scores[~seen.own])


def _cdan(alignment: Alignment, seen: Seen, discriminator: Discriminator | None) -> Tensor:
    del alignment
    assert discriminator is not None, "made where a phase has an adversary"
    # The prediction is given, not played for: no gradient goes through it.
    given = torch.softmax(seen.logits.float(), dim=1).detach()
    turned = reverse_gradient(seen.at_position.float(), adversarial_strength(seen.progress))
    scores, sure = discriminator(turned, seen.mask, given=given), entropy_weights(given)
    own, other = seen.own, ~seen.own
    return conditional_adversarial(
        scores[own], scores[other], source_weights=sure[own], target_weights=sure[other]
    )


def _mmd(alignment: Alignment, seen: Seen, discriminator: Discriminator | None) -> Tensor:
    del alignment, discriminator
    return mmd(seen.features[seen.own], seen.features[~seen.own])


def _coral(alignment: Alignment, seen: Seen, discriminator: Discriminator | None) -> Tensor:
    del alignment, discriminator
    return coral(seen.features[seen.own], seen.features[~seen.own])


def _mcc(alignment: Alignment, seen: Seen, discriminator: Discriminator | None) -> Tensor:
    del discriminator
    return class_confusion(seen.logits[~seen.own], temperature=alignment.temperature)


def _pseudo(alignment: Alignment, seen: Seen, discriminator: Discriminator | None) -> Tensor:
    """Makes −1/B Σ 1(max q ≥ τ) log p_argmax q: q of the row as it is, p of it augmented.

    Where classes have weights, guesses have those of theirs, and together weigh the same.
    """
    del alignment, discriminator
    assert seen.guesses is not None, "made where a phase wants them"
    sure = ~seen.own & (seen.guesses >= 0)
    guesses, weights = seen.guesses[sure], seen.weights
    # A class without a labelled row weighs nothing.
    if not (sure if weights is None else weights[guesses]).any():
        return 0.0 * seen.logits.sum()
    share = float(sure.sum()) / float((~seen.own).sum())
    return share * cross_entropy(seen.logits[sure], guesses, weights=weights)


def _shot(alignment: Alignment, seen: Seen, discriminator: Discriminator | None) -> Tensor:
    del alignment, discriminator
    return information(seen.logits[~seen.own], proportions=seen.proportions)


def _gaussian(alignment: Alignment, seen: Seen, discriminator: Discriminator | None) -> Tensor:
    """Makes nothing more: virtual rows went through the network, and their labels are learnt."""
    del alignment, discriminator
    return 0.0 * seen.logits.sum()


TERMS: dict[TermName, Make] = {
    "dann": _dann,
    "cdan": _cdan,
    "mmd": _mmd,
    "coral": _coral,
    "mcc": _mcc,
    "pseudo": _pseudo,
    "shot": _shot,
    "gaussian": _gaussian,
}
