"""Tests that several sources become one table, and which cannot."""

import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pil

from regraft.data.guess import Roles
from regraft.data.load import load
from regraft.data.parting.sources import check_same_classes, classes_of, distinct, join_sources
from regraft.data.reading.sources import open_source
from regraft.data.rows import Dataset
from regraft.errors import DataError
from tests import tiny

TEXTS, LABELS = tiny.toy_texts(240)


def joined(*sources: object, **columns: str) -> Dataset:
    roles = Roles(**columns)
    return load(join_sources([open_source(each) for each in sources], roles), roles)


def written(path: Path, start: int, **more: list[str]) -> str:
    columns = {"text": TEXTS[start : start + 120], "label": LABELS[start : start + 120]}
    return str(tiny.write_csv(path, {**columns, **more}))


def domains(dataset: Dataset) -> dict[str, int]:
    every = [domain for rows in dataset.parts.values() for domain in rows.domains]
    return {name: every.count(name) for name in sorted(set(every))}


def test_rows_of_all_sources_are_parted_together_and_keep_where_they_came_from(
    tmp_path: Path,
) -> None:
    dataset = joined(written(tmp_path / "film.csv", 0), written(tmp_path / "news.csv", 120))
    assert dataset.name == "film-and-news"
    assert domains(dataset) == {"film": 120, "news": 120}
    assert len(dataset.parts["val"]) > 0  # 240 rows have one, 120 have none
    rows = dataset.parts["train"]
    for text, label, origin, domain in zip(
        rows.inputs, rows.labels, rows.origins, rows.domains, strict=True
    ):
        row = TEXTS.index(str(text))
        assert rows.classes[label] == LABELS[row]
        assert domain == ("film" if row < 120 else "news")
        assert str(origin).endswith(f"{domain}.csv:{row % 120 + 2}")


def test_columns_of_other_names_are_joined_by_what_they_hold(tmp_path: Path) -> None:
    other = {"review": TEXTS[120:], "stars": LABELS[120:], "page": ["x"] * 120}
    path = tiny.write_csv(tmp_path / "b.csv", other)
    dataset = joined(written(tmp_path / "a.csv", 0), str(path))
    assert dataset.columns == {"text": "text", "label": "label", "domain": "source"}
    assert domains(dataset) == {"a": 120, "b": 120}
    same = joined(str(path), {**other, "review": TEXTS[:120]})
    assert (same.columns["text"], same.columns["label"]) == ("review", "stars")


def test_a_column_that_was_named_must_be_in_every_source(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", 0, words=TEXTS[:120])
    other = {"words": TEXTS[120:], "label": LABELS[120:]}
    assert joined(path, other, text="words").columns["text"] == "words"
    with pytest.raises(DataError, match="b has no column 'words'"):
        joined(path, written(tmp_path / "b.csv", 120), text="words")


def test_a_source_without_a_split_trains_beside_one_that_has_one(tmp_path: Path) -> None:
    parts = ["test" if row < 30 else "train" for row in range(120)]
    first = written(tmp_path / "a.csv", 0, split=parts)
    dataset = joined(first, written(tmp_path / "b.csv", 120))
    assert set(dataset.parts["test"].domains) == {"a"}
    assert len(dataset.parts["test"]) == 30
    assert any("b: no split, unlike other sources" in note for note in dataset.notes)


def test_pictures_of_other_folders_and_of_python_are_joined(tmp_path: Path) -> None:
    first = tiny.image_folders(tmp_path / "first", 40)
    pixels = np.random.default_rng(0).integers(0, 255, (40, 32, 32, 3), np.uint8)
    dataset = joined(str(first), (pixels, ["top", "bottom"] * 20))
    assert dataset.problems == ()
    assert domains(dataset) == {"data": 40, "first": 40}


def test_paths_that_lead_out_of_an_archive_are_refused_among_several_sources(
    tmp_path: Path,
) -> None:
    random = np.random.default_rng(0)
    for number in range(8):
        pixels = random.integers(0, 256, (8, 8), np.uint8)
        Pil.fromarray(pixels).save(tmp_path / f"{number}.png")
    cells = [f"{number}.png,{'ab'[number % 2]}" for number in range(8)]
    (tmp_path / "plain.csv").write_text("\n".join(["image,label", *cells]))
    with zipfile.ZipFile(tmp_path / "packed.zip", "w") as archive:
        archive.writestr("train.csv", "\n".join(["image,label", *cells[:7], "/out.png,b"]))
        for number in range(7):
            archive.write(tmp_path / f"{number}.png", f"{number}.png")
    problems = joined(str(tmp_path / "plain.csv"), str(tmp_path / "packed.zip")).problems
    assert [each.reason for each in problems] == ["the path '/out.png' leads out of the archive"]


def test_rows_that_cannot_be_used_are_told_with_their_own_place(tmp_path: Path) -> None:
    columns = {"text": [*TEXTS[120:], " "], "label": [*LABELS[120:], "pos"]}
    second = tiny.write_csv(tmp_path / "b.csv", columns)
    dataset = joined(written(tmp_path / "a.csv", 0), str(second))
    (problem,) = dataset.problems
    assert str(problem.origin).endswith("b.csv:122")


def test_a_row_of_too_many_cells_makes_no_class(tmp_path: Path) -> None:
    first = written(tmp_path / "a.csv", 0)
    with Path(first).open("a", encoding="utf-8") as file:
        file.write("it was so, or so,pos\n")
    (problem,) = joined(first, written(tmp_path / "b.csv", 120)).problems
    assert str(problem.origin).endswith("a.csv:122")


def test_other_classes_are_refused_by_name(tmp_path: Path) -> None:
    other = (TEXTS[120:], ["so-so", *LABELS[121:]])
    with pytest.raises(DataError, match="the source a has no row of 'so-so', which another") as it:
        joined(written(tmp_path / "a.csv", 0), other)
    assert it.value.expected == "the same classes in all sources"
    check_same_classes({"a": {"x", "y"}, "b": {"y", "x"}})


def test_two_modalities_are_refused(tmp_path: Path) -> None:
    tiles = tiny.image_folders(tmp_path / "tiles", 20)
    with pytest.raises(DataError, match="the source tiles holds images, and a holds texts"):
        joined(written(tmp_path / "a.csv", 0), str(tiles))


def test_a_source_without_rows_is_refused(tmp_path: Path) -> None:
    empty = tiny.write_csv(tmp_path / "none.csv", {"text": [], "label": []})
    with pytest.raises(DataError, match="the source none has no rows"):
        joined(written(tmp_path / "a.csv", 0), str(empty))


def test_names_are_told_apart_by_numbers() -> None:
    assert distinct(["a", "a", "a-2", "a"]) == ["a", "a-2", "a-2-2", "a-3"]


def test_classes_that_are_written_in_two_ways_are_the_same_in_all_sources() -> None:
    assert classes_of(["1.0", " 2.0 ", None, "", "1"]) == {"1", "2"}
    assert classes_of(["cafe\u0301"]) == classes_of(["caf\u00e9"])
    numbers = [["1", "2"][label == "pos"] for label in LABELS]
    fractions = [f"{number}.0" for number in numbers]
    dataset = joined((TEXTS[:120], numbers[:120]), (TEXTS[120:], fractions[120:]))
    assert dataset.classes == ("1", "2")


def test_nan_is_no_class_of_a_source_whose_classes_are_numbers() -> None:
    assert classes_of(["1.0", "nan", "2"]) == {"1", "2"}
    assert classes_of(["good", "nan"]) == {"good", "nan"}
