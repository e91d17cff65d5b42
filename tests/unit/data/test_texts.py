"""Tests token rows: true lengths, padding, the limit, and odd texts."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer, models, pre_tokenizers, processors

from regraft.data import texts
from regraft.data.spec import TextSpec
from regraft.data.texts import TokenRows, encode_texts, open_tokenizer, token_lengths
from regraft.errors import DamagedFileError

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "a", "b", "c", "query"]


def spec_in(folder: Path, *, special: bool = True, prefix: str = "") -> TextSpec:
    """Writes a tokenizer of seven words, whose file pads and cuts by itself."""
    tokenizer = Tokenizer(models.WordLevel({w: i for i, w in enumerate(WORDS)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    if special:
        tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    tokenizer.enable_padding(length=20)
    tokenizer.enable_truncation(max_length=4)
    tokenizer.save(str(folder / "tokenizer.json"))
    return TextSpec(folder, length_limit=8, pad_id=0, prefix=prefix)


@pytest.fixture
def spec(tmp_path: Path) -> TextSpec:
    return spec_in(tmp_path)


def listed(rows: texts.TokenRows) -> list[list[int]]:
    return [
        rows.tokens[start:stop].tolist()
        for start, stop in zip(rows.starts[:-1], rows.starts[1:], strict=True)
    ]


def test_texts_become_their_tokens_at_their_true_lengths(spec: TextSpec) -> None:
    rows = encode_texts(["a b", "c", "a x"], spec)
    assert listed(rows) == [[2, 4, 5, 3], [2, 6, 3], [2, 4, 1, 3]]
    assert rows.lengths.tolist() == [4, 3, 4]
    assert len(rows) == 3


@pytest.mark.parametrize(("most", "length"), [(None, 8), (5, 5), (100, 8)])
def test_long_texts_are_cut_at_the_lower_limit_with_their_special_tokens(
    spec: TextSpec, most: int | None, length: int
) -> None:
    (row,) = listed(encode_texts(["a " * 50], spec, max_length=most))
    assert row == [2, *[4] * (length - 2), 3]


@pytest.mark.parametrize(
    ("most", "row"), [(8, [2, 4, 4, 4, 6, 6, 6, 3]), (5, [2, 4, 4, 6, 3]), (4, [2, 4, 6, 3])]
)
def test_long_texts_can_lose_their_middle_and_short_ones_nothing(
    spec: TextSpec, most: int, row: list[int]
) -> None:
    cutting = replace(spec, cut="middle")
    rows = listed(encode_texts(["a " * 9 + "c " * 9, "a c"], cutting, max_length=most))
    assert rows == [row, [2, 4, 6, 3]]


def test_the_prefix_stands_before_every_text(tmp_path: Path) -> None:
    rows = encode_texts(["a", "b"], spec_in(tmp_path, prefix="query "))
    assert listed(rows) == [[2, 7, 4, 3], [2, 7, 5, 3]]


def test_a_batch_is_padded_to_its_longest_row_and_masked(spec: TextSpec) -> None:
    rows = encode_texts(["a b c", "c", "a"], spec)
    batch = rows.batch(np.array([1, 0]))
    assert batch["input_ids"].tolist() == [[2, 6, 3, 0, 0], [2, 4, 5, 6, 3]]
    assert batch["attention_mask"].tolist() == [[1, 1, 1, 0, 0], [1] * 5]
    assert rows.batch(np.array([2]))["input_ids"].shape == (1, 3)


def test_rows_can_be_taken_in_any_order_and_twice(spec: TextSpec) -> None:
    rows = encode_texts(["a b", "c", "a b c"], spec)
    taken = rows.take(np.array([2, 0, 2]))
    assert listed(taken) == [listed(rows)[i] for i in (2, 0, 2)]
    assert len(rows.take(np.zeros(0, np.int64))) == 0


def test_an_empty_text_of_a_tokenizer_without_special_tokens_is_padding(tmp_path: Path) -> None:
    rows = encode_texts(["", "a"], spec_in(tmp_path, special=False))
    assert listed(rows) == [[0], [4]]


def test_no_texts_make_no_rows(spec: TextSpec) -> None:
    rows = encode_texts([], spec)
    assert (len(rows), rows.lengths.tolist()) == (0, [])


def test_portions_make_the_same_rows(spec: TextSpec, monkeypatch: pytest.MonkeyPatch) -> None:
    many = ["a", "b c", "c c c", "a b", "b"]
    whole = listed(encode_texts(many, spec))
    monkeypatch.setattr(texts, "CHUNK", 2)
    assert listed(encode_texts(many, spec)) == whole


def test_half_a_character_is_read_as_a_question_mark(spec: TextSpec) -> None:
    assert listed(encode_texts(["a \ud800"], spec)) == [[2, 4, 1, 3]]


def test_lengths_are_counted_up_to_one_above_the_limit(spec: TextSpec) -> None:
    found = token_lengths(["a", "a " * 6, "a " * 7, "a " * 50], spec)
    assert found.tolist() == [3, 8, 9, 9]


def test_the_file_s_own_padding_and_cutting_are_off(spec: TextSpec) -> None:
    tokenizer = open_tokenizer(spec, 6)
    assert tokenizer.padding is None
    assert len(tokenizer.encode("a b").ids) == 4
    assert len(tokenizer.encode("a " * 9).ids) == 6


def thinned_rows(seed: int, epoch: int) -> TokenRows:
    tokens = np.arange(1000, dtype=np.int32) + 5
    rows = TokenRows(tokens, np.arange(0, 1001, 10), pad_id=0)
    return rows.augmented("drop-tokens", seed, epoch=epoch)


def tokens_of(rows: TokenRows) -> list[list[int]]:
    starts = rows.starts
    return [rows.tokens[a:b].tolist() for a, b in pairwise(starts)]


def test_tokens_are_left_out_and_the_first_and_last_of_a_row_never_are() -> None:
    rows = tokens_of(thinned_rows(0, 0))
    assert len(rows) == 100
    assert [row[0] for row in rows] == list(range(5, 1005, 10))
    assert [row[-1] for row in rows] == list(range(14, 1005, 10))
    assert all(row == sorted(row) and row[-1] - row[0] == 9 for row in rows)
    assert 0.10 < 1 - sum(len(row) - 2 for row in rows) / 800 < 0.20


def test_a_batch_of_thinned_rows_is_shorter_and_holds_no_gap() -> None:
    rows = thinned_rows(0, 0)
    batch = rows.batch(np.array([3, 7]))
    assert batch["attention_mask"].sum(dim=1).tolist() == rows.lengths[[3, 7]].tolist()
    assert batch["input_ids"].shape[1] == rows.lengths[[3, 7]].max()


def test_what_is_left_out_is_a_pure_function_of_seed_and_epoch() -> None:
    found = {(s, e): tokens_of(thinned_rows(s, e)) for s, e in ((0, 0), (0, 1), (1, 0))}
    assert found[0, 0] == tokens_of(thinned_rows(0, 0))
    assert found[0, 0] != found[0, 1]
    assert found[0, 0] != found[1, 0]


def test_rows_of_one_and_two_tokens_stay_whole() -> None:
    rows = TokenRows(np.arange(3, dtype=np.int32), np.array([0, 1, 3]), pad_id=0)
    thinned = [rows.augmented("drop-tokens", seed, epoch=0) for seed in range(20)]
    assert all(tokens_of(each) == [[0], [1, 2]] for each in thinned)


def test_no_augmentation_gives_the_texts_themselves() -> None:
    rows = TokenRows(np.arange(4, dtype=np.int32), np.array([0, 4]), pad_id=0)
    assert rows.augmented("none", 0, epoch=0) is rows


@pytest.mark.parametrize(
    "content", ["", '{"version": "1.0", "mod', "version https://git-lfs.github.com/spec/v1\n", "{}"]
)
def test_a_tokenizer_that_cannot_be_read_is_damaged(spec: TextSpec, content: str) -> None:
    (spec.tokenizer / "tokenizer.json").write_text(content, "utf-8")
    with pytest.raises(DamagedFileError, match=r"tokenizer\.json is no tokenizer.*--upgrade token"):
        encode_texts(["a"], spec)
