"""Every strategy on the starters' real weights, the line anywhere: the proof holds."""

import pytest

from regraft.backbones.open import open_backbone
from regraft.freezing.threshold import Rule
from regraft.training.session import Session
from tests.contracts.freezing_promise import CASES, line_at, session_around, worked
from tests.contracts.small_networks import images, texts

pytestmark = pytest.mark.real
TEXTS = ("starter:minilm", "starter:multilingual-e5-small")
IMAGES = ("starter:efficientnet-lite0", "starter:mobilenet-v2", "starter:vgg16")


def session_on(name: str, threshold: Rule | None = None) -> Session:
    """Returns a session on a starter that has done nothing yet."""
    opened = open_backbone(name)
    batch = texts(2, 8) if name in TEXTS else images(2, 64)
    pooling = opened.architecture.pooling
    return session_around(opened.network, batch, pooling=pooling, threshold=threshold)


@pytest.mark.parametrize(("strategy", "place"), CASES)
@pytest.mark.parametrize("name", [*TEXTS, *IMAGES])
def test_the_proof_holds(name: str, strategy: str, place: str) -> None:
    made = session_on(name)
    assert worked(made, strategy, line_at(made, place)) == []


@pytest.mark.parametrize("name", [*TEXTS, *IMAGES])
def test_the_proof_holds_where_all_blocks_freeze_on_the_way(name: str) -> None:
    made = session_on(name, threshold=Rule(1e9))
    assert worked(made, "full", 0) == []
    assert made.still == frozenset(range(made.top))
