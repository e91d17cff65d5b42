"""Makes a text network go on with its pretraining, on the texts of both domains.

Source: Gururangan, Marasović, Swayamdipta, Lo, Beltagy, Downey and Smith 2020, "Don't Stop
Pretraining: Adapt Language Models to Domains and Tasks" (TAPT), ACL, section 4, arXiv
2004.10964: before any label is seen, the trunk is trained to tell masked tokens,
L = −mean over masked places of log p(token | the rest), here on target and source texts. A trunk
without a head for that gets one that is tied to its token table (`masking`). What the user froze
stands still here too (regraft): it is in no step, has no gradient and rests in evaluation. Where
training is in fp16, this is in fp32.
"""

import math
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from regraft.adaptation.masking import NOTHING, TiedHead, masked
from regraft.adaptation.preparation import Changed, Given, differences, free_copy
from regraft.backbones.attention import set_attention
from regraft.backbones.backbone import Batch
from regraft.backbones.chain import call
from regraft.backbones.modes import Mode
from regraft.backbones.splicing.tree import primary
from regraft.backbones.vocabulary import Reduced, reduce_table
from regraft.data.spec import InputSpec, TextSpec
from regraft.data.texts import TokenRows, open_tokenizer
from regraft.errors import DivergedError, SettingsError
from regraft.features.pooled import to_device
from regraft.losses.cross_entropy import cross_entropy
from regraft.strategies.options import check_options

MASKS = ("[MASK]", "<mask>")
"""How tokenizers spell the token that stands for a hole."""
WARM_UP = 0.06
"""Share of the steps in which the rate rises; the paper's."""
HEAD_RATE = 20.0
"""Rate of the head, in rates of the trunk: it starts from nothing."""


@dataclass(frozen=True)
class Tapt:
    """Masked-language training of the trunk but for what the user froze, for so many steps.

    Args:
        steps: Of AdamW.
        rows: Texts in a step.
        rate: Peak of the trunk's rate; it rises for a while, then falls to 0.
        masked: Share of the tokens that are to be told, in (0, 1).
        source: Share of a step's texts that are the source's, in [0, 1].
    """

    steps: int = 200
    rows: int = 32
    rate: float = 5e-5
    masked: float = 0.15
    source: float = 0.5

    first: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_options(
            "tapt",
            ("masked", self.masked, 0 < self.masked < 1, "a share of tokens between 0 and 1"),
            ("source", self.source, 0 <= self.source <= 1, "a share of texts from 0 to 1"),
        )

    def refusal(self, trunk: nn.Module, spec: InputSpec) -> str:
        """Returns why it can do nothing for images, or for a trunk without a token table."""
        if not isinstance(spec, TextSpec):
            return "it trains on texts, and the data are images"
        return "" if _table(trunk) else "the network has no table of tokens that can be found"

    def prepare(self, given: Given) -> Changed:
        """Returns the weights of the trained trunk; both domains are read with them."""
        trunk = free_copy(given.trunk, but=given.still)
        texts = _texts(given)
        reduced = reduce_table(trunk, [texts.source, texts.target, texts.hole])
        # Dropout is a function of the seed, and leaves what others draw alone.
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(given.seed)
            training = _Training(self, trunk, texts=texts.renumbered(reduced), given=given)
            for step in range(self.steps):
                training.step(step)
        _check_whole(trunk)
        if reduced:
            reduced.restore()
        return Changed(differences(given.trunk, trunk))


class _Training:
    """A trunk and its head on their way through the steps.

    Args:
        asked: How it is trained.
        trunk: May move, but for what the user froze.
        texts: In numbers of its table.
        given: Modes and seed. Steps in fp16 are taken in fp32: small gradients vanish in half
            numbers, and these few steps have no scaled loss.
    """

    def __init__(self, asked: Tapt, trunk: nn.Module, *, texts: "_Texts", given: Given) -> None:
        self._asked, self._trunk, self._texts = asked, trunk.train(), texts
        mode = given.training
        self._mode = replace(mode, precision="fp32") if mode.precision == "fp16" else mode
        self._generator = np.random.default_rng(given.seed)
        set_attention(trunk, self._mode.attention)
        self._head = _head(trunk, texts, self._mode)
        groups: list[dict[str, Any]] = [
            {"params": [p for p in trunk.parameters() if p.requires_grad], "peak": asked.rate},
            {"params": list(self._head.parameters()), "peak": HEAD_RATE * asked.rate},
        ]
        self._optimiser = torch.optim.AdamW(groups, weight_decay=0.0)

    def step(self, number: int) -> None:
        """Takes one step, unless no token of its texts can be drawn."""
        asked = self._asked
        drawn = self._texts.drawn(self._generator, asked.rows, source=asked.source)
        holes = masked(drawn, self._generator, share=asked.masked, mask=self._texts.mask)
        wanted = holes.labels != NOTHING
        if not wanted.any():
            return
        states = _states(self._trunk, holes.batch, self._mode)[wanted.to(self._mode.device)]
        labels = holes.labels[wanted].to(self._mode.device)
        loss = cross_entropy(self._head(states), labels)
        _check_finite(loss)
        for group in self._optimiser.param_groups:
            group["lr"] = group["peak"] * rate_share(number, asked.steps)
        self._optimiser.zero_grad()
        loss.backward()
        self._optimiser.step()


