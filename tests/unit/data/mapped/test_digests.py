"""Tests that rows of one content have one number, in the order of the digests' bytes."""

import hashlib

import numpy as np
import pytest

from regraft.data.mapped import room
from regraft.data.mapped.digests import digests_of, numbered, shortened, sorted_order


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "BLOCK", 8)


def _made(count: int) -> list[bytes]:
    return [hashlib.sha256(str(n % 31).encode()).digest()[:16] for n in range(count)]


def test_digests_stand_in_rows_and_nothing_is_noughts() -> None:
    made = [*_made(20), b""]
    found = digests_of(iter(made), 21)
    assert [row.tobytes() for row in found] == [*_made(20), bytes(16)]


def test_contents_are_numbered_in_the_order_of_their_bytes() -> None:
    made = _made(100)
    ranks = {digest: number for number, digest in enumerate(sorted(set(made)))}
    found = numbered(digests_of(made, 100))
    assert found.numbers.tolist() == [ranks[digest] for digest in made]
    assert [made[row] for row in found.firsts] == sorted(set(made))
    assert found.count == 31


def test_digests_that_share_their_first_half_are_told_apart() -> None:
    made = [bytes(8) + bytes([last] * 8) for last in (200, 3, 200, 0)]
    found = numbered(digests_of(made, 4))
    assert found.numbers.tolist() == [2, 1, 2, 0]
    assert sorted_order(found.digests).tolist() == [3, 1, 0, 2]


def test_no_rows_have_no_contents() -> None:
    found = numbered(np.zeros((0, 16), np.uint8))
    assert (found.count, found.numbers.tolist()) == (0, [])


def test_short_numbers_are_the_first_half_of_each_digest() -> None:
    made = [bytes([0] * 7 + [3] + [9] * 8), bytes([1] + [0] * 15)]
    assert shortened(digests_of(made, 2)).tolist() == [3, 2**56]
