"""Tests the pulls on weights by hand."""

import pytest
import torch

from regraft.training.moving.pulls import pull_back, shrink
from regraft.training.phase import Phase
from regraft.training.session import Session
from tests.tiny_sessions import session


def stepped(pull: tuple[float, float]) -> Session:
    """Returns a session whose weights are 1 above their start, with gradients of 0.5."""
    made = session("image")
    made.start = {n: p.detach().clone() for n, p in made.network.trunk.named_parameters()}
    for parameter in made.network.parameters():
        parameter.data.add_(1.0)
        parameter.grad = torch.full_like(parameter, 0.5)
    frozen = made.network.get_parameter("trunk.stem.0.weight")
    frozen.grad = None
    pull_back(made, Phase("tune", 0, 1, 0.1, (0.1,) * 3, pull=pull))
    return made


def test_the_gradient_of_the_penalty_is_added_where_there_is_one() -> None:
    made = stepped((0.25, 0.0))
    for name, parameter in made.network.trunk.named_parameters():
        if name == "stem.0.weight":
            assert parameter.grad is None
            continue
        assert parameter.grad is not None
        # 0.5 + alpha * (w - start)
        torch.testing.assert_close(parameter.grad, torch.full_like(parameter, 0.75))
    grads = [p.grad for p in made.network.head.parameters()]
    assert all(grad is not None and bool((grad == 0.5).all()) for grad in grads)


def test_the_head_is_pulled_to_nought() -> None:
    made = stepped((0.0, 0.5))
    weight = made.network.head.last.weight
    assert weight.grad is not None
    torch.testing.assert_close(weight.grad, 0.5 + 0.5 * weight.detach())


@pytest.mark.parametrize(
    ("shares", "block", "head"),
    [((0.75, 0.25, 0.5), 3.0, 2.0), ((0.75, 0.0, 0.0), 4.0, 4.0), ((), 4.0, 4.0)],
)
def test_matrices_that_move_shrink_by_the_share_of_their_group(
    shares: tuple[float, ...], block: float, head: float
) -> None:
    moving, still, vector, top, teller = (
        torch.nn.Parameter(torch.full((2, 2), 4.0)) for _ in range(5)
    )
    for each in (moving, vector, top, teller):
        each.grad = torch.zeros(2, 2)
    groups = [
        {"params": [moving, still], "name": "1", "decays": True},
        {"params": [vector], "name": "1", "decays": False},
        {"params": [top], "name": "head", "decays": True},
        {"params": [teller], "name": "discriminator", "decays": True},
    ]
    shrink(torch.optim.SGD(groups, lr=0.0), shares)
    assert (moving.mean().item(), top.mean().item()) == (block, head)
    assert still.mean().item() == vector.mean().item() == teller.mean().item() == 4.0
