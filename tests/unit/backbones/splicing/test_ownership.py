"""Each parameter belongs to the last block that reads it, each module to one block."""

import torch
from torch import Tensor, nn

from regraft.backbones.splice import splice


class Shared(nn.Module):
    """A table used by both layers, a parameter of its own, an idle layer and statistics."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(4, 5)
        self.table = nn.Embedding(3, 5)
        self.loose = nn.Parameter(torch.rand(5))
        self.layers = nn.ModuleList([nn.Sequential(nn.Linear(5, 5)) for _ in range(2)])
        self.idle = nn.Linear(2, 2)
        self.norm = nn.BatchNorm1d(5, affine=False)
        self.mixed = nn.ModuleDict({"drop": nn.Dropout(0.0)})

    def forward(self, input_ids: Tensor) -> Tensor:
        places = self.table(torch.arange(input_ids.shape[1]))
        value = self.layers[0](self.words(input_ids) + places) + self.loose
        value = self.mixed["drop"](self.layers[1](value) + places)
        out: Tensor = self.norm(value.transpose(1, 2))
        return out


CHAIN = splice(Shared(), {"input_ids": torch.tensor([[1, 2, 3], [3, 2, 0]])})
NAMES = [position.name for position in CHAIN.positions]


def blocks_of(name: str, kind: str = "parameters") -> list[str]:
    return [block.name for block in CHAIN.blocks if name in getattr(block, kind)]


def test_positions_lie_at_the_ends_of_the_units() -> None:
    assert NAMES == ["input", "words", "layers.0", "output"]
    assert [block.name for block in CHAIN.blocks] == ["words", "layers.0", "layers.1"]


def test_a_table_read_on_both_sides_is_of_the_last_block_and_borrowed_by_the_rest() -> None:
    assert blocks_of("table.weight") == ["layers.1"]
    assert [position.borrowed for position in CHAIN.positions] == [
        (),
        (),
        ("table.weight",),
        (),
    ]


def test_a_parameter_without_a_module_is_where_it_is_read() -> None:
    assert blocks_of("loose") == ["layers.1"]


def test_what_is_never_read_belongs_to_the_block_in_which_its_holder_ended() -> None:
    assert blocks_of("idle.weight") == ["layers.1"]
    assert blocks_of("idle", "modules") == ["layers.1"]


def test_buffers_and_modules_without_parameters_are_where_they_ran() -> None:
    assert blocks_of("norm.running_mean", "buffers") == ["layers.1"]
    assert blocks_of("mixed.drop", "modules") == ["layers.1"]


def test_a_module_that_spans_blocks_is_in_the_last_of_them() -> None:
    assert blocks_of("layers", "modules") == ["layers.1"]
    assert blocks_of("layers.0.0", "modules") == ["layers.0"]
    assert blocks_of("", "modules") == ["layers.1"]
