"""Equal rows have equal keys wherever they lie; a changed one has another."""

from dataclasses import replace

import numpy as np

from regraft.data.images import PixelRows
from regraft.data.mapped.digests import BYTES
from regraft.features.rowkeys import row_keys
from tests.tiny_sessions import image_examples, text_examples, token_rows


def test_equal_texts_have_equal_keys_and_others_have_others() -> None:
    rows = token_rows([[5, 6], [5, 6, 7], [5, 6], [6, 5]])
    keys = row_keys(rows)
    assert keys.shape == (4, BYTES)
    assert (keys[0] == keys[2]).all()
    assert len({key.tobytes() for key in keys}) == 3


def test_a_text_keeps_its_key_where_the_token_table_is_made_smaller() -> None:
    rows = token_rows([[7, 9, 7], [30, 9], [41]])
    small = np.array([0, 1, 0, 2, 1, 3], np.int32)
    renumbered = replace(rows, tokens=small, originals=np.array([7, 9, 30, 41]))
    assert (row_keys(renumbered) == row_keys(rows)).all()
    assert (row_keys(renumbered.take(np.array([2, 0]))) == row_keys(rows)[[2, 0]]).all()


def test_a_key_goes_with_its_row() -> None:
    rows = text_examples(12).rows
    order = np.random.default_rng(0).permutation(12)
    assert (row_keys(rows.take(order)) == row_keys(rows)[order]).all()


def test_one_byte_of_an_image_makes_another_key() -> None:
    rows = image_examples(3).rows
    assert isinstance(rows, PixelRows)
    pixels = rows.pixels.copy()
    pixels[1, 0, 0, 0] ^= 1
    same = (row_keys(replace(rows, pixels=pixels)) == row_keys(rows)).all(axis=1)
    assert same.tolist() == [True, False, True]


def test_an_image_that_is_moved_is_another_row() -> None:
    rows = image_examples(4).rows
    views = [rows.augmented("flip-crop", 0, epoch=epoch) for epoch in (0, 1, 0)]
    keys = [row_keys(view).tobytes() for view in views]
    assert keys[0] == keys[2]
    assert len({*keys, row_keys(rows).tobytes()}) == 3


def test_the_same_bytes_in_another_shape_are_another_row() -> None:
    rows = image_examples(1).rows
    assert isinstance(rows, PixelRows)
    wide = replace(rows, pixels=rows.pixels.reshape(1, 8, 32, 3))
    assert row_keys(rows).tobytes() != row_keys(wide).tobytes()
