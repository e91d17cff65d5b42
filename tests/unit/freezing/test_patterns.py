"""Tests what words freeze above the line, and that words that freeze nothing are refused."""

import pytest
from torch import nn

from regraft.errors import SettingsError
from regraft.freezing.patterns import above_of
from tests.tiny_sessions import grafted


def test_norms_are_frozen_with_all_they_hold() -> None:
    found = above_of(grafted("image").trunk, ["norm"])
    assert found.modules == {"stem.1", "middle.1", "top.1"}
    assert found.parameters == {f"{path}.{leaf}" for path in found.modules for leaf in WEIGHTS}


WEIGHTS = ("weight", "bias")


def test_kinds_and_patterns_add_up() -> None:
    found = above_of(grafted("image").trunk, ["conv", "top.1.bias"])
    assert found.modules == {"stem.0", "middle.0", "top.0"}
    assert "top.1.bias" in found.parameters
    assert "top.1.weight" not in found.parameters


def test_a_module_is_frozen_with_what_hangs_below_it() -> None:
    found = above_of(grafted("text").trunk, ["encoder.layer.0"])
    assert "encoder.layer.0.attention.self.query" in found.modules
    assert "encoder.layer.0.output.LayerNorm.bias" in found.parameters
    assert not any(name.startswith("encoder.layer.1") for name in found.parameters)


def test_embeddings_are_a_kind() -> None:
    found = above_of(grafted("text").trunk, ["embedding"])
    assert "embeddings.word_embeddings.weight" in found.parameters


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("encoder.layer.9", "try --freeze encoder.layer"),
        ("norms", "try --freeze norm"),
        ("zzzz", "regraft plan lists the blocks"),
    ],
)
def test_a_word_that_matches_nothing_is_refused(word: str, hint: str) -> None:
    with pytest.raises(SettingsError, match=f"--freeze {word} matches nothing") as caught:
        above_of(grafted("text").trunk, [word])
    assert hint in str(caught.value)


def test_freezing_everything_is_refused() -> None:
    with pytest.raises(SettingsError, match="only the head would be trained"):
        above_of(grafted("image").trunk, ["*"])


def test_a_norm_whose_weights_are_all_named_rests_with_its_statistics() -> None:
    trunk = grafted("image").trunk
    assert above_of(trunk, ["middle.1.*"]).modules == {"middle.1"}
    assert above_of(trunk, ["middle.1.weight"]).modules == frozenset()


class Sharing(nn.Module):
    """Two norms of one weight, and a layer of their own."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.LayerNorm(4, bias=False), nn.LayerNorm(4, bias=False)
        self.second.weight = self.first.weight
        self.last = nn.Linear(4, 4)


@pytest.mark.parametrize("word", ["first", "second", "second.weight"])
def test_a_weight_that_two_modules_share_is_frozen_by_either_name(word: str) -> None:
    found = above_of(Sharing(), [word])
    assert found.parameters == {"first.weight"}
    assert found.modules == {"first", "second"}
