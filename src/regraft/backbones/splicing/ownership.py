"""Decides which block each parameter, buffer and module belongs to, from the cuts."""

from collections.abc import Sequence
from dataclasses import dataclass

from regraft.backbones.splicing.outline import ancestors, parent
from regraft.backbones.splicing.poison import Finding
from regraft.backbones.splicing.study import Study


@dataclass(frozen=True)
class Ownership:
    """Number of the block of each parameter, buffer and module, by name.

    Args:
        parameters: Every parameter: the last block that reads it; where none does, the block
            in which its module ran.
        buffers: Every buffer: the block of its module.
        modules: Every module: the last block of what it holds, or in which it ran.
    """

    parameters: dict[str, int]
    buffers: dict[str, int]
    modules: dict[str, int]


def ownership(study: Study, findings: Sequence[Finding]) -> Ownership:
    """Returns who belongs where, for the findings on positions 0..P in order."""
    parameters = {
        name: _last_reader(study, name, findings=findings)
        for name, _ in study.network.named_parameters()
    }
    modules = _blocks_of_modules(study, findings, parameters=parameters)
    return Ownership(
        parameters=parameters,
        buffers={name: modules[parent(name)] for name, _ in study.network.named_buffers()},
        modules=modules,
    )


def _last_reader(study: Study, name: str, *, findings: Sequence[Finding]) -> int:
    readers = [index for index, finding in enumerate(findings) if name in finding.above]
    return max(readers) if readers else _block_in_time(study, parent(name), findings=findings)


def _block_in_time(study: Study, path: str, *, findings: Sequence[Finding]) -> int:
    """Returns the block in which a module, or what holds it, ended for the last time."""
    caller = next(above for above in ancestors(path) if study.recording.calls[above])
    end = study.recording.end(caller)
    return next(i for i, finding in enumerate(findings[1:]) if end <= finding.cut.end)


def _blocks_of_modules(
    study: Study, findings: Sequence[Finding], *, parameters: dict[str, int]
) -> dict[str, int]:
    blocks: dict[str, int] = {}
    # Backwards, so that what a module holds comes before it.
    for path in reversed(study.outline.modules):
        found = [blocks[child] for child in study.outline.children[path]]
        own = study.outline.modules[path].named_parameters(path, recurse=False)
        # A tied parameter is listed under its first name only.
        found += [parameters[name] for name, _ in own if name in parameters]
        if not found or (study.recording.calls[path] and path not in study.outline.owners):
            found.append(_block_in_time(study, path, findings=findings))
        blocks[path] = max(found)
    return blocks
