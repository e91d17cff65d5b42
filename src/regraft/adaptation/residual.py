"""Trains a linear map of features that starts as the identity, with a classifier on top.

Source: none (regraft). What a method learns of the features is a map of their coordinates
u = P z in the directions in which both domains vary most, P with orthonormal rows:
g(u) = u + A u + c. The classifier W z + b begins as the source's, W = W0 + V P, and moves there
too, so that both fold into one linear head:
W0 z + (W0 Pᵀ + V) (A u + c) + V u + b = (W0 + ((W0 Pᵀ + V) A + V) P) z + (W0 Pᵀ + V) c + b.
What lies across these directions is read as before, and costs no step.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from regraft.adaptation.domains import Adapted, Domains
from regraft.adaptation.numbers import NotFiniteError
from regraft.adaptation.scaling import Standardised, first_classifier, standardise_each
from regraft.losses.cross_entropy import cross_entropy
from regraft.training.heads.probe import Features

Module = TypeVar("Module", bound=nn.Module)


@dataclass(frozen=True)
class Pace:
    """How a map is trained.

    Args:
        steps: Of AdamW, its rate falling to 0.
        rows: Of each domain in a step.
        rate: Where the rate starts.
        decay: Decoupled, of the map: what nothing pulls stays the identity.
    """

    steps: int = 200
    rows: int = 64
    rate: float = 5e-4
    decay: float = 0.1


@dataclass(frozen=True)
class Pair:
    """What one step sees of both domains.

    Args:
        source: (B, R) mapped coordinates.
        labels: (B,) of the source rows.
        source_logits: (B, K).
        target: (B, R) mapped coordinates.
        target_logits: (B, K).
        progress: Share of the steps that are done, in [0, 1).
        learnt: (E, K) logits of all rows with labels: the source's, and the target's if some
            have.
        learnt_labels: (E,) of these.
    """

    source: Tensor
    labels: Tensor
    source_logits: Tensor
    target: Tensor
    target_logits: Tensor
    progress: float
    learnt: Tensor
    learnt_labels: Tensor


USUAL = Pace()
GENTLE = Pace(rows=128, rate=1e-4)
"""Where two samples are drawn together: AdamW takes a step of the rate for the noise of a batch
too, and in wide features that bends the map more than the domains differ."""
Loss = Callable[[Pair], Tensor]
WIDEST = 256
"""Directions at most: a map of 1,280 features costs 25 times as much, and is no better."""


class Residual(nn.Module):
    """g(u) = u + A u + c, at first the identity.

    Args:
        width: R.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(width, width))
        self.bias = nn.Parameter(torch.zeros(width))

    def step(self, rows: Tensor) -> Tensor:
        """Returns (B, R) A u + c."""
        return functional.linear(rows, self.weight, self.bias)

    def forward(self, rows: Tensor) -> Tensor:
        """Returns (B, R) mapped coordinates."""
        return rows + self.step(rows)


@dataclass(frozen=True)
class Seen:
    """All rows of a domain.

    Args:
        rows: (N, R) coordinates u.
        logits: (N, K) W0 z, what the classifier that was there says without its bias.
    """

    rows: Tensor
    logits: Tensor


