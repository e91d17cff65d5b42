"""Tests which rows of a target are read, and which targets are refused with one sentence."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from regraft.data.rows import UNLABELLED
from regraft.data.spec import TextSpec
from regraft.errors import DataError
from regraft.features.rowkeys import row_keys
from regraft.runs.adapting.target import Target, read_target
from regraft.runs.fitting.prepare import Prepared
from tests import tiny
from tests.unit.runs.adapting.conftest import Prepare, nobody

TEXTS, LABELS = tiny.texts_elsewhere(30)


def read(prepared: Prepared, source: object, *, score: bool = False) -> Target:
    return read_target(source, prepared, score=score, say=nobody)


def test_labels_that_are_there_are_not_read(prepared: Prepare) -> None:
    target = read(prepared(), (TEXTS, LABELS))
    assert set(target.rows.labels.tolist()) == {UNLABELLED}
    assert (len(target.used), len(target.scored), len(target.labels)) == (30, 0, 0)


def test_labels_that_are_to_be_scored_belong_to_their_rows(prepared: Prepare) -> None:
    made = prepared()
    target = read(made, (TEXTS, LABELS), score=True)
    known = dict(zip(TEXTS, LABELS, strict=True))
    for row, label in zip(target.scored.tolist(), target.labels.tolist(), strict=True):
        assert made.dataset.classes[label] == known[str(target.rows.inputs[row])]
    assert len(target.scored) == 30


def test_the_order_of_the_rows_is_a_function_of_their_content(prepared: Prepare) -> None:
    made = prepared()
    turned = (TEXTS[::-1], LABELS[::-1])
    found = [read(made, source) for source in ((TEXTS, LABELS), turned)]
    keys = [row_keys(target.encoded) for target in found]
    assert np.array_equal(keys[0], keys[1])
    assert list(found[0].rows.inputs) != TEXTS


def test_test_rows_of_a_split_are_scored_and_the_others_adapted_to(
    prepared: Prepare, tmp_path: Path
) -> None:
    parts = ["test" if row % 3 == 0 else "train" for row in range(30)]
    columns = {"text": TEXTS, "label": LABELS, "split": parts}
    target = read(prepared(), str(tiny.write_csv(tmp_path / "t.csv", columns)), score=True)
    assert (len(target.used), len(target.scored)) == (20, 10)
    assert not set(target.used.tolist()) & set(target.scored.tolist())


def test_an_odd_cell_in_a_column_of_parts_makes_no_rows_to_adapt_to_of_test_rows(
    prepared: Prepare, tmp_path: Path
) -> None:
    parts = ["test" if row % 3 == 0 else "train" for row in range(29)]
    columns = {"text": TEXTS, "label": LABELS, "split": [*parts, "tset"]}
    path, made = str(tiny.write_csv(tmp_path / "t.csv", columns)), prepared()
    with pytest.raises(DataError, match=r"t\.csv:31 has 'tset' in column 'split'.*adapted to$"):
        read(made, path)
    assert len(read_target(path, made, score=False, say=nobody, whole=True).used) == 30


def test_all_rows_may_be_test_rows_and_are_adapted_to_and_scored(
    prepared: Prepare, tmp_path: Path
) -> None:
    columns = {"text": TEXTS, "label": LABELS, "split": ["test"] * 30}
    place, said = str(tiny.write_csv(tmp_path / "t.csv", columns)), list[str]()
    target = read_target(place, prepared(), score=True, say=said.append)
    assert (len(target.used), len(target.scored)) == (30, 30)
    assert said == ["all rows of the target t are test rows: they are adapted to all the same"]


def test_few_rows_beside_test_rows_are_refused_as_such(prepared: Prepare, tmp_path: Path) -> None:
    parts = ["test" if row > 4 else "train" for row in range(30)]
    columns = {"text": TEXTS, "label": LABELS, "split": parts}
    with pytest.raises(DataError, match="has 5 rows that can be used beside its test rows"):
        read(prepared(), str(tiny.write_csv(tmp_path / "t.csv", columns)))


def test_rows_that_cannot_be_used_are_left_out_with_a_reason(prepared: Prepare) -> None:
    target = read(prepared(), [*TEXTS, " "])
    assert len(target.rows) == 30
    assert [problem.reason for problem in target.problems] == ["the text is empty"]


def test_a_column_of_labels_of_another_name_is_no_business_of_ours(
    prepared: Prepare, tmp_path: Path
) -> None:
    columns = {"text": TEXTS, "topic": ["sports", "politics"] * 15}
    assert len(read(prepared(), str(tiny.write_csv(tmp_path / "t.csv", columns))).used) == 30


@pytest.mark.parametrize("column", ["label", "category"])
def test_whole_numbers_with_a_fraction_of_nought_are_the_source_s_classes(
    prepared: Prepare, tmp_path: Path, column: str
) -> None:
    digits = {"pos": "1", "neg": "0"}
    texts, labels = tiny.toy_texts(60)
    made = prepared(source=(texts, [digits[label] for label in labels]))
    columns = {"text": TEXTS, column: [f"{digits[label]}.0" for label in LABELS]}
    place, said = str(tiny.write_csv(tmp_path / "t.csv", columns)), list[str]()
    target = read_target(place, made, score=True, say=said.append)
    assert said == []
    known = dict(zip(TEXTS, LABELS, strict=True))
    for row, label in zip(target.scored.tolist(), target.labels.tolist(), strict=True):
        assert made.dataset.classes[label] == digits[known[str(target.rows.inputs[row])]]
    assert len(target.scored) == 30


def test_a_row_of_too_many_cells_is_left_out_and_no_class(
    prepared: Prepare, tmp_path: Path
) -> None:
    place = tiny.write_csv(tmp_path / "t.csv", {"text": TEXTS, "label": LABELS})
    with place.open("a", encoding="utf-8") as file:
        file.write("they say so, or so,pos\n")
    target = read(prepared(), str(place))
    assert (len(target.rows), len(target.problems)) == (30, 1)


def test_other_classes_are_refused_whatever_their_column_is_called(
    prepared: Prepare, tmp_path: Path
) -> None:
    columns = {"text": TEXTS, "category": [*LABELS[:-9], *["third"] * 9]}
    with pytest.raises(DataError, match="classes that the source lacks: 'third'"):
        read(prepared(), str(tiny.write_csv(tmp_path / "t.csv", columns)))


def test_a_single_folder_of_pictures_is_a_target_without_labels(
    prepared: Prepare, resnet: Path, tmp_path: Path
) -> None:
    source = tiny.image_folders(tmp_path / "source", 40)
    made = prepared(source=str(source), backbone=str(resnet))
    dim = tiny.dim_folders(tmp_path / "target", 20)
    (tmp_path / "new" / "photos").mkdir(parents=True)
    for path in dim.rglob("*.png"):
        path.rename(tmp_path / "new" / "photos" / path.name)
    assert len(read(made, str(tmp_path / "new")).used) == 20


def test_files_of_a_folder_that_are_no_rows_are_told(
    prepared: Prepare, resnet: Path, tmp_path: Path
) -> None:
    source = tiny.image_folders(tmp_path / "source", 40)
    made = prepared(source=str(source), backbone=str(resnet))
    dim = tiny.dim_folders(tmp_path / "target", 20)
    (dim / "top" / "b.heic").write_bytes(b"a picture of another kind")
    problems = [f"{each.origin}: {each.reason}" for each in read(made, str(dim)).problems]
    assert problems == [f"{dim}/top/b.heic: not a picture"]


def test_folders_of_pictures_that_are_no_classes_are_a_target_without_labels(
    prepared: Prepare, resnet: Path, tmp_path: Path
) -> None:
    source = tiny.image_folders(tmp_path / "source", 40)
    made = prepared(source=str(source), backbone=str(resnet))
    photos = tiny.dim_folders(tmp_path / "photos", 20)
    for number, folder in enumerate(sorted(photos.iterdir())):
        folder.rename(photos / f"{2023 + number}")
    said: list[str] = []
    target = read_target(str(photos), made, score=False, say=said.append)
    assert len(target.used) == 20
    assert [line for line in said if "'2023', '2024'" in line and line.startswith("warning")]


def test_few_rows_are_refused(prepared: Prepare) -> None:
    with pytest.raises(DataError, match=r"has 3 rows that can be used; expected 10 or more"):
        read(prepared(), TEXTS[:3])


def test_no_rows_are_refused(prepared: Prepare, tmp_path: Path) -> None:
    empty = tiny.write_csv(tmp_path / "none.csv", {"text": [], "label": []})
    with pytest.raises(DataError, match="none has no rows"):
        read(prepared(), str(empty))


def test_other_classes_are_refused_by_name(prepared: Prepare) -> None:
    labels = ["up" if label == "pos" else "down" for label in LABELS]
    with pytest.raises(DataError, match="classes that the source lacks: 'down', 'up'; expected"):
        read(prepared(), (TEXTS, labels))


def test_one_more_class_is_refused_too(prepared: Prepare) -> None:
    with pytest.raises(DataError, match="the source lacks: 'so-so'"):
        read(prepared(), (TEXTS, ["so-so", *LABELS[1:]]))


def test_a_single_class_is_refused(prepared: Prepare) -> None:
    with pytest.raises(DataError, match="only the class 'pos'; expected rows of two classes"):
        read(prepared(), (TEXTS, ["pos"] * 30))


def test_the_source_itself_is_refused(prepared: Prepare) -> None:
    with pytest.raises(DataError, match="every row of the target data is also in the source"):
        read(prepared(), tiny.toy_texts(60))


def test_another_modality_is_refused(prepared: Prepare, tmp_path: Path) -> None:
    pictures = tiny.dim_folders(tmp_path / "tiles", 12)
    with pytest.raises(DataError, match="text"):
        read(prepared(), str(pictures))


def test_a_target_without_labels_cannot_be_scored(prepared: Prepare) -> None:
    with pytest.raises(DataError, match=r"no row with a label to score.*try no --score-target"):
        read(prepared(), TEXTS, score=True)


def test_a_missing_target_is_told_with_the_nearest_name(prepared: Prepare, tmp_path: Path) -> None:
    tiny.write_csv(tmp_path / "shop.csv", {"text": TEXTS})
    with pytest.raises(DataError, match=r"no file or folder.*shop\.csv"):
        read(prepared(), str(tmp_path / "shops.csv"))


def test_rows_with_a_label_are_scored_where_others_have_none(prepared: Prepare) -> None:
    some: list[str | None] = [label if row < 12 else None for row, label in enumerate(LABELS)]
    target = read(prepared(), (TEXTS, some), score=True)
    assert (len(target.used), len(target.scored)) == (30, 12)
    assert np.bincount(target.labels).tolist() == [6, 6]


APART = tiny.numbered(TEXTS)


def learnt(prepared: Prepared, source: object, count: int) -> Target:
    return read_target(source, prepared, score=False, say=nobody, learn=count)


def test_rows_with_a_label_are_offered_to_learn_from(prepared: Prepare) -> None:
    made = prepared()
    some: list[str | None] = [label if row < 12 else None for row, label in enumerate(LABELS)]
    target = learnt(made, (APART, some), 5)
    assert (len(target.offered), len(target.answers), target.learn) == (12, 12, 5)
    assert set(target.rows.labels.tolist()) == {UNLABELLED}
    for row, label in zip(target.offered, target.answers, strict=True):
        assert made.dataset.classes[label] == LABELS[APART.index(str(target.rows.inputs[row]))]


def test_of_equal_rows_one_is_offered_and_of_a_split_none_of_the_test_rows(
    prepared: Prepare, tmp_path: Path
) -> None:
    made = prepared()
    assert len(learnt(made, ([*APART, APART[0]], [*LABELS, LABELS[0]]), 5).offered) == 30
    parts = ["test" if row % 3 == 0 else "train" for row in range(30)]
    columns = {"text": APART, "label": LABELS, "split": parts}
    target = learnt(made, str(tiny.write_csv(tmp_path / "t.csv", columns)), 5)
    assert set(target.offered.tolist()) == set(target.used.tolist())
    assert len(target.offered) == 20


def test_more_labels_than_there_are_are_refused(prepared: Prepare) -> None:
    made = prepared()
    with pytest.raises(DataError, match=r"has 30 rows with a label.* and 31 are.* 30 at most"):
        learnt(made, (APART, LABELS), 31)
    with pytest.raises(DataError, match=r"has 0 rows with a label.*try no --target-labels"):
        learnt(made, TEXTS, 5)


def test_labels_that_are_all_learnt_from_leave_none_to_score(
    prepared: Prepare, tmp_path: Path
) -> None:
    made = prepared()

    def both(source: object, count: int) -> Target:
        return read_target(source, made, score=True, say=nobody, learn=count)

    with pytest.raises(DataError, match=r"no labelled row of data is left.*--target-labels 15"):
        both((APART, LABELS), 30)
    assert len(both((APART, LABELS), 29).scored) == 30
    parts = ["test" if row % 3 == 0 else "train" for row in range(30)]
    columns = {"text": APART, "label": LABELS, "split": parts}
    assert len(both(str(tiny.write_csv(tmp_path / "t.csv", columns)), 20).scored) == 10
    twice = [APART[row + 1] if part == "test" else APART[row] for row, part in enumerate(parts)]
    place = str(tiny.write_csv(tmp_path / "u.csv", {**columns, "text": twice}))
    with pytest.raises(DataError, match="no labelled row of u is left to score"):
        both(place, 20)


def test_some_rows_of_the_source_in_the_target_are_a_warning(prepared: Prepare) -> None:
    said: list[str] = []
    both = [*TEXTS, *tiny.toy_texts(5)[0]]
    read_target(both, prepared(), score=False, say=said.append)
    assert said == ["warning: 5 rows of the target data are also in the source"]


def test_letters_that_the_network_never_saw_are_a_warning(prepared: Prepare) -> None:
    made = prepared()
    spec = made.backbone.spec
    assert isinstance(spec, TextSpec)
    made = replace(made, backbone=replace(made.backbone, spec=replace(spec, scripts=("latin",))))
    said: list[str] = []
    read_target([f"这家店很好吃 {n}" for n in range(12)], made, score=False, say=said.append)
    assert [each for each in said if each.startswith("warning")] == [
        "warning: most letters of the target's texts are cjk, but the backbone was trained on "
        "latin: expect poor scores, or take a backbone that knows cjk"
    ]
    said.clear()
    read_target((TEXTS, LABELS), made, score=False, say=said.append)
    assert not [each for each in said if "letters" in each]
