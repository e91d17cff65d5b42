"""Makes the random numbers of a run: one stream for each purpose, from (seed, epoch)."""

from typing import Literal

import numpy as np

Purpose = Literal["order", "tokens", "pixels", "sample", "mix", "share", "target", "labels"]
STREAMS: dict[Purpose, int] = {
    "order": 0,
    "tokens": 1,
    "pixels": 2,
    "sample": 3,
    "mix": 4,
    "share": 5,
    "target": 6,
    "labels": 7,
}
"""Each purpose's own number: streams that shared a key would move together."""


def draws(purpose: Purpose, seed: int, *, epoch: int) -> np.random.Generator:
    """Returns a generator that depends on nothing but the arguments.

    Args:
        purpose: What the numbers decide: the order of rows, tokens left out, pixels moved,
            rows sampled, rows of a source mixed in, labelled rows that are used, target rows
            that stand beside those of a source, labelled rows of a target.
        seed: Of the run, 0 or more.
        epoch: Counted over the whole run.

    >>> orders, moves = (draws(purpose, 0, epoch=1) for purpose in ("order", "pixels"))
    >>> bool(orders.integers(1000) == moves.integers(1000))
    False
    """
    sequence = np.random.SeedSequence([seed, epoch, STREAMS[purpose]])
    return np.random.Generator(np.random.Philox(sequence))