@dataclass(frozen=True)
class _Texts:
    """Rows of both domains, and the token that stands for a hole, if there is one."""

    source: TokenRows
    target: TokenRows
    hole: TokenRows

    @property
    def mask(self) -> int | None:
        """Number of the token that stands for a hole."""
        return int(self.hole.tokens[0]) if len(self.hole) else None

    def renumbered(self, reduced: Reduced | None) -> "_Texts":
        """Returns the same texts in numbers of rows of a smaller table."""
        if reduced is None:
            return self
        return _Texts(*map(reduced.renumbered, (self.source, self.target, self.hole)))

    def drawn(self, generator: np.random.Generator, count: int, *, source: float) -> TokenRows:
        """Returns so many texts, a share of them the source's."""
        first = round(source * count)
        parts = ((self.source, first), (self.target, count - first))
        some = [rows.take(generator.integers(len(rows), size=n)) for rows, n in parts]
        return some[0].joined(some[1])

    def counts(self, tokens: int) -> Tensor:
        """Returns (V,) how often each token is there."""
        both = np.concatenate([self.source.tokens, self.target.tokens])
        return torch.from_numpy(np.bincount(both, minlength=tokens)).float()


def _texts(given: Given) -> _Texts:
    source, target = given.train, given.target
    assert isinstance(source, TokenRows), "images are refused"
    assert isinstance(target, TokenRows), "both domains are of one modality"
    assert isinstance(given.spec, TextSpec), "images are refused"
    tokenizer = open_tokenizer(given.spec, given.spec.length_limit)
    known = [tokenizer.token_to_id(word) for word in MASKS]
    holes = [number for number in known if number is not None][:1]
    starts = np.arange(len(holes) + 1, dtype=np.int64)
    return _Texts(source, target, TokenRows(np.array(holes, np.int32), starts, source.pad_id))


def _table(trunk: nn.Module) -> nn.Embedding | None:
    find = getattr(trunk, "get_input_embeddings", None)
    table = find() if callable(find) else None
    return table if isinstance(table, nn.Embedding) else None


def _states(trunk: nn.Module, batch: Batch, mode: Mode) -> Tensor:
    """Returns (B, T, D) in fp32, a state for each token."""
    with mode.running():
        states = primary(call(trunk, to_device(batch, mode.device)))
    if states is None or states.shape[:-1] != batch["input_ids"].shape:
        raise SettingsError(
            "tapt cannot be used with this network: it does not give a state for each token",
            expected="an encoder of texts",
        )
    return states.float()


def _head(trunk: nn.Module, texts: _Texts, mode: Mode) -> TiedHead:
    """Returns a head for the width of the trunk's states."""
    table = _table(trunk)
    assert table is not None, "a trunk without one is refused"
    with torch.no_grad():
        width = _states(trunk, texts.target.batch(np.zeros(1, np.int64)), mode).shape[-1]
    return TiedHead(table, width, counts=texts.counts(table.num_embeddings)).to(mode.device)


def rate_share(step: int, steps: int) -> float:
    """Returns the share of the peak rate at a step: up for a while, then down to 0.

    >>> [round(rate_share(step, 4), 2) for step in range(4)]
    [1.0, 1.0, 0.67, 0.33]
    """
    warm = max(1, math.ceil(WARM_UP * steps))
    return min((step + 1) / warm, (steps - step) / max(1, steps - warm))


def _check_finite(loss: Tensor) -> None:
    if not loss.isfinite():
        raise _diverged("its loss is no finite number any more")


def _check_whole(trunk: nn.Module) -> None:
    """Refuses what the last step left: no loss is taken after it."""
    if not all(bool(weight.isfinite().all()) for weight in trunk.parameters()):
        raise _diverged("its weights are no finite numbers any more")


def _diverged(told: str) -> DivergedError:
    return DivergedError(f"tapt diverged: {told}", hint="a smaller tapt:rate")
