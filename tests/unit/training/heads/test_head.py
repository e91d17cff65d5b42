"""Tests the training of heads on a resting trunk: solved, or by steps."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from regraft.errors import DivergedError
from regraft.features import cached
from regraft.features.pooled import logits, pooled_features
from regraft.freezing.line import move_line
from regraft.freezing.proof import state_digest
from regraft.scoring.metrics import loss_and_accuracy
from regraft.training import session as session_module
from regraft.training.heads import head as head_module
from regraft.training.heads.head import load_probe, train_head
from regraft.training.heads.probe import Labelled, fit_probe, solve_probe
from regraft.training.heads.sample import sample_rows
from regraft.training.options import Options
from regraft.training.phase import Phase
from regraft.training.session import Session
from tests.tiny_sessions import KINDS, changed, grafted, options, session, state

PHASE = Phase("head", 3, 5, 0.1, (0.0,) * 3)


def trained(made: Session, phase: Phase = PHASE) -> Session:
    move_line(made.network, made.chain, line=made.top)
    train_head(made, phase)
    return made


@pytest.mark.parametrize("kind", KINDS)
def test_a_linear_head_answers_as_the_probe_does(kind: str) -> None:
    made = trained(session(kind))
    train = Labelled(made.pooled("train"), made.train.labels)
    probe = fit_probe(train, 2, val=Labelled(made.pooled("val"), made.val.labels))
    found = logits(made.network, made.train.rows, mode=made.verdict.inference)
    assert found == pytest.approx(probe.logits(made.pooled("train")), abs=1e-4)


@pytest.mark.parametrize("part", ["train", "val"])
def test_features_of_a_spoilt_trunk_are_the_user_s_to_mend(part: str) -> None:
    made = session("image")
    rows = made.pooled(part).copy()
    rows[0, 0] = np.nan
    made.keep_pooled(part, rows)
    with pytest.raises(DivergedError, match="the training diverged"):
        trained(made)


def test_a_linear_head_takes_one_pass_and_fits_what_is_separable() -> None:
    made = trained(session("image"))
    (record,) = made.records
    assert (record.epoch, record.epochs, record.train_accuracy) == (1, 1, 1.0)
    assert record.val_accuracy == loss_and_accuracy(made.chosen_logits(), made.val.labels)[1]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("head", ["linear", "mlp:8", "mlp:8,4"])
def test_the_trunk_stands_still_and_the_head_moves(kind: str, head: str) -> None:
    made = session(kind, network=grafted(kind, head=head))
    trunk, before = state(made.network.trunk), state(made.network.head)
    trained(made)
    assert changed(trunk, made.network.trunk) == set()
    assert set(dict(made.network.head.named_parameters())) <= changed(before, made.network.head)


def test_the_loss_of_a_hidden_head_falls_from_pass_to_pass() -> None:
    made = trained(session("image", network=grafted("image", head="mlp:8")))
    losses = [record.train_loss for record in made.records]
    assert len(losses) == 5
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < losses[0]


@pytest.mark.parametrize("choosing", [True, False])
def test_validation_rows_choose_the_penalty_only_where_they_may(choosing: bool) -> None:
    made = session("text", options(penalty_on_val=choosing))
    made.val = type(made.val)(made.val.rows, 1 - made.val.labels)  # want the strongest penalty
    trained(made)
    train = Labelled(made.pooled("train"), made.train.labels)
    val = Labelled(made.pooled("val"), made.val.labels) if choosing else None
    found = made.network.head.last.weight.detach().numpy()
    assert np.array_equal(found, fit_probe(train, 2, val=val).weight)
    usual = fit_probe(train, 2).weight
    assert np.array_equal(found, usual) is not choosing


def test_a_head_that_is_solved_once_more_learns_the_validation_rows_too() -> None:
    made = session("text")
    made.val = type(made.val)(made.val.rows, 1 - made.val.labels)  # rows that say otherwise
    trained(made, replace(PHASE, refit=True))
    parts = [
        Labelled(made.pooled(n), r.labels) for n, r in (("train", made.train), ("val", made.val))
    ]
    first = fit_probe(parts[0], 2, val=parts[1])
    features = np.concatenate([part.features for part in parts])
    both = Labelled(features, np.concatenate([part.labels for part in parts]))
    again = solve_probe(both, 2, strength=first.strength)
    assert np.array_equal(made.network.head.last.weight.detach().numpy(), again.weight)
    assert not np.array_equal(again.weight, first.weight)
    assert made.best is not None
    assert np.array_equal(made.best.state["head.layers.0.weight"].numpy(), again.weight)
    assert made.chosen_logits() == pytest.approx(first.logits(parts[1].features), abs=1e-4)


def test_rows_of_a_fold_stay_held_out_of_a_head_that_is_solved_once_more() -> None:
    held = trained(session("text", options(penalty_on_val=False)), replace(PHASE, refit=True))
    usual = trained(session("text", options(penalty_on_val=False)))
    assert state_digest(held.network.head) == state_digest(usual.network.head)


def hidden(chosen: Options, **phase: Any) -> Session:
    made = session("image", chosen, network=grafted("image", head="mlp:8"))
    return trained(made, replace(PHASE, **phase))


def test_a_hidden_head_obeys_batch_size_optimiser_rate_and_decay() -> None:
    usual = hidden(options())
    others = [
        hidden(options(head_batch_size=8)),
        hidden(options(optimizer="sgd")),
        hidden(options(), head_rate=0.01),
        hidden(options(), weight_decay=0.5),
    ]
    digests = {state_digest(made.network.head) for made in [usual, *others]}
    assert len(digests) == 5


def test_a_hidden_head_s_rate_is_that_of_its_last_step() -> None:
    made = hidden(options(head_batch_size=8), schedule="constant", warmup=0.0)
    assert {record.rate for record in made.records} == {0.1}
    falling = hidden(options(head_batch_size=8), warmup=0.0)
    assert falling.records[0].rate == pytest.approx(0.1 * 17 / 20)
    assert falling.records[-1].rate == pytest.approx(0.1 / 20)


def weights_of(seed: int, dropout: float = 0.0) -> str:
    network = grafted("image", head="mlp:8", dropout=dropout)
    return state_digest(trained(session("image", options(seed=seed), network=network)).network)


@pytest.mark.parametrize("dropout", [0.0, 0.5])
def test_a_hidden_head_is_a_function_of_the_seed(dropout: float) -> None:
    first = weights_of(0, dropout)
    torch.rand(7)
    assert weights_of(0, dropout) == first
    assert weights_of(1, dropout) != first


def test_a_hidden_head_stops_after_the_pass_that_was_asked_for_on_the_same_way() -> None:
    whole, part = (session("image", network=grafted("image", head="mlp:8")) for _ in range(2))
    trained(whole)
    trained(part, Phase("head", 3, 5, 0.1, (0.0,) * 3, stop_after=2))
    assert len(part.records) == 2
    assert [r.train_loss for r in part.records] == [r.train_loss for r in whole.records][:2]


def test_a_hidden_head_obeys_patience_and_the_deadline() -> None:
    long = Phase("head", 3, 40, 0.1, (0.0,) * 3, schedule="constant")
    network = grafted("image", head="mlp:8")
    made = session("image", options(patience=1), network=network)
    made.val = type(made.val)(made.val.rows, 1 - made.val.labels)  # gets worse with training
    trained(made, long)
    assert len(made.records) < 5
    late = session("image", options(deadline=0.0), network=grafted("image", head="mlp:8"))
    assert len(trained(late, long).records) == 1


def test_class_weights_lean_a_head_towards_the_heavier_class() -> None:
    def mean_gap(weights: tuple[float, float] | None, head: str) -> float:
        heavy = None if weights is None else np.array(weights, np.float32)
        made = session("text", options(class_weights=heavy), network=grafted("text", head=head))
        trained(made)
        found = logits(made.network, made.train.rows, mode=made.verdict.inference)
        return float((found[:, 1] - found[:, 0]).mean())

    for head in ("linear", "mlp:8"):
        assert mean_gap((1.0, 9.0), head) > mean_gap(None, head) + 0.01


def test_a_probe_is_loaded_with_its_shift_and_scale() -> None:
    made = session("image")
    probe = fit_probe(Labelled(made.pooled("train"), made.train.labels), 2)
    load_probe(made, probe)
    head = made.network.head
    assert np.array_equal(head.last.weight.detach().numpy(), probe.weight)
    assert np.array_equal(head.shift.numpy(), probe.shift)
    assert np.array_equal(head.scale.numpy(), probe.scale)


@pytest.mark.parametrize("rows", [None, 20])
def test_rows_that_belong_together_are_told_to_the_solver(
    rows: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = session("text")
    units = np.arange(len(made.train)) // 4
    made.train = replace(made.train, units=units)
    seen: list[Labelled] = []
    real = fit_probe

    def told(train: Labelled, *given: Any, **named: Any) -> Any:
        seen.append(train)
        return real(train, *given, **named)

    monkeypatch.setattr(head_module, "fit_probe", told)
    trained(made, replace(PHASE, rows=rows))
    wanted = (
        units
        if rows is None
        else units[sample_rows(made.train.labels, rows, seed=made.options.seed)]
    )
    assert [each.units.tolist() for each in seen if each.units is not None] == [wanted.tolist()]


@pytest.mark.parametrize("kept", [False, True])
def test_a_start_is_solved_on_a_sample_and_passes_no_other_row(
    kept: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = session("text", options(penalty_on_val=False))
    everything = pooled_features(made.network, made.train.rows, mode=made.verdict.inference)
    if kept:
        made.keep_pooled("train", everything)
    passed: list[int] = []
    real = cached.pooled

    def counted(level: Any, rows: Any, **more: Any) -> Any:
        passed.append(len(rows))
        return real(level, rows, **more)

    monkeypatch.setattr(session_module, "pooled", counted)
    trained(made, replace(PHASE, rows=20))
    picked = sample_rows(made.train.labels, 20, seed=made.options.seed)
    probe = fit_probe(Labelled(everything[picked], made.train.labels[picked]), 2)
    found = made.network.head.last.weight.detach().numpy()
    assert found == pytest.approx(probe.weight, abs=1e-5)
    assert passed == ([16] if kept else [20, 16])
