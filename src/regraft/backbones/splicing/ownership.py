"""Decides which block each parameter, buffer and module belongs to, from the cuts."""

from collections.abc import Sequence
from dataclasses import dataclass

from regraft.backbones.splicing.outline import ancestors, parent
from regraft.backbones.splicing.poison import Verdict
from regraft.backbones.splicing.study import Study


@dataclass(frozen=True)
class Ownership:
    """Number of the block of each parameter, buffer and module, by name.

    Args:
        parameters: Every parameter: the last block that reads it; where none does, the block
            in which its module ran.
        buffers: Every buffer: the block of its module.
        modules: Every module that lies in one block; those that span several are left out.
    """

    parameters: dict[str, int]
    buffers: dict[str, int]
    modules: dict[str, int]


def ownership(study: Study, verdicts: Sequence[Verdict]) -> Ownership:
    """Returns who belongs where, for the verdicts on positions 0..P in order."""
    parameters = {
        name: _last_reader(study, verdicts, name)
        for name, _ in study.network.named_parameters()
    }
    leaves = {
        path: _block_of_module(study, verdicts, parameters, path=path)
        for path in study.outline.modules
    }
    return Ownership(
        parameters=parameters,
        buffers={name: leaves[parent(name)] for name, _ in study.network.named_buffers()},
        modules=_undivided(study, leaves, parameters),
    )


def _last_reader(study: Study, verdicts: Sequence[Verdict], name: str) -> int:
    readers = [index for index, verdict in enumerate(verdicts) if name in verdict.above]
    return max(readers) if readers else _block_in_time(study, verdicts, parent(name))


def _block_in_time(study: Study, verdicts: Sequence[Verdict], path: str) -> int:
    """Returns the block in which a module, or what holds it, ended for the last time."""
    caller = next(above for above in ancestors(path) if study.recording.calls[above])
    end = study.recording.end(caller)
    return next(i for i, verdict in enumerate(verdicts[1:]) if end <= verdict.cut.end)


def _block_of_module(
    study: Study, verdicts: Sequence[Verdict], parameters: dict[str, int], *, path: str
) -> int:
    """Returns the last block of a module's own parameters, or the one in which it ran."""
    own = study.outline.modules[path].named_parameters(path, recurse=False)
    # A tied parameter is listed under its first name only.
    blocks = [parameters[name] for name, _ in own if name in parameters]
    return max(blocks) if blocks else _block_in_time(study, verdicts, path)


def _undivided(
    study: Study, leaves: dict[str, int], parameters: dict[str, int]
) -> dict[str, int]:
    """Leaves out every module whose subtree lies in more than one block."""
    spans: dict[str, set[int]] = {path: set() for path in leaves}
    for path, block in leaves.items():
        holds = study.outline.children[path] and path not in study.outline.owners
        for above in ancestors(path):
            if not holds:
                spans[above].add(block)
    for name, block in parameters.items():
        for above in ancestors(parent(name)):
            spans[above].add(block)
    return {path: next(iter(span)) for path, span in spans.items() if len(span) == 1}
