"""Processors of one name and different kinds are told apart."""

from pathlib import Path

import pytest

from regraft.machine import processor_name


def test_the_processor_has_a_name(tmp_path: Path) -> None:
    assert processor_name()
    assert processor_name(tmp_path / "none")


@pytest.mark.parametrize(
    ("listing", "name"),
    [
        (
            "cpu family\t: 25\nmodel\t\t: 17\nmodel name\t: AMD EPYC\n\nmodel\t: 1\n",
            "AMD EPYC (family 25, model 17)",
        ),
        ("model name\t: AMD EPYC\n", "AMD EPYC"),
        ("processor\t: 0\nCPU part\t: 0xd40\n", "(part 0xd40)"),
    ],
)
def test_processors_of_one_name_are_told_apart(listing: str, name: str, tmp_path: Path) -> None:
    place = tmp_path / "cpuinfo"
    place.write_text(listing, "utf-8")
    assert processor_name(place).endswith(name)
