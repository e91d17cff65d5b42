"""A level is carried on from what a lower one stored: the same bits as from the input."""

from pathlib import Path

import numpy as np
import pytest

from regraft.backbones.modes import Mode, Precision
from regraft.features import level as level_module
from regraft.features import shelf
from regraft.features.below import Below
from regraft.features.cached import Cache, found_or_made
from regraft.features.level import Level
from tests.tiny_sessions import EXAMPLES, KINDS, grafted, spliced

Rows = dict[int, bytes]


@pytest.fixture(autouse=True)
def _own_roof(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGRAFT_CACHE", str(tmp_path))
    monkeypatch.setattr(level_module, "TOKENS", 64)
    monkeypatch.setattr(level_module, "IMAGES", 4)


def levels(kind: str, precision: Precision = "fp32") -> tuple[Level, Level]:
    network = grafted(kind)
    chain = spliced(network)
    low, high = (Level(network, chain, line, None, Mode(precision)) for line in (1, 2))
    return low, high


def made(level: Level, kind: str, cache: Cache, below: Below | None = None, few: int = 9) -> Rows:
    rows = EXAMPLES[kind](9).rows.take(np.arange(few))
    found: Rows = {}
    for indices, arrays in found_or_made(level, rows, cache=cache, below=below):
        found |= {i: a.tobytes() for i, a in zip(indices.tolist(), arrays, strict=True)}
    return found


def quiet() -> Cache:
    return Cache(say=lambda line: None)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("kind", KINDS)
def test_rows_are_carried_on_with_the_same_bits(kind: str, precision: Precision) -> None:
    low, high = levels(kind, precision)
    expected = made(high, kind, Cache(on=False))
    made(low, kind, quiet())
    cache = quiet()
    found = made(high, kind, cache, Below(low, shelf.open_store(low.key)))
    assert found == expected
    assert cache.tally.advanced == 9


@pytest.mark.parametrize("kind", KINDS)
def test_a_chunk_with_a_row_that_is_not_stored_starts_at_the_input(kind: str) -> None:
    low, high = levels(kind)
    expected = made(high, kind, Cache(on=False))
    made(low, kind, quiet(), few=6)
    cache = quiet()
    found = made(high, kind, cache, Below(low, shelf.open_store(low.key)))
    assert found == expected
    assert 0 < cache.tally.advanced < 9


def test_where_the_lower_rows_went_meanwhile_all_start_at_the_input() -> None:
    low, high = levels("text")
    expected = made(high, "text", Cache(on=False))
    made(low, "text", quiet())
    below = Below(low, shelf.open_store(low.key))
    shelf.clear()
    cache = quiet()
    assert made(high, "text", cache, below) == expected
    assert cache.tally.advanced == 0
