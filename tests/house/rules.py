"""Holds the house style as rules: a module goes in, a sentence for each offence comes out."""

import ast
import re
from collections.abc import Callable, Iterator

from tests.house.source import (
    FUNCTIONS,
    Function,
    Module,
    body_lines,
    class_lines,
    own_nodes,
)

Rule = Callable[[Module], Iterator[str]]
FORBIDDEN_STEMS = {"utils", "common", "helpers", "misc", "base"}
WEAK_STARTS = ("Utilities for", "This module", "Helpers")
SOURCED_ROOMS = {"losses", "strategies"}
PICKLERS = {"pickle", "cPickle", "cloudpickle", "dill", "shelve", "marshal", "joblib"}
WEIGHTS = "backbones/weights.py"
FOREIGN_CALL = re.compile(r"^pickle\.|\.extractall$")
SAY = "say_on_stderr"
BLOCKS = (
    *(ast.If, ast.For, ast.AsyncFor, ast.While, ast.With, ast.AsyncWith),
    *(ast.Try, ast.TryStar, ast.Match),
)
# Signatures that torch and Python dictate: hooks are called with positions.
DICTATED = {
    ("module", "args"),
    ("module", "args", "output"),
    ("module", "inputs", "output"),
    ("module", "grad_input", "grad_output"),
    ("module", "args", "kwargs"),
    ("module", "args", "kwargs", "output"),
}


def body_length(module: Module) -> Iterator[str]:
    """A body has at most 50 lines."""
    for function in module.functions():
        if (lines := body_lines(function)) > 50:
            yield module.at(function, f"{function.name}: body of {lines} lines, at most 50")


def file_length(module: Module) -> Iterator[str]:
    """A file has at most 500 lines."""
    if (lines := len(module.text.splitlines())) > 500:
        yield f"src/regraft/{module.path}: {lines} lines, at most 500"


def class_size(module: Module) -> Iterator[str]:
    """A class has at most 250 lines and 15 methods."""
    for node in module.classes():
        methods = sum(isinstance(child, FUNCTIONS) for child in node.body)
        if class_lines(node) > 250 or methods > 15:
            words = f"{node.name}: {class_lines(node)} lines and {methods} methods, at most 250, 15"
            yield module.at(node, words)


def parameters(module: Module) -> Iterator[str]:
    """At most 6 parameters; those of public functions keyword-only after the second.

    The commands in `cli` are exempt, because typer reads the options from the signature.
    """
    if module.room == "cli":
        return
    for function in module.signatures():
        positional, count = _parameters(function)
        private = function.name.startswith("_") and function.name != "__init__"
        if count > 6:
            yield module.at(function, f"{function.name}: {count} parameters, at most 6")
        elif len(positional) > 2 and not private and tuple(positional) not in DICTATED:
            yield module.at(function, f"{function.name}: keyword-only after the second parameter")


def _parameters(function: Function) -> tuple[list[str], int]:
    arguments = function.args
    positional = [a.arg for a in (*arguments.posonlyargs, *arguments.args)]
    if positional and positional[0] in {"self", "cls", "ctx"}:
        positional = positional[1:]
    return positional, len(positional) + len(arguments.kwonlyargs) + (arguments.vararg is not None)


def keywords(module: Module) -> Iterator[str]:
    """No `**kwargs`, except `**options: Unpack[...]`."""
    for function in module.functions():
        rest = function.args.kwarg
        if rest and not (rest.annotation and "Unpack[" in ast.unparse(rest.annotation)):
            yield module.at(function, f"{function.name}: **{rest.arg} without Unpack[...]")


def nesting(module: Module) -> Iterator[str]:
    """Blocks lie at most 3 deep in a function."""
    for function in module.functions():
        if (depth := _depth(function, 0)) > 3:
            yield module.at(function, f"{function.name}: blocks {depth} deep, at most 3")


def _depth(node: ast.AST, depth: int) -> int:
    deepest = depth
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (*FUNCTIONS, ast.ClassDef, ast.Lambda)):
            continue
        is_elif = isinstance(node, ast.If) and isinstance(child, ast.If) and node.orelse == [child]
        deeper = depth + (isinstance(child, BLOCKS) and not is_elif)
        deepest = max(deepest, _depth(child, deeper))
    return deepest


def file_name(module: Module) -> Iterator[str]:
    """A file and a folder are called after the noun they define."""
    parts = module.path.removesuffix(".py").split("/")
    if found := FORBIDDEN_STEMS & {part.strip("_") for part in parts}:
        yield f"src/regraft/{module.path}: {found.pop()!r} names nothing"


