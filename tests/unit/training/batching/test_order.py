"""Tests which rows an epoch shows: views that come again, proportions, pure functions."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from regraft.losses.cross_entropy import balanced_weights
from regraft.training.aligning.alignment import Alignment
from regraft.training.batching import order as order_module
from regraft.training.batching.mixing import mixed
from regraft.training.batching.order import (
    class_weights,
    counted,
    order,
    row_weights,
    shown,
    turns,
)
from regraft.training.phase import Phase
from tests.tiny_sessions import (
    KINDS,
    Size,
    elsewhere_examples,
    options,
    session,
    without_labels,
)

AUGMENT = {"text": "drop-tokens", "image": "flip-crop"}


def phase(line: int) -> Phase:
    rates = tuple(0.0 if block < line else 5e-3 for block in range(3))
    return Phase("tune", line, 3, 5e-3, rates)


@pytest.mark.parametrize("kind", KINDS)
def test_views_come_again_where_blocks_are_frozen(kind: str) -> None:
    made = session(kind, options(augment=AUGMENT[kind], views=2))

    def batch(line: int, epoch: int) -> bytes:
        rows = shown(made, phase(line), epoch=epoch).batch(np.arange(4))
        return b"".join(tensor.numpy().tobytes() for tensor in rows.values())

    assert batch(1, 0) == batch(1, 2) != batch(1, 1)
    assert len({batch(0, epoch) for epoch in range(3)}) == 3


@pytest.mark.parametrize(
    ("changed", "line", "expected"),
    [
        ({"augment": "none", "views": 2}, 0, 1),
        ({"augment": "drop-tokens", "views": 2}, 1, 2),
        ({"augment": "drop-tokens", "views": 2}, 0, 0),
        ({"augment": "drop-tokens", "views": None}, 1, 0),
    ],
)
def test_views_take_turns_where_a_phase_starts_with_frozen_blocks(
    changed: dict[str, Any], line: int, expected: int
) -> None:
    assert turns(session("text", options(**changed)), phase(line)) == expected


@pytest.mark.parametrize("kind", KINDS)
def test_every_row_comes_once_in_an_order_of_seed_and_epoch(kind: str) -> None:
    made = session(kind, options(batch_size=4))
    found = [order(made, phase(0), rows=made.train.rows, epoch=epoch) for epoch in (0, 0, 1)]
    rows = [np.concatenate(batches).tolist() for batches in found]
    assert rows[0] == rows[1] != rows[2]
    assert sorted(rows[0]) == sorted(rows[2]) == list(range(len(made.train)))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("more", [{}, {"loss": "pairs"}, {"alignment": Alignment("mcc")}])
def test_batches_are_counted_as_the_epochs_will_have_them(kind: str, more: dict[str, Any]) -> None:
    made = session(kind, options(batch_size=3, augment=AUGMENT[kind]))
    made.target = without_labels(elsewhere_examples(kind, 20))
    made.proportions = torch.tensor([0.7, 0.3])
    planned, epochs = replace(phase(0), **more), range(2, 8)
    found = [
        len(order(made, planned, rows=shown(made, planned, epoch=epoch), epoch=epoch))
        for epoch in epochs
    ]
    assert counted(made, planned, epochs=epochs) == found


def test_of_pictures_and_of_pairs_one_epoch_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = list[int]()

    def watched(*given: Any, epoch: int) -> Any:
        seen.append(epoch)
        return shown(*given, epoch=epoch)

    monkeypatch.setattr(order_module, "shown", watched)
    pictures = counted(session("image", options()), phase(0), epochs=range(3, 1000))
    pairs = counted(session("text"), replace(phase(0), loss="pairs"), epochs=range(5, 1000))
    assert seen == [3, 5]
    assert (len(pictures), len(pairs)) == (997, 995)
    seen.clear()
    counted(session("text"), phase(0), epochs=range(3, 6))
    assert seen == [3, 4, 5]


def test_rows_weigh_as_much_as_their_class_is_expected_of_the_target() -> None:
    made = session("text", options())
    assert row_weights(made) == pytest.approx(np.ones(len(made.train)))
    made.proportions = torch.tensor([0.8, 0.2])
    weights, labels = row_weights(made), made.train.labels
    assert weights.mean() == pytest.approx(1)
    assert weights[labels == 0].sum() == pytest.approx(0.8 * len(labels), rel=1e-5)


@pytest.mark.parametrize("lent", [False, True])
def test_classes_with_weights_count_the_same_among_the_rows_that_come(lent: bool) -> None:
    own = np.array([0.5, 2.0], np.float32)
    made = session("text", options(class_weights=own), size=Size(train=200))
    made.target = without_labels(elsewhere_examples("text", 20))
    made.proportions = torch.tensor([0.8, 0.2])
    if lent:
        made.lent, made.lent_times = elsewhere_examples("text", 6), 4
    aligned = replace(phase(0), alignment=Alignment("mcc"))
    rows = shown(made, aligned, epoch=0)
    batches = [each for epoch in range(20) for each in order(made, aligned, rows=rows, epoch=epoch)]
    come = mixed(made, aligned, epoch=0).labels[np.concatenate(batches)]
    weights, usual = class_weights(made, aligned), class_weights(made, phase(0))
    assert weights is not None
    assert usual is not None
    weighed = np.bincount(come[come >= 0]) * weights.numpy()
    assert weighed[0] == pytest.approx(weighed[1], rel=0.05)
    assert usual.tolist() == own.tolist()
    made.options = options()
    assert class_weights(made, aligned) is None


def test_a_class_that_only_labelled_rows_of_the_target_have_weighs_something() -> None:
    """Else its loss would be 0 / 0."""
    made, lent = session("text", options(class_weights=np.ones(3, np.float32))), 6
    made.lent = replace(elsewhere_examples("text", lent), labels=np.full(lent, 2))
    made.lent_times = 4
    found = class_weights(made, replace(phase(0), alignment=Alignment("mcc")))
    assert found is not None
    together = np.concatenate([made.train.labels, np.full(24, 2)])
    assert found.tolist() == pytest.approx(balanced_weights(together, 3).tolist())


def test_steps_that_compare_two_domains_are_not_made_smaller_than_they_should_be() -> None:
    made = session("text", options(batch_size=2, least_paired=6))
    made.target = without_labels(elsewhere_examples("text", 20))
    aligned = replace(phase(0), alignment=Alignment("mcc"))
    rows = shown(made, aligned, epoch=0)

    def usual(changed: Phase) -> float:
        return float(np.mean([len(b) for b in order(made, changed, rows=rows, epoch=0)]))

    assert usual(phase(0)) == pytest.approx(2, abs=0.5)
    assert usual(aligned) == pytest.approx(2 * 6, abs=3)
    made = session("text", options(batch_size=10, least_paired=6))
    made.target = without_labels(elsewhere_examples("text", 20))
    assert usual(aligned) > 15


def test_where_the_source_is_not_learnt_the_target_comes_alone() -> None:
    made = session("text", options())
    made.target = without_labels(elsewhere_examples("text", 20))
    made.lent, made.lent_times = elsewhere_examples("text", 6), 2
    both, alone = (
        replace(phase(0), alignment=Alignment("shot", source=source)) for source in (True, False)
    )
    rows = shown(made, both, epoch=0)
    found, wanted = (order(made, each, rows=rows, epoch=0) for each in (alone, both))
    own = len(made.train)
    for batch, whole in zip(found, wanted, strict=True):
        assert batch.tolist() == [row for row in whole.tolist() if row >= own]
    came = np.concatenate(found)
    assert (came < own + 6).sum() == 2 * 6
    assert (came >= own + 6).sum() == own + 2 * 6
