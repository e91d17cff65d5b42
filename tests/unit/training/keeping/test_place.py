"""Tests that a place survives plain data."""

import json

import torch

from regraft.training.keeping.place import Place, Tally, place_from_json


def test_a_place_is_read_back_alike() -> None:
    place = Place(1, 2, 3, 4, 5, 6, (0.9, -0.3), Tally(0.5, 6, 7, rate=1e-3))
    found = place_from_json(json.loads(json.dumps(place.as_json())))
    assert abs(found.tally.started - place.tally.started) < 1
    found.tally.started = place.tally.started
    assert found == place


def test_an_epoch_begins_anew_and_counts_those_that_were_no_better() -> None:
    place = Place(number=1, batch=9, done=9, tally=Tally(rows=3))
    place.next_epoch(better=False)
    assert (place.number, place.batch, place.done, place.without) == (2, 0, 9, 1)
    assert place.tally.rows == 0
    place.next_epoch(better=True)
    assert place.without == 0


def test_a_tally_weighs_by_rows() -> None:
    tally = Tally()
    tally.add(2.0, torch.tensor([[1.0, 0.0], [1.0, 0.0]]), labels=torch.tensor([0, 1]))
    tally.add(1.0, torch.tensor([[0.0, 1.0]]), labels=torch.tensor([1]))
    assert (tally.loss, tally.right, tally.rows) == (5.0, 2, 3)


def test_a_score_is_held_against_the_phase_s_own_best() -> None:
    place = Place()
    assert [place.improves((score, 0.0)) for score in (0.5, 0.4, 0.5, 0.6)] == [
        *(True, False, False, True)
    ]
    assert Place().improves((float("-inf"), float("-inf")))
