"""Makes any strategy move small matrices beside the trunk's own, added at the end.

Source: Hu, Shen, Wallis, Allen-Zhu, Li, Wang, Wang and Chen 2021, "LoRA: Low-Rank Adaptation
of Large Language Models", arXiv 2106.09685; the implementation is that of the library peft.
"""

import re
from collections import Counter
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import nn

from regraft.errors import SettingsError
from regraft.freezing.line import Above
from regraft.freezing.patterns import all_but
from regraft.strategies.options import check_options
from regraft.training.phase import Phase

MARK = "lora_"
"""In the names of the matrices that move."""
MOST = 4096
"""A layer of a usual network is narrower."""


@dataclass(frozen=True)
class Lora:
    """W x becomes W x + α/r · B A x, equation 3 of the paper; W stands still.

    Every plain linear layer and ungrouped convolution of the trunk gets its pair, unless its
    W is used in several places, where one pair would stand beside one of them; B starts at
    nought. At the end α/r · B A is added to W in fp32, so that the network that is saved
    has the library's own layers and nothing else.

    Args:
        rank: r.
        alpha: α.
    """

    rank: int = 8
    alpha: int = 16
    rate_share: ClassVar[float] = 5.0

    def __post_init__(self) -> None:
        expected = f"a whole number from 1 to {MOST}"
        check_options(
            "+lora",
            ("rank", self.rank, 1 <= self.rank <= MOST, expected),
            ("alpha", self.alpha, 1 <= self.alpha <= MOST, expected),
        )

    def change(self, phases: list[Phase]) -> list[Phase]:
        """Returns the phases as they are."""
        return phases

    def graft(self, trunk: nn.Module, *, seed: int) -> None:
        """Puts the pairs beside the trunk's layers, in place.

        Raises:
            SettingsError: If peft is not installed, or no layer can have a pair.
        """
        try:
            from peft import LoraConfig, inject_adapter_in_model
        except ImportError as error:
            raise SettingsError(
                "+lora needs the library peft", hint="pip install 'regraft[lora]'"
            ) from error
        targets = _targets(trunk)
        if not targets:
            raise SettingsError(
                f"+lora finds no linear layer and no convolution in {type(trunk).__name__} whose "
                "weights are used in one place only",
                hint="--strategy without +lora",
            )
        # A pattern has to match the whole path; names in a list would match ends of paths too.
        pattern = "|".join(re.escape(path) for path in targets)
        config = LoraConfig(r=self.rank, lora_alpha=self.alpha, target_modules=f"(?:{pattern})")
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            inject_adapter_in_model(config, trunk)

    def held(self, trunk: nn.Module) -> Above:
        """Returns everything but the pairs."""
        moving = {name for name, _ in trunk.named_parameters() if MARK in name}
        return all_but(trunk, moving, word="+lora")

    def merge(self, trunk: nn.Module) -> None:
        """Adds the pairs to the layers that they stand beside, and takes them away."""
        from peft.tuners.tuners_utils import BaseTunerLayer

        layers = {p: m for p, m in trunk.named_modules() if isinstance(m, BaseTunerLayer)}
        for path, layer in layers.items():
            layer.merge(safe_merge=True)
            parent, _, name = path.rpartition(".")
            setattr(trunk.get_submodule(parent), name, layer.get_base_layer())


def _targets(trunk: nn.Module) -> list[str]:
    """Returns the paths of the layers that get a pair."""
    uses = Counter(id(p) for _, p in trunk.named_parameters(remove_duplicate=False))
    named = [(path, module) for path, module in trunk.named_modules() if path and _can(module)]
    return [path for path, module in named if uses[id(module.weight)] == 1]


def _can(module: nn.Module) -> bool:
    """Says whether a pair computes what the layer does: a subclass may do more."""
    if type(module) is nn.Conv2d:
        return module.groups == 1
    return type(module) is nn.Linear
