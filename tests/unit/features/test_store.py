"""A store gives back what it was given, or does not find it: never anything else."""

import os
from pathlib import Path

import numpy as np
import pytest

from regraft.features import segment as segment_module
from regraft.features import store as store_module
from regraft.features.rowkeys import Keys
from regraft.features.segment import DATA, INDEX, is_abandoned
from regraft.features.store import BAD, CHECKED, DRAFT, Store
from tests.closed_folder import close_folder


def keys(*numbers: int) -> Keys:
    return np.array([[number, *[7] * 15] for number in numbers], np.uint8)


def rows(*lengths: int) -> list[np.ndarray]:
    return [np.full((length, 3), length, np.float32) for length in lengths]


def filled(folder: Path) -> Store:
    """Returns a store of five rows in two segments."""
    store = Store(folder)
    with store.growing() as segment:
        segment.add(keys(1, 2), rows(4, 2))
        segment.add(keys(3), rows(5))
    with store.growing() as segment:
        segment.add(keys(9, 8), rows(1, 6))
    return store


def lengths_found(store: Store, *numbers: int) -> list[int | None]:
    """Returns the length of each row that is found, its content checked."""
    segments, places = store.find(keys(*numbers))
    known = segments >= 0
    read = list(store.rows(segments[known], places[known]))
    assert all((row == len(row)).all() for row in read)
    lengths = iter(len(row) for row in read)
    return [next(lengths) if hit else None for hit in known]


def test_rows_come_back_whatever_the_order_and_the_segment(tmp_path: Path) -> None:
    expected = [6, 5, None, 4, 1, 2]
    store = filled(tmp_path / "level")
    assert lengths_found(store, 8, 3, 77, 1, 9, 2) == expected
    assert lengths_found(Store(tmp_path / "level"), 8, 3, 77, 1, 9, 2) == expected


def test_an_empty_store_finds_nothing(tmp_path: Path) -> None:
    assert lengths_found(Store(tmp_path / "none"), 1, 2) == [None, None]


def test_keys_that_share_their_first_half_are_told_apart(tmp_path: Path) -> None:
    store = Store(tmp_path / "level")
    both = np.array([[1] * 16, [1] * 8 + [2] * 8], np.uint8)
    with store.growing() as segment:
        segment.add(both[:1], rows(4))
    assert store.find(both)[0].tolist() == [0, -1]


def test_a_stretch_that_fails_leaves_nothing(tmp_path: Path) -> None:
    store = Store(tmp_path / "level")

    def stopped() -> None:
        with store.growing() as segment:
            segment.add(keys(1), rows(4))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped()
    assert list((tmp_path / "level").iterdir()) == []
    assert lengths_found(store, 1) == [None]


def test_a_stretch_without_rows_leaves_nothing(tmp_path: Path) -> None:
    store = Store(tmp_path / "level")
    with store.growing():
        pass
    assert list((tmp_path / "level").iterdir()) == []


def test_another_process_s_rows_are_seen_after_a_look(tmp_path: Path) -> None:
    store = Store(tmp_path / "level")
    filled(tmp_path / "level")
    assert lengths_found(store, 1) == [None]
    store.refresh()
    assert lengths_found(store, 1) == [4]


def test_two_that_fill_the_same_rows_do_no_harm(tmp_path: Path) -> None:
    first, second = Store(tmp_path / "level"), Store(tmp_path / "level")
    with first.growing() as one, second.growing() as other:
        one.add(keys(1), rows(4))
        other.add(keys(1, 2), rows(4, 2))
    assert lengths_found(Store(tmp_path / "level"), 1, 2) == [4, 2]


def flip_a_bit(path: Path) -> None:
    """Flips one in a file, which then is of another time, however coarse the disk's clock is."""
    content = bytearray(path.read_bytes())
    content[5] ^= 1
    path.write_bytes(content)
    os.utime(path, (1000, 1000))


@pytest.mark.parametrize("process", ["same", "other"])
def test_a_flipped_bit_is_seen_and_the_segment_dropped(process: str, tmp_path: Path) -> None:
    folder = tmp_path / "level"
    filled(folder)
    damaged = max(folder.glob(f"*{DATA}"), key=lambda path: path.stat().st_size)
    flip_a_bit(damaged)
    if process == "other":
        CHECKED.clear()
    found = lengths_found(Store(folder), 1, 2, 3, 9, 8)
    assert [length is None for length in found].count(True) in (2, 3)
    assert not damaged.exists()
    assert not damaged.with_suffix(INDEX).exists()


def test_a_bit_that_flips_after_a_look_is_seen_at_the_next(tmp_path: Path) -> None:
    store = Store(tmp_path / "level")
    with store.growing() as segment:
        segment.add(keys(1, 2), rows(4, 2))
    assert lengths_found(store, 1, 2) == [4, 2]
    (data,) = (tmp_path / "level").glob(f"*{DATA}")
    flip_a_bit(data)
    assert lengths_found(store, 1, 2) == [None, None]
    assert store.sweep()