def first_line(module: Module) -> Iterator[str]:
    """A module's docstring starts with one sentence of at most 88 characters."""
    first, _, rest = module.docstring.partition("\n")
    where = f"src/regraft/{module.path}:1 first line"
    if not first:
        yield f"{where} is missing"
    elif len(first) > 88:
        yield f"{where} has {len(first)} characters, at most 88"
    elif not first.endswith(".") or (rest and not rest.startswith("\n")):
        yield f"{where} does not end in a full stop"
    elif first.startswith(WEAK_STARTS):
        yield f"{where} does not say what it makes or decides"


def source_line(module: Module) -> Iterator[str]:
    """A module of `losses` or `strategies` says where its method comes from."""
    lines = module.docstring.splitlines()[1:]
    sourced = module.room in SOURCED_ROOMS and module.stem != "__init__"
    if sourced and not any(line.startswith("Source:") for line in lines):
        yield f"src/regraft/{module.path}:1 no line 'Source:' after the first"


def raises_section(module: Module) -> Iterator[str]:
    """A public function that raises says when, in a section `Raises:`.

    The docstring of a command in `cli` is its help text and has none.
    """
    for function in () if module.room == "cli" else _public(module):
        raising = any(isinstance(n, ast.Raise) and n.exc for n in own_nodes(function))
        if raising and "Raises:" not in (ast.get_docstring(function) or ""):
            yield module.at(function, f"{function.name}: raises, but has no section 'Raises:'")


def _public(module: Module) -> Iterator[Function]:
    for holder in module.holders():
        if isinstance(holder, ast.ClassDef) and holder.name.startswith("_"):
            continue
        for node in holder.body:
            if isinstance(node, FUNCTIONS) and not node.name.startswith("_"):
                yield node


def printing(module: Module) -> Iterator[str]:
    """Only `cli` prints; elsewhere words go where the caller says, by default to `SAY`."""
    said = {id(n) for f in module.functions() if f.name == SAY for n in own_nodes(f)}
    for call in () if module.room == "cli" else _calls(module):
        if ast.unparse(call.func) == "print" and id(call) not in said:
            yield module.at(call, "print(...) outside cli")


def foreign_code(module: Module) -> Iterator[str]:
    """Nothing that runs code out of data, weights or the words of a user."""
    yield from (module.at(call, words) for call, words in _dangerous_calls(module))
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import | ast.ImportFrom) and _pickler(node, module.path):
            yield module.at(node, "imports a pickler")
        elif isinstance(node, ast.keyword) and node.arg == "trust_remote_code":
            yield module.at(node.value, "trust_remote_code")
        elif isinstance(node, ast.Constant) and node.value == "trust_remote_code":
            yield module.at(node, "trust_remote_code")


def _calls(module: Module) -> Iterator[ast.Call]:
    return (node for node in ast.walk(module.tree) if isinstance(node, ast.Call))


def _dangerous_calls(module: Module) -> Iterator[tuple[ast.Call, str]]:
    for call in _calls(module):
        name = ast.unparse(call.func)
        if name == "torch.load" and not (module.path == WEIGHTS and _only_weights(call)):
            yield call, f"torch.load outside {WEIGHTS}, or without weights_only=True"
        elif name in {"eval", "exec", "os.system"} or FOREIGN_CALL.search(name):
            yield call, f"{name}(...)"
        elif any(k.arg == "shell" and not _is_false(k.value) for k in call.keywords):
            yield call, "shell=True"


def _is_false(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is False


def _only_weights(call: ast.Call) -> bool:
    return any(k.arg == "weights_only" and ast.unparse(k.value) == "True" for k in call.keywords)


def _pickler(node: ast.Import | ast.ImportFrom, path: str) -> bool:
    if path == WEIGHTS and ast.unparse(node) == "import pickle":
        return False  # to name the error that torch.load raises
    names = (
        [node.module or ""] if isinstance(node, ast.ImportFrom) else [a.name for a in node.names]
    )
    from_torch = isinstance(node, ast.ImportFrom) and node.module == "torch"
    loads = from_torch and any(alias.name == "load" for alias in node.names)
    return loads or any(name.split(".")[0] in PICKLERS for name in names)


RULES: dict[str, Rule] = {
    "body_length": body_length,
    "class_size": class_size,
    "file_length": file_length,
    "file_name": file_name,
    "first_line": first_line,
    "foreign_code": foreign_code,
    "keywords": keywords,
    "nesting": nesting,
    "parameters": parameters,
    "printing": printing,
    "raises_section": raises_section,
    "source_line": source_line,
}
