"""Decides whether a module's output is a true cut, by poisoning all that came before."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from regraft.backbones.splicing.calling import call
from regraft.backbones.splicing.cut import Cut
from regraft.backbones.splicing.graph import sources
from regraft.backbones.splicing.stubs import Forward, out_of_place, replaced, replay
from regraft.backbones.splicing.study import Study
from regraft.backbones.splicing.tree import mapped, primary

TOLERANCE = 1e-5
"""Largest difference to the whole output, as a share of its largest value."""
ATTEMPTS = 8
"""How often what is skipped may be narrowed down before a candidate is refused."""


@dataclass(frozen=True)
class Finding:
    """A cut that holds, with the parameters that the network still reads above it."""

    cut: Cut
    above: frozenset[str]


@dataclass(frozen=True)
class Poisoning:
    """What came out of one poisoned forward pass.

    Args:
        finding: What holds if nothing crosses.
        crossing: Paths of skipped modules whose output the network needs above the cut.
        equal: Whether the output was that of the whole network.
    """

    finding: Finding
    crossing: frozenset[str]
    equal: bool


def examine(study: Study, path: str) -> Finding | None:
    """Returns the finding on cutting behind a module, or None when it is no cut.

    All that ended before is skipped. What is then missed above the cut is left running where
    that costs nothing of the frozen prefix: modules without parameters, and side channels
    that do not depend on the batch's content. Anything else that is missed refuses the cut.
    """
    stubs = frozenset(study.cover("", path))
    for _ in range(ATTEMPTS):
        outcome = _attempt(study, path, stubs=stubs)
        if outcome is not None and outcome.equal and not outcome.crossing:
            return outcome.finding
        fewer = _narrowed(study, path, stubs=stubs, missed=outcome.crossing if outcome else None)
        if fewer is None:
            return None
        stubs = fewer
    return None


def _narrowed(
    study: Study, path: str, *, stubs: frozenset[str], missed: frozenset[str] | None
) -> frozenset[str] | None:
    """Leaves out of the stubs what may run; None when something else is missed."""
    if not missed:
        # An error, or a value that crosses without a gradient: only modules with parameters
        # have to be skipped.
        stateful = stubs & study.outline.stateful
        return stateful if stateful < stubs else None
    fewer = set(stubs - missed)
    for crossing in missed & study.outline.stateful - study.contentless:
        if not _holds_side_channel(study, crossing):
            return None
        fewer.update(study.cover(crossing, path))
    return frozenset(fewer)


def _holds_side_channel(study: Study, path: str) -> bool:
    inside = set(study.outline.below(path)) - {path}
    return bool(inside & study.outline.stateful & study.contentless)


def _attempt(study: Study, path: str, *, stubs: frozenset[str]) -> Poisoning | None:
    """Returns the outcome, with dense stubs where thin ones fail; None when both fail."""
    for dense in (False, True):
        try:
            return _poisoning(study, _cut(study, path, stubs=stubs, dense=dense))
        except Exception:
            # Whatever a library raises when it is fed with poison: this is not a cut.
            continue
    return None


def _cut(study: Study, path: str, *, stubs: frozenset[str], dense: bool) -> Cut:
    end = study.recording.end(path)
    early = (
        name
        for name, module in study.outline.modules.items()
        if getattr(module, "inplace", False) is True
        and any(made.start < end for made in study.recording.calls[name])
    )
    return Cut(path=path, end=end, stubs=tuple(sorted(stubs)), early=tuple(early), dense=dense)


def _poisoning(study: Study, cut: Cut) -> Poisoning:
    """Runs the whole forward with poison below the cut and sees what reaches the output."""
    modules = study.outline.modules
    marks = {path: torch.tensor(float("nan"), requires_grad=True) for path in cut.stubs}
    forwards = [
        (modules[path], _poisoned(study, path, mark=mark, dense=cut.dense))
        for path, mark in marks.items()
    ]
    forwards.append((modules[cut.path], _entry(study, cut)))
    output = _output(study, forwards, early=[modules[path] for path in cut.early])
    reached = sources(output.grad_fn)
    return Poisoning(
        finding=Finding(cut, study.named(reached)),
        crossing=frozenset(path for path, mark in marks.items() if id(mark) in reached),
        equal=_is_close(output, study.reference),
    )


def _output(
    study: Study, forwards: list[tuple[nn.Module, Forward]], *, early: list[nn.Module]
) -> Tensor:
    with ExitStack() as stack:
        stack.enter_context(replaced(forwards))
        stack.enter_context(out_of_place(early))
        output = primary(call(study.network, study.batch))
    assert output is not None, "the whole output had a floating tensor"
    return output


def _poisoned(study: Study, path: str, *, mark: Tensor, dense: bool) -> Forward:
    """Returns a forward that gives marked NaN, and other whole numbers than recorded."""
    made = [call.output for call in study.recording.calls[path]]
    return replay([mapped(output, _poison(mark, dense=dense), kind=Tensor) for output in made])


def _poison(mark: Tensor, *, dense: bool) -> Callable[[Tensor], Tensor]:
    def poison(value: Tensor) -> Tensor:
        if not value.is_floating_point():
            # Small numbers: a large index would end a CUDA process instead of raising.
            return (value == 0).to(value.dtype)
        wide = (mark.to(value.device, value.dtype) * 1).expand(value.shape)
        return wide.clone() if dense else wide

    return poison


def _entry(study: Study, cut: Cut) -> Forward:
    """Returns the forward of the module at the cut: its activation, all else poisoned."""
    outcome = study.recording.calls[cut.path][-1].output
    activation = primary(outcome)
    poison = _poison(torch.tensor(float("nan")), dense=cut.dense)

    def place(value: Tensor) -> Tensor:
        return value.clone() if value is activation else poison(value)

    return replay([mapped(outcome, place, kind=Tensor)])


def _is_close(output: Tensor, reference: Tensor) -> bool:
    if output.shape != reference.shape:
        return False
    precision = max(TOLERANCE, 8 * torch.finfo(reference.dtype).eps)
    limit = precision * max(1.0, float(reference.abs().max()))
    # A comparison with NaN is false, so poison in the output refuses the cut too.
    return float((output.detach() - reference).abs().max()) <= limit
