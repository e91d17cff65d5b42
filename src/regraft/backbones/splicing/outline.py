"""Makes an outline of a network's modules: who holds whom, and how many parameters."""

from collections.abc import Iterator
from dataclasses import dataclass

from torch import nn


@dataclass(frozen=True)
class Outline:
    """The tree of modules by path; the root's path is empty.

    Args:
        modules: Each module once, under its first path.
        children: The paths directly below each path.
        sizes: Number of parameters in the whole subtree of each path.
        tables: How many of these lie in tables of embeddings.
        owners: Paths of the modules that have entries of the state dict of their own.
        stateful: Paths whose subtree has any entry in the state dict.
    """

    modules: dict[str, nn.Module]
    children: dict[str, tuple[str, ...]]
    sizes: dict[str, int]
    tables: dict[str, int]
    owners: frozenset[str]
    stateful: frozenset[str]

    def below(self, path: str) -> Iterator[str]:
        """Returns every path in the subtree of a path, itself first."""
        yield path
        for child in self.children[path]:
            yield from self.below(child)


def outline(network: nn.Module) -> Outline:
    """Returns the outline of a network."""
    modules = dict(network.named_modules())
    children: dict[str, list[str]] = {path: [] for path in modules}
    for path in modules:
        if path:
            children[parent(path)].append(path)
    owners = {path for path, module in modules.items() if _has_own_state(module)}
    return Outline(
        modules=modules,
        children={path: tuple(paths) for path, paths in children.items()},
        sizes={path: _size(module) for path, module in modules.items()},
        tables={path: _table_size(module) for path, module in modules.items()},
        owners=frozenset(owners),
        stateful=frozenset(a for path in owners for a in ancestors(path)),
    )


def parent(path: str) -> str:
    """Returns the path of the module that holds a path.

    >>> parent("encoder.layer.0"), parent("encoder")
    ('encoder.layer', '')
    """
    return path.rpartition(".")[0]


def ancestors(path: str) -> Iterator[str]:
    """Returns a path and everything that holds it, the root last.

    >>> list(ancestors("encoder.layer"))
    ['encoder.layer', 'encoder', '']
    """
    yield path
    while path:
        path = parent(path)
        yield path


def _has_own_state(module: nn.Module) -> bool:
    # Buffers outside the state dict (rotary frequencies, token positions) are constants that
    # a suffix may compute again; those inside it (statistics of norms) may move.
    lasting = set(module._buffers) - module._non_persistent_buffers_set
    return any(p is not None for p in module._parameters.values()) or any(
        module._buffers[name] is not None for name in lasting
    )


def _size(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def _table_size(module: nn.Module) -> int:
    tables = [held for held in module.modules() if isinstance(held, nn.Embedding)]
    # By identity: tied tables are one.
    return sum({id(table.weight): table.weight.numel() for table in tables}.values())
