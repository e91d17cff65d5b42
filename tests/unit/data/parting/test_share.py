"""A share of the labels is cut by class, nested, a function of the seed; test stays whole."""

from itertools import pairwise

import numpy as np
import pytest

from regraft.data.load import load
from regraft.data.parting.share import chosen_rows, take_share
from regraft.data.rows import Dataset
from regraft.data.split import content_key
from tests import tiny

LABELS = np.array([0] * 60 + [1] * 30 + [2] * 3)


def dataset(rows: int) -> Dataset:
    return load(tiny.toy_texts(rows))


def texts(found: Dataset, *parts: str) -> set[str]:
    return {str(text) for part in parts for text in found.parts[part]}  # type: ignore[index]


def test_each_class_gives_its_share_and_none_is_lost() -> None:
    chosen = chosen_rows(LABELS, 0.1, seed=0)
    assert np.bincount(LABELS[chosen]).tolist() == [6, 3, 2]
    assert chosen.tolist() == sorted(chosen)


def test_a_class_of_one_row_keeps_it() -> None:
    assert chosen_rows(np.array([0, 1, 1, 1, 1]), 0.1, seed=0).tolist()[0] == 0


@pytest.mark.parametrize("seed", [0, 1])
def test_smaller_shares_are_among_larger_ones(seed: int) -> None:
    sets = [set(chosen_rows(LABELS, share, seed=seed)) for share in (0.1, 0.2, 0.5, 0.9, 1)]
    assert all(small < large for small, large in pairwise(sets))
    assert len(sets[-1]) == len(LABELS)


def test_the_seed_decides_which_rows() -> None:
    first, again, other = (chosen_rows(LABELS, 0.2, seed=s).tolist() for s in (3, 3, 4))
    assert first == again != other


def test_no_rows_have_no_share() -> None:
    assert len(chosen_rows(np.zeros(0, np.int64), 0.5, seed=0)) == 0


def test_the_whole_share_is_the_data_set_itself() -> None:
    whole = dataset(240)
    assert take_share(whole, 1.0, seed=0) is whole


def test_the_test_part_stays_whole_and_the_rule_says_what_was_done() -> None:
    whole = dataset(600)
    half = take_share(whole, 0.5, seed=0)
    assert half.parts["test"] is whole.parts["test"]
    assert {part: len(rows) for part, rows in half.parts.items()} == {
        "train": 240,
        "val": 30,
        "test": 60,
    }
    assert half.split_rule.endswith("; 50 % of the rows of train and val are used")
    assert half.parts["train"].counts() == {"neg": 120, "pos": 120}


def test_few_rows_have_no_validation_part() -> None:
    whole = dataset(600)
    few, fewer = (take_share(whole, share, seed=0) for share in (0.2, 0.1))
    assert len(few.parts["val"]) == 0
    assert len(few.parts["train"]) == 96 + 12
    assert few.split_rule.endswith("no val part, as these are under 200")
    assert texts(fewer, "train") < texts(few, "train")
    assert texts(few, "train") < texts(whole, "train", "val")
    assert not texts(few, "train") & texts(few, "test")


def test_joined_rows_keep_labels_and_origins() -> None:
    whole, few = dataset(600), take_share(dataset(600), 0.2, seed=0)
    known = {
        (str(text), str(origin)): label
        for part in ("train", "val")
        for text, origin, label in zip(
            whole.parts[part].inputs,
            whole.parts[part].origins,
            whole.parts[part].labels,
            strict=True,
        )
    }
    rows = few.parts["train"]
    for text, origin, label in zip(rows.inputs, rows.origins, rows.labels, strict=True):
        assert known[str(text), str(origin)] == label


def test_joined_rows_keep_the_digests_of_their_contents() -> None:
    rows = take_share(dataset(600), 0.2, seed=0).parts["train"]
    assert rows.digests is not None
    assert [each.tobytes() for each in rows.digests] == [content_key(each) for each in rows]


@pytest.mark.parametrize("tested", [False, True])
def test_a_validation_part_that_the_data_had_stays(tested: bool) -> None:
    words, labels = tiny.toy_texts(340)
    parts = ["train"] * 300 + ["val"] * 20 + ["test" if tested else "train"] * 20
    half = take_share(load({"text": words, "label": labels, "split": parts}), 0.5, seed=0)
    assert len(half.parts["val"]) == 10
    assert not half.split_rule.endswith("under 200")
