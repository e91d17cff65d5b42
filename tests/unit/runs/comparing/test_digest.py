"""The digest of a data set tells apart whatever a training could."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from regraft.data.load import load
from regraft.data.rows import Dataset
from regraft.runs.comparing.digest import rows_digest
from tests import tiny


def texts() -> Dataset:
    return load(tiny.toy_texts(40))


def changed(**values: object) -> str:
    found = texts()
    rows = replace(found.parts["train"], **values)  # type: ignore[arg-type]
    return rows_digest(replace(found, parts={**found.parts, "train": rows}))


def test_the_same_rows_have_the_same_digest() -> None:
    assert rows_digest(texts()) == rows_digest(texts())


def test_other_texts_labels_or_groups_have_another() -> None:
    rows = texts().parts["train"]
    inputs = [*rows.inputs[:-1], "another film"]
    labels = np.roll(rows.labels, 1)
    found = {changed(inputs=inputs), changed(labels=labels), changed(groups=["a"] * len(rows))}
    assert len(found | {rows_digest(texts())}) == 4


def test_the_files_of_images_count_and_not_their_names(tmp_path: Path) -> None:
    first = tiny.image_folders(tmp_path / "a" / "tiles", 40)
    same = tiny.image_folders(tmp_path / "b" / "tiles", 40)
    assert rows_digest(load(first)) == rows_digest(load(same))
    pixels, _ = tiny.toy_pixels(40)
    other = tiny.image_folders(tmp_path / "c" / "tiles", 40, grey=True)
    arrays = load((pixels, ["a", "b"] * 20))
    assert len({rows_digest(load(each)) for each in (first, other)} | {rows_digest(arrays)}) == 3


def test_encoded_images_count_as_files_of_the_same_bytes(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"one")
    found = load(tiny.image_folders(tmp_path / "tiles", 40))
    digests = set()
    for content in (str(tmp_path / "a.png"), b"one", b"two"):
        rows = found.parts["test"]
        test = replace(rows, inputs=[content] * len(rows))
        digests.add(rows_digest(replace(found, parts={**found.parts, "test": test})))
    assert len(digests) == 2
