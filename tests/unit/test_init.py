"""Holds the Python surface: complete, sorted, and light to import."""

import ast
import importlib.metadata
import json
import subprocess
import sys
from pathlib import Path

import pytest

import regraft
from regraft import errors

HEAVY = ["torch", "torchvision", "transformers", "timm", "sklearn", "scipy", "pandas", "numpy"]
NETWORKS = {"Backbone", "ImageSpec", "TextSpec", "open_module"}
VERBS = {"adapt", "compare", "evaluate", "fit", "load", "plan", "predict", "resume", "verify"}
VERBS |= {"TransferClassifier", "shift"}


def loaded_after(statements: str) -> list[str]:
    """Returns the heavy libraries that a fresh process has loaded after statements."""
    code = f"import json, sys\n{statements}\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    names = set(json.loads(done.stdout.splitlines()[-1]))
    return [library for library in HEAVY if library in names]


def typed_names() -> set[str]:
    """Returns the names that `regraft/__init__.py` imports for type checkers."""
    tree = ast.parse(Path(regraft.__file__).read_text(encoding="utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If))
    imported = [node for node in block.body if isinstance(node, ast.ImportFrom)]
    return {alias.asname or alias.name for node in imported for alias in node.names}


def test_the_surface_is_sorted_and_holds_no_name_twice() -> None:
    assert regraft.__all__ == sorted(set(regraft.__all__))


def test_the_surface_is_complete() -> None:
    tree = {name for name in vars(errors) if name.endswith("Error")}
    assert set(regraft.__all__) == {"__version__"} | NETWORKS | VERBS | tree


def test_type_checkers_see_the_same_surface() -> None:
    assert typed_names() == set(regraft._PLACES) == set(regraft.__all__) - {"__version__"}


@pytest.mark.parametrize("name", regraft.__all__)
def test_every_name_of_the_surface_is_there(name: str) -> None:
    assert getattr(regraft, name) is not None
    assert name in dir(regraft)


def test_an_unknown_name_is_an_attribute_error_that_says_it() -> None:
    name = "fitt"
    with pytest.raises(AttributeError, match="no attribute 'fitt'"):
        getattr(regraft, name)


def test_the_version_is_that_of_the_installed_package() -> None:
    assert regraft.__version__ == importlib.metadata.version("regraft")


def test_importing_the_package_loads_nothing_heavy() -> None:
    assert loaded_after("import regraft") == []


def test_the_errors_load_nothing_heavy() -> None:
    assert loaded_after("from regraft import DataError, GuardError") == []


def test_the_help_loads_no_torch() -> None:
    words = "sys.argv = ['regraft', '--help']"
    run = "from regraft.cli.main import main\ntry:\n    main()\nexcept SystemExit:\n    pass"
    assert loaded_after(f"{words}\n{run}") == []


def test_what_is_heavy_is_seen_when_it_is_loaded() -> None:
    assert "numpy" in loaded_after("import numpy")
