"""Tests that rows are taken in order, with everything that belongs to them."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from regraft.data.rows import PART_NAMES, UNLABELLED, Origin, PickedOrigins, Rows

_ORIGINS = [Origin("a.csv", line) for line in range(2, 6)]


def _rows(origins: Sequence[Origin] = _ORIGINS) -> Rows:
    return Rows(
        modality="text",
        inputs=["a", "b", "c", "d"],
        classes=("x", "y", "z"),
        labels=np.array([0, 1, UNLABELLED, 1]),
        origins=origins,
        domains=["m", "n", "m", "n"],
        digests=np.arange(64, dtype=np.uint8).reshape(4, 16),
    )


def test_taken_rows_keep_their_labels_origins_and_domains() -> None:
    taken = _rows().take(np.array([3, 0]))
    assert list(taken) == ["d", "a"]
    assert taken.labels.tolist() == [1, 0]
    assert [str(origin) for origin in taken.origins] == ["a.csv:5", "a.csv:2"]
    assert (taken.domains, taken.groups) == (["n", "m"], ())
    assert taken.digests is not None
    assert taken.digests[:, 0].tolist() == [48, 0]


def test_taking_twice_is_taking_once() -> None:
    twice = _rows().take(np.array([3, 1, 0])).take(np.array([2, 0]))
    assert list(twice.origins) == [_ORIGINS[0], _ORIGINS[3]]


def test_origins_are_made_only_when_asked_for() -> None:
    class Untouchable(list[Origin]):
        def __getitem__(self, index: object) -> Origin:  # type: ignore[override]
            raise AssertionError("nobody asked")

    assert len(_rows(Untouchable(_ORIGINS)).take(np.array([1, 2])).origins) == 2


def test_a_slice_of_picked_origins_is_picked_again() -> None:
    picked = PickedOrigins(_ORIGINS, np.array([3, 2, 1]))
    assert list(picked[1:]) == [_ORIGINS[2], _ORIGINS[1]]
    assert picked[-1] == _ORIGINS[1]


def test_counts_name_every_class_and_leave_out_rows_without_a_label() -> None:
    assert _rows().counts() == {"x": 1, "y": 2, "z": 0}


def test_rows_are_labelled_only_if_all_of_them_are() -> None:
    assert not _rows().labelled
    assert _rows().take(np.array([0, 1])).labelled
    assert not _rows().take(np.array([], dtype=np.int64)).labelled


def test_an_origin_shows_its_line_only_where_it_has_one() -> None:
    assert (str(Origin("a.csv", 3)), str(Origin("a.png"))) == ("a.csv:3", "a.png")


def test_rows_of_a_group_are_a_unit_and_a_row_without_one_is_alone() -> None:
    assert _rows().units is None
    units = replace(_rows(), groups=["g", "", "g", ""]).units
    assert units is not None
    assert units[0] == units[2]
    assert len(set(units.tolist())) == 3


@pytest.mark.parametrize(
    ("name", "part"), [("training", "train"), ("验证集", "val"), ("dev", "val"), ("测试", "test")]
)
def test_parts_have_several_names(name: str, part: str) -> None:
    assert PART_NAMES[name] == part
