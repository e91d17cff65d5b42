"""Forwards are replaced for a while; what is skipped gives NaN of the right shape."""

import pytest
import torch
from torch import Tensor, nn

from regraft.backbones.splicing.shapes import Sketch
from regraft.backbones.splicing.stubs import crossed, hollow, out_of_place, replaced, replay

FLOAT = Sketch((2, 3), torch.float32)
WHOLE = Sketch((2,), torch.int64)


def test_a_replay_gives_its_outputs_in_turn_whatever_it_is_fed() -> None:
    forward = replay(["one", "two"])
    assert [forward(), forward(torch.ones(1), mask=None), forward(3)] == ["one", "two", "one"]


def test_forwards_come_back_after_an_error_and_nested() -> None:
    layer = nn.Identity()
    own = replay(["own"])
    vars(layer)["forward"] = own
    with replaced([(layer, replay(["outer"]))]):
        with pytest.raises(TypeError), replaced([(layer, replay([len]))]):
            layer(0)(None)
        assert layer(0) == "outer"
    assert vars(layer)["forward"] is own
    fresh = nn.Identity()
    with replaced([(fresh, own)]):
        pass
    assert "forward" not in vars(fresh)


def test_in_place_modules_write_elsewhere_for_a_while() -> None:
    layers = [nn.ReLU(inplace=True), nn.ReLU(), nn.Linear(1, 1)]
    value = torch.tensor([-1.0])
    with out_of_place(layers):
        layers[0](value)
        assert float(value) == -1
    layers[0](value)
    assert float(value) == 0
    assert vars(layers[1])["inplace"] is False
    assert "inplace" not in vars(layers[2])


@pytest.mark.parametrize(("dense", "elements"), [(False, 1), (True, 6)])
def test_a_hollow_output_is_nan_and_takes_memory_only_if_dense(dense: bool, elements: int) -> None:
    made, number, nothing = hollow((FLOAT, WHOLE, None), torch.ones(1), dense=dense)
    assert made.shape == (2, 3)
    assert bool(made.isnan().all())
    assert made.untyped_storage().nbytes() == 4 * elements
    assert number.tolist() == [0, 0]
    assert nothing is None


def test_the_activation_crosses_as_the_first_floating_tensor_and_as_a_copy() -> None:
    activation = torch.ones(2, 3, requires_grad=True)
    number, made, other = crossed((WHOLE, FLOAT, FLOAT), activation, dense=False)
    assert isinstance(made, Tensor)
    made.mul_(5)
    made.sum().backward()
    assert torch.equal(activation.detach(), torch.ones(2, 3))
    assert torch.equal(activation.grad, torch.full((2, 3), 5.0))  # type: ignore[arg-type]
    assert number.tolist() == [0, 0]
    assert bool(other.isnan().all())
