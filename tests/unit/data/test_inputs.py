"""Tests that inputs stay in place, and that every image is decoded or named."""

import errno
import io
import weakref
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image as Pil

from regraft.data import inputs
from regraft.data.guess import Roles
from regraft.data.inputs import gather
from regraft.data.reading.frames import read_frame
from regraft.data.reading.tables import Table, from_frame
from regraft.data.rows import PictureFacts
from regraft.data.split import content_key
from regraft.errors import StorageError


def _png(value: int, size: tuple[int, int] = (6, 4)) -> bytes:
    file = io.BytesIO()
    Pil.new("L", size, value).save(file, "PNG")
    return file.getvalue()


def _paths(folder: Path, *names: str | None) -> Table:
    return from_frame(pa.table({"file": pa.array(names, pa.string())}), "t", folder=folder)


def test_texts_are_kept_as_they_are_with_their_keys() -> None:
    gathered = gather(from_frame(pa.table({"text": [" a\n", "", None, " "]}), "t"), Roles("text"))
    assert gathered.modality == "text"
    assert gathered.inputs == [" a\n", "", "", " "]
    assert gathered.keys[0].tobytes() == content_key("a")
    assert gathered.errors == dict.fromkeys([1, 2, 3], "the text is empty")


def test_what_the_reader_could_not_use_is_kept_as_an_error() -> None:
    table = from_frame(pa.table({"text": ["a", "b"]}), "t")
    object.__setattr__(table, "errors", {1: "ragged"})
    assert gather(table, Roles("text")).errors == {1: "ragged"}


def test_images_are_decoded_and_bad_ones_named_in_place(tmp_path: Path) -> None:
    (tmp_path / "good.png").write_bytes(_png(7))
    (tmp_path / "cut.png").write_bytes(_png(7)[:-30])
    gathered = gather(
        _paths(tmp_path, "cut.png", "good.png", None, "gone.png"), Roles(image="file")
    )
    pixels = gathered.inputs[1]
    assert isinstance(pixels, np.ndarray)
    assert pixels.tolist() == np.full((4, 6), 7).tolist()
    assert gathered.inputs[0] == str(tmp_path / "cut.png")
    assert sorted(gathered.errors) == [0, 2, 3]
    assert "cannot be decoded" in gathered.errors[0]
    assert "no picture in the cell" in gathered.errors[2]
    assert "no file" in gathered.errors[3]
    assert not gathered.keys[0].any()


def test_pictures_that_a_failing_disk_does_not_give_are_not_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Pil.open

    def failing(file: str, **options: Any) -> Pil.Image:
        if "far" in file:
            raise OSError(errno.ESTALE, "Stale file handle", file)
        return real(file, **options)

    for name in ("near.png", "far.png"):
        (tmp_path / name).write_bytes(_png(7))
    monkeypatch.setattr(Pil, "open", failing)
    with pytest.raises(StorageError, match=r"far\.png cannot be read \(Stale file handle\)"):
        gather(_paths(tmp_path, "near.png", "far.png"), Roles(image="file"))


def test_a_picture_that_may_not_be_read_is_left_out_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Pil.open

    def closed(file: str, **options: Any) -> Pil.Image:
        if "far" in file:
            raise PermissionError(errno.EACCES, "Permission denied", file)
        return real(file, **options)

    for name in ("near.png", "far.png"):
        (tmp_path / name).write_bytes(_png(7))
    monkeypatch.setattr(Pil, "open", closed)
    gathered = gather(_paths(tmp_path, "near.png", "far.png"), Roles(image="file"))
    assert list(gathered.errors) == [1]
    assert "far.png cannot be read (Permission denied)" in gathered.errors[1]


def test_blanks_around_a_path_are_no_part_of_it_unless_they_are(tmp_path: Path) -> None:
    for name, value in (("a.png", 1), ("b.png", 2), (" b.png", 3)):
        (tmp_path / name).write_bytes(_png(value))
    long = " " + "a" * 300 + ".png"  # no file can have such a name
    gathered = gather(_paths(tmp_path, " a.png\t", " b.png", "  ", long), Roles(image="file"))
    assert [np.max(each) for each in gathered.inputs[:2]] == [1, 3]
    assert gathered.errors.pop(2) == "there is no picture in the cell"
    assert list(gathered.errors) == [3]


