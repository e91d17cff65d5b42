"""Tests which rows stand beside each other: a function of (seed, epoch), lengths, proportions."""

import itertools

import numpy as np
import numpy.typing as npt
import pytest

from regraft.training.aligning.pairing import Pairing, paired_batches, resampled

LENGTHS = np.random.default_rng(0).integers(3, 30, 50).astype(np.int64)
ONES = np.ones(30)


def batches(
    *, seed: int = 1, epoch: int = 0, weights: npt.NDArray[np.float64] = ONES
) -> list[npt.NDArray[np.int64]]:
    return paired_batches(LENGTHS, 8, pairing=Pairing(weights), seed=seed, epoch=epoch)


def test_each_source_row_is_there_once_with_a_row_of_the_target_behind_it() -> None:
    found = np.concatenate(batches())
    assert sorted(found[::2].tolist()) == list(range(30))
    assert (found[1::2] >= 30).all()
    assert all(len(batch) % 2 == 0 for batch in batches())


def test_a_small_target_comes_round_and_a_large_one_is_seen_in_parts() -> None:
    counts = np.bincount(np.concatenate(batches())[1::2], minlength=50)[30:]
    assert set(counts.tolist()) == {1, 2}  # 30 of 20 rows
    large = np.full(530, 5, np.int64)
    parts = [
        np.concatenate(paired_batches(large, 8, pairing=Pairing(ONES), seed=1, epoch=e))[1::2]
        for e in (0, 1)
    ]
    assert [len(set(part.tolist())) for part in parts] == [30, 30]
    assert len(set(parts[0].tolist()) & set(parts[1].tolist())) < 10


def test_seed_and_epoch_decide_and_nothing_else() -> None:
    first, again, later, other = batches(), batches(), batches(epoch=1), batches(seed=2)
    assert [b.tolist() for b in first] == [b.tolist() for b in again]
    assert [b.tolist() for b in first] != [b.tolist() for b in later]
    assert [b.tolist() for b in first] != [b.tolist() for b in other]


def test_long_rows_meet_long_rows() -> None:
    longest = [[int(LENGTHS[batch[side::2]].max()) for side in (0, 1)] for batch in batches()]
    assert len({source for source, _ in longest}) > 1
    for first, second in itertools.permutations(longest, 2):
        assert first[0] <= second[0] or first[1] >= second[1]


@pytest.mark.parametrize(("times", "size"), [(3, 8), (10, 8), (4, 60)])
def test_labelled_rows_of_the_target_are_dealt_to_the_batches_so_many_times(
    times: int, size: int
) -> None:
    pairing = Pairing(ONES, first=36, times=times)
    found = paired_batches(LENGTHS, size, pairing=pairing, seed=1, epoch=0)
    known, other = (np.concatenate([batch[side::2] for batch in found]) for side in (0, 1))
    counts = np.bincount(known, minlength=50)
    assert counts.tolist() == [1] * 30 + [times] * 6 + [0] * 14
    assert (other >= 36).all()
    # Those that stand beside one another: no row is twice in a batch that could be elsewhere.
    most = max(int(np.bincount(batch[::2])[30:].max(initial=0)) for batch in found)
    assert most == -(-times // len(found))
    # Each batch gets as many.
    dealt = [int((batch[::2] >= 30).sum()) for batch in found]
    assert max(dealt) - min(dealt) <= 2
    plain = batches() if size == 8 else None
    if plain is not None:
        # The source's rows stay in the batches that they are in without.
        rest = [batch[::2][batch[::2] < 30].tolist() for batch in found]
        assert rest == [batch[::2].tolist() for batch in plain]


def test_no_more_labelled_rows_of_the_target_than_of_the_source_come_in_an_epoch() -> None:
    lengths = np.random.default_rng(1).integers(3, 30, 30 + 200 + 40).astype(np.int64)
    pairing = Pairing(ONES, first=230)
    seen = []
    for epoch in (0, 1):
        found = paired_batches(lengths, 8, pairing=pairing, seed=1, epoch=epoch)
        known = np.concatenate([batch[::2] for batch in found])
        lent = known[known >= 30]
        assert len(lent) == len(set(lent.tolist())) == 30
        assert (lent < 230).all()
        seen.append(set(lent.tolist()))
    assert seen[0] != seen[1]


def test_labelled_rows_of_the_target_stand_evenly_in_a_batch() -> None:
    """Pieces of a batch are alike."""
    pairing = Pairing(ONES, first=36, times=5)
    for batch in paired_batches(LENGTHS, 8, pairing=pairing, seed=1, epoch=0):
        known = batch[::2]
        halves = [int((half >= 30).sum()) for half in np.array_split(known, 2)]
        assert abs(halves[0] - halves[1]) <= 1


def test_weights_say_how_often_a_row_comes() -> None:
    weights = np.concatenate([np.full(20, 0.5), np.full(10, 2.0)])
    counts = np.bincount(resampled(weights, seed=3, epoch=0), minlength=30)
    assert counts.sum() == 30
    assert set(counts[:20].tolist()) <= {0, 1}
    assert set(counts[20:].tolist()) == {2}
    assert counts[:20].sum() == 10


@pytest.mark.parametrize("epoch", range(5))
def test_rows_of_weight_one_come_once_each_though_fractions_round(epoch: int) -> None:
    third = np.full(999, 0.1) / 0.1 * (1 + 1e-13)
    assert resampled(third, seed=0, epoch=epoch).tolist() == list(range(999))
