"""Tests that lists, arrays and data frames become tables."""

import io
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch
from PIL import Image as Pil

from regraft.data.reading.frames import read_frame
from regraft.data.reading.tables import Picture
from regraft.errors import DataError


def _shape(picture: Picture) -> tuple[int, ...]:
    assert isinstance(picture, np.ndarray)
    return picture.shape


def test_a_pair_of_lists_is_texts_and_labels() -> None:
    table = read_frame((["a", "b"], ["x", "y"]))
    assert table.columns == {"text": ["a", "b"], "label": ["x", "y"]}
    assert dict(table.known) == {"text": "text", "label": "label"}
    assert str(table.origins[1]) == "data:2"


def test_labels_of_any_plain_type_become_names() -> None:
    labels = [np.int64(3), 2.0, True, None, float("nan"), "x"]
    assert read_frame((["a"] * 6, labels)).columns["label"] == ["3", "2", "True", None, None, "x"]


def test_labels_and_texts_that_stand_for_none_are_missing_in_dictionaries_and_frames() -> None:
    polars = pytest.importorskip("polars")
    nan = float("nan")
    columns = {"text": ["a", "b", None], "label": [0.0, nan, 1.0]}
    for frame in (columns, polars.DataFrame(columns)):
        assert read_frame(frame).columns == {"text": ["a", "b", None], "label": ["0", None, "1"]}
    words = read_frame({"text": ["a", nan], "label": (nan, "x")})
    assert words.columns == {"text": ["a", None], "label": [None, "x"]}


@pytest.mark.parametrize("kind", ["Int64", "string", "boolean", "object"])
def test_the_na_of_pandas_is_missing_among_labels_and_among_texts(kind: str) -> None:
    pandas = pytest.importorskip("pandas")
    labels = pandas.Series([1, 0, None], dtype="Int64").astype(kind)
    texts = pandas.Series(["a", None, "b"], dtype="object" if kind == "object" else "string")
    table = read_frame((texts, labels))
    assert table.columns["text"] == ["a", None, "b"]
    cells = table.columns["label"]
    assert [cell is None for cell in cells] == [False, False, True]
    assert read_frame({"text": ["a", "b"], "label": [pandas.NA, "x"]}).columns["label"] == [
        None,
        "x",
    ]


def test_arrays_of_pictures_and_their_labels_are_kept_as_pixels() -> None:
    pixels = np.zeros((3, 4, 5), np.uint8)
    table = read_frame((pixels, np.array([0, 1, 0])))
    assert table.columns == {"label": ["0", "1", "0"]}
    assert [_shape(each) for each in table.pixels["image"]] == [(4, 5)] * 3
    assert len(table) == table.frame.num_rows == 3


def test_lists_of_pillow_images_are_pictures() -> None:
    table = read_frame([Pil.new("RGB", (5, 4))])
    assert _shape(table.pixels["image"][0]) == (4, 5, 3)
    assert table.frame.num_rows == 1


def test_lists_of_paths_of_pictures_are_images() -> None:
    assert dict(read_frame(["a.png", "b.JPG"]).known) == {"image": "image"}


def test_pandas_frames_are_read_without_their_index() -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"text": ["a", None], "label": [1, 0]}, index=["r1", "r2"])
    table = read_frame(frame)
    assert table.columns == {"text": ["a", None], "label": ["1", "0"]}
    assert table.frame.column_names == ["text", "label"]


def test_pandas_and_polars_columns_can_stand_in_for_lists() -> None:
    pandas, polars = pytest.importorskip("pandas"), pytest.importorskip("polars")
    table = read_frame((pandas.Series(["a", "b"]), polars.Series([1, 0])))
    assert table.columns == {"text": ["a", "b"], "label": ["1", "0"]}
    assert read_frame(polars.Series(["a"])).columns == {"text": ["a"]}


def test_polars_and_arrow_frames_and_dictionaries_are_read() -> None:
    polars = pytest.importorskip("polars")
    columns = {"text": ["a", "b"], "label": ["x", "y"]}
    for frame in (polars.DataFrame(columns), pa.table(columns), columns):
        assert read_frame(frame).columns == columns


