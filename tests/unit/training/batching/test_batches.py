"""Tests the order of rows: every row once, little padding, a pure function of the seed."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from regraft.training.batching.batches import (
    SPREAD,
    count_steps,
    epoch_batches,
    even_cuts,
    pair_batches,
    takes_statistics,
)

LENGTHS = np.random.default_rng(0).integers(3, 200, 1000)


def listed(batches: list[np.ndarray]) -> list[list[int]]:
    return [batch.tolist() for batch in batches]


@given(st.lists(st.integers(1, 300), min_size=1, max_size=300), st.integers(1, 40))
def test_every_row_is_in_exactly_one_batch(lengths: list[int], batch_size: int) -> None:
    batches = epoch_batches(np.array(lengths), batch_size, seed=1, epoch=0)
    assert sorted(np.concatenate(batches).tolist()) == list(range(len(lengths)))


@given(st.lists(st.integers(1, 300), min_size=1, max_size=300), st.integers(1, 40))
def test_a_batch_keeps_the_budget_and_its_number_of_rows(
    lengths: list[int], batch_size: int
) -> None:
    array = np.array(lengths)
    budget = batch_size * array.mean()
    for batch in epoch_batches(array, batch_size, seed=1, epoch=0):
        assert 1 <= len(batch) <= SPREAD * batch_size + 1  # with a row left over
        longest = array[batch].max()
        # Half a row is rounding; a batch of the fewest rows may cost more.
        fewest = len(batch) <= max(1, batch_size // SPREAD) + 1
        assert fewest or (len(batch) - 1) * longest <= budget + longest / 2


def test_the_order_is_a_pure_function_of_seed_and_epoch() -> None:
    found = {
        (seed, epoch): listed(epoch_batches(LENGTHS, 16, seed=seed, epoch=epoch))
        for seed in (0, 1)
        for epoch in (0, 1)
    }
    np.random.default_rng().integers(10)
    assert listed(epoch_batches(LENGTHS, 16, seed=0, epoch=1)) == found[0, 1]
    assert len({str(batches) for batches in found.values()}) == 4


def test_sorting_in_windows_saves_most_of_the_padding() -> None:
    def cost(batches: list[np.ndarray]) -> int:
        return sum(len(batch) * int(LENGTHS[batch].max()) for batch in batches)

    order = np.random.default_rng(1).permutation(1000)
    plain = cost(np.split(order, 50)) - LENGTHS.sum()
    batches = epoch_batches(LENGTHS, 20, seed=0, epoch=0)
    assert cost(batches) - LENGTHS.sum() < 0.15 * plain


def test_batches_do_not_come_in_the_order_of_their_lengths() -> None:
    batches = epoch_batches(LENGTHS, 16, seed=0, epoch=0)
    longest = [int(LENGTHS[batch].max()) for batch in batches]
    assert abs(np.corrcoef(np.arange(len(longest)), longest)[0, 1]) < 0.4


def test_rows_of_one_length_make_batches_of_the_size_asked_for() -> None:
    batches = epoch_batches(np.full(70, 32), 16, seed=0, epoch=0)
    assert sorted(map(len, batches)) == [6, 16, 16, 16, 16]


@pytest.mark.parametrize("rows", [17, 33, 16 * 40 + 1])
def test_a_single_row_left_over_joins_the_batch_before(rows: int) -> None:
    batches = epoch_batches(np.full(rows, 32), 16, seed=0, epoch=0)
    assert sorted(map(len, batches)) == [16] * (rows // 16 - 1) + [17]
    assert sorted(np.concatenate(batches).tolist()) == list(range(rows))


def test_batches_of_one_row_are_made_where_they_are_asked_for() -> None:
    assert list(map(len, epoch_batches(np.full(3, 32), 1, seed=0, epoch=0))) == [1, 1, 1]
    assert list(map(len, epoch_batches(np.full(1, 32), 8, seed=0, epoch=0))) == [1]


def test_steps_are_counted_as_the_epochs_take_them() -> None:
    assert count_steps([4, 5, 6]) == 15
    assert count_steps([4, 5, 6], last_pass=0.5) == 12
    assert count_steps([3], last_pass=0.01) == 1


@pytest.mark.parametrize(("classes", "rows"), [(2, 16), (5, 40), (20, 160), (3, 31)])
def test_batches_of_pairs_hold_both_kinds(classes: int, rows: int) -> None:
    labels = np.arange(rows) % classes
    batches = pair_batches(labels, 16, seed=0, epoch=0)
    assert sorted(np.concatenate(batches).tolist()) == list(range(rows))
    for batch in batches:
        counts = np.bincount(labels[batch])
        assert (counts >= 2).any()
        assert (counts > 0).sum() >= 2 or len(batch) < 8
    again, other = (pair_batches(labels, 16, seed=0, epoch=e) for e in (0, 1))
    assert listed(again) == listed(batches) != listed(other)


@given(st.integers(1, 200), st.integers(1, 250))
def test_pieces_are_even_and_none_is_of_one_row(rows: int, most: int) -> None:
    cuts = even_cuts(rows, most)
    sizes = [cut.stop - cut.start for cut in cuts]
    assert [row for cut in cuts for row in range(cut.start, cut.stop)] == list(range(rows))
    assert max(sizes) - min(sizes) <= 1
    assert max(sizes) <= max(most, 3 if most == 2 else 1)
    assert rows == 1 or most == 1 or min(sizes) > 1


@given(st.integers(1, 100), st.integers(1, 250))
def test_pieces_keep_together_what_stands_together(pairs: int, most: int) -> None:
    cuts = even_cuts(2 * pairs, most, together=2)
    sizes = [cut.stop - cut.start for cut in cuts]
    assert [row for cut in cuts for row in range(cut.start, cut.stop)] == list(range(2 * pairs))
    assert all(cut.start % 2 == 0 for cut in cuts)
    assert max(sizes) - min(sizes) <= 2
    assert max(sizes) <= max(most, 2)


def test_norms_take_statistics_of_rows_where_they_are_not_frozen() -> None:
    network = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    assert takes_statistics(network)
    network[1].eval()
    assert not takes_statistics(network)
    assert not takes_statistics(nn.LayerNorm(2))
