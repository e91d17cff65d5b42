"""Tests digests of blocks, and that one changed bit anywhere below the line is seen."""

import pytest
import torch
from torch import nn

from regraft.backbones.chain import Chain
from regraft.freezing.proof import Stretch, block_digests, state_digest
from tests.tiny_sessions import KINDS, grafted, spliced


@pytest.fixture(params=KINDS)
def trunk(request: pytest.FixtureRequest) -> nn.Module:
    return grafted(request.param).trunk


def chain_of(trunk: nn.Module) -> Chain:
    network = grafted("image" if hasattr(trunk, "stem") else "text")
    return spliced(network)


def one_bit_up(tensor: torch.Tensor) -> None:
    """Changes the first number of a tensor by the least that its format can hold."""
    # As whole numbers: the processor may flush the least numbers beside 0 to 0.
    bits = {torch.float32: torch.int32, torch.int64: torch.int64}[tensor.dtype]
    tensor.detach().view(bits).view(-1)[0] += 1


@pytest.mark.parametrize("line", [0, 1, 2, 3])
def test_there_is_a_digest_for_each_block_below_the_line(trunk: nn.Module, line: int) -> None:
    chain = chain_of(trunk)
    found = block_digests(trunk, chain, line=line)
    assert list(found) == [block.name for block in chain.blocks[:line]]
    assert len(set(found.values())) == line


def test_one_bit_of_any_parameter_or_buffer_changes_the_digest_of_its_block_alone(
    trunk: nn.Module,
) -> None:
    chain = chain_of(trunk)
    before = block_digests(trunk, chain, line=3)
    tensors = {**dict(trunk.named_parameters()), **dict(trunk.named_buffers())}
    for block in chain.blocks:
        for name in (*block.parameters, *block.buffers):
            kept = tensors[name].detach().clone()
            one_bit_up(tensors[name])
            after = block_digests(trunk, chain, line=3)
            assert {b for b in before if before[b] != after[b]} == {block.name}, name
            tensors[name].detach().copy_(kept)
    assert block_digests(trunk, chain, line=3) == before


def test_negative_zero_is_not_zero() -> None:
    network = grafted("image")
    chain = spliced(network)
    bias = network.get_parameter("trunk.stem.0.bias")
    with torch.no_grad():
        bias.zero_()
        before = block_digests(network.trunk, chain, line=1)
        bias.neg_()
    assert block_digests(network.trunk, chain, line=1) != before


def test_where_tensors_lie_in_memory_does_not_matter() -> None:
    network = grafted("image")
    chain = spliced(network)
    before = block_digests(network.trunk, chain, line=3)
    network.to(memory_format=torch.channels_last)
    assert block_digests(network.trunk, chain, line=3) == before


def test_two_tensors_that_swap_names_change_the_digest() -> None:
    network = grafted("image")
    before = state_digest(network)
    head = network.head
    head.shift, head.scale = head.scale, head.shift
    assert state_digest(network) != before


def buffers(**tensors: list[int]) -> nn.Module:
    network = nn.Module()
    for name, numbers in tensors.items():
        network.register_buffer(name, torch.tensor(numbers))
    return network


def test_a_name_and_where_a_tensor_ends_are_part_of_the_digest() -> None:
    same = [buffers(a=[1, 2], b=[3]), buffers(a=[1], b=[2, 3]), buffers(a=[1, 2], c=[3])]
    assert len({state_digest(network) for network in same}) == 3


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.bool, torch.int64])
def test_any_number_format_can_be_digested(dtype: torch.dtype) -> None:
    network = nn.Module()
    network.register_buffer("numbers", torch.tensor([1, 0, 1]).to(dtype))
    network.register_buffer("scalar", torch.tensor(1).to(dtype))
    network.register_buffer("nothing", torch.zeros(0).to(dtype))
    before = state_digest(network)
    network.get_buffer("numbers")[1] = 1
    assert state_digest(network) != before


def test_a_stretch_is_still_only_when_both_ends_are_equal() -> None:
    assert Stretch("head", {"stem": "a"}, {"stem": "a"}).still
    assert not Stretch("head", {"stem": "a"}, {"stem": "b"}).still
    assert not Stretch("head", {"stem": "a"}, {}).still
