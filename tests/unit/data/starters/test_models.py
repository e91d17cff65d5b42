"""Tests that what is known of each starter model is whole, and unknown names are explained."""

import re

import pytest

from regraft.data.starters.models import MODELS, StarterModel, model, starter_hint
from regraft.data.starters.packages import PACKAGES
from regraft.errors import BackboneError


@pytest.mark.parametrize("entry", MODELS.values(), ids=lambda e: e.name)
def test_an_entry_names_packages_a_licence_and_whole_digests(entry: StarterModel) -> None:
    assert entry.licence
    assert entry.origin
    assert entry.wheels.keys() <= PACKAGES.keys()
    for members in entry.wheels.values():
        assert members
        assert all(re.fullmatch(r"[0-9a-f]{64}", digest) for digest in members.values())


def test_keys_are_the_names() -> None:
    assert [entry.name for entry in MODELS.values()] == list(MODELS)


def test_a_misspelled_model_is_told_what_was_meant() -> None:
    with pytest.raises(BackboneError, match=r"'mini-lm'.*try starter:minilm"):
        model("mini-lm")


def test_a_name_like_no_other_is_told_where_the_list_is() -> None:
    assert starter_hint("zzzz", MODELS) == "regraft list"
