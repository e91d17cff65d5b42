"""Holds the multilingual text starter to the numbers that are known of it."""

import numpy as np
import pytest
import torch
from torch import Tensor

from regraft.backbones.backbone import Backbone
from regraft.backbones.graft import pool
from regraft.backbones.open import open_backbone
from regraft.data.spec import TextSpec
from regraft.data.texts import encode_texts

pytestmark = pytest.mark.real
PASSWORD = ("How do I reset my password?", "Wie setze ich mein Passwort zurück?")
MARKET = "The stock market fell sharply today."


@pytest.fixture(scope="module")
def e5() -> Backbone:
    return open_backbone("starter:multilingual-e5-small")


@torch.no_grad()
def sentences(backbone: Backbone, *texts: str) -> Tensor:
    """Returns (N, D) features of length 1, as the library's fit makes them."""
    assert isinstance(backbone.spec, TextSpec)
    rows = encode_texts(texts, backbone.spec)
    batch = rows.batch(np.arange(len(texts)))
    states = pool(backbone.network(**batch), batch, pooling=backbone.architecture.pooling)
    return torch.nn.functional.normalize(states, dim=1)


def test_the_prefix_and_the_special_tokens_are_there(e5: Backbone) -> None:
    assert isinstance(e5.spec, TextSpec)
    tokens = encode_texts(PASSWORD[:1], e5.spec).tokens
    assert tokens.tolist() == [0, 41, 1294, 12, 11249, 54, 87, 168398, 759, 78506, 32, 2]


def test_e5_gives_its_known_features(e5: Backbone) -> None:
    found = sentences(e5, PASSWORD[0])[0]
    expected = [0.07002, -0.02129, 0.00045, -0.05261, 0.04745]
    assert found[:5].tolist() == pytest.approx(expected, abs=1e-5)


def test_e5_knows_what_is_alike_across_languages(e5: Backbone) -> None:
    english, german, market = sentences(e5, *PASSWORD, MARKET)
    assert float(english @ german) > 0.88
    assert 0.70 < float(english @ market) < 0.84


def test_e5_has_its_known_size(e5: Backbone) -> None:
    sizes = {name: value.numel() for name, value in e5.network.named_parameters()}
    assert sum(sizes.values()) == 117_505_920
    assert sizes["embeddings.word_embeddings.weight"] == 96_014_208
    assert len(sizes) == 197