def test_rows_can_be_kept_of_a_polars_frame_with_categories() -> None:
    polars = pytest.importorskip("polars")
    labels = polars.Series(["x", "y", "x"], dtype=polars.Categorical)
    table = read_frame(polars.DataFrame({"text": ["a", "b", "c"], "label": labels}))
    kept = table.keep([2, 1])
    assert kept.columns == {"text": ["c", "b"], "label": ["x", "y"]}
    assert kept.frame.to_pydict() == {"text": ["c", "b"], "label": ["x", "y"]}


def test_a_table_is_taken_as_it_is() -> None:
    table = read_frame(["a"])
    assert read_frame(table) is table


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ((["a", "b"], ["x"]), "2 inputs and 1 labels"),
        ([1, 2], "input 1 is of type int"),
        (7, "data of type int"),
        ({"text": ["a"], "label": ["x", "y"]}, "one length"),
        ({"text": ["a", 1]}, "each of one type"),
        ({"text": "I loved it"}, r"column 'text' is one value.*; try \[value\]"),
        (np.zeros((8, 9, 3), np.uint8), r"\(8, 9, 3\) is one picture.*; try \[array\]"),
        ((np.zeros((2, 9, 1), np.uint8), [0, 1]), r"\(2, 9, 1\) is one picture"),
    ],
)
def test_other_objects_are_refused(source: object, said: str) -> None:
    with pytest.raises(DataError, match=said):
        read_frame(source)


def test_lone_surrogates_are_replaced_but_in_paths_only_in_the_frame() -> None:
    table = read_frame((["a\ud800"], ["\udc80"]))
    assert (table.columns["text"], table.columns["label"]) == (["a\ufffd"], ["\ufffd"])
    assert table.frame.column("text").to_pylist() == ["a\ufffd"]
    paths = read_frame(["caf\udce9.png"])
    assert paths.columns["image"] == ["caf\udce9.png"]
    assert paths.frame.column("image").to_pylist() == ["caf\ufffd.png"]


def test_an_odd_path_among_paths_of_pictures_is_no_text() -> None:
    paths: list[str | None] = [*(f"{n}.png" for n in range(18)), None, "18.heic"]
    assert dict(read_frame(paths).known) == {"image": "image"}
    assert dict(read_frame(["a.png", "a film"]).known) == {"text": "text"}


def _turned() -> Pil.Image:
    exif = Pil.Exif()
    exif[0x0112] = 6
    return _reopened(Pil.fromarray(np.zeros((30, 40, 3), np.uint8)), "JPEG", exif=exif)


def _reopened(picture: Pil.Image, kind: str, **options: Any) -> Pil.Image:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return Pil.open(file)


@pytest.mark.parametrize(
    ("picture", "pixels"),
    [
        (Pil.new("RGB", (2, 2), (10, 200, 30)).quantize(4), [10, 200, 30]),
        (Pil.new("CMYK", (2, 2), (0, 255, 255, 0)), [255, 0, 0]),
        (Pil.new("RGBA", (2, 2), (255, 0, 0, 0)), [255, 255, 255]),
        (Pil.fromarray(np.full((2, 2), 65_535, np.uint16)), 255),
        (Pil.new("1", (2, 2), 1), 255),
    ],
)
def test_pillow_images_of_any_mode_are_seen_as_their_files_are(
    picture: Pil.Image, pixels: object
) -> None:
    found = read_frame([picture]).pixels["image"][0]
    assert isinstance(found, np.ndarray)
    assert found[0, 0].tolist() == pixels


def test_pillow_images_are_upright_and_whole() -> None:
    assert _shape(read_frame([_turned()]).pixels["image"][0]) == (40, 30, 3)
    file = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 255, (40, 40, 3), np.uint8)
    Pil.fromarray(noise).save(file, "PNG")
    cut = Pil.open(io.BytesIO(file.getvalue()[:2000]))
    with pytest.raises(DataError, match="input 2 cannot be decoded"):
        read_frame([Pil.new("L", (2, 2)), cut])


def test_two_columns_of_one_name_are_refused_as_they_are_in_files() -> None:
    frame = pa.Table.from_arrays([pa.array(["a"])] * 2, names=["text", "text"])
    with pytest.raises(DataError, match="data has more than one column 'text'"):
        read_frame(frame)


def test_tensors_are_neither_texts_nor_pictures() -> None:
    with pytest.raises(DataError, match="input 1 is of type Tensor"):
        read_frame([torch.zeros(2, 3)])
