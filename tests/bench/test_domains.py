"""Tests that pairs of domains become tables whose rows the seed draws."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest

import domains
from domains import PAIRS, Pair, Row, source_table, target_table


@pytest.fixture
def pair(monkeypatch: pytest.MonkeyPatch) -> Pair:
    """Two places of 60 texts, 20 of them test rows."""

    def rows(place: str, *, test: int) -> list[Row]:
        parts = ["test" if number % 3 == 0 else "train" for number in range(60)]
        texts = [f"{place} {number}" for number in range(60)]
        return [Row(t, f"class{len(t) % 2}", p, t) for t, p in zip(texts, parts, strict=True)]

    monkeypatch.setattr(domains, "rows_of", rows)
    return Pair("starter:here", "amazon:there", "text")


def columns(place: Path) -> dict[str, list[str]]:
    found: dict[str, list[str]] = pq.read_table(place).to_pydict()
    return found


def train(place: Path) -> set[str]:
    found = columns(place)
    pairs = zip(found["text"], found["split"], strict=True)
    return {text for text, part in pairs if part == "train"}


def test_there_are_thirteen_pairs_with_names_of_their_own() -> None:
    assert len(PAIRS) == 13
    assert len({pair.name for pair in PAIRS}) == 13
    assert Pair("starter:here", "amazon:there", "text").name == "here → amazon-there"


def test_a_seed_draws_training_rows_and_never_test_rows(pair: Pair, tmp_path: Path) -> None:
    places = [target_table(pair, tmp_path / str(seed), rows=10, seed=seed) for seed in (0, 1, 0)]
    found = [columns(place) for place in places]
    assert [each["split"].count("train") for each in found] == [10, 10, 10]
    tests = [set(each["text"]) - train(place) for each, place in zip(found, places, strict=True)]
    assert tests[0] == tests[1]
    assert train(places[0]) != train(places[1])
    assert found[0] == found[2]


def test_a_source_has_few_test_rows(
    pair: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(domains, "SOURCE_TEST", 3)
    found = columns(source_table(pair, tmp_path, rows=100, seed=0))
    assert (found["split"].count("train"), found["split"].count("test")) == (40, 3)


def test_amazon_is_split_by_the_text_alone(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(domains, "SHARED", shared)
    rows = domains.rows_of("amazon:kitchen", test=2)
    assert len(rows) == 2_000
    assert {row.label for row in rows} == {"negative", "positive"}
    assert 0.45 < sum(row.part == "test" for row in rows) / len(rows) < 0.55
    again = {row.key: row.part for row in domains.rows_of("amazon:kitchen", test=2)}
    assert again == {row.key: row.part for row in rows}
