"""Decides the shapes of what a skipped module would give, from those seen before."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from regraft.backbones.backbone import Batch
from regraft.backbones.splicing.calling import frame, rows_and_tokens
from regraft.backbones.splicing.recording import Recording, at_rest, record
from regraft.backbones.splicing.tree import leaves, mapped

REMEMBERED = 32
"""Input shapes whose recordings are kept; the oldest goes first."""


@dataclass(frozen=True)
class Sketch:
    """A tensor without its content.

    Args:
        extents: Each a number, `B`, `T` or `BT`, or `?` where no rule was found.
        dtype: The type of its elements.
    """

    extents: tuple[int | str, ...]
    dtype: torch.dtype

    def shape(self) -> tuple[int, ...]:
        """Returns the extents of a sketch that has only numbers."""
        assert all(isinstance(extent, int) for extent in self.extents)
        return tuple(int(extent) for extent in self.extents)


Outputs = dict[str, list[Any]]
"""Sketches of the outputs of each module by path, one entry a call."""


def sketched(output: Any) -> Any:
    """Returns the same structure with a sketch in the place of each tensor."""
    return mapped(output, lambda tensor: Sketch(tuple(tensor.shape), tensor.dtype), kind=Tensor)


class Shapes:
    """Knows the outputs' shapes of every module for batches of any size.

    Args:
        network: The network, recorded again for sizes that follow from no rule.
        example: The batch of the first recording.
        rules: Sketches that follow B and T of a batch with the frame of the example.
    """

    def __init__(self, network: nn.Module, example: Batch, *, rules: Outputs) -> None:
        self._network = network
        self._frame = frame(example)
        self._rules = rules
        self._seen: dict[Any, Outputs] = {}

    def of(self, paths: Sequence[str], batch: Batch) -> Outputs:
        """Returns sketches with numbers only, for some modules fed with a batch."""
        if frame(batch) == self._frame:
            rules = {path: self._rules[path] for path in paths}
            if not any(_has_unknown(rule) for rule in rules.values()):
                return {path: _filled(rule, batch) for path, rule in rules.items()}
        recorded = self._recorded(batch)
        return {path: recorded[path] for path in paths}

    def _recorded(self, batch: Batch) -> Outputs:
        key = tuple((name, tuple(batch[name].shape)) for name in sorted(batch))
        if key not in self._seen:
            with at_rest(self._network, graph=False):
                self._seen[key] = outputs(record(self._network, batch, note=sketched))
            # Under autocast torch 2.9 would go on with the casts of a pass that has no graph:
            # the weights behind them would get no gradient.
            torch.clear_autocast_cache()
            if len(self._seen) > REMEMBERED:
                del self._seen[next(iter(self._seen))]
        return self._seen[key]


def outputs(recording: Recording) -> Outputs:
    """Returns the outputs in a recording that was taken with `sketched`."""
    return {path: [call.output for call in calls] for path, calls in recording.calls.items()}


def learned(first: Outputs, second: Outputs, *, batches: tuple[Batch, Batch]) -> Outputs:
    """Returns the rules that agree with two recordings at different B and T."""
    sizes = (rows_and_tokens(batches[0]), rows_and_tokens(batches[1]))
    return {path: _rule(first[path], second[path], sizes=sizes) for path in first}


Sizes = tuple[tuple[int, int], tuple[int, int]]


def _rule(first: list[Any], second: list[Any], *, sizes: Sizes) -> list[Any]:
    others = [leaf for leaf in leaves(second) if isinstance(leaf, Sketch)]
    mine = [leaf for leaf in leaves(first) if isinstance(leaf, Sketch)]
    if len(mine) != len(others) or len(first) != len(second):
        return [Sketch(("?",), torch.float32)]
    turns = iter(others)
    rule = mapped(first, lambda sketch: _joined(sketch, next(turns), sizes=sizes), kind=Sketch)
    assert isinstance(rule, list)
    return rule


def _joined(sketch: Sketch, other: Sketch, *, sizes: Sizes) -> Sketch:
    if len(sketch.extents) != len(other.extents):
        return replace(sketch, extents=("?",))
    pairs = zip(sketch.shape(), other.shape(), strict=True)
    return replace(sketch, extents=tuple(_extent(pair, sizes) for pair in pairs))


def _extent(pair: tuple[int, int], sizes: Sizes) -> int | str:
    """Finds the rule of one extent; B and T grow by different amounts, so only one fits."""
    if pair[0] == pair[1]:
        return pair[0]
    (rows, tokens), (more_rows, more_tokens) = sizes
    rules = {
        (rows, more_rows): "B",
        (tokens, more_tokens): "T",
        (rows * tokens, more_rows * more_tokens): "BT",
    }
    return rules.get(pair, "?")


def _has_unknown(rule: list[Any]) -> bool:
    sketches = (leaf for leaf in leaves(rule) if isinstance(leaf, Sketch))
    return any("?" in sketch.extents for sketch in sketches)


def _filled(rule: list[Any], batch: Batch) -> list[Any]:
    rows, tokens = rows_and_tokens(batch)
    numbers = {"B": rows, "T": tokens, "BT": rows * tokens}

    def fill(sketch: Sketch) -> Sketch:
        extents = tuple(e if isinstance(e, int) else numbers[e] for e in sketch.extents)
        return replace(sketch, extents=extents)

    filled = mapped(rule, fill, kind=Sketch)
    assert isinstance(filled, list)
    return filled


def unruly(first: Outputs) -> Outputs:
    """Returns rules that know nothing, so that every shape of a batch is recorded."""
    return {path: [Sketch(("?",), torch.float32)] for path in first}
