"""Tests the loop on tiny networks: it learns, repeats itself, and keeps still what is frozen."""

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from regraft.errors import SettingsError
from regraft.features.pooled import logits, pooled_features
from regraft.freezing.ledger import MOVES
from regraft.freezing.proof import block_digests, state_digest
from regraft.freezing.threshold import Rule
from regraft.strategies.two_stage import TwoStage
from regraft.training import loop as loop_module
from regraft.training import steps as steps_module
from regraft.training.keeping.keeper import Keeper
from regraft.training.loop import work
from regraft.training.optimiser import set_rates
from regraft.training.options import Options
from regraft.training.phase import Phase
from regraft.training.progress import Silent
from regraft.training.schedule import Clock
from regraft.training.session import Best, Session
from tests.tiny_sessions import (
    KINDS,
    Size,
    below,
    changed,
    facts,
    grafted,
    options,
    session,
    state,
)

TOP = 3
NO_LOGITS = np.zeros((16, 2), np.float32)


def tune(line: int = 0, epochs: int = 2, rate: float = 5e-3, **more: object) -> Phase:
    rates = tuple(0.0 if block < line else rate for block in range(TOP))
    return replace(Phase("tune", line, epochs, rate, rates), **more)  # type: ignore[arg-type]


def two_stage(kind: str, chosen: Options | None = None) -> Session:
    made = session(kind, chosen)
    work(made, TwoStage().phases(made.chain, facts(kind)))
    return made


@pytest.mark.parametrize("kind", KINDS)
def test_the_loss_falls_on_rows_that_can_be_told_apart(kind: str) -> None:
    made = session(kind)
    work(made, [tune(epochs=4)])
    losses = [record.train_loss for record in made.records]
    assert losses[-1] < losses[0] / 2
    assert made.records[-1].train_accuracy == 1.0


@pytest.mark.parametrize("kind", KINDS)
def test_two_stages_learn_and_leave_the_best_weights(kind: str) -> None:
    made = two_stage(kind)
    assert [record.phase for record in made.records] == ["head", "tune", "tune"]
    found = logits(made.network, made.val.rows, mode=made.verdict.inference)
    assert np.array_equal(found, made.chosen_logits())
    assert (found.argmax(axis=1) == made.val.labels).mean() >= 0.9


@pytest.mark.parametrize("kind", KINDS)
def test_the_weights_are_a_function_of_the_seed(kind: str) -> None:
    chosen = options(augment="flip-crop")
    first = state_digest(two_stage(kind, chosen).network)
    torch.rand(5)
    assert state_digest(two_stage(kind, chosen).network) == first
    assert state_digest(two_stage(kind, replace(chosen, seed=4)).network) != first


def test_dropout_is_a_function_of_the_seed_and_the_step() -> None:
    def digest(seed: int) -> str:
        made = session("text", options(seed=seed), network=grafted("text", dropout=0.3))
        work(made, [tune(epochs=1)])
        return state_digest(made.network)

    first = digest(0)
    torch.rand(5)
    assert digest(0) == first
    assert digest(1) != first


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("line", [1, 2, TOP])
def test_what_is_frozen_is_equal_bit_by_bit_and_what_moves_moves(kind: str, line: int) -> None:
    made = session(kind)
    before = state(made.network.trunk)
    phase = tune(line) if line < TOP else Phase("head", TOP, 1, 0.1, (0.0,) * TOP)
    work(made, [phase])
    moved = changed(before, made.network.trunk)
    frozen = below(made.chain, line)
    assert frozen
    assert moved & frozen == set()
    unmoved = {name for name in set(before) - frozen - moved if "_ids" not in name}
    assert unmoved == set() if kind == "image" else unmoved <= {"embeddings.position_ids"}
    assert all(stretch.holds and len(stretch.before) == line for stretch in made.stretches)


def test_norms_above_the_line_go_on_counting_and_those_below_do_not() -> None:
    made = session("image")
    before = state(made.network.trunk)
    work(made, [tune(2)])
    moved = changed(before, made.network.trunk)
    assert {name for name in moved if "running" in name or "num_batches" in name} == {
        "top.1.running_mean",
        "top.1.running_var",
        "top.1.num_batches_tracked",
    }


