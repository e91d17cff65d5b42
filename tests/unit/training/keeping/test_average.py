"""The average follows its formula, leaves what is frozen alone, and survives a stop."""

import math
from pathlib import Path

import pytest
import torch
from torch import nn

from regraft.freezing.proof import state_digest
from regraft.freezing.threshold import Rule
from regraft.strategies.full import Full
from regraft.training import steps as steps_module
from regraft.training.keeping.average import Average
from regraft.training.keeping.keeper import Keeper
from regraft.training.loop import work
from regraft.training.session import Session
from tests.tiny_sessions import facts, options, session


def one_weight(value: float) -> nn.Linear:
    layer = nn.Linear(1, 1, bias=False)
    layer.weight.detach().fill_(value)
    return layer


def test_three_steps_by_hand() -> None:
    layer = one_weight(0.0)
    average = Average(layer, 0.15)
    by_hand = 0.0
    for step, value in enumerate((1.0, 2.0, 4.0), 1):
        layer.weight.detach().fill_(value)
        average.after_step()
        decay = min(0.15, step / (step + 9))
        by_hand = decay * by_hand + (1 - decay) * value
    assert float(average.averages["weight"]) == pytest.approx(by_hand)
    assert by_hand == pytest.approx(0.15 * (0.15 * 0.9 + 0.85 * 2) + 0.85 * 4)


def test_it_is_shown_for_a_while_and_the_weights_come_back_bit_for_bit() -> None:
    layer = one_weight(0.1)
    average = Average(layer, 0.9)
    layer.weight.detach().fill_(0.3)
    average.after_step()
    with average.shown():
        assert float(layer.weight.detach()) == float(average.averages["weight"]) != 0.3
    assert torch.equal(layer.weight.detach(), torch.full((1, 1), 0.3))


def test_a_weight_that_froze_counts_as_it_stands() -> None:
    layer = one_weight(1.0)
    average = Average(layer, 0.9)
    layer.weight.detach().fill_(2.0)
    average.after_step()
    layer.weight.requires_grad_(False)
    average.after_step()
    with average.shown():
        assert float(layer.weight.detach()) == 2.0


def averaged(threshold: Rule | None = None) -> Session:
    return session("image", options(average=0.9, threshold=threshold))


def test_the_average_is_what_is_scored_and_kept() -> None:
    made, plain = averaged(), session("image")
    for each in (made, plain):
        work(each, Full().phases(each.chain, facts("image")))
    assert made.best is not None
    assert state_digest(made.network) != state_digest(plain.network)
    assert made.records[0].train_loss == plain.records[0].train_loss
    assert (made.evaluate() == made.best.val_logits).all()


def test_blocks_that_freeze_on_the_way_are_the_same_in_both_networks() -> None:
    made = averaged(Rule(1e9))
    work(made, Full().phases(made.chain, facts("image")))
    assert [event.kind for event in made.ledger.events].count("threshold") == 1
    assert [stretch.faults for stretch in made.stretches] == [[], []]
    frozen, restored = made.ledger.events[-2].digests, made.ledger.events[-1].digests
    assert {name: restored[name] for name in frozen} == frozen


@pytest.mark.parametrize("rule", [None, Rule(0.5, "clock")])
@pytest.mark.parametrize("step", [1, 3, 4, 6])
def test_a_stop_changes_nothing(step: int, rule: Rule | None, tmp_path: Path) -> None:
    whole = averaged(rule)
    work(whole, Full().phases(whole.chain, facts("image")))
    stopped, real = averaged(rule), steps_module._step

    def killed(*arguments: object) -> object:
        if stopped.step == step:
            raise KeyboardInterrupt
        return real(*arguments)  # type: ignore[arg-type]

    stopped.keeper = Keeper(tmp_path / "kept", soonest=0.0, share=math.inf)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(steps_module, "_step", killed)
        with pytest.raises(KeyboardInterrupt):
            work(stopped, Full().phases(stopped.chain, facts("image")))
    again = averaged(rule)
    again.keeper = Keeper(tmp_path / "kept", soonest=0.0, share=math.inf)
    work(again, Full().phases(again.chain, facts("image")))
    assert state_digest(again.network) == state_digest(whole.network)
