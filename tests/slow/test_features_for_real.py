"""On real weights a row's features do not depend on what stands beside it, bit for bit."""

import numpy as np
import pytest
import torch

from regraft.backbones.graft import Grafted, make_head
from regraft.backbones.modes import Mode
from regraft.backbones.open import open_backbone
from regraft.backbones.splice import splice
from regraft.data.encode import Encoded
from regraft.data.images import PixelRows
from regraft.data.spec import ImageSpec
from regraft.features.level import Level, chunks
from tests.contracts.small_networks import images, texts
from tests.tiny_sessions import token_rows

pytestmark = pytest.mark.real
TEXTS = ("starter:minilm", "starter:multilingual-e5-small")
IMAGES = ("starter:efficientnet-lite0", "starter:mobilenet-v2", "starter:vgg16")
ROWS = 40


def some_rows(spec: object) -> Encoded:
    generator = np.random.default_rng(3)
    if isinstance(spec, ImageSpec):
        pixels = generator.integers(0, 256, (ROWS, 64, 64, 3)).astype(np.uint8)
        return PixelRows(pixels, spec)
    lengths = generator.integers(3, 90, ROWS)
    return token_rows([generator.integers(5, 3000, length).tolist() for length in lengths])


def made(level: Level, rows: Encoded) -> list[bytes]:
    found = [b""] * len(rows)
    for chunk in chunks(rows):
        arrays = level.pass_through(rows, chunk)
        for index, array in zip(chunk.indices.tolist(), arrays, strict=True):
            found[index] = array.tobytes()
    return found


@pytest.mark.parametrize("place", ["middle", "top"])
@pytest.mark.parametrize("name", [*TEXTS, *IMAGES])
def test_neighbours_leave_no_trace(name: str, place: str) -> None:
    backbone = open_backbone(name)
    chain = splice(backbone.network, texts(2, 8) if name in TEXTS else images(2, 64))
    head = make_head("linear", backbone.width, classes=2, generator=torch.Generator())
    network = Grafted(backbone.network, head, pooling=backbone.architecture.pooling)
    line = chain.top if place == "top" else chain.top // 2
    level = Level(network, chain, line, backbone.spec, Mode())
    rows = some_rows(backbone.spec)
    together = made(level, rows)
    order = np.random.default_rng(4).permutation(ROWS)
    assert made(level, rows.take(order)) == [together[index] for index in order.tolist()]
    for index in (0, 17, 39):
        assert made(level, rows.take(np.array([index]))) == [together[index]]
