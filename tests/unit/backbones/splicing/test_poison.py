"""Poison refuses what something else crosses, and lets side channels live."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from regraft.backbones.splicing.poison import Finding, examine
from regraft.backbones.splicing.recording import at_rest
from regraft.backbones.splicing.study import study

BATCH = {"input_ids": torch.tensor([[1, 2, 3], [3, 2, 0]])}


class Largest(nn.Module):
    """Gives whole numbers, through which no gradient flows."""

    def forward(self, value: Tensor) -> Tensor:
        return value.argmax(-1, keepdim=True)


class Trunk(nn.Module):
    """Embeddings, two layers and a way around the first of them."""

    def __init__(self, crossing: str) -> None:
        super().__init__()
        self.words = nn.Embedding(4, 5)
        self.first = nn.Linear(5, 5)
        self.second = nn.Linear(5, 5)
        self.places = nn.Embedding(9, 5)
        self.norm = nn.LayerNorm(5)
        self.plain = nn.Identity()
        self.largest = Largest()
        self.crossing = crossing

    def forward(self, input_ids: Tensor) -> Tensor:
        words = self.words(input_ids)
        table = self.norm(self.places(torch.arange(input_ids.shape[1])))
        around: dict[str, Callable[[], Tensor]] = {
            "nothing": lambda: torch.zeros(()),
            "activation": lambda: words,
            "table": lambda: table,
            "input": lambda: self.plain(input_ids.float())[..., None],
            "comparison": lambda: (words > 0).float(),
            "largest": lambda: self.largest(words).float(),
        }
        other = around[self.crossing]()
        made: Tensor = self.second(self.first(words)) + 0.5 * other
        return made


def finding(crossing: str, path: str = "first") -> Finding | None:
    network = Trunk(crossing)
    with torch.random.fork_rng(), at_rest(network, graph=True):
        torch.manual_seed(3)
        network.apply(_fresh)
        return examine(study(network, BATCH), path)


def _fresh(module: nn.Module) -> None:
    if isinstance(module, nn.Linear | nn.Embedding):
        module.reset_parameters()


@pytest.mark.parametrize("crossing", ["activation", "comparison", "largest"])
def test_a_cut_that_something_else_crosses_is_refused(crossing: str) -> None:
    assert finding(crossing) is None
    assert finding("nothing") is not None


def test_a_true_cut_skips_all_that_ran_before_and_reads_what_comes_after() -> None:
    found = finding("nothing")
    assert found is not None
    assert found.cut.stubs == ("norm", "places", "words")
    assert found.above == {"second.weight", "second.bias"}


def test_a_table_that_no_content_changes_stays_live_and_is_read_above() -> None:
    found = finding("table")
    assert found is not None
    assert found.cut.stubs == ("words",)
    assert found.above == {
        *("second.weight", "second.bias"),
        *("norm.weight", "norm.bias", "places.weight"),
    }


def test_what_is_made_of_the_input_without_parameters_stays_live() -> None:
    found = finding("input", "second")
    assert found is not None
    assert "plain" not in found.cut.stubs


class Writing(nn.Module):
    """Writes into a skipped tensor, which then has to have memory of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(3, 3)
        self.second = nn.Linear(3, 3)
        self.third = nn.Linear(3, 3)

    def forward(self, pixels: Tensor) -> Tensor:
        first = self.first(pixels)
        first += 1
        out: Tensor = self.third(self.second(first))
        return out


def test_a_functional_operation_in_place_gets_dense_stubs() -> None:
    network = Writing()
    with at_rest(network, graph=True):
        found = examine(study(network, {"pixels": torch.rand(2, 3)}), "second")
    assert found is not None
    assert found.cut.dense
