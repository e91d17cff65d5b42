"""Tests the optimiser's groups: who is in which, what decays, what a phase sets."""

from dataclasses import replace

import pytest
import torch

from regraft.training.aligning.alignment import Alignment
from regraft.training.optimiser import (
    DISCRIMINATOR,
    HEAD,
    Kind,
    make_head_optimiser,
    make_optimiser,
    set_rates,
)
from regraft.training.phase import Phase
from tests.tiny_sessions import KINDS, grafted, spliced

PHASE = Phase("tune", 1, 1, 0.4, (0.0, 0.2, 0.3), weight_decay=0.05)


def optimiser_of(kind: str, algorithm: Kind = "adamw") -> torch.optim.Optimizer:
    network = grafted(kind, head="mlp:8")
    return make_optimiser(network.trunk, spliced(network), heads=[network.head], kind=algorithm)


@pytest.mark.parametrize("kind", KINDS)
def test_every_parameter_is_in_exactly_one_group(kind: str) -> None:
    network = grafted(kind, head="mlp:8")
    optimiser = make_optimiser(network.trunk, spliced(network), heads=[network.head], kind="adamw")
    members = [id(p) for group in optimiser.param_groups for p in group["params"]]
    assert len(members) == len(set(members))
    assert set(members) == {id(p) for p in network.parameters()}


@pytest.mark.parametrize("kind", KINDS)
def test_groups_are_named_after_the_block_they_hold(kind: str) -> None:
    network = grafted(kind)
    chain = spliced(network)
    parameters = dict(network.trunk.named_parameters())
    optimiser = make_optimiser(network.trunk, chain, heads=[network.head], kind="adamw")
    for group in optimiser.param_groups:
        names = chain.blocks[int(group["name"])].parameters if group["name"] != HEAD else None
        wanted = network.head.parameters() if names is None else [parameters[n] for n in names]
        assert {id(p) for p in group["params"]} <= {id(p) for p in wanted}


def test_a_discriminator_has_a_rate_of_its_own_where_a_phase_plays_against_it() -> None:
    network, judge = grafted("text"), torch.nn.Linear(4, 1)
    optimiser = make_optimiser(
        network.trunk,
        spliced(network),
        heads=[network.head],
        kind="adamw",
        discriminator=judge,
    )
    groups = [group for group in optimiser.param_groups if group["name"] == DISCRIMINATOR]
    assert [len(group["params"]) for group in groups] == [1, 1]
    for alignment, rate in ((None, 0.0), (Alignment("dann", rate=0.6), 0.3)):
        set_rates(optimiser, replace(PHASE, alignment=alignment), share=0.5)
        assert {group["lr"] for group in groups} == {rate}


@pytest.mark.parametrize("kind", KINDS)
def test_only_matrices_decay(kind: str) -> None:
    optimiser = optimiser_of(kind)
    set_rates(optimiser, PHASE, share=1.0)
    for group in optimiser.param_groups:
        decay = 0.05 if group["decays"] else 0.0
        assert group["weight_decay"] == decay
        assert all((p.ndim > 1) == group["decays"] for p in group["params"])


def test_rates_are_the_peaks_of_the_phase_times_the_share() -> None:
    optimiser = optimiser_of("image")
    set_rates(optimiser, PHASE, share=0.5)
    rates = {group["name"]: group["lr"] for group in optimiser.param_groups}
    assert rates == {"0": 0.0, "1": 0.1, "2": 0.15, HEAD: 0.2}


def test_no_rate_is_set_before_a_phase_sets_one() -> None:
    assert {group["lr"] for group in optimiser_of("text").param_groups} == {0.0}


@pytest.mark.parametrize(("kind", "made"), [("adamw", torch.optim.AdamW), ("sgd", torch.optim.SGD)])
def test_a_kind_is_the_library_s_own_optimiser(kind: Kind, made: type) -> None:
    assert type(optimiser_of("image", kind)) is made


@pytest.mark.parametrize("kind", ["adamw", "sgd"])
def test_a_parameter_without_a_gradient_is_passed_over(kind: Kind) -> None:
    network = grafted("image")
    optimiser = make_optimiser(network.trunk, spliced(network), heads=[network.head], kind=kind)
    set_rates(optimiser, Phase("tune", 0, 1, 0.4, (0.1,) * 3, weight_decay=0.5), share=1.0)
    resting = network.get_parameter("trunk.stem.0.weight")
    before = resting.detach().clone()
    network.head.last.weight.grad = torch.ones_like(network.head.last.weight)
    optimiser.step()
    assert torch.equal(resting, before)
    assert not optimiser.state[resting]


@pytest.mark.parametrize("kind", ["adamw", "sgd"])
def test_the_decay_is_decoupled_from_the_gradients(kind: Kind) -> None:
    head = grafted("image", head="mlp:8").head
    phase = replace(PHASE, head_rate=0.02, weight_decay=0.1)
    optimiser = make_head_optimiser(head, phase, kind=kind)
    before = head.last.weight.detach().clone()
    for _ in range(100):
        head.last.weight.grad = torch.zeros_like(before)
        optimiser.step()
    # (1 - 0.02 · 0.1)^100; coupled to SGD's momentum, 0.106 would be left.
    torch.testing.assert_close(head.last.weight.detach(), 0.8186 * before, atol=0, rtol=1e-3)


def test_a_step_of_sgd_is_that_of_the_formula() -> None:
    network = grafted("image")
    optimiser = make_optimiser(network.trunk, spliced(network), heads=[network.head], kind="sgd")
    set_rates(optimiser, replace(PHASE, head_rate=0.02, weight_decay=0.1), share=0.5)
    weight = network.head.last.weight
    wanted, velocity = weight[0, 0].item(), 0.0
    for gradient in (1.0, -0.5, 0.25):
        weight.grad = torch.full_like(weight, gradient)
        optimiser.step()
        velocity = 0.9 * velocity + gradient
        wanted = wanted * (1 - 0.01 * 0.1) - 0.01 * (gradient + 0.9 * velocity)
        assert weight[0, 0].item() == pytest.approx(wanted, rel=1e-5)


@pytest.mark.parametrize("kind", ["adamw", "sgd"])
def test_the_biases_of_a_head_alone_do_not_decay(kind: Kind) -> None:
    head = grafted("image", head="mlp:8").head
    optimiser = make_head_optimiser(head, PHASE, kind=kind)
    before = head.last.bias.detach().clone()
    for parameter in head.parameters():
        parameter.grad = torch.zeros_like(parameter)
    optimiser.step()
    assert torch.equal(head.last.bias.detach(), before)
    assert {group["lr"] for group in optimiser.param_groups} == {PHASE.head_rate}
