"""Steps on what a frozen prefix made are steps on the rows."""

from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from regraft.backbones.backbone import Batch
from regraft.backbones.graft import Grafted
from regraft.backbones.modes import Mode, Precision
from regraft.features import prefixed, shelf
from regraft.features.cached import Cache
from regraft.features.worth import Worth
from regraft.freezing.line import Above
from regraft.freezing.patterns import above_of
from regraft.freezing.proof import state_digest
from regraft.freezing.threshold import Rule
from regraft.training import steps as steps_module
from regraft.training.aligning.alignment import Alignment, TermName
from regraft.training.batching import batches
from regraft.training.batching.order import class_weights
from regraft.training.keeping.checkpoint import Beside
from regraft.training.loop import work
from regraft.training.moving import entry as entry_module
from regraft.training.moving.entry import enter
from regraft.training.moving.lines import draw_line
from regraft.training.phase import Loss, Phase
from regraft.training.schedule import Clock
from regraft.training.session import Session
from regraft.training.steps import Indices, Stepper, _backward
from tests.tiny_sessions import (
    KINDS,
    Size,
    changed,
    elsewhere_examples,
    grafted,
    options,
    session,
    state,
    without_labels,
)

Gradients = dict[str, torch.Tensor]


@pytest.fixture(autouse=True)
def _own_roof(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGRAFT_CACHE", str(tmp_path))
    monkeypatch.setattr(prefixed, "worth_of", lambda *_: Worth(1.0, 0.1, 0.1, 10.0))


def phase(line: int, epochs: int = 3) -> Phase:
    rates = tuple(0.0 if block < line else 5e-3 for block in range(3))
    return Phase("tune", line, epochs, 5e-3, rates)


def worked(kind: str, *, on: bool, phases: list[Phase], **changed: Any) -> Session:
    made = session(kind, options(**changed))
    made.cache = Cache(on=on, say=lambda line: None)
    work(made, phases)
    return made


@pytest.mark.parametrize("kind", KINDS)
def test_a_line_that_moves_twice_gives_the_same_answers_from_the_cache(kind: str) -> None:
    phases = [phase(1), phase(2), phase(1)]
    plain = worked(kind, on=False, phases=phases)
    cold = worked(kind, on=True, phases=phases)
    warm = worked(kind, on=True, phases=phases)
    assert cold.cache.tally.computed > 0
    assert warm.cache.tally.read > cold.cache.tally.read
    assert state_digest(cold.network) == state_digest(warm.network)
    answers = [made.evaluate().argmax(axis=1) for made in (plain, cold)]
    assert (answers[0] == answers[1]).mean() >= 0.995
    assert all(stretch.holds for stretch in cold.stretches)


@pytest.mark.parametrize("kind", KINDS)
def test_a_disk_without_room_gives_the_same_weights(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    cold = worked(kind, on=True, phases=[phase(2)])
    shelf.clear()
    monkeypatch.setenv("REGRAFT_CACHE_BYTES", "1")
    full = worked(kind, on=True, phases=[phase(2)])
    assert full.cache.tally.trouble
    assert state_digest(full.network) == state_digest(cold.network)


@pytest.mark.parametrize(("views", "epochs", "prefixed_ones"), [(2, 4, 4), (None, 4, 0), (4, 4, 0)])
def test_views_are_kept_where_that_pays(
    views: int | None, epochs: int, prefixed_ones: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    fed: list[bool] = []
    real = prefixed.feed

    def seen(*arguments: Any, **named: Any) -> Any:
        fed.append(True)
        return real(*arguments, **named)

    monkeypatch.setattr(entry_module, "feed", seen)
    changed = {"augment": "drop-tokens", "views": views}
    made = worked("text", on=True, phases=[phase(1, epochs)], **changed)
    assert len(fed) == prefixed_ones
    if prefixed_ones:
        # A short text may come through unchanged: it is one row in both views.
        tally, rows = made.cache.tally, len(made.train)
        assert rows < tally.computed <= 2 * rows
        assert tally.computed + tally.read == epochs * rows


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_a_memory_that_is_too_small_changes_nothing_but_the_pieces(
    kind: str, weighted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = np.array([0.4, 1.6], np.float32) if weighted else None
    # A norm that keeps statistics would see other batches: the images' are frozen.
    phases = [phase(2) if kind == "image" else phase(0)]
    plain = worked(kind, on=False, phases=phases, class_weights=weights, optimizer="sgd")
    sizes: list[int] = []
    real = Grafted.features

    def small(network: Grafted, batch: dict[str, torch.Tensor]) -> torch.Tensor:
        rows = len(next(iter(batch.values())))
        if rows > 3:
            if kind == "image":
                raise torch.OutOfMemoryError("a fake")
            raise RuntimeError("MPS backend out of memory")
        sizes.append(rows)
        return real(network, batch)

    monkeypatch.setattr(Grafted, "features", small)
    lines: list[str] = []
    made = session(kind, options(class_weights=weights, optimizer="sgd"))
    monkeypatch.setattr(made.progress, "say", lines.append, raising=False)
    work(made, phases)
    assert made.piece <= 3
    assert max(sizes) <= 3
    assert [line for line in lines if "out of memory" in line] == [pieces_words(made.piece)]
    losses = [[record.train_loss for record in each.records] for each in (plain, made)]
    if kind == "text":
        assert losses[1] == pytest.approx(losses[0], abs=1e-4)
    assert all(np.isfinite(losses[1]))


@pytest.mark.parametrize(
    ("kind", "precision"), [("text", "fp32"), ("text", "bf16"), ("image", "fp32")]
)
def test_long_texts_go_in_pieces_that_a_processor_holds_with_the_same_gradients(
    kind: str, precision: Precision, monkeypatch: pytest.MonkeyPatch
) -> None:
    mode = Mode(precision, "sdpa", "cpu")
    sizes: list[int] = []
    real = Grafted.features

    def seen(network: Grafted, batch: dict[str, torch.Tensor]) -> torch.Tensor:
        sizes.extend([len(next(iter(batch.values())))] if torch.is_grad_enabled() else [])
        return real(network, batch)

    monkeypatch.setattr(Grafted, "features", seen)

    def trained() -> tuple[Session, list[int]]:
        sizes.clear()
        made = session(kind, options(optimizer="sgd"))
        made.verdict = replace(made.verdict, training=mode)
        work(made, [phase(0)])
        return made, sizes.copy()

    plain, whole = trained()
    monkeypatch.setattr(batches, "WARM", 16)
    made, pieces = trained()
    assert sum(pieces) == sum(whole)
    assert (max(pieces) < max(whole)) == (kind == "text" and precision == "fp32")
    losses = [[record.train_loss for record in each.records] for each in (plain, made)]
    assert losses[1] == pytest.approx(losses[0], abs=1e-4)


def test_one_row_that_is_too_much_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise torch.OutOfMemoryError("a fake")

    monkeypatch.setattr(Grafted, "features", full)
    lines: list[str] = []
    made = session("text")
    monkeypatch.setattr(made.progress, "say", lines.append, raising=False)
    with pytest.raises(torch.OutOfMemoryError):
        work(made, [phase(0)])
    assert lines == []


def pieces_words(most: int, own: str = "") -> str:
    """Returns what is said where batches go in pieces."""
    return f"out of memory: batches go in pieces of at most {most} rows{own} from now on"


def test_it_is_said_once_that_batches_go_in_pieces_and_how_large_they_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A batch is halved three times; in the next epoch its pieces are once more."""
    made, lines, tried = session("image", options(batch_size=32)), list[str](), list[int]()
    real = Grafted.features

    def small(network: Grafted, batch: dict[str, torch.Tensor]) -> torch.Tensor:
        rows = len(batch["pixels"])
        if torch.is_grad_enabled():
            tried.append(rows)
            if rows > (2 if made.epoch else 4):
                raise torch.OutOfMemoryError("a fake")
        return real(network, batch)

    monkeypatch.setattr(Grafted, "features", small)
    monkeypatch.setattr(made.progress, "say", lines.append, raising=False)
    work(made, [phase(0)])
    assert tried[:4] == [32, 16, 8, 4]
    assert made.piece == 2
    assert lines == [pieces_words(4)]


@pytest.mark.parametrize(
    ("loss", "own"), [("pairs", ", each with a loss of its own,"), ("classes", "")]
)
def test_where_pieces_do_not_add_up_to_the_whole_it_is_said(
    loss: Loss, own: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    real = Grafted.features

    def small(network: Grafted, batch: dict[str, torch.Tensor]) -> torch.Tensor:
        rows = len(next(iter(batch.values())))
        if rows > 3 and torch.is_grad_enabled():
            raise torch.OutOfMemoryError("a fake")
        sizes.extend([rows] if torch.is_grad_enabled() else [])
        return real(network, batch)

    monkeypatch.setattr(Grafted, "features", small)
    lines: list[str] = []
    made = session("image", options(batch_size=5))
    monkeypatch.setattr(made.progress, "say", lines.append, raising=False)
    work(made, [replace(phase(0), loss=loss)])
    assert lines == [pieces_words(3, own)]
    assert set(sizes) <= {2, 3}


def test_norms_that_take_statistics_are_not_given_one_row(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []

    def full(_: Grafted, batch: dict[str, torch.Tensor]) -> None:
        seen.append(len(batch["pixels"]))
        raise torch.OutOfMemoryError("a fake")

    monkeypatch.setattr(Grafted, "features", full)
    with pytest.raises(torch.OutOfMemoryError):
        work(session("image"), [phase(0)])
    assert min(seen) == 2


def test_no_device_is_asked_for_steps_over_many_tensors_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = torch.nn.utils.clip_grad_norm_

    def clipped(*given: Any, foreach: bool | None = None, **named: Any) -> torch.Tensor:
        if foreach:
            raise RuntimeError("foreach=True was passed, but can't use it on mps tensors")
        return real(*given, **named)

    monkeypatch.setattr(torch.nn.utils, "clip_grad_norm_", clipped)
    made = worked("text", on=False, phases=[phase(1)])
    assert all(record.gradient_norm for record in made.records)


@pytest.mark.parametrize(("batch", "piece"), [(1, 8), (8, 1)])
def test_rows_of_a_source_whose_class_weighs_nothing_teach_nothing(batch: int, piece: int) -> None:
    """As in a fold that has no row of a class, though the source does."""
    weights = np.array([0.0, 1.0], np.float32)
    made = session("text", options(class_weights=weights, batch_size=batch))
    made.train = replace(made.train, labels=np.ones(len(made.train), np.int64))
    made.source = replace(made.train, labels=np.zeros(len(made.train), np.int64))
    made.piece = piece
    work(made, [replace(phase(0, 1), mix=1.0)])
    assert made.step > len(made.train) / batch
    assert all(torch.isfinite(each).all() for each in made.network.parameters())
    assert np.isfinite([record.train_loss for record in made.records]).all()


def test_pairs_teach_nothing_where_the_last_block_that_moved_freezes() -> None:
    network = grafted("image")
    top = above_of(network.trunk, ["top"])
    made = session("image", options(threshold=Rule(0.4, "clock"), above=top), network=network)
    work(made, [replace(phase(0), loss="pairs")])
    assert made.still == {0, 1}
    assert 0 < made.step < 12
    assert all(stretch.holds for stretch in made.stretches)


def test_matrices_do_not_shrink_where_a_step_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Beside, "step", lambda self, optimiser: False)
    made = session("text")
    before = state(made.network)
    work(made, [replace(phase(0, 1), shrink=(0.5,) * 4)])
    assert made.step > 0
    assert not changed(before, made.network)


def aligned(term: TermName, **known: Any) -> tuple[Session, Phase]:
    """Returns a session beside a target, and a phase that draws the two together."""
    made = session("image", options(**known))
    made.target = without_labels(elsewhere_examples("image", 20))
    return made, replace(phase(0, 1), alignment=Alignment(term, source=term != "shot"))


@pytest.mark.parametrize(("term", "times"), [("mcc", 2), ("shot", 1)])
def test_only_what_is_learnt_of_goes_through_the_network(
    term: TermName, times: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, seen = Grafted.features, [0]

    def counted(network: Grafted, batch: dict[str, torch.Tensor]) -> torch.Tensor:
        seen[0] += len(batch["pixels"]) if torch.is_grad_enabled() else 0
        return real(network, batch)

    made, own = aligned(term)
    monkeypatch.setattr(Grafted, "features", counted)
    work(made, [own])
    assert seen[0] == times * len(made.train)
    record = made.records[-1]
    assert np.isfinite(record.train_loss)
    assert record.train_loss != 0
    assert (record.train_accuracy is None) is (term == "shot")


@pytest.mark.parametrize(("most", "batch", "sizes"), [(7, 5, {4, 6}), (3, 8, set())])
def test_what_compares_domains_is_not_cut_until_nothing_is_left_to_compare(
    most: int, batch: int, sizes: set[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    real, tried = Grafted.features, [0]
    passed: set[int] = set()

    def small(network: Grafted, rows: dict[str, torch.Tensor]) -> torch.Tensor:
        count = len(rows["pixels"])
        if torch.is_grad_enabled():
            tried.append(count)
            if count > most:
                raise torch.OutOfMemoryError("a fake")
            passed.add(count)
        return real(network, rows)

    made, own = aligned("mmd", batch_size=batch)
    monkeypatch.setattr(Grafted, "features", small)
    with nullcontext() if sizes else pytest.raises(torch.OutOfMemoryError):
        work(made, [own])
    assert passed <= sizes
    assert min(tried[1:]) == 4


def stepper_of(made: Session, own: Phase) -> Stepper:
    """Returns what takes the steps of a phase, its line drawn."""
    draw_line(made, own)
    beside = Beside(torch.amp.GradScaler("cpu", enabled=False))
    return Stepper(made, own, 4, beside, Clock())


def gradients(stepper: Stepper, batch: Batch, indices: Indices) -> tuple[float, Gradients]:
    """Returns the loss of a batch and the gradient of every weight that moves."""
    made = stepper.session
    weights = class_weights(made, stepper.phase)
    loss, _ = _backward(stepper, batch, stepper.known(indices), weights)
    moving = {n: p.grad for n, p in made.network.named_parameters() if p.grad is not None}
    made.optimiser.zero_grad(set_to_none=True)
    return float(loss), moving


@pytest.mark.parametrize(
    ("fits", "piece"),
    [([False], 4), ([False, False], 2), ([False, False, True, False], 1)],
    ids=["pieces of four", "pieces of two", "a second piece that does not fit"],
)
@pytest.mark.parametrize("cached", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_the_gradients_of_pieces_are_those_of_the_whole_batch(
    kind: str, cached: bool, fits: list[bool], piece: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = grafted(kind, classes=3)
    # Statistics of a piece would be others.
    still = above_of(network.trunk, ["norm"]) if kind == "image" else Above()
    chosen = options(class_weights=np.array([0.2, 1.0, 3.0], np.float32), above=still)
    made = session(kind, chosen, size=Size(train=48, classes=3), network=network)
    made.cache = Cache(on=cached, say=lambda line: None)
    stepper = stepper_of(made, phase(1))
    fed = enter(made, stepper.phase, rows=made.train.rows)
    assert isinstance(fed, prefixed.Prefixed) is cached
    indices = np.array([0, 3, 6, 1, 2, 4, 5, 8])  # of the classes 0, 0, 0, 1, 2, 1, 2, 2
    batch = fed.batch(indices)
    whole = gradients(stepper, batch, indices)
    answers, sizes, real = iter(fits), list[int](), steps_module._loss

    def small(given: Stepper, passed: Any, labels: torch.Tensor, weights: Any) -> torch.Tensor:
        sizes.append(len(labels))
        if not next(answers, True):
            raise torch.OutOfMemoryError("a fake")
        return real(given, passed, labels, weights)

    monkeypatch.setattr(steps_module, "_loss", small)
    found = gradients(stepper, batch, indices)
    assert sizes[-8 // piece :] == [piece] * (8 // piece)
    assert found[0] == pytest.approx(whole[0], rel=1e-5)
    largest = max(float(each.abs().max()) for each in whole[1].values())
    torch.testing.assert_close(found[1], whole[1], rtol=1e-5, atol=1e-6 * largest)
