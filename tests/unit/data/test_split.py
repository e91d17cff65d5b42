"""Tests the promises of the split: by content, by class, nothing that belongs together parted."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regraft.data.rows import UNLABELLED, Part
from regraft.data.split import (
    assign_parts,
    content_key,
    fold,
    missing_classes,
    straddling,
    two_labelled,
    unit_keys,
)
from regraft.errors import DataError

_KEYS = [content_key(f"text {n}") for n in range(1000)]
_LABELS = [n % 4 // 3 for n in range(1000)]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a  b\n c", " a b c "),
        ("\ufb01ne", "fine"),
        ("a\u00a0b", "a b"),
        ("e\u0301", "\u00e9"),
        ("\N{FULLWIDTH LATIN CAPITAL LETTER A}", "A"),
    ],
)
def test_white_space_and_forms_of_unicode_do_not_tell_texts_apart(one: str, other: str) -> None:
    assert content_key(one) == content_key(other)


def test_case_and_words_tell_texts_apart() -> None:
    assert len({content_key(text) for text in ("us", "US", "u s", "")}) == 4
    assert fold(" A\u00a0 b ") == "A b"


def test_images_are_compared_by_their_pixels() -> None:
    grey = np.arange(12, dtype=np.uint8).reshape(3, 4)
    assert content_key(grey) == content_key(np.stack([grey] * 3, axis=2))
    assert content_key(grey) != content_key(grey.reshape(4, 3))
    assert content_key(grey) != content_key(grey + np.uint8(1))


def _given(*counts: tuple[Part, int]) -> list[Part]:
    return [part for part, count in counts for _ in range(count)]


def test_each_class_is_split_eighty_ten_ten() -> None:
    parts = assign_parts(_KEYS, _LABELS).parts
    for label, size in ((0, 750), (1, 250)):
        of_class = [part for part, each in zip(parts, _LABELS, strict=True) if each == label]
        assert of_class.count("test") == of_class.count("val") == size // 10


def test_the_part_of_a_row_does_not_depend_on_the_order_of_rows() -> None:
    parts = assign_parts(_KEYS, _LABELS).parts
    order = np.random.default_rng(3).permutation(len(_KEYS)).tolist()
    moved = assign_parts([_KEYS[i] for i in order], [_LABELS[i] for i in order]).parts
    assert moved == [parts[i] for i in order]


_SMALL = st.lists(
    st.tuples(st.integers(0, 60), st.integers(0, 2), st.integers(0, 40)), min_size=20, max_size=400
)


@settings(max_examples=40, deadline=None)
@given(_SMALL)
def test_equal_rows_and_rows_of_one_group_are_never_parted(
    rows: list[tuple[int, int, int]],
) -> None:
    keys = [content_key(str(key)) for key, _, _ in rows]
    groups = [str(group) if group < 30 else "" for _, _, group in rows]
    try:
        parts = assign_parts(keys, [label for _, label, _ in rows], groups=groups).parts
    except DataError:
        return
    for names in (keys, groups):
        seen: dict[object, str] = {}
        for name, part in zip(names, parts, strict=True):
            assert not name or seen.setdefault(name, part) == part


def test_groups_change_who_stays_together() -> None:
    groups = [str(n // 50) for n in range(1000)]
    parts = assign_parts(_KEYS, _LABELS, groups=groups).parts
    assert {len(set(parts[n : n + 50])) for n in range(0, 1000, 50)} == {1}
    assert set(parts) == {"train", "val", "test"}


def test_large_groups_do_not_come_before_single_rows() -> None:
    groups = [f"group {n // 30}" if n < 300 else "" for n in range(1000)]
    parts = assign_parts(_KEYS, [0] * 1000, groups=groups).parts
    outside = {group for group, part in zip(groups, parts, strict=True) if part != "train"} - {""}
    assert 0 < len(outside) <= 4


def test_under_two_hundred_rows_there_is_no_val_part() -> None:
    few = assign_parts(_KEYS[:210], [0] * 210)
    assert few.parts.count("val") == 0
    assert few.parts.count("test") == 21
    assert "no val part" in few.rule
    assert assign_parts(_KEYS[:223], [0] * 223).parts.count("val") == 22


def test_a_given_val_part_of_few_rows_goes_to_train() -> None:
    given_parts = _given(("train", 50), ("val", 20), ("test", 500))
    few = assign_parts(_KEYS[:570], [0] * 570, given=given_parts)
    assert few.parts == ["train"] * 70 + ["test"] * 500


def test_a_given_split_is_used_as_it_is() -> None:
    three: list[Part] = ["train", "val", "test"]
    given_parts = list(itertools.islice(itertools.cycle(three), 1000))
    assigned = assign_parts(_KEYS, _LABELS, given=given_parts)
    assert assigned.parts == given_parts
    assert assigned.rule == "the split in the data"


def test_a_missing_val_or_test_is_cut_from_train_alone() -> None:
    pairs: tuple[tuple[Part, Part], ...] = (("val", "test"), ("test", "val"))
    for missing, present in pairs:
        given_parts = _given(("train", 600), (present, 400))
        assigned = assign_parts(_KEYS, _LABELS, given=given_parts)
        assert assigned.parts[600:] == [present] * 400
        assert assigned.parts.count(missing) == 60
        assert f"{missing} cut from train" in assigned.rule


def test_a_rare_class_is_in_test_if_it_has_three_different_rows() -> None:
    labels = [1] * 3 + [0] * 997
    parts = assign_parts(_KEYS, labels).parts
    assert sorted(parts[:3]) == ["test", "train", "val"]
    assert set(assign_parts(_KEYS, [1] * 2 + [0] * 998).parts[:2]) == {"train"}


def test_rows_that_are_all_alike_cannot_be_split() -> None:
    with pytest.raises(DataError, match="too few or too alike"):
        assign_parts([_KEYS[0]] * 500, [0] * 500)


def test_a_split_without_train_is_refused() -> None:
    with pytest.raises(DataError, match="no train part"):
        assign_parts(_KEYS[:2], [0, 1], given=["test", "val"])


def test_rows_that_are_in_two_parts_are_counted() -> None:
    keys = [b"a", b"b", b"a", b"a", b"b"]
    assert straddling(keys, ["train", "val", "test", "test", "test"]) == {
        ("train", "test"): 2,
        ("val", "test"): 1,
    }


def test_inputs_with_two_labels_are_counted_once() -> None:
    assert two_labelled([b"a", b"a", b"a", b"b", b"c", b"c"], [0, 1, 2, 0, 1, UNLABELLED]) == 1


def test_classes_missing_from_a_part_are_named() -> None:
    warnings = missing_classes(["x", "y"], [0, 1, 0], parts=["train", "train", "val"])
    assert warnings == ["part val has no row of 1 class: 'y'"]


def test_a_unit_joins_equal_rows_and_groups_and_is_named_by_its_least_key() -> None:
    keys = [b"d", b"a", b"b", b"b", b"c"]
    assert unit_keys(keys, ()) == keys
    assert unit_keys(keys, ["g", "", "g", "h", ""]) == [b"b", b"a", b"b", b"b", b"c"]
    assert unit_keys(keys, ["", "g", "", "g", ""]) == [b"d", b"a", b"a", b"a", b"c"]