class Learner:
    """Both domains standardised, the map, and the source's classifier on top of it.

    Args:
        domains: Features and labels.
        pace: How many rows a step sees.
    """

    def __init__(self, domains: Domains, pace: Pace) -> None:
        self._pace = pace
        self._both = standardise_each(domains)
        self._labels = torch.from_numpy(domains.source.labels)
        self._weights = torch.from_numpy(domains.row_weights[domains.own])
        self._lent = domains.lent
        self._strength = domains.start.strength
        self._start, bias = first_classifier(domains, self._both)
        self._basis = directions(self._both, mapped_width(domains), seed=domains.seed)
        self._source, self._target = (
            Seen(torch.from_numpy(z @ self._basis.T), torch.from_numpy(z @ self._start.T))
            for z in (self._both.source, self._both.target)
        )
        self._turned = torch.from_numpy(self._start @ self._basis.T)
        self.residual = Residual(len(self._basis))
        self.weight = nn.Parameter(torch.zeros_like(self._turned))
        self.bias = nn.Parameter(torch.from_numpy(bias.copy()))

    def pairs(self, generator: torch.Generator) -> Iterator[Pair]:
        """Yields what each step sees; source classes come in the target's proportions."""
        count = self._pace.rows
        for step in range(self._pace.steps):
            first = torch.multinomial(self._weights, count, replacement=True, generator=generator)
            second = torch.randint(len(self._target.rows), (count,), generator=generator)
            source, logits = self._mapped(self._source, first)
            target, target_logits = self._mapped(self._target, second)
            lent = self._some_lent(generator)
            yield Pair(
                source,
                self._labels[first],
                logits,
                target,
                target_logits,
                step / self._pace.steps,
                torch.cat([logits, self._mapped(self._source, lent)[1]]),
                self._labels[torch.cat([first, lent])],
            )

    def _some_lent(self, generator: torch.Generator) -> Tensor:
        """Returns numbers of labelled target rows: to a batch as all of them to the source."""
        if not self._lent:
            return torch.zeros(0, dtype=torch.int64)
        own = len(self._weights)
        count = max(1, round(self._pace.rows * self._lent / own))
        return own + torch.randint(self._lent, (count,), generator=generator)

    def _mapped(self, seen: Seen, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Returns (B, R) mapped coordinates and (B, K) logits of some rows."""
        before = seen.rows[rows]
        moved = self.residual.step(before)
        after = before + moved
        change = functional.linear(moved, self._turned) + functional.linear(after, self.weight)
        return after, seen.logits[rows] + change + self.bias

    def adapted(self) -> Adapted:
        """Returns map and classifier folded into one, for either domain."""
        with torch.no_grad():
            whole = self._turned + self.weight
            change = (whole @ self.residual.weight + self.weight).numpy() @ self._basis
            bias = self.bias + whole @ self.residual.bias
        return self._both.adapted(self._start + change, bias.numpy(), strength=self._strength)


def mapped_width(domains: Domains) -> int:
    """Returns R, the number of directions of the map."""
    rows = len(domains.source.labels) + len(domains.target)
    return int(min(WIDEST, domains.target.shape[1], rows))


def directions(both: Standardised, count: int, *, seed: int) -> Features:
    """Returns (R, D) orthonormal directions in which both domains vary most, as one.

    Source: Halko, Martinsson and Tropp 2011, "Finding Structure with Randomness", algorithm 4.4,
    arXiv 0909.4061, as scikit-learn has it.

    Args:
        both: The domains.
        count: R; all D of them are the axes themselves.
        seed: Of the random start.
    """
    width = both.target.shape[1]
    if count == width:
        return np.eye(width, dtype=np.float32)
    from sklearn.utils.extmath import randomized_svd

    rows = np.concatenate([z / np.sqrt(len(z)) for z in (both.source, both.target)])
    found = randomized_svd(rows, count, n_iter=2, random_state=seed)[2]
    return np.asarray(found, np.float32)


def learn_map(
    domains: Domains, term: Loss, *, pace: Pace, beside: nn.Module | None = None
) -> Adapted:
    """Returns the classifier with the map that makes source loss and term small together.

    Args:
        domains: Features and labels.
        term: What a method adds to the cross-entropy of the source rows.
        pace: How it is trained.
        beside: What the term learns on its own, such as a domain classifier.
    """
    learner = Learner(domains, pace)
    weights = domains.drawn_weights
    balance = None if weights is None else torch.from_numpy(weights)

    def loss(pair: Pair) -> Tensor:
        return cross_entropy(pair.learnt, pair.learnt_labels, weights=balance) + term(pair)

    moving = [learner.weight, learner.bias, *(beside.parameters() if beside else ())]
    take_steps(learner, loss, pace=pace, seed=domains.seed, moving=moving)
    return learner.adapted()


def take_steps(
    learner: Learner, loss: Loss, *, pace: Pace, seed: int, moving: list[nn.Parameter]
) -> None:
    """Moves a learner's map, and what else may move, for all steps.

    Args:
        learner: Its map is changed.
        loss: Of what a step sees.
        pace: How it is trained.
        seed: Of the rows that each step sees.
        moving: Parameters that move beside the map.

    Raises:
        NotFiniteError: If what it makes of a row is no finite number any more.
    """
    groups = [
        {"params": list(learner.residual.parameters()), "weight_decay": pace.decay},
        {"params": moving, "weight_decay": 0.0},
    ]
    optimiser = torch.optim.AdamW([g for g in groups if g["params"]], lr=pace.rate)
    for pair in learner.pairs(torch.Generator().manual_seed(seed)):
        if not bool(pair.target_logits.isfinite().all()):
            raise NotFiniteError
        for group in optimiser.param_groups:
            group["lr"] = pace.rate * (1 - pair.progress)
        optimiser.zero_grad()
        loss(pair).backward()
        optimiser.step()


def domain_classifier(width: int, hidden: int, *, seed: int) -> nn.Sequential:
    """Returns a small network that gives (B, 1) scores of (B, width) rows.

    Args:
        width: Of what it sees.
        hidden: Width of its bottleneck.
        seed: Of its weights.
    """
    return seeded(
        lambda: nn.Sequential(
            nn.Linear(width, hidden),
            nn.ReLU(),
            nn.Linear(hidden, hidden),
            nn.ReLU(),
            nn.Linear(hidden, 1),
        ),
        seed,
    )


def seeded(make: Callable[[], Module], seed: int) -> Module:
    """Returns a module whose initial weights are a function of the seed alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return make()
