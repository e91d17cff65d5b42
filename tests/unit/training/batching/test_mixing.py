"""Tests that rows of a source come in, some in each pass, with a head of their own if need be."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional

from regraft.backbones.graft import make_head
from regraft.errors import DivergedError
from regraft.freezing.proof import state_digest
from regraft.strategies.sequential import Sequential
from regraft.training import phase as phase_module
from regraft.training.aligning.alignment import Alignment
from regraft.training.batching.mixing import loss_of_classes, mixed, of_two, start_source_head
from regraft.training.heads.probe import ABSENT
from regraft.training.loop import work
from regraft.training.phase import Phase
from regraft.training.session import Examples, Session
from tests.tiny_sessions import EXAMPLES, KINDS, facts, session, without_labels

MIXED = Phase("mixed", 0, 2, 5e-3, (5e-3,) * 3, mix=0.5)


def sourced(kind: str, *, own: int = 0, rows: int = 64) -> Session:
    """Returns a session with a source: of the same classes, or of `own` others."""
    made = session(kind)
    source = EXAMPLES[kind](rows, seed=5, classes=own or 2)
    made.source = source
    if own:
        made.source = Examples(source.rows, source.labels + 2)
        generator = torch.Generator().manual_seed(1)
        made.source_head = make_head("linear", 16, classes=own, generator=generator)
    return made


@pytest.mark.parametrize("kind", KINDS)
def test_each_pass_draws_other_rows_of_the_source(kind: str) -> None:
    made = sourced(kind)
    first, again, other = (mixed(made, MIXED, epoch=e) for e in (0, 0, 1))
    assert len(first) == 32 + 16
    np.testing.assert_array_equal(first.labels[:32], made.train.labels)
    assert _bytes(first) == _bytes(again) != _bytes(other)
    assert mixed(made, replace(MIXED, mix=0.0), epoch=0) is made.train


def test_a_small_source_is_taken_whole() -> None:
    assert len(mixed(sourced("text", rows=6), replace(MIXED, mix=9.0), epoch=0)) == 32 + 6


def test_each_of_many_classes_of_a_source_is_in_its_head(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(phase_module, "START_ROWS", 8)
    made = sourced("image", own=12, rows=60)
    start_source_head(made, MIXED)
    assert made.source_head is not None
    biases = made.source_head.last.bias.tolist()
    assert all(bias > ABSENT for bias in biases)


def test_a_trunk_that_diverged_solves_no_head_of_the_source() -> None:
    made = sourced("image", own=3)
    next(made.network.trunk.parameters()).data.fill_(float("nan"))
    with pytest.raises(DivergedError, match="the training diverged"):
        start_source_head(made, MIXED)


@pytest.mark.parametrize("own", [0, 3])
@pytest.mark.parametrize("kind", KINDS)
def test_it_learns_and_repeats_itself(kind: str, own: int) -> None:
    digests = []
    for _ in range(2):
        made = sourced(kind, own=own)
        work(made, Sequential(1.0).phases(made.chain, facts(kind)))
        assert all(stretch.holds for stretch in made.stretches)
        assert made.best is not None
        wrong = made.chosen_logits().argmax(axis=1) != made.val.labels
        assert wrong.mean() < 0.3
        digests.append(state_digest(made.network))
    assert digests[0] == digests[1]


def test_the_head_of_other_classes_learns_them_and_is_not_in_the_network() -> None:
    made = sourced("text", own=3)
    work(made, Sequential(2.0).phases(made.chain, facts("text", epochs=4)))
    assert made.source is not None
    assert made.source_head is not None
    with torch.no_grad():
        features = made.network.eval().features(made.source.rows.batch(np.arange(64)))
        right = made.source_head(features).argmax(dim=1).numpy() + 2 == made.source.labels
    assert right.mean() > 0.8
    assert made.network.head.classes == 2


def _bytes(examples: Examples) -> bytes:
    batch = examples.rows.batch(np.arange(len(examples)))
    return b"".join(tensor.numpy().tobytes() for tensor in batch.values())


@pytest.mark.parametrize("kind", KINDS)
def test_all_rows_of_a_target_stand_behind_the_training_rows_without_labels(kind: str) -> None:
    made = session(kind)
    made.target = without_labels(EXAMPLES[kind](20, seed=6))
    aligned = replace(MIXED, alignment=Alignment("mcc"))
    first, other = (mixed(made, aligned, epoch=e) for e in (0, 1))
    assert first is other
    assert first.labels[:32].tolist() == made.train.labels.tolist()
    assert first.labels[32:].tolist() == [-1] * 20
    made.train = replace(made.train)
    assert mixed(made, aligned, epoch=0) is not first


def test_rows_of_two_data_sets_are_told_by_a_head_each() -> None:
    made = sourced("text", own=3)
    assert of_two(made, MIXED)
    assert not of_two(made, replace(MIXED, mix=0.0))
    features, logits = torch.randn(4, 16), torch.randn(4, 2)
    labels = torch.tensor([0, 3, 1, 1])
    assert made.source_head is not None
    found = loss_of_classes(features, logits, labels, weights=None, other=made.source_head)
    own = functional.cross_entropy(logits[labels < 2], labels[labels < 2])
    theirs = functional.cross_entropy(made.source_head(features[1:2]), labels[1:2] - 2)
    assert float(found.detach()) == pytest.approx(float((0.75 * own + 0.25 * theirs).detach()))
