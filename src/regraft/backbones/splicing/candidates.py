"""Decides which modules are worth testing as places to cut a network."""

from collections.abc import Iterator

from torch import nn

from regraft.backbones.splicing.outline import Outline, ancestors, parent
from regraft.backbones.splicing.study import Study
from regraft.backbones.splicing.tree import is_plain, primary

LISTS = (nn.Sequential, nn.ModuleList, nn.ModuleDict)
STAGE_SHARE = 0.3
"""A module with more of the parameters may hold repeated units worth going through."""
WRAPPER_SHARE = 0.8
"""A module with more of the parameters is the network itself in a wrapper."""


def candidates(seen: Study, *, inner: bool) -> list[str]:
    """Returns paths of modules whose output may be all that crosses, from last to first.

    Args:
        seen: The network's forward pass; only modules called once are taken, with a floating
            output that depends on the batch's content, and no dropout themselves.
        inner: Whether to go below the level of blocks.
    """
    found = [
        path
        for path in units(seen.outline, inner=inner)
        if _is_cuttable(seen, path) and (inner or ends_block(seen, path))
    ]
    return sorted(found, key=seen.recording.end, reverse=True)


def ends_block(seen: Study, path: str) -> bool:
    """Says whether a module's end is the end of a stem, a unit or a stage.

    Not so inside a unit, nor where a norm beside it is still to come (between a convolution
    and its batch norm, before the last norm of a transformer).
    """
    if not all(_is_list_of_units(seen.outline, above) for above in ancestors(parent(path))):
        return False
    following = _next_owner(seen, path)
    if following is None or not _is_norm(seen.outline, following):
        return True
    return parent(following) not in ancestors(parent(path))


def owned_between(seen: Study, *, start: int, stop: int) -> bool:
    """Says whether a module with parameters of its own ran after one event, up to another."""
    return any(
        start < call.start and call.end <= stop
        for path in seen.outline.owners
        for call in seen.recording.calls[path]
    )


def units(outline: Outline, path: str = "", *, inner: bool = False) -> Iterator[str]:
    """Returns the paths of stems, units and stages below a path; of all modules on request."""
    for child in outline.children[path]:
        yield child
        if inner or _is_list_of_units(outline, child):
            yield from units(outline, child, inner=inner)


def _is_list_of_units(outline: Outline, path: str) -> bool:
    """Says whether a module's children are units, or hold them, rather than parts of one."""
    if not path:
        return True
    if isinstance(outline.modules[path], LISTS):
        # A row of layers within a list (convolution, norm, activation) is a unit itself.
        within = path.count(".") and isinstance(outline.modules[parent(path)], LISTS)
        return not within or any(outline.children[child] for child in outline.children[path])
    share, layers = _shares(outline, path)
    if min(share, layers) > WRAPPER_SHARE:
        return True
    return layers > STAGE_SHARE and any(_holds_units(outline, p) for p in outline.below(path))


def _shares(outline: Outline, path: str) -> tuple[float, float]:
    """Returns a module's share of the parameters, and of those outside tables of embeddings.

    A table for a hundred languages has four times the parameters of all layers together: it
    would make a trifle of the encoder, and a wrapper of the embeddings.
    """
    layers = {p: outline.sizes[p] - outline.tables[p] for p in ("", path)}
    share = outline.sizes[path] / max(outline.sizes[""], 1)
    return share, layers[path] / max(layers[""], 1)


def _holds_units(outline: Outline, path: str) -> bool:
    found = [
        child
        for child in outline.children[path]
        if outline.children[child] and child in outline.stateful
    ]
    return isinstance(outline.modules[path], LISTS) and len(found) > 1


def _is_cuttable(seen: Study, path: str) -> bool:
    module, call = seen.outline.modules[path], seen.recording.once(path)
    # A cut after dropout would put it into the frozen prefix, where it stands still.
    if call is None or "drop" in type(module).__name__.lower():
        return False
    floating = is_plain(call.output) and primary(call.output) is not None
    return floating and path not in seen.contentless


def _next_owner(seen: Study, path: str) -> str | None:
    end = seen.recording.end(path)
    later = [
        (call.start, owner)
        for owner in seen.outline.owners
        for call in seen.recording.calls[owner]
        if call.start > end
    ]
    return min(later)[1] if later else None


def _is_norm(outline: Outline, path: str) -> bool:
    leaf = not any(child in outline.stateful for child in outline.children[path])
    return leaf and "norm" in type(outline.modules[path]).__name__.lower()
