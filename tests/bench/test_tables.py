"""Tests that small tables hold so many rows of each class, and always the same test rows."""

from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq
import pytest

import tables
from tables import Columns, Rows, table_of


def reviews() -> Columns:
    parts = ["train"] * 30 + ["test"] * 12
    labels = ["good" if row % 2 else "bad" for row in range(42)]
    texts = [f"review {row} of a film that was {labels[row]}" for row in range(42)]
    return {"text": texts, "label": labels, "split": parts}


@pytest.fixture(autouse=True)
def _own_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "PLACE", tmp_path / "data")
    monkeypatch.setattr(tables, "_texts", lambda name: reviews())


def read(rows: Rows, seed: int = 0) -> Columns:
    found: Columns = pq.read_table(table_of("starter:reviews", rows, seed=seed)).to_pydict()
    return found


def test_each_class_has_its_rows_in_each_part() -> None:
    found = read(Rows(4, 2, 5))
    counts = Counter(zip(found["split"], found["label"], strict=True))
    wanted = {"train": 4, "val": 2, "test": 5}
    assert counts == {(p, c): n for p, n in wanted.items() for c in ("bad", "good")}
    assert len(set(found["text"])) == 22


def test_a_seed_decides_what_trains_and_not_what_scores() -> None:
    def part(seed: int, name: str) -> set[str]:
        found = read(Rows(4, 0, 5), seed=seed)
        return {t for t, p in zip(found["text"], found["split"], strict=True) if p == name}

    assert part(0, "train") != part(1, "train")
    assert part(0, "test") == part(1, "test")
    whole = reviews()
    last = {t for t, p in zip(whole["text"], whole["split"], strict=True) if p == "test"}
    assert part(0, "test") < last


def test_a_text_may_be_cut_to_its_first_words() -> None:
    assert all(len(text.split()) == 3 for text in read(Rows(2, 0, 2, words=3))["text"])


def test_a_table_is_made_once() -> None:
    first = table_of("starter:reviews", Rows(2))
    before = first.stat().st_mtime_ns
    assert table_of("starter:reviews", Rows(2)).stat().st_mtime_ns == before
    assert table_of("starter:reviews", Rows(3)) != first