@pytest.mark.parametrize("kind", KINDS)
def test_train_called_from_outside_in_the_middle_undoes_nothing(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = session(kind)
    before = state(made.network.trunk)
    real = steps_module._step

    def meddling(*arguments: object) -> object:
        made.network.train()
        made.network.trunk.train(True)
        for module in made.network.trunk.modules():
            module.train()
        return real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(steps_module, "_step", meddling)
    work(made, [tune(2)])
    assert made.step > 0
    assert changed(before, made.network.trunk) & below(made.chain, 2) == set()


@pytest.mark.parametrize("kind", KINDS)
def test_no_gradient_is_computed_below_the_line(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made = session(kind)
    frozen = below(made.chain, 2)
    parameters = dict(made.network.trunk.named_parameters())
    real = torch.nn.utils.clip_grad_norm_
    seen = []

    def watching(moving: list[torch.nn.Parameter], most: float, **more: bool) -> torch.Tensor:
        seen.append({name for name, p in parameters.items() if p.grad is not None})
        return real(moving, most, **more)

    monkeypatch.setattr(torch.nn.utils, "clip_grad_norm_", watching)
    work(made, [tune(2)])
    assert seen
    assert all(names == set(parameters) - frozen for names in seen)


def test_no_gradient_is_carried_from_one_step_to_the_next() -> None:
    made = session("image")
    work(made, [tune(epochs=1)])
    assert made.step > 1
    assert all(parameter.grad is None for parameter in made.network.parameters())


def test_weight_decay_does_not_touch_what_is_frozen() -> None:
    made = session("image")
    before = state(made.network.trunk)
    work(made, [tune(0, epochs=1), tune(2, weight_decay=0.9)])
    assert changed(before, made.network.trunk) & below(made.chain, 2)
    assert made.stretches[1].holds


def test_a_long_gradient_is_shortened_to_one() -> None:
    made = session("image")
    phase = tune(epochs=1, rate=1.0, weight_decay=0.0, schedule="constant", warmup=0.0)
    made.options = options(optimizer="sgd", batch_size=len(made.train) * 2)
    weight = made.network.head.last.weight
    with torch.no_grad():
        weight.mul_(1000)
    before = state(made.network)
    work(made, [phase])
    # One step of plain descent with Nesterov's momentum: 1.9 times the shortened gradient.
    moved = [p.detach() - before[name] for name, p in made.network.named_parameters()]
    length = torch.sqrt(sum((part**2).sum() for part in moved))  # type: ignore[arg-type]
    assert made.step == 1
    assert float(length) == pytest.approx(1.9, rel=1e-3)


def test_patience_ends_a_phase_early() -> None:
    made = session("image", options(patience=2))
    made.val = type(made.val)(made.val.rows, 1 - made.val.labels)
    work(made, [tune(epochs=30, rate=2e-3)])
    assert made.best is not None
    assert len(made.records) == made.best.epoch + 2 < 30


def test_a_phase_stops_after_the_pass_that_was_asked_for_on_the_same_way() -> None:
    whole, part = session("text"), session("text")
    whole.val = part.val = session("text", size=Size(val=0)).val
    work(whole, [tune(epochs=4)])
    work(part, [tune(epochs=4, stop_after=2)])
    assert [r.train_loss for r in part.records] == [r.train_loss for r in whole.records][:2]


def test_no_epoch_starts_after_the_deadline_but_the_first() -> None:
    made = session("image", options(deadline=0.0))
    work(made, [tune(epochs=3), replace(tune(epochs=3), name="again")])
    assert [(record.phase, record.epoch) for record in made.records] == [("tune", 1)]


def test_the_ledger_tells_what_happened_in_order() -> None:
    made = session("image")
    head = Phase("head", TOP, 1, 0.1, (0.0,) * TOP)
    work(made, [head, tune(1, epochs=1), replace(tune(2, epochs=1), name="top")])
    events = made.ledger.events
    assert [(e.phase, e.kind, e.line) for e in events if e.kind in MOVES] == [
        ("head", "freeze", 3),
        ("tune", "thaw", 1),
        ("top", "freeze", 2),
    ]
    assert events[-1].kind == "restore"
    whole = block_digests(made.network.trunk, made.chain, line=TOP)
    assert events[-1].digests == {**whole, "network": state_digest(made.network)}
    assert [event.step for event in events[:3]] == [0, 0, made.step // 2]


def test_each_move_of_the_line_has_the_digests_of_the_blocks_it_concerns() -> None:
    made = session("image")
    head = Phase("head", TOP, 1, 0.1, (0.0,) * TOP)
    first = block_digests(made.network.trunk, made.chain, line=TOP)
    work(made, [head, tune(1, epochs=1), replace(tune(2, epochs=1), name="top")])
    freeze, thaw, again = made.ledger.events[:3]
    assert freeze.digests == thaw.digests == first
    assert list(again.digests) == [block.name for block in made.chain.blocks[:2]]
    assert again.digests == made.stretches[2].after
    assert [name for name in again.digests if again.digests[name] != first[name]] == ["middle"]


@pytest.mark.parametrize("rows", [0, 16])
def test_a_training_that_diverges_is_refused(rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    made = session("text", size=Size(val=rows))
    monkeypatch.setattr(steps_module, "CLIP", float("inf"))
    with pytest.raises(SettingsError, match=r"diverged.*smaller --lr"):
        work(made, [tune(epochs=2, rate=1e30)])


def test_a_record_has_the_last_step_s_rate_and_seconds_after_validation() -> None:
    made = session("image")
    ticks = iter(range(100))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("time.perf_counter", lambda: float(next(ticks)))
        work(made, [tune(epochs=2, rate=0.1, warmup=0.0)])
    steps = made.step
    last = [record.rate for record in made.records]
    assert last == pytest.approx([0.1 * (steps / 2 + 1) / steps, 0.1 / steps])
    for record in made.records:
        assert record.rows_per_second > len(made.train) / record.seconds


def test_the_loss_that_is_told_is_not_weighted() -> None:
    def told(weights: list[float] | None) -> float:
        heavy = None if weights is None else np.array(weights, np.float32)
        chosen = options(class_weights=heavy, batch_size=64, optimizer="sgd")
        made = session("text", chosen)
        work(made, [tune(epochs=1, rate=1e-9)])
        return made.records[0].train_loss

    assert told([1.0, 20.0]) == pytest.approx(told(None), rel=1e-4)


def test_the_best_checkpoint_is_put_back_even_from_an_earlier_phase() -> None:
    made = session("image")
    head = Phase("head", TOP, 1, 0.1, (0.0,) * TOP)
    before = state(made.network.trunk)
    work(made, [head, tune(epochs=1, rate=30.0)])
    assert made.best is not None
    assert made.best.phase == "head"
    assert changed(before, made.network.trunk) == set()


def test_class_weights_lean_the_network_towards_the_heavier_class() -> None:
    def mean_gap(weights: list[float] | None) -> float:
        heavy = None if weights is None else np.array(weights, np.float32)
        made = session("text", options(class_weights=heavy))
        work(made, [tune(epochs=1, rate=1e-3)])
        found = logits(made.network, made.train.rows, mode=made.verdict.inference)
        return float((found[:, 1] - found[:, 0]).mean())

    assert mean_gap([1.0, 20.0]) > mean_gap(None) + 0.01 > mean_gap([20.0, 1.0]) + 0.02


@pytest.mark.parametrize("kind", KINDS)
def test_a_hidden_head_learns_in_both_stages(kind: str) -> None:
    made = session(kind, network=grafted(kind, head="mlp:8"))
    before = state(made.network.head)
    work(made, TwoStage().phases(made.chain, facts(kind)))
    assert [record.phase for record in made.records] == ["head"] * 3 + ["tune"] * 2
    assert set(dict(made.network.head.named_parameters())) <= changed(before, made.network.head)


def test_three_classes_of_which_one_has_no_rows_are_learnt() -> None:
    made = session("text", size=Size(classes=2), network=grafted("text", classes=3))
    work(made, [*TwoStage().phases(made.chain, facts("text", classes=3))])
    assert made.chosen_logits().shape == (16, 3)
    assert (made.chosen_logits().argmax(axis=1) != 2).all()


def test_a_head_that_follows_on_a_moved_trunk_sees_its_new_features() -> None:
    made = session("image", size=Size(val=0))
    head = Phase("head", TOP, 1, 0.1, (0.0,) * TOP)
    work(made, [head, tune(epochs=1), replace(head, name="again")])
    fresh = pooled_features(made.network, made.train.rows, mode=made.verdict.inference)
    assert np.array_equal(made.pooled("train"), fresh)


def test_epochs_go_on_counting_from_phase_to_phase() -> None:
    made = session("image")
    work(made, [tune(epochs=2), replace(tune(epochs=1), name="again")])
    assert made.epoch == 3
    assert [record.epoch for record in made.records] == [1, 2, 1]


@pytest.mark.parametrize(("share", "steps"), [(1.0, 8), (0.5, 6), (0.01, 5)])
def test_the_last_pass_may_end_early_and_the_rate_falls_to_its_end(
    share: float, steps: int
) -> None:
    made = session("image")
    work(made, [replace(tune(), epochs=2, warmup=0.0, last_pass=share)])
    assert made.step == steps
    assert made.records[-1].rate == pytest.approx(tune().head_rate / steps)


class Ticking:
    """A clock that goes on by a second whenever it is read."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 1.0
        return self.now


def timed(monkeypatch: pytest.MonkeyPatch, *, deadline: float) -> tuple[Session, list[float]]:
    """Trains up to forty steps by a clock that ticks once a step or so; returns the rates."""
    monkeypatch.setattr("time.monotonic", Ticking())
    rates: list[float] = []
    real = set_rates

    def seen(optimiser: Any, phase: Any, *, share: float) -> None:
        rates.append(share)
        real(optimiser, phase, share=share)

    monkeypatch.setattr(steps_module, "set_rates", seen)
    made = session("image", options(deadline=deadline, anneal=True, reserve=2.0))
    work(made, [tune(epochs=10, warmup=0.0)])
    return made, rates


def test_where_time_is_short_the_rate_falls_to_its_end_by_then(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made, rates = timed(monkeypatch, deadline=22.0)
    assert 10 <= made.step < 20
    assert rates == sorted(rates, reverse=True)
    assert rates[0] > 0.9
    assert rates[-1] < 0.2
    assert made.best is not None
    assert made.place.phase == 1


def test_where_time_is_plenty_nothing_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    made, rates = timed(monkeypatch, deadline=1e6)
    assert made.step == 40
    assert rates == [pytest.approx((40 - n) / 40) for n in range(40)]


def test_where_there_is_no_time_at_all_one_step_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    made, rates = timed(monkeypatch, deadline=0.0)
    assert (made.step, len(rates), len(made.records)) == (1, 1, 1)


@pytest.mark.parametrize(("head_follows", "seconds"), [(False, 1 + 11), (True, 2 + 32 / 16 + 11)])
def test_an_average_takes_its_passes_once_whatever_follows(
    monkeypatch: pytest.MonkeyPatch, head_follows: bool, seconds: float
) -> None:
    """The clock of the phase ends before what is kept back: 32 rows train, 16 are validated."""
    monkeypatch.setattr("time.monotonic", lambda: 0.0)
    ends: list[float] = []

    def seen(*times: float) -> Clock:
        ends.append(times[1])
        return Clock()

    monkeypatch.setattr(loop_module, "Clock", seen)
    short = options(deadline=100.0, anneal=True, reserve=1.0, averaging=11.0)
    made = session("image", short)
    head = Phase("head", TOP, 1, 0.1, (0.0,) * TOP)
    work(made, [tune(epochs=1), *([head] if head_follows else [])])
    assert ends == [pytest.approx(100.0 - seconds)]


def test_a_budget_spends_the_whole_journey(monkeypatch: pytest.MonkeyPatch) -> None:
    """Steps that are skipped count: the clock of a freeze threshold strikes all the same."""
    monkeypatch.setattr("time.monotonic", Ticking())
    rule = Rule(0.5, "clock")
    made = session("image", options(deadline=30.0, anneal=True, threshold=rule))
    work(made, [tune(epochs=10, warmup=0.0)])
    assert made.step < 40
    assert made.still == frozenset(range(TOP))


@pytest.mark.parametrize(("scores", "epochs"), [((4, 8, 12, 14), 4), ((12, 8, 4, 2), 2)])
def test_patience_looks_at_the_phase_alone(
    scores: tuple[int, ...], epochs: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A phase that begins below the solved head and rises is not stopped for that."""
    made = session("image", options(patience=1))
    answers = iter(scores)

    def evaluate(self: Session) -> np.ndarray:
        right = np.arange(16) < next(answers)
        answer = np.where(right, self.val.labels, 1 - self.val.labels)
        return np.eye(2, dtype=np.float32)[answer]

    made.best = Best((2.0, 0.0), "head", 1, 0, made.network.state_dict(), NO_LOGITS)
    monkeypatch.setattr(Session, "evaluate", evaluate)
    work(made, [tune(epochs=4)])
    assert len(made.records) == epochs
    assert not any(record.best for record in made.records)


class Told(Silent):
    """Keeps what is said."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, sentence: str) -> None:
        self.lines.append(sentence)


@pytest.mark.parametrize("damaged", [1, 2])
def test_checkpoints_that_are_damaged_are_told_and_so_is_a_new_start(
    tmp_path: Path, damaged: int
) -> None:
    made, again, told = session("image"), session("image"), Told()
    made.keeper = Keeper(tmp_path / "kept", soonest=0.0, share=math.inf)
    work(made, [tune(epochs=1)])
    for manifest in sorted((tmp_path / "kept").glob("*.json"))[-damaged:]:
        manifest.write_text("{}")
    again.progress = told
    again.keeper = Keeper(tmp_path / "kept", soonest=math.inf, say=told.say)
    work(again, [tune(epochs=1)])
    assert sum(line.endswith("is damaged: not taken") for line in told.lines) == damaged
    anew = "no checkpoint is whole: this training starts anew" in told.lines
    assert anew is (damaged == 2)
    assert any(line.startswith("going on after step") for line in told.lines) is not anew
