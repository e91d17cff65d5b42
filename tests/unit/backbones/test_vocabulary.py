"""A smaller token table changes nothing but the time: answers, training, unused rows."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from regraft.backbones import vocabulary
from regraft.backbones.vocabulary import reduce_table, table_of
from regraft.freezing.proof import state_digest
from regraft.strategies.two_stage import TwoStage
from regraft.training.loop import work
from regraft.training.session import Session
from tests.tiny_sessions import facts, grafted, session, state, tiny_bert, token_rows

ROWS = token_rows([[7, 9, 7], [30, 9], [41]])
TABLE = "embeddings.word_embeddings.weight"


def answers(trunk: nn.Module, batch: dict[str, torch.Tensor]) -> torch.Tensor:
    trunk.eval()
    with torch.no_grad():
        found: torch.Tensor = trunk(**batch).last_hidden_state
    return found


def test_a_network_that_says_it_has_no_table_has_none() -> None:
    class Pictures(nn.Module):
        def get_input_embeddings(self) -> nn.Module:
            raise NotImplementedError

    assert table_of(Pictures()) is None
    assert table_of(nn.Linear(1, 1)) is None
    assert table_of(tiny_bert()) is not None


def test_the_network_answers_with_the_same_numbers() -> None:
    trunk = tiny_bert()
    before = answers(trunk, ROWS.batch(np.arange(3)))
    reduced = reduce_table(trunk, [ROWS])
    assert reduced is not None
    assert reduced.used.tolist() == [0, 7, 9, 30, 41]
    small = reduced.renumbered(ROWS)
    assert small.tokens.tolist() == [1, 2, 1, 3, 2, 4]
    assert torch.equal(answers(trunk, small.batch(np.arange(3))), before)
    assert trunk.get_parameter(TABLE).shape[0] == 5


def test_dropout_is_at_rest_for_the_comparison_and_every_module_keeps_its_mode() -> None:
    trunk = tiny_bert(0.5).train()
    trunk.get_submodule("embeddings").training = False
    modes = [module.training for module in trunk.modules()]
    assert reduce_table(trunk, [ROWS]) is not None
    assert [module.training for module in trunk.modules()] == modes


def test_the_whole_table_comes_back_with_the_rows_as_they_are_now() -> None:
    trunk = tiny_bert()
    before = state(trunk)[TABLE]
    reduced = reduce_table(trunk, [ROWS])
    assert reduced is not None
    with torch.no_grad():
        trunk.get_parameter(TABLE)[1] += 1.0
    reduced.restore()
    after = trunk.get_parameter(TABLE)
    moved = (after != before).any(dim=1).nonzero().flatten().tolist()
    assert moved == [7]
    assert trunk.get_submodule("embeddings.word_embeddings").num_embeddings == len(before)


def test_the_whole_table_stands_in_for_a_while() -> None:
    trunk = tiny_bert()
    before = state(trunk)[TABLE]
    reduced = reduce_table(trunk, [ROWS])
    assert reduced is not None
    assert reduced.untouched
    with reduced.undone():
        assert torch.equal(trunk.get_parameter(TABLE), before)
    assert trunk.get_parameter(TABLE).shape[0] == 5
    with torch.no_grad():
        trunk.get_parameter(TABLE)[1] += 1.0
    assert not reduced.untouched


def test_a_table_in_full_use_stays_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vocabulary, "WORTH", 0.05)
    trunk = tiny_bert()
    assert reduce_table(trunk, [ROWS]) is None
    assert trunk.get_parameter(TABLE).shape[0] == 50


class LooksAtNumbers(nn.Module):
    """Answers by the token number itself, as networks do that look for an end of text."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(50, 4)

    def get_input_embeddings(self) -> nn.Embedding:
        """As transformers' networks name theirs."""
        return self.table

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """Returns (B, T, 4)."""
        found: torch.Tensor = self.table(input_ids) + input_ids.unsqueeze(-1)
        return found * attention_mask.unsqueeze(-1)


def test_a_network_that_looks_at_the_numbers_is_left_as_it_is() -> None:
    trunk = LooksAtNumbers()
    before = state(trunk)
    assert reduce_table(trunk, [ROWS]) is None
    assert torch.equal(trunk.table.weight, before["table.weight"])
    assert trunk.table.num_embeddings == 50


class LooksForOneNumber(LooksAtNumbers):
    """Marks the tokens of one number, which stands in few texts."""

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """Returns (B, T, 4)."""
        found: torch.Tensor = self.table(input_ids) + (input_ids == 41).unsqueeze(-1)
        return found * attention_mask.unsqueeze(-1)


def test_the_longest_text_is_among_those_that_are_tried() -> None:
    texts = [[7, 9]] * 6
    assert reduce_table(LooksForOneNumber(), [token_rows(texts)]) is not None
    assert reduce_table(LooksForOneNumber(), [token_rows([*texts, [7, 9, 41], [7, 9]])]) is None


def trained(monkeypatch: pytest.MonkeyPatch, *, worth: float) -> Session:
    monkeypatch.setattr(vocabulary, "WORTH", worth)
    made = session("text", network=grafted("text"))
    phases = TwoStage().phases(made.chain, facts("text", weight_decay=0.0))
    work(made, [phases[0], replace(phases[1], weight_decay=0.0)])
    return made


def test_training_with_a_small_table_is_training_with_the_whole_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole, small = trained(monkeypatch, worth=0.0), trained(monkeypatch, worth=1.0)
    for name, tensor in state(whole.network).items():
        torch.testing.assert_close(state(small.network)[name], tensor, rtol=0, atol=1e-6)
    used = set(small.train.rows.tokens.tolist()) | set(small.val.rows.tokens.tolist())  # type: ignore[union-attr]
    unused = sorted(set(range(50)) - used)
    fresh = state(grafted("text"))[f"trunk.{TABLE}"]
    assert torch.equal(state(small.network)[f"trunk.{TABLE}"][unused], fresh[unused])
    restored = small.ledger.events[-1]
    assert restored.digests["network"] == state_digest(small.network)
    assert all(stretch.holds for stretch in small.stretches)
