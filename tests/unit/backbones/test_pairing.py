"""Tests that an unpaired torchvision becomes one sentence, and nothing else does."""

import pytest

from regraft.backbones.pairing import paired_torch
from regraft.errors import BackboneError


def test_the_missing_operator_becomes_the_pip_line_that_mends_it() -> None:
    with (
        pytest.raises(BackboneError, match=r"are not a pair.*pip install.* torch torchvision"),
        paired_torch(),
    ):
        raise RuntimeError("operator torchvision::nms does not exist\nlong story")


def test_the_operator_is_found_in_the_cause_too() -> None:
    with pytest.raises(BackboneError, match="not a pair"), paired_torch():
        raise ImportError("cannot import BertModel") from RuntimeError("torchvision::nms")


def test_other_failures_pass_through() -> None:
    with pytest.raises(RuntimeError, match="out of memory"), paired_torch():
        raise RuntimeError("out of memory")
