import itertools
import math
from dataclasses import replace

import numpy as np
import pytest

from regraft.data.rows import Origin, Rows
from regraft.errors import DataError
from regraft.freezing.proof import state_digest
from regraft.runs.fitting import train as train_module
from regraft.runs.fitting.sessions import examples
from regraft.runs.fitting.train import Trained, fold_keys, pool_parts, train
from regraft.scoring.metrics import softmax
from regraft.training.batching.folds import FOLDS
from regraft.training.loop import work
from regraft.training.phase import Phase
from regraft.training.precision import Verdict
from regraft.training.progress import Silent
from regraft.training.session import Session
from tests import tiny
from tests.unit.runs.fitting.conftest import Prepare


@pytest.fixture
def worked(monkeypatch: pytest.MonkeyPatch) -> list[Session]:
    """Gets the sessions that are worked, in order."""
    found: list[Session] = []

    def listed(made: Session, phases: list[Phase]) -> None:
        work(made, phases)
        found.append(made)

    monkeypatch.setattr(train_module, "work", listed)
    return found


@pytest.fixture
def folded(prepared: Prepare, verdict: Verdict) -> Trained:
    return train(prepared(60), verdict, pooled={}, progress=Silent())


def test_with_a_validation_part_there_is_one_session(prepared: Prepare, verdict: Verdict) -> None:
    found = prepared()
    trained = train(found, verdict, pooled={}, progress=Silent())
    assert len(trained.folds) == 0
    assert trained.val_logits.shape == (24, 2)
    np.testing.assert_array_equal(trained.val_labels, found.dataset.parts["val"].labels)
    assert [(r.phase, r.epoch) for r in trained.records] == [("head", 1), ("tune", 1), ("tune", 2)]


def test_features_computed_before_change_nothing(prepared: Prepare, verdict: Verdict) -> None:
    one, other = prepared(strategy="head"), prepared(strategy="head")
    pooled = pool_parts(one, verdict, test=None)
    assert set(pooled) == {"train", "val"}
    first = train(one, verdict, pooled=pooled, progress=Silent())
    second = train(other, verdict, pooled={}, progress=Silent())
    np.testing.assert_array_equal(first.val_logits, second.val_logits)


def test_features_of_the_test_rows_are_computed_only_where_they_are_given(
    prepared: Prepare, verdict: Verdict
) -> None:
    found = prepared()
    rows = found.encoded["val"]
    assert set(pool_parts(found, verdict, test=rows)) == {"train", "val", "test"}


def test_under_200_rows_every_row_is_validated_once(folded: Trained) -> None:
    assert sorted(set(folded.folds.tolist())) == list(range(FOLDS))
    assert folded.val_logits.shape == (54, 2)
    assert len(folded.val_labels) == 54
    assert np.abs(folded.val_logits).sum(axis=1).min() > 0
    right = softmax(folded.val_logits).argmax(axis=1) == folded.val_labels
    assert right.mean() > 0.8


