"""A chain runs below and above each position, and describes itself in plain rows."""

import pytest
import torch
from torch import nn

from regraft.backbones.chain import Chain
from regraft.backbones.splice import splice

PIXELS = torch.rand(4, 3, generator=torch.Generator().manual_seed(1))
BATCH = {"pixels": PIXELS}


@pytest.fixture
def chain() -> Chain:
    layers = [nn.Linear(3, 5), nn.ReLU(inplace=True), nn.Linear(5, 2)]
    return splice(nn.Sequential(*layers), BATCH)


def test_position_0_is_the_input_and_the_last_the_output(chain: Chain) -> None:
    assert chain.top == 2
    assert chain.prefix(0, BATCH) is PIXELS
    assert torch.equal(chain.prefix(2, BATCH), chain.network(PIXELS))
    features = torch.ones(4, 2)
    assert torch.equal(chain.suffix(2, features, batch=BATCH), features)


def test_other_pixels_enter_at_position_0(chain: Chain) -> None:
    other = (PIXELS + 1).requires_grad_()
    made = chain.suffix(0, other, batch=BATCH)
    assert torch.equal(made, chain.network(other))
    made.sum().backward()
    assert other.grad is not None


def test_the_activation_lies_behind_the_nonlinearity(chain: Chain) -> None:
    activation = chain.prefix(1, BATCH)
    assert activation.shape == (4, 5)
    assert float(activation.detach().min()) >= 0


def test_advancing_by_nothing_gives_the_activation_itself(chain: Chain) -> None:
    activation = chain.prefix(1, BATCH)
    assert chain.advance(activation, BATCH, start=1, stop=1) is activation
    there = chain.advance(activation, BATCH, start=1, stop=2)
    assert torch.equal(there, chain.network(PIXELS))
    assert torch.equal(chain.advance(PIXELS, BATCH, start=0, stop=1), activation)


def test_an_activation_cannot_be_taken_back(chain: Chain) -> None:
    with pytest.raises(AssertionError, match="taken back"):
        chain.advance(PIXELS, BATCH, start=2, stop=1)


def test_a_chain_describes_itself_in_plain_rows(chain: Chain) -> None:
    assert chain.describe() == [
        {"position": 0, "name": "input", "block": "", "parameters": 0, "borrowed": []},
        {"position": 1, "name": "1", "block": "0", "parameters": 20, "borrowed": []},
        {"position": 2, "name": "output", "block": "2", "parameters": 12, "borrowed": []},
    ]
