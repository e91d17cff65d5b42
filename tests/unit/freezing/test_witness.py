"""Tests what a witness sees, step by step; tests/contracts/test_proof.py seeds the faults."""

import torch

from regraft.backbones.attention import attention_of, set_attention
from regraft.freezing.line import Above, frozen_at, move_line
from regraft.freezing.witness import HEAD, Witness, movers_of
from regraft.training.optimiser import make_optimiser
from tests.tiny_sessions import example, grafted, spliced


def witness(line: int) -> Witness:
    network = grafted("image")
    chain = spliced(network)
    move_line(network, chain, line=line)
    frozen = frozen_at(chain, line=line)
    optimiser = make_optimiser(network.trunk, chain, heads=[network.head], kind="sgd")
    movers = movers_of(chain, frozen, rate=lambda number: 1.0)
    return Witness(network, chain, frozen, optimiser, example("image"), "tune", 0, movers).open()


def test_blocks_with_a_rate_must_move_and_the_head_always() -> None:
    network = grafted("image")
    chain = spliced(network)
    found = movers_of(chain, frozen_at(chain, line=1), rate=lambda number: float(number != 1))
    assert found == ("top", HEAD)


def test_a_stretch_without_a_step_owes_no_movement() -> None:
    seen = witness(1)
    assert seen.close(0).holds
    assert witness(1).close(1).unmoved == ("middle", "top", HEAD)


def test_gradients_and_backward_calls_below_the_line_are_counted() -> None:
    seen = witness(2)
    seen.network.get_parameter("trunk.stem.0.weight").requires_grad_(True)
    seen.network(example("image")).sum().backward()
    seen.step()
    found = seen.close(1)
    assert found.gradients == 1
    assert found.backwards > 0
    assert not found.holds


def test_the_hooks_are_gone_afterwards() -> None:
    seen = witness(3)
    seen.close(0)
    assert not any(module._forward_hooks for module in seen.network.modules())


def test_the_sample_does_not_disturb_the_random_numbers() -> None:
    seen = witness(2)
    left_on = torch.nn.Dropout(0.5)
    seen.network.get_submodule("trunk.stem").register_forward_hook(
        lambda module, args, output: left_on(output)
    )
    before = torch.get_rng_state()
    found = seen.close(0)
    assert torch.equal(torch.get_rng_state(), before)
    assert len(set(found.prefix)) > 1


def test_tiny_numbers_are_the_same_however_the_process_was_set() -> None:
    network = grafted("image")
    network.get_submodule("trunk.stem").register_forward_hook(
        lambda module, args, output: output * 1e-40 * 1e10
    )
    torch.set_flush_denormal(False)
    chain = spliced(network)
    move_line(network, chain, line=1)
    frozen = frozen_at(chain, line=1)
    optimiser = make_optimiser(network.trunk, chain, heads=[network.head], kind="sgd")
    given = (network, chain, frozen, optimiser, example("image"), "tune", 0)
    seen = Witness(*given, movers_of(chain, frozen, rate=lambda number: 1.0)).open()
    torch.set_flush_denormal(True)
    assert len(set(seen.close(0).prefix)) == 1


def test_a_frozen_module_in_training_mode_is_counted_even_where_nothing_shows() -> None:
    seen = witness(2)
    relu = seen.network.get_submodule("trunk.stem.2")
    vars(relu).pop("train")
    relu.train()
    found = seen.close(0)
    assert found.still
    assert found.restless == 1
    assert not found.holds


def test_the_prefix_answers_with_one_kernel_and_the_usual_one_comes_back() -> None:
    network = grafted("text")
    set_attention(network.trunk, "sdpa")
    chain = spliced(network)
    move_line(network, chain, line=2)
    kernels = []
    network.trunk.register_forward_pre_hook(lambda *_: kernels.append(attention_of(network.trunk)))
    optimiser = make_optimiser(network.trunk, chain, heads=[network.head], kind="sgd")
    frozen = frozen_at(chain, line=2)
    seen = Witness(network, chain, frozen, optimiser, example("text"), "tune", 0, (HEAD,)).open()
    seen.close(0)
    assert kernels == ["eager"] * 4
    assert attention_of(network.trunk) == "sdpa"


def test_more_that_is_frozen_of_a_block_that_moves_is_another_piece() -> None:
    network = grafted("image")
    chain = spliced(network)
    names = sorted(chain.blocks[-1].parameters)
    found = []
    for some in (names[:1], names):
        above = Above(frozenset(some), frozenset())
        move_line(network, chain, line=0, above=above)
        frozen = frozen_at(chain, line=0, above=above)
        optimiser = make_optimiser(network.trunk, chain, heads=[network.head], kind="sgd")
        seen = Witness(network, chain, frozen, optimiser, example("image"), "tune", 0, ()).open()
        found.append(seen.close(0).before)
    assert [len(before) for before in found] == [1, 1]
    assert not found[0].keys() & found[1].keys()


def test_what_two_processes_answered_is_not_compared() -> None:
    """The second one may be of another machine, which rounds differently."""
    seen = witness(2)
    seen.prefix = ["of a machine that rounds differently"] * 2
    found = seen.again().close(0)
    assert len(found.prefix) == 4
    assert found.holds


def test_a_process_that_answered_in_two_ways_is_a_fault_after_a_stop_as_well() -> None:
    seen = witness(2)
    seen.prefix = ["in training", "in evaluation"]
    assert not seen.again().close(0).holds


def test_a_prefix_that_changes_after_a_stop_is_a_fault() -> None:
    seen = witness(2).again()
    with torch.no_grad():
        seen.network.get_parameter("trunk.stem.0.weight").add_(1.0)
    assert len(set(seen.close(0).prefix)) == 2
