"""Tests that checkpoints are whole or not there, and that the newest whole one is given."""

import time
from pathlib import Path

import pytest
import torch

from regraft.training.keeping import keeper as module
from regraft.training.keeping.keeper import PACE, Keeper, Kept


def kept(number: int) -> Kept:
    return Kept({"weight": torch.full((4,), float(number))}, {"number": number})


@pytest.fixture
def keeper(tmp_path: Path) -> Keeper:
    return Keeper(tmp_path / "checkpoints")


def number_of(found: Kept | None) -> int | None:
    if found is None:
        return None
    assert found.tensors["weight"].tolist() == [found.content["number"]] * 4
    return int(found.content["number"])


def test_nothing_is_there_before_the_first(keeper: Keeper) -> None:
    assert keeper.latest() is None


def test_the_newest_is_given_and_the_last_two_are_kept(keeper: Keeper) -> None:
    for number in range(4):
        assert keeper.save(kept(number))
        assert number_of(keeper.latest()) == number
    names = sorted(path.name for path in keeper.folder.iterdir())
    stems = ("000003", "000004")
    assert names == [f"{stem}.{kind}" for stem in stems for kind in ("json", "safetensors")]


@pytest.mark.parametrize("suffix", ["json", "safetensors"])
@pytest.mark.parametrize("damage", [b"", b"{}", None])
def test_a_damaged_one_gives_way_to_the_one_before(
    keeper: Keeper, suffix: str, damage: bytes | None
) -> None:
    for number in (1, 2):
        keeper.save(kept(number))
    place = keeper.folder / f"000002.{suffix}"
    whole = bytearray(place.read_bytes())
    whole[len(whole) // 2] ^= 1
    place.write_bytes(bytes(whole) if damage is None else damage)
    assert number_of(keeper.latest()) == 1


def test_one_bit_of_a_weight_is_seen(keeper: Keeper) -> None:
    for number in (1, 2):
        keeper.save(kept(number))
    place = keeper.folder / "000002.safetensors"
    content = bytearray(place.read_bytes())
    content[-1] ^= 1
    place.write_bytes(bytes(content))
    assert number_of(keeper.latest()) == 1


def test_a_number_edited_in_the_manifest_is_seen(keeper: Keeper) -> None:
    for number in (1, 2):
        keeper.save(kept(number))
    place = keeper.folder / "000002.json"
    text = place.read_text("utf-8")
    assert text.count('\\"number\\": 2') == 1
    place.write_text(text.replace('\\"number\\": 2', '\\"number\\": 7'), "utf-8")
    assert number_of(keeper.latest()) == 1


def test_a_file_without_its_manifest_counts_for_nothing(keeper: Keeper) -> None:
    for number in (1, 2):
        keeper.save(kept(number))
    (keeper.folder / "000002.json").unlink()
    assert number_of(keeper.latest()) == 1


def test_a_full_disk_leaves_what_was_there(keeper: Keeper, monkeypatch: pytest.MonkeyPatch) -> None:
    keeper.save(kept(1))

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module, "save_file", full)
    assert not keeper.save(kept(2))
    assert keeper.trouble == "No space left on device"
    assert number_of(keeper.latest()) == 1
    monkeypatch.undo()
    assert keeper.save(kept(3))
    assert keeper.trouble == ""


def test_one_is_due_after_its_share_of_the_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter([0.0, 10.0, 12.0, 20.0, 24.0, 100.0, 300.0])
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))
    made = Keeper(tmp_path / "checkpoints", soonest=11.0, share=0.02)
    assert [made.due, made.due] == [False, True]
    made.save(kept(1))  # from 20 to 24: the next one in 200 s
    assert [made.due, made.due] == [False, True]


def test_all_are_removed_when_the_run_is_complete(keeper: Keeper) -> None:
    keeper.save(kept(1))
    keeper.clear()
    assert not keeper.folder.exists()


def test_the_first_one_waits_until_it_is_worth_what_it_will_cost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    keeper = Keeper(tmp_path / "kept", soonest=15.0, share=0.01)
    keeper.expect(int(PACE))  # a second
    now[0] = 99.0
    assert not keeper.due
    now[0] = 101.0
    assert keeper.due
    keeper.spent = 3.0
    keeper.expect(int(100 * PACE))  # what was measured counts from now on
    assert keeper.due


def test_what_makes_a_checkpoint_is_timed_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    keeper = Keeper(tmp_path / "checkpoints")

    def slow() -> Kept:
        now[0] += 7.0
        return kept(1)

    assert keeper.save(slow)
    assert keeper.spent == 7.0
    now[0] += 6.9 / keeper.share
    assert not keeper.due
    now[0] += 0.2 / keeper.share
    assert keeper.due


def test_each_that_is_damaged_is_named_once(tmp_path: Path) -> None:
    told: list[str] = []
    keeper = Keeper(tmp_path / "checkpoints", say=told.append)
    for number in (1, 2, 3):
        keeper.save(kept(number))
    assert number_of(keeper.latest()) == 3
    assert told == []
    for number in (2, 3):
        (keeper.folder / f"00000{number}.safetensors").write_bytes(b"")
    assert keeper.latest() is None
    assert keeper.latest() is None
    places = [keeper.folder / f"00000{number}.json" for number in (3, 2)]
    assert told == [f"warning: the checkpoint {place} is damaged: not taken" for place in places]
