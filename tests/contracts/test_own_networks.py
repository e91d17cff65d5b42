"""A program's own network is trained, saved and loaded, whatever its form."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
import torch
from torch import Tensor, nn

import regraft
from tests import tiny

SPEC = regraft.ImageSpec(tiny.SIDE, (0.5,) * 3, (0.25,) * 3)


class Net(nn.Module):
    """A network of two convolutions."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 3, stride=4), nn.ReLU())
        self.top = nn.Sequential(nn.Conv2d(8, 8, 3), nn.ReLU())

    def forward(self, pixels: Tensor) -> Tensor:
        found: Tensor = self.top(self.stem(pixels)).mean(dim=(2, 3))
        return found


class Versioned(Net):
    """Refuses a state that does not say its version, as torchvision's MNASNet does."""

    _version = 2

    def _load_from_state_dict(self, state: Any, prefix: str, metadata: Any, *rest: Any) -> None:
        if metadata.get("version") != 2:
            raise ValueError(f"version should be set to 2 instead of {metadata.get('version')}")
        super()._load_from_state_dict(state, prefix, metadata, *rest)


class Twice(Net):
    """Has a module under two names, which runs twice."""

    def __init__(self) -> None:
        super().__init__()
        self.again = self.top

    def forward(self, pixels: Tensor) -> Tensor:
        found: Tensor = self.again(self.top(self.stem(pixels))).mean(dim=(2, 3))
        return found


class Tied(Net):
    """Has one weight in two layers."""

    def __init__(self) -> None:
        super().__init__()
        self.last = nn.Conv2d(8, 8, 3)
        self.last.weight = cast(nn.Conv2d, self.top[0]).weight

    def forward(self, pixels: Tensor) -> Tensor:
        found: Tensor = self.last(self.top(self.stem(pixels))).mean(dim=(2, 3))
        return found


