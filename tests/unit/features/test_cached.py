"""Features that are read are those that were computed; where the disk fails, none are lost."""

import errno
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from regraft.backbones.modes import Mode
from regraft.data.spec import ImageSpec
from regraft.errors import SettingsError
from regraft.features import level as level_module
from regraft.features import shelf, store
from regraft.features.cached import Cache, found_or_made, pooled
from regraft.features.level import Level, Made
from regraft.features.pooled import pooled_features
from regraft.features.segment import DATA, INDEX
from regraft.features.store import Growing, Store
from tests.closed_folder import close_folder
from tests.tiny_sessions import EXAMPLES, KINDS, grafted, spliced

SPEC = ImageSpec(16, (0.5,) * 3, (0.25,) * 3)


@pytest.fixture(autouse=True)
def _own_roof(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGRAFT_CACHE", str(tmp_path))
    monkeypatch.setattr(level_module, "TOKENS", 64)
    monkeypatch.setattr(level_module, "IMAGES", 4)


def level_of(kind: str, line: int = 3) -> Level:
    network = grafted(kind)
    return Level(network, spliced(network), line, SPEC, Mode())


def quiet() -> tuple[Cache, list[str]]:
    lines: list[str] = []
    return Cache(say=lines.append), lines


@pytest.mark.parametrize("kind", KINDS)
def test_pooled_features_are_those_of_the_plain_pass(kind: str) -> None:
    level, rows = level_of(kind), EXAMPLES[kind](13).rows
    found = pooled(level, rows, cache=quiet()[0])
    expected = pooled_features(level.network, rows, mode=Mode())
    assert found == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_warm_cold_and_off_give_the_same_bytes(kind: str) -> None:
    level, rows = level_of(kind), EXAMPLES[kind](13).rows
    cold, warm = quiet()[0], quiet()[0]
    first = pooled(level, rows, cache=cold)
    second = pooled(level, rows, cache=warm)
    third = pooled(level, rows, cache=Cache(on=False))
    assert first.tobytes() == second.tobytes() == third.tobytes()
    assert (cold.tally.read, cold.tally.computed) == (0, 13)
    assert (warm.tally.read, warm.tally.computed) == (13, 0)
    assert cold.tally.bytes == first.nbytes
    assert warm.tally.bytes == 0


def test_only_what_is_new_is_computed() -> None:
    level, rows = level_of("text"), EXAMPLES["text"](13).rows
    pooled(level, rows.take(np.arange(5)), cache=quiet()[0])
    cache = quiet()[0]
    found = pooled(level, rows, cache=cache)
    assert (cache.tally.read, cache.tally.computed) == (5, 8)
    assert found.tobytes() == pooled(level, rows, cache=Cache(on=False)).tobytes()


def test_activations_come_back_at_their_true_lengths() -> None:
    level, rows = level_of("text", 2), EXAMPLES["text"](9).rows
    for _ in range(2):
        for indices, arrays in found_or_made(level, rows, cache=quiet()[0]):
            lengths = [len(array) for array in arrays]
            assert lengths == rows.lengths[indices].tolist()


def full_disk(*_: Any, **__: Any) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("where", ["growing", "add", "finish"])
def test_a_full_disk_is_told_once_and_nothing_is_lost(
    where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    level, rows = level_of("text"), EXAMPLES["text"](13).rows
    expected = pooled(level, rows, cache=Cache(on=False))
    monkeypatch.setattr(Store if where == "growing" else Growing, where, full_disk)
    cache, lines = quiet()
    for _ in range(2):
        assert pooled(level, rows, cache=cache).tobytes() == expected.tobytes()
    assert lines == ["features cannot be stored (No space left on device): they are computed anew"]
    left = [path for path in shelf.roof().glob("*/*") if path.name != shelf.USED]
    assert left == []


def test_a_flipped_bit_is_computed_anew() -> None:
    level, rows = level_of("text"), EXAMPLES["text"](13).rows
    expected = pooled(level, rows, cache=quiet()[0])
    (data,) = shelf.roof().glob(f"*/*{DATA}")
    data.write_bytes(bytes([data.read_bytes()[0] ^ 1]) + data.read_bytes()[1:])
    os.utime(data, (1000, 1000))  # however coarse the disk's clock is
    cache, lines = quiet()
    for _ in range(2):
        assert pooled(level, rows, cache=cache).tobytes() == expected.tobytes()
    assert cache.tally.computed == 13
    assert lines == ["stored features were damaged and are computed again"]


def test_a_limit_that_is_none_is_told_though_all_is_stored(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("REGRAFT_CACHE_BYTES", "-1")
    with pytest.raises(SettingsError, match="REGRAFT_CACHE_BYTES"):
        Cache()
    assert not Cache(on=False).on


def test_damage_that_cannot_be_deleted_is_told_once_and_never_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    level, rows = level_of("text"), EXAMPLES["text"](13).rows
    expected = pooled(level, rows, cache=quiet()[0])
    (index,) = shelf.roof().glob(f"*/*{INDEX}")
    index.write_bytes(b"no index")
    monkeypatch.setattr(Path, "unlink", full_disk)
    monkeypatch.setattr(Store, "growing", full_disk)
    cache, lines = quiet()
    for _ in range(2):
        assert pooled(level, rows, cache=cache).tobytes() == expected.tobytes()
    assert cache.tally.computed == 26
    assert [line.split(" (")[0] for line in lines] == [
        "stored features were damaged and are computed again",
        "features cannot be stored",
    ]


@pytest.mark.parametrize(("spare", "stored"), [(1, 13), (-1, 0)])
def test_room_is_asked_for_rows_as_wide_as_they_are(
    spare: int, stored: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = EXAMPLES["text"](13).rows
    monkeypatch.setenv("REGRAFT_CACHE_BYTES", str(13 * (16 * 4 + 24) + spare))
    cache, lines = quiet()
    pooled(level_of("text"), rows, cache=cache)
    assert sum(each.rows for each in shelf.shelved()) == stored
    assert len(lines) == (not stored)


def test_two_that_write_at_once_leave_no_more_than_the_limit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    level, rows, real = level_of("text"), EXAMPLES["text"](13).rows, Level.made
    numbers = 13 * (16 * 4 + 24)
    coming = iter([False, True])

    def made(*given: Any, **named: Any) -> Made:
        if next(coming, False):  # in the middle of the pass another process ends its own
            with shelf.open_store("other").growing() as segment:
                segment.add(np.zeros((13, 16), np.uint8), [np.zeros((1, 16), np.float32)] * 13)
            store.CHECKED.clear()
        return real(*given, **named)

    monkeypatch.setattr(Level, "made", made)
    monkeypatch.setenv("REGRAFT_CACHE_BYTES", str(int(numbers / 0.6)))
    cache, lines = quiet()
    pooled(level, rows, cache=cache)
    assert {each.key: each.rows for each in shelf.shelved()} == {level.key: 13, "other": 0}
    assert sum(each.bytes for each in shelf.shelved()) <= shelf.limit()
    assert lines == []


@pytest.mark.parametrize("line", [2, 3])
@pytest.mark.parametrize("kind", KINDS)
def test_what_was_computed_in_halves_is_used_and_not_stored(
    kind: str, line: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    level, rows, real = level_of(kind, line), EXAMPLES[kind](13).rows, Level._compute
    crowded = iter([True])

    def small(level: Level, batch: Any, start: int) -> torch.Tensor:
        if next(crowded, False):
            raise torch.OutOfMemoryError("a fake")
        return real(level, batch, start)

    monkeypatch.setattr(Level, "_compute", small)
    cache, lines = quiet()
    found = list(found_or_made(level, rows, cache=cache))
    assert sorted(np.concatenate([indices for indices, _ in found]).tolist()) == list(range(13))
    (shelved,) = shelf.shelved()
    assert shelved.rows == 13 - len(found[0][0])
    again = quiet()[0]
    list(found_or_made(level, rows, cache=again))
    assert again.tally.computed == len(found[0][0])
    assert lines == []


def test_what_is_computed_in_halves_is_compared_with_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    level, rows, real = level_of("image"), EXAMPLES["image"](13).rows, Level.made
    expected = pooled(level, rows, cache=quiet()[0])

    def halved(*given: Any, **named: Any) -> Made:
        made = real(*given, **named)
        return Made([array + 1 for array in made.arrays], whole=False)

    monkeypatch.setattr(Level, "made", halved)
    cache = Cache(say=lambda line: None, check=True)
    assert pooled(level, rows, cache=cache).tobytes() == expected.tobytes()
    assert cache.tally.checked == 0


def test_a_folder_that_may_not_be_entered_is_told_once_and_nothing_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    level, rows = level_of("text"), EXAMPLES["text"](13).rows
    expected = pooled(level, rows, cache=Cache(on=False))
    close_folder(tmp_path, monkeypatch)
    cache, lines = quiet()
    for _ in range(2):
        assert pooled(level, rows, cache=cache).tobytes() == expected.tobytes()
    assert lines == ["features cannot be stored (Permission denied): they are computed anew"]
