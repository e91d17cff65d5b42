"""Tests the map that starts as the identity, its training and its folding."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from regraft.adaptation import residual as module
from regraft.adaptation.domains import Domains
from regraft.adaptation.labelled import with_labelled
from regraft.adaptation.residual import (
    Learner,
    Pace,
    Pair,
    Residual,
    directions,
    domain_classifier,
    learn_map,
    take_steps,
)
from regraft.adaptation.scaling import standardise_each
from regraft.losses.cross_entropy import cross_entropy
from regraft.training.heads.probe import Labelled
from tests import two_domains

PACE = Pace(steps=40, rows=32, rate=1e-2)


def given() -> Domains:
    return two_domains.domains(two_domains.wide(90, 0), two_domains.wide(60, 1, shift=0.5))


def nothing(pair: Pair) -> Tensor:
    return pair.target.sum() * 0


def test_the_map_is_the_identity_at_first() -> None:
    rows = torch.randn(4, 6)
    assert torch.equal(Residual(6)(rows), rows)


def test_before_any_step_the_classifier_is_the_source_s() -> None:
    domains = given()
    adapted = Learner(domains, PACE).adapted()
    found = adapted.on_source.logits(domains.source.features)
    assert found == pytest.approx(domains.start.logits(domains.source.features), abs=1e-4)


def test_the_folded_head_equals_the_map_with_the_classifier_on_top() -> None:
    domains = given()
    learner = Learner(domains, PACE)

    def loss(pair: Pair) -> Tensor:
        return pair.target.square().mean() + pair.source_logits.square().mean()

    moving = [learner.weight, learner.bias]
    take_steps(learner, loss, pace=PACE, seed=0, moving=moving)
    probe = learner.adapted().on_target
    # With all directions there are, P is the identity.
    scaled = torch.from_numpy((domains.target - probe.shift) * probe.scale)
    first = Learner(domains, PACE).adapted().on_target
    with torch.no_grad():
        weight = torch.from_numpy(first.weight) + learner.weight
        unfolded = learner.residual(scaled) @ weight.T + learner.bias
    assert probe.logits(domains.target) == pytest.approx(unfolded.numpy(), abs=1e-5)
    assert float(learner.residual.weight.detach().abs().max()) > 0.01


def test_source_classes_come_in_the_target_s_proportions() -> None:
    shares = np.array([0.6, 0.3, 0.1])
    domains = two_domains.domains(
        two_domains.wide(90, 0), two_domains.wide(60, 1), proportions=shares
    )
    pairs = Learner(domains, Pace(steps=60, rows=100)).pairs(torch.Generator().manual_seed(0))
    labels = torch.cat([pair.labels for pair in pairs])
    found = torch.bincount(labels) / len(labels)
    assert found.numpy() == pytest.approx(shares, abs=0.03)


def test_a_map_learns_to_make_a_term_small() -> None:
    domains = given()
    seen: list[float] = []

    def term(pair: Pair) -> Tensor:
        loss = (pair.target.mean(0) - 1).square().mean()
        seen.append(float(loss.detach()))
        return loss

    learn_map(domains, term, pace=Pace(steps=150, rows=64, rate=1e-2))
    assert np.mean(seen[-10:]) < np.mean(seen[:10])


def test_classes_that_count_the_same_do_so_among_the_rows_of_the_steps(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shares, seen = np.array([0.7, 0.2, 0.1]), [np.zeros(3)]

    def noted(logits: Tensor, labels: Tensor, *, weights: Tensor | None) -> Tensor:
        assert weights is not None
        seen[0] = seen[0] + np.bincount(labels, minlength=3) * weights.numpy()
        return cross_entropy(logits, labels, weights=weights)

    monkeypatch.setattr(module, "cross_entropy", noted)
    plain = replace(given(), proportions=shares)
    domains = replace(plain, class_weights=np.ones(3, np.float32))
    found = [learn_map(domains, nothing, pace=Pace(steps=60, rows=200)).on_target]
    assert seen[0] / seen[0].sum() == pytest.approx(np.full(3, 1 / 3), abs=0.03)
    monkeypatch.undo()
    found.append(learn_map(plain, nothing, pace=Pace(steps=60, rows=200)).on_target)
    assert not np.array_equal(found[0].weight, found[1].weight)


def test_a_map_is_a_function_of_the_seed() -> None:
    domains = given()
    first = learn_map(domains, nothing, pace=PACE).on_target.weight
    torch.rand(5)
    assert np.array_equal(learn_map(domains, nothing, pace=PACE).on_target.weight, first)
    other = replace(domains, seed=1)
    assert not np.array_equal(learn_map(other, nothing, pace=PACE).on_target.weight, first)


def test_a_domain_classifier_is_a_function_of_the_seed() -> None:
    rows = torch.randn(3, 4)
    found = [domain_classifier(4, 8, seed=seed)(rows) for seed in (0, 0, 1)]
    assert found[0].shape == (3, 1)
    assert torch.equal(found[0], found[1])
    assert not torch.equal(found[0], found[2])


def test_labelled_target_rows_are_in_the_loss_and_not_in_the_comparison_of_domains() -> None:
    plain = given()
    rows = two_domains.wide(9, 7, shift=50.0)
    known = with_labelled(plain, Labelled(rows.features, rows.labels))
    pairs = [
        next(Learner(each, PACE).pairs(torch.Generator().manual_seed(0))) for each in (plain, known)
    ]
    assert len(pairs[0].learnt) == len(pairs[0].source) == PACE.rows
    assert torch.equal(pairs[0].learnt, pairs[0].source_logits)
    # 90 lent rows beside 90 own ones: as many of them in a step.
    assert len(pairs[1].source) == PACE.rows
    assert len(pairs[1].learnt) == len(pairs[1].learnt_labels) == 2 * PACE.rows
    assert float(pairs[1].source.detach().abs().max()) < 10


def test_fewer_directions_than_features_leave_what_lies_across_as_it_was(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "WIDEST", 2)
    domains = given()
    before = Learner(domains, PACE).adapted().on_target
    learner = Learner(domains, PACE)

    def loss(pair: Pair) -> Tensor:
        assert pair.target.shape == (PACE.rows, 2)
        return pair.target.square().mean() + pair.source_logits.square().mean()

    take_steps(learner, loss, pace=PACE, seed=0, moving=[learner.weight, learner.bias])
    change = learner.adapted().on_target.weight - before.weight
    assert np.abs(change).max() > 0.01
    assert np.linalg.matrix_rank(change, tol=1e-4) <= 2
    logits = torch.cat([pair.target_logits for pair in learner.pairs(torch.Generator())])
    assert bool(logits.isfinite().all())


def test_the_logits_of_a_step_are_those_of_the_folded_head(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WIDEST", 3)
    domains = given()
    learner = Learner(domains, PACE)
    with torch.no_grad():
        learner.residual.weight.normal_(std=0.1)
        learner.residual.bias.normal_(std=0.1)
        learner.weight.normal_(std=0.1)
    generator = torch.Generator().manual_seed(3)
    pair = next(learner.pairs(generator))
    again = torch.Generator().manual_seed(3)
    weights = torch.from_numpy(domains.row_weights)
    first = torch.multinomial(weights, PACE.rows, replacement=True, generator=again)
    second = torch.randint(len(domains.target), (PACE.rows,), generator=again)
    probes = learner.adapted()
    wanted = probes.on_target.logits(domains.target[second])
    assert pair.target_logits.detach().numpy() == pytest.approx(wanted, abs=1e-4)
    wanted = probes.on_source.logits(domains.source.features[first])
    assert pair.source_logits.detach().numpy() == pytest.approx(wanted, abs=1e-4)


def test_directions_are_those_of_most_variance() -> None:
    both = standardise_each(given())
    found = directions(both, 3, seed=0)
    assert found @ found.T == pytest.approx(np.eye(3), abs=1e-5)
    rows = np.concatenate([z / np.sqrt(len(z)) for z in (both.source, both.target)])
    wanted = np.linalg.svd(rows)[2][:3]
    assert np.abs(found @ wanted.T) == pytest.approx(np.eye(3), abs=1e-2)
