"""Makes a classifier of rows that a small generator of features dreams up for the target.

Source: Kingma and Welling 2014, "Auto-Encoding Variational Bayes", equation 10, arXiv
1312.6114, conditioned on the class after Sohn, Lee and Yan 2015, "Learning Structured
Output Representation using Deep Conditional Generative Models", and on the domain:
−log p(x | y, d) ≤ ‖x − f(z, y, d)‖² / (2 σ²) + KL(q(z | x, y, d) ‖ N(0, I)), σ² = 1.
What is drawn are the decoder's means. In features and not in pixels: see `gaussian`.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from regraft.adaptation.domains import Adapted, Domains
from regraft.adaptation.numbers import NotFiniteError, check_rows
from regraft.adaptation.residual import seeded
from regraft.adaptation.scaling import Standardised, first_classifier, standardise_each
from regraft.adaptation.solver import balanced_rows, joined, solve
from regraft.scoring.metrics import softmax
from regraft.training.heads.probe import Labelled


@dataclass(frozen=True)
class Told:
    """What the generator learns from, both domains one after the other.

    Args:
        features: (N + L, D) standardised.
        given: (N + L, K + 1) class probabilities, and 1 for the target.
    """

    features: Tensor
    given: Tensor


@dataclass(frozen=True)
class Vae:
    """A class-conditional autoencoder of features; its samples are supervision.

    Args:
        latent: Width of z.
        hidden: Width of the hidden layers.
        steps: Steps of training.
        batch: Rows in a step.
        rate: Of AdamW.
        rows: Virtual rows for each source row.
    """

    latent: int = 16
    hidden: int = 128
    steps: int = 600
    batch: int = 128
    rate: float = 2e-3
    rows: float = 1.0

    def __post_init__(self) -> None:
        check_rows("vae", self.rows)

    def adapt(self, domains: Domains) -> Adapted:
        """Returns the classifier of source rows and virtual target rows together."""
        both = standardise_each(domains)
        width, classes = both.source.shape[1], domains.classes
        generator = torch.Generator().manual_seed(domains.seed)
        network = seeded(
            lambda: Autoencoder(width, classes + 1, hidden=self.hidden, latent=self.latent),
            domains.seed,
        )
        self._train(network, rows_of(domains, both), generator)
        rows = joined(
            Labelled(both.source, domains.source.labels), self._drawn(network, domains, generator)
        )
        weights = balanced_rows(rows.labels, domains.weights_of(rows.labels))
        weights *= len(domains.source.labels) / weights.sum()
        strength = domains.start.strength
        weight, bias = solve(rows, classes, strength=strength, weights=weights)
        return both.adapted(weight, bias, strength=strength)

    def _train(self, network: "Autoencoder", rows: Told, generator: torch.Generator) -> None:
        optimiser = torch.optim.AdamW(network.parameters(), lr=self.rate)
        for _ in range(self.steps):
            picked = torch.randint(len(rows.features), (self.batch,), generator=generator)
            loss = network.loss(rows.features[picked], rows.given[picked], generator=generator)
            if not bool(loss.isfinite()):
                raise NotFiniteError
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()

    def _drawn(
        self, network: "Autoencoder", domains: Domains, generator: torch.Generator
    ) -> Labelled:
        """Returns target rows of every class, in the target's proportions.

        The decoder's means are drawn, without the noise of variance 1 that the bound supposes:
        features are standardised, so it would be as large as all that the classes differ by, and
        the classifier would learn the noise. Virtual rows are so narrower than real ones: they
        vary as far as z does and no further, and say little on how far a class reaches.
        """
        count = max(1, round(self.rows * len(domains.source.labels)))
        shares = torch.from_numpy(domains.proportions)
        labels = torch.multinomial(shares, count, replacement=True, generator=generator)
        one_hot = functional.one_hot(labels, domains.classes).float()
        given = torch.cat([one_hot, torch.ones(count, 1)], dim=1)
        drawn = torch.randn(count, self.latent, generator=generator)
        with torch.no_grad():
            features = network.decoder(torch.cat([drawn, given], dim=1))
        return Labelled(features.numpy(), labels.numpy())


class Autoencoder(nn.Module):
    """An encoder and a decoder, both told the class and the domain.

    Args:
        width: D.
        given: Width of what is told.
        hidden: Width of the hidden layers.
        latent: Width of z.
    """

    def __init__(self, width: int, given: int, *, hidden: int, latent: int) -> None:
        super().__init__()
        self.encoder = _layers(width + given, hidden, narrow=2 * latent)
        self.decoder = _layers(latent + given, hidden, narrow=width)

    def loss(self, features: Tensor, given: Tensor, *, generator: torch.Generator) -> Tensor:
        """Returns the scalar mean of squared error / 2 and divergence, a row.

        Args:
            features: (B, D) x.
            given: (B, K + 1).
            generator: Of the noise in z.
        """
        mean, spread = self.encoder(torch.cat([features, given], dim=1)).chunk(2, dim=1)
        noise = torch.randn(mean.shape, generator=generator)
        latent = mean + torch.exp(spread / 2) * noise
        made = self.decoder(torch.cat([latent, given], dim=1))
        error = (made - features).square().sum(1) / 2
        divergence = (spread.exp() + mean.square() - 1 - spread).sum(1) / 2
        mean_loss: Tensor = (error + divergence).mean()
        return mean_loss


def rows_of(domains: Domains, both: Standardised) -> Told:
    """Returns source rows with their classes, target rows with what is guessed of theirs."""
    known = np.eye(domains.classes)[domains.source.labels]
    weight, bias = first_classifier(domains, both)
    guessed = softmax(both.target @ weight.T + bias)
    own = domains.own.stop
    domain = np.repeat(np.array([0.0, 1.0]), [own, len(known) - own + len(guessed)])
    given = np.column_stack([np.concatenate([known, guessed]), domain])
    features = np.concatenate([both.source, both.target])
    return Told(torch.from_numpy(features), torch.from_numpy(given.astype(np.float32)))


def _layers(wide: int, hidden: int, *, narrow: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(wide, hidden), nn.ReLU(), nn.Linear(hidden, narrow))