def test_folds_do_not_choose_the_penalty_on_the_rows_they_score(
    prepared: Prepare, verdict: Verdict, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[bool] = []
    monkeypatch.setattr(
        train_module, "work", lambda made, phases: seen.append(made.options.penalty_on_val)
    )
    with pytest.raises(ValueError, match="empty"):
        train(prepared(60), verdict, pooled={}, progress=Silent())
    assert seen == [False] * 5


def test_only_the_network_that_is_kept_is_watched(
    prepared: Prepare, verdict: Verdict, worked: list[Session]
) -> None:
    trained = train(prepared(60), verdict, pooled={}, progress=Silent())
    *folds, last = worked
    assert [len(made.stretches) for made in folds] == [0] * 5
    assert not any(event.digests for made in folds for event in made.ledger.events)
    assert last is trained.session
    assert all(event.digests for event in last.ledger.events)
    assert last.stretches
    assert all(stretch.holds for stretch in last.stretches)


def test_folds_share_the_time_that_is_left_and_leave_some_for_the_last_session(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("time.monotonic", lambda: 100.0)
    assert train_module._fold_deadline(165.0, left=5) == pytest.approx(110.0)
    assert train_module._fold_deadline(125.0, left=1) == pytest.approx(110.0)
    assert train_module._fold_deadline(float("inf"), left=1) == float("inf")


def test_an_epoch_of_a_fold_ends_in_the_middle_where_time_is_short(
    prepared: Prepare, verdict: Verdict, worked: list[Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = prepared(60, strategy="full", batch_size=2, epochs=3)
    with monkeypatch.context() as patch:
        clock = itertools.count(0.0, 0.05)  # each look at it costs as much
        patch.setattr("time.monotonic", lambda: next(clock))
        trained = train(found, verdict, pooled={}, progress=Silent(), deadline=5.0)
        assert next(clock) < 5.5
    *folds, last = worked
    assert all(0 < made.step < 20 for made in folds)
    assert 0 < last.step < 27
    assert [(record.phase, record.epoch) for record in trained.records] == [("full", 1)]
    assert [record.rate < 1e-3 for record in last.records] == [True]


def test_the_last_session_begins_what_the_folds_have_chosen_however_late_it_is(
    prepared: Prepare, verdict: Verdict, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(train_module, "_fold_deadline", lambda *_, **__: math.inf)
    monkeypatch.setattr(train_module, "shared_epochs", lambda records: [("tune", 1)])
    trained = train(prepared(60), verdict, pooled={}, progress=Silent(), deadline=0.0)
    assert [record.phase for record in trained.session.records] == ["head", "tune"]


def test_no_time_at_all_still_trains_one_epoch(prepared: Prepare, verdict: Verdict) -> None:
    for rows in (60, 240):
        trained = train(prepared(rows), verdict, pooled={}, progress=Silent(), deadline=0.0)
        assert [record.phase for record in trained.records] == ["head"]


@pytest.mark.parametrize(("strategy", "times"), [("two-stage", 0), ("two-stage+average", 11)])
def test_an_average_has_its_time_beside_that_of_a_validation(
    strategy: str,
    times: int,
    prepared: Prepare,
    verdict: Verdict,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(train_module, "pass_seconds", lambda *_, **__: 2.0)
    made = prepared(240, strategy=strategy)
    options = train(made, verdict, pooled={}, progress=Silent(), deadline=0.0).session.options
    assert (options.reserve, options.averaging) == (2.0, times * 2.0)


def test_typed_settings_reach_the_steps_of_a_hidden_head(
    prepared: Prepare, verdict: Verdict
) -> None:
    def size(**typed: int) -> int:
        found = prepared(strategy="head", head="mlp:4", **typed)
        return train(found, verdict, pooled={}, progress=Silent()).session.options.head_batch_size

    assert (size(), size(batch_size=16)) == (64, 16)


def test_the_last_session_trains_on_all_rows_up_to_the_chosen_epoch(folded: Trained) -> None:
    (best,) = [record for record in folded.records if record.best]
    last = folded.session.records[-1]
    assert (last.phase, last.epoch) == (best.phase, best.epoch)
    assert len(folded.session.train) == 54
    assert len(folded.session.val) == 0


def test_every_fold_starts_from_the_same_weights(
    prepared: Prepare, verdict: Verdict, monkeypatch: pytest.MonkeyPatch
) -> None:
    starts: list[str] = []

    def watched(session: Session, phases: list[Phase]) -> None:
        starts.append(state_digest(session.network))
        work(session, phases)

    monkeypatch.setattr(train_module, "work", watched)
    trained = train(prepared(60), verdict, pooled={}, progress=Silent())
    assert len(starts) == FOLDS + 1
    assert len(set(starts)) == 1
    assert state_digest(trained.session.network) not in starts


@pytest.mark.parametrize("strategy", ["head", "two-stage"])
def test_a_class_with_fewer_rows_than_folds_is_no_obstacle(
    prepared: Prepare, verdict: Verdict, strategy: str
) -> None:
    texts, labels = tiny.toy_texts(6)
    trained = train(
        prepared(source=(texts, labels), strategy=strategy), verdict, pooled={}, progress=Silent()
    )
    assert trained.val_logits.shape == (4, 2)


def test_rows_that_all_fall_into_one_fold_are_too_few(
    prepared: Prepare, verdict: Verdict, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(train_module, "assign_folds", lambda keys, _: np.zeros(len(keys), np.int64))
    with pytest.raises(DataError, match="are too few to choose the epochs"):
        train(prepared(60), verdict, pooled={}, progress=Silent())


def test_examples_are_rows_with_their_labels(prepared: Prepare) -> None:
    found = prepared()
    rows = examples(found, "val")
    assert len(rows) == len(rows.rows) == 24


def test_equal_contents_and_groups_share_a_key() -> None:
    def rows(inputs: list[object], **more: object) -> Rows:
        blank = Rows("text", [], ("a", "b"), np.zeros(len(inputs), np.int64), [Origin("x")] * 3)
        return replace(blank, inputs=inputs, **more)  # type: ignore[arg-type]

    first, second, third = fold_keys(rows(["a  film", "a film", "a play"]))
    assert first == second != third
    first, second, third = fold_keys(rows(["a", "b", "c"], groups=["g", "g", "h"]))
    assert first == second != third
    assert len(set(fold_keys(rows(["a", "b", "c"], groups=["", "", ""])))) == 3
    joined = fold_keys(rows(["a", "a", "b"], groups=["g", "h", "h"]))
    assert len(set(joined)) == 1
    pixels, _ = tiny.toy_pixels(2)
    images = [pixels[0], pixels[0].copy(), pixels[1]]
    first, second, third = fold_keys(rows(images, modality="image"))
    assert first == second != third
