"""Tests which labelled rows of a target are drawn, and that nothing else of labels is seen."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest

from regraft.errors import DataError
from regraft.runs.adapting.features import pool_domains
from regraft.runs.adapting.labels import Drawn, draw_labelled, draw_places, spread_order
from regraft.runs.adapting.target import Target, read_target
from regraft.runs.fitting.prepare import Prepared
from regraft.training.precision import Verdict
from tests import tiny
from tests.unit.runs.adapting.conftest import Steps, nobody

TEXTS, LABELS = tiny.numbered(tiny.texts_elsewhere(40)[0]), tiny.texts_elsewhere(40)[1]
Draw = Callable[..., Drawn]


@pytest.fixture
def draw(steps: Steps, verdict: Verdict) -> Draw:
    """Draws labelled rows of the target of which so many are asked for."""
    prepared, _, _, _, domains = steps()
    target = read(prepared, LABELS, 1, False)
    pools = pool_domains(prepared, verdict, target=target)
    said: list[str] = []

    def make(count: int, *, labels: Any = LABELS, score: bool = True, seed: int = 0) -> Any:
        target = read(prepared, labels, count, score)
        own = replace(domains, seed=seed)
        places = partial(draw_places, target, pools.target, domains=own)
        return draw_labelled(target, places, say=said.append)

    make.features = pools.target  # type: ignore[attr-defined]
    make.said = said  # type: ignore[attr-defined]
    return make


def read(prepared: Prepared, labels: Any, count: int, score: bool) -> Target:
    return read_target((TEXTS, labels), prepared, score=score, say=nobody, learn=count)


def texts(drawn: Drawn) -> list[str]:
    return [str(drawn.target.rows.inputs[row]) for row in drawn.rows.tolist()]


def test_drawn_rows_have_their_labels_and_features(draw: Draw) -> None:
    drawn = draw(8)
    classes = drawn.target.rows.classes
    assert [classes[n] for n in drawn.labels] == [
        LABELS[TEXTS.index(text)] for text in texts(drawn)
    ]
    features = draw.features  # type: ignore[attr-defined]
    known = drawn.known(features)
    assert np.array_equal(known.features, features[drawn.rows])
    assert np.array_equal(known.labels, drawn.labels)


def test_the_draw_is_one_of_content_and_seed_and_nests(draw: Draw) -> None:
    assert texts(draw(8)) == texts(draw(8))
    assert set(texts(draw(8))) < set(texts(draw(20)))
    assert texts(draw(8, seed=1)) != texts(draw(8))


def test_labels_of_other_rows_change_nothing_that_is_drawn(draw: Draw) -> None:
    first = draw(8)
    chosen = set(texts(first))
    other = {"pos": "neg", "neg": "pos"}
    turned = [x if t in chosen else other[x] for t, x in zip(TEXTS, LABELS, strict=True)]
    second = draw(8, labels=turned)
    assert texts(second) == texts(first)
    assert np.array_equal(second.labels, first.labels)
    assert not np.array_equal(second.target.labels, first.target.labels)


def test_drawn_rows_and_rows_that_equal_them_are_not_scored(draw: Draw) -> None:
    drawn = draw(8)
    assert len(drawn.target.scored) == len(drawn.target.labels) == 32
    assert not set(drawn.target.scored.tolist()) & set(drawn.rows.tolist())
    known = dict(zip(TEXTS, LABELS, strict=True))
    for row, label in zip(drawn.target.scored, drawn.target.labels, strict=True):
        assert drawn.target.rows.classes[label] == known[str(drawn.target.rows.inputs[row])]


def test_all_of_them_leave_nothing_to_score(draw: Draw) -> None:
    with pytest.raises(DataError, match=r"no labelled row .* is left to score.*--target-labels 20"):
        draw(40)
    assert len(draw(40, score=False).rows) == 40


def test_some_of_them_may_leave_nothing_to_score_too(steps: Steps) -> None:
    target = read(steps()[0], LABELS, 8, True)
    one = replace(target, scored=target.offered[:1], labels=target.answers[:1])
    with pytest.raises(DataError, match=r"no labelled row .* is left to score.*--target-labels 4"):
        draw_labelled(one, lambda: np.arange(8), say=nobody)


def test_what_they_are_used_for_is_said_in_words_and_in_numbers(draw: Draw) -> None:
    drawn = draw(8)
    document = drawn.document(learnt=8)
    numbers = {key: document[key] for key in document.keys() - {"how", "rows"}}
    assert numbers == {"asked": 8, "used_for_training": 8, "used_for_selection": 8}
    assert document["how"] == draw.said[0]  # type: ignore[attr-defined]
    assert document["how"].startswith("8 labelled rows of the target train")
    assert "but not source-only, alone or behind a preparation" in document["how"]
    assert "moves the trunk" not in document["how"]
    places = [f"data:{TEXTS.index(text) + 1}" for text in texts(drawn)]
    assert document["rows"] == places
    assert drawn.document(learnt=0)["used_for_training"] == 0
    many = replace(drawn, rows=np.zeros(200, np.int64))
    assert "100 of them, a half held out" in many.words()


def test_one_half_teaches_what_moves_the_trunk_and_the_other_judges_all(draw: Draw) -> None:
    drawn = replace(draw(9), once=True)
    assert drawn.teaching.tolist() == [0, 2, 4, 6, 8]
    assert drawn.judging == drawn.document(learnt=5)["used_for_selection"] == 4
    assert "and 5 of them what moves the trunk" in drawn.words()
    assert "4 of them, a half held out" in drawn.words()
    lent = drawn.lent
    assert lent is not None
    assert lent.labels.tolist() == drawn.labels[::2].tolist()
    wanted = drawn.target.encoded.take(drawn.rows[::2]).batch(np.arange(5))
    given = lent.rows.batch(np.arange(5))
    assert all(bool((wanted[name] == given[name]).all()) for name in wanted)


class Turns:
    """A classifier whose answers take turns."""

    def logits(self, features: Any) -> Any:
        return np.eye(2)[features[:, 0].astype(int) % 2]


@pytest.mark.parametrize("count", [8, 20])
def test_either_half_has_rows_of_each_answer(steps: Steps, count: int) -> None:
    """Strata that are as large take turns in the draw: every second row is of one."""
    prepared, _, _, _, domains = steps()
    target = read(prepared, LABELS, count, False)
    features = np.arange(len(target.rows), dtype=np.float32)[:, None]
    turning = replace(domains, start=Turns())  # type: ignore[arg-type]
    places = partial(draw_places, target, features, domains=turning)
    drawn = draw_labelled(target, places, say=nobody, once=True)
    teaching = np.isin(np.arange(count), drawn.teaching)
    for each in (0, 1):
        parted = [int((drawn.rows[half] % 2 == each).sum()) for half in (teaching, ~teaching)]
        assert sum(parted) >= count // 4
        assert abs(parted[0] - parted[1]) <= 1


def test_a_single_row_judges_and_teaches_nothing_that_moves(draw: Draw) -> None:
    drawn = replace(draw(1), once=True)
    assert drawn.lent is None
    assert drawn.judging == 1


def test_a_class_that_no_drawn_row_has_is_a_warning(draw: Draw) -> None:
    draw(1)
    assert "warning: none of these has the class" in draw.said[-1]  # type: ignore[attr-defined]


def test_nothing_is_drawn_where_nothing_is_asked(steps: Steps) -> None:
    _, _, pools, target, domains = steps()
    assert target.learn == len(target.offered) == 0
    places = partial(draw_places, target, pools.target, domains=domains)
    drawn = draw_labelled(target, places, say=nobody)
    assert len(drawn.rows) == len(drawn.known(pools.target).labels) == 0
    assert drawn.target is target


@pytest.mark.parametrize("count", [10, 25, 50])
def test_every_first_part_of_the_order_has_the_strata_s_proportions(count: int) -> None:
    strata = np.array([0] * 60 + [1] * 30 + [2] * 10)
    order = spread_order(strata, seed=0)
    assert sorted(order.tolist()) == list(range(100))
    shares = np.bincount(strata[order[:count]], minlength=3) / count
    assert shares == pytest.approx([0.6, 0.3, 0.1], abs=1.01 / count)
    assert spread_order(strata, seed=1).tolist() != order.tolist()
