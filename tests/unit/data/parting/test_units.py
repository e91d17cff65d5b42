"""Tests that what belongs together is one unit, named by its least key."""

import numpy as np

from regraft.data.mapped.digests import Digests, digests_of, numbered
from regraft.data.parting.units import unit_keys, units_of


def _digests(*letters: str) -> Digests:
    return digests_of([letter.encode().ljust(16, b"\0") for letter in letters], len(letters))


def _named(digests: Digests, groups: tuple[str, ...] = ()) -> str:
    return "".join(chr(key[0]) for key in unit_keys(digests, groups))


def test_a_unit_joins_equal_rows_and_groups_and_is_named_by_its_least_key() -> None:
    keys = _digests("d", "a", "b", "b", "c")
    assert _named(keys) == "dabbc"
    assert _named(keys, ("g", "", "g", "h", "")) == "babbc"
    assert _named(keys, ("", "g", "", "g", "")) == "daaac"


def test_a_unit_has_the_label_of_most_of_its_rows_the_lowest_of_several() -> None:
    found = numbered(_digests("a", "a", "a", "b", "b", "c"))
    labels = np.array([2, 1, 2, 3, 1, 0])
    units = units_of(found, labels, rows=np.arange(6), groups=())
    assert units.labels[units.members].tolist() == [2, 2, 2, 1, 1, 0]
    assert units.sizes[units.members].tolist() == [3, 3, 3, 2, 2, 1]


def test_units_of_some_rows_do_not_know_the_others() -> None:
    found = numbered(_digests("a", "b", "c", "c"))
    groups = ("x", "x", "", "x")
    units = units_of(found, np.zeros(4, np.int64), rows=np.array([0, 2]), groups=groups)
    assert units.sizes.tolist() == [1, 1]
