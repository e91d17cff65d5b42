"""The starters' real weights, spliced at every position, are the whole network."""

import pytest
import torch
from torch import Tensor

from regraft.backbones.open import open_backbone
from regraft.backbones.splice import splice
from tests.contracts.small_networks import images, texts
from tests.contracts.splicing_promise import check_everywhere

pytestmark = pytest.mark.real
STARTERS: dict[str, tuple[dict[str, Tensor], int]] = {
    "starter:minilm": (texts(2, 8), 7),
    "starter:multilingual-e5-small": (texts(2, 8), 13),
    "starter:efficientnet-lite0": (images(2, 64), 18),
    "starter:mobilenet-v2": (images(2, 64), 19),
    "starter:vgg16": (images(2, 64), 13),
}


@pytest.mark.parametrize("name", sorted(STARTERS))
@pytest.mark.parametrize("train", [False, True], ids=["eval", "train"])
def test_a_starter_is_the_same_spliced_anywhere(name: str, train: bool) -> None:
    batch, top = STARTERS[name]
    network = open_backbone(name).network
    for module in network.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    chain = splice(network, batch)
    assert chain.top == top
    check_everywhere(chain, batch, train=train)


@pytest.mark.parametrize("name", sorted(STARTERS))
def test_a_starter_is_spliced_within_five_forwards_a_position(name: str) -> None:
    batch, top = STARTERS[name]
    network = open_backbone(name).network
    forwards = 0

    def count(*_: object) -> None:
        nonlocal forwards
        forwards += 1

    hook = network.register_forward_pre_hook(count)
    splice(network, batch)
    hook.remove()
    assert forwards <= 5 * top
