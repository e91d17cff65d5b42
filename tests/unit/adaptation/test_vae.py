"""Tests the small generator: what it learns from, and that its samples teach."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from regraft.adaptation.numbers import NotFiniteError
from regraft.adaptation.residual import seeded
from regraft.adaptation.scaling import standardise_each
from regraft.adaptation.source_only import SourceOnly
from regraft.adaptation.vae import Autoencoder, Vae, rows_of
from regraft.losses.cross_entropy import balanced_weights
from regraft.scoring.metrics import softmax
from tests import two_domains

SMALL = Vae(latent=2, hidden=16, steps=200, batch=64, rate=1e-2)


def test_its_samples_teach_what_the_target_looks_like() -> None:
    source, target = two_domains.two_classes(300, 0), two_domains.moved(300)
    given = two_domains.domains(source, target)
    before = two_domains.accuracy(SourceOnly().adapt(given), target)
    assert two_domains.accuracy(SMALL.adapt(given), target) > max(0.9, before)


def test_it_learns_from_known_classes_and_from_guessed_ones() -> None:
    given = two_domains.domains(two_domains.two_classes(30, 0), two_domains.moved(20))
    told = rows_of(given, standardise_each(given)).given
    assert told.shape == (50, 3)
    assert told[:30, 2].sum() == 0
    assert told[30:, 2].sum() == 20
    assert torch.equal(told[:30, :2].argmax(1), torch.from_numpy(given.source.labels))
    assert told[30:, :2].sum(1).numpy() == pytest.approx(np.ones(20), abs=1e-5)


def test_the_loss_is_error_and_divergence_written_out() -> None:
    network = seeded(lambda: Autoencoder(3, 2, hidden=4, latent=2), 0)
    features, given = torch.randn(5, 3), torch.rand(5, 2)
    found = network.loss(features, given, generator=torch.Generator().manual_seed(1))
    both = network.encoder(torch.cat([features, given], 1))
    noise = torch.randn(5, 2, generator=torch.Generator().manual_seed(1))
    total = torch.zeros(())
    for row in range(5):
        mean, spread = both[row, :2], both[row, 2:]
        latent = mean + (spread / 2).exp() * noise[row]
        made = network.decoder(torch.cat([latent, given[row]]))
        total = total + (made - features[row]).square().sum() / 2
        total = total + (spread.exp() + mean.square() - 1 - spread).sum() / 2
    assert float(found.detach()) == pytest.approx(float(total.detach()) / 5, rel=1e-5)


def test_a_last_step_that_ran_away_is_seen_in_what_is_drawn() -> None:
    given = two_domains.domains(two_domains.two_classes(60, 0), two_domains.moved(60))
    with pytest.raises(NotFiniteError):
        Vae(steps=1, rate=1e30).adapt(given)


def test_it_is_a_function_of_the_seed() -> None:
    given = two_domains.domains(two_domains.two_classes(60, 0), two_domains.moved(60))
    first = SMALL.adapt(given).on_target.weight
    torch.rand(3)
    assert np.array_equal(SMALL.adapt(given).on_target.weight, first)


def test_balanced_classes_count_the_same_though_virtual_rows_come_in_other_proportions() -> None:
    source, target = two_domains.alike(500, 0, positive=0.2), two_domains.alike(300, 1)
    plain = two_domains.domains(source, target)
    given = replace(plain, class_weights=balanced_weights(source.labels, 2))
    probe = Vae(latent=2, hidden=16, steps=100, batch=64, rows=4.0).adapt(given).on_target
    # What the features do not tell is told by how much a class counts.
    assert softmax(probe.logits(target.features))[:, 1].mean() == pytest.approx(0.5, abs=0.06)
