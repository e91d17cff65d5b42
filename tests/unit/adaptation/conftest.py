"""Makes what a preparation is given, on tiny networks."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from regraft.adaptation.preparation import Given
from regraft.backbones.open import open_backbone
from regraft.data.images import PixelRows
from regraft.data.spec import ImageSpec, TextSpec
from regraft.data.texts import encode_texts
from tests import tiny

Give = Callable[[], Given]


@pytest.fixture
def pictures(resnet: Path) -> Give:
    """Bright pictures as source, dim ones as target, for a network with batch norms."""

    def make() -> Given:
        backbone = open_backbone(str(resnet))
        assert isinstance(backbone.spec, ImageSpec)
        pixels = tiny.toy_pixels(40)[0]
        rows = PixelRows(pixels, backbone.spec)
        dim = PixelRows((pixels // 3 + 60)[:24], backbone.spec)
        val = rows.take(np.arange(4))
        return Given(backbone.network.eval(), backbone.spec, rows, val, dim, seed=3)

    return make


@pytest.fixture
def texts(bert: Path) -> Give:
    """Texts of two kinds, for a network without batch norms."""

    def make() -> Given:
        backbone = open_backbone(str(bert))
        assert isinstance(backbone.spec, TextSpec)
        source = encode_texts(tiny.toy_texts(40)[0], backbone.spec)
        target = encode_texts(tiny.texts_elsewhere(24)[0], backbone.spec)
        val = source.take(np.arange(4))
        return Given(backbone.network.eval(), backbone.spec, source, val, target, seed=3)

    return make
