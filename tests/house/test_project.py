"""Holds pyproject.toml, constraints.txt and the order of the rooms to what they promise."""

import re
import subprocess
import tomllib
from typing import Any

from tests.house.source import ROOT, modules

PINS = ROOT / "constraints.txt"
# DESIGN.md part 1, from what knows nothing to what knows everything.
ROOMS = [
    *(
        "errors",
        "machine",
        "draws",
        "toml",
        "settings",
        "data",
        "backbones",
        "freezing",
        "features",
    ),
    *("losses", "scoring"),
    *("training", "strategies", "adaptation", "reports", "serving", "runs", "cli"),
    "__main__",
]


def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def name_of(requirement: str) -> str:
    """Returns the name in a requirement, spelled as the index normalises it."""
    return re.sub(r"[-_.]+", "-", re.split(r"[ =<>!~;\[]", requirement)[0]).lower()


def pins() -> list[str]:
    lines = PINS.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def test_the_group_dev_and_the_extra_dev_are_the_same_list() -> None:
    data = project()
    assert data["dependency-groups"]["dev"] == data["project"]["optional-dependencies"]["dev"]


def test_the_package_itself_has_lower_bounds_only() -> None:
    data = project()["project"]
    lists = [data["dependencies"], *data["optional-dependencies"].values()]
    odd = [r for rs in lists for r in rs if not re.fullmatch(r"[\w.-]+>=[\d.]+", r)]
    assert odd == []


def test_every_requirement_is_pinned() -> None:
    data = project()["project"]
    lists = [data["dependencies"], *data["optional-dependencies"].values()]
    wanted = {name_of(requirement) for rs in lists for requirement in rs}
    assert wanted - {name_of(pin) for pin in pins()} == set()


def test_every_pin_is_exact() -> None:
    assert [pin for pin in pins() if not re.fullmatch(r"[\w.-]+==[^ ,]+( ; .+)?", pin)] == []


def test_torch_and_torchvision_are_pinned_as_a_pair_by_machine() -> None:
    torch = {pin for pin in pins() if name_of(pin) in {"torch", "torchvision"}}
    assert torch == {
        'torch==2.14.1 ; platform_machine != "aarch64"',
        'torch==2.9.1 ; platform_machine == "aarch64"',
        'torchvision==0.29.1 ; platform_machine != "aarch64"',
        'torchvision==0.24.1 ; platform_machine == "aarch64"',
    }


def test_import_linter_holds_the_order_of_the_rooms() -> None:
    contract = project()["tool"]["importlinter"]["contracts"][0]
    assert [layer.strip("()") for layer in reversed(contract["layers"])] == ROOMS


def test_every_module_lies_in_a_room() -> None:
    assert {module.room for module in modules() if module.name} <= {*ROOMS}


def test_what_ci_runs_is_executable_and_valid_bash() -> None:
    for script in (ROOT / ".ci" / "run", ROOT / ".ci" / "pins"):
        assert script.stat().st_mode & 0o111
        subprocess.run(["bash", "-n", str(script)], check=True)


def test_the_package_says_that_it_is_typed() -> None:
    assert (ROOT / "src" / "regraft" / "py.typed").is_file()
