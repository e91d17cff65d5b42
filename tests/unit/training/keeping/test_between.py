"""Tests the network between start and end: what is equal stays, validation chooses."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from regraft.freezing.proof import state_digest
from regraft.strategies.average import Average
from regraft.strategies.head import Head
from regraft.strategies.two_stage import TwoStage
from regraft.training.keeping.between import SHARES, between
from regraft.training.loop import work
from regraft.training.selecting import selection_key
from regraft.training.session import Session
from tests.tiny_sessions import KINDS, facts, options, session


def averaged(kind: str, **changed: object) -> Session:
    made = session(kind, replace(options(), **changed))  # type: ignore[arg-type]
    work(made, Average().change(TwoStage().phases(made.chain, facts(kind, start_line=1))))
    return made


def test_equal_numbers_stay_equal_bit_for_bit() -> None:
    odd = torch.tensor([0.1, -torch.inf, 3e-39])
    found = between(
        {"w": odd, "n": torch.tensor(3)}, {"w": odd.clone(), "n": torch.tensor(7)}, share=0.3
    )
    assert torch.equal(found["w"], odd)
    assert found["n"].item() == 7


@pytest.mark.parametrize("kind", KINDS)
def test_validation_likes_it_at_least_as_well_as_the_end(kind: str) -> None:
    plain = session(kind)
    work(plain, TwoStage().phases(plain.chain, facts(kind, start_line=1)))
    made = averaged(kind)
    assert plain.best is not None
    assert made.best is not None
    assert made.best.key >= plain.best.key
    assert made.best.share in SHARES
    assert plain.best.share is None
    answers = made.evaluate()
    np.testing.assert_array_equal(answers, made.best.val_logits)
    assert selection_key(answers, made.val.labels, options=made.options) == made.best.key
    assert [event.kind for event in made.ledger.events][-2:] == ["restore", "average"]
    assert all(stretch.holds for stretch in made.stretches)


def test_where_no_rows_may_choose_the_end_is_kept() -> None:
    plain = session("image", options(penalty_on_val=False))
    work(plain, TwoStage().phases(plain.chain, facts("image", start_line=1)))
    made = averaged("image", penalty_on_val=False)
    assert state_digest(made.network) == state_digest(plain.network)
    assert "average" not in [event.kind for event in made.ledger.events]


def test_by_hand_half_of_the_way() -> None:
    start, end = {"w": torch.tensor([1.0, 2.0])}, {"w": torch.tensor([3.0, 2.0])}
    assert between(start, end, share=0.5)["w"].tolist() == [2.0, 2.0]
    assert between({}, end, share=0.5)["w"].tolist() == [3.0, 2.0]
    assert torch.equal(between(start, end, share=1.0)["w"], end["w"])


def test_a_trunk_that_did_not_move_is_left_alone() -> None:
    made, plain = session("text"), session("text")
    work(made, Average().change(Head().phases(made.chain, facts("text"))))
    work(plain, Head().phases(plain.chain, facts("text")))
    assert made.best is not None
    assert plain.best is not None
    assert made.best.key == plain.best.key
