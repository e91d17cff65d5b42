"""Makes texts with masked tokens, and the head that has to tell what they were.

Source: Devlin, Chang, Lee and Toutanova 2019, "BERT: Pre-training of Deep Bidirectional
Transformers for Language Understanding", section 3.1, arXiv 1810.04805: of the tokens drawn,
80 % are masked, 10 % are another one, 10 % stay.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from regraft.backbones.backbone import Batch
from regraft.data.texts import TokenRows

OTHER, SAME = 0.8, 0.9
"""Below the first a token is masked, below the second it is another one."""
NOTHING = -100
"""Label of a token that was not drawn."""


@dataclass(frozen=True)
class Masked:
    """A batch of texts with holes.

    Args:
        batch: As the network is fed it.
        labels: (B, T) what was there, `NOTHING` where no token was drawn.
    """

    batch: Batch
    labels: Tensor


def masked(
    rows: TokenRows, generator: np.random.Generator, *, share: float, mask: int | None
) -> Masked:
    """Returns texts in which a share of the tokens is to be told; one at the least.

    A row's first and last token are never drawn: most networks want both.

    Args:
        rows: B texts.
        generator: What is drawn.
        share: In (0, 1).
        mask: Number of the token that stands for a hole; without one it is another token.
    """
    inner = np.ones(len(rows.tokens), bool)
    inner[rows.starts[:-1]] = inner[rows.starts[1:] - 1] = False
    free = np.flatnonzero(inner)
    drawn = free[generator.random(len(free)) < share]
    drawn = drawn if len(drawn) else free[:1]
    labels = np.full(len(rows.tokens), NOTHING, np.int32)
    labels[drawn] = rows.tokens[drawn]
    tokens = rows.tokens.copy()
    tokens[drawn] = _replaced(rows.tokens[drawn], rows.tokens[free], generator, mask=mask)
    every = np.arange(len(rows))
    told = TokenRows(labels, rows.starts, NOTHING).batch(every)["input_ids"]
    return Masked(TokenRows(tokens, rows.starts, rows.pad_id).batch(every), told)


def _replaced(
    tokens: npt.NDArray[np.int32],
    others: npt.NDArray[np.int32],
    generator: np.random.Generator,
    *,
    mask: int | None,
) -> npt.NDArray[np.int32]:
    """Returns what stands where tokens were drawn: a hole, another token, or the same."""
    if not len(tokens):
        return tokens
    kind = generator.random(len(tokens))
    other = generator.choice(others, size=len(tokens))
    hole = other if mask is None else np.full_like(tokens, mask)
    return np.where(kind < OTHER, hole, np.where(kind < SAME, other, tokens)).astype(np.int32)


class TiedHead(nn.Module):
    """Tells a token from a state by the network's own table: E (A h + c) + b.

    A and c start at 0 and b at the logarithm of how often each token is there: so the first
    steps teach the head, and the trunk is not moved by the noise of a head drawn at random.

    Args:
        table: Whose rows E are.
        width: D, of the states.
        counts: (V,) how often each token is there.
    """

    def __init__(self, table: nn.Embedding, width: int, *, counts: Tensor) -> None:
        super().__init__()
        # Not a child: its weights are the trunk's.
        self._table = [table]
        self.turn = nn.Linear(width, table.embedding_dim)
        nn.init.zeros_(self.turn.weight)
        nn.init.zeros_(self.turn.bias)
        self.bias = nn.Parameter(torch.log((counts + 1) / (counts + 1).sum()))

    def forward(self, states: Tensor) -> Tensor:
        """Returns (M, V) logits of (M, D) states."""
        return functional.linear(self.turn(states), self._table[0].weight, self.bias)