def test_a_file_that_is_as_it_was_is_read_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "level"
    filled(folder)
    for path in folder.glob(f"*{DATA}"):
        os.utime(path, (1000, 1000))  # touched, its content the same
    assert lengths_found(Store(folder), 1, 9) == [4, 1]
    monkeypatch.setattr(segment_module, "file_digest", None)
    assert lengths_found(Store(folder), 1, 9) == [4, 1]


def test_no_flipped_bit_of_an_index_gives_other_rows(tmp_path: Path) -> None:
    store = Store(tmp_path / "level")
    with store.growing() as segment:
        segment.add(keys(1, 2), rows(4, 2))
    (index,) = (tmp_path / "level").glob(f"*{INDEX}")
    data, content = index.with_suffix(DATA), index.read_bytes()
    numbers = data.read_bytes()
    for bit in range(0, 8 * len(content), 3):
        flipped = bytearray(content)
        flipped[bit // 8] ^= 1 << bit % 8
        index.write_bytes(flipped)
        data.write_bytes(numbers)
        CHECKED.clear()
        BAD.clear()
        assert lengths_found(Store(tmp_path / "level"), 1, 2) in ([None, None], [4, 2])


@pytest.mark.parametrize("fault", ["shorter", "gone", "index"])
def test_half_a_segment_is_none(fault: str, tmp_path: Path) -> None:
    store = Store(tmp_path / "level")
    with store.growing() as segment:
        segment.add(keys(1), rows(4))
    (data,) = (tmp_path / "level").glob(f"*{DATA}")
    if fault == "shorter":
        data.write_bytes(data.read_bytes()[:-1])
    elif fault == "gone":
        data.unlink()
    else:
        data.with_suffix(INDEX).write_bytes(b"no index")
    assert lengths_found(Store(tmp_path / "level"), 1) == [None]


def test_a_draft_counts_for_nothing(tmp_path: Path) -> None:
    filled(tmp_path / "level")
    (tmp_path / "level" / f"1-abc{DRAFT}").write_bytes(b"half")
    assert len(Store(tmp_path / "level").segments) == 2


def test_rows_of_another_kind_are_a_bug(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="among rows of"), Store(tmp_path).growing() as segment:
        segment.add(keys(1, 2), [np.zeros((1, 3), np.float32), np.zeros((1, 4), np.float32)])


def test_rows_that_others_dropped_after_a_look_are_not_found(tmp_path: Path) -> None:
    store = filled(tmp_path / "level")
    other = Store(tmp_path / "level")
    other.find(keys(9))  # mapped: what goes afterwards can still be read
    for path in (tmp_path / "level").glob(f"*{DATA}"):
        path.unlink()
    assert lengths_found(store, 1, 9) == [None, None]
    assert lengths_found(other, 1, 9) == [None, 1]


def test_damage_that_cannot_be_deleted_is_damage_the_second_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(tmp_path / "level")
    for path in (tmp_path / "level").glob(f"*{DATA}"):
        path.write_bytes(bytes([1]) + path.read_bytes()[1:])
    CHECKED.clear()  # as in another process

    def refused(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "unlink", refused)
    store = Store(tmp_path / "level")
    for _ in range(2):
        assert lengths_found(store, 1, 9) == [None, None]
        assert store.sweep()
        store.refresh()
    again = Store(tmp_path / "level")
    assert lengths_found(again, 1, 9) == [None, None]
    assert again.sweep()


def test_a_draft_is_held_for_as_long_as_it_is_written(tmp_path: Path) -> None:
    with Store(tmp_path / "level").growing() as segment:
        segment.add(keys(1), rows(2))
        (draft,) = (tmp_path / "level").glob(f"*{DRAFT}")
        os.utime(draft, (1000, 1000))
        assert not is_abandoned(draft)
    draft.write_bytes(b"half")
    os.utime(draft, (1000, 1000))
    assert is_abandoned(draft)


def test_what_may_not_be_read_is_no_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(tmp_path / "level")
    indexes = list((tmp_path / "level").glob(f"*{INDEX}"))

    def refused(path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    with monkeypatch.context() as patch:
        patch.setattr(store_module, "read_index", refused)
        store = Store(tmp_path / "level")
        assert not store.segments
        assert not store.sweep()
    assert all(index.exists() for index in indexes)
    assert Store(tmp_path / "level").segments


def test_an_index_may_be_read_by_whoever_may_read_the_numbers(tmp_path: Path) -> None:
    filled(tmp_path / "level")
    for index in (tmp_path / "level").glob(f"*{INDEX}"):
        assert index.stat().st_mode == index.with_suffix(DATA).stat().st_mode


def test_a_damaged_index_is_swept_and_one_that_went_is_no_damage(tmp_path: Path) -> None:
    filled(tmp_path / "level")
    damaged, gone = (tmp_path / "level").glob(f"*{INDEX}")
    damaged.write_bytes(b"no index")
    gone.with_suffix(DATA).unlink()
    store = Store(tmp_path / "level")
    assert store.sweep()
    assert not damaged.exists()
    assert not Store(tmp_path / "level").sweep()


def test_what_may_not_be_looked_at_holds_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(tmp_path / "level")
    close_folder(tmp_path, monkeypatch)
    assert lengths_found(Store(tmp_path / "level"), 1, 2) == [None, None]