class Masked(Net):
    """Has infinities in a buffer, as masks of attention do."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mask", torch.full((3, 3), float("-inf")).triu(1))


class Counted(Net):
    """Has a parameter of whole numbers, which no gradient can move."""

    def __init__(self) -> None:
        super().__init__()
        self.index = nn.Parameter(torch.arange(4), requires_grad=False)


class Keeping(Net):
    """Keeps what its largest pass made, as tables of rotary positions are kept."""

    kept = torch.ones(1, 1, 1, 1)

    def forward(self, pixels: Tensor) -> Tensor:
        if len(pixels) > len(self.kept):
            self.kept = torch.full((len(pixels), 1, 1, 1), 2.0) / 2
        found: Tensor = self.top(self.stem(pixels) * self.kept[: len(pixels)]).mean(dim=(2, 3))
        return found


class Deriving(Net):
    """Keeps in evaluation what it makes of a weight, as LeViT and TinyViT of timm do."""

    def __init__(self) -> None:
        super().__init__()
        self.biases = nn.Parameter(torch.zeros(8))
        self.kept: dict[str, Tensor] = {}

    def train(self, mode: bool = True) -> "Deriving":
        self.kept = {} if mode else self.kept
        return super().train(mode)

    def _apply(self, *given: Any, **named: Any) -> Any:
        self.kept = {}
        return super()._apply(*given, **named)  # type: ignore[no-untyped-call]

    def forward(self, pixels: Tensor) -> Tensor:
        biases = self.biases[torch.arange(8).flip(0)]
        if not self.training:
            biases = self.kept.setdefault("biases", biases)
        found: Tensor = (self.top(self.stem(pixels)) + biases[:, None, None]).mean(dim=(2, 3))
        return found


class Dropping(Net):
    """Drops units by code of its own, between two layers and without a layer for it."""

    def __init__(self) -> None:
        super().__init__()
        self.middle = nn.Sequential(nn.Conv2d(8, 8, 3, padding=1), nn.ReLU())

    def forward(self, pixels: Tensor) -> Tensor:
        dropped = nn.functional.dropout(self.stem(pixels), 0.5, self.training)
        found: Tensor = self.top(self.middle(dropped)).mean(dim=(2, 3))
        return found


@pytest.mark.parametrize("cache", [True, False])
def test_dropout_without_a_layer_does_not_reach_into_what_is_frozen(
    cache: bool, tmp_path: Path
) -> None:
    torch.manual_seed(0)
    mine = Dropping()
    backbone = regraft.open_module(mine, SPEC)
    options: Any = {"baselines": False, "epochs": 2, "strategy": "full", "freeze": 2, "lr": 0.01}
    data = tiny.toy_pixels(220)
    regraft.fit(data, out=tmp_path / "run", backbone=backbone, cache=cache, **options)
    assert regraft.verify(tmp_path / "run")["holds"]


FORMS = [Versioned, Twice, Tied, Masked, Counted, Keeping, Deriving, Dropping]
STRATEGIES = ["full+average", "two-stage", "auto"]
OFTEN = {
    "full+average": (Masked, Counted, Deriving),  # which an average would spoil, or stand still
    "two-stage": (Twice, Tied, Dropping),  # which reach over a line
    "auto": (Versioned, Keeping),  # which are put back and copied for each trial
}
"""The strategy under which each form is tried at each change: where it is hardest."""


def pair(kind: type[Net], strategy: str) -> Any:
    marks = () if kind in OFTEN[strategy] else pytest.mark.slow
    return pytest.param(kind, strategy, marks=marks, id=f"{kind.__name__}-{strategy}")


@pytest.mark.parametrize(
    ("kind", "strategy"), [pair(kind, strategy) for kind in FORMS for strategy in STRATEGIES]
)
def test_networks_of_other_forms_are_fitted_loaded_and_asked(
    kind: type[Net], strategy: str, tmp_path: Path
) -> None:
    torch.manual_seed(0)
    mine = kind()
    backbone = regraft.open_module(mine, SPEC)
    rows = 40 if strategy == "two-stage" else 220
    data = tiny.toy_pixels(rows)
    options: Any = {"baselines": False, "epochs": 1, "strategy": strategy, "lr": 0.01}
    regraft.fit(data, out=tmp_path / "run", backbone=backbone, **options)
    model = regraft.load(tmp_path / "run", network=mine)
    assert model.predict_proba(list(data[0][:3])).shape == (3, 2)
    assert regraft.verify(tmp_path / "run")["holds"]


def flat(channels: int) -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(channels * 28 * 28, 8), nn.ReLU())


def small(channels: int) -> nn.Module:
    stem = nn.Sequential(nn.Conv2d(channels, 4, 3, stride=4), nn.ReLU())
    return nn.Sequential(stem, nn.Flatten(), nn.Linear(4 * 7 * 7, 8), nn.ReLU())


class Repeating(nn.Module):
    """Takes grey images and shows its stem the same channel three times."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 3, stride=4)
        self.last = nn.Linear(4, 8)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        states = torch.relu(self.stem(images.repeat(1, 3, 1, 1)))
        return torch.relu(self.last(states.mean((2, 3))))


def repeating(channels: int) -> nn.Module:
    return Repeating() if channels == 1 else small(channels)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("make", [flat, small, repeating])
def test_small_networks_of_one_size_are_fitted_and_loaded(
    make: Callable[[int], nn.Module], channels: int, tmp_path: Path
) -> None:
    torch.manual_seed(0)
    mine = make(channels)
    spec = regraft.ImageSpec(28, (0.5,) * channels, (0.25,) * channels, channels=channels)
    data = tiny.toy_pixels(220, grey=True)
    options: Any = {"baselines": False, "epochs": 1, "strategy": "full", "lr": 0.01}
    backbone = regraft.open_module(mine, spec)
    regraft.fit(data, out=tmp_path / "run", backbone=backbone, **options)
    model = regraft.load(tmp_path / "run", network=mine)
    assert model.predict_proba(list(data[0][:3])).shape == (3, 2)
