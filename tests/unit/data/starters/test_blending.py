"""Tests that digits are enlarged and laid over photos exactly as the recipe says."""

import hashlib
from math import floor

import numpy as np
import numpy.typing as npt
from PIL import Image as Pil

from regraft.data.starters.blending import blend, enlarge


def slowly_enlarged(digit: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The recipe of the data's page, one output at a time."""
    weights = [[0] * 8 for _ in range(32)]
    for o in range(32):
        p = 2 * o - 3
        a, f = floor(p / 8), p % 8
        weights[o][min(max(a, 0), 7)] += 8 - f
        weights[o][min(max(a + 1, 0), 7)] += f
    found = np.zeros((32, 32), np.int64)
    for row, column in np.ndindex(32, 32):
        for i, j in np.ndindex(8, 8):
            found[row, column] += weights[row][i] * int(digit[i, j]) * weights[column][j]
    return (255 * found + 512) // 1024


def test_a_digit_is_enlarged_as_the_recipe_says() -> None:
    digit = np.random.default_rng(0).integers(0, 17, (8, 8))
    (found,) = enlarge(digit[None])
    assert found.dtype == np.uint8
    assert found.tolist() == slowly_enlarged(digit).tolist()


def test_a_whole_digit_of_one_grey_stays_that_grey() -> None:
    assert np.unique(enlarge(np.full((1, 8, 8), 16))).tolist() == [255]
    assert np.unique(enlarge(np.full((1, 8, 8), 8))).tolist() == [128]


def test_enlarging_is_bilinear_between_pixel_centres() -> None:
    digit = np.random.default_rng(1).integers(0, 17, (8, 8))
    grey = Pil.fromarray((digit * 255 / 16).astype(np.float32))
    expected = np.asarray(grey.resize((32, 32), Pil.Resampling.BILINEAR))
    assert np.abs(enlarge(digit[None])[0] - expected).max() <= 1


def test_a_digit_becomes_its_distance_from_a_piece_of_the_photo() -> None:
    photo = np.arange(4 * 5 * 3, dtype=np.uint8).reshape(4, 5, 3)
    grey = np.array([[0, 10], [200, 255]], np.uint8)
    digest = hashlib.sha256(b"set/3").digest()
    top = int.from_bytes(digest[1:5], "big") % 3
    left = int.from_bytes(digest[5:9], "big") % 4
    found = blend(grey, "set/3", photos=[photo])
    for row in range(2):
        for column in range(2):
            for channel in range(3):
                under = int(photo[top + row, left + column, channel])
                assert found[row, column, channel] == abs(under - int(grey[row, column]))


def test_the_first_byte_of_the_digest_picks_the_photo() -> None:
    photos = [np.full((2, 2, 3), value, np.uint8) for value in (10, 20, 30, 40)]
    black = np.zeros((2, 2), np.uint8)
    for row in range(20):
        place = hashlib.sha256(f"m/{row}".encode()).digest()[0] % 4
        assert np.all(blend(black, f"m/{row}", photos=photos) == photos[place])


def test_every_place_of_a_photo_can_be_the_piece() -> None:
    photo = np.zeros((3, 3, 3), np.uint8)
    photo[2, 2] = 9
    black = np.zeros((1, 1), np.uint8)
    found = {int(blend(black, f"k/{row}", photos=[photo])[0, 0, 0]) for row in range(60)}
    assert found == {0, 9}
