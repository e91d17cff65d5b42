"""Makes all that is to be known of a network before it is cut, from a few forwards."""

from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor, nn

from regraft.backbones.backbone import Batch
from regraft.backbones.splicing.calling import altered, call, enlarged
from regraft.backbones.splicing.outline import Outline, outline
from regraft.backbones.splicing.recording import Call, Recording, cloned, record
from regraft.backbones.splicing.shapes import Outputs, Shapes, learned, outputs, sketched, unruly
from regraft.backbones.splicing.tree import is_plain, primary, tensors
from regraft.errors import BackboneError


@dataclass(frozen=True)
class Study:
    """What was seen of a network.

    Args:
        network: The network, at rest while it is studied.
        batch: The example.
        outline: Its modules.
        recording: One forward pass of the example.
        contentless: Paths of modules whose outputs do not depend on the batch's content:
            tables of relative positions and norms over them.
        shapes: Shapes of outputs for other batches.
    """

    network: nn.Module
    batch: Batch
    outline: Outline
    recording: Recording
    contentless: frozenset[str]
    shapes: Shapes

    @cached_property
    def whole(self) -> Call:
        """The call of the network itself."""
        call = self.recording.once("")
        assert call is not None, "a network does not call itself"
        return call

    @cached_property
    def reference(self) -> Tensor:
        """What a head would read of the whole output."""
        leading = primary(self.whole.output)
        assert leading is not None, "`study` has checked it"
        return leading

    @cached_property
    def names(self) -> dict[int, str]:
        """The name of each parameter by its `id`."""
        return {id(value): name for name, value in self.network.named_parameters()}

    def named(self, ids: set[int]) -> frozenset[str]:
        """Returns the names of those leaf tensors that are parameters."""
        return frozenset(self.names[number] for number in ids if number in self.names)

    def cover(self, within: str, cut: str) -> list[str]:
        """Returns the largest modules below a path that ended before a cut did."""
        found: list[str] = []
        for child in self.outline.children[within]:
            if child == cut:
                continue
            if self._skippable(child) and self.recording.end(child) < self.recording.end(cut):
                found.append(child)
            else:
                found.extend(self.cover(child, cut))
        return found

    def _skippable(self, path: str) -> bool:
        calls = self.recording.calls[path]
        return bool(calls) and all(is_plain(call.output) for call in calls)


def study(network: nn.Module, batch: Batch) -> Study:
    """Returns what three forward passes show of a network that is at rest.

    Raises:
        BackboneError: When the output has no floating tensor, or one that is not finite.
    """
    recording = record(network, batch, note=cloned)
    leading = primary(recording.calls[""][-1].output)
    if leading is None or not bool(leading.isfinite().all()):
        raise BackboneError(
            f"{type(network).__name__} gives no finite numbers for the example",
            expected="a network whose output holds a floating tensor",
        )
    return Study(
        network=network,
        batch=batch,
        outline=outline(network),
        recording=recording,
        contentless=_contentless(recording, record(network, altered(batch), note=cloned)),
        shapes=Shapes(network, batch, rules=_rules(network, batch, recording=recording)),
    )


def unsteady(seen: Study, containers: Collection[str]) -> frozenset[str]:
    """Returns the modules whose own code does something else in training than at rest.

    Dropout as a function, without a layer of its own, is the usual case. The parts of these
    modules stay at rest meanwhile.

    Args:
        seen: The network, at rest.
        containers: Paths of the modules to look at.
    """
    if _answers_alike(seen, containers):
        return frozenset()
    return frozenset(path for path in containers if not _answers_alike(seen, (path,)))


def _answers_alike(seen: Study, paths: Collection[str]) -> bool:
    """Says whether the network answers as before, and draws nothing, with some in training."""
    modules = [seen.outline.modules[path] for path in paths]
    drawn = torch.get_rng_state()
    for module in modules:
        module.training = True
    try:
        with torch.no_grad():
            found = primary(call(seen.network, seen.batch))
    except Exception:
        # It asks in training for what an example of inputs lacks (labels, a history).
        return False
    finally:
        for module in modules:
            module.training = False
    if found is None or found.shape != seen.reference.shape:
        return False
    # Without a graph another kernel may round differently.
    alike = torch.allclose(found, seen.reference, rtol=1e-3, atol=1e-4)
    return alike and torch.equal(drawn, torch.get_rng_state())


def _contentless(one: Recording, other: Recording) -> frozenset[str]:
    return frozenset(
        path for path in one.calls if one.calls[path] and _equal(one.calls[path], other.calls[path])
    )


def _equal(one: list[Call], other: list[Call]) -> bool:
    mine = tensors([call.output for call in one])
    theirs = tensors([call.output for call in other])
    return len(mine) == len(theirs) and all(map(torch.equal, mine, theirs))


def _rules(network: nn.Module, batch: Batch, *, recording: Recording) -> Outputs:
    first = {
        path: [sketched(call.output) for call in calls] for path, calls in recording.calls.items()
    }
    larger = enlarged(batch)
    try:
        second = outputs(record(network, larger, note=sketched))
    except Exception:
        # A network of one fixed size says so in its own way; each shape is then recorded.
        return unruly(first)
    return learned(first, second, batches=(batch, larger))
