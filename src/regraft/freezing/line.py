"""Decides what of a network may move, from a chain, a line and what is frozen above it."""

from dataclasses import dataclass
from types import MethodType

from torch import nn

from regraft.backbones.chain import Chain
from regraft.backbones.graft import Grafted


@dataclass(frozen=True)
class Above:
    """Parts of the trunk that are frozen wherever the line is; they stay in the graph.

    Args:
        parameters: Names of parameters.
        modules: Paths of modules: their mode and buffers; their parameters are named apart.
    """

    parameters: frozenset[str] = frozenset()
    modules: frozenset[str] = frozenset()

    def __or__(self, other: "Above") -> "Above":
        """Returns what either freezes."""
        return Above(self.parameters | other.parameters, self.modules | other.modules)


NOTHING = Above()


@dataclass(frozen=True)
class Frozen:
    """All of the trunk that stands still.

    Args:
        line: Blocks 0..line-1 have no backward pass at all.
        parameters: Names of parameters, below the line and above.
        buffers: Names of buffers, below and above.
        modules: Paths of modules, below and above.
        below: Paths of the modules below the line.
    """

    line: int
    parameters: frozenset[str]
    buffers: frozenset[str]
    modules: frozenset[str]
    below: frozenset[str]


def of_blocks(chain: Chain, numbers: frozenset[int]) -> Above:
    """Returns what freezes whole blocks that need not lie below a line."""
    blocks = [chain.blocks[number] for number in sorted(numbers)]
    return Above(
        frozenset(name for block in blocks for name in block.parameters),
        frozenset(name for block in blocks for name in block.modules),
    )


def frozen_at(chain: Chain, *, line: int, above: Above = NOTHING) -> Frozen:
    """Returns what stands still with the line at a position.

    What the network reads on both sides of the line belongs to a block above, but has to
    stand still too: else the frozen prefix would answer differently from step to step.

    Args:
        chain: The trunk's blocks.
        line: 0..P.
        above: What is frozen besides.
    """
    under = of_blocks(chain, frozenset(range(line)))
    whole = under | above | Above(frozenset(chain.positions[line].borrowed))
    buffers = {n for block in chain.blocks[:line] for n in block.buffers}
    held = {n for block in chain.blocks for n in block.buffers if _owner(n) in above.modules}
    return Frozen(line, whole.parameters, frozenset(buffers | held), whole.modules, under.modules)


def held_blocks(chain: Chain, above: Above) -> frozenset[int]:
    """Returns the numbers of the blocks that have weights, all of them frozen from above.

    Args:
        chain: The trunk's blocks.
        above: What is frozen wherever the line is.
    """
    return frozenset(
        block.index
        for block in chain.blocks
        if block.parameters and above.parameters.issuperset(block.parameters)
    )


def move_line(network: Grafted, chain: Chain, *, line: int, above: Above = NOTHING) -> None:
    """Freezes every block of the trunk below the line, what is named above, nothing else.

    A frozen parameter's gradient is None, so that no optimiser, weight decay or momentum
    touches it.

    Args:
        network: The grafted network; its head always moves.
        chain: The trunk's blocks.
        line: Blocks 0..line-1 are frozen; 0 freezes nothing, P the whole trunk.
        above: What is frozen besides, wherever the line is.
    """
    let_move(network.trunk, but=still_at(chain, line=line, above=above))
    network.train()


def still_at(chain: Chain, *, line: int, above: Above = NOTHING) -> Above:
    """Returns the weights that stand still with the line at a position, and the modules that rest.

    What holds blocks on both sides of the line and drops units by code of its own does not
    do so above the line either.

    Args:
        chain: The trunk's blocks.
        line: 0..P.
        above: What is frozen besides.
    """
    frozen = frozen_at(chain, line=line, above=above)
    return Above(frozen.parameters, frozen.modules | (chain.unsteady if line else frozenset()))


def let_move(trunk: nn.Module, *, but: Above) -> None:
    """Lets everything of a trunk move but what is named, and drops all gradients.

    Gradients, norm and dropout modes and the refusal of `train()` change together here
    and nowhere else; those that may move take their mode at the next `train()`.

    Args:
        trunk: The library's own module.
        but: What stands still.
    """
    for name, parameter in trunk.named_parameters():
        # Whole numbers have no gradient: they never move.
        whole = not (parameter.is_floating_point() or parameter.is_complex())
        parameter.requires_grad_(not whole and name not in but.parameters)
        parameter.grad = None
    for path, module in trunk.named_modules():
        _hold(module, still=path in but.modules)


def _owner(name: str) -> str:
    """Returns the path of the module that holds a parameter or buffer itself."""
    return name.rpartition(".")[0]


def _hold(module: nn.Module, *, still: bool) -> None:
    """Puts a module into evaluation for good, or gives it its own `train()` back."""
    module.__dict__.pop("train", None)
    if still:
        # Not `eval()`: what hangs below it may be free to move.
        module.training = False
        module.__dict__["train"] = MethodType(_stay, module)


def _stay(module: nn.Module, mode: bool = True) -> nn.Module:
    """Answers `train()` for a frozen module: it stays, and hands the call on to its parts."""
    for child in module.children():
        child.train(mode)
    return module
