"""Tests that pairs come first and the head after them, with steps enough for few rows."""

import pytest

from regraft.errors import SettingsError
from regraft.strategies.contrastive import Contrastive
from regraft.strategies.table import make_strategy
from regraft.training.loop import work
from tests.tiny_sessions import facts, grafted, session, spliced


@pytest.mark.parametrize(("epochs", "passes"), [(1, 3), (12, 36)])
def test_it_takes_more_passes_than_others(epochs: int, passes: int) -> None:
    pairs, head = Contrastive().phases(spliced(grafted("text")), facts("text", epochs=epochs))
    assert (pairs.loss, pairs.epochs, head.line, head.rows) == ("pairs", passes, 3, None)


@pytest.mark.parametrize("given", [(0, 0.5), (101, 0.5), (5, 0.0)])
def test_no_steps_too_many_and_no_rate_are_refused(given: tuple[int, float]) -> None:
    with pytest.raises(SettingsError, match=r"contrastive:(times|share)="):
        Contrastive(*given)


@pytest.mark.parametrize("kind", ["text", "image"])
def test_the_head_alone_is_scored(kind: str) -> None:
    made = session(kind)
    work(made, Contrastive(times=4).phases(made.chain, facts(kind)))
    assert [record.scored for record in made.records] == [False] * 8 + [True]
    assert made.records[0].val_accuracy is None
    assert made.best is not None
    assert made.best.phase == "head"
    assert made.records[7].train_loss < made.records[0].train_loss
    assert len(made.val_logits) == 1
    assert all(stretch.holds for stretch in made.stretches)


def test_its_share_is_one_of_the_usual_rate_and_not_of_what_was_typed() -> None:
    strategy = Contrastive(share=0.25)
    assert make_strategy("contrastive:share=0.25").rate_share == strategy.rate_share == 0.25
    pairs, _ = strategy.phases(spliced(grafted("text")), facts("text", rate=4e-4))
    assert (pairs.head_rate, pairs.rates[-1]) == (4e-4, 4e-4)
