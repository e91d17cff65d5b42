"""Makes structures of the same form from nested outputs of a network."""

import copy
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from torch import Tensor

T = TypeVar("T")
PLAIN = (type(None), bool, int, float, str)


def mapped(value: Any, function: Callable[[T], Any], *, kind: type[T]) -> Any:
    """Returns the same structure with each leaf of one kind replaced.

    Tuples, named tuples, lists, dicts and their descendants (transformers' `ModelOutput`)
    are gone through in order; anything else is kept as it is.

    Args:
        value: Tensors or other leaves in nested containers.
        function: Makes the new leaf from the old one; called from first to last.
        kind: The type of the leaves to replace.
    """
    if isinstance(value, kind):
        return function(value)
    if isinstance(value, dict):
        fresh = copy.copy(value)
        for key in list(value):
            fresh[key] = mapped(value[key], function, kind=kind)
        return fresh
    if isinstance(value, (tuple, list)):
        items = [mapped(item, function, kind=kind) for item in value]
        return type(value)(*items) if hasattr(value, "_fields") else type(value)(items)
    return value


def leaves(value: Any) -> Iterator[Any]:
    """Returns everything in nested containers that is no container, in order."""
    if isinstance(value, dict):
        value = tuple(value.values())
    if isinstance(value, (tuple, list)):
        for item in value:
            yield from leaves(item)
    else:
        yield value


def is_plain(value: Any) -> bool:
    """Says whether a structure holds only tensors, numbers, words and None."""
    return all(isinstance(leaf, (Tensor, *PLAIN)) for leaf in leaves(value))


def tensors(value: Any) -> list[Tensor]:
    """Returns the tensors of a structure, in order."""
    return [leaf for leaf in leaves(value) if isinstance(leaf, Tensor)]


def primary(value: Any) -> Tensor | None:
    """Returns the first floating tensor of a structure: what a head reads, or None."""
    return next((leaf for leaf in tensors(value) if leaf.is_floating_point()), None)
