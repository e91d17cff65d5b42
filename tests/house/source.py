"""Reads the package's source into modules and functions that the rules look at."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "regraft"
Function = ast.FunctionDef | ast.AsyncFunctionDef
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


@dataclass(frozen=True)
class Module:
    """One source file: where it lies below `src/regraft`, its text and its tree."""

    path: str
    text: str
    tree: ast.Module

    @property
    def room(self) -> str:
        """The room's name; that of a module that lies in no room is its own."""
        return self.path.removesuffix(".py").split("/")[0]

    @property
    def stem(self) -> str:
        return Path(self.path).stem

    @property
    def name(self) -> str:
        """The dotted name below `regraft`, of a package that of its folder."""
        return self.path.removesuffix(".py").removesuffix("__init__").strip("/").replace("/", ".")

    @property
    def docstring(self) -> str:
        return ast.get_docstring(self.tree) or ""

    def functions(self) -> Iterator[Function]:
        """Yields every function, nested ones and methods too."""
        return (node for node in ast.walk(self.tree) if isinstance(node, FUNCTIONS))

    def classes(self) -> Iterator[ast.ClassDef]:
        return (node for node in ast.walk(self.tree) if isinstance(node, ast.ClassDef))

    def signatures(self) -> Iterator[Function]:
        """Yields functions of the module and methods of its classes, nested ones not."""
        for holder in self.holders():
            yield from (node for node in holder.body if isinstance(node, FUNCTIONS))

    def holders(self) -> tuple[ast.Module | ast.ClassDef, ...]:
        """Returns the module's tree and its classes: all that functions are part of."""
        return (self.tree, *self.classes())

    def at(self, node: ast.stmt | ast.expr, words: str) -> str:
        """Returns a sentence that starts with the place of a node."""
        return f"src/regraft/{self.path}:{node.lineno} {words}"


def parse(text: str, path: str) -> Module:
    """Returns the module that a text would be at a path below `src/regraft`."""
    return Module(path, text, ast.parse(text, filename=path))


@cache
def modules() -> tuple[Module, ...]:
    """Returns every module of the package, by path."""
    return tuple(
        parse(file.read_text(encoding="utf-8"), file.relative_to(PACKAGE).as_posix())
        for file in sorted(PACKAGE.rglob("*.py"))
    )


def body_lines(function: Function) -> int:
    """Returns the lines of a body without its docstring; 0 for `...` alone."""
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    if not body or (len(body) == 1 and _is_ellipsis(body[0])):
        return 0
    return (body[-1].end_lineno or 0) - body[0].lineno + 1


def class_lines(node: ast.ClassDef) -> int:
    return (node.end_lineno or 0) - node.lineno + 1


def own_nodes(function: Function) -> Iterator[ast.AST]:
    """Yields the nodes of a body, those of functions and classes inside it not."""
    waiting: list[ast.AST] = list(function.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, (*FUNCTIONS, ast.ClassDef, ast.Lambda)):
            continue
        yield node
        waiting.extend(ast.iter_child_nodes(node))


def imports(module: Module) -> set[str]:
    """Returns the dotted names below `regraft` that a module imports from, anywhere in it."""
    known = {other.name for other in modules()}
    found: set[str] = set()
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            deeper = {f"{node.module}.{alias.name}" for alias in node.names}
            submodules = {name for name in deeper if name.removeprefix("regraft.") in known}
            found |= submodules or {node.module}
    return {name.removeprefix("regraft.") for name in found if name.startswith("regraft.")}


def _is_ellipsis(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
