"""Numbers of pictures: known pixels, by hand."""

import numpy as np
import pytest

from regraft.adaptation.shifting.pictures import edge_energy, picture_numbers, saturation


def test_numbers_of_a_plain_red_picture() -> None:
    red = np.zeros((40, 80, 3), np.uint8)
    red[..., 0] = 255
    found = {name: values[0] for name, values in picture_numbers([red]).items()}
    assert found["short side in pixels"] == 40
    assert found["width over height"] == 2
    assert found["brightness"] == pytest.approx(0.299)
    assert found["contrast"] == pytest.approx(0, abs=1e-9)
    assert found["saturation"] == pytest.approx(1)
    assert found["edge energy"] == pytest.approx(0, abs=1e-9)


def test_a_grey_picture_has_no_colour() -> None:
    grey = np.full((20, 20), 128, np.uint8)
    found = picture_numbers([grey, 255 - grey])
    assert found["saturation"].tolist() == [0, 0]
    assert found["brightness"] == pytest.approx([128 / 255, 127 / 255])


def test_saturation_and_edges_by_hand() -> None:
    assert saturation(np.array([[[1.0, 0.5, 0.5], [0.5, 0.5, 0.5]]])) == pytest.approx(0.25)
    # One corner of four differs: its right neighbour and the one below are 3 and 4 off.
    assert edge_energy(np.array([[0.0, 3.0], [4.0, 9.0]])) == 5


def test_stripes_have_more_edges_than_halves() -> None:
    halves = np.zeros((64, 64), np.uint8)
    halves[:, 32:] = 255
    stripes = np.zeros((64, 64), np.uint8)
    stripes[:, ::2] = 255
    found = picture_numbers([halves, stripes])
    assert found["edge energy"][1] > 10 * found["edge energy"][0]
    assert found["contrast"] == pytest.approx([0.5, 0.5])
