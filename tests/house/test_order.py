"""Finds import circles and modules that no test mirrors."""

import ast
import graphlib
import re
from pathlib import Path

import pytest

from tests.house.source import FUNCTIONS, ROOT, Module, imports, modules

UNIT = ROOT / "tests" / "unit"


def graph() -> dict[str, set[str]]:
    """Returns what each module imports; the surface's own imports are for type checkers."""
    return {module.name: imports(module) for module in modules() if module.name}


def circle(edges: dict[str, set[str]]) -> list[str]:
    """Returns the names along an import circle, or an empty list."""
    try:
        graphlib.TopologicalSorter(edges).prepare()
    except graphlib.CycleError as error:
        return list(error.args[1])
    return []


def mirror(module: Module) -> Path:
    """Returns the path of the test file that mirrors a module."""
    folder, _, _ = module.path.rpartition("/")
    return UNIT / folder / f"test_{module.stem.strip('_')}.py"


def has_code(module: Module) -> bool:
    return any(isinstance(node, FUNCTIONS) for node in ast.walk(module.tree))


def test_a_circle_is_found() -> None:
    assert set(circle({"a": {"b"}, "b": {"c"}, "c": {"a"}})) == {"a", "b", "c"}


def test_no_modules_import_each_other_in_a_circle() -> None:
    assert circle(graph()) == []


def test_the_graph_sees_the_imports_of_the_package() -> None:
    assert "data.spec" in graph()["backbones.backbone"]


@pytest.mark.parametrize("module", [m for m in modules() if has_code(m)], ids=lambda m: m.path)
def test_a_module_with_code_has_a_test_file_that_mirrors_it(module: Module) -> None:
    path = mirror(module)
    assert path.is_file(), f"{path.relative_to(ROOT)} is missing"
    assert re.search(r"^\s*def test_", path.read_text(encoding="utf-8"), re.MULTILINE)


def test_a_folder_of_tests_is_no_package() -> None:
    assert list((ROOT / "tests").rglob("__init__.py")) == []
