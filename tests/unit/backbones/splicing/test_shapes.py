"""Shapes of skipped outputs follow the rows and tokens of the batch, or are recorded."""

import pytest
import torch
from torch import Tensor, nn

from regraft.backbones.splicing.shapes import Outputs, Shapes, Sketch, learned, sketched, unruly


def batch(rows: int, tokens: int) -> dict[str, Tensor]:
    return {"input_ids": torch.ones(rows, tokens).long()}


class Counting(nn.Module):
    """Gives an output whose last extent follows no rule; counts its runs."""

    def __init__(self) -> None:
        super().__init__()
        self.runs = 0

    def forward(self, input_ids: Tensor) -> Tensor:
        self.runs += 1
        return torch.zeros(len(input_ids), input_ids.shape[1] // 3)


def outputs(rows: int, tokens: int) -> Outputs:
    made = (torch.zeros(rows, tokens, 4), None, torch.zeros(rows * tokens).int())
    return {"a": [sketched(made)]}


def rules() -> Outputs:
    return learned(outputs(2, 8), outputs(5, 13), batches=(batch(2, 8), batch(5, 13)))


def test_each_extent_gets_the_rule_that_fits_both_recordings() -> None:
    assert rules() == {
        "a": [(Sketch(("B", "T", 4), torch.float32), None, Sketch(("BT",), torch.int32))]
    }


def test_rules_give_the_shapes_of_any_batch_without_a_run() -> None:
    network = Counting()
    shapes = Shapes(network, batch(2, 8), rules=rules())
    assert shapes.of(["a"], batch(5, 7)) == {
        "a": [(Sketch((5, 7, 4), torch.float32), None, Sketch((35,), torch.int32))]
    }
    assert network.runs == 0


def test_what_follows_no_rule_is_recorded_once_a_shape() -> None:
    network = Counting()
    recorded = [sketched(network(**batch(2, 8)))], [sketched(network(**batch(5, 13)))]
    found = learned({"": recorded[0]}, {"": recorded[1]}, batches=(batch(2, 8), batch(5, 13)))
    assert found == {"": [Sketch(("B", "?"), torch.float32)]}
    shapes = Shapes(network, batch(2, 8), rules=found)
    for _ in range(3):
        assert shapes.of([""], batch(4, 9)) == {"": [Sketch((4, 3), torch.float32)]}
    assert network.runs == 2 + 1


def test_another_frame_is_recorded_whatever_the_rules_say() -> None:
    network = nn.AvgPool2d(2)
    rule = {"": [Sketch(("B", 3, 4, 4), torch.float32)]}
    shapes = Shapes(network, {"pixels": torch.zeros(2, 3, 8, 8)}, rules=rule)
    same = shapes.of([""], {"pixels": torch.zeros(5, 3, 8, 8)})
    other = shapes.of([""], {"pixels": torch.zeros(5, 3, 6, 6)})
    assert same == {"": [Sketch((5, 3, 4, 4), torch.float32)]}
    assert other == {"": [Sketch((5, 3, 3, 3), torch.float32)]}


def test_a_number_of_calls_that_differs_gives_no_rule() -> None:
    twice = {"a": outputs(5, 13)["a"] * 2}
    found = learned(outputs(2, 8), twice, batches=(batch(2, 8), batch(5, 13)))
    assert found == unruly(outputs(2, 8))


def test_casts_of_a_recording_are_forgotten_within_autocast(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """They have no graph, and torch 2.9 would go on with them where a graph is wanted."""
    network = nn.Linear(4, 3)
    shapes = Shapes(
        network, {"pixels": torch.zeros(2, 4)}, rules={"": [Sketch(("?",), torch.float32)]}
    )
    cleared: list[int] = []
    real = torch.clear_autocast_cache

    def clear() -> None:
        cleared.append(len(shapes._seen))
        real()

    with torch.autocast("cpu", torch.bfloat16):
        with monkeypatch.context() as patch:
            patch.setattr(torch, "clear_autocast_cache", clear)
            shapes.of([""], {"pixels": torch.zeros(5, 4)})
        loss = network(torch.ones(1, 4)).float().sum()
    loss.backward()
    assert cleared[-1:] == [1]
    assert network.weight.grad is not None
