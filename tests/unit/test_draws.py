"""Tests that each purpose has numbers of its own, a function of (seed, epoch) alone."""

import itertools

from regraft.draws import STREAMS, draws


def test_purposes_seeds_and_epochs_have_numbers_of_their_own() -> None:
    places = itertools.product(STREAMS, (0, 1), (0, 1))
    drawn = [tuple(draws(p, seed, epoch=e).integers(0, 2**32, 4).tolist()) for p, seed, e in places]
    assert len(set(drawn)) == len(drawn)


def test_the_same_place_draws_the_same_numbers() -> None:
    first, second = (draws("order", 5, epoch=2).permutation(50).tolist() for _ in range(2))
    assert first == second
