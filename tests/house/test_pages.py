"""Holds the pages to the package: links, the walked-through strategy, the tables of names."""

import re
import types
from typing import Any

import pytest

from docs.check_links import broken, pages
from regraft.strategies.table import AUTO, MODIFIERS, STRATEGIES
from regraft.training.phase import Facts
from tests.house.source import ROOT


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def walked_through() -> dict[str, Any]:
    """Returns the names that the example in CONTRIBUTING.md defines."""
    found = re.search(
        r"^```python\n(.*?)^```", text_of("CONTRIBUTING.md"), re.DOTALL | re.MULTILINE
    )
    assert found
    module = types.ModuleType("top_blocks")
    exec(found.group(1), module.__dict__)
    return module.__dict__


def facts() -> Facts:
    return Facts("text", rows=100, classes=2, epochs=3, rate=1e-3, layer_decay=0.5)


def test_no_relative_link_leads_nowhere() -> None:
    assert [fault for page in pages() for fault in broken(page)] == []


def test_the_strategy_walked_through_makes_its_phases() -> None:
    chain = types.SimpleNamespace(blocks=[None] * 4)
    head, top = walked_through()["TopBlocks"](moving=2).phases(chain, facts())
    assert (head.line, top.line) == (4, 2)
    assert top.rates == (0.0, 0.0, 5e-4, 1e-3)


@pytest.mark.parametrize("page", ["README.md", "README.zh.md"])
def test_a_readme_names_every_strategy_and_no_other(page: str) -> None:
    named = re.findall(r"^\| `([a-z0-9-]+)`[^`|]*\| ", text_of(page), re.MULTILINE)
    assert set(named) == {*STRATEGIES, AUTO}
    assert all(f"`+{name}`" in text_of(page) for name in MODIFIERS)


def test_both_readmes_have_the_same_commands() -> None:
    commands = [
        re.findall(r"^\$ .*$", text_of(page), re.MULTILINE)
        for page in ("README.md", "README.zh.md")
    ]
    assert commands[0] == commands[1]
