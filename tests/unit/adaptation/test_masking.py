"""Tests which tokens are masked, what stands in their place, and the tied head."""

import numpy as np
import pytest
import torch
from torch import nn

from regraft.adaptation.masking import NOTHING, TiedHead, masked
from regraft.data.texts import TokenRows

HOLE = 99


def rows(*texts: list[int]) -> TokenRows:
    starts = np.cumsum([0, *(len(text) for text in texts)]).astype(np.int64)
    return TokenRows(np.array([n for text in texts for n in text], np.int32), starts, 0)


def test_four_of_five_tokens_that_are_drawn_become_holes() -> None:
    many = rows(*[[1, *range(10, 30), 2]] * 400)
    found = masked(many, np.random.default_rng(0), share=0.2, mask=HOLE)
    ids, labels = found.batch["input_ids"], found.labels
    asked = labels != NOTHING
    assert float(asked.float().mean()) == pytest.approx(0.2 * 20 / 22, abs=0.01)
    assert float((ids[asked] == HOLE).float().mean()) == pytest.approx(0.8, abs=0.02)
    same = float((ids[asked] == labels[asked]).float().mean())
    assert same == pytest.approx(0.1 + 0.1 / 20, abs=0.02)
    whole = many.batch(np.arange(400))["input_ids"]
    assert torch.equal(ids[~asked], whole[~asked])
    assert torch.equal(labels[asked], whole[asked])
    assert bool((labels[:, [0, -1]] == NOTHING).all())


def test_without_a_token_for_holes_another_one_of_the_texts_stands_there() -> None:
    many = rows(*[[1, *range(10, 30), 2]] * 100)
    found = masked(many, np.random.default_rng(0), share=0.5, mask=None)
    asked = found.labels != NOTHING
    other = found.batch["input_ids"][asked]
    assert bool(((other >= 10) & (other < 30)).all())
    assert float((other != found.labels[asked]).float().mean()) > 0.8


def test_one_token_is_drawn_at_the_least_and_none_where_there_is_none() -> None:
    short = rows([1, 7, 2], [1, 8, 9, 2])
    found = masked(short, np.random.default_rng(0), share=1e-9, mask=HOLE)
    assert found.labels.tolist() == [[NOTHING, 7, NOTHING, NOTHING], [NOTHING] * 4]
    assert found.batch["attention_mask"].tolist() == [[1, 1, 1, 0], [1, 1, 1, 1]]
    none = masked(rows([1, 2], [1, 2]), np.random.default_rng(0), share=0.5, mask=HOLE)
    assert bool((none.labels == NOTHING).all())


def test_the_head_starts_from_how_often_a_token_is_there_and_is_tied_to_the_table() -> None:
    table = nn.Embedding(3, 2)
    head = TiedHead(table, 4, counts=torch.tensor([6.0, 0.0, 1.0]))
    states = torch.randn(5, 4)
    wanted = torch.log(torch.tensor([0.7, 0.1, 0.2]))
    assert head(states).detach() == pytest.approx(wanted.expand(5, 3), abs=1e-6)
    with torch.no_grad():
        head.turn.weight.copy_(torch.eye(4)[:2])
        head.turn.bias.copy_(torch.tensor([0.0, 1.0]))
    by_hand = (states[:, :2] + torch.tensor([0.0, 1.0])) @ table.weight.T + head.bias
    assert head(states).detach() == pytest.approx(by_hand.detach(), abs=1e-6)
    assert table.weight not in set(head.parameters())
