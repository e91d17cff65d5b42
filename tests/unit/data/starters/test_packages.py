"""Tests that every wheel is pinned in full."""

import re

import pytest

from regraft.data.starters.packages import PACKAGES, Package


@pytest.mark.parametrize("package", PACKAGES.values(), ids=PACKAGES)
def test_a_wheel_is_pinned_by_version_size_and_digest(package: Package) -> None:
    assert package.wheel.startswith(f"{package.name.replace('-', '_')}-{package.version}-")
    assert re.fullmatch(r"[0-9a-f]{64}", package.sha256)
    assert package.size > 1_000_000
    assert package.licence


@pytest.mark.parametrize("package", PACKAGES.values(), ids=PACKAGES)
def test_only_a_wheel_of_one_platform_needs_words_that_pick_it(package: Package) -> None:
    assert bool(package.platform) == (not package.wheel.endswith("none-any.whl"))
