"""Makes a chain from any network: records it, tests its cuts, shares out its parameters."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from torch import Tensor, nn

from regraft.backbones.backbone import Batch
from regraft.backbones.chain import Block, Chain, Position
from regraft.backbones.splicing.calling import as_batch
from regraft.backbones.splicing.candidates import candidates, ends_block, owned_between, units
from regraft.backbones.splicing.cut import Cut
from regraft.backbones.splicing.graph import sources
from regraft.backbones.splicing.outline import ancestors, parent
from regraft.backbones.splicing.ownership import Ownership, ownership
from regraft.backbones.splicing.poison import Finding, examine
from regraft.backbones.splicing.recording import at_rest
from regraft.backbones.splicing.study import Study, study, unsteady


def splice(
    network: nn.Module, example: Batch | tuple[Tensor, ...], *, inner: bool = False
) -> Chain:
    """Returns the chain of a network: where it can be cut, and what lies between the cuts.

    Nothing is known of any architecture: the network runs a few times in `eval()` mode and
    is left as it was. A module's output is a position when everything that ran before it can
    be replaced by NaN without a trace in the output.

    Args:
        network: A trunk of transformers, timm or torchvision, or a module of the user's own.
        example: A small batch, at the smallest size that the network takes: the time grows
            with it. Two rows of eight tokens, or of 64 pixels a side, are enough.
        inner: Whether to offer the positions inside units as well.

    Raises:
        BackboneError: When the example is no batch, or the network makes no finite floating
            output of it.
    """
    batch = as_batch(example)
    with at_rest(network, graph=True):
        seen = study(network, batch)
        paths = candidates(seen, inner=inner)
        findings = _findings(seen, paths)
        return _chain(seen, findings)


def _findings(seen: Study, paths: Sequence[str]) -> list[Finding]:
    """Returns what holds at positions 0..P, given candidates from last to first."""
    top = Finding(Cut("", seen.whole.end), frozenset())
    bottom = Finding(Cut("", -1), seen.named(sources(seen.whole.node)))
    kept = [top]
    for path in paths:
        end = seen.recording.end(path)
        # With no parameter up to the next position both are one; the later one is kept.
        if not owned_between(seen, start=end, stop=kept[-1].cut.end):
            continue
        if not owned_between(seen, start=-1, stop=end):
            break
        finding = examine(seen, path)
        if finding is None or finding.above == bottom.above:
            continue
        if finding.above != kept[-1].above:
            kept.append(finding)
        elif _borrowed(seen, finding) < _borrowed(seen, kept[-1]):
            # A layer that runs on both sides of the upper one keeps its prefix from standing.
            kept[-1] = finding
    return [bottom, *reversed(kept)]


def _borrowed(seen: Study, finding: Finding) -> frozenset[str]:
    """Returns the parameters that the network reads on both sides of a cut."""
    node = seen.recording.calls[finding.cut.path][-1].node
    return seen.named(sources(node)) & finding.above


def _chain(seen: Study, findings: list[Finding]) -> Chain:
    owners = ownership(seen, findings)
    cuts = tuple(finding.cut for finding in findings)
    holders = {above for cut in cuts if cut.path for above in ancestors(parent(cut.path))}
    return Chain(
        network=seen.network,
        positions=tuple(
            _position(seen, index, findings=findings) for index in range(len(findings))
        ),
        blocks=_told_apart(_block(seen, i, owners=owners) for i in range(len(findings) - 1)),
        unsteady=unsteady(seen, sorted(holders)),
        cuts=cuts,
        shapes=seen.shapes,
    )


def _position(seen: Study, index: int, *, findings: list[Finding]) -> Position:
    if index == 0:
        return Position(0, "input")
    if index == len(findings) - 1:
        return Position(index, "output")
    path = findings[index].cut.path
    return Position(
        index=index,
        name=path,
        block_level=ends_block(seen, path),
        borrowed=tuple(sorted(_borrowed(seen, findings[index]))),
    )


def _block(seen: Study, index: int, *, owners: Ownership) -> Block:
    parameters = tuple(name for name, block in owners.parameters.items() if block == index)
    sizes = {name: p.numel() for name, p in seen.network.named_parameters()}
    return Block(
        index=index,
        name=_block_name(seen, {name: sizes[name] for name in parameters}),
        parameters=parameters,
        buffers=tuple(name for name, block in owners.buffers.items() if block == index),
        modules=tuple(path for path, block in owners.modules.items() if block == index),
        size=sum(sizes[name] for name in parameters),
    )


def _told_apart(blocks: Iterable[Block]) -> tuple[Block, ...]:
    """Returns blocks with different names: a tied weight is of one unit, and may lie in two."""
    found: list[Block] = []
    for block in blocks:
        names = [each.name.partition(" ")[0] for each in found]
        again = names.count(block.name)
        name = f"{block.name} ({again + 1})" if again else block.name
        found.append(replace(block, name=name))
    return tuple(found)


def _block_name(seen: Study, sizes: dict[str, int]) -> str:
    """Returns the smallest unit that holds the most of a block's parameters."""

    def merit(path: str) -> tuple[int, int]:
        inside = sum(size for name, size in sizes.items() if name.startswith(f"{path}."))
        return inside, -seen.outline.sizes[path]

    best = max(units(seen.outline), key=merit, default="")
    # Tables used under another name (tied embeddings) and loose parameters have no unit.
    if best and merit(best)[0]:
        return best
    loose = next(iter(sizes), "output")
    return parent(loose) or loose
