"""Decides which leaves of an autograd graph a tensor was made from."""

from typing import Any

from torch.autograd.graph import Node


def sources(node: Node | None) -> set[int]:
    """Returns the `id` of every leaf tensor that the node's output depends on.

    Dependence without a gradient (comparisons, `argmax`, `detach`) is not seen.
    """
    found: set[int] = set()
    seen: set[Any] = set()
    waiting = [node] if node is not None else []
    while waiting:
        current = waiting.pop()
        if current in seen:
            continue
        seen.add(current)
        leaf = getattr(current, "variable", None)
        if leaf is not None:
            found.add(id(leaf))
        waiting.extend(below for below, _ in current.next_functions if below is not None)
    return found
