"""A study finds what does not depend on content and what can be skipped below a cut."""

import pytest
import torch
from torch import Tensor, nn

from regraft.backbones.splicing.recording import at_rest
from regraft.backbones.splicing.study import Study, study, unsteady
from regraft.errors import BackboneError

BATCH = {"input_ids": torch.tensor([[1, 2, 3], [3, 2, 0]])}


class Tabled(nn.Module):
    """Token vectors plus a table of places that no content changes."""

    def __init__(self, *, fixed_length: bool = False) -> None:
        super().__init__()
        self.words = nn.Embedding(4, 5)
        self.places = nn.Embedding(3 if fixed_length else 9, 5)
        self.end = nn.Sequential(nn.Linear(5, 5), nn.ReLU())

    def forward(self, input_ids: Tensor) -> Tensor:
        places = self.places(torch.arange(input_ids.shape[1]))
        out: Tensor = self.end(self.words(input_ids) + places)
        return out


def studied(network: nn.Module) -> Study:
    with at_rest(network, graph=True):
        return study(network, BATCH)


def test_a_table_of_places_does_not_depend_on_content() -> None:
    assert studied(Tabled()).contentless == {"places"}


def test_the_cover_is_made_of_the_largest_modules_that_ended_before() -> None:
    seen = studied(Tabled())
    assert seen.cover("", "words") == ["places"]
    assert seen.cover("", "end.1") == ["words", "places", "end.0"]
    assert seen.cover("", "end") == ["words", "places"]


def test_a_network_of_one_length_is_studied_without_rules_for_others() -> None:
    seen = studied(Tabled(fixed_length=True))
    made = seen.shapes.of(["words"], BATCH)["words"][0]
    assert made.extents == (2, 3, 5)


def test_parameters_are_named_by_identity() -> None:
    network = Tabled()
    seen = studied(network)
    assert seen.named({id(network.words.weight), 0}) == {"words.weight"}


class Dropping(nn.Module):
    """Drops units by code of its own where it is asked to."""

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share, self.words = share, nn.Embedding(4, 5)
        self.end = nn.Sequential(nn.Linear(5, 5), nn.Dropout(0.5))

    def forward(self, input_ids: Tensor) -> Tensor:
        kept = nn.functional.dropout(self.words(input_ids), self.share, self.training)
        out: Tensor = self.end(kept)
        return out


@pytest.mark.parametrize(("share", "found"), [(0.5, {""}), (1e-9, {""}), (0.0, set())])
def test_a_module_that_drops_by_code_of_its_own_is_unsteady(share: float, found: set[str]) -> None:
    network = Dropping(share).train()
    with at_rest(network, graph=True):
        assert unsteady(study(network, BATCH), ("", "end")) == found
    assert all(module.training for module in network.modules())


class Counting(Tabled):
    """Wants more in training than an example of inputs has."""

    def forward(self, input_ids: Tensor) -> Tensor:
        if self.training:
            raise ValueError("labels are missing")
        return super().forward(input_ids)


def test_a_module_that_wants_more_in_training_is_unsteady() -> None:
    network = Counting()
    with at_rest(network, graph=True):
        assert unsteady(study(network, BATCH), ("",)) == {""}


class Broken(nn.Module):
    def forward(self, input_ids: Tensor) -> Tensor:
        return input_ids / 0


class Whole(nn.Module):
    def forward(self, input_ids: Tensor) -> Tensor:
        return input_ids


@pytest.mark.parametrize("kind", [Broken, Whole])
def test_a_network_without_finite_output_is_refused(kind: type[nn.Module]) -> None:
    with pytest.raises(BackboneError, match="no finite numbers"):
        studied(kind())
