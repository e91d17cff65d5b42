"""Makes what is frozen above the line from words: kinds of layers, patterns of names."""

from collections.abc import Iterable
from fnmatch import fnmatchcase

from torch import nn
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.modules.conv import _ConvNd

from regraft.errors import SettingsError, nearest
from regraft.freezing.line import NOTHING, Above

KINDS = ("conv", "embedding", "norm")
"""Kinds of layers that have a name of their own; everything else is a pattern."""
NORMS = (_NormBase, nn.LayerNorm, nn.GroupNorm, nn.RMSNorm, nn.LocalResponseNorm)


def above_of(trunk: nn.Module, words: Iterable[str]) -> Above:
    """Returns the parts of the trunk that the words name.

    A pattern is compared with the paths of modules and the names of parameters, as the
    state dict spells them: `encoder.layer.0`, `encoder.layer.*.attention`, `*.bias`. A module
    that matches is frozen with all that it holds.

    Args:
        trunk: The library's own module.
        words: `conv`, `norm`, `embedding`, or patterns with `*`, `?` and `[...]`.

    Raises:
        SettingsError: If a word matches nothing, or all of them leave nothing to train.
    """
    found = NOTHING
    for word in words:
        found = found | _matched(trunk, word)
    if found.parameters and found.parameters >= {name for name, _ in trunk.named_parameters()}:
        raise SettingsError(
            "--freeze names every layer of the network: only the head would be trained",
            hint="--strategy head",
        )
    return found | Above(modules=_without_free_weights(trunk, found.parameters))


def _without_free_weights(trunk: nn.Module, frozen: frozenset[str]) -> frozenset[str]:
    """Returns the modules whose own weights are all frozen: their statistics rest too."""
    found, first = set(), _first_names(trunk)
    for path, module in trunk.named_modules():
        here = f"{path}." if path else ""
        own = {first[here + name] for name, _ in module.named_parameters(recurse=False)}
        if path and own and own <= frozen:
            found.add(path)
    return frozenset(found)


def is_norm(module: nn.Module) -> bool:
    """Says whether a module is a norm layer; some libraries write their own, named so."""
    return isinstance(module, NORMS) or type(module).__name__.endswith(("Norm", "Norm2d"))


def all_but(trunk: nn.Module, moving: set[str], *, word: str) -> Above:
    """Returns all of the trunk but some parameters, and the modules that hold none of these.

    Args:
        trunk: The library's own module.
        moving: Names of the parameters that move.
        word: What was typed, for the message.

    Raises:
        SettingsError: If nothing would move.
    """
    if not moving:
        raise SettingsError(
            f"{word} leaves nothing of {type(trunk).__name__} to move: it has no such weights",
            hint="--strategy head",
        )
    owners = {name.rpartition(".")[0] for name in moving}
    frozen = {name for name, _ in trunk.named_parameters()} - moving
    # Not what holds nothing, such as dropout: it stays as it was asked for.
    named = (*trunk.named_parameters(), *trunk.named_buffers())
    paths = {name.rpartition(".")[0] for name, _ in named} - {""}
    return Above(frozenset(frozen), frozenset(paths - owners))


def _matched(trunk: nn.Module, word: str) -> Above:
    paths = [path for path, module in trunk.named_modules() if path and _is(word, path, module)]
    first = _first_names(trunk)
    parameters = [first[name] for name in first if fnmatchcase(name, word)]
    if not paths and not (parameters and word not in KINDS):
        raise _nothing(trunk, word)
    modules = {p for p, _ in trunk.named_modules() if p and _inside(p, paths)}
    held = {first[name] for name in first if _inside(name, paths)}
    return Above(frozenset(held | set(parameters)), frozenset(modules))


def _first_names(trunk: nn.Module) -> dict[str, str]:
    """Returns what each parameter is listed as, by all its names: modules may share it."""
    listed = {parameter: name for name, parameter in trunk.named_parameters()}
    every = trunk.named_parameters(remove_duplicate=False)
    return {name: listed[parameter] for name, parameter in every}


def _is(word: str, path: str, module: nn.Module) -> bool:
    if word == "conv":
        return isinstance(module, _ConvNd)
    if word == "embedding":
        return isinstance(module, nn.Embedding)
    if word == "norm":
        return is_norm(module)
    return fnmatchcase(path, word)


def _inside(name: str, paths: list[str]) -> bool:
    return any(name == path or name.startswith(path + ".") for path in paths)


def _nothing(trunk: nn.Module, word: str) -> SettingsError:
    names = [path for path, _ in trunk.named_modules() if path]
    names += [name for name, _ in trunk.named_parameters()]
    near = nearest(word, [*names, *(kind for kind in KINDS if kind != word)])
    return SettingsError(
        f"--freeze {word} matches nothing in {type(trunk).__name__}",
        expected="a number of blocks, conv, norm, embedding, or a pattern such as encoder.layer.0",
        hint=f"--freeze {near}" if near else "regraft plan lists the blocks",
    )
