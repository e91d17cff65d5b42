"""Ends of stems, units and stages are candidates; parts of units are so on request."""

import torch
from torch import nn

from regraft.backbones.splicing.candidates import candidates, ends_block, owned_between, units
from regraft.backbones.splicing.outline import outline
from regraft.backbones.splicing.recording import at_rest
from regraft.backbones.splicing.study import Study, study


class Unit(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.line = nn.Linear(4, 4)
        self.norm = nn.LayerNorm(4)

    def forward(self, value: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = value + self.norm(self.line(value))
        return out


def network() -> nn.Module:
    return nn.Sequential(
        nn.Linear(4, 4),
        nn.BatchNorm1d(4),
        nn.ReLU(),
        nn.Dropout(0.1),
        nn.Sequential(Unit(), Unit()),
        nn.LayerNorm(4),
    )


def seen() -> Study:
    torch.manual_seed(0)  # one network in thirty has nothing left behind its ReLU
    made = network()
    with at_rest(made, graph=True):
        return study(made, {"pixels": torch.rand(3, 4)})


def test_candidates_come_from_last_to_first_without_dropout_and_ends_before_a_norm() -> None:
    assert candidates(seen(), inner=False) == ["5", "4.0", "2", "1"]


def test_inner_candidates_are_all_modules_called_once_but_dropout() -> None:
    found = candidates(seen(), inner=True)
    assert {"0", "4.0.line", "4.1", "4"} <= set(found)
    assert "3" not in found


def test_a_part_of_a_unit_ends_no_block() -> None:
    assert ends_block(seen(), "4.0")
    assert not ends_block(seen(), "4.0.norm")
    assert not ends_block(seen(), "0")
    assert not ends_block(seen(), "4.1")


def test_parameters_between_two_events_are_noticed() -> None:
    made = seen()
    assert owned_between(made, start=-1, stop=made.recording.end("0"))
    assert not owned_between(made, start=made.recording.end("1"), stop=made.recording.end("3"))


def test_units_are_not_gone_through() -> None:
    assert "4.0" in set(units(outline(network())))
    assert "4.0.line" not in set(units(outline(network())))
    assert "4.0.line" in set(units(outline(network()), inner=True))


def test_a_row_of_layers_within_a_list_is_a_unit() -> None:
    row = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
    found = set(units(outline(nn.Sequential(nn.Sequential(row, nn.Linear(2, 2))))))
    assert found == {"0", "0.0", "0.1"}


def test_a_wrapper_is_gone_through() -> None:
    wrapped = nn.Module()
    wrapped.register_module("inside", Unit())
    assert "inside.line" in set(units(outline(wrapped)))


class Encoder(nn.Module):
    """Units behind a table, as text networks have them."""

    def __init__(self, words: int) -> None:
        super().__init__()
        self.embeddings = nn.Sequential(nn.Embedding(words, 4), nn.LayerNorm(4))
        self.encoder = nn.Module()
        self.encoder.layers = nn.ModuleList([Unit(), Unit(), Unit()])


def test_units_are_found_behind_a_table_of_any_size() -> None:
    few, many = (set(units(outline(Encoder(words)))) for words in (5, 5000))
    assert {"encoder.layers.0", "encoder.layers.2"} <= few
    assert few == many


def test_a_large_table_makes_no_wrapper_of_what_holds_it() -> None:
    made = nn.Module()
    made.front = nn.Module()
    made.front.words, made.front.norm = nn.Embedding(5000, 4), nn.LayerNorm(4)
    made.encoder = nn.Sequential(Unit(), Unit())
    assert "front.words" not in set(units(outline(made)))