def test_paths_of_a_sealed_table_must_stay_in_its_folder(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for place in ("out.png", "in/a.png"):
        (tmp_path / place).write_bytes(_png(1))
    whole = f"{tmp_path}/in/a.png"
    ways = [f" {tmp_path}/out.png", "../out.png", "a.png", "x/../../out.png", whole]
    table = _paths(tmp_path / "in", *ways)
    assert sorted(gather(table, Roles(image="file")).errors) == [3]
    gathered = gather(replace(table, sealed=True), Roles(image="file"))
    assert sorted(gathered.errors) == [0, 1, 3, 4]
    assert gathered.errors[1] == "the path '../out.png' leads out of the archive"
    assert gathered.inputs[0] == ""
    records = [{"bytes": None, "path": way} for way in ways]
    table = from_frame(pa.table({"file": records}), "t", folder=tmp_path / "in")
    sealed = gather(replace(table, sealed=True), Roles(image="file"))
    assert sorted(sealed.errors) == [0, 1, 3, 4]


def test_records_without_bytes_are_read_from_their_paths(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(_png(1))
    records = [{"bytes": None, "path": "a.png"}, {"bytes": _png(2), "path": "gone.png"}]
    table = from_frame(pa.table({"image": records}), "t", folder=tmp_path)
    gathered = gather(table, Roles(image="image"))
    assert [np.max(each) for each in gathered.inputs] == [1, 2]
    assert not gathered.errors


def test_many_pixels_are_let_go_for_their_paths(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inputs, "KEPT_BYTES", 30)
    for name in ("a.png", "b.png"):
        (tmp_path / name).write_bytes(_png(7))
    gathered = gather(_paths(tmp_path, "a.png", "b.png"), Roles(image="file"))
    assert gathered.inputs == [str(tmp_path / "a.png"), str(tmp_path / "b.png")]
    assert gathered.keys[0].any()
    assert gathered.keys[0].tobytes() == gathered.keys[1].tobytes()


@pytest.mark.parametrize(("side", "kept"), [(3, False), (4, True)])
def test_the_pixels_of_a_large_file_are_never_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, side: int, kept: bool
) -> None:
    monkeypatch.setattr(inputs, "LARGE", side + 1 if kept else side)
    (tmp_path / "a.png").write_bytes(_png(7))
    gathered = gather(_paths(tmp_path, "a.png"), Roles(image="file"))
    assert isinstance(gathered.inputs[0], np.ndarray) == kept
    assert list(gathered.sides) == [4]


def test_many_pixels_are_let_go_for_their_encoded_files(monkeypatch: pytest.MonkeyPatch) -> None:
    table = from_frame(pa.table({"image": [_png(3)]}), "t")
    assert np.shape(gather(table, Roles(image="image")).inputs[0]) == (4, 6)
    monkeypatch.setattr(inputs, "KEPT_BYTES", 1)
    assert gather(table, Roles(image="image")).inputs == [_png(3)]


def test_the_pixels_of_a_large_encoded_file_are_never_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inputs, "LARGE", 4)
    small = _png(3, size=(3, 6))
    gathered = gather(from_frame(pa.table({"image": [_png(3), small]}), "t"), Roles(image="image"))
    assert gathered.inputs[0] == _png(3)
    assert np.shape(gathered.inputs[1]) == (6, 3)


def test_pixels_that_came_as_pixels_are_kept_however_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inputs, "KEPT_BYTES", 1)
    gathered = gather(read_frame([np.zeros((4, 6), np.uint8)]), Roles(image="image"))
    assert np.shape(gathered.inputs[0]) == (4, 6)


def test_facts_are_the_median_side_and_the_share_of_grey() -> None:
    colour = np.zeros((10, 30, 3), np.uint8)
    colour[0, 0, 0] = 1
    grey = np.zeros((20, 40, 3), np.uint8)
    gathered = gather(read_frame([colour, grey, grey[:, :, 0]]), Roles(image="image"))
    facts = gathered.facts(np.array([0, 1, 2]))
    assert facts is not None
    assert facts.short_side == 20
    assert facts.grey_share == pytest.approx(2 / 3)


def test_facts_are_those_of_the_rows_that_are_asked_for() -> None:
    colour = np.zeros((10, 30, 3), np.uint8)
    colour[0, 0, 0] = 1
    gathered = gather(read_frame([colour, np.zeros((20, 40), np.uint8)]), Roles(image="image"))
    assert gathered.facts(np.array([1])) == PictureFacts(short_side=20, grey_share=1)
    assert gathered.facts(np.array([0])) == PictureFacts(short_side=10, grey_share=0)
    assert gathered.facts(np.zeros(0, np.int64)) == PictureFacts(short_side=0, grey_share=0)


def test_texts_have_no_facts_of_pictures() -> None:
    assert gather(read_frame(["a"]), Roles("text")).facts(np.array([0])) is None


def test_pixels_are_let_go_as_soon_as_they_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    held: list[weakref.ref[np.ndarray]] = []
    most: list[int] = []

    def one_by_one(decode: Callable[[bytes], np.ndarray], sources: list[bytes]) -> Iterator[Any]:
        for source in sources:
            seen = decode(source)
            held.append(weakref.ref(seen))
            most.append(sum(each() is not None for each in held))
            yield seen

    monkeypatch.setattr(inputs, "on_all_cores", one_by_one)
    monkeypatch.setattr(inputs, "KEPT_BYTES", 60)  # two pictures, and half of one
    encoded = [_png(value) for value in range(12)]
    gathered = gather(from_frame(pa.table({"image": encoded}), "t"), Roles(image="image"))
    assert gathered.inputs == encoded
    assert max(most) <= 5
